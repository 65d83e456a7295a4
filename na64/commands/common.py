"""What the commands that read events share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from datasets.conditions.catalogue import Catalogue, load_catalogue
from datasets.config import nearest
from datasets.deadline import TIMEOUT
from datasets.probe import Kind
from datasets.sources import find_inputs
from na64.errors import UserError
from na64.run.execution import choose_execution, log_folder
from processors.analysis import AnalysisProcessor
from processors.hadron import HadronProcessor
from processors.invisible import InvisibleProcessor
from processors.muon import MuonProcessor
from processors.positron import PositronProcessor
from processors.runner import Account, Execution, Request
from processors.runner import Progress as Tell
from processors.visible import VisibleProcessor
from selections.selection import ANALYSES, SelectionError

__all__ = [
    "ReadOptions",
    "account_line",
    "loss_lines",
    "loss_status",
    "processor_class",
    "require_events",
    "show_progress",
]

_PROCESSORS: dict[str, type[AnalysisProcessor]] = {
    "invisible": InvisibleProcessor,
    "muon": MuonProcessor,
    "positron": PositronProcessor,
    "hadron": HadronProcessor,
    "visible": VisibleProcessor,
}
_KINDS = ("data", "simulation")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """The options of every command that reads events and writes an output."""

    inputs: tuple[str, ...]
    output: Path
    setup: str | None = None
    layout: str | None = None
    kind: str | None = None
    conditions: tuple[str, ...] = ()
    catalogue: Path | None = None
    executor: str | None = None
    workers: int | str | None = None  # N, or N:MAX
    cluster: str | None = None
    chunk_size: int | None = None
    seed: int = 1
    max_loss: float = 0.0
    timeout: float = TIMEOUT  # [s] for the headers of a file, or one branch of a chunk
    verify: bool | None = None  # None: files of which the catalogue has a full digest
    overwrite: bool = False
    dry_run: bool = False

    def request(self, catalogue: Catalogue | None = None) -> Request:
        """Return what is to be read; the catalogue may be given where it was loaded already."""
        return Request(
            files=find_inputs(self.inputs),
            layout=self.layout,
            setup=self.setup,
            kind=choose_kind(self.kind),
            verify=self.verify,
            timeout=self.timeout,
            catalogue=catalogue or load_catalogue(self.catalogue),
        )

    def execution(self) -> Execution:
        """Return where chunks are processed."""
        logs = log_folder(self.output)
        return choose_execution(self.executor, self.workers, self.cluster, self.chunk_size, logs)


def processor_class(analysis: str) -> type[AnalysisProcessor]:
    """Return the processor of an analysis, or say which analyses there are."""
    if analysis not in _PROCESSORS:
        hint = nearest(analysis, _PROCESSORS) or "."
        msg = f"unknown analysis '{analysis}'{hint} Analyses: {', '.join(ANALYSES)}"
        raise SelectionError(msg)
    return _PROCESSORS[analysis]


def choose_kind(kind: str | None) -> Kind | None:
    """Check the word that a user gives for a kind."""
    if kind == "calibration":
        msg = (
            "--kind calibration cannot be asked for: the data-taking period and the trigger bits of each "
            "event decide what is calibration"
        )
        raise UserError(msg)
    if kind is not None and kind not in _KINDS:
        msg = f"unknown kind '{kind}'{nearest(kind, _KINDS) or '.'} Kinds: {', '.join(_KINDS)}"
        raise UserError(msg)
    return cast("Kind | None", kind)


@contextmanager
def show_progress() -> Iterator[Tell]:
    """Show a progress bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    tasks: dict[str, int] = {}
    with bar:

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)  # type: ignore[arg-type]

        yield tell


def account_line(account: Account) -> str:
    """Return what became of all events, in one line."""
    unknown = (
        f", and {account.unknown_files} files with unknown numbers of events" if account.unknown_files else ""
    )
    total = account.processed + account.lost
    return f"events: {total} = {account.processed} processed + {account.lost} lost{unknown}"


def require_events(account: Account) -> None:
    """Refuse to write an output when everything was lost."""
    if account.losses and account.processed == 0:
        reasons = "; ".join(f"{loss.file}: {loss.reason}" for loss in account.losses[:5])
        msg = f"no event could be read, so nothing is written. {reasons}"
        raise UserError(msg)


def loss_lines(account: Account) -> list[str]:
    """Return one line per lost file or stretch of a file."""
    return [f"lost: {loss.file}: {_number(loss.entries)} events: {loss.reason}" for loss in account.losses]


def _number(entries: int | None) -> str:
    return "an unknown number of" if entries is None else str(entries)


def loss_status(account: Account, max_loss: float) -> int:
    """Return the exit status: 0 where no more was lost than allowed, else 1."""
    if not account.losses:
        return 0
    total = account.processed + account.lost
    fraction = account.lost / total if total else 1.0
    return 0 if max_loss > 0 and fraction <= max_loss and not account.unknown_files else 1
