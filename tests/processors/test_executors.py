"""Losses have reasons, bugs do not become losses, dead workers lose nothing."""

import os
import pickle
import signal
import traceback
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest
from coffea.processor.executor import WorkItem

from datasets.reader import ReadError
from processors.executors import ChunkError, ChunkExecutor, open_pool, run_chunk


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
    assert result["lost"] == {(item(), reason)}
    assert result["processed"] == set()


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

    assert run_chunk(flaky, item(), 2)["out"] == 10
    assert len(calls) == 2


def test_all_lost_leaves_the_identity() -> None:
    executor = ChunkExecutor(open_pool=lambda: nullcontext(), identity=7)
    total, _ = executor([item()], partial(wrapped, "Failed to open file", OSError("x")), None)
    assert total["out"] == 7


def die_once(flag: str, chunk: WorkItem) -> dict[str, object]:
    if chunk.entrystart == 20 and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return count(chunk)


def test_killed_process_loses_nothing(tmp_path: Path) -> None:
    executor = ChunkExecutor(open_pool=partial(open_pool, "futures", 2), width=4, identity=0)
    items = [item(start) for start in range(0, 80, 10)]
    total, _ = executor(items, partial(die_once, str(tmp_path / "died")), None)
    assert (tmp_path / "died").exists()
    assert total["out"] == 80
    assert total["processed"] == set(items)


def test_consumer_gets_each_chunk_instead_of_the_sum() -> None:
    got = []
    executor = ChunkExecutor(
        open_pool=lambda: nullcontext(),
        identity=0,
        consume=lambda chunk, out: got.append((chunk.entrystart, out)),
    )
    total, _ = executor([item(0), item(10)], count, None)
    assert got == [(0, 10), (10, 10)]
    assert total["out"] == 0
