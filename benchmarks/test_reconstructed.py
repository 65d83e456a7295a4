"""Events per second from a reconstructed-level file into the full set of histograms, beside bare reading.

`make bench` prints both in one table: trust the ratio, not the seconds.
"""

from pathlib import Path
from typing import Any

import pytest
import uproot
from coffea.nanoevents import NanoEventsFactory

from datasets.layouts import load_layout
from datasets.schema import schema_for
from processors.invisible import InvisibleProcessor
from tests.conftest import NOT_IN_P348RECO, P348Reco

N_COPIES = 20


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sample, place = P348Reco(), tmp_path_factory.mktemp("bench") / "data.root"
    with uproot.recreate(place, compression=uproot.ZSTD(1)) as file:
        file.mktree("tree", {n: (v.dtype, v.shape[1:]) for n, v in sample.arrays.items()})
        for _ in range(N_COPIES):
            file["tree"].extend(sample.arrays)
    return place


@pytest.fixture(autouse=True)
def _rate(benchmark: Any) -> None:
    benchmark.extra_info["events"] = N_COPIES * 2250


def test_read_alone(benchmark: Any, path: Path) -> None:
    """Decompress and interpret the branches that the layout names."""
    branches = load_layout("p348reco").branches()

    def read() -> int:
        with uproot.open(path) as file:
            return len(file["tree"].arrays(branches, library="np")["run"])

    assert benchmark(read) == N_COPIES * 2250


def test_whole_chain(benchmark: Any, path: Path) -> None:
    """Read, reconstruct, blind, select and fill all histograms, in one process."""
    processor = InvisibleProcessor(without=NOT_IN_P348RECO)

    def run() -> int:
        events = NanoEventsFactory.from_root({str(path): "tree"}, schemaclass=schema_for("p348reco")).events()
        return processor.process(events).entries

    assert benchmark(run) == N_COPIES * 2250
