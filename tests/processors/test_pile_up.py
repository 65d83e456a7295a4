"""Two beam particles in one window of the converters: energies and the SRD tag belong to one of them."""

from typing import NamedTuple

import numpy as np
import pytest

from datasets.conditions import ideal_conditions
from datasets.decode import Quantities
from datasets.digits import Digits
from datasets.layouts import load_layout
from datasets.setups import load_setup
from datasets.simulation.light import Light
from datasets.simulation.waveforms import converter_tables, sample_light
from processors.digits import calibrate_digits
from processors.invisible import InvisibleProcessor
from processors.reconstruction import Measured, ReconstructionConfig, measure
from recon.srd import SrdTagConfig
from selections.cut import passes

SETUP = load_setup("na64e_2018")
SELECTION = InvisibleProcessor().selection_for(SETUP)


class Particle(NamedTuple):
    """What a particle leaves, true energies [GeV], and when [ns]."""

    time: float
    ecal: float
    hcal: float = 0.0
    srd: float = 0.0  # in each module


def electron(time: float = 0.0) -> Particle:
    return Particle(time, ecal=100.0, srd=0.010)


def proton(time: float = 0.0) -> Particle:
    return Particle(time, ecal=20.0, hcal=0.0)  # the rest leaves through a hole: the dangerous one


def see(*events: tuple[Particle, ...]) -> Measured:
    """Make waveforms of events and reconstruct them."""
    particles = [(index, particle) for index, event in enumerate(events) for particle in event]
    offsets = np.cumsum([0, *(detector.n_cells for detector in SETUP.detectors.values())])
    first = dict(zip(SETUP.detectors, offsets, strict=False))
    light = np.zeros((len(particles), offsets[-1]))
    for row, (_, particle) in enumerate(particles):
        ecal = SETUP.detectors["ecal"]
        middle = first["ecal"] + ecal.offsets[-2] + ecal.sections[-1].grid.n_cells // 2
        light[row, middle] = particle.ecal * ecal.response.sampling_fraction
        n_srd = SETUP.detectors["srd"].n_cells
        light[row, first["srd"] : first["srd"] + n_srd] = particle.srd
        for module in SETUP.detectors["hcal"].offsets[:-1]:
            light[row, first["hcal"] + module] = 0.002  # the noise of a counter that lives
    time = np.repeat([[particle.time] for _, particle in particles], light.shape[1], axis=1)
    waveforms = sample_light(
        Light(light, time),
        np.array([index for index, _ in particles]),
        len(events),
        converter_tables(SETUP),
        np.random.default_rng(1),
    )
    n = len(events)
    arrays = {"master_time": np.zeros(n), "trigger_is_physics": np.ones(n, dtype=bool)}
    quantities = calibrate_digits(
        Quantities(n, arrays, {}, Digits(waveforms)), SETUP, ideal_conditions(SETUP)
    )
    config = ReconstructionConfig(srd=SrdTagConfig(**SELECTION.params["srd"]))
    return measure(quantities, load_layout("raw"), SETUP, config)


def base_cuts(found: Measured) -> dict[str, list[bool]]:
    return {cut.name: passes(cut, found.columns, found.n_events).tolist() for cut in SELECTION.base_cuts}


def test_each_particle_alone_is_what_it_is() -> None:
    found = see((electron(),), (proton(),))
    assert found.columns["ecal_energy"] == pytest.approx([100.0, 20.0], rel=0.02)
    assert found.columns["ecal_out_of_time_energy"] == pytest.approx([0.0, 0.0], abs=1.0)
    assert base_cuts(found) == {"in_time": [True, True], "srd": [True, False]}


@pytest.mark.parametrize("delay", [40.0, 60.0, 100.0])
def test_an_early_proton_and_a_late_electron_are_not_one_event(delay: float) -> None:
    """The proton fires the trigger; with the electron's tag its 20 GeV would be missing energy."""
    found = see((proton(), electron(delay)))
    assert found.columns["ecal_energy"] == pytest.approx([20.0], rel=0.1)
    assert found.columns["ecal_pile_up_energy"] == pytest.approx([100.0], rel=0.05)
    assert not any(tag for tag in base_cuts(found)["srd"])


@pytest.mark.parametrize("delay", [10.0, 16.0, 20.0, 24.0])
def test_two_that_cannot_be_told_apart_do_not_miss_energy(delay: float) -> None:
    """Less than two sampling periods apart the shares of two pulses are not known, but their sum is."""
    found = see((proton(), electron(delay)))
    whole = found.columns["ecal_energy"] + found.columns["ecal_out_of_time_energy"]
    assert whole == pytest.approx([120.0], rel=0.02)
    is_tagged = all(passed[0] for passed in base_cuts(found).values())
    assert not is_tagged or found.columns["ecal_energy"][0] > 100.0


@pytest.mark.parametrize("delay", [40.0, 60.0, 100.0])
def test_an_electron_keeps_its_energy_after_an_early_proton(delay: float) -> None:
    found = see((electron(), proton(-delay)))
    assert found.columns["ecal_energy"] == pytest.approx([100.0], rel=0.02)
    assert base_cuts(found)["srd"] == [True]
