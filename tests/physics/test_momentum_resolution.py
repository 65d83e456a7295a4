"""The error of a bending angle, against formulas worked out by hand and against drawn tracks."""

import numpy as np
import pytest

from physics.momentum_resolution import bending_angle, bending_angle_error

Z = np.array([-3750.0, -2750.0, 14750.0, 15750.0])
SIGMA = np.array([0.1, 0.1, 0.1, 0.1])


def test_angle_of_an_electron_in_two_dipoles() -> None:
    assert bending_angle(-7.0, 100.0) == pytest.approx(0.020985, abs=1e-6)


def test_arms_that_need_not_meet_are_two_pairs_of_planes() -> None:
    pair = np.sqrt(4 * 0.1**2) / 1000.0
    assert bending_angle_error(Z, SIGMA, meet=False) == pytest.approx(pair, rel=1e-9)
    matter = bending_angle_error(Z, SIGMA, [Z[1], Z[2], 5000.0], [1e-5, 2e-5, 3e-5], meet=False)
    assert matter == pytest.approx(np.sqrt(pair**2 + 14e-10), rel=1e-9)


def test_arms_that_meet_share_a_point() -> None:
    weight = 1 / SIGMA**2
    before, behind = Z < 0, Z > 0
    s0 = weight.sum()
    first = [(weight * Z)[arm].sum() for arm in (before, behind)]
    second = [(weight * Z**2)[arm].sum() for arm in (before, behind)]
    left = s0 - first[0] ** 2 / second[0] - first[1] ** 2 / second[1]
    shared = (first[1] / second[1] - first[0] / second[0]) ** 2 / left
    expected = np.sqrt(1 / second[0] + 1 / second[1] + shared)
    assert bending_angle_error(Z, SIGMA) == pytest.approx(expected, rel=1e-9)
    assert bending_angle_error(Z, SIGMA) < bending_angle_error(Z, SIGMA, meet=False)


def test_drawn_tracks_spread_as_said() -> None:
    """The estimate without a common point is linear and known: slope behind minus slope before."""
    rng = np.random.default_rng(1)
    kicks = rng.normal(0, 1, (3, 20000)) * np.array([3e-5, 2e-5, 1e-5])[:, None]
    at = [Z[1], 10000.0, Z[2]]
    x = rng.normal(0, 0.1, (4, 20000))
    for kick, v in zip(kicks, at, strict=True):
        x += np.maximum(Z - v, 0)[:, None] * kick
    angle = (x[3] - x[2]) / (Z[3] - Z[2]) - (x[1] - x[0]) / (Z[1] - Z[0])
    said = bending_angle_error(Z, SIGMA, at, [3e-5, 2e-5, 1e-5], meet=False)
    assert angle.std() == pytest.approx(said, rel=0.02)


@pytest.mark.parametrize(("planes", "meet"), [(Z[:2], True), (Z[1:], False), (-np.abs(Z), True)])
def test_too_few_planes_are_refused(planes: np.ndarray, meet: bool) -> None:
    with pytest.raises(ValueError, match="do not determine"):
        bending_angle_error(planes, np.full(len(planes), 0.1), meet=meet)
