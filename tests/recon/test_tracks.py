"""Tests of track finding: closure on known particles, ambiguities, and everything that is not a track."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from physics.scattering import scattering_angle
from recon.field import State, propagate
from recon.geometry import Beam, Magnet, Plane, Spectrometer
from recon.tracks import TrackConfig, TrackHits, Tracks, describe_tracks, find_all_tracks, find_tracks

Z = (-1500.0, -500.0, 17000.0, 18000.0)
DIPOLE = Magnet(name="mbpl", z=0.0, length=4000.0, field=-1.75)
THIN = Spectrometer(
    name="incoming",
    planes=tuple(Plane(name=f"mm{i + 1}", z=z, size=(4000.0, 4000.0)) for i, z in enumerate(Z)),
    magnets=(DIPOLE,),
)
THICK = replace(
    THIN,
    planes=tuple(replace(plane, radiation_lengths=0.02) for plane in THIN.planes),
    window_radiation_lengths=((15800.0, 0.01), (-1900.0, 5.0)),
)
BEAM = Beam(particle="e-", momentum=100.0)


class Hits(NamedTuple):
    """The first arguments of `find_tracks`."""

    plane: np.ndarray
    x: np.ndarray
    y: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, *events: list[tuple[int, float, float]]) -> "Hits":
        """Return hits from a list of (plane, x, y) per event."""
        rows = np.array([hit for event in events for hit in event], dtype=float).reshape(-1, 3)
        return cls(rows[:, 0].astype(int), rows[:, 1], rows[:, 2], np.cumsum([0, *map(len, events)]))


def particles(n: int, rng: np.random.Generator) -> State:
    """Return beam electrons at the first plane."""
    position, slope = rng.normal(0, 4, (2, n)), rng.normal(0, 1e-4, (2, n))
    return State(*position, *slope, -1 / rng.normal(100, 1, n))


def crossings(start: State, spectrometer: Spectrometer, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return x and y at the planes, (n_events, n_planes, 2) [mm]; with ``rng`` matter scatters."""
    layers = [(plane.z, plane.radiation_lengths, i) for i, plane in enumerate(spectrometer.planes)]
    layers += [(z, t, -1) for z, t in spectrometer.window_radiation_lengths if z > Z[0]]
    points = np.empty((len(start.x), len(spectrometer.planes), 2))
    z, state = Z[0], start
    for z_layer, thickness, i in sorted(layers):
        state, z = propagate(state, z, z_layer, spectrometer.magnets), z_layer
        if i >= 0:
            points[:, i] = np.stack([state.x, state.y], axis=1)
        if rng is not None and thickness:
            kick = rng.normal(0, scattering_angle(100.0, thickness), (2, len(start.x)))
            state = state._replace(slope_x=state.slope_x + kick[0], slope_y=state.slope_y + kick[1])
    return points


def as_hits(points: np.ndarray) -> Hits:
    """Return one hit per plane from (n_events, n_planes, 2) points."""
    n, m = points.shape[:2]
    return Hits(
        np.tile(np.arange(m), n), points[..., 0].ravel(), points[..., 1].ravel(), np.arange(n + 1) * m
    )


def event_of(start: State) -> list[tuple[int, float, float]]:
    """Return the exact hits of one particle."""
    return [(i, x, y) for i, (x, y) in enumerate(crossings(start, THIN)[0])]


def particle(x: float, y: float, slope_x: float, slope_y: float, q_over_p: float) -> State:
    """Return one particle at the first plane."""
    return State(*(np.array([v]) for v in (x, y, slope_x, slope_y, q_over_p)))


ONE = event_of(particle(1, 2, 1e-4, -1e-4, -1 / 100))
TWO = event_of(particle(-6, -5, -2e-4, 1e-4, -1 / 98))


def assert_no_track(tracks: Tracks) -> None:
    assert not tracks.is_valid.any()
    assert not tracks.count.any()
    for name in set(Tracks._fields) - {"count", "ndf", "is_valid", "is_overflow"}:
        assert np.isnan(getattr(tracks, name)).all(), name


def lorentz_hits(momentum: float, charge: int) -> np.ndarray:
    """Return hits of one particle from a numerical integration of the Lorentz force, (1, 4, 2) [mm]."""
    direction = np.array([1e-4, -2e-4, 1.0])
    vector = np.array([2.0, -1.0, *(momentum * direction / np.linalg.norm(direction))])
    points, z = [vector[:2]], Z[0]
    for stop in (Z[1], DIPOLE.z, DIPOLE.z + DIPOLE.length, *Z[2:]):
        field = np.array([0.0, DIPOLE.field if z == DIPOLE.z else 0.0, 0.0])

        def slope(_: float, v: np.ndarray, field: np.ndarray = field) -> np.ndarray:
            return np.array([v[2], v[3], *(charge * 299792458e-12 * np.cross(v[2:], field))]) / v[4]

        vector, z = (
            solve_ivp(slope, (z, stop), vector, rtol=1e-11, atol=1e-11, method="DOP853").y[:, -1],
            stop,
        )
        if stop in Z:
            points.append(vector[:2])
    return np.array([points])


@pytest.mark.parametrize("charge", [-1, 1])
@pytest.mark.parametrize("momentum", [20.0, 35.0, 60.0, 100.0, 150.0, 200.0])
def test_momentum_and_charge_of_integrated_particles(momentum: float, charge: int) -> None:
    tracks = find_tracks(*as_hits(lorentz_hits(momentum, charge)), THICK, BEAM)
    assert tracks.momentum == pytest.approx(momentum, rel=5e-4)
    assert tracks.charge == charge
    assert tracks.chi2 < 0.1
    assert np.concatenate(tracks[6:10]) == pytest.approx([2.0, -1.0, 1e-4, -2e-4], abs=0.02)
    assert tracks.angle == pytest.approx(np.hypot(1e-4, 2e-4), rel=0.01)


def test_angle_is_taken_from_the_nominal_beam() -> None:
    beam = replace(BEAM, direction=(3e-3, 4e-3))
    tracks = find_tracks(*Hits.of(event_of(particle(0, 0, 0, 0, -0.01))), THIN, beam)
    assert tracks.angle == pytest.approx(5e-3, rel=1e-4)


@pytest.mark.parametrize("spectrometer", [THIN, THICK], ids=["thin", "thick"])
def test_pulls_and_chi2_of_toy_particles(spectrometer: Spectrometer) -> None:
    rng = np.random.default_rng(20240607)
    n = 20000
    truth = particles(n, rng)
    points = crossings(truth, spectrometer, rng)
    tracks = find_tracks(*as_hits(points + rng.normal(0, 0.1, points.shape)), spectrometer, BEAM)
    assert (tracks.count == 1).all()
    assert (tracks.ndf == 3).all()
    true_momentum = -1 / truth.q_over_p
    pull = (1 / tracks.momentum - 1 / true_momentum) * tracks.momentum**2 / tracks.momentum_error
    assert pull.mean() == pytest.approx(0, abs=4 / np.sqrt(n))
    assert pull.std() == pytest.approx(1, abs=4 / np.sqrt(2 * n))
    assert (tracks.chi2 / tracks.ndf).mean() == pytest.approx(1, abs=4 * np.sqrt(2 / 3 / n))


def at_faces(hits: Hits, spectrometer: Spectrometer, *faces: float) -> np.ndarray:
    """Return the states of all tracks at the last plane and at other faces, (n_tracks, n_faces, 5)."""
    given = TrackHits(*hits)
    tracks = find_all_tracks(given, spectrometer, BEAM)
    every = np.arange(len(tracks.state))
    return describe_tracks(tracks, every, given, spectrometer, BEAM, faces=faces).face_state


def test_exit_follows_the_scattering() -> None:
    rng = np.random.default_rng(5)
    points = crossings(particles(5000, rng), THICK, rng)
    exits = at_faces(as_hits(points + rng.normal(0, 0.1, points.shape)), THICK)
    miss = exits[:, 0, :2] - points[:, -1]
    assert miss.mean(axis=0) == pytest.approx([0, 0], abs=0.01)
    assert (miss.std(axis=0) < 0.078).all()  # the last plane alone has 0.1, a stiff y track 0.0805


def test_extrapolation_is_straight_behind_the_magnet_and_bent_inside() -> None:
    start = particle(1, 2, 1e-4, -1e-4, -1 / 90)
    faces = (18500.0, 2000.0)
    found = at_faces(Hits.of(event_of(start), []), THIN, *faces)
    assert len(found) == 1
    for i, z in enumerate(faces, start=1):
        expected = np.concatenate(propagate(start, Z[0], z, THIN.magnets))
        assert found[0, i] == pytest.approx(expected, abs=1e-4)
    assert found[0, 1, 0] == pytest.approx(found[0, 0, 0] + 500 * found[0, 0, 2])


@pytest.mark.parametrize(
    ("event", "count"),
    [
        pytest.param([], 0, id="no-hits"),
        pytest.param(ONE, 1, id="one"),
        pytest.param(ONE + TWO, 2, id="two-particles"),
        pytest.param([*ONE, (2, ONE[2][1] + 0.4, ONE[2][2] - 0.3)], 1, id="delta-ray-beside-a-hit"),
        pytest.param([*ONE, (0, 30.0, 30.0), (3, 5.0, -30.0)], 1, id="noise"),
        pytest.param([*ONE, (3, np.nan, 0.0), (1, 0.0, np.inf)], 1, id="nan-beside"),
        pytest.param([*ONE[:3], (3, np.nan, np.nan)], 0, id="nan-is-a-missing-plane"),
        pytest.param(ONE[1:], 0, id="missing-first-plane"),
        pytest.param([ONE[0]] * 4, 0, id="four-hits-in-one-plane"),
        pytest.param([*ONE[:3], (3, ONE[3][1], ONE[3][2] + 20)], 0, id="off-the-road"),
        pytest.param([*ONE[:2], (2, 9e5, 0.0), (3, 9.7e5, 0.0)], 0, id="impossible-bend"),
        pytest.param([*ONE[:3], (3, 1e200, 1e308)], 0, id="absurd-hit"),
        pytest.param([*ONE, *((0, x + 1, y + 30) for _, x, y in TWO)], 1, id="noise-in-one-plane"),
    ],
)
def test_counting(event: list[tuple[int, float, float]], count: int) -> None:
    tracks = find_tracks(*Hits.of([], event), THIN, BEAM)
    assert tracks.count.tolist() == [0, count]
    assert tracks.is_valid.tolist() == [False, count > 0]
    if count == 1:
        assert tracks.momentum[1] == pytest.approx(100, rel=1e-6)
    if count == 0:
        assert_no_track(tracks)


def test_the_best_of_two_is_reported() -> None:
    worse = [(plane, x, y + (-1) ** plane * 0.15) for plane, x, y in ONE]
    tracks = find_tracks(*Hits.of(worse + TWO), THIN, BEAM)
    assert tracks.count == 2
    assert tracks.momentum == pytest.approx(98, rel=1e-6)


def test_delta_ray_costs_no_precision_when_the_true_hit_is_there() -> None:
    alone = find_tracks(*Hits.of(ONE), THIN, BEAM)
    beside = find_tracks(*Hits.of([(1, ONE[1][1] + 1, ONE[1][2]), *ONE]), THIN, BEAM)
    for one, other in zip(beside, alone, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("missing", range(4))
def test_three_planes_where_the_spectrometer_allows(missing: int) -> None:
    event = [hit for hit in ONE if hit[0] != missing]
    tracks = find_tracks(*Hits.of(event, ONE), replace(THIN, min_planes=3), BEAM)
    assert tracks.count.tolist() == [1, 1]
    assert tracks.ndf.tolist() == [1, 3]
    assert tracks.momentum == pytest.approx(100, rel=1e-6)
    assert tracks.momentum_error[0] > tracks.momentum_error[1]


def test_a_hit_without_y_is_a_missing_plane() -> None:
    event = [*ONE[:3], (3, ONE[3][1], np.nan)]
    tracks = find_tracks(*Hits.of(event), replace(THIN, min_planes=3), BEAM)
    assert tracks.ndf == 1
    assert tracks.momentum == pytest.approx(100, rel=1e-6)


def test_three_planes_behind_the_magnet_are_no_track() -> None:
    last = Plane(name="mm5", z=18400.0)
    wide = replace(THIN, planes=(*THIN.planes, last), min_planes=3)
    assert_no_track(find_tracks(*Hits.of([(i, 1.0, 2.0) for i in (2, 3, 4)]), wide, BEAM))


def test_equally_good_hits_are_chosen_whatever_their_order() -> None:
    event = event_of(particle(0, 0, 0, 0, -0.01))
    up, down = ((3, event[3][1], y) for y in (0.1, -0.1))
    tracks = find_tracks(*Hits.of([*event[:3], up, down], [*event[:3], down, up]), THIN, BEAM)
    assert tracks.chi2 == pytest.approx(tracks.chi2[0], rel=1e-12)
    assert tracks.slope_y[0] == tracks.slope_y[1]


def test_two_planes_are_never_a_track() -> None:
    assert_no_track(find_tracks(*Hits.of(ONE[1:3]), replace(THIN, min_planes=1), BEAM))


def test_too_many_combinations_are_flagged() -> None:
    crowd = [(plane, float(i), 0.0) for plane in range(4) for i in range(3)]
    tracks = find_tracks(*Hits.of(crowd, ONE), THIN, BEAM, TrackConfig(max_combinations=80))
    assert tracks.is_overflow.tolist() == [True, False]
    assert tracks.count.tolist() == [0, 1]
    assert np.isnan(tracks.momentum).tolist() == [True, False]
    wider = find_tracks(*Hits.of(crowd, ONE), THIN, BEAM, TrackConfig(max_combinations=81))
    assert not wider.is_overflow.any()


@pytest.mark.parametrize("n_events", [0, 3])
def test_empty_events(n_events: int) -> None:
    nothing = np.empty(0)
    tracks = find_tracks(nothing.astype(int), nothing, nothing, np.zeros(n_events + 1, dtype=int), THIN, BEAM)
    assert all(len(column) == n_events for column in tracks)
    assert_no_track(tracks)


@pytest.mark.parametrize(
    "spectrometer",
    [
        pytest.param(replace(THIN, magnets=(replace(DIPOLE, field=0.0),)), id="field-off"),
        pytest.param(replace(THIN, magnets=(replace(DIPOLE, z=20000.0),)), id="magnet-behind"),
        pytest.param(replace(THIN, magnets=(replace(DIPOLE, z=-9000.0),)), id="magnet-before"),
    ],
)
def test_without_bending_there_is_no_momentum(spectrometer: Spectrometer) -> None:
    straight = [(i, 1.0, 2.0) for i in range(4)]
    assert_no_track(find_tracks(*Hits.of(straight), spectrometer, BEAM))


def test_no_planes_no_track() -> None:
    assert_no_track(find_tracks(*Hits.of([], []), replace(THIN, planes=()), BEAM))


EVENTS = [ONE, ONE + TWO, [*ONE, (2, ONE[2][1] + 0.4, ONE[2][2])], ONE[:3], []]
NOISE = np.random.default_rng(1).normal(0, 0.1, (200, 2))


def noisy(hits: Hits) -> Hits:
    """Return hits moved by a fixed noise of 0.1 mm."""
    n = len(hits.x)
    return hits._replace(x=hits.x + NOISE[:n, 0], y=hits.y + NOISE[:n, 1])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_hits_does_not_matter(seed: int) -> None:
    hits = noisy(Hits.of(*EVENTS))
    event = np.repeat(np.arange(len(EVENTS)), np.diff(hits.offsets))
    order = np.lexsort((np.random.default_rng(seed).random(len(event)), event))
    shuffled = Hits(hits.plane[order], hits.x[order], hits.y[order], hits.offsets)
    for a, b in zip(find_tracks(*hits, THICK, BEAM), find_tracks(*shuffled, THICK, BEAM), strict=True):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=30, deadline=None)
@given(dx=st.floats(-500, 500), dy=st.floats(-500, 500), dz=st.floats(-1e4, 1e4))
def test_a_shift_of_everything_changes_nothing(dx: float, dy: float, dz: float) -> None:
    hits = noisy(Hits.of(*EVENTS))
    moved = replace(
        THICK,
        planes=tuple(replace(p, z=p.z + dz, centre=(dx, dy)) for p in THICK.planes),
        magnets=(replace(DIPOLE, z=dz),),
        window_radiation_lengths=tuple((z + dz, t) for z, t in THICK.window_radiation_lengths),
    )
    before = find_tracks(*hits, THICK, BEAM)
    after = find_tracks(hits.plane, hits.x + dx, hits.y + dy, hits.offsets, moved, BEAM)
    assert (after.count == before.count).all()
    np.testing.assert_allclose(after.momentum, before.momentum, rtol=1e-8)
    np.testing.assert_allclose(after.chi2, before.chi2, rtol=1e-6)
    np.testing.assert_allclose(after.x - dx, before.x, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(split=st.integers(0, len(EVENTS)))
def test_parts_add_up_to_the_whole(split: int) -> None:
    hits = noisy(Hits.of(*EVENTS))
    cut = hits.offsets[split]
    head = Hits(hits.plane[:cut], hits.x[:cut], hits.y[:cut], hits.offsets[: split + 1])
    tail = Hits(hits.plane[cut:], hits.x[cut:], hits.y[cut:], hits.offsets[split:] - cut)
    whole, *parts = (find_tracks(*h, THICK, BEAM) for h in (hits, head, tail))
    for column, first, second in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(np.concatenate([first, second]), column)


@pytest.mark.parametrize(
    ("spectrometer", "message"),
    [
        pytest.param(replace(THIN, magnets=()), "'incoming' has no magnet", id="no-magnet"),
        pytest.param(replace(THIN, planes=THIN.planes[::-1]), "in the order of z", id="disorder"),
    ],
)
def test_impossible_setups_are_refused(spectrometer: Spectrometer, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_tracks(*Hits.of(ONE), spectrometer, BEAM)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offsets": np.array([0, 3])}, "offsets must rise"),
        ({"offsets": np.array([0, 4, 2, 4])}, "offsets must rise"),
        ({"offsets": np.array([], dtype=int)}, "offsets must rise"),
        ({"x": np.zeros(3)}, "same length"),
        ({"plane": np.array([0, 1, 2, 4])}, "plane indices must be 0 to 3"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_tracks(*Hits.of(ONE)._replace(**change), THIN, BEAM)


@pytest.mark.parametrize(
    "values",
    [{"max_chi2_per_ndf": 0.0}, {"max_chi2_per_ndf": np.nan}, {"max_combinations": 0}, {"iterations": 0}],
)
def test_impossible_configurations_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"tracks.*{next(iter(values))}"):
        TrackConfig(**values)
