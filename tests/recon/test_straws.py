"""Straws: positions by hand, sides of the wire, late tracks, bad input, and the simulation's tracks."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.setups import load_setup
from datasets.simulation.event import EventHits
from datasets.simulation.straws import read_straws
from recon.geometry import Plane, Spectrometer, StrawReadout
from recon.straws import StrawClusters, StrawConfig, find_straw_clusters, find_straw_hits, straw_table

Floats = npt.NDArray[np.float64]
Rows = list[tuple[int, int, int]]


def readout(**changes: Any) -> StrawReadout:
    """Return two layers of four straws: wires at -10.5, -7.5, ... 10.5 mm, 20 ns per mm, 2 counts per ns."""
    values = {"diameter": 6.0, "n_straws": 4, "max_drift_time": 60.0, "resolution": 0.1, "ionisations": 1e6}
    return StrawReadout(**{**values, "tdc_period": 0.5, "time_zero": 100.0, **changes})


def plane(centre: tuple[float, float] = (0.0, 0.0), **changes: Any) -> Plane:
    return Plane(name="ST", z=0.0, centre=centre, readout=readout(**changes))


def arrays_of(*events: Rows) -> tuple[Any, Any, Any, Any]:
    rows = np.array([digit for event in events for digit in event], dtype=np.int32).reshape(-1, 3)
    offsets = np.concatenate([[0], np.cumsum([len(event) for event in events])]).astype(np.int64)
    return offsets, *rows.T


def clusters_of(*events: Rows, planes: list[Plane] | None = None) -> tuple[StrawClusters, dict[str, int]]:
    return find_straw_clusters(*arrays_of(*events), straw_table(planes or [plane()]))


@pytest.mark.parametrize(
    ("digits", "position"),
    [
        pytest.param([(0, 3, 280), (0, 4, 240)], 0.5, id="right"),  # 40 and 20 ns: 2 and 1 mm
        pytest.param([(0, 3, 240), (0, 4, 280)], -0.5, id="left"),
        pytest.param([(0, 4, 240), (0, 5, 280)], 2.5, id="right-of-the-wire"),
        pytest.param([(0, 3, 282), (0, 4, 242)], 0.5, id="a-little-late"),
    ],
)
def test_two_layers(digits: Rows, position: float) -> None:
    found, quality = clusters_of(digits)
    assert found.position.tolist() == pytest.approx([position])
    assert (found.size.tolist(), found.is_ambiguous.tolist()) == ([2], [False])
    single = np.hypot(0.1, 0.5 / np.sqrt(12) / 20)
    assert found.error[0] == pytest.approx(single / np.sqrt(2))
    assert found.time_error[0] == pytest.approx(single * np.sqrt(2) * 10)
    assert not any(quality.values())


@pytest.mark.parametrize(("first", "side"), [(0, 1), (6, -1)])
def test_near_a_wire_the_track_is_on_the_side_of_the_other_straw(first: int, side: int) -> None:
    """Drawn tracks whose two times give a distance of 0: folded at the wire, cut at the wall."""
    digits = [(0, first, 200), (0, first + 1, 320)] if side > 0 else [(0, 6, 320), (0, 7, 200)]
    found, _ = clusters_of(digits)
    rng = np.random.default_rng(1)
    d = rng.uniform(0, 0.6, 2_000_000)
    near, far = np.abs(d + rng.normal(0, 0.1, d.size)), np.maximum(d + rng.normal(0, 0.1, d.size), 0.0)
    like = d[0.5 * (near + far) < 0.01]
    assert found.position[0] * side == pytest.approx(-10.5 + like.mean(), abs=0.006)
    assert found.error[0] == pytest.approx(like.std(), rel=0.05)


def test_layers_disagree() -> None:
    """40 and 30 ns leave 0.5 mm too much, 3.5 errors of both; 40 and 40 ns leave 1 mm: 10 ns late."""
    found, _ = clusters_of([(0, 3, 280), (0, 4, 260)], [(0, 3, 280), (0, 4, 280)])
    assert found.is_ambiguous.tolist() == [False, True]
    assert found.time.tolist() == pytest.approx([5.0, 10.0])
    assert found.position.tolist() == pytest.approx([0.25, 0.0])


def test_one_layer_gives_both_sides() -> None:
    found, _ = clusters_of([(0, 3, 280)])
    assert found.position.tolist() == pytest.approx([-3.5, 0.5])
    assert (found.size.tolist(), found.is_ambiguous.tolist()) == ([1, 1], [True, True])
    assert np.isnan(found.time).all()


def test_one_layer_through_the_wire_has_no_sides() -> None:
    """1 ns is 0.05 mm, less than the resolution."""
    found, _ = clusters_of([(0, 3, 202)])
    assert found.position.tolist() == pytest.approx([-1.5])
    assert not found.is_ambiguous[0]


def test_of_three_in_a_row_the_pair_that_agrees_comes_first() -> None:
    """2 + 1 mm, and 1 + 2.5: the third straw is left, 2.5 mm from 4.5."""
    found, _ = clusters_of([(0, 3, 280), (0, 4, 240), (0, 5, 300)])
    assert found.position.tolist() == pytest.approx([0.5, 2.0, 7.0])
    assert found.size.tolist() == [2, 1, 1]


def test_slowing_and_the_centre_of_the_plane() -> None:
    """22.5 ns is half of the radius: between two wires."""
    planes = [plane(), plane((-200.0, 7.0), drift_slowing=0.5)]
    found, _ = clusters_of([(2, 3, 245), (2, 4, 245), (3, 4, 245), (3, 5, 245)], planes=planes)
    assert found.position.tolist() == pytest.approx([-200.0, 10.0])


def test_distances_are_those_of_the_readout() -> None:
    times = np.linspace(0.5, 59.5, 60)
    straws = readout(drift_slowing=0.7, tdc_period=1e-3, resolution=1e-6)
    count = np.rint((times + 100.0) / 1e-3).astype(int)
    planes = [replace(plane(), readout=straws)]
    found, _ = clusters_of(*([(0, 3, int(value))] for value in count), planes=planes)
    assert found.position[1::2] + 1.5 == pytest.approx(straws.drift_distance(times), abs=1e-3)


def test_times_count_from_the_passage_of_the_particle() -> None:
    digits = [(0, 3, 280), (0, 4, 240)]
    later = [(row, straw, time + 14) for row, straw, time in digits]
    table = straw_table([plane()])
    one, _ = find_straw_clusters(*arrays_of(digits, digits), table)
    other, _ = find_straw_clusters(*arrays_of(later, digits), table, start=np.array([7.0, np.nan]))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b)


def test_x_and_y_make_hits() -> None:
    hits, quality = find_straw_hits(
        *arrays_of([(0, 3, 280), (0, 4, 240), (1, 3, 240), (1, 4, 280)]), straw_table([plane()])
    )
    assert (hits.plane.tolist(), hits.x.tolist(), hits.y.tolist()) == ([0], [0.5], [-0.5])
    assert (hits.x_size.tolist(), hits.is_ambiguous.tolist()) == ([2], [False])
    assert np.isnan(hits.charge).all()
    assert not any(quality.values())


def test_two_tracks_in_time_make_all_combinations() -> None:
    x = [(0, 0, 280), (0, 1, 240), (0, 4, 280), (0, 5, 240)]
    hits, _ = find_straw_hits(*arrays_of(x + [(1, n, t) for _, n, t in x]), straw_table([plane()]))
    assert len(hits.x) == 4
    assert hits.is_ambiguous.all()


def test_tracks_at_different_times_do_not_mix() -> None:
    """One of each coordinate is 20 ns late."""
    x = [(0, 0, 280), (0, 1, 240), (0, 4, 320), (0, 5, 280)]
    hits, _ = find_straw_hits(*arrays_of(x + [(1, n, t) for _, n, t in x]), straw_table([plane()]))
    assert hits.x.tolist() == pytest.approx(hits.y.tolist())
    assert hits.time.tolist() == pytest.approx([0.0, 20.0], abs=1e-6)
    assert hits.is_ambiguous.tolist() == [False, True]


def test_too_many_combinations_are_given_up() -> None:
    x = [(0, n, 280) for n in range(0, 8, 3)]
    digits = arrays_of(x + [(1, n, t) for _, n, t in x], [(0, 3, 280), (0, 4, 240), (1, 3, 240), (1, 4, 280)])
    hits, quality = find_straw_hits(*digits, straw_table([plane()]), StrawConfig(max_hits=8))
    assert hits.offsets.tolist() == [0, 0, 1]
    assert quality["too_many_hits"] == 1


def test_a_coordinate_alone_is_no_hit() -> None:
    hits, quality = find_straw_hits(*arrays_of([(0, 3, 280), (0, 4, 240)]), straw_table([plane()]))
    assert len(hits.x) == 0
    assert quality["unmatched_x"] == 1


def test_bad_input_is_counted_and_left_out() -> None:
    mask = np.zeros((2, 8), dtype=bool)
    mask[1, 2] = True
    good = [(0, 3, 280), (0, 4, 240)]
    bad = [(0, 4, 300), (0, 8, 250), (0, -1, 250), (5, 0, 250), (-1, 0, 250), (1, 2, 250), (1, 3, 9999)]
    found, quality = find_straw_clusters(*arrays_of([], good + bad, []), straw_table([plane()], mask))
    assert found.offsets.tolist() == [0, 0, 1, 1]
    assert found.position.tolist() == pytest.approx([0.5])
    assert quality == {
        "unknown_detector": 2, "unknown_channel": 2, "duplicate_channel": 1, "bad_channel": 1,
        "out_of_time": 1,
    }  # fmt: skip


def test_no_events_and_no_straws() -> None:
    assert clusters_of()[0].offsets.tolist() == [0]
    hits, quality = find_straw_hits(*arrays_of([(0, 3, 280)]), straw_table([Plane(name="MM", z=0.0)]))
    assert len(hits.x) == 0
    assert quality["unknown_detector"] == 1


def test_arrays_that_do_not_fit_are_refused() -> None:
    offsets, detector, number, time = arrays_of([(0, 3, 280), (0, 4, 240)])
    with pytest.raises(ValueError, match="same length, got 2, 1, 2"):
        find_straw_clusters(offsets, detector, number[:1], time, straw_table([plane()]))
    with pytest.raises(ValueError, match="offsets must rise from 0 to the number of digits, 2"):
        find_straw_clusters(offsets[:1], detector, number, time, straw_table([plane()]))
    with pytest.raises(ValueError, match=r"is_bad of straws .* = \(2, 8\), got \(2, 7\)"):
        straw_table([plane()], np.zeros((2, 7), dtype=bool))


@pytest.mark.parametrize("change", [{"max_mismatch": 0.0}, {"max_time": np.nan}, {"max_hits": 0}])
def test_senseless_configuration_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"straws.*{next(iter(change))}"):
        StrawConfig(**change)


digits = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 7), st.integers(-100, 700)),
    max_size=16,
    unique_by=lambda digit: digit[:2],
)


@given(event=digits, data=st.data())
def test_the_order_of_digits_does_not_matter(event: Rows, data: st.DataObject) -> None:
    moved = data.draw(st.permutations(event))
    one, other = (find_straw_hits(*arrays_of(rows), straw_table([plane()])) for rows in (event, moved))
    assert one[1] == other[1]
    for column, same in zip(one[0], other[0], strict=True):
        assert np.array_equal(column, same, equal_nan=True)


@given(events=st.lists(digits, max_size=4), split=st.integers(0, 4))
def test_parts_are_the_whole(events: list[Rows], split: int) -> None:
    table = straw_table([plane()])
    whole, count = find_straw_hits(*arrays_of(*events), table)
    parts = [find_straw_hits(*arrays_of(*some), table) for some in (events[:split], events[split:])]
    assert count == {name: parts[0][1][name] + parts[1][1][name] for name in count}
    for column, one, other in zip(whole[1:], parts[0][0][1:], parts[1][0][1:], strict=True):
        assert np.array_equal(column, np.concatenate([one, other]), equal_nan=True)


@given(event=digits)
def test_mirrored_straws_give_mirrored_positions(event: Rows) -> None:
    """Of pairs that agree equally well the first one is taken, so that only those without a tie mirror."""
    alone = [(row, straw, time) for row, straw, time in event if straw in (2, 3, 6)]
    here, _ = clusters_of(alone)
    there, _ = clusters_of([(row, 7 - straw, time) for row, straw, time in alone])
    for row in (0, 1):
        one, other = (found.position[found.detector == row] for found in (here, there))
        assert one == pytest.approx(-other[::-1], abs=1e-9)


def simulate(n: int, x: Floats, y: Floats, time: Floats, lost: float) -> tuple[tuple[Any, ...], list[Plane]]:
    """Return the digits of tracks, (n_events, n_tracks), in a plane of 32 straws a layer behind the setup."""
    straws = readout(n_straws=32, drift_slowing=0.4, resolution=0.2, ionisations=3.0, tdc_period=1.0)
    behind = Plane(name="ST1", z=2e4, centre=(-300.0, 5.0), readout=straws)
    setup = load_setup("na64e_2018")
    incoming = setup.spectrometers["incoming"]
    scattered = Spectrometer(name="scattered", planes=(behind,), magnets=())
    setup = replace(setup, spectrometers={"incoming": incoming, "scattered": scattered})
    n_tracks = x.shape[1]
    offsets = np.arange(n + 1) * n_tracks
    hits = EventHits(offsets, np.full(n * n_tracks, 4), x.ravel() - 300.0, y.ravel() + 5.0, time.ravel())
    rng = np.random.default_rng(2)
    made = read_straws(hits, setup, rng)
    kept = rng.random(len(made.number)) >= lost
    before = np.concatenate([[0], np.cumsum(kept)])
    digits = before[made.offsets], *(column[kept] for column in made[1:])
    return digits, [*incoming.planes, behind]


def core(values: Floats) -> float:
    low, high = np.nanpercentile(values, [15.87, 84.13])
    return 0.5 * float(high - low)


@pytest.mark.parametrize(("lost", "resolved"), [(0.0, 0.99), (0.05, 0.89)])
def test_positions_of_the_simulation(lost: float, resolved: float) -> None:
    """Both layers give 0.2 mm / sqrt(2) and the side; one of 20 straws lost costs a tenth of the pairs."""
    n = 4000
    x, y = np.random.default_rng(1).uniform(-80.0, 80.0, (2, n, 1))
    digits, planes = simulate(n, x, y, np.zeros((n, 1)), lost)
    found, _ = find_straw_clusters(*digits, straw_table(planes))
    for axis, true in ((0, x[:, 0] - 300.0), (1, y[:, 0] + 5.0)):
        mine = found.detector == 8 + axis
        event = np.repeat(np.arange(n), np.diff(found.offsets))[mine]
        residual, error = found.position[mine] - true[event], found.error[mine]
        pair = ~found.is_ambiguous[mine]
        right = pair & (np.abs(residual) < 0.7)
        assert right.sum() > resolved * n
        assert right.sum() > 0.99 * pair.sum()
        assert core(residual[right]) == pytest.approx(0.2 / np.sqrt(2), rel=0.08)
        assert core((residual / error)[right]) == pytest.approx(1.0, abs=0.1)
        either = np.bincount(event[np.abs(residual) < 0.7], minlength=n) > 0
        assert either.mean() > 0.995


def test_a_late_track_is_flagged_and_at_its_place() -> None:
    n = 2000
    x, y = np.random.default_rng(1).uniform(-80.0, 80.0, (2, n, 1))
    digits, planes = simulate(n, x, y, np.full((n, 1), 30.0), 0.0)
    hits, _ = find_straw_hits(*digits, straw_table(planes))
    event = np.repeat(np.arange(n), np.diff(hits.offsets))
    assert hits.is_ambiguous.mean() > 0.99
    assert core(hits.x - x[event, 0] + 300.0) < 0.2
    assert np.nanmedian(hits.time) == pytest.approx(30.0, abs=1.0)
    assert core(hits.time) < 3.0
