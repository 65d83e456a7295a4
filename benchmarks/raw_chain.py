"""From raw digits to histograms beside bare reading and beside ROOT, in one run and in turns.

    python -m benchmarks.raw_chain [FILE] [--events N] [--repeats N] [--format rntuple|ttree] [--root PYTHON]

Trust the ratios: each is the median over the repeats, and what is compared ran within seconds of each other.
Times are those of the processor, of all threads: other work on the machine changes them less.
ROOT is optional: name a Python that can `import ROOT` (`pip install root==0.1a12` in an environment of its
own) with `--root` or the variable `ROOT_PYTHON`.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import numpy as np
import numpy.typing as npt
import uproot
from coffea.nanoevents import NanoEventsFactory

from benchmarks.peaks import as_json, find_peaks, peak_table, sum_events
from datasets.conditions import ideal_conditions
from datasets.digits import read_waveforms
from datasets.layouts import load_layout
from datasets.reader import EventReader
from datasets.schema import schema_for
from datasets.setups import load_setup
from datasets.simulation.plan import plan
from datasets.simulation.production import Format, make_blocks, open_writer
from processors.garbage import prepare_process
from processors.invisible import InvisibleProcessor
from recon.channels import channel_table
from recon.waveforms import WaveformConfig, measure_waveforms

SETUP = "na64e_2018"
Plane = npt.NDArray[np.float64]


def simulate(path: Path, n_events: int, container: Format) -> None:
    """Write electrons with pile-up, as `na64 simulate na64e_2018 electron --level raw --seed 3` does."""
    simulation = plan(load_setup(SETUP), "electron", seed=3, has_pile_up=True)
    with open_writer(path, {}, "raw", container) as writer:
        for made in make_blocks(simulation, "raw", n_events):
            writer.write(made.columns)


def events_of(path: Path) -> Any:
    """Return NanoEvents of a file, nothing read yet."""
    metadata = {"kind": "simulation", "parent_kind": "simulation"}
    factory = NanoEventsFactory.from_root(
        {str(path): "raw"}, schemaclass=schema_for("raw"), metadata=metadata, mode="virtual"
    )
    return factory.events()


class Chains:
    """What is measured."""

    def __init__(self, path: Path) -> None:
        self.path, self.setup, self.layout = path, load_setup(SETUP), load_layout("raw")
        self.conditions = ideal_conditions(self.setup)
        self.table = peak_table(self.setup, self.conditions)
        self.processor = InvisibleProcessor(setup=SETUP)

    def read_waveforms_alone(self) -> int:
        """Decompress and interpret the columns of the waveforms."""
        with uproot.open(self.path) as file:
            return len(file["raw"].arrays(["adc_channel", "adc_samples"]))

    def read_all_alone(self) -> int:
        """Decompress and interpret all columns that the layout names."""
        with uproot.open(self.path) as file:
            there = set(file["raw"].keys())
            return len(file["raw"].arrays([name for name in self.layout.branches() if name in there]))

    def _waveforms(self) -> Any:
        if self.layout.digits is None or self.layout.digits.waveforms is None:
            raise AssertionError(self.layout.name)
        return read_waveforms(EventReader(events_of(self.path)), self.layout.digits.waveforms)[0]

    def peaks(self) -> Plane:
        """Waveforms to peaks, calibrated energies, sums and the histogram: what ROOT does too."""
        digits = self._waveforms()
        energy, _ = find_peaks(digits.samples, digits.channel, self.table)
        ecal, hcal = sum_events(digits.offsets, digits.channel, energy, self.table)
        plane = hist.Hist.new.Reg(150, 0, 150).Reg(150, 0, 150).Double().fill(ecal, hcal)
        return np.asarray(plane.values())

    def unfolded(self) -> int:
        """Waveforms to pulses, with pile-up unfolded: the reconstruction proper."""
        digits = self._waveforms()
        row = self.conditions.cell_of_channel(digits.channel)
        table = channel_table(self.setup, self.conditions.cells.pedestal)
        return len(measure_waveforms(digits.samples, row, table, WaveformConfig()).time)

    def whole(self) -> int:
        """Raw to all histograms: waveforms, strips, tracks, blinding, selection."""
        return self.processor.process(events_of(self.path)).entries


class Root:
    """A Python with ROOT that waits for paths."""

    def __init__(self, python: str, folder: Path, table: str, side: str = "root_side.py") -> None:
        self._plane = folder / "plane.npy"
        (folder / "table.json").write_text(table)
        script = Path(__file__).with_name(side)
        self._errors = folder / "errors.txt"
        command = [python, "-W", "ignore", str(script), str(folder / "table.json"), str(self._plane)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
            )
        self.version = self._answer()["version"]

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            sys.exit(f"ROOT ended early:\n{self._errors.read_text()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def run(self, path: Path) -> tuple[float, Plane]:
        """Return seconds of the processor and histogram of one file."""
        answer, plane = self.ask(path)
        return float(answer["cpu"]), plane

    def ask(self, path: Path) -> tuple[dict[str, Any], Plane]:
        """Return the answer for one file, and the contents of histograms."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        return self._answer(), np.load(self._plane)

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def find_root(given: str | None) -> str | None:
    """Return a Python that has ROOT, or None."""
    for python in filter(None, (given, os.environ.get("ROOT_PYTHON"), sys.executable)):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        command = [python, "-W", "ignore", "-c", "import ROOT"]
        if subprocess.run(command, capture_output=True, check=False, env=clean).returncode == 0:
            return python
    return None


def seconds_of(chain: Callable[[], Any]) -> float:
    """Return how long a chain keeps the processor busy, without the garbage of the one before it."""
    gc.collect()
    begin = time.process_time()
    chain()
    return time.process_time() - begin


def measure(chains: Chains, root: Root | None, repeats: int, *, is_short: bool) -> dict[str, list[float]]:
    """Run all chains in turns, forwards and backwards, and return their seconds."""
    steps: dict[str, Callable[[], Any]] = {
        "read waveforms": chains.read_waveforms_alone,
        "peaks": chains.peaks,
        "unfolded": chains.unfolded,
        "read all": chains.read_all_alone,
        "whole": chains.whole,
    }
    if is_short:
        steps = {name: steps[name] for name in ("read waveforms", "peaks")}
    for step in steps.values():  # compiles
        step()
    prepare_process()
    taken: dict[str, list[float]] = {name: [] for name in steps}
    if root is not None:
        _, theirs = root.run(chains.path)
        if not (theirs.sum() > 0 and np.array_equal(theirs, chains.peaks())):
            sys.exit("the histograms of both sides differ or are empty, so that their times mean nothing")
        sys.stdout.write(f"ROOT {root.version}: both histograms are the same, bin by bin\n")
        taken["root"] = []
    for repeat in range(repeats):
        for name in list(taken)[:: 1 if repeat % 2 else -1]:
            taken[name].append(
                root.run(chains.path)[0] if name == "root" and root else seconds_of(steps[name])
            )
    return taken


def show(taken: dict[str, list[float]], n_events: int) -> None:
    """Print rates and the ratios that matter."""

    def ratio(of: str, to: str) -> str:
        return f"{statistics.median(a / b for a, b in zip(taken[of], taken[to], strict=True)):.2f}"

    def line(text: str) -> None:
        sys.stdout.write(text + "\n")

    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        line(f"{name:16s} {1e6 * middle / n_events:8.2f} us/event {n_events / middle:10.0f} events/s")
    line(f"peaks to histogram / reading alone       {ratio('peaks', 'read waveforms')}")
    if "whole" in taken:
        line(f"unfolded pulses / reading alone          {ratio('unfolded', 'read waveforms')}")
        line(f"whole chain / reading all columns alone  {ratio('whole', 'read all')}")
    if "root" in taken:
        line(f"speed of peaks to histogram / ROOT       {ratio('root', 'peaks')}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="a raw file of na64e_2018; default: simulated now")
    parser.add_argument("--events", type=int, default=20_000, help="to simulate")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--format", choices=("rntuple", "ttree"), default="rntuple", help="to simulate")
    parser.add_argument("--short", action="store_true", help="leave out unfolding and the whole chain")
    parser.add_argument("--root", help="a Python that can import ROOT")
    options = parser.parse_args()
    python = find_root(options.root)
    with tempfile.TemporaryDirectory() as name:
        path = options.file or Path(name) / "raw.root"
        if options.file is None:
            simulate(path, options.events, options.format)
        chains = Chains(path.resolve())
        root = None if python is None else Root(python, Path(name), json.dumps(as_json(chains.table)))
        if root is None:
            sys.stdout.write("ROOT is left out: no Python that can import it (--root or ROOT_PYTHON)\n")
        show(measure(chains, root, options.repeats, is_short=options.short), chains.read_waveforms_alone())
        if root is not None:
            root.close()


if __name__ == "__main__":
    main()
