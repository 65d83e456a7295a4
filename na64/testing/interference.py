"""The check of a processor of one's own, in this process and without files left behind."""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from coffea.processor import ProcessorABC

from datasets.probe import Kind
from datasets.sources import InputFile
from na64.testing.hadron_pair import make_hadron_pair
from na64.testing.muon_pair import make_muon_pair
from na64.testing.oracle import difference, find_value, fingerprint
from na64.testing.pair import PLANTED, make_closed_pair
from na64.testing.plain_values import plain
from na64.testing.visible_pair import make_visible_pair
from processors.analysis import AnalysisProcessor
from processors.runner import Execution, Request, prepare, run_items

_PAIRS = {  # of files that an analysis can read, where it is not the p348reco ntuple
    "muon": make_muon_pair,
    "visible": make_visible_pair,
    "hadron": make_hadron_pair,
}

__all__ = ["InterferenceError", "assert_not_interfering"]


class InterferenceError(AssertionError):
    """A result, message or file depends on closed events."""


def assert_not_interfering(
    processor: ProcessorABC,
    pair: tuple[Path, Path] | None = None,
    *,
    layout: str | None = None,
    setup: str | None = None,
    kind: Kind | None = None,
    chunk_size: int = 700,
    planted: float | None = PLANTED,
) -> None:
    """
    Run a processor on two files that differ in closed events only, and compare all that it leaves.

    What is compared: what `process` returns for each chunk (histograms with their flow bins, cut-flows,
    notes, arrays), printed text, log records, warnings, the losses with their reasons, the error it ends
    with, and files in the working directory. A planted value is searched in them too.

    Parameters
    ----------
    processor : coffea processor
        An `AnalysisProcessor`, or any other that reads events with our schemas.
    pair : (Path, Path), optional
        Files of equal length; by default a p348reco ntuple with 40 events in the box of the invisible mode,
        or for other modes files of theirs with 30, in the second file replaced by other closed events and by
        some that fail the base requirement.
    layout, setup, kind : str, optional
        As for `na64 run`.
    chunk_size : int
    planted : float, optional
        Value that some closed event of the first file has; None: nothing is searched.

    Raises
    ------
    InterferenceError
        Naming the first place that tells of closed events.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = pair or _PAIRS.get(getattr(processor, "analysis", ""), make_closed_pair)(folder)
        request = {"layout": layout, "setup": setup, "kind": kind}
        one, two = (observe(processor, file, folder / "work", request, chunk_size) for file in files)
    traces = [] if planted is None else [find_value(one, planted)]
    traces.append(difference(one, two))
    found = next((trace for trace in traces if trace is not None), None)
    if found is not None:
        msg = f"{type(processor).__name__} tells of closed events in {found.lstrip('/')}"
        raise InterferenceError(msg)


def observe(
    processor: ProcessorABC, source: Path, work: Path, request: Mapping[str, Any], chunk_size: int
) -> dict[str, Any]:
    """Run a processor on a copy of a file and return everything that it leaves."""
    work.mkdir()
    data = work / "data.root"
    data.write_bytes(source.read_bytes())
    seen: dict[str, Any] = {"result": [], "error": None}
    files = Request(files=[InputFile(path=str(data), dataset="data")], **request)
    with _listen(seen), contextlib.chdir(work):
        prepared = prepare(files, processor if isinstance(processor, AnalysisProcessor) else None)
        try:
            _, account = run_items(
                prepared,
                processor,
                Execution(chunk_size=chunk_size),
                _Nothing(),
                consume=lambda item, out: seen["result"].append({"at": item.entrystart, "out": plain(out)}),
            )
            seen["losses"] = plain(account)
        except Exception as error:  # whatever a processor ends with is looked at like any other output
            seen["error"] = f"{type(error).__name__}: {error}"
    data.unlink()
    seen["files"] = fingerprint(work)
    shutil.rmtree(work)
    return seen


class _Nothing:
    """The sum of results that were all consumed."""

    def __add__(self, other: object) -> _Nothing:
        return self


class _Records(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's level and text."""
        self.texts.append(f"{record.name} {record.levelname} {record.getMessage()}")


@contextlib.contextmanager
def _listen(seen: dict[str, Any]) -> Iterator[None]:
    """Keep printed text, log records of all loggers and warnings."""
    out, err, records = io.StringIO(), io.StringIO(), _Records()
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    deaf = [logger for logger in loggers if not logger.propagate]
    for logger in (logging.root, *deaf):
        logger.addHandler(records)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                yield
            seen["warnings"] = [f"{w.category.__name__}: {w.message}" for w in caught]
    finally:
        for logger in (logging.root, *deaf):
            logger.removeHandler(records)
    seen |= {"printed": [out.getvalue(), err.getvalue()], "logged": records.texts}
