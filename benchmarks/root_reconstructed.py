"""ROOT's side of `reconstructed_chain.py`: the same reconstruction, cuts and histograms as compiled C++.

Run by the Python that has the `ROOT` package. Each line of input is a path; the answer is a line with seconds
and the counts of the cut-flow, and the contents of all histograms in the file that the second argument names.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import ROOT

SOURCE = Path(__file__).with_name("reconstructed.cpp")


def main(table_path: str, histogram_path: str) -> None:
    """Answer until the input ends."""
    ROOT.gErrorIgnoreLevel = ROOT.kError
    ROOT.DisableImplicitMT()
    ROOT.TH1.AddDirectory(False)
    for library in ("libHist", "libROOTDataFrame"):  # before code that needs them is compiled
        ROOT.gSystem.Load(library)
    if not ROOT.gInterpreter.Declare(SOURCE.read_text()):
        sys.exit("ROOT did not compile its side of the benchmark")
    table = json.loads(Path(table_path).read_text())
    for name, values in table["constants"].items():
        for value in values:
            getattr(ROOT.chain, name).push_back(value)
    for histogram in table["histograms"]:
        ROOT.chain.declare(
            ",".join(histogram["columns"]),
            *(int(histogram[name]) for name in ("mask", "bins_x", "bins_y")),
            *(float(histogram[name]) for name in ("low_x", "high_x", "low_y", "high_y", "scale")),
        )
    say({"version": str(ROOT.gROOT.GetVersion())})
    for line in sys.stdin:
        begin, cpu = time.perf_counter(), time.process_time()
        result = ROOT.chain.run(line.strip(), len(table["cuts"]))
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        np.save(histogram_path, np.array(list(result.contents)))
        say({"seconds": seconds, "cpu": cpu, "counts": [int(n) for n in result.counts]})


def say(what: dict[str, Any]) -> None:
    """Write one line of JSON."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


main(*sys.argv[1:])
