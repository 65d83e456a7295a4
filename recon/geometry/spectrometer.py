"""Tracker planes and dipoles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from recon.geometry.readout import StrawReadout, StripReadout
from recon.geometry.strict import Strict

__all__ = ["Magnet", "Plane", "Spectrometer"]

_SAME = 1e-6  # [mm]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane(Strict):
    """A tracker station that measures x and y at one z."""

    name: str
    z: float  # [mm]
    centre: tuple[float, float] = (0.0, 0.0)  # [mm]
    size: tuple[float, float] = (80.0, 80.0)  # [mm] active area
    resolution: float = 0.1  # [mm] per coordinate
    radiation_lengths: float = 0.0  # material crossed, in X0
    efficiency: float = 1.0  # that a charged particle leaves a hit
    time_window: tuple[float, float] = (-math.inf, math.inf)  # [ns] of hits around the trigger particle
    knock_on: tuple[float, float] = (0.0, 0.0)  # share of hits that an electron knocked on displaces, by [mm]
    readout: StripReadout | StrawReadout | None = None  # needed to simulate raw digits and to read them

    def __post_init__(self) -> None:
        if not (self.resolution > 0 and self.radiation_lengths >= 0 and 0 < self.efficiency <= 1):
            msg = (
                f"plane '{self.name}' needs resolution > 0, radiation_lengths >= 0 and 0 < efficiency <= 1, "
                f"got {self}"
            )
            raise ValueError(msg)
        if not (0 <= self.knock_on[0] < 1 and 0 <= self.knock_on[1] < math.inf):
            msg = f"plane '{self.name}': knock_on is a share below 1 and a range in mm, got {self.knock_on}"
            raise ValueError(msg)
        if not self.time_window[0] < self.time_window[1]:
            msg = f"plane '{self.name}': time_window must rise, got {self.time_window}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Magnet(Strict):
    """A dipole with a vertical field: constant between two planes, or a table along the axis."""

    name: str
    z: float  # [mm] entrance
    length: float  # [mm]
    field: float = math.nan  # [T] along +y; with a table its mean, which need not be given
    table: tuple[tuple[float, float], ...] = ()  # (z [mm] behind the entrance, B_y [T]), linear in between

    def __post_init__(self) -> None:
        if not self.table:
            if not math.isfinite(self.field):
                msg = f"magnet '{self.name}' needs a field [T] or a table of (z, field), got {self.field}"
                raise ValueError(msg)
            return
        z = [point[0] for point in self.table]
        if any(a >= b for a, b in pairwise(z)) or abs(z[0]) > _SAME or abs(z[-1] - self.length) > _SAME:
            msg = (
                f"magnet '{self.name}': z of its table must rise from 0 to its length {self.length} mm, "
                f"got {z}"
            )
            raise ValueError(msg)
        mean = sum(0.5 * (b[0] - a[0]) * (a[1] + b[1]) for a, b in pairwise(self.table)) / self.length
        if math.isfinite(self.field) and abs(self.field - mean) > 1e-3 * abs(mean) + 1e-9:
            msg = f"magnet '{self.name}': field {self.field} T is not the mean of its table, {mean:.6g} T"
            raise ValueError(msg)
        object.__setattr__(self, "field", mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrometer(Strict):
    """Named planes around named magnets."""

    name: str
    planes: tuple[Plane, ...]
    magnets: tuple[Magnet, ...]
    window_radiation_lengths: tuple[tuple[float, float], ...] = ()  # [(z mm, X0)] passive matter
    min_planes: int = 4  # a track needs hits in so many

    @property
    def field_integral(self) -> float:
        """Return the bending power [T m]."""
        return sum(magnet.field * magnet.length for magnet in self.magnets) * 1e-3
