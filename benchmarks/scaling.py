"""
One worker beside several, in turns: wall time, and processor time of the client and of its workers.

`python -m benchmarks.scaling FILES --executor futures --workers 1 2 --repeats 3` runs the invisible mode over
the files with each number of workers, without figures and report, and stops unless all results are equal.
`--cores 1` confines everything to so many cores;
`--without CUT` leaves out a cut that the files cannot decide.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from datasets.sources import find_inputs
from processors.invisible import InvisibleProcessor
from processors.result import AnalysisResult
from processors.runner import Execution, Prepared, Request, prepare, run_items


class Taken(NamedTuple):
    """Seconds of one run."""

    wall: float
    client: float  # of processor time
    workers: float  # of processor time, all together


def measure(
    prepared: Prepared, processor: InvisibleProcessor, execution: Execution
) -> tuple[AnalysisResult, Taken]:
    """Run once."""
    before, start = os.times(), time.perf_counter()
    result, account = run_items(prepared, processor, execution, AnalysisResult())
    wall, after = time.perf_counter() - start, os.times()
    if account.processed != prepared.entries:
        raise AssertionError(account)
    client = after.user + after.system - before.user - before.system
    workers = after.children_user + after.children_system - before.children_user - before.children_system
    return result, Taken(wall, client, workers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--setup")
    parser.add_argument("--executor", choices=("futures", "dask"), default="futures")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cores", type=int, help="use no more cores than this")
    parser.add_argument("--chunk-size", type=int, default=50_000)
    parser.add_argument("--without", action="append", default=[], metavar="CUT")
    options = parser.parse_args()
    if options.cores:
        psutil.Process().cpu_affinity(list(range(options.cores)))
    processor = InvisibleProcessor(without=tuple(options.without))
    request = Request(files=find_inputs([str(path) for path in options.files]), setup=options.setup)
    prepared = prepare(request, processor)
    taken: dict[int, list[Taken]] = {count: [] for count in options.workers}
    results = []
    for repeat in range(options.repeats):
        for count, runs in taken.items():
            execution = Execution(executor=options.executor, workers=count, chunk_size=options.chunk_size)
            result, seconds = measure(prepared, processor, execution)
            results.append(result)
            runs.append(seconds)
            print(f"{repeat + 1}: {count} workers {seconds}", flush=True)  # noqa: T201
            if result.histograms != results[0].histograms:
                raise AssertionError(count)
    first = statistics.median(one.wall for one in taken[options.workers[0]])
    print(f"{prepared.entries} events; workers, wall [s], client and workers [processor s], speed-up")  # noqa: T201
    for count, runs in taken.items():
        wall, client, workers = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{count}  {wall:.1f}  {client:.1f}  {workers:.1f}  {first / wall:.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
