"""Which events `na64 display` and `na64 explain` serve, and what they say of all others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import typer

from datasets.probe import Probe, probe_file
from datasets.setups import load_setup
from datasets.sources import find_inputs
from na64.commands.common import choose_kind, processor_class
from na64.errors import UserError
from processors.analysis import AnalysisProcessor
from processors.pick import Picked, find_identity, first_rejected, first_shown, pick_events
from processors.runner import check_conditions

__all__ = ["NOT_SHOWN", "EventOptions", "Served", "serve", "tell_others"]

NOT_SHOWN = "fails the base requirement or lies in a closed region, so it is not shown; which, is not told"
_MOST = 1000  # events of one command


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOptions:
    """The options of commands on single events."""

    file: str
    events: tuple[str, ...] = ()
    run: int | None = None
    spill: int | None = None
    number: int | None = None
    failing: str | None = None
    start: int = 0
    analysis: str = "invisible"
    changes: tuple[str, ...] = ()
    setup: str | None = None
    layout: str | None = None
    kind: str | None = None
    conditions: tuple[str, ...] = ()
    seed: int = 1

    @property
    def numbers(self) -> Mapping[str, int]:
        """Return the numbers that the user gave: run, spill, event."""
        given = {"run": self.run, "spill": self.spill, "event": self.number}
        return {name: number for name, number in given.items() if number is not None}


class Served(NamedTuple):
    """The events of a request that may be seen."""

    path: str
    events: list[Picked]
    others: tuple[str, ...]  # one sentence for each event that is not served


def serve(options: EventOptions) -> Served:
    """
    Read the events that a user asks for.

    Parameters
    ----------
    options : EventOptions

    Returns
    -------
    Served
        On data a function of shown events and of the number of entries alone.

    Raises
    ------
    UserError
        If the request contradicts itself, or an entry is not there.
    """
    _check(options)
    files = find_inputs((options.file,))
    if len(files) != 1:
        msg = f"'{options.file}' stands for {len(files)} files; name one"
        raise UserError(msg)
    probe = probe_file(files[0], layout=options.layout, setup=options.setup, kind=choose_kind(options.kind))
    analysis = processor_class(options.analysis)(
        options.setup, changes=options.changes, seed=options.seed, conditions=options.conditions
    )
    check_conditions([probe], analysis)
    selection = analysis.selection_for(load_setup(probe.setup))
    if probe.kind == "data":
        selection.require_untouched_base()
    if options.failing is not None:
        selection.cut(options.failing)
    return _find(options, probe, analysis)


def _check(options: EventOptions) -> None:
    given = {
        "--event": bool(options.events),
        "--run, --spill or --event-number": bool(options.numbers),
        "--next-failing": options.failing is not None,
    }
    ways = [name for name, is_given in given.items() if is_given]
    if len(ways) > 1:
        msg = f"{' and '.join(ways)} are different ways to name events; use one of them"
        raise UserError(msg)
    if options.start and (options.events or options.numbers):
        msg = "--from says where the first event is searched; it does not go with events that are named"
        raise UserError(msg)


def _find(options: EventOptions, probe: Probe, analysis: AnalysisProcessor) -> Served:
    path, total = probe.file.path, probe.tree.entries
    if options.events:
        entries = _entries(options.events, total, path)
        found = pick_events(probe, analysis, entries)
        shown = {picked.entry for picked in found}
        others = tuple(f"entry {entry} of {path} {NOT_SHOWN}" for entry in entries if entry not in shown)
        return Served(path, found, others)
    if options.start >= max(total, 1):
        msg = f"--from {options.start}: {path} has {total} entries, counted from 0"
        raise UserError(msg)
    if options.numbers:
        found = pick_events(probe, analysis, find_identity(probe, options.numbers))
        what = "event with " + ", ".join(f"{name} {number}" for name, number in options.numbers.items())
    elif options.failing is not None:
        one = first_rejected(probe, analysis, options.failing, options.start)
        found, what = [one] if one is not None else [], f"event that {options.failing} rejects first"
    else:
        one = first_shown(probe, analysis, options.start)
        found, what = [one] if one is not None else [], "event"
    if len(found) > _MOST:
        msg = f"{len(found)} events of {path} fit; at most {_MOST} are served at once: say more"
        raise UserError(msg)
    where = f" from entry {options.start} on" if options.start else ""
    shown_word = "" if probe.kind == "simulation" else "shown "
    return Served(path, found, () if found else (f"{path} has no {shown_word}{what}{where}",))


def _entries(wanted: tuple[str, ...], total: int, path: str) -> list[int]:
    """Return entry numbers from texts like 3 and 3-17, each once."""
    entries: list[int] = []
    for text in wanted:
        match = re.fullmatch(r"(\d{1,18})(?:-(\d{1,18}))?", text.strip())
        if match is None or int(match[2] or match[1]) < int(match[1]):
            msg = f"--event {text} is neither an entry, such as 3, nor a range of them, such as 3-17"
            raise UserError(msg)
        first, last = int(match[1]), int(match[2] or match[1])
        if last >= total:
            msg = f"--event {text}: {path} has {total} entries, counted from 0"
            raise UserError(msg)
        if len(entries) + last - first >= _MOST:
            msg = f"--event {text}: at most {_MOST} events are served at once"
            raise UserError(msg)
        entries += range(first, last + 1)
    return list(dict.fromkeys(entries))


def tell_others(served: Served) -> int:
    """Say of events that are not served that they are not; return the exit status, 1 where none is served."""
    for sentence in served.others:
        typer.echo(f"na64: {sentence}", err=True)
    return 0 if served.events else 1
