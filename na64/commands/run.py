"""`na64 run`: from files to a run directory."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import typer

from datasets.conditions.catalogue import Catalogue, load_catalogue
from datasets.setups import load_setup
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
from na64.report.run_directory import write_run_directory
from na64.run.execution import describe_execution, keep_logs
from na64.run.exposure import compare, describe_exposure, exposure_line
from na64.run.identity import identify
from na64.run.outputs import check_output
from na64.run.record import RunRecord
from na64.run.resume import PARTS_FOLDER, kept_line, open_store, own_folder
from na64.run.tables import cutflow_text, quality_text
from processors.analysis import AnalysisProcessor
from processors.partial_results import PartialResults
from processors.result import AnalysisResult
from processors.runner import Account, Prepared, prepare, run_items
from selections.opening import Opening

__all__ = ["RunOptions", "run_analysis"]

Identity = Mapping[str, str | None]

_NOT_RECORDED = {"output", "overwrite", "resume", "dry_run"}
_FULL = {errno.ENOSPC, errno.EDQUOT}
_HINT = "check units, times and SRD of the layout, and that layout and setup belong together"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(ReadOptions):
    """The options of `na64 run`."""

    analysis: str
    changes: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    variations: tuple[str, ...] = ()
    save_events: bool = False
    resume: bool = False


def run_analysis(
    options: RunOptions,
    opening: Opening | None = None,
    check: Callable[[Identity, Prepared], None] | None = None,
) -> int:
    """
    Run an analysis and write its run directory.

    Parameters
    ----------
    options : RunOptions
    opening : Opening, optional
        What `na64 unblind` opens.
    check : callable, optional
        Raises if the run is not the one that was wanted; is called before any event is read.

    Returns
    -------
    int
        Exit status: 0, or 1 where more events were lost than allowed.
    """
    start = time.perf_counter()
    if options.resume and options.overwrite:
        msg = "--resume keeps what --overwrite throws away; give one of them"
        raise UserError(msg)
    catalogue = load_catalogue(options.catalogue)
    processor = _processor(options, catalogue, opening)
    execution, request = options.execution(), options.request(catalogue)
    replaces = options.overwrite or (options.resume and (options.output / PARTS_FOLDER).is_dir())
    inputs = [file.path for file in request.files]
    check_output(options.output, inputs, overwrite=replaces, is_directory=True)
    if options.dry_run:
        typer.echo(describe_execution(execution))
        return 0
    with show_progress() as tell, own_folder(options.output):
        prepared = compare(catalogue, prepare(request, processor, tell))
        identity = identify(processor, prepared)
        if check is not None:
            check(identity, prepared)
        store = open_store(
            options.output, processor, prepared, resume=options.resume, overwrite=options.overwrite
        )
        probed = time.perf_counter()
        with _tell_what_is_kept(options, store, prepared):
            result, account = run_items(prepared, processor, execution, AnalysisResult(), tell, store=store)
            require_events(account)
            processed = time.perf_counter()
            record = RunRecord(
                result=result,
                account=account,
                prepared=prepared,
                selection=processor.selection_for(load_setup(prepared.setup)),
                exposure=describe_exposure(catalogue, prepared, account, options.conditions),
                options={k: v for k, v in asdict(options).items() if k not in _NOT_RECORDED},
                identity=identity,
                seconds={"look": probed - start, "process": processed - probed},
            )
            parts = store.folder if account.losses else None
            write_run_directory(options.output, record, overwrite=replaces, progress=tell, parts=parts)
        store.clear()
    keep_logs(options.output)
    _tell(options, record)
    return loss_status(account, options.max_loss)


def _processor(options: RunOptions, catalogue: Catalogue, opening: Opening | None) -> AnalysisProcessor:
    return processor_class(options.analysis)(
        options.setup,
        changes=options.changes,
        without=options.without,
        seed=options.seed,
        conditions=options.conditions,
        bad_spills=catalogue.bad_spills(),
        opening=opening,
        variations=options.variations,
        with_events=options.save_events,
    )


@contextmanager
def _tell_what_is_kept(options: RunOptions, store: PartialResults, prepared: Prepared) -> Iterator[None]:
    """Say what a run has kept that ends before its time, and what a full disk means."""
    try:
        yield
    except BaseException as error:
        if store.kept:
            line = kept_line(options.output, store.kept, prepared.entries)
            print(f"na64: {line}", file=sys.stderr)  # noqa: T201
        if isinstance(error, OSError) and error.errno in _FULL:
            msg = f"cannot write {options.output}: {error.strerror}. Make room first"
            raise UserError(msg) from error
        raise


def _interruptions(account: Account) -> list[str]:
    """Say what was taken over, and what was begun again."""
    lines = []
    if account.resumed:
        lines.append(f"resumed: {account.resumed} of {account.processed} events were done before")
    if account.retries:
        times = sum(len(retry.reasons) for retry in account.retries)
        chunks = f"{len(account.retries)} of {account.chunks} chunks were begun again"
        lines.append(f"retries: {chunks}, {times} times in all; run.json says why")
    return lines


def _tell(options: RunOptions, record: RunRecord) -> None:
    """Print the cut-flow and where everything is."""
    typer.echo(cutflow_text(record.result))
    for name, sample in sorted(record.result.samples.items()):
        if text := quality_text(name, sample.quality):
            typer.echo(text)
    account = record.account
    typer.echo(account_line(account))
    for line in _interruptions(account):
        typer.echo(line)
    typer.echo(exposure_line(record.exposure))
    for note in record.notes:
        typer.echo(f"note: {note}")
    for name, sample in sorted(record.result.samples.items()):
        if sample.entries and sample.cutflow.counts[1, 0] == 0:
            row = sample.cutflow.names[1]
            print(f"na64: warning: {name}: no event in row '{row}'; {_HINT}", file=sys.stderr)  # noqa: T201
    for line in loss_lines(account):
        print(f"na64: {line}", file=sys.stderr)  # noqa: T201
    if account.losses and (options.output / PARTS_FOLDER).is_dir():
        typer.echo("the same command with --resume reads again what was lost, and that alone")
    typer.echo(f"plane:  {options.output / 'plots' / 'edep_plane_loose.png'}")
    typer.echo(f"report: {options.output / 'report.html'}")
