"""What the stages of the simulation hand to each other: arrays over beam particles and what they become.

A *primary* is a beam particle; one of each event is the trigger particle, the others are pile-up. A
*particle* is one that is under way at some place; it belongs to a primary. Deposits are kept per primary,
not per event, so that whoever digitises them knows their times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["Arrival", "Hits", "Particles", "Primaries", "Shower", "join"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Primaries(NamedTuple):
    """Beam particles, sorted by event; all arrays have the shape (n_primaries,)."""

    event: Ints  # row within the block
    time: Floats  # [ns] of passage against the trigger particle's, whose time is 0
    pdg: Ints
    is_trigger: Mask  # one per event
    momentum: Floats  # [GeV] before the first plane
    x: Floats  # [mm] at `z`
    y: Floats  # [mm]
    z: Floats  # [mm] before the first plane
    slope_x: Floats  # dx/dz
    slope_y: Floats


class Particles(NamedTuple):
    """Particles under way; all arrays have the shape (n_particles,), in any order."""

    primary: Ints  # row of `Primaries`
    pdg: Ints
    momentum: Floats  # [GeV]
    x: Floats  # [mm]
    y: Floats  # [mm]
    z: Floats  # [mm]
    slope_x: Floats  # dx/dz; all particles fly towards +z
    slope_y: Floats

    @classmethod
    def of(cls, primaries: Primaries) -> Self:
        """Return the beam particles themselves as particles under way."""
        p = primaries
        rows = np.arange(len(p.pdg), dtype=np.int64)
        return cls(rows, p.pdg, p.momentum, p.x, p.y, p.z, p.slope_x, p.slope_y)

    @classmethod
    def empty(cls) -> Self:
        """Return no particles."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), *(np.zeros(0) for _ in range(6)))

    def select(self, which: npt.NDArray[Any]) -> Self:
        """Return the particles of a mask or of indices."""
        return type(self)(*(values[which] for values in self))

    def at(self, z: npt.ArrayLike) -> Self:
        """Return the particles on their straight lines at ``z`` [mm]."""
        step = np.asarray(z, dtype=np.float64) - self.z
        return self._replace(x=self.x + step * self.slope_x, y=self.y + step * self.slope_y, z=self.z + step)


class Hits(NamedTuple):
    """Crossings of tracker planes by charged particles that were seen; shape (n_hits,), in any order."""

    primary: Ints
    plane: Ints  # index over the planes of all spectrometers, in the order of the setup
    x: Floats  # [mm] true position
    y: Floats  # [mm]

    @classmethod
    def empty(cls) -> Self:
        """Return no hits."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


class Arrival(NamedTuple):
    """What a stretch of beam line hands on."""

    particles: Particles  # at the end of the stretch
    hits: Hits
    photons: Particles  # of synchrotron radiation, where they were emitted


class Shower(NamedTuple):
    """What a process in the target or upstream leaves behind."""

    particles: Particles  # that go on; energy that is not theirs is gone
    missing: Floats  # [GeV] carried away by what no detector sees, shape (n_primaries,)
    ends: Floats | None = None  # [mm] z where the tracks of charged particles end that interact in the target


Table = TypeVar("Table", Particles, Hits)


def join(parts: Sequence[Table]) -> Table:
    """Return one table of several, rows in the order given."""
    first = parts[0]
    return type(first)(*(np.concatenate(column) for column in zip(*parts, strict=True)))
