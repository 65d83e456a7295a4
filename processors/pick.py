"""Single events of a file, with all that lies under their columns; of data the shown events only.

Only the entries that are asked for are read. Smearing is keyed to the identity of each event, so that its
numbers are those of a run over the whole file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
from coffea.processor import ProcessorABC, Runner

from datasets.digits import Digits, select_digits
from datasets.probe import Probe
from datasets.reader import EventReader, ReadError
from datasets.schema import layout_of, schema_for
from processors.analysis import AnalysisProcessor
from processors.context import Context
from processors.dispatch import Outcome
from processors.executors import ChunkExecutor
from processors.reconstruction import Measured
from processors.runner import make_item
from processors.selected import Columns, Selected
from selections.cut import passes
from selections.selection import SelectionError
from selections.verdicts import Verdict, judge_base, judge_cuts

__all__ = ["Picked", "find_identity", "first_rejected", "first_shown", "pick_events", "verdicts_of"]

_SCAN = 2000  # entries of a chunk where events are looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """One event that may be seen."""

    entry: int  # number in the file, from 0
    context: Context
    columns: Columns  # each of length 1
    measured: Measured  # of one event
    digits: Digits  # of one event; empty but for level raw


class _PickProcessor(ProcessorABC):
    """Return the events of a chunk that may be seen, with details."""

    def __init__(self, analysis: AnalysisProcessor) -> None:
        self.analysis = analysis

    def process(self, events: ak.Array) -> Selected:
        return self.analysis.select(events, need_base_of_simulation=False, with_details=True)

    def postprocess(self, accumulator: Any) -> Any:
        return accumulator


class _Finder(ProcessorABC):
    """Return the places in the chunk of the entries with some run, spill or event number."""

    def __init__(self, wanted: Mapping[str, int]) -> None:
        self.wanted = wanted

    def process(self, events: ak.Array) -> npt.NDArray[np.int64]:
        reader = EventReader(events)
        lacking = [name for name in self.wanted if not reader.has(name)]
        if lacking:
            what = ", ".join(lacking)
            msg = f"layout {layout_of(events).name} gives no {what} number here; name the entry instead"
            raise SelectionError(msg)
        mask = np.ones(reader.n_events, dtype=bool)
        for name, number in self.wanted.items():
            mask &= ak.to_numpy(reader.field(name)) == number
        return np.flatnonzero(mask)

    def postprocess(self, accumulator: Any) -> Any:
        return accumulator


def pick_events(probe: Probe, analysis: AnalysisProcessor, entries: Sequence[int]) -> list[Picked]:
    """
    Read some events.

    Parameters
    ----------
    probe : Probe
    analysis : AnalysisProcessor
        Its base requirement and the data-taking period say which events may be seen.
    entries : sequence of int
        Numbers in the file, each in 0 .. entries - 1.

    Returns
    -------
    list of Picked
        In the order asked for; entries that may not be seen are left out.

    Raises
    ------
    ReadError
        If an entry cannot be read.
    """
    found: dict[int, Picked] = {}
    for start, stop in _stretches(sorted(set(entries))):
        selected = _read(probe, _PickProcessor(analysis), start, stop)
        events = [_one(selected, index, start) for index in range(selected.n_events)]
        found |= {picked.entry: picked for picked in events}
    return [found[entry] for entry in dict.fromkeys(entries) if entry in found]


def _stretches(entries: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Iterate over first entry and end of stretches without gaps, none longer than a chunk."""
    start = 0
    for index, entry in enumerate(entries):
        is_last = index + 1 == len(entries) or entries[index + 1] != entry + 1
        if is_last or index + 1 - start == _SCAN:
            yield entries[start], entry + 1
            start = index + 1


def first_shown(probe: Probe, analysis: AnalysisProcessor, start: int = 0) -> Picked | None:
    """Return the first event from an entry on that may be seen."""
    for begin, selected in _scan(probe, analysis, start):
        if selected.n_events:
            return _one(selected, 0, begin)
    return None


def first_rejected(probe: Probe, analysis: AnalysisProcessor, cut: str, start: int = 0) -> Picked | None:
    """
    Return the first event that a cut takes out of the cut-flow.

    Parameters
    ----------
    probe : Probe
    analysis : AnalysisProcessor
    cut : str
        Name of the cut; cuts whose columns the file does not give are passed over.
    start : int
        Entry to start from.

    Returns
    -------
    Picked or None
        An event that passes all cuts before this one and not this one, among those that may be seen.

    Raises
    ------
    SelectionError
        If the selection has no such cut, or the file lacks what the cut needs.
    """
    for begin, selected in _scan(probe, analysis, start):
        cuts = selected.context.selection.cuts
        wanted = selected.context.selection.cut(cut)
        lacking = [name for name in wanted.needs if name not in selected.columns]
        if lacking:
            msg = f"the file does not give {', '.join(lacking)}, without which cut '{cut}' rejects nothing"
            raise SelectionError(msg)
        mask = ~passes(wanted, selected.columns, selected.n_events)
        for before in cuts[: cuts.index(wanted)]:
            if set(before.needs) <= set(selected.columns):
                mask &= passes(before, selected.columns, selected.n_events)
        if mask.any():
            return _one(selected, int(mask.argmax()), begin)
    return None


def find_identity(probe: Probe, wanted: Mapping[str, int]) -> list[int]:
    """
    Return the entries with some numbers, whether or not they may be seen.

    Parameters
    ----------
    probe : Probe
    wanted : mapping
        "run", "spill" or "event" -> number.

    Raises
    ------
    SelectionError
        If the file does not have such a number.
    """
    found: list[int] = []
    for start in range(0, probe.tree.entries, 50_000):
        stop = min(start + 50_000, probe.tree.entries)
        found += (start + _read(probe, _Finder(wanted), start, stop)).tolist()
    return found


def _scan(probe: Probe, analysis: AnalysisProcessor, start: int) -> Iterator[tuple[int, Selected]]:
    """Iterate over chunks: first entry, events that may be seen."""
    for begin in range(start, probe.tree.entries, _SCAN):
        stop = min(begin + _SCAN, probe.tree.entries)
        yield begin, _read(probe, _PickProcessor(analysis), begin, stop)


def _read(probe: Probe, processor: ProcessorABC, start: int, stop: int) -> Any:
    """Process one chunk of a file here."""
    outcomes: list[Outcome] = []
    executor = ChunkExecutor(sink=outcomes.append)
    runner = Runner(executor, schema=schema_for(probe.layout), metadata_cache={}, xrootdtimeout=300)
    try:
        runner.run([make_item(probe, start, stop)], processor)
    except Exception as error:
        if error.__cause__ is None or not str(error).startswith("Failed processing file"):
            raise
        raise error.__cause__ from None  # without coffea's words around it
    for _, reason in outcomes[0].losses:
        msg = f"{probe.file.path}: entries {start} to {stop - 1} cannot be read: {reason}"
        raise ReadError(msg)
    return outcomes[0].out


def _one(selected: Selected, index: int, start: int) -> Picked:
    """Return one event of a chunk that starts at some entry."""
    details = selected.details
    if details is None:
        msg = "events are picked from chunks with details"
        raise ValueError(msg)
    mask = np.arange(selected.n_events) == index
    return Picked(
        entry=start + int(details.position[index]),
        context=selected.context,
        columns={name: values[mask] for name, values in selected.columns.items()},
        measured=details.measured.select(mask),
        digits=select_digits(details.digits, mask),
    )


def verdicts_of(picked: Picked) -> tuple[tuple[Verdict, ...], tuple[Verdict, ...]]:
    """Return what the base requirement's own parts and all cuts say of an event."""
    selection = picked.context.selection
    trigger = "trigger_is_calibration" if picked.context.kind == "calibration" else ""
    return judge_base(selection, picked.columns, 0, trigger), judge_cuts(selection, picked.columns, 0)
