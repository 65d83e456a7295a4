"""What became of jobs: which were submitted, which were refused, and what the queue says of them."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["JobBook", "is_hopeless", "job_states", "last_words", "recorded"]

_CONDOR = {"1": "idle", "2": "running", "3": "removed", "4": "completed", "5": "held", "6": "running"}
_NEVER = (  # reasons of Slurm
    *("PartitionTimeLimit", "PartitionNodeLimit", "BadConstraints", "AccountNotAllowed", "QOSNotAllowed"),
    *("InvalidAccount", "InvalidQOS", "AssocMaxWallDurationPerJobLimit", "QOSMaxWallDurationPerJobLimit"),
)
_WAITING = {"pending", "configuring", "suspended", "requeued", "requeue_hold", "idle", "held"}


@dataclass(slots=True)
class JobBook:
    """The jobs of a cluster."""

    ids: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)  # what the submit command said


def recorded(job_class: Any, book: JobBook) -> Any:
    """
    Return a class of dask-jobqueue's jobs that keeps book.

    A refused job is an entry in the book, not an exception in a thread where nobody sees it.
    """
    from distributed.deploy.spec import ProcessInterface

    class Recorded(job_class):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            with warnings.catch_warnings():  # dask-lxplus forgets the filters of everybody
                super().__init__(*arguments, **options)

        async def start(self) -> None:
            try:
                await super().start()
            except (RuntimeError, ValueError, OSError) as error:
                book.refusals.append(_short(str(error)))
                await ProcessInterface.start(self)  # without a job, so that it can be closed
            else:
                book.ids.append(self.job_id)

    return Recorded


def _short(text: str) -> str:
    """Return what a submit command wrote to stderr, of what dask-jobqueue makes of it."""
    said = text.partition("stderr:\n")[2].strip() or text.strip()
    return "; ".join(line.strip() for line in said.splitlines() if line.strip())


def job_states(kind: str, ids: Sequence[str]) -> dict[str, str] | None:
    """
    Ask the queue for jobs.

    Returns
    -------
    dict or None
        Job id -> state, with the reason if it waits; without those that ended. None if the queue does not
        answer.
    """
    if kind == "slurm":
        command = ["squeue", "-h", "-t", "all", "-o", "%i %T %r", "-j", ",".join(ids)]
    else:
        command = ["condor_q", *ids, "-af", "ClusterId", "JobStatus", "HoldReason"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode and "Invalid job id" not in done.stderr:
        return None
    return _parse(kind, done.stdout)


def is_hopeless(state: str) -> bool:
    """Return whether a job waits for something that does not come by itself."""
    return state.startswith("held") or any(f"({reason})" in state for reason in _NEVER)


def _parse(kind: str, text: str) -> dict[str, str]:
    """Return the states of jobs that have not ended, from lines of job, state and reason."""
    states = {}
    for line in text.splitlines():
        job, state, reason = [*line.split(maxsplit=2), "", "", ""][:3]
        state = _CONDOR.get(state, state) if kind == "lxplus" else state.lower()
        if state not in _WAITING and state != "running":
            continue
        has_reason = state in _WAITING and reason.strip() not in {"", "None", "undefined"}
        states[job] = f"{state} ({reason.strip()})" if has_reason else state
    return states


def last_words(logs: Path | None, ids: Sequence[str], lines: int = 6) -> str:
    """Return the end of what jobs wrote that never became workers, so that no event was read by them."""
    if logs is None:
        return ""
    for job in reversed(ids):
        for path in sorted(logs.glob(f"*-{job}.err")):
            told = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            if told:
                return f"{path} ends with: " + " / ".join(line.strip() for line in told[-lines:])
    return f"their logs in {logs} are empty"
