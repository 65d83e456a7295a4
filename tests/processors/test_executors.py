"""Losses have reasons, bugs do not become losses, dead workers lose nothing."""

import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from coffea.processor.executor import WorkItem

from datasets.fingerprint import read_ends
from datasets.reader import ReadError
from processors.chunk import ChunkError, run_chunk
from processors.dispatch import ExecutionError, Outcome
from processors.executors import ChunkExecutor, open_pool
from processors.pools import HerePool, WorkerDiedError


def item(start: int = 0, kind: str | None = None) -> WorkItem:
    return WorkItem("d", "f.root", "t", start, start + 10, b"0" * 16, {"kind": kind} if kind else None)


def count(chunk: WorkItem) -> dict[str, object]:
    return {"out": len(chunk), "processed": {chunk}}


def wrapped(message: str, cause: Exception, chunk: WorkItem) -> dict[str, object]:
    raise Exception(message) from cause  # noqa: TRY002 - as coffea does


@pytest.mark.parametrize(
    ("message", "cause", "reason"),
    [
        pytest.param("Failed to open file: f.root", OSError("gone"), "OSError: gone", id="open"),
        pytest.param(
            "Failed processing file: f.root", ReadError("cannot read 'x'"), "cannot read 'x'", id="basket"
        ),
    ],
)
def test_unreadable_chunk_is_a_loss_with_its_reason(message: str, cause: Exception, reason: str) -> None:
    result = run_chunk(partial(wrapped, message, cause), item(), 2)
    assert result == (None, reason, (reason,), False)


def test_bug_in_a_processor_is_not_a_loss() -> None:
    with pytest.raises(ChunkError, match="KeyError"):
        run_chunk(partial(wrapped, "Failed processing file: f.root", KeyError("typo")), item(), 2)


def fail() -> None:
    raise ValueError("energy 31.4159")  # noqa: EM101


def fail_with_a_value(chunk: WorkItem) -> dict[str, object]:
    message = "Failed processing file: f.root"
    try:
        fail()
    except ValueError as error:
        raise Exception(message) from error  # noqa: TRY002 - as coffea does
    return count(chunk)


@pytest.mark.parametrize("kind", ["data", "calibration", None])
def test_error_on_data_keeps_its_text_for_itself(kind: str | None) -> None:
    with pytest.raises(ChunkError) as raised:
        run_chunk(fail_with_a_value, item(kind=kind), 2)
    told = "".join(traceback.format_exception(pickle.loads(pickle.dumps(raised.value))))
    told += "".join(traceback.format_exception(raised.value))
    assert "31.4" not in told
    assert "ValueError in test_executors.py" in told
    assert ", fail, on entries 0 to 10 of f.root" in told
    assert raised.value.__context__ is None


def test_error_on_simulation_is_told() -> None:
    with pytest.raises(Exception, match="Failed processing") as raised:
        run_chunk(fail_with_a_value, item(kind="simulation"), 2)
    assert str(raised.value.__cause__) == "energy 31.4159"


def test_chunk_is_tried_again() -> None:
    calls = []

    def flaky(chunk: WorkItem) -> dict[str, object]:
        calls.append(chunk)
        if len(calls) == 1:
            raise ReadError("once")  # noqa: EM101
        return count(chunk)

    assert run_chunk(flaky, item(), 2) == (10, "", ("once",), False)
    assert len(calls) == 2


def run_all(items: list[WorkItem], function: Callable[..., Any], **options: Any) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    executor = ChunkExecutor(
        sink=lambda outcome: outcomes.update({outcome.item.entrystart: outcome}), **options
    )
    executor(items, function, None)
    return outcomes


def test_lost_chunk_has_its_reason() -> None:
    outcomes = run_all([item()], partial(wrapped, "Failed to open file", OSError("x")))
    assert outcomes[0].out is None
    assert outcomes[0].losses == ((item(), "OSError: x"),)


def die_once(flag: str, chunk: WorkItem) -> dict[str, object]:
    if chunk.entrystart == 20 and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return count(chunk)


@pytest.mark.parametrize("name", ["futures", pytest.param("dask", marks=pytest.mark.slow)])
def test_killed_process_loses_nothing(tmp_path: Path, name: Any) -> None:
    """The chunk that it worked on is blamed for it, and no other."""
    items = [item(start) for start in range(0, 80, 10)]
    pool = partial(open_pool, name, 2)
    function = partial(die_once, str(tmp_path / "died"))
    outcomes = run_all(items, function, open_pool=pool, is_here=False, width=4)
    assert (tmp_path / "died").exists()
    assert {start: outcome.out for start, outcome in outcomes.items()} == dict.fromkeys(range(0, 80, 10), 10)
    assert "SIGKILL" in outcomes[20].retries[0] or name == "dask"
    assert len(outcomes[20].retries) == 1
    assert name == "dask" or not any(o.retries for start, o in outcomes.items() if start != 20)


def too_much(event: int, chunk: WorkItem) -> dict[str, object]:
    """Stand for a chunk that no worker survives if it holds an event."""
    if chunk.entrystart <= event < chunk.entrystop:
        raise WorkerDiedError("signal SIGKILL")  # noqa: EM101
    return {"out": [(chunk.entrystart, chunk.entrystop)]}


class DyingPool(HerePool):
    """Lets a function end its worker, without a process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Any:
        return super().submit(lambda: fn.args[0](args[0]) and run_chunk(*fn.args, *args))  # type: ignore[attr-defined]


def large(start: int, stop: int) -> WorkItem:
    return WorkItem("d", "f.root", "t", start, stop, b"0" * 16)


def test_entries_that_no_worker_survives_are_lost_alone() -> None:
    chunks = [large(0, 1600), large(1600, 3200)]
    outcomes = run_all(chunks, partial(too_much, 1601), open_pool=DyingPool, can_split=True)
    assert outcomes[0].out == [(0, 1600)]
    lost = outcomes[1600]
    assert [(piece.entrystart, piece.entrystop) for piece, _ in lost.losses] == [(1600, 1800)]
    assert "6 times over" in lost.losses[0][1]
    assert lost.out == [(1800, 2000), (2000, 2400), (2400, 3200)]
    whole = run_all(chunks, partial(too_much, 1601), open_pool=DyingPool)
    assert whole[1600].out is None  # results that cannot be added are not taken in pieces
    assert [(piece.entrystart, piece.entrystop) for piece, _ in whole[1600].losses] == [(1600, 3200)]


def hungry(limit: int, chunk: WorkItem) -> dict[str, object]:
    if len(chunk) > limit:
        raise MemoryError("an array of 31.4159 GB")  # noqa: EM101
    return {"out": len(chunk), "processed": {chunk}}


def test_chunk_that_is_too_large_for_the_memory_is_taken_in_pieces() -> None:
    outcome = run_all([large(0, 1000)], partial(hungry, 300), can_split=True)[0]
    assert (outcome.out, outcome.losses) == (1000, ())
    assert set(outcome.retries) == {"there was not enough memory"}


def test_workers_that_finish_nothing_end_the_run() -> None:
    with pytest.raises(ExecutionError, match="--chunk-size"):
        run_all([item(start) for start in range(0, 400, 10)], partial(hungry, 0))


def test_lost_connection_begins_again() -> None:
    """As when a Dask scheduler restarts: all that was under way is cancelled."""
    opened: list[str] = []

    class Cut(HerePool):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Any:
            future = super().submit(fn, *args)
            if len(opened) == 1 and args[0].entrystart >= 20:
                future._exception = CancelledError()
            return future

    @contextmanager
    def open_cut() -> Iterator[HerePool]:
        opened.append("")
        if len(opened) == 2:
            raise ConnectionError("nobody answers")  # noqa: EM101
        yield Cut()

    outcomes = run_all([item(start) for start in range(0, 60, 10)], count, open_pool=open_cut, width=3)
    assert sum(outcome.out for outcome in outcomes.values()) == 60
    assert len(opened) == 3
    assert "connection" in outcomes[20].retries[0]


@pytest.mark.parametrize("moment", ["before", "while", "gone"])
def test_file_that_changes_is_a_loss(tmp_path: Path, moment: str) -> None:
    path = tmp_path / "f.root"
    path.write_bytes(b"a" * 1000)
    chunk = WorkItem("d", str(path), "t", 0, 10, b"0" * 16, {"ends": read_ends(str(path)).digest()})
    assert run_chunk(count, chunk, 2).out == 10

    def change(chunk: WorkItem) -> dict[str, object]:
        path.write_bytes(b"b" * 1000)
        return count(chunk)

    if moment == "before":
        path.write_bytes(b"a" * 1001)
    elif moment == "gone":
        path.unlink()
    result = run_chunk(change if moment == "while" else count, chunk, 2)
    assert result.out is None
    assert result.is_stale
    assert "changed after it was looked at" in result.reason
