"""The fit against a Kalman smoother, and what it says about residuals, kinks and hits of one signal."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import chi2 as chi2_distribution
from scipy.stats import kstest

from physics.scattering import scattering_angle
from recon.field import State, jacobian, propagate
from recon.geometry import Beam, Magnet, Spectrometer
from recon.track_details import TrackDetails
from recon.track_fit import chi2_probability
from recon.tracks import TrackConfig, TrackHits, TrackList, best_tracks, describe_tracks, find_all_tracks
from tests.recon.test_tracks import BEAM, DIPOLE, THICK, Z, as_hits, crossings, particles

ERRORS = np.array([0.06, 0.08, 0.3, 0.12])


def kalman(points: np.ndarray, errors: np.ndarray, momentum: float) -> tuple[np.ndarray, ...]:
    """
    Fit one track by a Kalman filter and smoother, linear around the nominal beam.

    Returns state and covariance smoothed at the first plane and filtered at the last one, and the chi2.
    """
    start = State(*(np.array([v]) for v in (0.0, 0.0, 0.0, 0.0, -1 / BEAM.momentum)))
    layers = [(p.z, p.radiation_lengths, i) for i, p in enumerate(THICK.planes)]
    layers += [(z, t, -1) for z, t in THICK.window_radiation_lengths if z > Z[0]]
    layers.sort()
    # The filter carries the state at the first plane along (a fixed-point smoother). The prior is so wide
    # that its share is below 1e-7, for which double precision would not do.
    state = np.zeros(10, dtype=np.longdouble)
    cov = np.tile(np.diag(np.array([1e6, 1e6, 1.0, 1.0, 1.0], dtype=np.longdouble)), (2, 2))
    project = np.eye(10, dtype=np.longdouble)[:2]
    total, before = 0.0, Z[0]
    for z, thickness, plane in layers:
        here = propagate(start, Z[0], before, THICK.magnets)
        move = np.eye(10, dtype=np.longdouble)
        move[:5, :5] = jacobian(here, before, z, THICK.magnets)[:, :, 0]
        state, cov, before = move @ state, move @ cov @ move.T, z
        if plane >= 0:
            nominal = np.ravel(propagate(start, Z[0], z, THICK.magnets)[:2])
            left = points[plane] - nominal - project @ state
            (a, b), (_, d) = project @ cov @ project.T + errors[plane] ** 2 * np.eye(2)
            weight = np.array([[d, -b], [-b, a]]) / (a * d - b * b)
            gain = cov @ project.T @ weight
            total += float(left @ weight @ left)
            state = state + gain @ left
            cov = cov - gain @ project @ cov
        if z == Z[-1]:
            break
        width = scattering_angle(momentum, thickness)
        cov = cov + np.diag([0, 0, 1, 1, 0, 0, 0, 0, 0, 0]) * width**2
    first, last = (np.ravel(propagate(start, Z[0], z, THICK.magnets)) for z in (Z[0], Z[-1]))
    found = (state[5:] + first, cov[5:, 5:], state[:5] + last, cov[:5, :5])
    return *(np.asarray(v, dtype=np.float64) for v in found), total


def fit(points: np.ndarray, errors: np.ndarray = ERRORS, **config: float) -> TrackList:
    hits = as_hits(points)
    own = np.tile(errors, len(points))
    return find_all_tracks(TrackHits(*hits, own, own), THICK, BEAM, TrackConfig(**config))


def details_of(points: np.ndarray, errors: np.ndarray, **config: float) -> tuple[TrackList, TrackDetails]:
    """Fit one track per event, and describe it; `errors` [mm] (n_events, n_planes)."""
    own, limits = errors.ravel(), TrackConfig(**config)
    hits = TrackHits(*as_hits(points), own, own)
    tracks = find_all_tracks(hits, THICK, BEAM, limits)
    return tracks, describe_tracks(tracks, np.arange(len(tracks.state)), hits, THICK, BEAM, limits)


def test_the_fit_is_a_kalman_smoother() -> None:
    rng = np.random.default_rng(3)
    # near the nominal beam, where the exact propagation is as linear as that of the filter
    start = State(*(np.full(1, v) for v in (0.0, 0.0, 0.0, 0.0, -1 / BEAM.momentum)))
    points = crossings(start, THICK) + rng.normal(0, 1e-3, (1, 4, 2)) * ERRORS[None, :, None]
    tracks, details = details_of(points, ERRORS[None])
    momentum = 1 / abs(tracks.state[0, 4])
    first, first_cov, last, last_cov, total = kalman(points[0], ERRORS, momentum)
    wide = np.sqrt(np.diagonal(details.covariance[0]))
    assert (tracks.state[0] - first) / wide == pytest.approx(0, abs=1e-6)
    scale = np.outer(wide, wide)
    assert details.covariance[0] / scale == pytest.approx(first_cov / scale, abs=1e-6)
    at_last = np.sqrt(np.diagonal(last_cov))
    assert (details.face_state[0, 0] - last) / at_last == pytest.approx(0, abs=1e-6)
    assert details.face_covariance[0, 0] / np.outer(at_last, at_last) == pytest.approx(
        last_cov / np.outer(at_last, at_last), abs=1e-6
    )
    assert tracks.chi2[0] == pytest.approx(total, rel=1e-4)


def test_pulls_with_the_errors_of_the_hits() -> None:
    rng = np.random.default_rng(8)
    truth = particles(20000, rng)
    points = crossings(truth, THICK, rng)
    errors = rng.uniform(0.04, 0.3, points.shape[:2])
    tracks, details = details_of(points + rng.normal(0, 1, points.shape) * errors[..., None], errors)
    assert (np.diff(tracks.offsets) == 1).all()
    away = (tracks.state - np.transpose(truth)) / np.sqrt(np.diagonal(details.covariance, axis1=1, axis2=2))
    assert away.std(axis=0) == pytest.approx(1, abs=0.02)
    assert np.nanstd(details.pull, axis=0) == pytest.approx(1, abs=0.02)
    assert kstest(tracks.p_value, "uniform").pvalue > 1e-3
    assert 0.001 < np.mean(details.kink > 3) < 0.05


@pytest.mark.parametrize("ndf", range(1, 10))
def test_probability_of_chi2(ndf: int) -> None:
    values = np.array([0.0, 0.1, 1.0, 5.0, 40.0])
    found = [chi2_probability(v, ndf) for v in values]
    assert found == pytest.approx(chi2_distribution.sf(values, ndf), rel=1e-10)


def test_a_kink_is_seen() -> None:
    straight = crossings(particles(1, np.random.default_rng(1)), THICK)
    kinked = straight.copy()
    kinked[:, 2:, 1] += 20.0 * np.array([1.0, 1.0 + 1 / 17.5])
    assert details_of(straight, ERRORS[None])[1].kink < 1e-3
    assert details_of(kinked, ERRORS[None], max_chi2_per_ndf=1e5, road=1e3)[1].kink > 5


def test_readings_of_one_signal_are_one_track() -> None:
    points = crossings(particles(1, np.random.default_rng(2)), THICK)
    twice = as_hits(np.repeat(points, 2, axis=0) + np.array([0.0, 0.05])[:, None, None])
    order = np.argsort(twice.plane, kind="stable")
    hits = TrackHits(twice.plane[order], twice.x[order], twice.y[order], np.array([0, 8]))
    assert np.diff(find_all_tracks(hits, THICK, BEAM).offsets) == 2
    sources = {"x_source": hits.plane, "y_source": np.arange(8)}
    assert np.diff(find_all_tracks(hits._replace(**sources), THICK, BEAM).offsets) == 1


def test_a_track_in_time_comes_before_one_of_unknown_time() -> None:
    points = crossings(particles(2, np.random.default_rng(2)), THICK)
    plane = np.repeat(np.arange(4), 2)
    flat = points.swapaxes(0, 1).reshape(-1, 2)
    for late in (0, 1):
        time = np.where(np.arange(8) % 2 == late, np.nan, 0.3)
        hits = TrackHits(plane, *flat.T, np.array([0, 8]), time=time)
        tracks = find_all_tracks(hits, THICK, BEAM)
        assert np.diff(tracks.offsets) == 2
        assert tracks.hits[0] % 2 == pytest.approx(1 - late)


def test_hits_that_do_not_join_are_counted() -> None:
    points = crossings(particles(1, np.random.default_rng(2)), THICK)
    hits = as_hits(points)
    more = TrackHits(
        np.append(hits.plane, [0, 2]),
        np.append(hits.x, [9, 9]),
        np.append(hits.y, [30, 30]),
        np.array([0, 6]),
    )
    tracks = find_all_tracks(more, THICK, BEAM)
    assert tracks.n_upstream.tolist() == [1]


MAP = Magnet(
    name="map", z=0.0, length=4000.0, table=((0, 0.0), (300, -1.5), (2000, -1.9), (3700, -1.5), (4000, 0.0))
)


@pytest.mark.parametrize("momentum", [20.0, 60.0, 100.0, 200.0])
def test_momentum_in_a_field_map(momentum: float) -> None:
    """The equation of motion is integrated through the map by other means."""

    def bend(z: float, v: np.ndarray) -> np.ndarray:
        field = np.interp(z, *np.transpose(MAP.table), left=0.0, right=0.0)
        force = -299792458e-12 * np.cross(v[2:], [0.0, field, 0.0])
        return np.array([v[2], v[3], *force]) / v[4]

    direction = np.array([1e-4, -2e-4, 1.0])
    vector = np.array([2.0, -1.0, *(momentum * direction / np.linalg.norm(direction))])
    path = solve_ivp(bend, (Z[0], Z[-1]), vector, t_eval=Z, rtol=1e-10, atol=1e-10, max_step=100.0)
    spectrometer = replace(THICK, magnets=(MAP,))
    tracks = find_all_tracks(TrackHits(*as_hits(path.y[:2].T[None])), spectrometer, BEAM)
    assert best_tracks(tracks, BEAM).momentum == pytest.approx(momentum, rel=5e-4)


def test_a_thin_magnet_is_nearly_a_thick_one() -> None:
    points = crossings(particles(100, np.random.default_rng(4)), THICK)
    thick, thin = (best_tracks(fit(points, field=field), BEAM) for field in ("thick", "thin"))
    assert thin.momentum == pytest.approx(thick.momentum, rel=1e-3)
    assert not np.array_equal(thin.momentum, thick.momentum)


@pytest.mark.parametrize(
    "change",
    [{"table": ((0.0, 1.0), (3000.0, 1.0))}, {"table": ((0.0, 1.0), (4000.0, 1.0))}, {"field": np.nan}],
)
def test_magnets_that_contradict_themselves(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="mbpl"):
        replace(DIPOLE, **change)


def test_a_spectrometer_of_too_many_planes_is_refused() -> None:
    planes = tuple(replace(THICK.planes[0], z=float(z)) for z in range(13))
    many: Spectrometer = replace(THICK, planes=planes)
    with pytest.raises(ValueError, match="13 planes"):
        find_all_tracks(TrackHits(*as_hits(np.zeros((0, 13, 2)))), many, Beam(particle="e-", momentum=100.0))
