"""Tracks and momenta from hits around a magnet.

Combinations of one hit per plane that pass a road are fitted by generalised least squares in (x, y,
dx/dz, dy/dz, q/p) at the first plane. Multiple scattering enters as the covariance of the residuals (Lutz,
NIM A 273 (1988) 349), which gives what a Kalman smoother gives. The derivatives are those of the nominal
beam, shared by all events; residuals are exact. Each step then shrinks the distance from the solution to
about the squared bending angle of itself (0.01 for 20 GeV in 7 T m), whatever the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from recon.field import State
from recon.geometry import Beam, Spectrometer
from recon.track_candidates import Limits, SortedHits
from recon.track_details import TrackDetails, describe
from recon.track_problem import track_problem
from recon.track_search import search_tracks, sort_cells

__all__ = [
    "TrackConfig",
    "TrackHits",
    "TrackList",
    "Tracks",
    "best_tracks",
    "describe_tracks",
    "find_all_tracks",
    "find_tracks",
    "of_best",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Integers = npt.NDArray[np.integer]
Numbers = npt.NDArray[np.floating]


# A hit whose time cannot be told, beside others with times, is seldom in time: it counts as 3 errors late
_UNKNOWN_TIME = 9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackConfig:
    """What counts as a track."""

    field: Literal["thick", "thin"] = "thick"  # magnets bend along their length, or at once in the middle
    road: float = 6.0  # [standard errors] of a hit in y around the line of two others
    max_chi2_per_ndf: float = 10.0  # a true track of 3 degrees of freedom fails it once in 7e5
    max_combinations: int = 512  # of hits on a road, per event; events above are given up and flagged
    iterations: int = 5  # at most; one or two do unless a track is far from the beam
    time_error: float = 3.0  # [ns] of hits that have a time, but no error of their own
    # A hit in a cluster that another particle has touched has a wrong time: in simulated micromegas 1% are
    # off by more than 3 ns, of 0.3. Such a hit costs as much chi2, and has the wider error; the limit of a
    # track lets two of them pass if they are not far off
    time_outlier: float = 12.0
    time_tail: float = 5.0  # [ns]
    max_time_chi2: float = 30.0  # of the times of a track's hits around their own mean
    trigger_time_error: float = 0.5  # [ns] of the time that those of hits are relative to
    max_lateness: float = 5.0  # [standard errors] of a track before or after the trigger particle
    missing_penalty: float = (
        15.0  # added to the chi2 of a track for each plane without a hit, to compare tracks
    )

    kink_pull: float = 5.0  # above, a track is said to have a kink: by chance once in 2e5 for 10 kicks tried

    def __post_init__(self) -> None:
        above = ("max_chi2_per_ndf", "road", "time_error", "time_tail", "max_time_chi2", "max_lateness")
        if not all(getattr(self, name) > 0 for name in above):
            msg = f"tracks.{', tracks.'.join(above)} must be above 0, got {self}"
            raise ValueError(msg)
        if not min(self.missing_penalty, self.time_outlier, self.trigger_time_error) >= 0:
            msg = (
                "tracks.missing_penalty, tracks.time_outlier and tracks.trigger_time_error must not be "
                f"negative, got {self}"
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
    time_error: Numbers | None = None  # [ns] (n_hits,); None or not above 0: `TrackConfig.time_error`


class TrackList(NamedTuple):
    """All tracks of all events: those in time with the trigger before others, then best first."""

    offsets: Ints  # (n_events + 1,)
    state: Floats  # (n_tracks, 5) x, y [mm], dx/dz, dy/dz, q/p [1/GeV] at the first plane
    q_over_p_error: Floats  # [1/GeV] (n_tracks,) standard error
    chi2: Floats  # (n_tracks,)
    ndf: Ints  # (n_tracks,)
    p_value: Floats  # (n_tracks,) probability of a larger chi2
    hits: Ints  # (n_tracks, n_planes) index of the hit in each plane, -1 without
    n_upstream: Ints  # (n_tracks,) hits before the magnets that are not of this track
    time: Floats  # [ns] (n_tracks,) relative to the trigger particle; NaN where no hit has one
    time_error: Floats  # [ns] (n_tracks,) standard error
    is_in_time: npt.NDArray[np.bool_]  # (n_tracks,) may be the trigger particle's; True without a time
    is_overflow: npt.NDArray[np.bool_]  # (n_events,) more than `max_combinations` combinations

    @property
    def best(self) -> Ints:
        """Return the first track of each event that is in time, (n_events,), -1 without one."""
        first = np.where(np.diff(self.offsets) > 0, self.offsets[:-1], -1)
        return np.where(np.append(self.is_in_time, False)[first], first, -1)


class Tracks(NamedTuple):
    """The number of tracks and the best one in time of each event; NaN where there is none."""

    count: Ints  # type: ignore[assignment]  # (n_events,) tracks, in time or not; 0 where `is_overflow`
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
    time: Floats  # [ns] (n_events,) relative to the trigger particle; NaN where not known
    is_valid: npt.NDArray[np.bool_]  # (n_events,) at least one track in time
    is_overflow: npt.NDArray[np.bool_]  # (n_events,) more than `max_combinations` combinations


def find_all_tracks(
    hits: TrackHits,
    spectrometer: Spectrometer,
    beam: Beam,
    config: TrackConfig | None = None,
) -> TrackList:
    """
    Find and fit the tracks of each event.

    A track has hits in at least ``spectrometer.min_planes`` planes and never in fewer than three. Of
    candidates that share a hit, or hits made of the same signal, the most likely one stays; those with more
    hits choose first. The hits of a track agree in time, and a track that is not in time with the trigger
    particle is listed, but not taken for it. Without bending between the planes (field off, all planes on one
    side of the magnets) there is no momentum and no track.

    Parameters
    ----------
    hits : TrackHits
    spectrometer : Spectrometer
        Planes in the order of z.
    beam : Beam
        Where the fit starts and at which momentum derivatives are taken.
    config : TrackConfig, optional

    Raises
    ------
    ValueError
        If the spectrometer has no magnet, too many planes, or planes not in the order of z, or if the hit
        arrays do not fit together.
    """
    config = config or TrackConfig()
    tables = track_problem(spectrometer, beam, is_thin=config.field == "thin").fit
    n_planes, n_events = len(tables.z), len(hits.offsets) - 1
    _check_hits(hits.plane, hits.x, hits.y, hits.offsets, n_planes)
    good = _sort_hits(hits, np.sqrt(tables.variance[::2]), config.time_error)
    offsets, found, is_overflow = search_tracks(good, n_events, tables, _limits(spectrometer, hits, config))
    upstream = tables.z < min(magnet.z for magnet in spectrometer.magnets)
    per_event = np.diff(good.first).reshape(n_events, n_planes)[:, upstream].sum(axis=1)
    used = found.hits >= 0
    n_upstream = np.repeat(per_event, np.diff(offsets)) - used[:, upstream].sum(axis=1)
    original = np.where(used, np.append(good.index, -1)[found.hits], -1)
    return TrackList(
        offsets, found.state, found.q_error, found.chi2, 2 * used.sum(axis=1) - 5, found.p_value, original,
        n_upstream, found.time, found.time_error, ~found.is_late, is_overflow,
    )  # fmt: skip


def _limits(spectrometer: Spectrometer, hits: TrackHits, config: TrackConfig) -> Limits:
    return Limits(
        max(spectrometer.min_planes, 3),
        float(config.max_chi2_per_ndf),
        float(config.road),
        config.max_combinations,
        config.iterations,
        float(config.missing_penalty),
        float(config.max_time_chi2),
        float(config.time_outlier),
        float(config.time_tail),
        0.0 if hits.time is None else _UNKNOWN_TIME,
        float(config.trigger_time_error) ** 2,
        float(config.max_lateness),
    )


def describe_tracks(
    tracks: TrackList,
    chosen: Integers,
    hits: TrackHits,
    spectrometer: Spectrometer,
    beam: Beam,
    config: TrackConfig | None = None,
    faces: tuple[float, ...] = (),
) -> TrackDetails:
    """
    Return what is not needed of every track: covariance, residuals, pulls, kink, and where it goes.

    Parameters
    ----------
    tracks : TrackList
    chosen : int, shape (n,)
        The tracks that are asked for.
    hits, spectrometer, beam, config
        As they were given to `find_all_tracks`.
    faces : tuple of float [mm]
        Where tracks are wanted besides the last plane, which is face 0 of the result, such as at the front of
        a calorimeter.
    """
    config = config or TrackConfig()
    problem = track_problem(spectrometer, beam, tuple(faces), is_thin=config.field == "thin")
    index = tracks.hits[chosen]
    xy, variance = np.full((*index.shape, 2), np.nan), np.ones((*index.shape, 2))
    plane, resolution = np.flatnonzero(np.ones(index.shape[1])), np.sqrt(problem.fit.variance[::2])
    has_hit = index >= 0
    used, nominal = index[has_hit], resolution[np.broadcast_to(plane, index.shape)[has_hit]]
    for axis, (where, error) in enumerate(((hits.x, hits.x_error), (hits.y, hits.y_error))):
        xy[has_hit, axis] = where[used]
        variance[has_hit, axis] = _variance(error, used, nominal)
    flat = len(index), 2 * index.shape[1]
    return describe(tracks.state[chosen], xy.reshape(flat), variance.reshape(flat), problem, spectrometer)


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
    Return the best track in time of each event.

    Parameters
    ----------
    tracks : TrackList
        Of n_events.
    beam : Beam
        Angles are taken from its direction.
    """
    state = of_best(tracks.state, tracks)
    momentum = 1 / np.abs(state[:, 4])
    return Tracks(
        count=np.diff(tracks.offsets),
        momentum=momentum,
        momentum_error=momentum**2 * of_best(tracks.q_over_p_error, tracks),
        charge=np.sign(state[:, 4]),
        chi2=of_best(tracks.chi2, tracks),
        ndf=np.nan_to_num(of_best(tracks.ndf, tracks)).astype(np.int64),
        x=state[:, 0],
        y=state[:, 1],
        slope_x=state[:, 2],
        slope_y=state[:, 3],
        angle=_angle(State(*state.T), beam.direction),
        time=of_best(tracks.time, tracks),
        is_valid=tracks.best >= 0,
        is_overflow=tracks.is_overflow,
    )


def of_best(values: npt.NDArray[np.number], tracks: TrackList) -> Floats:
    """Return the value of the best track of each event, (n_events, ...), NaN without a track in time."""
    best = tracks.best
    found = np.full((len(best), *values.shape[1:]), np.nan)
    found[best >= 0] = values[best[best >= 0]]
    return found


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
    cell = np.repeat(np.arange(n_events) * n_planes, np.diff(hits.offsets)) + hits.plane
    order = np.arange(n)
    if (cell[1:] < cell[:-1]).any():
        order = np.argsort(cell, kind="stable")
    order = order[np.isfinite(hits.x[order]) & np.isfinite(hits.y[order])]
    counts = np.bincount(cell[order], minlength=n_events * n_planes)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    sort_cells(first, hits.x.astype(np.float64), hits.y.astype(np.float64), order)
    plane, number = hits.plane[order], order
    x_variance, y_variance = (
        _variance(error, order, resolution[plane]) for error in (hits.x_error, hits.y_error)
    )
    time = np.full(len(order), np.nan) if hits.time is None else hits.time[order].astype(np.float64)
    time_variance = _variance(hits.time_error, order, np.full(len(order), time_error))
    x_source, y_source = (
        number if given is None else np.asarray(given, np.int64)[order]
        for given in (hits.x_source, hits.y_source)
    )
    return SortedHits(
        first,
        hits.x[order].astype(np.float64), hits.y[order].astype(np.float64),
        x_variance, y_variance, time, time_variance, x_source, y_source, number,
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
