"""A Dask scheduler that dies in mid-run and comes back costs time, and nothing else."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from coffea.processor.executor import WorkItem

from processors.dispatch import Outcome
from processors.executors import ChunkExecutor, open_pool

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


def count(chunk: WorkItem) -> dict[str, object]:
    time.sleep(0.05)
    return {"out": len(chunk)}


def start(*words: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def cluster(port: int, folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    address = f"tcp://127.0.0.1:{port}"
    processes = [
        start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--dashboard-address", "127.0.0.1:0"),
        start("worker", address, "--no-nanny", "--nthreads", "1", "--local-directory", str(folder)),
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_restart_of_the_scheduler_loses_nothing(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcomes: list[Outcome] = []
    with cluster(port, tmp_path / "one") as first:
        second = cluster(port, tmp_path / "two")

        def sink(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if len(outcomes) == 5:
                for process in first:
                    process.kill()
                    process.wait()
                second.__enter__()

        wait_until_it_listens(port)
        pool = partial(open_pool, "dask", 1, f"tcp://127.0.0.1:{port}")
        executor = ChunkExecutor(sink=sink, open_pool=pool, is_here=False, width=4)
        try:
            executor([WorkItem("d", "f", "t", n, n + 10, b"0" * 16) for n in range(0, 300, 10)], count, None)
        finally:
            second.__exit__(None, None, None)
    assert sorted(outcome.item.entrystart for outcome in outcomes) == list(range(0, 300, 10))
    assert all(outcome.out == 10 for outcome in outcomes)
    assert any("connection" in reason for outcome in outcomes for reason in outcome.retries)


def wait_until_it_listens(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
