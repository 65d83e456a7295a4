"""Events of several beam particles: pulses that merge, hits in time, and the trigger."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.event import merge_light, passes_trigger, select_hits
from datasets.simulation.light import CellLight, Light
from datasets.simulation.model import Hits, Primaries
from datasets.simulation.stack import build_stack
from recon.geometry import Trigger

NAN = np.nan
SETUP = load_setup("na64e_2018")
STACK = build_stack(SETUP)


def primaries(event: list[int], time: list[float]) -> Primaries:
    n = len(event)
    zeros = np.zeros(n)
    is_trigger = np.array(time) == 0.0
    pdg = np.full(n, 11)
    return Primaries(
        np.array(event), np.array(time), pdg, is_trigger, zeros, zeros, zeros, zeros, zeros, zeros
    )


def cells(n: int, resolving: float) -> CellLight:
    return CellLight(np.zeros(n), np.zeros(n), np.full(n, resolving), np.full(n, -1))


def test_pulses_merge_by_hand() -> None:
    """Cell 0: 1 GeV at 0 and 3 GeV at 20 ns are one of 4 GeV at 15 ns; cell 1: the one in time."""
    light = Light(
        np.array([[1.0, 0.0, 2.0], [3.0, 5.0, 0.0], [9.0, 6.0, 0.0], [0.0, 0.0, 1.0]]),
        np.array([[0.0, NAN, 1.0], [20.0, 19.0, NAN], [60.0, 61.0, NAN], [NAN, NAN, 2.0]]),
    )
    merged = merge_light(light, primaries([0, 0, 0, 1], [0.0, 20.0, 60.0, 0.0]), cells(3, 25.0), 3)
    assert merged.energy.tolist() == [[4.0, 5.0, 2.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    assert np.array_equal(merged.time, [[15.0, 19.0, 1.0], [NAN, NAN, 2.0], [NAN, NAN, NAN]], equal_nan=True)


def test_an_empty_cell_shows_its_largest_late_pulse() -> None:
    light = Light(np.array([[0.0], [5.0], [6.0]]), np.array([[NAN], [40.0], [-60.0]]))
    merged = merge_light(light, primaries([0, 0, 0], [0.0, 40.0, -60.0]), cells(1, 25.0), 1)
    assert (merged.energy.item(), merged.time.item()) == (6.0, -60.0)


def triggers(ecal: list[float], preshower: list[float], time: list[float]) -> bool:
    """Return whether beam particles with these true energies [GeV] and times pass the trigger."""
    fraction = SETUP.detectors["ecal"].response.sampling_fraction
    energy = np.zeros((len(time), STACK.n_cells))
    first = STACK.columns["ecal"].start + 21  # cell (3, 3)
    energy[:, first] = np.array(preshower) * fraction
    energy[:, first + 36] = (np.array(ecal) - preshower) * fraction
    light = Light(energy, np.where(energy > 0, np.array(time)[:, None], NAN))
    return bool(passes_trigger(light, primaries([0] * len(time), time), STACK, SETUP, 1)[0])


@pytest.mark.parametrize(
    ("ecal", "preshower", "time", "passes"),
    [
        ([79.9], [5.0], [0.0], True),
        ([80.1], [5.0], [0.0], False),
        ([50.0], [0.29], [0.0], False),
        ([50.0], [0.31], [0.0], True),
        ([50.0, 100.0], [5.0, 5.0], [0.0, 24.0], False),  # pulses within 25 ns add up
        ([50.0, 100.0], [5.0, 5.0], [0.0, 26.0], True),
        ([50.0, 100.0], [0.1, 5.0], [0.0, 26.0], False),  # what comes later cannot fire the preshower
    ],
)
def test_trigger_of_the_setup(
    ecal: list[float], preshower: list[float], time: list[float], passes: bool
) -> None:
    assert triggers(ecal, preshower, time) is passes


def test_a_trigger_on_no_detector_is_refused() -> None:
    setup = replace(SETUP, trigger=Trigger(limits={"ecl_energy": (None, 80.0)}))
    light = Light(np.zeros((1, STACK.n_cells)), np.full((1, STACK.n_cells), NAN))
    with pytest.raises(ValueError, match="limits on 'ecl_energy'; known: ps_energy, srd_energy, ecal_energy"):
        passes_trigger(light, primaries([0], [0.0]), STACK, setup, 1)


def test_hits_out_of_time_are_not_read_out() -> None:
    beam = primaries([0, 0, 1], [0.0, 49.0, 0.0])._replace(time=np.array([0.0, 51.0, -49.0]))
    hits = Hits(np.array([2, 1, 0, 0]), np.array([0, 0, 3, 1]), np.arange(4.0), np.zeros(4))
    found = select_hits(hits, beam, SETUP, 3, np.random.default_rng(1))
    assert found.offsets.tolist() == [0, 2, 3, 3]
    assert found.plane.tolist() == [1, 3, 0]
    assert found.x.tolist() == [3.0, 2.0, 0.0]
    assert found.time.tolist() == [0.0, 0.0, -49.0]


def test_the_trigger_particle_is_not_always_the_first_hit() -> None:
    beam = primaries([0, 0], [0.0, 10.0])
    hits = Hits(np.array([0, 1]), np.array([0, 0]), np.zeros(2), np.zeros(2))
    first = [select_hits(hits, beam, SETUP, 1, np.random.default_rng(s)).time[0] for s in range(40)]
    assert 5 < np.count_nonzero(np.array(first) == 0.0) < 35
