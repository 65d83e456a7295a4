"""Why one event is kept or rejected: each requirement with its values, its thresholds and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from recon.columns import COLUMNS
from selections.cut import Cut, Events, passes
from selections.selection import Selection

__all__ = ["Outcome", "Value", "Verdict", "judge_base", "judge_cuts", "regions_of", "rejected_by"]

_BEHIND = {"srd_is_tagged": "srd_module_energy"}  # flag -> the column it was made of
Outcome = Literal["pass", "fail", "undecidable", "not given"]


@dataclass(frozen=True, slots=True)
class Value:
    """What an event has in one column."""

    column: str
    numbers: tuple[float, ...]  # one, or one per detector part; NaN: unknown
    unit: str  # "" for none

    def __str__(self) -> str:
        if COLUMNS[self.column].dtype == "bool":
            return f"{self.column} = {'yes' if self.numbers[0] else 'no'}"
        text = ", ".join("unknown" if np.isnan(number) else f"{number:.4g}" for number in self.numbers)
        text = f"({text})" if len(self.numbers) > 1 else text
        return f"{self.column} = {text}{f' {self.unit}' if self.unit and text != 'unknown' else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one requirement says of one event."""

    name: str
    label: str  # what is tested
    values: tuple[Value, ...]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    outcome: Outcome
    reason: str = ""  # of an outcome that is neither pass nor fail

    @property
    def rejects(self) -> bool:
        """Return whether the event is rejected: also where a value that decides is unknown."""
        return self.outcome in {"fail", "undecidable"}


def judge_cuts(selection: Selection, events: Events, index: int) -> tuple[Verdict, ...]:
    """
    Tell what each cut says of an event.

    Parameters
    ----------
    selection : Selection
    events : mapping of arrays, each of shape (n_events, ...)
        A cut whose columns are absent gives the outcome "not given".
    index : int
        Of the event.

    Returns
    -------
    tuple of Verdict
        In the order of the cuts; the outcome is "pass" where and only where `selections.cut.passes` keeps the
        event.
    """
    one = {name: values[index : index + 1] for name, values in events.items()}
    return tuple(_judge(cut, one) for cut in selection.cuts)


def _judge(cut: Cut, event: Events) -> Verdict:
    behind = [_BEHIND[flag] for flag in cut.valid if flag in _BEHIND]
    read = dict.fromkeys((*cut.columns, *cut.undefined, *cut.optional, *behind, *cut.valid))
    values = tuple(_value(name, event) for name in read if name in event)
    absent = [name for name in cut.needs if name not in event]
    outcome, reason = _decide(cut, event, absent)
    return Verdict(
        name=cut.name,
        label=cut.describe(),
        values=values,
        thresholds=cut.params,
        outcome=outcome,
        reason=reason,
    )


def _decide(cut: Cut, event: Events, absent: Sequence[str]) -> tuple[Outcome, str]:
    """Return the outcome of a cut and, where it is not its condition that decides, why."""
    if absent:
        return "not given", f"the file does not give {', '.join(absent)}"
    if passes(cut, event, 1)[0]:
        return "pass", ""
    given = [name for name in (*cut.columns, *cut.optional) if name in event]
    unknown = [name for name in given if not np.isfinite(event[name]).all()]
    # other flags, the SRD tag, are what the cut asks for: without them it has decided
    invalid = [name for name in cut.valid if name.endswith("_is_valid") and not event[name][0]]
    if unknown or invalid:
        parts = [f"{', '.join(unknown)} unknown"] if unknown else []
        parts += [f"{', '.join(invalid)} = no"] if invalid else []
        return "undecidable", "; ".join(parts)
    return "fail", ""


def _value(name: str, event: Events) -> Value:
    numbers = tuple(float(number) for number in np.atleast_1d(event[name][0]))
    return Value(name, numbers, COLUMNS[name].unit)


def judge_base(selection: Selection, events: Events, index: int, trigger: str = "") -> tuple[Verdict, ...]:
    """
    Tell what each part of the base requirement, but for its cuts, says of an event.

    Parameters
    ----------
    selection : Selection
    events : mapping of arrays, each of shape (n_events, ...)
    index : int
        Of the event.
    trigger : str
        Flag of the trigger to ask for; "": that of the physics trigger.

    Returns
    -------
    tuple of Verdict
    """
    one = {name: values[index : index + 1] for name, values in events.items()}
    return tuple(_judge_part(*part, one) for part in _base_parts(selection, trigger))


_Test = Callable[[Any], bool]


def _base_parts(selection: Selection, trigger: str) -> Iterator[tuple[str, str, Mapping[str, float], _Test]]:
    """Iterate over column, what is asked of it, thresholds and condition."""
    base = selection.base
    for name in base.columns:
        low, high = base.plausible.get(name, (-np.inf, np.inf))
        limits = {"low": low, "high": high} if name in base.plausible else {}
        label = f"{name} known" + (f", {low:g} .. {high:g} {COLUMNS[name].unit}" if limits else "")
        yield name, label, limits, _between(low, high)
    for name in base.valid:
        yield name, COLUMNS[name].meaning, {}, bool
    name = trigger or base.trigger
    yield name, COLUMNS[name].meaning, {}, bool


def _between(low: float, high: float) -> _Test:
    return lambda value: bool(np.isfinite(value) and low <= value <= high)


def _judge_part(name: str, label: str, limits: Mapping[str, float], test: _Test, event: Events) -> Verdict:
    if name not in event:
        lacks: Outcome = "not given"
        return Verdict(
            name=name, label=label, values=(), outcome=lacks, reason=f"the file does not give {name}"
        )
    value = event[name][0]
    outcome: Outcome = "pass" if test(value) else "fail"
    if outcome == "fail" and not np.isfinite(value):
        outcome = "undecidable"
    reason = f"{name} unknown" if outcome == "undecidable" else ""
    return Verdict(
        name=name,
        label=label,
        values=(_value(name, event),),
        thresholds=limits,
        outcome=outcome,
        reason=reason,
    )


def rejected_by(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return the first verdict that rejects; None where none does. What the file does not give is skipped."""
    return next((verdict for verdict in verdicts if verdict.rejects), None)


def regions_of(selection: Selection, events: Events, index: int) -> tuple[str, ...]:
    """Return the names of the signal box and regions that an event lies in, cuts aside."""
    regions = [r for r in (selection.signal_box, *selection.regions) if set(r.columns) <= set(events)]
    one = [{name: events[name][index : index + 1] for name in region.columns} for region in regions]
    return tuple(r.name for r, event in zip(regions, one, strict=True) if r.contains(event)[0])
