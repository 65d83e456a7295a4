"""Tracks and momenta from hits around a magnet.

Every combination of one hit per plane is fitted by generalised least squares in (x, y, dx/dz, dy/dz, q/p) at
the first plane. Multiple scattering enters as the covariance of the residuals (Lutz, NIM A 273 (1988) 349),
taken along the nominal beam at its nominal momentum, so that every matrix is shared by all events with the
same pattern of hit planes. The field is thick: residuals come from the exact `recon.field.propagate`, and
only the derivatives are those of the nominal trajectory. The iteration then shrinks the distance from the
solution by about the squared bending angle at each step (0.01 for 20 GeV in 7 T m), whatever the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from physics.scattering import scattering_angle
from recon.field import State, jacobian, propagate
from recon.geometry import Beam, Spectrometer

__all__ = ["TrackConfig", "Tracks", "extrapolate", "find_tracks"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Integers = npt.NDArray[np.integer]
Numbers = npt.NDArray[np.floating]

_BLOCK = 4096  # events fitted at a time: bounds memory, fits the cache
_MAX_CONDITION = 1e12  # of the scaled normal matrix; above, hits do not determine the parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackConfig:
    """What counts as a track."""

    max_chi2_per_ndf: float = 10.0  # road; a true track of 3 degrees of freedom fails it once in 7e5
    max_combinations: int = 64  # of hits, per event; events above are given up and flagged
    iterations: int = 3  # of the fit; two are enough within 50% of the beam momentum

    def __post_init__(self) -> None:
        if not self.max_chi2_per_ndf > 0:
            msg = f"tracks.max_chi2_per_ndf must be above 0, got {self.max_chi2_per_ndf}"
            raise ValueError(msg)
        if self.max_combinations < 1 or self.iterations < 1:
            msg = (
                "tracks.max_combinations and tracks.iterations must be at least 1, "
                f"got {self.max_combinations} and {self.iterations}"
            )
            raise ValueError(msg)


class Tracks(NamedTuple):
    """The number of tracks and the best track of each event; NaN where there is none."""

    count: Ints  # type: ignore[assignment]  # (n_events,) accepted tracks; 0 where `is_overflow`
    momentum: Floats  # [GeV] (n_events,) before the magnets
    momentum_error: Floats  # [GeV] (n_events,) standard error
    charge: Floats  # [e] (n_events,) +1 or -1
    chi2: Floats  # (n_events,)
    ndf: Ints  # (n_events,) degrees of freedom; 0 without a track
    x: Floats  # [mm] (n_events,) at the first plane
    y: Floats  # [mm] (n_events,)
    slope_x: Floats  # dx/dz (n_events,) at the first plane
    slope_y: Floats  # dy/dz (n_events,)
    angle: Floats  # [rad] (n_events,) between the track at the first plane and the nominal beam
    exit_x: Floats  # [mm] (n_events,) at the last plane, scattering on the way included
    exit_y: Floats  # [mm] (n_events,)
    exit_slope_x: Floats  # dx/dz (n_events,) at the last plane
    exit_slope_y: Floats  # dy/dz (n_events,)
    is_valid: npt.NDArray[np.bool_]  # (n_events,) at least one accepted track
    is_overflow: npt.NDArray[np.bool_]  # (n_events,) more than `max_combinations` combinations


def find_tracks(
    plane: Integers,
    x: Numbers,
    y: Numbers,
    offsets: Integers,
    spectrometer: Spectrometer,
    beam: Beam,
    config: TrackConfig | None = None,
) -> Tracks:
    """
    Find and fit the tracks of each event.

    Best chi2 first; a candidate that shares a hit with a better one is dropped. An event uses all
    planes in which it has a hit, at least ``spectrometer.min_planes`` and never fewer than three. Without
    bending between the planes (field off, all planes on one side of the magnets) there is no momentum
    and no valid track.

    Parameters
    ----------
    plane : int, shape (n_hits,)
        Index into ``spectrometer.planes``.
    x, y : float, shape (n_hits,) [mm]
        In the experiment's coordinates; hits with NaN or infinity are ignored.
    offsets : int, shape (n_events + 1,)
        Hits of event i are ``offsets[i]`` to ``offsets[i + 1]``.
    spectrometer : Spectrometer
        Planes in the order of z.
    beam : Beam
        Where the fit starts and at which momentum matter scatters.
    config : TrackConfig, optional

    Returns
    -------
    Tracks
        ``is_valid`` is False, and the numbers NaN, for an event without an accepted track.

    Raises
    ------
    ValueError
        If the spectrometer has no magnet or its planes are not in the order of z, or if the hit arrays do
        not fit together.
    """
    config = config or TrackConfig()
    _check_setup(spectrometer)
    _check_hits(plane, x, y, offsets, len(spectrometer.planes))
    hits = _sort_hits(plane, x, y, offsets, len(spectrometer.planes))
    tracks = _no_tracks(len(offsets) - 1)
    for used, events in _patterns(hits.n_in_plane, max(spectrometer.min_planes, 3)):
        problem = _linearise(spectrometer, beam, used)
        if problem is None:
            continue
        n_combinations = np.prod(hits.n_in_plane[events][:, used], axis=1, dtype=float)
        tracks.is_overflow[events] = n_combinations > config.max_combinations
        events = events[n_combinations <= config.max_combinations]
        for start in range(0, len(events), _BLOCK):
            _solve(tracks, hits, events[start : start + _BLOCK], problem, config)
    return tracks


def extrapolate(tracks: Tracks, z: float, spectrometer: Spectrometer) -> State:
    """
    Carry the best tracks from the last plane to another z.

    Parameters
    ----------
    tracks : Tracks
        Of n_events.
    z : float [mm]
        Such as the front face of a calorimeter.
    spectrometer : Spectrometer
        The one of the tracks.

    Returns
    -------
    State of float64, shape (n_events,) each
        NaN where there is no track.
    """
    q_over_p = tracks.charge / tracks.momentum
    at_exit = State(tracks.exit_x, tracks.exit_y, tracks.exit_slope_x, tracks.exit_slope_y, q_over_p)
    return propagate(at_exit, spectrometer.planes[-1].z, z, spectrometer.magnets)


def _check_setup(spectrometer: Spectrometer) -> None:
    """Raise unless a momentum can be asked of this spectrometer."""
    if not spectrometer.magnets:
        msg = f"spectrometer '{spectrometer.name}' has no magnet: it cannot measure a momentum"
        raise ValueError(msg)
    z = [plane.z for plane in spectrometer.planes]
    if z != sorted(z):
        msg = f"planes of spectrometer '{spectrometer.name}' must be in the order of z, got z = {z} mm"
        raise ValueError(msg)


class _Hits(NamedTuple):
    """Good hits in the order of event, plane, x, y: independent of the order they came in."""

    position: Floats  # [mm] (2, n_hits) x and y
    n_in_plane: Ints  # (n_events, n_planes)
    first: Ints  # (n_events, n_planes) index of the first hit
    is_taken: npt.NDArray[np.bool_]  # (n_hits,) by an accepted track


def _check_hits(plane: Integers, x: Numbers, y: Numbers, offsets: Integers, n_planes: int) -> None:
    """Raise unless the hit arrays fit together and name planes that exist."""
    if not len(plane) == len(x) == len(y):
        msg = f"plane, x and y must have the same length, got {len(plane)}, {len(x)}, {len(y)}"
        raise ValueError(msg)
    if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != len(x) or (np.diff(offsets) < 0).any():
        msg = f"offsets must rise from 0 to the number of hits, {len(x)}, got {offsets}"
        raise ValueError(msg)
    if len(plane) and not 0 <= plane.min() <= plane.max() < n_planes:
        msg = f"plane indices must be 0 to {n_planes - 1}, got {plane.min()} to {plane.max()}"
        raise ValueError(msg)


def _sort_hits(plane: Integers, x: Numbers, y: Numbers, offsets: Integers, n_planes: int) -> _Hits:
    """Drop hits without a position and sort the others."""
    shape = (len(offsets) - 1, n_planes)
    is_good = np.isfinite(x) & np.isfinite(y)
    event = np.repeat(np.arange(shape[0]), np.diff(offsets))
    cell = (event * n_planes + plane.astype(np.int64))[is_good]
    position = np.stack([x, y]).astype(np.float64)[:, is_good]
    n_in_plane = np.bincount(cell, minlength=shape[0] * n_planes)
    first = np.cumsum(n_in_plane) - n_in_plane
    order = np.lexsort((*position[::-1], cell))
    is_taken = np.zeros(len(order), dtype=bool)
    return _Hits(position[:, order], n_in_plane.reshape(shape), first.reshape(shape), is_taken)


class _Problem(NamedTuple):
    """The linear algebra of one pattern of planes."""

    spectrometer: Spectrometer
    beam: Beam
    used: Ints  # (n_used,) plane indices
    gain: Floats  # (5, 2 n_used) parameters per residual
    whiten: Floats  # (2 n_used, 2 n_used) residuals to unit covariance
    smooth: Floats  # (4, 2 n_used) exit x, y, slopes per residual left: the scattering on the way
    covariance: Floats  # (5, 5) of the parameters

    @property
    def ndf(self) -> int:
        """Return the degrees of freedom."""
        return 2 * len(self.used) - len(State._fields)


def _no_tracks(n: int) -> Tracks:
    """Return the result of n events without tracks."""
    dtypes = {"count": np.int64, "ndf": np.int64, "is_valid": np.bool_, "is_overflow": np.bool_}
    missing: dict[str, npt.NDArray[Any]] = {name: np.zeros(n, dtype=dtype) for name, dtype in dtypes.items()}
    return Tracks(**{name: missing.get(name, np.full(n, np.nan)) for name in Tracks._fields})


def _patterns(n_in_plane: Ints, min_planes: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield each set of planes with hits that is large enough, and the events that have it."""
    is_hit = n_in_plane > 0
    code = (is_hit * (1 << np.arange(is_hit.shape[1]))).sum(axis=1)
    for pattern in np.unique(code):
        used = np.flatnonzero(pattern >> np.arange(is_hit.shape[1]) & 1)
        if len(used) >= min_planes:
            yield used, np.flatnonzero(code == pattern)


def _combine(hits: _Hits, events: Ints, used: Ints) -> tuple[Ints, Ints]:
    """Return all combinations of one hit per used plane: their events (n,) and hits (n_used, n)."""
    radix = hits.n_in_plane[events][:, used]
    n_combinations = radix.prod(axis=1)
    row = np.repeat(np.arange(len(events)), n_combinations)
    number = np.arange(len(row)) - (np.cumsum(n_combinations) - n_combinations)[row]
    chosen = np.empty((len(used), len(row)), dtype=np.int64)
    for i, plane in enumerate(used):
        number, digit = np.divmod(number, radix[row, i])  # its digits in mixed radix are the hits
        chosen[i] = hits.first[events[row], plane] + digit
    return events[row], chosen


def _start(beam: Beam, n: int) -> State:
    """Return n particles of the nominal beam at the first plane."""
    nominal = (0.0, 0.0, *beam.direction, beam.charge / beam.momentum)
    return State(*(np.full(n, value) for value in nominal))


def _linearise(spectrometer: Spectrometer, beam: Beam, used: Ints) -> _Problem | None:
    """Return the matrices of one pattern along the nominal beam, None where it has no solution."""
    planes = [spectrometer.planes[i] for i in used]
    z = [spectrometer.planes[0].z, *(plane.z for plane in planes), spectrometer.planes[-1].z]
    start = _start(beam, 1)
    design = np.vstack([jacobian(start, z[0], to, spectrometer.magnets)[:2, :, 0] for to in z[1:-1]])
    kicks = _kicks(spectrometer, beam, z[1:])  # rows of the planes, then of the exit
    n = len(design)
    variance = np.repeat([plane.resolution**2 for plane in planes], 2)
    whiten = np.linalg.inv(np.linalg.cholesky(np.diag(variance) + kicks[:n] @ kicks[:n].T))
    weighted = whiten @ design
    scale = np.linalg.norm(weighted, axis=0)
    if not scale.all() or np.linalg.cond(weighted / scale) ** 2 > _MAX_CONDITION:
        return None
    covariance = np.linalg.inv(weighted.T @ weighted / np.outer(scale, scale)) / np.outer(scale, scale)
    gain = covariance @ weighted.T @ whiten
    smooth = kicks[n:] @ kicks[:n].T @ whiten.T @ whiten
    return _Problem(spectrometer, beam, used, gain, whiten, smooth, covariance)


def _kicks(spectrometer: Spectrometer, beam: Beam, z: list[float]) -> Floats:
    """
    Return how one standard scatter in each layer moves the nominal beam.

    Rows: x and y at each of ``z`` [mm], the last of which is the exit and has two more for the slopes.
    Columns: two directions per layer. Layers in front of the first plane are not seen by the track.
    """
    first = spectrometer.planes[0].z
    layers = [(plane.z, plane.radiation_lengths) for plane in spectrometer.planes]
    layers += [layer for layer in spectrometer.window_radiation_lengths if layer[0] >= first]
    columns = []
    for z_layer, thickness in layers:
        at_layer = propagate(_start(beam, 1), first, z_layer, spectrometer.magnets)
        moved = [
            jacobian(at_layer, z_layer, to, spectrometer.magnets)[:4, 2:4, 0] * (to > z_layer) for to in z
        ]
        width = scattering_angle(beam.momentum, thickness, charge=beam.charge)
        columns.append(np.vstack([*(m[:2] for m in moved[:-1]), moved[-1]]) * width)
    return np.hstack(columns)


def _apply(matrix: Floats, rows: Floats) -> Floats:
    """Multiply column by column; not BLAS, so that a sum does not depend on the number of events."""
    product = np.zeros((len(matrix), rows.shape[1]))
    for row, coefficients in zip(product, matrix, strict=True):
        for coefficient, values in zip(coefficients, rows, strict=True):
            row += coefficient * values
    return product


def _residuals(problem: _Problem, state: State, measured: Floats) -> tuple[Floats, State]:
    """Return measured minus predicted, (2 n_used, n) [mm], and the state at the last plane."""
    planes, magnets = problem.spectrometer.planes, problem.spectrometer.magnets
    residuals = np.empty_like(measured)
    z = planes[0].z
    for i, plane in enumerate(problem.used):
        state = propagate(state, z, planes[plane].z, magnets)
        z = planes[plane].z
        residuals[2 * i], residuals[2 * i + 1] = measured[2 * i] - state.x, measured[2 * i + 1] - state.y
    return residuals, propagate(state, z, planes[-1].z, magnets)


def _fit(problem: _Problem, measured: Floats, iterations: int) -> tuple[State, Floats]:
    """Return the parameters at the first plane and the chi2, (n,), NaN where the fit breaks down."""
    state = _start(problem.beam, measured.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):  # absurd hits end as NaN or infinite chi2
        for _ in range(iterations):
            step = _apply(problem.gain, _residuals(problem, state, measured)[0])
            state = State(*(value + change for value, change in zip(state, step, strict=True)))
        white = _apply(problem.whiten, _residuals(problem, state, measured)[0])
        return state, (white**2).sum(axis=0)


def _solve(tracks: Tracks, hits: _Hits, events: Ints, problem: _Problem, config: TrackConfig) -> None:
    """Fit all combinations of events of one pattern and write their tracks into ``tracks``."""
    event, chosen = _combine(hits, events, problem.used)
    measured = _measured(hits, chosen)
    state, chi2 = _fit(problem, measured, config.iterations)
    road = config.max_chi2_per_ndf * problem.ndf
    passing = np.flatnonzero((chi2 <= road) & (state.q_over_p != 0))
    winners = passing[_accept(event[passing], chosen[:, passing], chi2[passing], hits)]
    np.add.at(tracks.count, event[winners], 1)
    best = winners[np.unique(event[winners], return_index=True)[1]]
    state = State(*(values[best] for values in state))
    _fill(tracks, event[best], problem, state, measured[:, best], chi2[best])


def _measured(hits: _Hits, chosen: Ints) -> Floats:
    """Return x and y of the chosen hits in alternate rows, (2 n_used, n) [mm]."""
    return hits.position[:, chosen].swapaxes(0, 1).reshape(2 * len(chosen), -1)


def _accept(event: Ints, chosen: Ints, chi2: Floats, hits: _Hits) -> Ints:
    """
    Return the candidates that share no hit with a better one, the best of each event first.

    All events go on together: each round accepts the best candidate left in each event.
    """
    left = np.lexsort((chi2, event))
    rounds = [left[:0]]
    while len(left):
        winners = left[np.diff(event[left], prepend=-1) != 0]
        hits.is_taken[chosen[:, winners]] = True
        left = left[~hits.is_taken[chosen[:, left]].any(axis=0)]
        rounds.append(winners)
    return np.concatenate(rounds)


def _fill(
    tracks: Tracks, events: Ints, problem: _Problem, state: State, measured: Floats, chi2: Floats
) -> None:
    """Write the fitted tracks of ``events`` into ``tracks``."""
    residuals, at_exit = _residuals(problem, state, measured)
    exits = np.stack(at_exit[:4]) + _apply(problem.smooth, residuals)
    momentum = 1 / np.abs(state.q_over_p)
    tracks.momentum[events] = momentum
    tracks.momentum_error[events] = momentum**2 * np.sqrt(problem.covariance[4, 4])
    tracks.charge[events] = np.sign(state.q_over_p)
    tracks.chi2[events] = chi2
    tracks.ndf[events] = problem.ndf
    for column, values in zip((tracks.x, tracks.y, tracks.slope_x, tracks.slope_y), state[:4], strict=True):
        column[events] = values
    tracks.angle[events] = _angle(state, problem.beam.direction)
    exit_columns = (tracks.exit_x, tracks.exit_y, tracks.exit_slope_x, tracks.exit_slope_y)
    for column, values in zip(exit_columns, exits, strict=True):
        column[events] = values
    tracks.is_valid[events] = True


def _angle(state: State, direction: tuple[float, float]) -> Floats:
    """Return the angle between tracks and a direction [rad], exact for small angles."""
    (a, b), (c, d) = (state.slope_x, state.slope_y), direction
    cross = np.sqrt((b - d) ** 2 + (c - a) ** 2 + (a * d - b * c) ** 2)
    return np.arctan2(cross, 1 + a * c + b * d)
