"""Read damaged files in processes of their own, and judge what becomes of them."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import select
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from datasets.conditions.catalogue import Catalogue, FileDigest, FileRecord, RunRecord
from datasets.fingerprint import DigestError
from datasets.sources import InputFile
from na64.cli import _told
from na64.run.exposure import compare
from na64.run.record import describe_inputs
from na64.testing.specimens import Specimen
from processors.chunk import ChunkError
from processors.dispatch import ExecutionError
from processors.result import AnalysisResult
from processors.runner import Execution, Request, prepare, run_items

__all__ = ["FAILURES", "Limits", "Trial", "Verdict", "catalogue_of", "read_once", "run_trials"]

FAILURES = ("crash", "hang", "traceback", "out of memory", "silent loss", "taken for verified", "not refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may take."""

    seconds: float = 60.0
    memory: int = 1 << 30  # [bytes] of address space beside what the interpreter has


class Trial(NamedTuple):
    """A damaged file."""

    specimen: Specimen
    path: Path
    damage: str
    catalogue: Catalogue | None  # with the digest of the intact file, or none


class Verdict(NamedTuple):
    """What became of a file."""

    outcome: str
    detail: str
    seconds: float
    memory: float  # [MB] that the process grew by, at most

    @property
    def is_failure(self) -> bool:
        """Return whether that must not be."""
        return self.outcome in FAILURES


class Reading(NamedTuple):
    """What reading a file gave."""

    processed: int
    lost: int
    unknown_files: int
    reason: str
    is_verified: bool
    digest: str  # of all counts and bins

    @classmethod
    def of(cls, specimen: Specimen, path: Path, catalogue: Catalogue | None = None) -> Self:
        """Read a file as `na64 run` does."""
        processor = specimen.processor()
        file = InputFile(path=str(path), dataset=specimen.name)
        listed = catalogue or Catalogue()
        request = Request(files=[file], catalogue=listed, timeout=Limits().seconds / 4)
        prepared = compare(listed, prepare(request, processor))
        execution = Execution(chunk_size=max(1, specimen.entries // 3))
        result, account = run_items(prepared, processor, execution, AnalysisResult())
        return cls(
            account.processed,
            account.lost,
            account.unknown_files,
            "; ".join(loss.reason for loss in account.losses),
            any(entry["verified"] for entry in describe_inputs(prepared)),
            _digest(result),
        )


def read_once(specimen: Specimen) -> Reading:
    """Read an intact file; everything that it needs is loaded then."""
    return Reading.of(specimen, specimen.path)


def _digest(result: AnalysisResult) -> str:
    hasher = hashlib.sha256()
    for name, sample in sorted(result.samples.items()):
        hasher.update(f"{name} {sample.entries} ".encode())
        hasher.update(sample.cutflow.counts.tobytes())
    for name, histogram in sorted(result.histograms.items()):
        hasher.update(name.encode())
        hasher.update(histogram.view(flow=True).tobytes())
    return hasher.hexdigest()


def catalogue_of(specimen: Specimen, name: str) -> Catalogue:
    """Return a catalogue that lists a file of some name with the digest of the intact one."""
    value = hashlib.sha256(specimen.path.read_bytes()).hexdigest()
    digest = FileDigest(algorithm="sha256", value=value, scope="full")
    run = RunRecord(
        run=1,
        period="2018-invisible",
        kind="data",
        trigger="physics",
        quality="unknown",
        files=(FileRecord(path=name, digest=digest),),
    )
    return Catalogue(runs=(run,))


def _judge(trial: Trial, intact: Reading) -> tuple[str, str]:
    """Read a damaged file; return outcome and detail."""
    try:
        found = Reading.of(trial.specimen, trial.path, trial.catalogue)
    except DigestError:
        return "refused: digest", ""
    except MemoryError as error:
        return "out of memory", _place(error)
    except Exception as error:
        told = _told(error)
        if told is None or isinstance(told, ChunkError | ExecutionError):
            return "traceback", f"{type(error).__name__}: {str(error)[:150]} {_place(error)}"
        return "refused", str(told).rpartition(": ")[2][:100]
    if trial.catalogue is not None:
        return "not refused", ""
    if found.is_verified:
        return "taken for verified", ""
    expected = trial.specimen.entries
    if found.processed + found.lost != expected and not found.unknown_files:
        return "silent loss", f"{found.processed} + {found.lost} of {expected}: {found.reason}"
    if "not enough memory" in found.reason:
        return "out of memory", found.reason
    if found.lost or found.unknown_files:
        return "lost by name", found.reason
    return ("same result", "") if found.digest == intact.digest else ("other result", "")


def _place(error: BaseException) -> str:
    """Return where an error was raised, below ours."""
    while error.__cause__ is not None:
        error = error.__cause__
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))


def run_trials(
    trials: Sequence[Trial],
    intact: dict[str, Reading],
    limits: Limits,
    tell: Callable[[int], None] | None = None,
) -> Iterator[tuple[Trial, Verdict]]:
    """
    Read damaged files one after the other, in a child process that is replaced when it dies or hangs.

    Parameters
    ----------
    trials : sequence of Trial
    intact : dict
        What reading each specimen gives where it is intact.
    limits : Limits
    tell : callable, optional
        Takes how many are done.

    Yields
    ------
    (Trial, Verdict)
        In their order.
    """
    done = 0
    while done < len(trials):
        pipe, child = _fork(trials[done:], intact, limits)
        with os.fdopen(pipe, "r") as stream:
            while done < len(trials):
                line = _next_line(stream, limits.seconds)
                if line:
                    verdict = Verdict(*json.loads(line))
                elif line is None:
                    os.kill(child, signal.SIGKILL)
                    verdict = Verdict("hang", "", limits.seconds, 0.0)
                else:
                    verdict = Verdict("crash", "", 0.0, 0.0)
                yield trials[done], verdict
                done += 1
                if tell is not None:
                    tell(done)
                if not line:
                    break
        os.waitpid(child, 0)


def _next_line(stream: Any, seconds: float) -> str | None:
    """Return what the child says of the next file, None if it does not in time, empty if it is gone."""
    ready, _, _ = select.select([stream], [], [], seconds)
    return stream.readline() if ready else None


def _fork(trials: Sequence[Trial], intact: dict[str, Reading], limits: Limits) -> tuple[int, int]:
    """Start a child that writes one line per file; return its pipe and number."""
    receive, send = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of ours are idle
        child = os.fork()
    if child:
        os.close(send)
        return receive, child
    status = 1
    try:
        os.close(receive)
        warnings.simplefilter("ignore")
        space = _memory("VmSize") + limits.memory
        resource.setrlimit(resource.RLIMIT_AS, (space, space))
        for trial in trials:
            os.write(send, (json.dumps(_timed(trial, intact)) + "\n").encode())
        status = 0
    finally:
        os._exit(status)


def _timed(trial: Trial, intact: dict[str, Reading]) -> Verdict:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    start, before = time.perf_counter(), _memory("VmRSS")
    outcome, detail = _judge(trial, intact[trial.specimen.name])
    return Verdict(outcome, detail, time.perf_counter() - start, (_memory("VmHWM") - before) / 1e6)


def _memory(name: str) -> int:
    """Return a size [bytes] that Linux knows of this process."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(text.partition(f"{name}:")[2].split()[0])
