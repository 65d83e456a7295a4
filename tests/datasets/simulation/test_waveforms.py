"""Waveforms: pulses worked out by hand, pedestals, noise, saturation, zero suppression."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from datasets.config import ConfigError
from datasets.digits import Waveforms
from datasets.setups import load_setup
from datasets.simulation.light import Light
from datasets.simulation.stack import build_stack
from datasets.simulation.waveforms import channel_labels, channel_pedestals, converter_tables, sample_light
from recon.geometry import Detector, Digitizer, Grid, Section, Setup

REAL = load_setup("na64e_2018")
EXPERIMENT = ["na64e_2016", "na64e_2018", "na64e_2022"]
# From sample to sample the slow part of this pulse halves and the fast one falls to a quarter. So it is
# highest 12.5 ns after its start, and k samples after it 4 (2^-k - 4^-k) of that: 0, 1, 3/4, 7/16, 15/64.
FALL = 12.5 / np.log(2.0)


def setup_of(n_cells: int = 1, *, time_offset: float = 0.0, **changes: Any) -> Setup:
    """Return a setup of one detector: 1 ADC per GeV, pedestals of 50, no noise, trigger at sample 4."""
    values = {"n_samples": 12, "pedestal": 50.0, "noise": 0.0, "gain": 1.0, "rise_time": FALL / 2}
    readout = Digitizer(**{**values, "fall_time": FALL, "trigger_sample": 4.0, "threshold": 6.0, **changes})
    grid = Grid(shape=(1, n_cells), pitch=(10.0, 10.0))
    section = Section(name="s", z=0.0, length=1.0, centre=(0.0, 0.0), grid=grid, time_offset=time_offset)
    detector = Detector(name="ecal", sections=(section,), time_window=(-1.0, 1.0), readout=readout)
    return replace(REAL, name="small", detectors={"ecal": detector}, counters=None)


def digitize(
    setup: Setup, energy: Any, time: Any, event: list[int] | None = None, n_events: int = 1, seed: int = 1
) -> Waveforms:
    """Sample light of shape (n_primaries, n_cells); by default all of one event."""
    light = Light(np.array(energy, dtype=np.float64), np.array(time, dtype=np.float64))
    of = np.array([0] * len(light.energy) if event is None else event, dtype=np.int64)
    return sample_light(light, of, n_events, converter_tables(setup), np.random.default_rng(seed))


def test_one_pulse_by_hand() -> None:
    """1600 ADC high at sample 5: 1600 (1, 3/4, 7/16, 15/64 = 375, 31/256 = 193.75, ...) on 50."""
    found = digitize(setup_of(), [[1600.0]], [[0.0]])
    assert found.samples.dtype == np.uint16
    assert found.samples.tolist() == [[50, 50, 50, 50, 50, 1650, 1250, 750, 425, 244, 148, 100]]
    assert (found.channel.tolist(), found.offsets.tolist()) == ([0], [0, 1])


def test_a_pulse_may_start_between_two_samples() -> None:
    """Half a sample after its start 4 (2^-0.5 - 4^-0.5) = 0.8284, then 0.9142; nothing before it."""
    found = digitize(setup_of(), [[1600.0]], [[6.25]])
    assert found.samples[0, 3:7].tolist() == [50, 50, 1375, 1513]


def test_pulses_of_all_particles_of_an_event_add_up() -> None:
    """800 ADC one sample later: 1600 + 0, 1200 + 800, 700 + 600, 375 + 350."""
    found = digitize(setup_of(), [[1600.0], [800.0]], [[0.0], [12.5]])
    assert found.samples[0, 4:9].tolist() == [50, 1650, 2050, 1350, 775]


def test_pulses_that_began_before_the_window_have_their_tail() -> None:
    """75 ns early the start is 2 samples before the first: 4 (2^-k - 4^-k) from k = 2 on."""
    found = digitize(setup_of(), [[1600.0]], [[-75.0]])
    assert found.samples[0, :4].tolist() == [1250, 750, 425, 244]


@pytest.mark.parametrize(("time", "sample"), [(0.0, 14), (-60.0, 9), (100.0, 22)])
def test_pile_up_shows_at_its_time(time: float, sample: int) -> None:
    """Pulses of the ECAL start at sample 12 and peak 20.8 ns later: at 13.7, 60 ns earlier at 8.9."""
    cell = 36 + 21
    energy = np.zeros((1, 117))
    energy[0, 3 + cell] = 5.0
    found = digitize(REAL, energy, np.full((1, 117), time))
    pulse = found.samples[found.channel == 3 + cell][0]
    assert channel_labels(REAL)[3 + cell] == "ECAL1-3-3"
    assert pulse.argmax() == sample
    assert pulse.max() - 50 == pytest.approx(300.0 * 5.0, rel=0.02)


def test_the_expected_time_of_a_section_is_behind_the_trigger() -> None:
    late = digitize(setup_of(time_offset=12.5), [[1600.0]], [[0.0]])
    assert late.samples[0, 5:8].tolist() == [50, 1650, 1250]


def test_large_pulses_are_cut() -> None:
    found = digitize(setup_of(), [[10_000.0]], [[0.0]])
    assert found.samples[0, 4:9].tolist() == [50, 4095, 4095, 4095, 2394]
    wide = digitize(setup_of(saturation=2000), [[10_000.0]], [[0.0]])
    assert wide.samples.max() == 2000


@pytest.mark.parametrize(("height", "is_written"), [(5.4, False), (5.6, True), (0.0, False)])
def test_a_channel_is_written_from_the_threshold_on(height: float, is_written: bool) -> None:
    """5.4 ADC are rounded to 5, 5.6 to 6, which is the threshold."""
    found = digitize(setup_of(2), [[height, 100.0]], [[0.0, 0.0]])
    assert found.channel.tolist() == ([0, 1] if is_written else [1])


def test_the_threshold_is_above_the_pedestal_of_the_channel() -> None:
    setup = setup_of(200, pedestal=500.0, pedestal_spread=40.0)
    found = digitize(setup, np.full((1, 200), 8.0), np.zeros((1, 200)))
    assert len(found.channel) == 200
    quiet = digitize(setup, np.full((1, 200), 5.0), np.zeros((1, 200)))
    assert len(quiet.channel) == 0


def test_events_have_their_channels_in_order() -> None:
    energy = [[0.0, 100.0, 0.0], [100.0, 0.0, 50.0], [100.0, 0.0, 0.0], [0.0, 0.0, 100.0]]
    found = digitize(setup_of(3), energy, np.zeros((4, 3)), event=[0, 0, 2, 3], n_events=5)
    assert found.offsets.tolist() == [0, 3, 3, 4, 5, 5]
    assert found.channel.tolist() == [0, 1, 2, 0, 2]


def test_pedestals_come_back_from_leading_samples() -> None:
    """Four samples before the trigger, half of each converter; the mean of 2000 has 0.02 ADC."""
    setup = setup_of(6, pedestal_spread=5.0, noise=1.0)
    expected = channel_pedestals(setup)
    assert expected.std() == pytest.approx(5.0, rel=0.5)
    n = 1000
    found = digitize(setup, np.full((n, 6), 500.0), np.zeros((n, 6)), event=list(range(n)), n_events=n)
    leading = found.samples.reshape(n, 6, 6, 2)[:, :, :2].astype(float)
    assert leading.mean(axis=(0, 2)) == pytest.approx(expected, abs=5 * 1.05 / np.sqrt(2 * n))
    assert (leading - expected[:, None]).std() == pytest.approx(np.hypot(1.0, 1 / np.sqrt(12)), rel=0.05)


def test_pedestals_belong_to_the_setup() -> None:
    assert np.array_equal(channel_pedestals(REAL), channel_pedestals(load_setup("na64e_2018")))
    assert channel_pedestals(REAL).shape == (120, 2)
    assert not np.array_equal(channel_pedestals(REAL), channel_pedestals(replace(REAL, name="other")))


def test_noise_alone_passes_as_often_as_it_should() -> None:
    """A rms of 2 reaches 4.5, which is rounded to the threshold of 5, in 1.2% of samples."""
    n_events, n_cells = 400, 20
    setup = setup_of(n_cells, noise=2.0, threshold=5.0)
    found = digitize(setup, np.zeros((0, n_cells)), np.zeros((0, n_cells)), [], n_events)
    expected = 1 - norm.cdf(4.5 / 2.0) ** 12
    n = n_events * n_cells
    assert len(found.channel) / n == pytest.approx(expected, abs=5 * np.sqrt(expected / n))


def test_the_same_seed_makes_the_same_digits() -> None:
    setup = setup_of(6, noise=1.0)
    one, same, other = (
        digitize(setup, np.full((1, 6), 500.0), np.zeros((1, 6)), seed=seed) for seed in (4, 4, 5)
    )
    assert np.array_equal(one.samples, same.samples)
    assert not np.array_equal(one.samples, other.samples)


def test_labels_follow_the_cells() -> None:
    labels = channel_labels(REAL)
    assert len(labels) == len(set(labels)) == 117 + 3
    assert labels[:4] == ["SRD0-0-0", "SRD1-0-0", "SRD2-0-0", "ECAL0-0-0"]
    assert labels[3 + 2 * 6 + 4] == "ECAL0-2-4"
    columns = build_stack(REAL).columns
    assert labels[columns["veto"]] == [f"VETO{panel}-0-{side}" for panel in range(3) for side in (0, 1)]
    assert labels[columns["hcal"].stop - 1] == "HCAL3-2-2"
    assert labels[117:] == ["S0-0-0", "S1-0-0", "S2-0-0"]


def test_a_detector_without_readout_is_refused() -> None:
    hcal = replace(REAL.detectors["hcal"], readout=None)
    with pytest.raises(ConfigError, match=r"na64e_2018: detector 'hcal' has no 'readout'.*--level simulated"):
        converter_tables(replace(REAL, detectors={**REAL.detectors, "hcal": hcal}))


def test_waveforms_of_two_lengths_are_refused() -> None:
    readout = REAL.detectors["hcal"].readout
    assert readout is not None
    hcal = replace(REAL.detectors["hcal"], readout=replace(readout, n_samples=64))
    with pytest.raises(ConfigError, match=r"same n_samples in one file, they have .* hcal 64"):
        converter_tables(replace(REAL, detectors={**REAL.detectors, "hcal": hcal}))


@pytest.mark.parametrize("name", EXPERIMENT)
def test_a_shower_of_the_beam_fits_and_one_muon_is_seen(name: str) -> None:
    """All of 100 GeV in one cell does not saturate, a minimum-ionising particle is above threshold."""
    setup = load_setup(name)
    stack = build_stack(setup)
    for index, volume in enumerate(stack.volumes):
        readout = volume.detector.readout
        assert readout is not None
        muon = readout.gain * stack.tables.visible_ionisation[index] * volume.length
        if volume.section.name != "preshower":
            assert muon > readout.threshold, volume.section.name
        if volume.detector.name in {"ecal", "hcal", "vhcal"}:
            shower = readout.gain * 100.0 * volume.detector.response.sampling_fraction
            top = readout.saturation - readout.pedestal - 5 * readout.pedestal_spread
            assert 0.5 * top < shower < top, volume.section.name
