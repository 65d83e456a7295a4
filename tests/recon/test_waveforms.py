"""Waveforms to pulses: answers worked out by hand, bad input, closure on waveforms of the simulation."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.setups import load_setup
from datasets.simulation.light import Light
from datasets.simulation.waveforms import channel_pedestals, converter_tables, sample_light
from recon.channels import ChannelTable, channel_table, check_table
from recon.pulses import PulseShape
from recon.waveforms import Pulses, Quality, WaveformConfig, measure_waveforms

NAN = float("nan")
REAL = PulseShape(15.0, 30.0)
# From sample to sample the slow part of this pulse halves and the fast one falls to a quarter: it is highest
# one sample after its start, and k samples after it 4 (2^-k - 4^-k) of that.
FALL = 12.5 / np.log(2.0)
HALVES = PulseShape(FALL / 2, FALL)
PEDESTAL = (50.0, 53.0)
CONFIG = WaveformConfig()
N = 2000


def table_of(pair: tuple[float, float] = PEDESTAL, **changes: Any) -> ChannelTable:
    """Return two channels, a gain of 100 and of 200 ADC per GeV; pulses in time start at sample 12."""
    both = {"noise": 1.0, "threshold": 6.0, "saturation": 4095.0, "start": 150.0}
    columns = {name: np.full(2, value) for name, value in both.items()}
    table = ChannelTable(
        shapes=(REAL,),
        shape=np.zeros(2, dtype=np.int64),
        period=12.5,
        pedestal=np.array([pair, pair], dtype=np.float64),
        gain=np.array([100.0, 200.0]),
        window=np.tile([-10.0, 10.0], (2, 1)),
        **columns,
    )
    return table._replace(**changes)


TABLE, LEADING = table_of(), table_of((NAN, NAN))


def make(*pulses: tuple[Any, Any], n: int = N, noise: float = 1.0, seed: int = 1, n_samples: int = 32) -> Any:
    """Sample pulses (amplitude, start [ns]), numbers or one per waveform, as a generator of their own."""
    rng, at = np.random.default_rng(seed), np.arange(n_samples) * 12.5
    y = np.tile(PEDESTAL, (n, n_samples // 2)) + noise * rng.standard_normal((n, n_samples))
    for amplitude, start in pulses:
        since = at - np.broadcast_to(start, n)[:, None]
        y = y + np.broadcast_to(amplitude, n)[:, None] * REAL.value(since)
    return np.clip(np.floor(y + 0.5), 0, 4095).astype(np.uint16)


def measure(samples: Any, table: ChannelTable = TABLE, config: WaveformConfig = CONFIG) -> Pulses:
    return measure_waveforms(samples, np.zeros(len(samples), dtype=np.int32), table, config)


def starts(n: int = N, seed: int = 2) -> np.ndarray:
    """Return starts at any phase of the sampling [ns]."""
    return np.random.default_rng(seed).uniform(144.0, 156.5, n)


def test_one_pulse_by_hand() -> None:
    """1600 ADC from sample 4 on: 1600 (1, 3/4, 7/16, 15/64, ...) and the tail 6400 (2^-k - 4^-k)."""
    k = np.arange(28)
    y = np.concatenate([np.zeros(4), 6400 * (0.5**k - 0.25**k)])
    samples = np.floor(y + np.tile(PEDESTAL, 16) + 0.5).astype(np.uint16)[None]
    assert samples[0, 4:8].tolist() == [50, 1653, 1250, 753]
    table = table_of(shapes=(HALVES,), start=np.full(2, 45.0))
    found = measure(samples, table, WaveformConfig(n_leading=4))
    assert found.amplitude == pytest.approx([1600], abs=0.5)
    assert found.energy == pytest.approx([16], abs=0.005)
    assert found.time == pytest.approx([5.0], abs=0.01)  # 50 ns after the first sample, expected at 45
    assert found.integral == pytest.approx([12.5 * (6400 * (1 - 1 / 3))], abs=50)  # sums of geometric series
    assert (found.is_in_time.tolist(), found.n_pulses.tolist(), found.quality.tolist()) == ([True], [1], [0])
    assert found.pile_up.tolist() == [0]
    assert found.pedestal.tolist() == [[50, 53]]


def test_energy_takes_the_gain_of_its_channel() -> None:
    samples = make((1000.0, 150.0), n=2, noise=0.0)
    found = measure_waveforms(samples, np.array([0, 1]), TABLE, CONFIG)
    assert found.energy == pytest.approx([10, 5], rel=1e-3)


@pytest.mark.parametrize(
    ("row", "quality", "table"),
    [
        pytest.param([0] * 32, Quality.ALL_ZERO | Quality.NO_PULSE, LEADING, id="all-zero"),
        pytest.param([4095] * 32, Quality.ALL_SATURATED, LEADING, id="all-saturated"),
        pytest.param([50] * 32, Quality.NO_PULSE, LEADING, id="constant"),
        pytest.param([50, 53] * 16, Quality.NO_PULSE, TABLE, id="flat-on-two-pedestals"),
        pytest.param([50] * 20, Quality.NO_PULSE, LEADING, id="few-but-enough"),
        pytest.param([50] * 15, Quality.SHORT, LEADING, id="short"),
        pytest.param([50], Quality.SHORT, LEADING, id="one-sample"),
        pytest.param([], Quality.SHORT, LEADING, id="no-samples"),
        pytest.param(
            [0] * 32,
            Quality.ALL_ZERO | Quality.NO_PULSE | Quality.NOISY_BASELINE,
            TABLE,
            id="zero-below-given",
        ),
    ],
)
def test_bad_input_is_flagged_and_unknown(row: list[int], quality: Quality, table: ChannelTable) -> None:
    found = measure(np.array([row, row], dtype=np.uint16).reshape(2, len(row)), table)
    assert [Quality(q) for q in found.quality] == [quality, quality]
    for name in ("amplitude", "energy", "time", "time_error", "integral", "pile_up"):
        assert np.isnan(getattr(found, name)).all(), name
    assert not found.is_in_time.any()
    assert not found.n_pulses.any()


@pytest.mark.parametrize("table", [TABLE, LEADING], ids=["given", "leading"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_nothing_crashes(table: ChannelTable, data: st.DataObject) -> None:
    extreme = st.sampled_from([0, 1, 50, 4094, 4095, 65535])
    row = data.draw(st.lists(st.one_of(st.integers(0, 4095), extreme), min_size=32, max_size=32))
    found = measure(np.array([row], dtype=np.uint16), table)
    assert np.isfinite(found.amplitude).tolist() == (found.n_pulses > 0).tolist()
    assert (found.n_pulses > 0 or (found.quality & 0b100111) > 0).all()
    assert len(found.others.waveform) == max(int(found.n_pulses[0]) - 1, 0)


def test_a_lone_sample_of_noise_is_an_empty_channel() -> None:
    """Of millions of samples some lie 5 sigma off: zero suppression at 4 sigma writes their channels."""
    row = np.tile(PEDESTAL, 16)
    row[20] += 5
    samples, table = row[None].astype(np.uint16), table_of(threshold=np.full(2, 2.0))
    assert measure(samples, table).quality.tolist() == [Quality.NO_PULSE]
    strict = measure(samples, table, replace(CONFIG, emptiness=4.0)).quality.tolist()
    assert strict == [Quality.NO_PULSE | Quality.BAD_FIT]


def test_no_waveforms() -> None:
    found = measure(np.empty((0, 32), dtype=np.uint16))
    assert len(found.amplitude) == len(found.others.amplitude) == 0


@pytest.mark.parametrize("table", [TABLE, LEADING], ids=["given", "leading"])
@pytest.mark.parametrize("amplitude", [50.0, 200.0, 1000.0, 3500.0])
def test_closure_of_one_pulse(amplitude: float, table: ChannelTable) -> None:
    """The mean amplitude is right to 0.5% at any phase, the time to less than 1 ns."""
    start = starts()
    found = measure(make((amplitude, start)), table)
    assert (found.n_pulses == 1).all()
    ratio = found.amplitude / amplitude
    phase = (start / 12.5 % 1 * 8).astype(int)
    means = np.array([ratio[phase == k].mean() for k in range(8)])
    assert means == pytest.approx(np.ones(8), abs=0.005)
    off = found.time - (start - 150.0)
    assert abs(off.mean()) < 0.05
    assert off.std() < min(1.0, 30.0 / amplitude)
    assert 0.7 < (off / found.time_error).std() < 1.4
    assert found.integral.mean() == pytest.approx(amplitude * REAL.area, rel=0.01)


@pytest.mark.parametrize("table", [TABLE, LEADING], ids=["given", "leading"])
@pytest.mark.parametrize("other", [-40.0, 40.0])
@pytest.mark.parametrize(("amplitude", "second"), [(300, 300), (400, 100), (100, 400), (2000, 500)])
def test_two_pulses_40_ns_apart(amplitude: float, second: float, other: float, table: ChannelTable) -> None:
    start = starts(500)
    found = measure(make((amplitude, start), (second, start + other), n=500), table)
    assert (found.n_pulses == 2).all()
    assert (found.others.waveform == np.arange(500)).all()
    first, its = found.amplitude, found.others.amplitude
    if other > 0:  # at times the second one is the nearer to the expected time: never here
        assert abs(found.time).max() < 12.0
    assert abs(first / amplitude - 1).max() < 0.05
    assert abs(its / second - 1).max() < 0.05
    assert (found.pile_up == its).all()
    assert abs(found.others.time - (start - 150.0 + other)).max() < 2.0


@pytest.mark.parametrize("table", [TABLE, LEADING], ids=["given", "leading"])
def test_pile_up_at_random_times_does_not_bias(table: ChannelTable) -> None:
    rng, start = np.random.default_rng(4), starts()
    gap = rng.uniform(40.0, 200.0, N) * rng.choice([-1.0, 1.0], N)
    found = measure(make((400.0, start), (rng.exponential(300.0, N), start + gap)), table)
    assert not (found.quality & Quality.SATURATED).any()
    for early, late in ((-200, -120), (-120, -40), (40, 120), (120, 200)):
        chosen = (gap >= early) & (gap < late)
        assert found.amplitude[chosen].mean() == pytest.approx(400.0, rel=0.005)
    assert abs(found.amplitude / 400.0 - 1).max() < 0.05
    assert found.is_in_time.all()


@pytest.mark.parametrize("times_full_scale", [1.05, 1.3, 1.6, 2.0])
def test_saturated_pulses_are_recovered_and_flagged(times_full_scale: float) -> None:
    truth, start = times_full_scale * 4095.0, starts(500)
    found = measure(make((truth, start), n=500))
    is_right = abs(found.amplitude / truth - 1) < 0.05
    assert (is_right | ((found.quality & Quality.BAD_FIT) > 0)).all()
    assert is_right.mean() > 0.99
    assert ((found.quality & Quality.SATURATED) > 0).mean() > 0.95
    assert found.integral[is_right].mean() == pytest.approx(truth * REAL.area, rel=0.02)


def test_pile_up_in_the_leading_samples_is_noticed() -> None:
    """The given pedestals are used; without any, they are fitted together with the pulses."""
    samples = make((300.0, 150.0), (500.0, 20.0), n=200)
    for table, tolerance in ((TABLE, 0.03), (LEADING, 0.05)):
        found = measure(samples, table)
        assert ((found.quality & Quality.NOISY_BASELINE) > 0).all()
        assert (found.n_pulses == 2).all()
        assert found.pedestal.mean(axis=0) == pytest.approx(PEDESTAL, abs=0.3)
        assert abs(found.amplitude / 300.0 - 1).max() < tolerance


def test_baseline_off_the_conditions_is_noticed() -> None:
    samples = make((300.0, 150.0), n=20) + np.uint16(20)
    given, leading = measure(samples), measure(samples, config=replace(CONFIG, baseline="leading"))
    for found in (given, leading):
        assert ((found.quality & Quality.NOISY_BASELINE) > 0).all()
    assert leading.amplitude == pytest.approx(np.full(20, 300.0), rel=0.02)


@pytest.mark.parametrize(
    ("start", "window", "in_time"),
    [
        pytest.param(155.0, (-10.0, 10.0), True, id="inside"),
        pytest.param(165.0, (-10.0, 10.0), False, id="late"),
        pytest.param(165.0, (-10.0, 25.0), True, id="window-is-not-symmetric"),
        pytest.param(135.0, (-10.0, 25.0), False, id="early"),
        pytest.param(150.0, (NAN, NAN), True, id="within-the-error"),
        pytest.param(151.0, (NAN, NAN), False, id="beyond-3-errors"),
    ],
)
def test_window(start: float, window: tuple[float, float], in_time: bool) -> None:
    table = table_of(window=np.tile(window, (2, 1)))
    found = measure(make((500.0, start), n=1, noise=0.0), table)
    assert found.is_in_time.tolist() == [in_time]


def test_the_pulse_nearest_the_expected_time_is_picked_not_the_largest() -> None:
    found = measure(make((100.0, 150.0), (900.0, 210.0), n=1))
    assert found.amplitude == pytest.approx([100], rel=0.05)
    assert found.others.amplitude == pytest.approx([900], rel=0.05)
    assert found.others.time == pytest.approx([60], abs=1)


@settings(max_examples=20, deadline=None)
@given(shift=st.integers(-40, 300), seed=st.integers(0, 99))
def test_shift_of_the_pedestals_changes_nothing(shift: int, seed: int) -> None:
    samples = make((300.0, 150.0), (200.0, 215.0), n=20, seed=seed)
    moved = (samples + np.array([shift, shift + 5] * 16)).astype(np.uint16)
    table = table_of((PEDESTAL[0] + shift, PEDESTAL[1] + shift + 5))
    for before, after in (
        (measure(samples), measure(moved, table)),
        (measure(samples, LEADING), measure(moved, LEADING)),
    ):
        assert after.amplitude == pytest.approx(before.amplitude, rel=1e-4)
        assert after.time == pytest.approx(before.time, abs=0.01)
        assert (after.quality == before.quality).all()


@given(scale=st.floats(1.0, 8.0), start=st.floats(144, 156))
def test_amplitude_scales_and_time_stays(scale: float, start: float) -> None:
    small, large = (measure(make((a, start), n=1, noise=0.0)) for a in (400.0, 400.0 * scale))
    assert large.amplitude == pytest.approx(scale * small.amplitude, rel=0.005)
    assert large.time == pytest.approx(small.time, abs=0.1)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999))
def test_order_of_the_waveforms_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = make(
        (rng.exponential(300.0, 60), 150.0), (rng.exponential(60.0, 60), rng.uniform(0, 400, 60)), n=60
    )
    order = rng.permutation(60)
    found, moved = measure(samples, LEADING), measure(samples[order], LEADING)
    for name in Pulses._fields[:-1]:
        assert np.array_equal(getattr(moved, name), getattr(found, name)[order], equal_nan=True), name
    assert sorted(order[moved.others.waveform]) == sorted(found.others.waveform)


def test_closure_on_the_simulation() -> None:
    """Light in all cells of a setup, sampled by the simulation, is found again."""
    setup = load_setup("na64e_2018")
    converters, n_events = converter_tables(setup), 20
    rng = np.random.default_rng(3)
    gain = channel_table(setup).gain
    energy = rng.uniform(100.0, 3000.0, (n_events, len(gain))) / gain
    time = rng.normal(0.0, 1.0, energy.shape)
    waves = sample_light(Light(energy, time), np.arange(n_events), n_events, converters, rng)
    event = np.repeat(np.arange(n_events), np.diff(waves.offsets))
    truth, when = energy[event, waves.channel], time[event, waves.channel]
    for pedestal in (None, channel_pedestals(setup)):
        found = measure_waveforms(waves.samples, waves.channel, channel_table(setup, pedestal), CONFIG)
        assert (found.energy / truth).mean() == pytest.approx(1.0, abs=0.001)
        assert (found.energy / truth).std() < 0.01
        assert (found.time - when).std() < 0.2
        assert found.is_in_time.mean() > 0.99
        assert (found.quality == 0).mean() > 0.99


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            {"noise": np.array([1.0, 0.0])}, "noise of channel 1 must be above 0, got 0", id="noise"
        ),
        pytest.param({"gain": np.array([NAN, 1.0])}, "gain of channel 0 must be above 0, got nan", id="gain"),
        pytest.param({"start": np.array([150.0, np.inf])}, "start of channel 1 must be finite", id="start"),
        pytest.param(
            {"shape": np.array([0, 1])}, "shape of channel 1 must be one of 0 to 0, got 1", id="shape"
        ),
        pytest.param({"threshold": np.ones(3)}, r"threshold must have the shape \(2,\)", id="length"),
        pytest.param({"window": np.ones(2)}, r"window must have the shape \(2, 2\)", id="window"),
        pytest.param({"pedestal": np.array([[1.0, NAN], [1.0, 1.0]])}, "for both converters", id="half"),
        pytest.param({"period": 0.0}, "period must be above 0 ns", id="period"),
    ],
)
def test_senseless_table_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_table(table_of(**change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"n_leading": 3}, "n_leading must be even and >= 2, got 3", id="odd"),
        pytest.param({"baseline": "best"}, "'given' or 'leading', got 'best'", id="baseline"),
        pytest.param({"fraction": 1.0}, "fraction must lie between 0 and 1", id="fraction"),
        pytest.param({"max_pulses": 0}, "max_pulses must lie between 1 and 16, got 0", id="none-allowed"),
        pytest.param({"n_sigmas": NAN}, "n_sigmas above 0", id="nan"),
        pytest.param({"shape_tolerance": -0.1}, "shape_tolerance of at least 0", id="tolerance"),
    ],
)
def test_senseless_configuration_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WaveformConfig(**change)


def test_unknown_channel_and_wrong_lengths_are_refused() -> None:
    samples = make(n=2)
    with pytest.raises(ValueError, match="a waveform is of channel 2, the table has channels 0 to 1"):
        measure_waveforms(samples, np.array([0, 2]), TABLE, CONFIG)
    with pytest.raises(ValueError, match="a waveform is of channel -1"):
        measure_waveforms(samples, np.array([0, -1]), TABLE, CONFIG)
    with pytest.raises(ValueError, match="channel as long"):
        measure_waveforms(samples, np.array([0]), TABLE, CONFIG)


def test_setup_without_readout_is_refused() -> None:
    setup = load_setup("na64e_2018")
    detectors = {**setup.detectors, "ecal": replace(setup.detectors["ecal"], readout=None)}
    with pytest.raises(ValueError, match="detector 'ecal' has no 'readout'"):
        channel_table(replace(setup, detectors=detectors))


def test_channels_of_a_setup_are_those_of_the_simulation() -> None:
    setup = load_setup("na64e_2018")
    table, converters = channel_table(setup), converter_tables(setup)
    assert (table.start == converters.start).all()
    assert (table.threshold == converters.threshold).all()
    assert (table.saturation == converters.saturation).all()
    assert np.isnan(table.pedestal).all()
