"""From reconstructed energies to the cut-flow and all histograms, beside bare reading and beside ROOT.

    python -m benchmarks.reconstructed_chain [--events N] [--repeats N] [--root PYTHON]

The p348reco sample over and over, as 32-bit numbers, zstd-1. ROOT does the same arithmetic in compiled C++
(`reconstructed.cpp`), and its cut-flow and histograms must be ours, bin by bin. Wall time and processor time
(of all threads) are both given: on a loaded machine only the second tells what the work costs.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uproot
from coffea.nanoevents import NanoEventsFactory

from benchmarks.raw_chain import Root, find_root
from datasets.layouts import load_layout
from datasets.profiles import load_profile
from datasets.schema import schema_for
from datasets.setups import load_setup
from na64.testing import P348Reco
from processors.garbage import prepare_process
from processors.histograms import nminus1_spec
from processors.invisible import InvisibleProcessor
from processors.result import AnalysisResult
from recon.profile import s_curve

WITHOUT = ("single_track", "track_momentum", "track_chi2", "track_angle", "hcal_r")  # not in this layout
BASKET = 11_250  # entries
SETUP = load_setup("na64e_2018")


def write(path: Path, n_events: int) -> None:
    """Write the branches that the layout names."""
    sample, branches = P348Reco(), load_layout("p348reco").branches()
    arrays = {name: sample.arrays[name] for name in branches}
    copies = BASKET // len(arrays["run"])
    some = {
        name: np.concatenate([values.astype(np.float32) if values.dtype == float else values] * copies)
        for name, values in arrays.items()
    }
    some["masterTime"] = some["masterTime"].astype(np.float64)
    with uproot.recreate(path, compression=uproot.ZSTD(1)) as file:
        file.mktree("tree", {name: np.dtype((v.dtype, v.shape[1:])) for name, v in some.items()})
        for _ in range(0, n_events, BASKET):
            file["tree"].extend(some)


def read(path: Path) -> int:
    """Decompress and interpret the branches of the layout."""
    with uproot.open(path) as file:
        return len(file["tree"].arrays(load_layout("p348reco").branches(), library="np")["run"])


def whole(path: Path, chunk: int) -> AnalysisResult:
    """Do everything, chunk by chunk."""
    processor, schema, total = InvisibleProcessor(without=WITHOUT), schema_for("p348reco"), None
    with uproot.open(path) as file:
        entries = file["tree"].num_entries
    for first in range(0, entries, chunk):
        stop = min(first + chunk, entries)
        made = NanoEventsFactory.from_root(
            {str(path): "tree"}, schemaclass=schema, entry_start=first, entry_stop=stop
        )
        result = processor.process(made.events())
        total = result if total is None else total + result
    if total is None:
        raise AssertionError(path)
    return total


def table_for_root() -> dict[str, Any]:
    """Return thresholds, constants of the shower fit, and the histograms, for `reconstructed.cpp`."""
    processor = InvisibleProcessor(without=WITHOUT)
    selection, ecal = processor.selection_for(SETUP), SETUP.detectors["ecal"]
    profile, section, p = load_profile(SETUP.shower_profile), ecal.sections[-1], selection.params
    curve = s_curve(profile, section.grid.pitch[0])
    windows = [SETUP.detectors[name].time_window for name in ("ecal", "srd", "veto")]
    if ecal.beam_cell is None:
        raise AssertionError(ecal)
    constants = {
        "share": profile.share,
        "width": profile.width,
        "spread": np.square(
            [profile.stochastic, profile.constant, ecal.response.noise, ecal.response.constant]
        ).tolist(),
        **{name: values.tolist() for name, values in curve._asdict().items()},
        "windows": [edge for window in windows for edge in window],
        "limits": [
            p["in_time"]["ecal_out_of_time_limit"], *(p["srd"][k] for k in ("module_low", "module_high")),
            *(p["srd"][k] for k in ("sum_low", "sum_high")), *(p["preshower"][k] for k in ("low", "high")),
            p["ecal_shape"]["limit"], p["veto"]["limit"], section.grid.pitch[0], *section.centre,
            *ecal.beam_cell,
        ],
    }  # fmt: skip
    cuts = [cut.name for cut in selection.cuts]
    return {"constants": constants, "cuts": cuts, "histograms": histograms_for_root(processor, cuts)}


def histograms_for_root(processor: InvisibleProcessor, cuts: list[str]) -> list[dict[str, Any]]:
    """Return axes and bits of the cuts of each histogram that this layout gives."""
    every, named = (1 << len(cuts)) - 1, []
    for spec in processor.histograms:
        without = sum(1 << cuts.index(name) for name in spec.without)
        named.append((spec, 0 if spec.stage == "base" else every & ~without))
    for index, cut in enumerate(processor.selection_for(SETUP).cuts):
        spec_of_cut = nminus1_spec(cut)
        if spec_of_cut is not None:
            named.append((spec_of_cut, every & ~(1 << index)))
    absent = ("track_momentum", "track_chi2", "hcal_time")
    listed = []
    for spec, mask in named:
        columns, x, y = [axis.column for axis in spec.axes], spec.axes[0], spec.axes[-1]
        if spec.name in absent:
            continue
        listed.append({
            "name": spec.name, "columns": columns, "mask": mask, "scale": x.scale,
            "bins_x": x.bins, "low_x": x.low, "high_x": x.high,
            "bins_y": y.bins if len(columns) > 1 else 0, "low_y": y.low, "high_y": y.high,
        })  # fmt: skip
    return listed


def contents_of(result: AnalysisResult, listed: list[dict[str, Any]]) -> npt.NDArray[np.float64]:
    """Return the contents of all histograms one after the other."""
    parts = [result.histograms[one["name"]].values()[0, 0].ravel() for one in listed]
    if len(listed) != len(result.histograms):
        sys.exit(f"{len(result.histograms)} histograms are filled, ROOT is told of {len(listed)}")
    return np.concatenate(parts)


def check(root: Root, path: Path, result: AnalysisResult, table: dict[str, Any]) -> None:
    """Stop unless both sides count the same."""
    answer, contents = root.ask(path)
    (sample,) = result.samples.values()
    ours = sample.cutflow.counts[:, 0].tolist()
    if answer["counts"] != ours:
        sys.exit(f"the cut-flows differ: {ours} and {answer['counts']} of ROOT")
    differ = np.flatnonzero(contents != contents_of(result, table["histograms"]))
    if len(differ):
        sys.exit(f"{len(differ)} of {len(contents)} bins differ")
    sys.stdout.write(f"ROOT {root.version}: cut-flow {ours} and {len(contents)} bins are the same\n")


def measure(steps: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[tuple[float, float]]]:
    """Run steps in turns; return wall and processor seconds, those that a step returns itself if it does."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for repeat in range(repeats):
        for name in list(steps)[:: 1 if repeat % 2 else -1]:
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            other = steps[name]()  # ROOT is another process, which tells its own processor time
            spent = other if isinstance(other, float) else time.process_time() - cpu
            taken[name].append((time.perf_counter() - wall, spent))
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=450_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--chunk", type=int, default=45_000)
    parser.add_argument("--root", help="a Python that can import ROOT")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path, table = Path(name) / "reco.root", table_for_root()
        write(path, options.events)
        n_events = read(path)
        sys.stdout.write(f"{n_events} events, {path.stat().st_size / n_events:.0f} bytes each\n")
        steps: dict[str, Callable[[], Any]] = {
            "read": lambda: read(path),
            "whole chain": lambda: whole(path, options.chunk),
        }
        result = whole(path, options.chunk)
        prepare_process()
        python = find_root(options.root)
        if python is not None:
            root = Root(python, Path(name), json.dumps(table), "root_reconstructed.py")
            check(root, path, result, table)
            steps["ROOT"] = lambda: float(root.ask(path)[0]["cpu"])
        taken = measure(steps, options.repeats)
        for step, times in taken.items():
            wall, cpu = (statistics.median(t[i] for t in times) for i in (0, 1))
            told = f"{n_events / wall:9.0f} events/s, {1e6 * cpu / n_events:.2f} us of processor time"
            sys.stdout.write(f"{step:12s} {told}, {n_events / cpu:.0f} events per second of it\n")
        for other in set(steps) - {"whole chain"}:
            wall, cpu = (
                statistics.median(
                    a[i] / b[i] for a, b in zip(taken["whole chain"], taken[other], strict=True)
                )
                for i in (0, 1)
            )
            sys.stdout.write(f"whole chain / {other}: {wall:.2f} of wall, {cpu:.2f} of processor time\n")


if __name__ == "__main__":
    main()
