"""Which events of two runs moved, among those that both may show."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from na64.run.event_file import EventList
from processors.event_table import IDENTITY

__all__ = ["Pairs", "moved_events", "pair_events", "passed"]

Ints = npt.NDArray[np.int64]
_ALL = "passes all cuts"


class Pairs(NamedTuple):
    """Events that are in both lists."""

    first: Ints  # (n_shared,) places in the first list
    second: Ints  # (n_shared,) places in the second list


def pair_events(first: EventList, second: EventList) -> Pairs:
    """
    Match the events of two lists: by run, spill and event number where these name each once, else by place.

    Returns
    -------
    Pairs
        The place of an event is the name of its file and its entry.
    """
    names = [n for n in IDENTITY if n in first.columns and n in second.columns]
    for keys in ([list_.columns[n] for n in names] for list_ in (first, second)):
        if not keys or any(np.issubdtype(k.dtype, np.floating) for k in keys):
            names = []  # a part of the files has no numbers
    if names:
        one, two = _ids([[e.columns[n] for n in names] for e in (first, second)])
        if len(np.unique(one)) == len(one) and len(np.unique(two)) == len(two):
            return _join(one, two)
    return _join(
        *_ids([[_codes(first, second)[i], e.columns["entry"]] for i, e in enumerate((first, second))])
    )


def _codes(first: EventList, second: EventList) -> tuple[Ints, Ints]:
    """Return the files of both lists as numbers."""
    files = np.concatenate([first.files.astype(str), second.files.astype(str)])
    codes = np.unique(files, return_inverse=True)[1].astype(np.int64)
    return codes[: len(first.files)], codes[len(first.files) :]


def _ids(keys: list[list[Ints]]) -> tuple[Ints, Ints]:
    """Return one number per event, equal in both lists where all keys are."""
    one, two = (np.stack([np.asarray(k, dtype=np.int64) for k in part], axis=1) for part in keys)
    ids = np.unique(np.concatenate([one, two]), axis=0, return_inverse=True)[1].reshape(-1)
    return ids[: len(one)], ids[len(one) :]


def _join(one: Ints, two: Ints) -> Pairs:
    _, at_first, at_second = np.intersect1d(one, two, return_indices=True)
    order = np.argsort(at_first)
    return Pairs(at_first[order], at_second[order])


def passed(events: EventList, upto: str) -> npt.NDArray[np.bool_]:
    """Return which events pass all cuts of a list up to one, shape (n_events,)."""
    mask = np.ones(len(events.files), dtype=bool)
    for index in range(events.cuts.index(upto) + 1):
        mask &= events.passes(index)
    return mask


def moved_events(first: EventList, second: EventList, n_events: int) -> dict[str, Any]:
    """
    Say which events stop at another cut, and whose energies differ.

    Parameters
    ----------
    first, second : EventList
        Shown events alone, so that what comes out says nothing of others.
    n_events : int
        Moved events to list.

    Returns
    -------
    dict of plain values
    """
    pairs = pair_events(first, second)
    stops = [_stops(events)[place] for events, place in zip((first, second), pairs, strict=True)]
    moved = np.flatnonzero(stops[0] != stops[1])
    ways = Counter(zip(stops[0][moved].tolist(), stops[1][moved].tolist(), strict=True))
    often = sorted(ways.items(), key=lambda way: (-way[1], way[0]))
    return {
        "in_both": len(pairs.first),
        "only_first": len(first.files) - len(pairs.first),
        "only_second": len(second.files) - len(pairs.second),
        "moved": len(moved),
        "ways": [{"from": one, "to": two, "events": n} for (one, two), n in often],
        "columns": _column_changes(first, second, pairs),
        "events": [_describe(first, second, pairs, stops, int(i)) for i in moved[:n_events]],
    }


def _stops(events: EventList) -> npt.NDArray[np.str_]:
    """Return for each event the first cut that it fails."""
    names = np.array([*events.cuts, _ALL], dtype=object)
    masks = np.stack(
        [~events.passes(i) for i in range(len(events.cuts))] + [np.ones(len(events.files), bool)]
    )
    return np.asarray(names[masks.argmax(axis=0)])


def _value_columns(first: EventList, second: EventList) -> list[str]:
    return [n for n in first.columns if n in second.columns and n not in {*IDENTITY, "entry", "cuts"}]


def _column_changes(first: EventList, second: EventList, pairs: Pairs) -> list[dict[str, Any]]:
    """Return how many events have another value, and the largest change."""
    found = []
    for name in _value_columns(first, second):
        change = second.columns[name][pairs.second] - first.columns[name][pairs.first]
        differs = np.flatnonzero(change != 0)
        if len(differs):
            largest = float(change[differs][np.argmax(np.abs(change[differs]))])
            found.append({"name": name, "events": len(differs), "largest": largest})
    return found


def _describe(first: EventList, second: EventList, pairs: Pairs, stops: Any, index: int) -> dict[str, Any]:
    one, two = pairs.first[index], pairs.second[index]
    identity = {name: int(first.columns[name][one]) for name in IDENTITY if name in first.columns}
    return {
        **identity,
        "dataset": str(first.datasets[one]),
        "file": str(first.files[one]),
        "entry": int(first.columns["entry"][one]),
        "from": stops[0][index],
        "to": stops[1][index],
        **{
            name: [float(first.columns[name][one]), float(second.columns[name][two])]
            for name in _value_columns(first, second)
        },
    }
