"""
Two straight tracks behind a decay volume, without a magnet.

A track is a line through hits of at least `min_planes` planes, by least squares. Lines through two hits are
tried; the nearest hit in each other plane joins. Of all lines those with most hits come first, then those
with the least chi2, and each takes its hits away from the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.geometry import Spectrometer

__all__ = ["PairConfig", "TrackPairs", "find_pairs"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LINE = 4  # x, y at the first plane, dx/dz, dy/dz


@dataclass(frozen=True, slots=True, kw_only=True)
class PairConfig:
    """What counts as a straight track."""

    road: float = 5.0  # [resolutions] of a hit from the line of two others
    max_chi2_per_ndf: float = 10.0
    max_hits: int = 24  # of an event; above, no tracks are looked for

    def __post_init__(self) -> None:
        if not (self.road > 0 and self.max_chi2_per_ndf > 0 and self.max_hits >= 2):
            msg = f"pairs need road and max_chi2_per_ndf > 0 and max_hits >= 2, got {self}"
            raise ValueError(msg)


class TrackPairs(NamedTuple):
    """The two best straight tracks of each event; NaN where there are fewer."""

    count: Ints  # type: ignore[assignment]  # (n_events,) tracks
    angle: Floats  # [rad] (n_events,) between the two best
    vertex_z: Floats  # [mm] (n_events,) where they are closest
    distance: Floats  # [mm] (n_events,) there
    is_valid: npt.NDArray[np.bool_]  # (n_events,) there are two


def find_pairs(
    plane: Ints,
    x: Floats,
    y: Floats,
    offsets: Ints,
    spectrometer: Spectrometer,
    config: PairConfig | None = None,
) -> TrackPairs:
    """
    Find the straight tracks of each event, and how its two best ones meet.

    Parameters
    ----------
    plane : int64, shape (n_hits,)
        Index into the planes of the spectrometer.
    x, y : float64, shape (n_hits,) [mm]
        Hits that are not finite are ignored.
    offsets : int64, shape (n_events + 1,)
    spectrometer : Spectrometer
        Planes in the order of z. Magnets are not looked at.
    config : PairConfig, optional

    Raises
    ------
    ValueError
        If there are fewer than three planes: any two hits would be a track.
    """
    config = config or PairConfig()
    if len(spectrometer.planes) < 3:
        msg = (
            f"straight tracks need three planes or more, '{spectrometer.name}' has {len(spectrometer.planes)}"
        )
        raise ValueError(msg)
    z = np.array([p.z for p in spectrometer.planes])
    resolution = np.array([p.resolution for p in spectrometer.planes])
    least = max(spectrometer.min_planes, 3)
    limits = (least, float(config.road), float(config.max_chi2_per_ndf), config.max_hits)
    hits = plane.astype(np.int64), x.astype(np.float64), y.astype(np.float64), offsets.astype(np.int64)
    count, lines = _find(*hits, z, resolution, limits)
    return _meet(count, lines, float(z[0]))


def _meet(count: Ints, lines: Floats, z: float) -> TrackPairs:
    """Return how two lines (n_events, 2, 4) meet."""
    apart, turn = lines[:, 1, :2] - lines[:, 0, :2], lines[:, 1, 2:] - lines[:, 0, 2:]
    square = (turn**2).sum(axis=1)
    step = -np.divide((apart * turn).sum(axis=1), square, out=np.full(len(square), np.nan), where=square > 0)
    nearest = apart + step[:, None] * turn
    return TrackPairs(count, np.sqrt(square), z + step, np.sqrt((nearest**2).sum(axis=1)), count >= 2)


@njit(cache=True)
def _find(
    plane: Ints,
    x: Floats,
    y: Floats,
    offsets: Ints,
    z: Floats,
    resolution: Floats,
    limits: tuple[int, float, float, int],
) -> tuple[Ints, Floats]:
    """Return the number of tracks, and the lines of the two best ones, of each event."""
    least, road, most, most_hits = limits
    n_events, n_planes = len(offsets) - 1, len(z)
    count, lines = np.zeros(n_events, np.int64), np.full((n_events, 2, _LINE), np.nan)
    room = most_hits * most_hits
    chosen, score = np.empty((room, n_planes), np.int64), np.empty((room, 2))
    fitted = np.empty((room, _LINE))
    for event in range(n_events):
        first, last = offsets[event], offsets[event + 1]
        if last - first > most_hits:
            continue
        n = 0
        for a in range(first, last):
            for b in range(first, last):
                if plane[b] <= plane[a]:
                    continue
                used = _collect(a, b, first, last, plane, x, y, z, resolution, road, chosen[n])
                if used < least:
                    continue
                chi2 = _fit(chosen[n], x, y, z, resolution, fitted[n])
                if not chi2 <= most * (2 * used - _LINE):
                    continue
                score[n, 0], score[n, 1] = used, chi2
                n += 1
        count[event] = _choose(n, chosen, score, fitted, lines[event])
    return count, lines


@njit(cache=True)
def _collect(
    a: int,
    b: int,
    first: int,
    last: int,
    plane: Ints,
    x: Floats,
    y: Floats,
    z: Floats,
    resolution: Floats,
    road: float,
    chosen: Ints,
) -> int:
    """Fill in the nearest hit of each plane to the line of two hits; return how many planes have one."""
    chosen[:] = -1
    pa, pb = plane[a], plane[b]
    chosen[pa], chosen[pb] = a, b
    used = 2
    for p in range(len(z)):
        if p in (pa, pb):
            continue
        along = (z[p] - z[pa]) / (z[pb] - z[pa])
        at_x, at_y = x[a] + along * (x[b] - x[a]), y[a] + along * (y[b] - y[a])
        reach = road * resolution[p] * np.sqrt(1.0 + along * along + (1.0 - along) ** 2)
        nearest = 2.0 * reach * reach
        for k in range(first, last):
            away = (x[k] - at_x) ** 2 + (y[k] - at_y) ** 2
            if plane[k] == p and away < nearest:
                nearest, chosen[p] = away, k
        used += chosen[p] >= 0
    return used


@njit(cache=True)
def _fit(chosen: Ints, x: Floats, y: Floats, z: Floats, resolution: Floats, line: Floats) -> float:
    """Fit a line to the hits of a track; return its chi2. Hits that are not finite make it NaN."""
    weight = mean = 0.0
    for p in range(len(z)):
        if chosen[p] >= 0:
            w = 1.0 / resolution[p] ** 2
            weight += w
            mean += w * z[p]
    mean /= weight
    spread = sum_x = sum_y = slope_x = slope_y = 0.0
    for p in range(len(z)):
        k = chosen[p]
        if k >= 0:
            w, d = 1.0 / resolution[p] ** 2, z[p] - mean
            spread += w * d * d
            sum_x += w * x[k]
            sum_y += w * y[k]
            slope_x += w * d * x[k]
            slope_y += w * d * y[k]
    line[2], line[3] = slope_x / spread, slope_y / spread
    line[0], line[1] = sum_x / weight + line[2] * (z[0] - mean), sum_y / weight + line[3] * (z[0] - mean)
    chi2 = 0.0
    for p in range(len(z)):
        k = chosen[p]
        if k >= 0:
            d = z[p] - z[0]
            away = (x[k] - line[0] - d * line[2]) ** 2 + (y[k] - line[1] - d * line[3]) ** 2
            chi2 += away / resolution[p] ** 2
    return chi2


@njit(cache=True)
def _choose(n: int, chosen: Ints, score: Floats, fitted: Floats, lines: Floats) -> int:
    """Take lines in the order of their score, each of hits that no other has; return how many there are."""
    taken = np.zeros(n, np.bool_)
    found = 0
    while True:
        best = -1
        for i in range(n):
            if taken[i]:
                continue
            if (
                best < 0
                or score[i, 0] > score[best, 0]
                or (score[i, 0] == score[best, 0] and score[i, 1] < score[best, 1])
            ):
                best = i
        if best < 0:
            return found
        if found < len(lines):
            lines[found] = fitted[best]
        found += 1
        for i in range(n):
            for p in range(chosen.shape[1]):
                if chosen[i, p] >= 0 and chosen[i, p] == chosen[best, p]:
                    taken[i] = True
