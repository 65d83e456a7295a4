"""Strips: pulses, clusters and matches by hand, bad input, and the simulation's hits that come back."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from datasets.setups import load_setup
from datasets.simulation.event import EventHits
from datasets.simulation.strips import planes_of, read_strips, strip_tables
from recon.geometry import Plane, StripReadout
from recon.hits import TrackerHits, join_hits, select_planes
from recon.strip_clusters import StripClusters
from recon.strip_hits import MatchConfig, match_clusters
from recon.strip_pulses import fit_pulse
from recon.strips import StripConfig, find_strip_clusters, find_strip_hits, strip_table

Floats = npt.NDArray[np.float64]
Rows = list[tuple[int, int, list[int]]]

SETUP = load_setup("na64e_2018")
PLANES = planes_of(SETUP)
TABLE = strip_table(PLANES)
TWOFOLD = (0, 1, 2, 3, 4, 5, 6, 2, 0, 1)  # strips 0 to 2 and 7 to 9 have the same channels


def plane(centre: tuple[float, float] = (0.0, 0.0), **changes: Any) -> Plane:
    """Return a plane of 10 strips of 1 mm; samples 1, 2 and 3 shaping times after the trigger particle."""
    values: dict[str, Any] = {"pitch": 1.0, "n_strips": 10, "n_channels": 10, "cluster_width": 0.5}
    values |= {"latency": 25.0, "shaping_time": 25.0, "gain": 1000.0, "noise": 2.0, "threshold": 8.0}
    readout = StripReadout(**{**values, **changes})
    return Plane(name="MM", z=0.0, centre=centre, resolution=0.01, readout=readout)


def pulse(height: float, late: float = 0.0) -> list[int]:
    """Return the samples of a pulse, for `plane`."""
    since = (25.0 * np.arange(1, 4) - late) / 25.0
    return np.rint(height * np.maximum(since, 0.0) * np.exp(1.0 - since)).astype(int).tolist()


def cluster(at: float, height: float = 1000.0, row: int = 0, late: float = 0.0) -> Rows:
    """Return the digits of a Gaussian of 0.5 mm around a position from the plane's centre."""
    edges = np.arange(11) - 5.0
    share = np.diff(norm.cdf(edges, at, 0.5))
    rows = [(row, strip, pulse(height * part, late)) for strip, part in enumerate(share)]
    return [digit for digit in rows if max(digit[2]) >= 8]


def arrays_of(*events: Rows) -> tuple[Any, Any, Any, Any]:
    rows = [digit for event in events for digit in event]
    offsets = np.concatenate([[0], np.cumsum([len(event) for event in events])]).astype(np.int64)
    detector, channel = (np.array([digit[i] for digit in rows], dtype=np.int32) for i in (0, 1))
    samples = np.array([digit[2] for digit in rows], dtype=np.uint16).reshape(-1, 3)
    return offsets, detector, channel, samples


def clusters_of(
    *events: Rows, planes: list[Plane] | None = None, **config: Any
) -> tuple[StripClusters, dict[str, int]]:
    return find_strip_clusters(*arrays_of(*events), strip_table(planes or [plane()]), StripConfig(**config))


# pulses


@pytest.mark.parametrize(
    ("samples", "time", "height"),
    [
        pytest.param([100.0, 200 / np.e, 300 / np.e**2], 0.0, 100.0, id="in-time"),
        pytest.param([0.0, 100.0, 200 / np.e], 25.0, 100.0, id="starts-at-the-first-sample"),
        pytest.param([0.0, 50 * np.e**0.5, 150 * np.e**-0.5], 37.5, 100.0, id="starts-after-it"),
        pytest.param([200 / np.e, 300 / np.e**2, 400 / np.e**3], -25.0, 100.0, id="early"),
        pytest.param([0.0, 0.0, 80.0], 62.5, 80.0, id="one-sample-is-late"),
        pytest.param([90.0, 20.0, 2.0], np.nan, 90.0, id="falls-too-fast"),
    ],
)
def test_time_and_height_of_a_pulse(samples: list[float], time: float, height: float) -> None:
    found, error, top = fit_pulse(np.array(samples), 1.0, 25.0, 25.0, 25.0)
    assert found == pytest.approx(time, abs=1e-9, nan_ok=True)
    assert top == pytest.approx(height)
    assert np.isnan(error) == np.isnan(found)


def test_error_of_the_time_is_that_of_noise() -> None:
    rng = np.random.default_rng(1)
    true = 1000 * np.arange(1, 4) * np.exp(1.0 - np.arange(1, 4))
    found = np.array([fit_pulse(true + rng.normal(0, 5, 3), 5.0, 25.0, 25.0, 25.0)[:2] for _ in range(2000)])
    assert found[:, 0].std() == pytest.approx(found[:, 1].mean(), rel=0.06)


# clusters


@pytest.mark.parametrize("at", [-0.5, -0.31, 0.0, 0.2, 0.5, 3.3])
def test_one_cluster(at: float) -> None:
    found, quality = clusters_of(cluster(at))
    assert found.offsets.tolist() == [0, 1]
    assert found.position[0] == pytest.approx(at, abs=0.01)
    assert found.charge[0] == pytest.approx(1000.0, rel=0.01)
    assert found.time[0] == pytest.approx(0.0, abs=0.1)
    assert found.size[0] == len(cluster(at))
    assert not found.is_ambiguous[0]
    assert not any(quality.values())


def test_position_is_global_and_time_is_the_hits() -> None:
    planes = [plane(), plane(centre=(-300.0, 20.0))]
    found, _ = clusters_of(cluster(0.2, row=3, late=10.0), planes=planes)
    assert found.detector.tolist() == [3]
    assert found.position[0] == pytest.approx(20.2, abs=0.01)
    assert found.time[0] == pytest.approx(10.0, abs=0.3)


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_lost_strip_does_not_pull(lost: int) -> None:
    """Without the correction the loss of the strip beside the centre moves the mean by 0.15 mm and more."""
    digits = cluster(0.3)
    del digits[lost]
    found, _ = clusters_of(digits)
    assert found.position.tolist() == pytest.approx([0.3], abs=0.03)
    assert found.charge[0] == pytest.approx(1000.0, rel=0.05)


def test_a_dead_strip_is_bridged() -> None:
    digits = [digit for digit in cluster(0.3) if digit[1] != 5]
    found, _ = clusters_of(digits, planes=[plane(dead_strips=((5,), ()))])
    assert found.position.tolist() == pytest.approx([0.3], abs=0.03)


def test_error_of_the_position_by_hand() -> None:
    """2 ADC sqrt(3) samples; charges 159, 683, 159 (1 + 2 / e + 3 / e^2): 0.25 sqrt(2) / (2 x 159 x 2.14)."""
    found, _ = clusters_of([(0, 4, pulse(159.0)), (0, 5, pulse(683.0)), (0, 6, pulse(159.0))])
    noise = 2 * np.sqrt(3) * np.sqrt(2) * 0.25 / (2 * 158.7 * (1 + 2 / np.e + 3 / np.e**2))
    assert found.error[0] == pytest.approx(np.hypot(0.01, noise), rel=0.01)


def test_two_clusters_are_two() -> None:
    found, _ = clusters_of(sorted(cluster(-3.0) + cluster(2.0, 500.0)))
    assert found.position == pytest.approx([-3.0, 2.0], abs=0.02)
    assert found.charge == pytest.approx([1000.0, 500.0], rel=0.02)


@pytest.mark.parametrize(("n_channels", "n"), [(10, 1), (7, 0)], ids=["own-channel", "shared-channel"])
def test_one_strip_alone(n_channels: int, n: int) -> None:
    """On a channel of two strips it may be either."""
    multiplexed = {"n_channels": 7, "channel_of_strip": TWOFOLD} if n_channels == 7 else {}
    found, _ = clusters_of([(0, 1, pulse(200.0))], planes=[plane(**multiplexed)])
    assert len(found.position) == n


def test_two_groups_of_the_same_channels_are_ambiguous() -> None:
    """Channels 0 1 2 are strips 0 1 2, and 8 9 7; channels 3 4 5 are strips 3 4 5."""
    planes = [plane(n_channels=7, channel_of_strip=TWOFOLD)]
    twice = [(0, channel, pulse(height)) for channel, height in enumerate((159.0, 683.0, 159.0))]
    once = [(0, channel + 3, samples) for _, channel, samples in twice]
    found, _ = clusters_of(twice, once, planes=planes)
    assert found.is_ambiguous.tolist() == [True, False]
    assert found.position[1] == pytest.approx(-0.5, abs=0.01)


def test_channels_of_two_clusters_are_shared() -> None:
    """Strips 2 to 4 and 6 to 8 have channel 2 in common: 159 of the one and of the other."""
    planes = [plane(n_channels=9, n_strips=10, channel_of_strip=(0, 1, 2, 3, 4, 5, 2, 6, 7, 8))]
    heights = {2: 318.0, 3: 683.0, 4: 159.0, 6: 683.0, 7: 159.0}
    found, _ = clusters_of([(0, c, pulse(height)) for c, height in heights.items()], planes=planes)
    assert found.position == pytest.approx([-1.5, 2.5], abs=0.03)
    assert found.charge == pytest.approx([1000.0, 1000.0], rel=0.03)


def test_cross_talk_is_subtracted() -> None:
    """Each channel sees a tenth of its neighbours; what is left has the right charge, and 1% of it."""
    own = np.array([0.0, 0.0, 158.7, 682.7, 158.7, 0.0, 0.0])
    seen = own + 0.1 * (np.roll(own, 1) + np.roll(own, -1))
    digits = [(0, c + 1, pulse(height)) for c, height in enumerate(seen) if height > 8]
    found, _ = clusters_of(digits, planes=[plane(cross_talk=0.1)])
    assert found.position.tolist() == pytest.approx([-0.5], abs=0.01)
    assert found.charge[0] == pytest.approx(1000.0, rel=0.03)


def test_a_saturated_strip_is_made_up_from_the_others() -> None:
    digits = [(row, c, np.minimum(samples, 400).tolist()) for row, c, samples in cluster(0.6)]
    found, _ = clusters_of(digits, planes=[plane(saturation=400)])
    assert found.charge[0] == pytest.approx(1000.0, rel=0.03)
    assert found.position[0] == pytest.approx(0.6, abs=0.03)


def test_cross_talk_of_a_saturated_strip_is_no_cluster() -> None:
    """Strips 1 to 3 are channels 2 4 6; their neighbours 1 3 5 are strips 5 to 7, and others."""
    channels = (5, 2, 4, 6, 0, 1, 3, 5, 1, 3)
    planes = [plane(saturation=400, cross_talk=0.02, n_channels=7, channel_of_strip=channels)]
    digits = [(0, channel, [400] * 3) for channel in (2, 4, 6)]
    digits += [(0, channel, [60] * 3) for channel in (1, 3, 5)]
    found, quality = clusters_of(digits, planes=planes)
    assert len(found.position) == 1
    assert quality["hidden_channel"] == 3


def test_common_mode_is_subtracted_where_all_channels_are_there() -> None:
    quiet = {c: np.array(samples) for _, c, samples in cluster(0.2)}
    shift = np.array([30, 40, 20])
    shifted = [(0, c, (quiet.get(c, np.zeros(3)) + shift).astype(int).tolist()) for c in range(10)]
    found, quality = clusters_of(shifted)
    assert found.position.tolist() == pytest.approx([0.2], abs=0.01)
    assert found.charge[0] == pytest.approx(1000.0, rel=0.02)
    assert quality["noise_channel"] == 10 - len(quiet)


def test_common_mode_leaves_suppressed_data_alone() -> None:
    digits = cluster(0.2)
    assert len(digits) == 4
    one, other = (clusters_of(digits, common_mode_share=share)[0] for share in (0.5, 1.0))
    assert one.charge.tolist() == other.charge.tolist()


def test_bad_input_is_counted_and_left_out() -> None:
    digits = cluster(0.2)
    bad = [(7, 1, [99] * 3), (-1, 1, [99] * 3), (0, 10, [99] * 3), (0, -1, [99] * 3), (0, 0, [5, 5, 5])]
    mask = np.zeros((2, 10), dtype=bool)
    mask[1, 3] = True
    table = strip_table([plane()], is_bad=mask)
    again = (digits[0][0], digits[0][1], [500, 500, 500])
    found, quality = find_strip_clusters(*arrays_of([], [*digits, *bad, again, (1, 3, [99] * 3)], []), table)
    assert found.offsets.tolist() == [0, 0, 1, 1]
    assert found.position.tolist() == pytest.approx([0.2], abs=0.01)
    counted = {name: n for name, n in quality.items() if n}
    assert counted == {
        "unknown_detector": 2, "unknown_channel": 2, "duplicate_channel": 1, "bad_channel": 1,
        "noise_channel": 1,
    }  # fmt: skip


def test_more_clusters_than_room_are_counted() -> None:
    found, quality = clusters_of(cluster(-3.0) + cluster(2.0), max_clusters=1)
    assert len(found.position) == 1
    assert quality["too_many_clusters"] == 1


def test_no_events_and_no_strips() -> None:
    found, _ = clusters_of()
    assert found.offsets.tolist() == [0]
    table = strip_table([Plane(name="ST", z=0.0)])
    hits, quality = find_strip_hits(*arrays_of(cluster(0.2)), table)
    assert len(hits.x) == 0
    assert quality["unknown_detector"] == len(cluster(0.2))


def test_measured_noise_takes_the_place_of_the_readouts() -> None:
    noise = np.full((2, 10), np.nan)
    noise[0] = 1000.0
    found, quality = find_strip_clusters(*arrays_of(cluster(0.2)), strip_table([plane()], noise=noise))
    assert len(found.position) == 0
    assert quality["noise_channel"] == len(cluster(0.2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offsets": np.array([0, 2])}, "offsets must rise from 0 to the number of digits, 3"),
        ({"channel": np.zeros(2, np.int32)}, "same length, got 3, 2, 3"),
        ({"samples": np.zeros((3, 6), np.uint16)}, r"shape \(3, 3\), got \(3, 6\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    names = ("offsets", "detector", "channel", "samples")
    good = dict(zip(names, arrays_of([(0, c, [9, 9, 9]) for c in range(3)]), strict=True))
    with pytest.raises(ValueError, match=message):
        find_strip_clusters(**{**good, **change}, table=strip_table([plane()]))


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"same n_samples, the planes have \[3, 6\]"):
        strip_table([plane(), plane(n_samples=6)])
    with pytest.raises(ValueError, match=r"is_bad must have the shape .* = \(2, 10\), got \(2, 9\)"):
        strip_table([plane()], is_bad=np.zeros((2, 9), dtype=bool))


@pytest.mark.parametrize(
    "change",
    [{"noise_cut": 0.0}, {"seed_cut": np.nan}, {"common_mode_share": 0.0}, {"reach": 0}, {"max_clusters": 0},
     {"model_uncertainty": -1.0}, {"hidden_factor": -1.0}],
)  # fmt: skip
def test_senseless_configuration_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"strips.*{next(iter(change))}"):
        StripConfig(**change)
    with pytest.raises(ValueError, match=r"match.*charge_ratio"):
        MatchConfig(charge_ratio=0.0)


# matching


def pairs(*planes: tuple[list[tuple[float, float]], list[tuple[float, float]]]) -> StripClusters:
    """Return clusters of one event from (charge, time) along x and along y of each plane."""
    rows = [(2 * p + axis, *of) for p, both in enumerate(planes) for axis in (0, 1) for of in both[axis]]
    n = len(rows)
    detector, charge, time = (np.array(column) for column in zip(*rows, strict=True))
    ones = np.ones(n)
    position = 10.0 * np.arange(n)
    sizes = np.full(n, 5)
    return StripClusters(
        np.array([0, n]), detector, position, 0.1 * ones, time, 0.5 * ones, charge, 2 * charge, 0.02 * charge,
        sizes, ones == 0,
    )  # fmt: skip


def matches(found: StripClusters) -> list[tuple[int, int]]:
    """Return the x and the y cluster of each hit, by number."""
    hits, _ = match_clusters(found)
    return [(int(x / 10), int(y / 10)) for x, y in zip(hits.x, hits.y, strict=True)]


def test_matched_by_charge() -> None:
    found = pairs(([(600.0, 0.0), (900.0, 0.0)], [(910.0, 0.0), (590.0, 0.0)]))
    assert matches(found) == [(0, 3), (1, 2)]
    assert not match_clusters(found)[0].is_ambiguous.any()


def test_matched_by_time_where_charges_are_alike() -> None:
    assert matches(pairs(([(600.0, 0.0), (600.0, 20.0)], [(600.0, 20.0), (600.0, 0.0)]))) == [(0, 3), (1, 2)]


def test_equal_charge_and_time_is_ambiguous() -> None:
    hits, _ = match_clusters(pairs(([(600.0, 0.0)] * 2, [(605.0, 0.1)] * 2)))
    assert hits.is_ambiguous.tolist() == [True, True]


def test_the_sum_decides_not_the_first() -> None:
    """x0 lies next to y2, but x1 can only take that one."""
    found = pairs(([(600.0, 0.0), (560.0, 0.0)], [(590.0, 0.0), (630.0, 0.0)]))
    assert matches(found) == [(0, 3), (1, 2)]


def test_without_a_partner_there_is_no_hit() -> None:
    found = pairs(([(600.0, 0.0), (90.0, 0.0)], [(600.0, 0.0)]), ([], [(600.0, 0.0)]))
    hits, lost = match_clusters(found)
    assert (hits.plane.tolist(), hits.x.tolist(), hits.y.tolist()) == ([0], [0.0], [20.0])
    assert lost == {"unmatched_x": 1, "unmatched_y": 1}


def test_time_and_charge_of_a_hit_are_means() -> None:
    hits, _ = match_clusters(pairs(([(600.0, 1.0)], [(620.0, np.nan)]), ([(600.0, 1.0)], [(620.0, 2.0)])))
    assert hits.time.tolist() == pytest.approx([1.0, 1.5])
    assert hits.time_error[1] == pytest.approx(hits.time_error[0] / np.sqrt(2))
    assert hits.charge.tolist() == [610.0, 610.0]


def some_hits(planes: list[list[int]]) -> TrackerHits:
    plane = np.array([p for event in planes for p in event], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(event) for event in planes])]).astype(np.int64)
    where = 10.0 * np.arange(len(plane))
    return TrackerHits(offsets, plane, *[where] * 6, plane, plane, plane < 0, plane, plane, where)


def test_hits_are_joined_by_event_and_plane() -> None:
    joined = join_hits(some_hits([[0, 3], [], [1]]), some_hits([[2], [2], []]))
    assert joined.offsets.tolist() == [0, 3, 4, 5]
    assert joined.plane.tolist() == [0, 2, 3, 2, 1]
    with pytest.raises(ValueError, match=r"of the same events, got \[1, 2\] events"):
        join_hits(some_hits([[0]]), some_hits([[0], [0]]))


def test_planes_of_a_spectrometer() -> None:
    chosen = select_planes(some_hits([[0, 4, 5], [1], [6, 4]]), 4, 2)
    assert (chosen.offsets.tolist(), chosen.plane.tolist()) == ([0, 2, 2, 3], [0, 1, 0])
    assert chosen.x.tolist() == [10.0, 20.0, 50.0]


# what must not matter

digits = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 63), st.lists(st.integers(0, 1023), min_size=3, max_size=3)),
    max_size=40,
    unique_by=lambda digit: digit[:2],
)


@given(event=digits, data=st.data())
def test_the_order_of_digits_does_not_matter(event: Rows, data: st.DataObject) -> None:
    moved = data.draw(st.permutations(event))
    one, other = (find_strip_hits(*arrays_of(rows), TABLE) for rows in (event, moved))
    assert one[1] == other[1]
    for column, same in zip(one[0], other[0], strict=True):
        assert np.array_equal(column, same, equal_nan=True)


@given(events=st.lists(digits, max_size=4), split=st.integers(0, 4))
def test_parts_are_the_whole(events: list[Rows], split: int) -> None:
    whole, count = find_strip_hits(*arrays_of(*events), TABLE)
    parts = [find_strip_hits(*arrays_of(*some), TABLE) for some in (events[:split], events[split:])]
    assert count == {name: parts[0][1][name] + parts[1][1][name] for name in count}
    for column, one, other in zip(whole[1:], parts[0][0][1:], parts[1][0][1:], strict=True):
        assert np.array_equal(column, np.concatenate([one, other]), equal_nan=True)


@given(event=digits)
def test_nothing_is_infinite_and_all_is_in_order(event: Rows) -> None:
    found, _ = find_strip_clusters(*arrays_of(event), TABLE)
    assert np.isfinite([found.position, found.error, found.charge, found.integral]).all()
    assert (found.error >= 0.1).all()
    assert (np.diff(found.detector) >= 0).all()
    assert (np.diff(found.position)[np.diff(found.detector) == 0] >= 0).all()


@given(at=st.floats(-3.0, 3.0), shift=st.floats(-500, 500), scale=st.floats(0.5, 5.0))
def test_shift_and_scale(at: float, shift: float, scale: float) -> None:
    here, _ = clusters_of(cluster(at))
    there, _ = clusters_of(cluster(at, 1000.0 * scale), planes=[plane((shift, 0.0), saturation=9999)])
    assert there.position[0] == pytest.approx(here.position[0] + shift, abs=0.02)
    assert there.charge[0] == pytest.approx(scale * here.charge[0], rel=0.02)


# closure


class Truth(NamedTuple):
    """Tracks that cross all planes of the setup."""

    x: Floats  # [mm] (n_events, n_planes, n_tracks)
    y: Floats
    time: Floats  # [ns]


def simulate(
    n: int, n_tracks: int, distance: float | None = None, spread: float = 45.0, seed: int = 1
) -> tuple[Truth, tuple[Any, ...]]:
    """Return tracks, the first at the trigger's time, and their digits, of which one in 20 is lost."""
    rng = np.random.default_rng(seed)
    shape = n, len(PLANES), n_tracks
    x, y = rng.uniform(-35.0, 35.0, (2, *shape))
    if distance is not None:
        x = rng.uniform(-30.0, 20.0, (*shape[:2], 1)) + distance * np.arange(n_tracks)
    time = rng.uniform(-spread, spread, shape)
    time[..., 0] = 0.0
    centre = np.array([found.centre for found in PLANES])
    x, y = x + centre[:, 0, None], y + centre[:, 1, None]
    number = np.broadcast_to(np.arange(len(PLANES))[:, None], shape).ravel()
    offsets = np.arange(n + 1) * shape[1] * n_tracks
    hits = EventHits(offsets, number.copy(), x.ravel(), y.ravel(), time.ravel())
    made = read_strips(hits, strip_tables(SETUP), rng)
    kept = rng.random(len(made.channel)) >= 0.05
    before = np.concatenate([[0], np.cumsum(kept)])
    return Truth(x, y, time), (before[made.offsets], *(column[kept] for column in made[1:]))


def nearest(offsets: Any, group: Any, position: Floats, true: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return how far the nearest found is from each true position, (n_groups, n_tracks), and which it is."""
    n_groups = len(true) // (len(offsets) - 1)
    key = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)) * n_groups + group
    distance, which = np.full(true.shape, np.inf), np.full(true.shape, -1)
    for i, (at, k) in enumerate(zip(position, key, strict=True)):
        closer = np.abs(at - true[k]) < np.abs(distance[k])
        distance[k, closer], which[k, closer] = (at - true[k])[closer], i
    return distance, which


def core(values: Floats) -> float:
    low, high = np.nanpercentile(values, [15.87, 84.13])
    return 0.5 * float(high - low)


def compare(truth: Truth, found: StripClusters) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return residuals and clusters of both coordinates, (n_events n_planes 2, n_tracks)."""
    true = np.stack([truth.x, truth.y], axis=2).reshape(-1, truth.x.shape[2])
    return nearest(found.offsets, found.detector, found.position, true)


@pytest.mark.parametrize(("n_tracks", "ambiguous"), [(1, 0.01), (2, 0.15)])
def test_clusters_of_the_simulation(n_tracks: int, ambiguous: float) -> None:
    truth, made = simulate(1000, n_tracks)
    found, _ = find_strip_clusters(*made, TABLE)
    residual, which = compare(truth, found)
    is_found = np.abs(residual) < 0.6
    assert is_found.mean() > 0.99
    assert core(residual[is_found]) < 0.110
    assert core((residual / found.error[which])[is_found]) == pytest.approx(1.0, abs=0.05)
    assert found.is_ambiguous.mean() < ambiguous
    assert len(found.position) < 1.03 * residual.size
    late = found.time[which] - np.repeat(truth.time.reshape(-1, n_tracks), 2, axis=0)
    assert core(late[is_found]) < 1.0
    in_time = is_found[:, 0]
    assert core((late / found.time_error[which])[in_time, 0]) == pytest.approx(1.1, abs=0.15)


def test_tracks_3_mm_apart_are_two() -> None:
    truth, made = simulate(1000, 2, distance=3.0, spread=1e-6)
    found, _ = find_strip_clusters(*made, TABLE)
    residual, which = compare(truth, found)
    along_x = slice(None, None, 2)
    both = (np.abs(residual[along_x]) < 0.6).all(axis=1) & (which[along_x, 0] != which[along_x, 1])
    assert both.mean() > 0.99


@pytest.mark.parametrize(("spread", "share"), [(1e-6, 0.97), (45.0, 0.99)], ids=["in-time", "pile-up"])
def test_x_finds_its_y(spread: float, share: float) -> None:
    """Of hits with the x of a track and the y of one, those of the same."""
    truth, made = simulate(1000, 2, spread=spread)
    hits, quality = find_strip_hits(*made, TABLE)
    event = np.repeat(np.arange(1000), np.diff(hits.offsets))
    close_x, close_y = (
        np.abs(at[:, None] - true[event, hits.plane]) < 0.6
        for at, true in ((hits.x, truth.x), (hits.y, truth.y))
    )
    of_tracks = close_x.any(axis=1) & close_y.any(axis=1)
    right = (close_x & close_y).any(axis=1)
    assert right.sum() > share * of_tracks.sum()
    assert right.sum() > 0.95 * truth.x.size
    assert hits.is_ambiguous[of_tracks & ~right].mean() > 5 * hits.is_ambiguous[right].mean()
    assert quality["ambiguous_cluster"] > 0


def test_dead_strips_cost_little() -> None:
    """Three strips of each coordinate are dead in simulation and reconstruction."""
    dead = ((100, 150, 201), (40, 150, 300))
    planes = [replace(p, readout=replace(p.readout, dead_strips=dead)) for p in PLANES]  # type: ignore[type-var]
    spectrometer = replace(SETUP.spectrometers["incoming"], planes=tuple(planes))
    setup = replace(SETUP, spectrometers={"incoming": spectrometer})
    rng = np.random.default_rng(4)
    n = 500
    x = rng.uniform(-35.0, 35.0, (2, n))
    hits = EventHits(np.arange(n + 1), np.zeros(n, np.int64), *x, np.zeros(n))
    made = read_strips(hits, strip_tables(setup), rng)
    found, _ = find_strip_clusters(*made, strip_table(planes))
    for axis in (0, 1):
        mine = found.detector == axis
        event = np.repeat(np.arange(n), np.diff(found.offsets))[mine]
        assert len(np.unique(event)) > 0.98 * n
        assert core(found.position[mine] - x[axis][event]) < 0.120
