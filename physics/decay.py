"""Decays of fast particles by phase space."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Daughters", "break_up_momentum", "three_body", "two_body"]

Floats = npt.NDArray[np.float64]


class Daughters(NamedTuple):
    """One daughter of each parent, all of shape (n,)."""

    momentum: Floats  # [GeV]
    slope_x: Floats  # against the parent's direction
    slope_y: Floats


def break_up_momentum(mass: npt.ArrayLike, one: npt.ArrayLike, two: npt.ArrayLike) -> Floats:
    """Return the momentum [GeV] of both daughters in the rest frame (PDG 2024, eq. (49.17))."""
    m, a, b = (np.asarray(v, dtype=np.float64) for v in (mass, one, two))
    square = (m**2 - (a + b) ** 2) * (m**2 - (a - b) ** 2)
    return np.asarray(np.sqrt(np.maximum(square, 0.0)) / (2 * m))


def two_body(
    mass: float, daughters: tuple[float, ...], momentum: Floats, rng: np.random.Generator
) -> tuple[Daughters, Daughters]:
    """
    Decay to two particles, isotropically in the rest frame.

    Parameters
    ----------
    mass : float [GeV]
        Of the parent.
    daughters : (float, float) [GeV]
        Masses.
    momentum : float64, shape (n,) [GeV]
        Of the parents in the laboratory, along z.
    rng : numpy.random.Generator
    """
    n = len(momentum)
    masses = np.full(n, daughters[0]), np.full(n, daughters[1])
    first, second = _isotropic(np.full(n, mass), *masses, rng)
    gamma = np.hypot(momentum, mass) / mass
    return _to_daughter(_boost(first, gamma)), _to_daughter(_boost(second, gamma))


def three_body(
    mass: float, daughters: tuple[float, ...], momentum: Floats, rng: np.random.Generator
) -> tuple[Daughters, Daughters, Daughters]:
    """
    Decay to three particles with a constant matrix element.

    The mass of the last two is drawn by rejection from ``p1 p23`` (PDG 2024, sec. 49.4.3).

    Parameters
    ----------
    mass, daughters, momentum, rng
        As for `two_body`, with three masses.
    """
    one, two, three = daughters
    n = len(momentum)
    low, high = two + three, mass - one
    most = float(break_up_momentum(mass, one, low) * break_up_momentum(high, two, three))
    pair = np.zeros(0)
    while len(pair) < n:
        m = rng.uniform(low, high, 4 * n + 8)
        weight = break_up_momentum(mass, one, m) * break_up_momentum(m, two, three)
        pair = np.concatenate([pair, m[rng.random(len(m)) * most < weight]])
    pair = pair[:n]
    first, together = _isotropic(np.full(n, mass), np.full(n, one), pair, rng)
    second, third = _isotropic(pair, np.full(n, two), np.full(n, three), rng)
    gamma = np.hypot(momentum, mass) / mass
    moved = [_boost_along(vector, together, pair) for vector in (second, third)]
    return (
        _to_daughter(_boost(first, gamma)),
        _to_daughter(_boost(moved[0], gamma)),
        _to_daughter(_boost(moved[1], gamma)),
    )


def _isotropic(mass: Floats, one: Floats, two: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return four-momenta (n, 4) of two daughters in the rest frame: E, px, py, pz [GeV]."""
    p = break_up_momentum(mass, one, two)
    cosine = rng.uniform(-1.0, 1.0, len(p))
    angle = rng.uniform(0.0, 2.0 * np.pi, len(p))
    sine = np.sqrt(1.0 - cosine**2)
    direction = np.stack([sine * np.cos(angle), sine * np.sin(angle), cosine], axis=1)
    return tuple(  # type: ignore[return-value]
        np.concatenate([np.hypot(p, m)[:, None], sign * p[:, None] * direction], axis=1)
        for m, sign in ((one, 1.0), (two, -1.0))
    )


def _boost(vector: Floats, gamma: Floats) -> Floats:
    """Boost four-momenta (n, 4) along z."""
    speed = np.sqrt(1.0 - 1.0 / gamma**2)
    energy = gamma * (vector[:, 0] + speed * vector[:, 3])
    along = gamma * (vector[:, 3] + speed * vector[:, 0])
    return np.stack([energy, vector[:, 1], vector[:, 2], along], axis=1)


def _boost_along(vector: Floats, frame: Floats, mass: Floats) -> Floats:
    """Boost four-momenta (n, 4) out of the rest frame of particles with four-momenta ``frame`` (n, 4)."""
    beta = frame[:, 1:] / frame[:, :1]
    gamma = frame[:, 0] / mass
    along = (vector[:, 1:] * beta).sum(axis=1)
    factor = gamma**2 / (gamma + 1.0) * along + gamma * vector[:, 0]
    energy = gamma * (vector[:, 0] + along)
    return np.concatenate([energy[:, None], vector[:, 1:] + factor[:, None] * beta], axis=1)


def _to_daughter(vector: Floats) -> Daughters:
    """Return momentum and slopes; a particle that flies backwards goes on at its angle, forward."""
    momentum = np.sqrt((vector[:, 1:] ** 2).sum(axis=1))
    along = np.maximum(np.abs(vector[:, 3]), 1e-9)
    return Daughters(momentum, vector[:, 1] / along, vector[:, 2] / along)
