"""Hits of tracker planes: an x and a y that belong together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["TrackerHits", "join_hits", "select_planes"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class TrackerHits(NamedTuple):
    """Hits of all events, sorted by event, then plane."""

    offsets: Ints  # (n_events + 1,)
    plane: Ints  # (n_hits,) as the digits count them
    x: Floats  # [mm] (n_hits,) global
    y: Floats  # [mm] (n_hits,) global
    x_error: Floats  # [mm] (n_hits,)
    y_error: Floats  # [mm] (n_hits,)
    time: Floats  # [ns] (n_hits,) relative to the trigger particle; NaN where not known
    charge: Floats  # [ADC] (n_hits,) mean of both coordinates, at the maximum of the pulse; NaN for straws
    x_size: Ints  # (n_hits,) strips or straws
    y_size: Ints  # (n_hits,)
    is_ambiguous: Mask  # (n_hits,) another position was nearly as good in either coordinate, or another match
    x_source: Ints  # (n_hits,) hits of a plane and event with the same one exclude each other: one signal
    y_source: Ints  # (n_hits,)
    time_error: Floats  # [ns] (n_hits,) NaN where the time is not known


def join_hits(*parts: TrackerHits) -> TrackerHits:
    """
    Join the hits of several kinds of planes.

    Parameters
    ----------
    *parts : TrackerHits
        Of the same events; at least one.

    Raises
    ------
    ValueError
        If they have different numbers of events, or there are none.
    """
    counts = {len(part.offsets) for part in parts}
    if len(counts) != 1:
        msg = f"hits to be joined must be of the same events, got {sorted(n - 1 for n in counts)} events"
        raise ValueError(msg)
    event = np.concatenate([_event_of(part) for part in parts])
    plane = np.concatenate([part.plane for part in parts])
    order = np.lexsort((plane, event))
    columns: list[Any] = [
        np.concatenate(values)[order] for values in zip(*(p[1:] for p in parts), strict=True)
    ]
    return TrackerHits(sum(part.offsets for part in parts), *columns)  # type: ignore[arg-type]


def select_planes(hits: TrackerHits, first: int, n_planes: int) -> TrackerHits:
    """
    Return the hits of some planes that follow each other, such as those of one spectrometer.

    Parameters
    ----------
    hits : TrackerHits
    first : int
        Counted as the digits do; in the result it is plane 0.
    n_planes : int
    """
    kept = (hits.plane >= first) & (hits.plane < first + n_planes)
    before = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
    columns: list[Any] = [values[kept] for values in hits[2:]]
    return TrackerHits(before[hits.offsets], hits.plane[kept] - first, *columns)


def _event_of(hits: TrackerHits) -> Ints:
    return np.repeat(np.arange(len(hits.offsets) - 1), np.diff(hits.offsets))
