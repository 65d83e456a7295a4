"""Tracks of 4 planes with 2 hits each, and a Kalman filter in numpy on the same combinations."""

from typing import Any

import numpy as np

import processors  # noqa: F401  it gives compiled kernels their cache
from datasets.setups import load_setup
from recon.field import State, jacobian, propagate
from recon.tracks import TrackHits, find_all_tracks

N_EVENTS = 20_000
SETUP = load_setup("na64e_2018")
SPECTROMETER, BEAM = SETUP.spectrometers["incoming"], SETUP.beam
Z = [plane.z for plane in SPECTROMETER.planes]


def two_particles() -> tuple[TrackHits, np.ndarray]:
    """Return hits, and their positions (n_events, n_planes, 2 hits, 2)."""
    rng = np.random.default_rng(1)
    n = 2 * N_EVENTS
    start = State(*rng.normal(0, 4, (2, n)), *rng.normal(0, 1e-4, (2, n)), -1 / rng.normal(100, 1, n))
    at = [np.stack(propagate(start, Z[0], z, SPECTROMETER.magnets)[:2], axis=-1) for z in Z]
    points = np.stack(at, axis=1).reshape(N_EVENTS, 2, len(Z), 2).swapaxes(1, 2)
    points = points + rng.normal(0, 0.1, points.shape)
    plane = np.tile(np.repeat(np.arange(len(Z)), 2), N_EVENTS)
    hits = TrackHits(plane, points[..., 0].ravel(), points[..., 1].ravel(), 8 * np.arange(N_EVENTS + 1))
    return hits, points


def kalman(points: np.ndarray) -> np.ndarray:
    """Return the chi2 of all combinations, (n_events, 16), by a filter linear around the nominal beam."""
    nominal = State(*(np.array([v]) for v in (0.0, 0.0, *BEAM.direction, BEAM.charge / BEAM.momentum)))
    choice = np.stack(np.unravel_index(np.arange(2 ** len(Z)), (2,) * len(Z)))
    chosen = points[:, np.arange(len(Z))[:, None], choice]
    state = np.zeros((N_EVENTS, choice.shape[1], 5))
    cov = np.broadcast_to(np.diag([1e4, 1e4, 1e-2, 1e-2, 1e-2]), (N_EVENTS, choice.shape[1], 5, 5))
    chi2, before = np.zeros(state.shape[:2]), Z[0]
    for i, plane in enumerate(SPECTROMETER.planes):
        here = propagate(nominal, Z[0], before, SPECTROMETER.magnets)
        move = jacobian(here, before, plane.z, SPECTROMETER.magnets)[:, :, 0]
        state, cov, before = state @ move.T, move @ cov @ move.T, plane.z
        expected = np.ravel(propagate(nominal, Z[0], plane.z, SPECTROMETER.magnets)[:2])
        left = chosen[:, i] - expected - state[..., :2]
        weight = np.linalg.inv(cov[..., :2, :2] + plane.resolution**2 * np.eye(2))
        gain = cov[..., :, :2] @ weight
        chi2 += (left[..., None, :] @ weight @ left[..., None])[..., 0, 0]
        state = state + (gain @ left[..., None])[..., 0]
        cov = cov - gain @ cov[..., :2, :]
    return chi2


def test_tracks_of_two_hits_per_plane(benchmark: Any) -> None:
    hits, _ = two_particles()
    benchmark.extra_info["events"] = N_EVENTS
    found = benchmark(find_all_tracks, hits, SPECTROMETER, BEAM)
    assert np.mean(np.diff(found.offsets) == 2) > 0.95


def test_kalman_filter_in_numpy(benchmark: Any) -> None:
    _, points = two_particles()
    benchmark.extra_info["events"] = N_EVENTS
    chi2 = benchmark(kalman, points)
    assert np.mean(np.sort(chi2, axis=1)[:, 1] < 30) > 0.95
