"""Positrons: the peak of the resonance, a proton before a positron, and POKER from raw waveforms."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.conditions import ideal_conditions
from datasets.decode import Quantities
from datasets.digits import Digits, Waveforms
from datasets.layouts import load_layout
from datasets.setups import load_setup
from datasets.simulation.generator import Block, simulate_block
from datasets.simulation.plan import plan
from datasets.simulation.raw import digit_columns
from physics.dark_photon import invisible_width, resonance_energy
from processors.digits import calibrate_digits
from processors.positron import PositronProcessor
from processors.reconstruction import Measured, ReconstructionConfig, measure
from recon.geometry import Setup
from recon.srd import SrdTagConfig
from selections.cut import passes

SETUP, POKER = load_setup("na64pos_2022"), load_setup("poker_pilot")
SELECTION = PositronProcessor().selection_for(SETUP)
CONFIG = ReconstructionConfig(srd=SrdTagConfig(**SELECTION.params["srd"]))


def of_cells(block: Block, setup: Setup) -> Measured:
    """Reconstruct simulated cells."""
    n = block.n_events
    arrays = {"master_time": np.zeros(n), "event": np.arange(n)}
    for name, where in block.cells.items():
        arrays[f"{name}_cell_energy"] = block.merged.energy[:, where]
        arrays[f"{name}_cell_time"] = block.merged.time[:, where]
    return measure(Quantities(n, arrays, {}), load_layout("simulated"), setup, CONFIG)


def of_waveforms(block: Block, setup: Setup, read_as: Setup | None = None) -> Measured:
    """Make waveforms of cells, and reconstruct them."""
    c = digit_columns(block, setup, np.random.default_rng(1))
    digits = Digits(Waveforms(c["adc_offsets"], c["adc_channel"], c["adc_samples"]))
    n = block.n_events
    arrays = {"trigger_is_physics": np.ones(n, dtype=bool)}
    setup = read_as or setup
    found = calibrate_digits(Quantities(n, arrays, {}, digits), setup, ideal_conditions(setup))
    return measure(found, load_layout("raw"), setup, CONFIG)


@pytest.mark.parametrize("mass", [0.230, 0.264, 0.300])
def test_missing_energy_peaks_at_the_resonance(mass: float) -> None:
    """Within 1%, and as wide as Breit-Wigner and resolution; docs/modes/positron.md has more events."""
    block = simulate_block(plan(SETUP, "resonant_dark_photon", changes={"mass": mass}, has_pile_up=False), 0)
    missing = of_cells(block, SETUP).columns["missing_energy"]
    peak = resonance_energy(mass)
    half = peak * invisible_width(mass, 0.1, 1 / 3) / mass
    near = missing[np.abs(missing - peak) < 2.0 * half]
    assert np.median(near) == pytest.approx(peak, rel=0.01)
    # of a Breit-Wigner within 2 half widths, half of the events lie within tan(atan(2) / 2) = 0.618 of them
    low, high = np.percentile(near, [25, 75])
    assert 0.5 * (high - low) == pytest.approx(np.hypot(0.618 * half, 0.674), rel=0.2)


@pytest.fixture(scope="module")
def protons() -> Block:
    """Return 300 protons that fire the trigger, each before a positron."""
    return simulate_block(plan(SETUP, "early_proton", trigger="physics", has_pile_up=False), 0).first(300)


@pytest.mark.parametrize("level", ["simulated", "raw"])
def test_a_proton_before_a_positron_is_no_signal(level: str, protons: Block) -> None:
    """The proton fires the trigger and misses energy, the positron has the tag: not one event."""
    block = protons
    delay = block.pile_up.time
    assert ((delay > 0.0) & (delay < 150.0)).all()
    assert set(block.columns["truth_pdg"]) == {2212}
    assert set(block.pile_up.pdg) == {-11}
    found = (of_cells if level == "simulated" else of_waveforms)(block, SETUP)
    kept = {
        c.name: passes(c, found.columns, 300) for c in SELECTION.cuts if c.name in {"srd", "one_particle"}
    }
    is_missing = found.columns["missing_energy"] > 50.0
    late = delay > 25.0
    assert np.count_nonzero(is_missing & late) > 50
    assert not (kept["srd"] & late).any()
    assert not (is_missing & kept["srd"] & kept["one_particle"]).any()


@pytest.fixture(scope="module")
def poker() -> tuple[Block, Setup]:
    """Return 300 positrons of 20 GeV on the crystals."""
    magnets = tuple(replace(m, field=0.2 * m.field) for m in POKER.spectrometers["incoming"].magnets)
    line = replace(POKER.spectrometers["incoming"], magnets=magnets)
    beam = replace(POKER.beam, momentum=20.0)
    setup = replace(POKER, beam=beam, spectrometers={"incoming": line})
    return simulate_block(plan(setup, "electron", has_pile_up=False), 0).first(300), setup


def test_poker_resolves_what_it_aims_at_from_waveforms(poker: tuple[Block, Setup]) -> None:
    """2.5% / sqrt(E) (+) 0.5%, within 25%: photo-statistics, uniformity, noise and suppressed crystals."""
    block, setup = poker
    ratio = of_waveforms(block, setup).columns["ecal_energy"] / block.columns["truth_momentum"]
    assert np.isfinite(ratio).mean() > 0.9  # a waveform that is not understood makes the energy unknown
    ratio = ratio[np.abs(ratio - np.nanmedian(ratio)) < 0.05]
    low, middle, high = np.percentile(ratio, [15.87, 50, 84.13])
    assert middle == pytest.approx(1.0, abs=0.015)
    assert 0.5 * (high - low) == pytest.approx(np.hypot(0.025 / np.sqrt(20.0), 0.005), rel=0.25)


def test_preshower_is_all_four_layers(poker: tuple[Block, Setup]) -> None:
    block, setup = poker
    columns = of_cells(block, setup).columns
    layers = columns["ecal_section_energy"]
    assert columns["ps_energy"] == pytest.approx(layers[:, :4].sum(axis=1), nan_ok=True)
    assert columns["missing_energy"] == pytest.approx(20.0 - columns["ecal_energy"], nan_ok=True)
    assert np.nanmedian(columns["ps_energy"] / columns["ecal_energy"]) > 0.3  # 9 radiation lengths
