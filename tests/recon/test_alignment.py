"""Displaced planes are found again from the tracks that cross them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from datasets.setups import load_setup
from recon.alignment import (
    AlignmentConfig,
    AlignmentFit,
    AlignmentSums,
    accumulate,
    add,
    empty_sums,
    fitted_residuals,
    move_hits,
    solve,
    weights_of,
)
from recon.field import State, jacobian, propagate

Floats = npt.NDArray[np.float64]

RESOLUTION = 0.1  # [mm]
SETUP = load_setup("na64e_2018")
INCOMING = SETUP.spectrometers["incoming"]
PLANES = INCOMING.planes
N_PLANES = len(PLANES)
# planes 0 and 1 are those of reference
MOVES = np.zeros((3, N_PLANES))
MOVES[:, 2:] = np.array([[0.7, -0.4], [-0.3, 0.5], [0.004, -0.003]])


def nominal(n: int) -> State:
    beam = SETUP.beam
    values = (0.0, 0.0, *beam.direction, beam.charge / beam.momentum)
    return State(*(np.full(n, value) for value in values))


def at_planes(state: State) -> Floats:
    """Return x and y at each plane, (n, 2 n_planes)."""
    z, rows = PLANES[0].z, []
    for plane in PLANES:
        state = propagate(state, z, plane.z, INCOMING.magnets)
        z = plane.z
        rows += [state.x, state.y]
    return np.stack(rows, axis=1)


def linear_model() -> tuple[Floats, Floats]:
    design = np.vstack([jacobian(nominal(1), PLANES[0].z, p.z, INCOMING.magnets)[:2, :, 0] for p in PLANES])
    return design, np.eye(2 * N_PLANES) * RESOLUTION**2


def measure(n: int, seed: int, moves: Floats = MOVES, momentum: tuple[float, float] = (100.0, 0.5)) -> Floats:
    """Return hits as they are read, where planes are off by ``moves``, (n, 2 n_planes) [mm]."""
    rng = np.random.default_rng(seed)
    beam = nominal(n)
    state = State(
        rng.normal(0, 6, n),
        rng.normal(0, 6, n),
        beam.slope_x + rng.normal(0, 3e-4, n),
        beam.slope_y + rng.normal(0, 3e-4, n),
        SETUP.beam.charge / rng.normal(*momentum, n),
    )
    true = at_planes(state)
    read = np.empty_like(true)
    for i, plane in enumerate(PLANES):
        dx, dy, angle = moves[:, i]
        x, y = true[:, 2 * i] - plane.centre[0] - dx, true[:, 2 * i + 1] - plane.centre[1] - dy
        read[:, 2 * i] = plane.centre[0] + np.cos(angle) * x + np.sin(angle) * y
        read[:, 2 * i + 1] = plane.centre[1] - np.sin(angle) * x + np.cos(angle) * y
    return read + rng.normal(0, RESOLUTION, read.shape)


def moved(read: Floats, moves: Floats) -> Floats:
    plane = np.tile(np.arange(N_PLANES), len(read))
    x, y = move_hits(plane, read[:, ::2].ravel(), read[:, 1::2].ravel(), PLANES, moves)
    return np.stack([x, y], axis=1).reshape(len(read), -1)


def align(
    read: Floats, config: AlignmentConfig, limits: tuple[float, ...] = (np.inf, 100.0, 50.0)
) -> tuple[AlignmentFit, Floats, AlignmentSums]:
    design, covariance = linear_model()
    weights = weights_of(design, covariance, SETUP.beam.momentum, config)
    centre = np.array([plane.centre for plane in PLANES]).ravel()
    moves = np.zeros((3, N_PLANES))
    for limit in limits:
        hits = moved(read, moves)
        sums = accumulate(hits - at_planes(nominal(1)), hits - centre, weights, limit)
        fit = solve(sums, moves, config)
        moves = np.stack([fit.dx, fit.dy, fit.rotation])
    return fit, moves, sums


def test_hits_of_displaced_planes_are_put_where_they_were() -> None:
    read = measure(5, 1)
    exact = moved(read, MOVES)
    true = moved(measure(5, 1, np.zeros_like(MOVES)), np.zeros_like(MOVES))
    np.testing.assert_allclose(exact, true, atol=0.01)  # noise is added in the plane's own frame


def test_displacements_are_found_within_their_errors() -> None:
    fit, moves, _ = align(measure(20_000, 2), AlignmentConfig(momentum_spread=0.005))
    errors = np.stack([fit.dx_error, fit.dy_error, fit.rotation_error])
    assert fit.is_determined[:, 2:].all()
    assert errors[0, 2:].max() < 0.05
    assert errors[1, 2:].max() < 0.02
    assert (np.abs(moves - MOVES)[:, 2:] < 4 * errors[:, 2:]).all()


def test_errors_are_those_of_repeated_measurements() -> None:
    config = AlignmentConfig(momentum_spread=0.005, rotation=0.1, shift=20.0)  # nothing is believed before
    results = [align(measure(400, 100 + i), config)[0] for i in range(60)]
    pulls = np.array([(f.dy[2:] - MOVES[1, 2:]) / f.dy_error[2:] for f in results])
    assert np.sqrt((pulls**2).mean()) == pytest.approx(1, abs=0.25)
    turns = np.array([(f.rotation[2:] - MOVES[2, 2:]) / f.rotation_error[2:] for f in results])
    assert np.sqrt((turns**2).mean()) == pytest.approx(1, abs=0.25)


def test_planes_of_reference_stay() -> None:
    fit, _, _ = align(measure(500, 3), AlignmentConfig())
    for values in (fit.dx, fit.dy, fit.rotation, fit.dx_error, fit.dy_error, fit.rotation_error):
        assert (values[:2] == 0).all()
    assert not fit.is_determined[:, :2].any()


def test_unknown_momentum_is_told_from_a_bent_row_of_planes() -> None:
    """Without a believed momentum, x behind the magnet is that of another momentum."""
    config = AlignmentConfig(momentum_spread=100.0)
    fit, _, _ = align(measure(2_000, 4), config)
    assert not fit.is_determined[0, 2:].any()
    assert fit.is_determined[1, 2:].all()


def test_outliers_are_left_out() -> None:
    read = measure(5_000, 5)
    read[::20, 4] += 30.0
    fit, moves, sums = align(read, AlignmentConfig(momentum_spread=0.005))
    assert sums.n_rejected >= 250
    assert abs(moves[0, 2] - MOVES[0, 2]) < 5 * fit.dx_error[2]


def test_sums_of_parts_are_the_sums_of_the_whole() -> None:
    design, covariance = linear_model()
    weights = weights_of(design, covariance, 100.0)
    read = measure(300, 6)
    residuals = read - at_planes(nominal(1))
    whole = accumulate(residuals, read, weights, 1e9)
    parts = empty_sums(N_PLANES)
    for part in (slice(0, 7), slice(7, 100), slice(100, None)):
        parts = add(parts, accumulate(residuals[part], read[part], weights, 1e9))
    assert parts.n_used + parts.n_rejected == 300
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11)


def test_track_parameters_do_not_count() -> None:
    design, covariance = linear_model()
    weights = weights_of(design, covariance, 100.0, AlignmentConfig(momentum_spread=10.0))
    track = design @ [3.0, -2.0, 1e-3, 2e-3, 1e-4]
    assert track @ weights @ track < 1e-3 * (track @ track) / RESOLUTION**2 / len(track)


def test_fitted_residuals_are_those_of_the_fit() -> None:
    design, covariance = linear_model()
    track = design @ [3.0, -2.0, 1e-3, 2e-3, 1e-4]
    np.testing.assert_allclose(fitted_residuals(track[None, :], design, covariance), 0, atol=1e-9)


def test_events_that_are_not_numbers_are_rejected() -> None:
    design, covariance = linear_model()
    weights = weights_of(design, covariance, 100.0)
    residuals = np.full((3, 2 * N_PLANES), np.nan)
    sums = accumulate(residuals, residuals, weights)
    assert (sums.n_used, sums.n_rejected) == (0, 3)
    with pytest.raises(ValueError, match="none of 3 tracks"):
        solve(sums, np.zeros((3, N_PLANES)))


@pytest.mark.parametrize(
    ("values", "message"),
    [({"shift": 0.0}, "above 0"), ({"min_gain": 1.0}, "min_gain"), ({"momentum_spread": -1.0}, "spread")],
)
def test_config_is_checked(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AlignmentConfig(**values)


def test_shapes_and_references_are_checked() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        accumulate(np.zeros((2, 3)), np.zeros((2, 4)), np.eye(4))
    with pytest.raises(ValueError, match="does not exist"):
        solve(empty_sums(2), np.zeros((3, 2)), AlignmentConfig(reference=(2,)))
