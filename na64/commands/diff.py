"""`na64 diff`: what differs between two runs, and which events moved."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from na64.diff.compare import compare
from na64.run.stored import read_run
from selections.variations import NOMINAL

__all__ = ["compare_runs", "difference_text"]

_LONGEST = 12  # lines of histograms


def compare_runs(first: Path, second: Path, *, as_json: bool, n_events: int, everything: bool = False) -> int:
    """
    Print what differs between two run directories.

    Returns
    -------
    int
        Exit status: 0 where they are equal, 1 where they differ.
    """
    found = compare(read_run(first), read_run(second), n_events)
    typer.echo(json.dumps(found, indent=2) if as_json else difference_text(found, everything=everything))
    return 0 if found["equal"] else 1


def difference_text(found: Mapping[str, Any], *, everything: bool = False) -> str:
    """Return a comparison as text; without ``everything`` a line for each histogram, and not too many."""
    lines = [f"first:  {found['runs'][0]}", f"second: {found['runs'][1]}", ""]
    lines += _section("configuration", [_change(c) for c in found["configuration"]])
    lines += _section("events", [_change(c) for c in found["account"]])
    lines += _inputs(found["inputs"])
    lines += _section("datasets", _datasets(found["datasets"]))
    lines += _rows(found["rows"], everything=everything)
    lines += _histograms(found["histograms"], everything=everything)
    lines += _moved(found["events"])
    lines += _section("software (does not count)", [_change(c) for c in found["software"]])
    lines += _section("execution (does not count)", [_change(c) for c in found["execution"]])
    lines.append("the runs are equal" if found["equal"] else "the runs differ")
    return "\n".join(lines)


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines), ""] if lines else []


def _change(change: Mapping[str, Any]) -> str:
    if isinstance(change["first"], list) and isinstance(change["second"], list):
        gone = [f"- {v}" for v in change["first"] if v not in change["second"]]
        come = [f"+ {v}" for v in change["second"] if v not in change["first"]]
        return f"{change['key']}: {'; '.join([*gone, *come])}"
    return f"{change['key']}: {_short(change['first'])} -> {_short(change['second'])}"


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text[:16] if len(text) >= 40 and " " not in text else text


def _inputs(inputs: Mapping[str, Any]) -> list[str]:
    parts = [f"{len(inputs['shared'])} shared"]
    parts += [
        f"{len(inputs[k])} {k.replace('_', ' in the ')}" for k in ("only_first", "only_second") if inputs[k]
    ]
    lines = [f"inputs: {', '.join(parts)}"]
    for sign, key in (("-", "only_first"), ("+", "only_second")):
        lines += [f"  {sign} {f['path']} ({f['entries']} entries, {f['digest'][:16]})" for f in inputs[key]]
    return [*lines, ""]


def _datasets(datasets: Mapping[str, Any]) -> list[str]:
    return [
        f"{n} is only in the {side} run" for side in ("first", "second") for n in datasets[f"only_{side}"]
    ]


def _rows(rows: Sequence[Mapping[str, Any]], *, everything: bool) -> list[str]:
    """Return the rows that differ; those whose count in order is the same stand in one line."""
    nominal = [row for row in rows if not row["variation"]]
    shown = [row for row in nominal if everything or _moves(row)]
    lines = []
    if shown:
        width = max(len(f"{row['dataset']} {row['name']}") for row in shown)
        for row in shown:
            one, two = (row[side]["in_order"] for side in ("first", "second"))
            name = f"{row['dataset']} {row['name']}"
            lines.append(f"{name:<{width}}  {_number(one):>9} -> {_number(two):>9}  {_chance(row, one, two)}")
    folded = len(nominal) - len(shown)
    if folded:
        lines.append(f"and {folded} rows with the same events in order, alone or all but one differ (--all)")
    others = len(rows) - len(nominal)
    if others:
        lines.append(f"and {others} rows of systematic variations (see --json)")
    return _section("cut-flow rows that differ", lines)


def _moves(row: Mapping[str, Any]) -> bool:
    """Return whether events in order differ, in number or one by one."""
    same = row["first"]["in_order"] == row["second"]["in_order"]
    return not same or bool(row.get("only_first") or row.get("only_second"))


def _number(value: int | None) -> str:
    return "none" if value is None else str(value)


def _chance(row: Mapping[str, Any], one: int | None, two: int | None) -> str:
    text = "" if one is None or two is None else f"{two - one:+d}"
    if one == two:
        text = "alone or all-but-one differ"
    if "only_first" in row:
        text += f", {row['only_first']} only in the first, {row['only_second']} only in the second"
    if row.get("p_value") is not None:
        return f"{text}; chance {row['p_value']:.2g} ({row['basis']})"
    return f"{text}; {row.get('basis', '')}".strip("; ")


def _histograms(histograms: Sequence[Mapping[str, Any]], *, everything: bool) -> list[str]:
    """Return the histograms that differ: all, or of each the dataset and variation that differ most."""
    if everything:
        return _section("histograms that differ", [_histogram(found) for found in histograms])
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for found in histograms:
        groups.setdefault(found["name"], []).append(found)
    worst = [(max(_nominal(group), key=_change_of), len(group)) for group in groups.values()]
    worst.sort(key=lambda pair: -_change_of(pair[0]))
    lines = [
        _histogram(found) + (f"; and {n - 1} more of its datasets and variations" if n > 1 else "")
        for found, n in worst[:_LONGEST]
    ]
    if len(worst) > _LONGEST:
        lines.append(f"and {len(worst) - _LONGEST} more histograms")
    if len(histograms) > len(lines):
        lines.append("all of them: --all, or --json")
    return _section(f"histograms that differ: {len(groups)}, the largest difference first", lines)


def _nominal(group: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return those without a systematic variation, all where there are none."""
    return [one for one in group if one.get("variation") == NOMINAL] or group


def _change_of(found: Mapping[str, Any]) -> float:
    """Return by how much the bin differs that differs most; axes that differ come before all numbers."""
    largest = found.get("largest")
    return float("inf") if largest is None else abs(largest["second"] - largest["first"])


def _histogram(found: Mapping[str, Any]) -> str:
    name = " ".join(filter(None, [found["name"], found.get("dataset"), found.get("variation")]))
    if "bins" not in found:
        return f"{name}: {found['what']}"
    largest = found["largest"]
    place = ", ".join(f"{axis} {edges}" for axis, edges in largest["bin"].items())
    return (
        f"{name}: {found['bins']} of {found['of']} bins, most at {place}: "
        f"{largest['first']:g} -> {largest['second']:g}"
    )


def _moved(events: Mapping[str, Any] | None) -> list[str]:
    if events is None:
        return ["which events moved is not known: both runs need --save-events", ""]
    lines = [
        f"{events['in_both']} in both, {events['only_first']} in the first only, "
        f"{events['only_second']} in the second only; {events['moved']} moved"
    ]
    lines += [f"{way['events']:>6}  {way['from']} -> {way['to']}" for way in events["ways"]]
    lines += [
        f"{c['name']} differs in {c['events']} events, most by {c['largest']:+.4g}" for c in events["columns"]
    ]
    lines += [_event(event) for event in events["events"]]
    return _section("shown events", lines)


def _event(event: Mapping[str, Any]) -> str:
    numbers = [f"{name} {event[name]}" for name in ("run", "spill", "event") if name in event]
    place = ", ".join(numbers) or f"entry {event['entry']} of {event['file']}"
    values = [
        f"{name} {value[0]:.4g}" + (f" -> {value[1]:.4g}" if value[0] != value[1] else "")
        for name, value in event.items()
        if isinstance(value, list)
    ]
    return f"{place} ({', '.join(values)}): {event['from']} -> {event['to']}"
