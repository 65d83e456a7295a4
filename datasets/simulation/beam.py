"""Beam particles: the one that triggers and those that come before and after it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from datasets.simulation.focus import trace
from datasets.simulation.model import Primaries
from physics.particles import charge_of, like_charged, pdg_of
from recon.geometry import Beam, Setup

__all__ = ["sample_beam"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Others = tuple[Ints, Floats, Ints, npt.NDArray[np.bool_]]

_AHEAD = 10.0  # [mm] in front of the first plane or magnet
_MOST_SPREADS = 3.0  # the collimators of a beam line cut the momentum there; so many rms are assumed


def sample_beam(
    setup: Setup,
    n_events: int,
    rng: np.random.Generator,
    *,
    particle: str = "beam",
    is_halo: bool = False,
    pile_up: bool = True,
    follower: tuple[float, float] | None = None,
) -> Primaries:
    """
    Draw the beam particles in the readout windows of events.

    The number of particles beside the trigger particle is Poisson with the rate at the time in the spill
    when the trigger particle came; since it comes more often where the rate is high, that time is weighted
    by the rate.

    Parameters
    ----------
    setup : Setup
    n_events : int
    rng : numpy.random.Generator
    particle : str
        The trigger particle: "beam", or the name of a particle.
    is_halo : bool
        Whether the trigger particle flies around the beam.
    pile_up : bool
        Whether other particles come too.
    follower : (float, float), optional [ns]
        Another particle of the beam comes between these times after the trigger particle.

    Returns
    -------
    Primaries
        Sorted by event, the trigger particle first.
    """
    beam = setup.beam
    code = pdg_of(beam.particle if particle == "beam" else particle)
    event, time = np.arange(n_events), np.zeros(n_events)
    pdg, halo = np.full(n_events, code), np.full(n_events, is_halo)
    is_trigger = np.ones(n_events, dtype=bool)
    others = _others(beam, n_events, rng) if pile_up and beam.intensity > 0 else None
    if follower is not None:
        others = _add_followers(others, beam, n_events, follower, rng)
    if others is not None:
        order = np.argsort(np.concatenate([event, others[0]]), kind="stable")
        event, time, pdg, halo, is_trigger = (
            np.concatenate(pair)[order]
            for pair in zip(
                (event, time, pdg, halo, is_trigger),
                (*others, np.zeros(len(others[0]), dtype=bool)),
                strict=True,
            )
        )
    return Primaries(event, time, pdg, is_trigger, *_kinematics(setup, pdg, halo, rng))


def _add_followers(
    others: Others | None, beam: Beam, n_events: int, window: tuple[float, float], rng: np.random.Generator
) -> Others:
    """Return the particles beside the trigger particles and one more of the beam for each of these."""
    time, codes = rng.uniform(*window, n_events), np.full(n_events, pdg_of(beam.particle))
    followers = (np.arange(n_events), time, codes, np.zeros(n_events, dtype=bool))
    return followers if others is None else _concatenate(others, followers)


def _concatenate(one: Others, other: Others) -> Others:
    event, time, codes, halo = (np.concatenate(pair) for pair in zip(one, other, strict=True))
    return event, time, codes, halo


def _others(beam: Beam, n_events: int, rng: np.random.Generator) -> Others:
    """Return event, time, PDG code and whether it is halo of the particles beside the trigger particle."""
    names = [beam.particle, *beam.contamination, like_charged("mu-", beam.charge)]
    share = np.array([1.0 - sum(beam.contamination.values()), *beam.contamination.values(), beam.halo])
    rate = beam.intensity / beam.spill_length * 1e-9 * share.sum() * _ripple(beam, n_events, rng)  # [1/ns]
    counts = rng.poisson(rate * (beam.window[1] - beam.window[0]))
    event = np.repeat(np.arange(n_events), counts)
    kind = np.searchsorted(np.cumsum(share / share.sum())[:-1], rng.random(len(event)), side="right")
    codes = np.array([pdg_of(name) for name in names])
    return event, rng.uniform(*beam.window, len(event)), codes[kind], kind == len(names) - 1


def _ripple(beam: Beam, n_events: int, rng: np.random.Generator) -> Floats:
    """Return the rate over its mean when the trigger particles come, by rejection."""
    if beam.ripple == 0:
        return np.ones(n_events)
    rate = np.zeros(0)
    while len(rate) < n_events:
        time = rng.uniform(0.0, beam.spill_length, 2 * n_events)
        found = 1.0 + beam.ripple * np.sin(2 * np.pi * beam.ripple_frequency * time)
        rate = np.concatenate([rate, found[rng.random(len(found)) * (1.0 + beam.ripple) < found]])
    return rate[:n_events]


def _kinematics(
    setup: Setup, pdg: Ints, halo: npt.NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Floats, ...]:
    """Return momentum [GeV], x, y, z [mm] and slopes."""
    beam, n = setup.beam, len(pdg)
    spread = np.clip(rng.standard_normal(n), -_MOST_SPREADS, _MOST_SPREADS)
    momentum = beam.momentum * (1.0 + beam.spread * spread)
    planes = [plane.z for s in setup.spectrometers.values() for plane in s.planes]
    magnets = [magnet.z for s in setup.spectrometers.values() for magnet in s.magnets]
    first = min([*planes, *magnets, 0.0]) - _AHEAD
    z = np.full(n, first)
    size = np.where(halo, np.array(beam.halo_size)[:, None], np.array(beam.spot)[:, None])
    x, y = size * rng.standard_normal((2, n))
    slope_x, slope_y = np.array(beam.divergence)[:, None] * rng.standard_normal((2, n))
    if beam.focus is None:
        return momentum, x, y, z, slope_x + beam.direction[0], slope_y + beam.direction[1]
    nominal = np.array([[0.0, 0.0, *beam.direction]])
    origin = min(magnets, default=0.0)
    one = np.ones(1)
    axis = trace(setup, nominal, beam.momentum * one, beam.charge * one, (origin, beam.focus))
    there = axis + np.stack([x, y, slope_x, slope_y], axis=1)
    start = trace(setup, there, momentum, charge_of(pdg), (beam.focus, first))
    return momentum, start[:, 0], start[:, 1], z, start[:, 2], start[:, 3]
