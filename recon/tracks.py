"""Tracks and momenta from hits around a magnet.

Combinations of one hit per plane that pass a road are fitted by generalised least squares in (x, y,
dx/dz, dy/dz, q/p) at the first plane. Multiple scattering enters as the covariance of the residuals (Lutz,
NIM A 273 (1988) 349), which gives what a Kalman smoother gives. The derivatives are those of the nominal
beam, shared by all events; residuals are exact. The iteration then shrinks the distance from the solution by
about the squared bending angle at each step (0.01 for 20 GeV in 7 T m), whatever the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from recon.field import State, propagate
from recon.geometry import Beam, Spectrometer
from recon.track_details import describe
from recon.track_fit import workspace
from recon.track_problem import track_problem
from recon.track_search import Limits, SortedHits, search

__all__ = [
    "TrackConfig",
    "TrackHits",
    "TrackList",
    "Tracks",
    "best_tracks",
    "extrapolate",
    "find_all_tracks",
    "find_tracks",
    "first_of_each",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Integers = npt.NDArray[np.integer]
Numbers = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackConfig:
    """What counts as a track."""

    field: Literal["thick", "thin"] = "thick"  # magnets bend along their length, or at once in the middle
    road: float = 6.0  # [standard errors] of a hit in y around the line of two others
    max_chi2_per_ndf: float = 10.0  # a true track of 3 degrees of freedom fails it once in 7e5
    max_combinations: int = 64  # of hits on a road, per event; events above are given up and flagged
    iterations: int = 2  # of the fit before its last two, which take the errors of the hits themselves
    time_error: float = (
        5.0  # [ns] of a hit: of tracks that share hits, and for the best, time counts as chi2 does
    )
    missing_penalty: float = (
        15.0  # added to the chi2 of a track for each plane without a hit, to compare tracks
    )

    def __post_init__(self) -> None:
        least = min(self.max_chi2_per_ndf, self.road, self.time_error)
        if not (self.max_chi2_per_ndf > 0 and least > 0 and self.missing_penalty >= 0):
            msg = (
                "tracks.max_chi2_per_ndf, tracks.road and tracks.time_error must be above 0 and "
                f"tracks.missing_penalty not negative, got {self}"
            )
            raise ValueError(msg)
        if self.max_combinations < 1 or self.iterations < 1:
            msg = (
                "tracks.max_combinations and tracks.iterations must be at least 1, "
                f"got {self.max_combinations} and {self.iterations}"
            )
            raise ValueError(msg)
        if self.field not in ("thick", "thin"):
            msg = f"tracks.field must be thick or thin, got '{self.field}'"
            raise ValueError(msg)


class TrackHits(NamedTuple):
    """Hits of all events; those that are not finite in x and y are ignored."""

    plane: Integers  # (n_hits,) index into the planes of the spectrometer
    x: Numbers  # [mm] (n_hits,) in the experiment's coordinates
    y: Numbers  # [mm] (n_hits,)
    offsets: Integers  # (n_events + 1,) hits of event i are offsets[i] to offsets[i + 1]
    x_error: Numbers | None = None  # [mm] (n_hits,); None or not above 0: the resolution of the plane
    y_error: Numbers | None = None  # [mm] (n_hits,)
    time: Numbers | None = None  # [ns] (n_hits,) relative to the trigger particle; None or NaN: not known
    x_source: Integers | None = None  # (n_hits,) hits of a plane with the same one exclude each other
    y_source: Integers | None = None  # (n_hits,)


class TrackList(NamedTuple):
    """All tracks of all events, best first; face 0 is the last plane, then those that were asked for."""

    offsets: Ints  # (n_events + 1,)
    state: Floats  # (n_tracks, 5) x, y [mm], dx/dz, dy/dz, q/p [1/GeV] at the first plane
    covariance: Floats  # (n_tracks, 5, 5)
    chi2: Floats  # (n_tracks,)
    ndf: Ints  # (n_tracks,)
    p_value: Floats  # (n_tracks,) probability of a larger chi2
    hits: Ints  # (n_tracks, n_planes) index of the hit in each plane, -1 without
    residual: Floats  # [mm] (n_tracks, n_planes, 2) hit minus track; NaN without a hit
    pull: Floats  # (n_tracks, n_planes, 2) residual over its error; NaN where the track follows the hit
    kink: Floats  # (n_tracks,) largest pull of an additional change of slope in a plane or window
    n_upstream: Ints  # (n_tracks,) hits before the magnets that are not of this track
    face_state: Floats  # (n_tracks, n_faces, 5), scattering on the way included
    face_covariance: Floats  # (n_tracks, n_faces, 5, 5)
    is_overflow: npt.NDArray[np.bool_]  # (n_events,) more than `max_combinations` combinations


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


def find_all_tracks(
    hits: TrackHits,
    spectrometer: Spectrometer,
    beam: Beam,
    config: TrackConfig | None = None,
    faces: tuple[float, ...] = (),
) -> TrackList:
    """
    Find and fit the tracks of each event.

    A track has hits in at least ``spectrometer.min_planes`` planes and never in fewer than three. Of
    candidates that share a hit, or hits made of the same signal, the most likely one stays; those with more
    hits choose first. Without bending between the planes (field off, all planes on one side of the magnets)
    there is no momentum and no track.

    Parameters
    ----------
    hits : TrackHits
    spectrometer : Spectrometer
        Planes in the order of z.
    beam : Beam
        Where the fit starts and at which momentum derivatives are taken.
    config : TrackConfig, optional
    faces : tuple of float [mm]
        Where tracks are wanted, such as at the front of a calorimeter.

    Raises
    ------
    ValueError
        If the spectrometer has no magnet, too many planes, or planes not in the order of z, or if the hit
        arrays do not fit together.
    """
    config = config or TrackConfig()
    problem = track_problem(spectrometer, beam, faces, is_thin=config.field == "thin")
    n_planes, n_events = len(problem.z), len(hits.offsets) - 1
    _check_hits(hits.plane, hits.x, hits.y, hits.offsets, n_planes)
    good = _sort_hits(hits, problem.resolution, config.time_error)
    limits = Limits(
        config.max_chi2_per_ndf,
        config.road,
        config.max_combinations,
        config.iterations,
        config.missing_penalty,
    )
    work = workspace(n_planes)
    offsets, state, chi2, chosen, is_overflow = search(good, n_events, problem, limits, work)
    covariance, p_value, residual, pull, kink, at_face, face_covariance = describe(
        state, chi2, chosen, good, problem, work
    )
    n_hits = (chosen >= 0).sum(axis=1)
    upstream = problem.z < min(magnet.z for magnet in spectrometer.magnets)
    per_event = np.diff(good.first).reshape(n_events, n_planes)[:, upstream].sum(axis=1)
    event = np.repeat(np.arange(n_events), np.diff(offsets))
    original = np.where(chosen >= 0, np.append(good.index, -1)[chosen], -1)
    return TrackList(
        offsets, state, covariance, chi2, 2 * n_hits - 5, p_value, original,
        residual.reshape(len(state), n_planes, 2), pull.reshape(len(state), n_planes, 2), kink,
        per_event[event] - (chosen[:, upstream] >= 0).sum(axis=1), at_face, face_covariance, is_overflow,
    )  # fmt: skip


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
    Find the best track of each event: `find_all_tracks`, then `best_tracks`.

    Parameters
    ----------
    plane, x, y, offsets
        As in `TrackHits`.
    spectrometer, beam, config
        As for `find_all_tracks`.

    Returns
    -------
    Tracks
        ``is_valid`` is False, and the numbers NaN, for an event without an accepted track.
    """
    return best_tracks(find_all_tracks(TrackHits(plane, x, y, offsets), spectrometer, beam, config), beam)


def best_tracks(tracks: TrackList, beam: Beam) -> Tracks:
    """
    Return the first track of each event.

    Parameters
    ----------
    tracks : TrackList
        Of n_events.
    beam : Beam
        Angles are taken from its direction.
    """
    count = np.diff(tracks.offsets)
    state = first_of_each(tracks.state, tracks.offsets)
    q_over_p = state[:, 4]
    momentum = 1 / np.abs(q_over_p)
    at_exit = np.full((len(count), 5), np.nan)
    if tracks.face_state.shape[1]:  # a spectrometer without planes has no last one
        at_exit = first_of_each(tracks.face_state[:, 0], tracks.offsets)
    return Tracks(
        count=count,
        momentum=momentum,
        momentum_error=momentum**2 * np.sqrt(first_of_each(tracks.covariance[:, 4, 4], tracks.offsets)),
        charge=np.sign(q_over_p),
        chi2=first_of_each(tracks.chi2, tracks.offsets),
        ndf=np.nan_to_num(first_of_each(tracks.ndf, tracks.offsets)).astype(np.int64),
        x=state[:, 0],
        y=state[:, 1],
        slope_x=state[:, 2],
        slope_y=state[:, 3],
        angle=_angle(State(*state.T), beam.direction),
        exit_x=at_exit[:, 0],
        exit_y=at_exit[:, 1],
        exit_slope_x=at_exit[:, 2],
        exit_slope_y=at_exit[:, 3],
        is_valid=count > 0,
        is_overflow=tracks.is_overflow,
    )


def first_of_each(values: npt.NDArray[np.number], offsets: Ints) -> Floats:
    """Return the value of the first track of each event, (n_events, ...), NaN without a track."""
    has_one = np.diff(offsets) > 0
    first = np.full((len(has_one), *values.shape[1:]), np.nan)
    first[has_one] = values[offsets[:-1][has_one]]
    return first


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


def _sort_hits(hits: TrackHits, resolution: Floats, time_error: float) -> SortedHits:
    """Drop hits without a position, fill in what is not known, and sort."""
    n_events, n_planes, n = len(hits.offsets) - 1, len(resolution), len(hits.x)
    is_good = np.isfinite(hits.x) & np.isfinite(hits.y)
    cell = np.repeat(np.arange(n_events), np.diff(hits.offsets)) * n_planes + hits.plane.astype(np.int64)
    order = np.lexsort((hits.y, hits.x, cell))
    order = order[is_good[order]]
    counts = np.bincount(cell[order], minlength=n_events * n_planes)
    plane, number = hits.plane[order], np.arange(n)[order]
    x_variance, y_variance = (
        _variance(error, order, resolution[plane]) for error in (hits.x_error, hits.y_error)
    )
    lateness = np.zeros(len(order))
    if hits.time is not None:
        lateness = np.nan_to_num((hits.time[order] / time_error) ** 2)
    x_source, y_source = (
        number if given is None else np.asarray(given, np.int64)[order]
        for given in (hits.x_source, hits.y_source)
    )
    return SortedHits(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        hits.x[order].astype(np.float64), hits.y[order].astype(np.float64),
        x_variance, y_variance, lateness, x_source, y_source, number,
    )  # fmt: skip


def _variance(error: Numbers | None, order: Ints, resolution: Floats) -> Floats:
    if error is None:
        return np.asarray(resolution**2)
    own = error[order].astype(np.float64)
    return np.where(np.isfinite(own) & (own > 0), own, resolution) ** 2


def _angle(state: State, direction: tuple[float, float]) -> Floats:
    """Return the angle between tracks and a direction [rad], exact for small angles."""
    (a, b), (c, d) = (state.slope_x, state.slope_y), direction
    cross = np.sqrt((b - d) ** 2 + (c - a) ** 2 + (a * d - b * c) ** 2)
    return np.arctan2(cross, 1 + a * c + b * d)
