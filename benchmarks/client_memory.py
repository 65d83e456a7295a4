"""
Peak memory of the command that adds up chunks, against their number.

`python -m benchmarks.client_memory 10000` adds that many results of the invisible mode, as they come from
workers, and prints the peak memory before and after. With `--keep` partial results are written too.
"""

from __future__ import annotations

import argparse
import pickle
import resource
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import datasets
from datasets.sources import find_inputs
from processors.accounting import Collector
from processors.executors import ChunkExecutor
from processors.invisible import InvisibleProcessor
from processors.partial_results import PartialResults
from processors.result import AnalysisResult
from processors.runner import Execution, Request, make_item, prepare, run_items

_SAMPLE = Path(datasets.__file__).parent / "samples" / "geant4" / "dimuon_enriched.root"
_ENTRIES = 10  # of each pretended chunk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("chunks", type=int)
    parser.add_argument("--keep", action="store_true", help="write partial results")
    options = parser.parse_args()
    prepared = prepare(Request(files=find_inputs([str(_SAMPLE)])), InvisibleProcessor())
    result, _ = run_items(prepared, InvisibleProcessor(), Execution(), AnalysisResult())
    payload = pickle.dumps(result, protocol=5)
    probe, n = prepared.probes[0], options.chunks * _ENTRIES
    probe = replace(probe, tree=replace(probe.tree, entries=n, clusters=(0, n)))
    edges = list(range(0, n + 1, _ENTRIES))
    before = _peak()
    with tempfile.TemporaryDirectory() as folder:
        store = PartialResults(Path(folder), lambda _: 64 * "0") if options.keep else None
        collector = Collector([(probe, edges)], store)
        items = [replace(make_item(probe, *edge), usermeta=None) for edge in pairwise(edges)]
        start, busy = time.perf_counter(), time.process_time()
        ChunkExecutor(sink=collector)(items, lambda _: {"out": pickle.loads(payload)}, None)
        total, account = collector.result(AnalysisResult())
        wall, cpu = time.perf_counter() - start, time.process_time() - busy
    per_chunk = [f"{1e3 * seconds / options.chunks:.1f} ms" for seconds in (wall, cpu)]
    print(f"{options.chunks} chunks: {before:.0f} MB before, {_peak():.0f} MB peak")  # noqa: T201
    print(f"{per_chunk[0]} per chunk, {per_chunk[1]} of them on the processor")  # noqa: T201
    print(f"{account.processed} events, {len(total.histograms)} histograms")  # noqa: T201


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
