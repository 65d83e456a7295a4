"""`na64 explain`: what each cut says of single events."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import typer

from na64.commands.events import EventOptions, serve, tell_others
from na64.display.verdicts import conclusion
from processors.pick import Picked, verdicts_of
from selections.verdicts import Verdict, regions_of, rejected_by

__all__ = ["explain_events"]

_WORDS = {"pass": "pass", "fail": "FAIL", "undecidable": "UNDECIDABLE", "not given": "not given"}


def explain_events(options: EventOptions, *, as_json: bool) -> int:
    """
    Print what each cut says of the events that a user asks for.

    Returns
    -------
    int
        Exit status: 1 where no event is served.
    """
    served = serve(options)
    if as_json and served.events:
        records = [{"file": served.path, **_record(picked)} for picked in served.events]
        typer.echo(json.dumps(records, indent=2, ensure_ascii=False))
    elif not as_json:
        told = "\n\n".join(_text(picked, served.path) for picked in served.events)
        typer.echo(told, nl=bool(told))
    return tell_others(served)


def _parts(picked: Picked) -> tuple[list[Verdict], list[Verdict]]:
    """Return the base requirement with its cuts, and the other cuts."""
    base, cuts = verdicts_of(picked)
    names = picked.context.selection.base.cuts
    return [*base, *(c for c in cuts if c.name in names)], [c for c in cuts if c.name not in names]


def _text(picked: Picked, path: str) -> str:
    columns, context = picked.columns, picked.context
    numbers = [f"{name} {int(columns[name][0])}" for name in ("run", "spill", "event") if name in columns]
    shown = ", a shown event" if context.kind != "simulation" else ""
    head = f"{path}, entry {picked.entry}: {', '.join([*numbers, context.setup.name, context.kind])}{shown}"
    base, cuts = _parts(picked)
    first = rejected_by((*base, *cuts))
    tables = _table([("base requirement", base), (f"cuts of {context.selection.analysis}", cuts)])
    regions = ", ".join(regions_of(context.selection, columns, 0)) or "none"
    end = f"rejected by {first.name}" if first is not None else conclusion(cuts)
    return "\n".join([head, *tables, f"{end}; region by energies alone: {regions}"])


def _table(blocks: Sequence[tuple[str, Sequence[Verdict]]]) -> list[str]:
    """Return lines with aligned columns: name, verdict, values, and what is tested with its thresholds."""
    rows = [verdict for _, verdicts in blocks for verdict in verdicts]
    name_width = max(len(verdict.name) for verdict in rows)
    word_width = max(len(_WORDS[verdict.outcome]) for verdict in rows)
    value_width = max(len(str(value)) for verdict in rows for value in (*verdict.values, ""))
    lines = []
    for title, verdicts in blocks:
        lines.append(f"{title}:")
        for verdict in verdicts:
            values = [str(value) for value in verdict.values] or [""]
            limits = ", ".join(f"{key} {value:g}" for key, value in verdict.thresholds.items())
            notes = [verdict.label, *([f"({limits})"] if limits else []), *filter(None, [verdict.reason])]
            for index in range(max(len(values), len(notes))):
                name, word = (verdict.name, _WORDS[verdict.outcome]) if index == 0 else ("", "")
                value = values[index] if index < len(values) else ""
                note = notes[index] if index < len(notes) else ""
                line = f"  {name:<{name_width}}  {word:<{word_width}}  {value:<{value_width}}  {note}"
                lines.append(line.rstrip())
    return lines


def _record(picked: Picked) -> dict[str, Any]:
    """Return an event as plain values; unknown numbers are null."""
    columns, context = picked.columns, picked.context
    base, cuts = _parts(picked)
    first = rejected_by((*base, *cuts))
    return {
        "entry": picked.entry,
        **{name: int(columns[name][0]) for name in ("run", "spill", "event") if name in columns},
        "kind": context.kind,
        "setup": context.setup.name,
        "analysis": context.selection.analysis,
        "rejected_by": None if first is None else first.name,
        "regions": list(regions_of(context.selection, columns, 0)),
        "base": [_plain(verdict) for verdict in base],
        "cuts": [_plain(verdict) for verdict in cuts],
    }


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "label": verdict.label,
        "verdict": verdict.outcome,
        "reason": verdict.reason,
        "values": {value.column: _numbers(value.numbers) for value in verdict.values},
        "units": {value.column: value.unit for value in verdict.values if value.unit},
        "thresholds": {key: _finite(value) for key, value in verdict.thresholds.items()},
    }


def _numbers(numbers: tuple[float, ...]) -> Any:
    found = [_finite(number) for number in numbers]
    return found[0] if len(found) == 1 else found


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
