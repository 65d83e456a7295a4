"""`na64 reco`: derived columns per event."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Any

import typer
from coffea.processor.executor import WorkItem

from datasets.conditions.catalogue import load_catalogue
from datasets.periods import period_of_setup
from datasets.setups import load_setup
from datasets.writer import ColumnWriter, ParquetColumnWriter, open_writer
from na64.commands.common import (
    ReadOptions,
    account_line,
    loss_lines,
    loss_status,
    processor_class,
    require_events,
    show_progress,
)
from na64.errors import UserError
from na64.run.execution import describe_execution
from na64.run.exposure import compare, describe_exposure, exposure_line
from na64.run.outputs import check_output, replace_path
from na64.run.record import describe_inputs, run_notes, versions
from na64.run.tables import quality_json, quality_text
from processors.columns import ColumnChunk, ColumnsProcessor, find_cuts
from processors.quality import Counts, add_counts
from processors.runner import Account, Prepared, make_items, prepare, run_items
from processors.withholding import blinding_of
from selections.blinding import Blinding

__all__ = ["RecoOptions", "write_columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoOptions(ReadOptions):
    """The options of `na64 reco`."""

    keep: tuple[str, ...] = ()
    analysis: str = "invisible"


class _InOrder:
    """Write chunks in the order of the input, whenever they come."""

    def __init__(self, writer: ColumnWriter | ParquetColumnWriter, order: list[WorkItem]) -> None:
        self.writer = writer
        self.events = 0
        self.quality: Counts = {}
        self._place = {item: index for index, item in enumerate(order)}
        self._waiting: dict[int, ColumnChunk | None] = {}
        self._next = 0

    def __call__(self, item: WorkItem, chunk: ColumnChunk | None) -> None:
        self._waiting[self._place[item]] = chunk
        while self._next in self._waiting:
            ready = self._waiting.pop(self._next)
            self._next += 1
            if ready is not None:
                self.writer.write(ready.columns)
                self.events += ready.n_events
                self.quality = add_counts(self.quality, ready.quality)


def write_columns(options: RecoOptions) -> int:
    """
    Reconstruct files and write their columns.

    Returns
    -------
    int
        Exit status: 0, or 1 where more events were lost than allowed.
    """
    if options.output.suffix not in {".root", ".parquet"}:
        msg = f"cannot write {options.output.name}: the name must end in .root or .parquet"
        raise UserError(msg)
    catalogue = load_catalogue(options.catalogue)
    analysis = processor_class(options.analysis)(
        options.setup,
        seed=options.seed,
        conditions=options.conditions,
        bad_spills=catalogue.bad_spills(),
    )
    execution, request = options.execution(), options.request(catalogue)
    inputs = [file.path for file in request.files]
    check_output(options.output, inputs, overwrite=options.overwrite, is_directory=False)
    if options.dry_run:
        typer.echo(describe_execution(execution))
        return 0
    partial = options.output.with_name(f".{options.output.name}.partial{options.output.suffix}")
    with show_progress() as tell:
        prepared = compare(catalogue, prepare(request, None, tell))
        _check(prepared, analysis.selection_for(load_setup(prepared.setup)), options)
        metadata = _metadata(prepared, options)
        order = [item for _, items in make_items(prepared.probes, execution.chunk_size) for item in items]
        try:
            with open_writer(partial, metadata) as writer:
                sink = _InOrder(writer, order)
                processor = ColumnsProcessor(analysis, options.keep)
                _, account = run_items(prepared, processor, execution, _Nothing(), tell, consume=sink)
                require_events(account)
                metadata["events"] = _events(account, sink.events)
                metadata["exposure"] = describe_exposure(catalogue, prepared, account, options.conditions)
                metadata["quality"] = quality_json(sink.quality)
            replace_path(partial, options.output, overwrite=options.overwrite)
        finally:
            partial.unlink(missing_ok=True)
    _tell(options, prepared, account, sink, metadata["exposure"])
    return loss_status(account, options.max_loss)


class _Nothing:
    """The sum of results that were all consumed."""

    def __add__(self, other: object) -> _Nothing:
        return self


def _check(prepared: Prepared, selection: Any, options: RecoOptions) -> None:
    """Refuse what cannot be written as one file."""
    find_cuts(selection, options.keep)
    layouts = {probe.layout.name for probe in prepared.probes}
    kinds = {probe.kind for probe in prepared.probes}
    if len(layouts) > 1 or len(kinds) > 1:
        msg = (
            f"one output file takes inputs of one layout and one kind; these are "
            f"{', '.join(sorted(layouts))} and {', '.join(sorted(kinds))}. Write them apart"
        )
        raise UserError(msg)


def _metadata(prepared: Prepared, options: RecoOptions) -> dict[str, Any]:
    """Return what the file says of itself; `datasets.probe` reads kind and setup from it."""
    probe = prepared.probes[0]
    blinding = Blinding.none()
    if probe.kind == "data":
        period = probe.period or period_of_setup(prepared.setup)
        blinding = blinding_of(period)
    return {
        "version": 1,
        "kind": probe.kind,
        "setup": prepared.setup,
        "blinding": {
            "state": blinding.state,
            "region": blinding.region_table(),
            "guard": blinding.guard_table(),
            "digest": blinding.digest(),
        },
        "parents": describe_inputs(prepared),
        "keep": list(options.keep),
        "seed": options.seed,
        "versions": versions(),
    }


def _events(account: Account, written: int) -> dict[str, Any]:
    return {
        "input": account.processed + account.lost,
        "processed": account.processed,
        "lost": account.lost,
        "unknown_files": account.unknown_files,
        "written": written,
        "losses": [asdict(loss) for loss in account.losses],
    }


def _tell(options: RecoOptions, prepared: Prepared, account: Account, sink: _InOrder, exposure: Any) -> None:
    if text := quality_text(options.output.name, sink.quality):
        typer.echo(text)
    kind = prepared.probes[0].kind
    what = "shown events" if kind == "data" else "events"
    typer.echo(account_line(account))
    typer.echo(exposure_line(exposure))
    for note in run_notes(prepared):
        typer.echo(f"note: {note}")
    passed = f" that pass {', '.join(options.keep)}" if options.keep else ""
    typer.echo(f"{options.output}: {sink.events} {what}{passed}")
    for line in loss_lines(account):
        print(f"na64: {line}", file=sys.stderr)  # noqa: T201
