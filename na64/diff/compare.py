"""What differs between two runs, as plain values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from scipy.stats import binomtest

from na64.diff.moved_events import moved_events, pair_events, passed
from na64.run.event_file import EventList
from na64.run.stored import StoredRun
from selections.blinding import require_comparable

__all__ = ["compare"]

Events = tuple[EventList, EventList]

_EXECUTION = (
    "executor",
    "workers",
    "cluster",
    "scheduler",
    "chunk_size",
    "max_loss",
    "timeout",
    "verify",
    "save_events",
)
# What makes two runs different:
_RESULTS = (
    "configuration",
    "account",
    "inputs",
    "datasets",
    "rows",
    "histograms",
)
_KEYS = ("in_order", "alone", "all_but_one", "in_order_weighted")


def compare(first: StoredRun, second: StoredRun, n_events: int = 10) -> dict[str, Any]:
    """
    Compare two runs.

    Parameters
    ----------
    first, second : StoredRun
    n_events : int
        Moved events to list.

    Returns
    -------
    dict of plain values
        `equal` is False if configuration, inputs, accounts, rows, bins or events differ; software and
        execution are listed and do not count.

    Raises
    ------
    BlindingError
        If one run is open and the other closed: the difference of their rows is what is closed.
    """
    states = [run.record["blinding"]["state"] for run in (first, second)]
    require_comparable(states[0], states[1], (str(first.path), str(second.path)))
    events = first.events(), second.events()
    both = None if events[0] is None or events[1] is None else (events[0], events[1])
    found: dict[str, Any] = {
        "version": 1,
        "runs": [str(first.path), str(second.path)],
        "configuration": list(_changes(_configuration(first.record), _configuration(second.record))),
        "account": list(_changes(first.record["events"], second.record["events"])),
        "inputs": _compare_inputs(first.record["inputs"], second.record["inputs"]),
        "datasets": _compare_datasets(first, second),
        "rows": _compare_rows(first, second, both),
        "histograms": _compare_histograms(first.histograms, second.histograms),
        "events": None,
        "software": list(_changes(*(_software(run.record) for run in (first, second)))),
        "execution": list(_changes(*(_execution(run.record) for run in (first, second)))),
    }
    if both is not None:
        found["events"] = moved_events(*both, n_events)
    found["equal"] = not any(_differs(found[key]) for key in _RESULTS) and not _moved(found["events"])
    return found


def _differs(part: Any) -> bool:
    return (
        any(part[key] for key in ("only_first", "only_second")) if isinstance(part, Mapping) else bool(part)
    )


def _moved(events: Mapping[str, Any] | None) -> bool:
    keys = ("only_first", "only_second", "moved", "columns")
    return events is not None and any(events[key] for key in keys)


def _configuration(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides which event passes, by dotted name."""
    selection = record["selection"]
    thresholds = {
        f"{cut}.{key}": value for cut, values in selection["params"].items() for key, value in values.items()
    }
    options = {
        f"option {name}": value
        for name, value in record["options"].items()
        if name not in {*_EXECUTION, "inputs", "changes", "without", "analysis", "setup"}
    }
    return {
        "analysis": record["analysis"],
        "setup": record["setup"],
        **thresholds,
        "cuts left out": record["without_cuts"],
        "selection digest": selection["digest"],
        "blinding state": record["blinding"]["state"],
        "blinding digest": record["blinding"]["digest"],
        "variations": [_variation(part) for part in record.get("variations", ())],
        **options,
        "notes": record["notes"],  # the conditions, among others
    }


def _variation(part: Mapping[str, Any]) -> str:
    changes = {key: value for key, value in part.items() if key not in {"name", "label"} and value}
    return f"{part['name']} {json.dumps(changes)}"


def _software(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record["versions"], **{f"git {k}": v for k, v in (record["git"] or {}).items()}}


def _execution(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: record["options"].get(name) for name in _EXECUTION}


def _changes(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Give the keys whose values differ."""
    for key in dict.fromkeys((*first, *second)):
        if first.get(key) != second.get(key):
            yield {"key": key, "first": first.get(key), "second": second.get(key)}


def _compare_inputs(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> dict[str, Any]:
    """Match files by digest, or by UUID and size where one digest covers more of the file than the other."""
    left = list(second)
    shared, only_first = [], []
    for entry in first:
        match = next((other for other in left if _is_same_file(entry, other)), None)
        if match is None:
            only_first.append(_file(entry))
        else:
            left.remove(match)
            shared.append(_file(entry))
    return {"shared": shared, "only_first": only_first, "only_second": [_file(entry) for entry in left]}


def _is_same_file(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    scopes = [(e["digest"]["algorithm"], e["digest"]["scope"]) for e in (one, two)]
    if scopes[0] == scopes[1]:
        return bool(one["digest"]["value"] == two["digest"]["value"])
    return (one["uuid"], one["size"]) == (two["uuid"], two["size"])


def _file(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"path": entry["path"], "entries": entry["entries"], "digest": entry["digest"]["value"]}


def _compare_datasets(first: StoredRun, second: StoredRun) -> dict[str, Any]:
    """Return the datasets of one run only; of the others rows and bins are compared."""
    one, two = (list(run.datasets) for run in (first, second))
    return {
        "only_first": [name for name in one if name not in two],
        "only_second": [name for name in two if name not in one],
    }


def _tables(run: StoredRun) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows of each dataset and variation by name."""
    found = {}
    for dataset, entry in run.datasets.items():
        found[dataset, ""] = {row["name"]: row for row in entry["cuts"]}
        for part in entry.get("variations", ()):
            found[dataset, part["name"]] = {row["name"]: row for row in part["cuts"]}
    return found


def _compare_rows(first: StoredRun, second: StoredRun, both: Events | None) -> list[dict[str, Any]]:
    """Return the rows that differ; the variation of the cut-flow itself is empty."""
    one, two = _tables(first), _tables(second)
    rows = []
    for table in (table for table in one if table in two):
        a, b = one[table], two[table]
        for name in dict.fromkeys((*a, *b)):
            values = [{key: (t.get(name) or {}).get(key) for key in _KEYS} for t in (a, b)]
            if values[0] != values[1]:
                row: dict[str, Any] = {"dataset": table[0], "variation": table[1], "name": name}
                row |= {"first": values[0], "second": values[1]}
                rows.append(row | (_significance(first, second, both, name, values) if not table[1] else {}))
    return rows


def _significance(
    first: StoredRun, second: StoredRun, both: Events | None, cut: str, values: list[dict[str, Any]]
) -> dict[str, Any]:
    """
    Return how probable so large a difference is by chance, and on what that rests.

    Of events that both runs know, those that pass in one only fall on either side with equal chance (McNemar,
    Psychometrika 12 (1947) 153); samples without a common file are two Poisson numbers.
    """
    inputs = _compare_inputs(first.record["inputs"], second.record["inputs"])
    if None in (values[0]["in_order"], values[1]["in_order"]):
        return {"basis": "the row is in one run only", "p_value": None}
    if not inputs["shared"]:
        return _independent(first, second, values)
    if both is None:
        return {"basis": "not known without --save-events in both runs", "p_value": None}
    if any(cut not in events.cuts for events in both):
        return {"basis": "no cut on single events", "p_value": None}
    pairs = pair_events(*both)
    one, two = passed(both[0], cut)[pairs.first], passed(both[1], cut)[pairs.second]
    gone, come = int(np.count_nonzero(one & ~two)), int(np.count_nonzero(two & ~one))
    p_value = float(binomtest(gone, gone + come).pvalue) if gone + come else 1.0
    return {"basis": "events in both", "only_first": gone, "only_second": come, "p_value": p_value}


def _independent(first: StoredRun, second: StoredRun, values: list[dict[str, Any]]) -> dict[str, Any]:
    entries = [run.record["events"]["processed"] for run in (first, second)]
    counts = [value["in_order"] for value in values]
    if not sum(counts) or not all(entries):
        return {"basis": "independent samples", "p_value": None}
    share = entries[0] / sum(entries)
    return {"basis": "independent samples", "p_value": float(binomtest(counts[0], sum(counts), share).pvalue)}


def _compare_histograms(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the histograms whose bins differ, flow bins too, of datasets and variations in both runs."""
    found: list[dict[str, Any]] = []
    for name in sorted({*first, *second}):
        if name not in first or name not in second:
            found.append({"name": name, "what": f"only in the {'first' if name in first else 'second'} run"})
            continue
        one, two = first[name], second[name]
        for dataset, variation in (c for c in _categories(one) if c in _categories(two)):
            where = {"name": name, "dataset": dataset, "variation": variation}
            if one.axes[2:] != two.axes[2:]:
                found.append({**where, "what": "the axes differ"})
            else:
                part = _compare_bins(one[dataset, variation, ...], two[dataset, variation, ...])
                found += [{**where, **part}] if part else []
    return found


def _categories(histogram: Any) -> list[tuple[str, str]]:
    return [(d, v) for d in histogram.axes["dataset"] for v in histogram.axes["variation"]]


def _compare_bins(one: Any, two: Any) -> dict[str, Any]:
    """Return how many bins differ, and the largest difference with its place."""
    values = [h.values(flow=True) for h in (one, two)]
    change = values[1] - values[0]
    differs = change != 0
    if not differs.any():
        return {}
    at = np.unravel_index(np.argmax(np.abs(change)), change.shape)
    place = {axis.name: _bin_name(axis, int(i) - 1) for axis, i in zip(one.axes, at, strict=True)}
    largest = {"bin": place, "first": float(values[0][at]), "second": float(values[1][at])}
    return {"bins": int(np.count_nonzero(differs)), "of": int(change.size), "largest": largest}


def _bin_name(axis: Any, index: int) -> str:
    if index < 0:
        return f"< {axis.edges[0]:g}"
    if index >= len(axis):
        return f">= {axis.edges[-1]:g}"
    return f"{axis.edges[index]:g} .. {axis.edges[index + 1]:g}"
