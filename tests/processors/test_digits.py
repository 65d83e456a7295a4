"""From raw digits to cells and hits: closure with the truth, and digits that are wrong."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.conditions import Conditions, ideal_conditions
from datasets.decode import Quantities
from datasets.digits import Digits, StrawDigits, StripDigits, Waveforms
from datasets.reader import ReadError
from datasets.setups import load_setup
from datasets.simulation.counters import sampling_phase
from datasets.simulation.generator import Block, PileUp, simulate_block
from datasets.simulation.light import Light
from datasets.simulation.plan import plan
from datasets.simulation.raw import digit_columns
from processors.digits import (
    calibrate_digits,
    conditions_of,
    fit_waveforms,
    refuse_spills,
    spills_in,
)
from recon.geometry import Setup

SETUP = load_setup("na64e_2018")


def quantities(block: Block, setup: Setup = SETUP, seed: int = 1) -> Quantities:
    c = digit_columns(block, setup, np.random.default_rng(seed))
    digits = Digits(
        Waveforms(c["adc_offsets"], c["adc_channel"], c["adc_samples"]),
        StripDigits(c["apv_offsets"], c["apv_detector"], c["apv_channel"], c["apv_samples"]),
        StrawDigits(c["straw_offsets"], c["straw_detector"], c["straw_number"], c["straw_time"]),
    )
    arrays = {"spill": np.ones(block.n_events), "trigger_is_physics": np.ones(block.n_events, dtype=bool)}
    return Quantities(block.n_events, arrays, {}, digits)


@pytest.fixture(scope="module")
def block() -> Block:
    return simulate_block(plan(SETUP, "electron", has_pile_up=False), 0)


@pytest.fixture(scope="module")
def found(block: Block) -> Quantities:
    return calibrate_digits(quantities(block), SETUP, ideal_conditions(SETUP))


def changed(detector: str, **changes: np.ndarray) -> Conditions:
    conditions = ideal_conditions(SETUP)
    cells = replace(conditions.detectors[detector], **changes)
    return replace(conditions, detectors={**conditions.detectors, detector: cells})


def test_times_are_right_whatever_the_phase_of_the_clock(block: Block, found: Quantities) -> None:
    """Half a sampling period of either sign: all cells move by it, and the master time takes it away."""
    master = found.arrays["master_time"]
    assert np.isfinite(master).all()
    phase = sampling_phase(SETUP, block.n_events, np.random.default_rng(1).spawn(5)[3])
    assert np.std(phase) == pytest.approx(12.5 / np.sqrt(12), rel=0.05)
    assert np.std(master - phase) < 0.3
    high = found.arrays["ecal_cell_energy"] * 0.1056 * 300.0 > 50.0  # ADC
    true = block.merged.time[:, block.cells["ecal"]]
    away = found.arrays["ecal_cell_time"] - true
    assert high.sum() > 1000
    assert np.std(away[high]) < 1.0
    assert np.std((away + master[:, None])[high]) > 3.0  # without the master time


def _crossed_by_two(block: Block, late: float) -> Block:
    """Return the block with one more particle in each event, seen by the counters alone."""
    n = block.n_events
    light = (
        np.concatenate([values, np.full_like(values, empty)])
        for values, empty in zip(block.light, (0.0, np.nan), strict=True)
    )
    order = np.argsort(np.tile(np.arange(n), 2), kind="stable")
    return block._replace(
        light=Light(*(values[order] for values in light)),
        primary_event=np.repeat(np.arange(n), 2),
        pile_up=PileUp(np.arange(n + 1), np.full(n, 11), np.full(n, 100.0), np.full(n, late)),
    )


@pytest.mark.parametrize("late", [-60.0, -40.0, 40.0, 60.0])
def test_another_particle_does_not_take_the_master_time(block: Block, found: Quantities, late: float) -> None:
    """The same phase as without it."""
    out = calibrate_digits(quantities(_crossed_by_two(block, late)), SETUP, ideal_conditions(SETUP))
    away = out.arrays["master_time"] - found.arrays["master_time"]
    assert np.isfinite(away).all()
    assert np.abs(away).max() < 3.0
    assert np.std(away) < 0.6
    assert out.damage["master_time_is_ambiguous"].mean() < 0.01


@pytest.mark.parametrize("late", [-18.0, 18.0])
def test_of_two_particles_close_to_each_other_none_gives_the_time(block: Block, late: float) -> None:
    """One sample between two starts and two numbers behind them are one too few for two pulses."""
    out = calibrate_digits(quantities(_crossed_by_two(block, late)), SETUP, ideal_conditions(SETUP))
    assert out.damage["master_time_is_ambiguous"].all()
    assert (out.arrays["master_time"] == 0.0).all()  # when the trigger is expected
    assert not out.damage["master_time_is_unknown"].any()


def _without_counters(block: Block, events: int) -> Quantities:
    """Return the digits of a block without the counters of its first events."""
    q = quantities(block)
    w = q.digits.waveforms
    assert w is not None
    event = np.repeat(np.arange(block.n_events), np.diff(w.offsets))
    kept = (w.channel < 117) | (event >= events)
    offsets = np.concatenate([[0], np.cumsum(kept)])[w.offsets]
    return q._replace(
        digits=q.digits._replace(waveforms=Waveforms(offsets, w.channel[kept], w.samples[kept]))
    )


def test_an_event_without_counters_is_counted_and_not_known(block: Block, found: Quantities) -> None:
    q = _without_counters(block, 5)
    out = calibrate_digits(q, SETUP, ideal_conditions(SETUP))
    assert out.damage["master_time_is_unknown"].tolist() == [1] * 5 + [0] * (block.n_events - 5)
    for name in SETUP.detectors:
        assert np.isnan(out.arrays[f"{name}_cell_energy"][:5]).all()
        assert np.array_equal(out.arrays[f"{name}_cell_energy"][5:], found.arrays[f"{name}_cell_energy"][5:])


def test_a_file_without_counters_states_the_master_time(block: Block) -> None:
    q = _without_counters(block, block.n_events)
    q.arrays["master_time"] = phase = sampling_phase(
        SETUP, block.n_events, np.random.default_rng(1).spawn(5)[3]
    )  # type: ignore[index]
    out = calibrate_digits(q, SETUP, ideal_conditions(SETUP))
    assert np.array_equal(out.arrays["master_time"], phase)
    assert not out.damage["master_time_is_unknown"].any()
    bright = block.merged.energy[:, block.cells["ecal"]] > 0.2
    away = out.arrays["ecal_cell_time"] - block.merged.time[:, block.cells["ecal"]]
    assert np.std(away[bright]) < 1.0


def test_energies_come_back(block: Block, found: Quantities) -> None:
    """Bright cells to the noise of one count; small ones are lost below the threshold of 6 counts."""
    visible = block.merged.energy[:, block.cells["ecal"]]
    energy = found.arrays["ecal_cell_energy"] * 0.1056
    bright = visible > 0.2  # 2 GeV
    assert bright.sum() > 1000
    assert np.median(energy[bright] / visible[bright]) == pytest.approx(1.0, abs=0.005)
    assert np.std(energy[bright] / visible[bright]) < 0.02
    assert (energy[visible < 0.01] == 0).mean() > 0.95
    total = found.arrays["ecal_cell_energy"].sum(axis=1)
    assert np.median(total) == pytest.approx(100.0, rel=0.02)


def test_times_come_back(block: Block, found: Quantities) -> None:
    bright = block.merged.energy[:, block.cells["ecal"]] > 0.2
    true = block.merged.time[:, block.cells["ecal"]]
    away = found.arrays["ecal_cell_time"][bright] - true[bright]
    assert abs(np.median(away)) < 0.1
    assert np.std(away) < 1.0


def test_hits_come_back(block: Block, found: Quantities) -> None:
    hits = found.hits["incoming"]
    for plane in range(4):
        mine, true = hits.plane == plane, block.hits.plane == plane
        assert mine.sum() == pytest.approx(true.sum(), rel=0.02)
    counts, true_counts = np.diff(hits.offsets), np.diff(block.hits.offsets)
    same = counts == true_counts
    assert same.mean() > 0.95
    event = np.repeat(np.arange(block.n_events), true_counts)
    chosen = same[event]
    mine = same[np.repeat(np.arange(block.n_events), counts)]
    away = hits.x[mine] - block.hits.x[chosen]
    assert np.percentile(np.abs(away), 68) == pytest.approx(0.1, abs=0.02)  # the plane's resolution


def test_a_second_pulse_is_pile_up() -> None:
    """Pile-up particles are out of time or apart from the trigger particle's pulse."""
    crowded = simulate_block(plan(SETUP, "electron"), 0)
    out = calibrate_digits(quantities(crowded), SETUP, ideal_conditions(SETUP))
    alone = np.diff(crowded.pile_up.offsets) == 0
    pile_up = out.arrays["ecal_pile_up_energy"]
    assert (pile_up[alone] < 1.0).mean() > 0.99
    assert (pile_up[~alone] > 50.0).mean() > 0.4


def test_a_bad_channel_stays_empty(block: Block) -> None:
    is_bad = np.zeros(72, dtype=bool)
    is_bad[36 + 21] = True
    conditions = changed(
        "ecal", is_bad=is_bad, gain=np.where(is_bad, np.nan, ideal_conditions(SETUP).detectors["ecal"].gain)
    )
    out = calibrate_digits(quantities(block), SETUP, conditions)
    assert (out.arrays["ecal_cell_energy"][:, 57] == 0).all()
    assert np.isfinite(out.arrays["ecal_cell_energy"]).all()
    assert np.median(out.arrays["ecal_cell_energy"].sum(axis=1)) < 40.0


def test_a_wrong_gain_scales_the_energy(block: Block, found: Quantities) -> None:
    gain = ideal_conditions(SETUP).detectors["hcal"].gain
    muons = simulate_block(plan(SETUP, "muon", has_pile_up=False), 0)
    q = quantities(muons)
    one = calibrate_digits(q, SETUP, ideal_conditions(SETUP)).arrays["hcal_cell_energy"]
    two = calibrate_digits(q, SETUP, changed("hcal", gain=1.2 * gain)).arrays["hcal_cell_energy"]
    assert two == pytest.approx(1.2 * one, rel=1e-6)
    assert np.median(one.sum(axis=1)) == pytest.approx(3 * 2.1, rel=0.1)  # hcal3 stands beside the beam


def test_led_factors_follow_the_drift_of_a_spill(block: Block, found: Quantities) -> None:
    """Energies and pile-up of cells with light, spill by spill; a spill without light is not known."""
    q = quantities(block)
    q.arrays["spill"] = np.where(np.arange(block.n_events) < 200, 1, 2)  # type: ignore[index]
    q.arrays["spill"][:50] = 3  # type: ignore[index]
    has_led = np.zeros(72, dtype=bool)
    has_led[57] = True  # the cell that the beam points at
    factor = np.where(has_led, np.array([[1.1], [0.9]]), 1.0)
    conditions = changed("ecal", led_factor=factor, has_led=has_led)
    others = {
        name: replace(cells, led_factor=np.ones((2, len(cells.gain))))
        for name, cells in conditions.detectors.items()
        if name != "ecal"
    }
    conditions = replace(
        conditions, detectors={**conditions.detectors, **others}, led_spills=np.array([1, 2])
    )
    cells = calibrate_digits(q, SETUP, conditions).arrays["ecal_cell_energy"]
    before = found.arrays["ecal_cell_energy"]
    assert np.isnan(cells[:50, 57]).all()
    # the correction for the sum's nonlinearity moves by 0.0045 ln(1.1)
    assert cells[50:200, 57] == pytest.approx(1.1 * before[50:200, 57], rel=1e-3)
    assert cells[200:, 57] == pytest.approx(0.9 * before[200:, 57], rel=1e-3)
    assert cells[50:, 50] == pytest.approx(before[50:, 50], rel=1e-3)  # without light: as it was
    del q.arrays["spill"]  # type: ignore[attr-defined]
    with pytest.raises(ReadError, match=r"LED factors for spills 1 to 2.*'spill'"):
        calibrate_digits(q, SETUP, conditions)


def _with(block: Block, first: int, channel: int, samples: np.ndarray) -> Quantities:
    """Put one more waveform at the beginning of event 0."""
    q = quantities(block)
    w = q.digits.waveforms
    assert w is not None
    offsets = w.offsets + 1
    offsets[0] = 0
    channels = np.insert(w.channel, first, channel).astype(np.int32)
    more = Waveforms(offsets, channels, np.insert(w.samples, first, samples, axis=0))
    return q._replace(digits=q.digits._replace(waveforms=more))


def test_an_unknown_channel_is_left_out(block: Block, found: Quantities) -> None:
    q = _with(block, 0, 9999, np.full(32, 4000, dtype=np.uint16))
    out = calibrate_digits(q, SETUP, ideal_conditions(SETUP))
    for name, values in found.arrays.items():
        assert np.array_equal(values, out.arrays[name], equal_nan=True), name


def test_a_channel_twice_is_not_known(block: Block) -> None:
    q = quantities(block)
    assert q.digits.waveforms is not None
    channel = int(q.digits.waveforms.channel[0])
    out = calibrate_digits(
        _with(block, 0, channel, q.digits.waveforms.samples[0]), SETUP, ideal_conditions(SETUP)
    )
    row = np.concatenate([out.arrays[f"{name}_cell_energy"][0] for name in SETUP.detectors])
    assert np.isnan(row[channel])


@pytest.mark.parametrize("value", [0, 4095])
def test_a_waveform_that_is_not_understood_is_not_known(block: Block, value: int) -> None:
    q = quantities(block)
    assert q.digits.waveforms is not None
    there = set(q.digits.waveforms.channel[: q.digits.waveforms.offsets[1]].tolist())
    channel = next(c for c in range(3, 75) if c not in there)
    out = calibrate_digits(
        _with(block, 0, channel, np.full(32, value, dtype=np.uint16)), SETUP, ideal_conditions(SETUP)
    )
    assert np.isnan(out.arrays["ecal_cell_energy"][0, channel - 3])


def test_events_of_a_bad_spill_are_no_physics(block: Block) -> None:
    q = quantities(block)
    q.arrays["spill"][:100] = 7  # type: ignore[index]
    conditions = replace(ideal_conditions(SETUP), bad_spills=np.array([7]))
    out = calibrate_digits(q, SETUP, conditions)
    assert not out.arrays["trigger_is_physics"][:100].any()
    assert out.arrays["trigger_is_physics"][100:].all()


def test_a_bad_spill_has_no_trigger_of_any_kind() -> None:
    """Without its physics bit alone, a closed trigger would become one of calibration."""
    arrays = {
        "run": np.array([1, 1, 2, 3]),
        "spill": np.array([5, 6, 6, 5]),
        "trigger_is_physics": np.ones(4, dtype=bool),
        "trigger_is_calibration": np.ones(4, dtype=bool),
    }
    is_bad = spills_in(arrays, {1: (5,), 2: None})
    assert is_bad.tolist() == [True, False, True, False]
    out = refuse_spills(Quantities(4, arrays, {}), is_bad)
    for trigger in ("trigger_is_physics", "trigger_is_calibration"):
        assert out.arrays[trigger].tolist() == [False, True, False, True]
    again = refuse_spills(out, np.array([True, True, False, False]))
    assert again.damage["spill_is_bad"].tolist() == [1, 1, 1, 0]


def test_conditions_of_a_simulation_follow_from_its_setup() -> None:
    assert conditions_of("na64e_2018", None, ()).digest == ideal_conditions(SETUP).digest


def test_straws_and_strips_make_hits_together() -> None:
    setup = load_setup("na64e_2022")
    block = simulate_block(plan(setup, "electron", has_pile_up=False), 0)
    out = calibrate_digits(quantities(block, setup), setup, ideal_conditions(setup))
    hits = out.hits["incoming"]
    for plane in range(6):
        assert (hits.plane == plane).sum() > 0.85 * block.n_events
    assert (
        np.diff(hits.plane)[np.diff(np.repeat(np.arange(block.n_events), np.diff(hits.offsets))) == 0] >= 0
    ).all()


def test_fitted_waveforms_explain_their_samples(block: Block) -> None:
    waveforms = quantities(block).digits.waveforms
    assert waveforms is not None
    n = int(waveforms.offsets[1])
    first = Waveforms(np.array([0, n]), waveforms.channel[:n], waveforms.samples[:n])
    found = fit_waveforms(first, SETUP, ideal_conditions(SETUP))
    assert len(found) == n
    energies = [waveform.energy for waveform in found if np.isfinite(waveform.energy)]
    assert energies == sorted(energies, reverse=True)
    assert energies[0] > 10  # GeV, of the cell that the beam points at
    for waveform in found[:3]:
        samples = waveform.samples.astype(float)
        time = waveform.period * np.arange(len(samples))
        fitted = np.resize(waveform.pedestal, len(samples)) + sum(
            amplitude * waveform.shape.value(time - start)
            for start, amplitude in zip(waveform.start, waveform.amplitude, strict=True)
        )
        assert np.abs(fitted - samples).max() < 6 + 0.02 * samples.max()  # counts: noise of 1, shape
