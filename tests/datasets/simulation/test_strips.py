"""Strips: charges worked out by hand, shared channels, cross-talk, and positions that come back."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.stats import landau, norm

from datasets.config import ConfigError
from datasets.digits import StripDigits
from datasets.setups import load_setup
from datasets.simulation.event import EventHits
from datasets.simulation.strips import planes_of, read_strips, strip_tables
from physics.ionisation import LANDAU_MODE
from recon.geometry import Plane, Setup, Spectrometer, StrawReadout, StripReadout

REAL = load_setup("na64e_2018")
STRAWS = StrawReadout(
    diameter=6.0, n_straws=4, max_drift_time=60.0, resolution=0.2, ionisations=3.0, tdc_period=1.0
)


def setup_of(*planes: Plane) -> Setup:
    spectrometer = Spectrometer(name="incoming", planes=planes, magnets=())
    return replace(REAL, name="small", spectrometers={"incoming": spectrometer})


def plane(name: str = "MM1", centre: tuple[float, float] = (0.0, 0.0), **changes: Any) -> Plane:
    """Return a plane of 8 strips of 1 mm that measures exactly; all charge of a hit is on one strip."""
    values: dict[str, Any] = {"pitch": 1.0, "n_strips": 8, "n_channels": 8, "cluster_width": 0.01}
    # sample k comes k + 1 shaping times after the hit: 1, 2/e, 3/e^2 of the largest amplitude
    values |= {"latency": 25.0, "shaping_time": 25.0, "gain": 100.0, "noise": 0.0, "threshold": 1.0}
    readout = StripReadout(**{**values, **changes})
    return Plane(name=name, z=0.0, centre=centre, resolution=1e-9, readout=readout)


def hits(
    plane: list[int], x: list[float], y: list[float], time: list[float] | None = None, n_events: int = 1
) -> EventHits:
    """Return hits of one event, or one hit in each of several."""
    n = len(plane)
    offsets = np.array([0, n]) if n_events == 1 else np.arange(n_events + 1)
    when = np.zeros(n) if time is None else np.array(time)
    return EventHits(offsets, np.array(plane), np.array(x), np.array(y), when)


def read(setup: Setup, found: EventHits, seed: int = 1) -> StripDigits:
    return read_strips(found, strip_tables(setup), np.random.default_rng(seed))


def as_dict(digits: StripDigits) -> dict[tuple[int, int], list[int]]:
    keys = zip(digits.detector.tolist(), digits.channel.tolist(), strict=True)
    return dict(zip(keys, digits.samples.tolist(), strict=True))


def test_one_hit_by_hand() -> None:
    """Strip 5 covers 1 to 2 mm, strip 2 covers -2 to -1 mm; 100, 200 / e and 300 / e^2."""
    digits = read(setup_of(plane()), hits([0], [1.5], [-1.5]))
    assert as_dict(digits) == {(0, 5): [100, 74, 41], (1, 2): [100, 74, 41]}
    assert digits.samples.dtype == np.uint16
    assert digits.offsets.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("time", "samples"),
    [(25.0, [0, 100, 74]), (50.0, [0, 0, 100]), (-25.0, [74, 41, 20]), (12.5, [82, 91, 56])],
)
def test_samples_tell_the_time(time: float, samples: list[int]) -> None:
    """12.5 ns late: 0.5 e^0.5, 1.5 e^-0.5, 2.5 e^-1.5."""
    digits = read(setup_of(plane()), hits([0], [1.5], [9.0], [time]))
    assert as_dict(digits) == {(0, 5): samples}


def test_positions_count_from_the_centre_of_the_plane() -> None:
    setup = setup_of(plane("MM1"), plane("MM2", centre=(-300.0, 2.0)))
    digits = read(setup, hits([1], [-298.5], [2.5]))
    assert set(as_dict(digits)) == {(2, 5), (3, 4)}


def test_charge_beside_the_strips_is_lost() -> None:
    assert as_dict(read(setup_of(plane()), hits([0], [4.5], [-4.5]))) == {}


def test_charge_is_shared_by_a_gaussian() -> None:
    """Between strips 3 and 4, 1 mm rms: 34.13%, 13.59% and 2.14% on either side."""
    digits = read(setup_of(plane(cluster_width=1.0)), hits([0], [0.0], [9.0e9]))
    expected = {1: 2, 2: 14, 3: 34, 4: 34, 5: 14, 6: 2}
    assert {channel: samples[0] for (_, channel), samples in as_dict(digits).items()} == expected


def test_strips_of_one_channel_add_up() -> None:
    setup = setup_of(plane(n_channels=4, channel_of_strip=(0, 1, 2, 3, 2, 0, 3, 1)))
    digits = read(setup, hits([0, 0, 0], [-3.5, 1.5, 0.5], [9.0, 9.0, 9.0]))
    assert as_dict(digits) == {(0, 0): [200, 147, 81], (0, 2): [100, 74, 41]}


def test_neighbouring_channels_see_a_part() -> None:
    """10% on either side, also of what a multiplexed channel has; channels 0 and 7 are no neighbours."""
    setup = setup_of(plane(cross_talk=0.1, channel_of_strip=(0, 3, 1, 2, 4, 5, 6, 7)))
    digits = read(setup, hits([0, 0], [-3.5, -2.5], [9.0, 9.0]))
    first = {channel: samples[0] for (_, channel), samples in as_dict(digits).items()}
    assert first == {0: 100, 1: 10, 2: 10, 3: 100, 4: 10}


def test_dead_strips_are_silent_in_their_coordinate_alone() -> None:
    setup = setup_of(plane(dead_strips=((5, 6), ())))
    assert set(as_dict(read(setup, hits([0, 0], [1.5, 0.5], [1.5, 9.0])))) == {(0, 4), (1, 5)}


def test_large_charges_are_cut() -> None:
    digits = read(setup_of(plane(gain=2000.0)), hits([0], [1.5], [9.0]))
    assert as_dict(digits) == {(0, 5): [1023, 1023, 812]}


@pytest.mark.parametrize(("threshold", "is_written"), [(100.0, True), (101.0, False)])
def test_a_channel_is_written_from_the_threshold_on(threshold: float, is_written: bool) -> None:
    digits = read(setup_of(plane(threshold=threshold)), hits([0], [1.5], [9.0]))
    assert len(digits.channel) == is_written


def test_noise_alone_passes_as_often_as_it_should() -> None:
    """A rms of 4 reaches 7.5, which is rounded to the threshold of 8, in 3% of samples."""
    n_events = 2000
    empty = EventHits(np.zeros(n_events + 1, dtype=np.int64), np.zeros(0, np.int64), *np.zeros((3, 0)))
    digits = read(setup_of(plane(noise=4.0, threshold=8.0)), empty)
    expected, n = 1 - norm.cdf(7.5 / 4.0) ** 3, n_events * 16
    assert len(digits.channel) / n == pytest.approx(expected, abs=5 * np.sqrt(expected / n))
    assert np.bincount(digits.detector).tolist() == [np.sum(digits.detector == d) for d in (0, 1)]


def test_charges_are_landau_distributed_and_the_same_in_both_coordinates() -> None:
    """The variable of scipy is 2 / pi (lambda - ln(pi / 2))."""
    n = 4000
    setup = setup_of(plane(gain=300.0, gain_spread=0.1, saturation=60_000))
    digits = read(setup, hits([0] * n, [1.5] * n, [0.5] * n, n_events=n))
    x, y = (digits.samples[digits.detector == d, 0] for d in (0, 1))
    assert np.array_equal(x, y)
    for value in (-1.0, LANDAU_MODE, 1.0, 5.0):
        share = landau.cdf(2 / np.pi * (value - np.log(np.pi / 2)))
        below = np.mean(x < 300.0 * (1 + 0.1 * (value - LANDAU_MODE)))
        assert below == pytest.approx(share, abs=5 * np.sqrt(0.25 / n))


def test_planes_with_straws_have_no_strips() -> None:
    straws = replace(plane("ST1"), readout=STRAWS)
    digits = read(setup_of(straws, plane("MM1")), hits([0, 1], [1.5, 1.5], [1.5, 1.5]))
    assert set(as_dict(digits)) == {(2, 5), (3, 5)}
    assert len(read(setup_of(straws), hits([0], [1.5], [1.5])).channel) == 0


def test_different_numbers_of_samples_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"same n_samples in one file, they have \[3, 6\]"):
        strip_tables(setup_of(plane("MM1"), plane("MM2", n_samples=6)))


@pytest.mark.parametrize("name", ["na64e_2016", "na64e_2018", "na64e_2022"])
def test_neighbouring_strips_share_two_channels_nowhere_else(name: str) -> None:
    planes = [p for p in planes_of(load_setup(name)) if isinstance(p.readout, StripReadout)]
    assert [p.name for p in planes] == ["MM1", "MM2", "MM3", "MM4"]
    for found in planes:
        readout = found.readout
        assert isinstance(readout, StripReadout)
        assert readout.n_strips * readout.pitch == pytest.approx(found.size[0])
        channels = readout.channels.tolist()
        assert set(Counter(channels).values()) == {5}
        pairs = [frozenset(pair) for pair in pairwise(channels)]
        assert len(set(pairs)) == len(pairs) == 319
        assert all(len(set(channels[i : i + 7])) == 7 for i in range(314))


def test_the_position_comes_back_from_the_charges() -> None:
    """The charge's mean over the strips within 1.25 mm is off by the plane's 0.1 mm and little more."""
    n = 1000
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-35.0, 35.0, (2, n))
    digits = read(REAL, hits([0] * n, x.tolist(), y.tolist(), n_events=n))
    event = np.repeat(np.arange(n), np.diff(digits.offsets))
    readout = planes_of(REAL)[0].readout
    assert isinstance(readout, StripReadout)
    for axis, true in enumerate((x, y)):
        charge = np.zeros((n, 64))
        mine = digits.detector == axis
        charge[event[mine], digits.channel[mine]] = digits.samples[mine].max(axis=1)
        weight = charge[:, readout.channels] * (np.abs(readout.centres - true[:, None]) < 1.25)
        error = (weight * readout.centres).sum(axis=1) / weight.sum(axis=1) - true
        assert np.abs(error).max() < 1.0
        assert error.mean() == pytest.approx(0.0, abs=5 * 0.12 / np.sqrt(n))
        assert 0.095 < error.std() < 0.13
