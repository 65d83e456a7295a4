"""Events per second of the simulation: a block of each process, its digits, and writing beside it."""

from pathlib import Path
from typing import Any

import pytest

from datasets.setups import load_setup
from datasets.simulation.generator import Simulation, simulate_block
from datasets.simulation.plan import plan
from datasets.simulation.production import Format, Level, make_block, open_writer
from datasets.simulation.streams import BLOCK

N_BLOCKS = 16


def simulation(process: str) -> Simulation:
    return plan(load_setup("na64e_2018"), process)


@pytest.mark.parametrize(
    "process", ["electron", "hadron", "muon", "dimuon", "electroproduction", "dark_photon"]
)
def test_block(benchmark: Any, process: str) -> None:
    benchmark.extra_info["events"] = BLOCK
    assert benchmark(simulate_block, simulation(process), 0).n_events == BLOCK


@pytest.mark.parametrize("level", ["simulated", "raw"])
def test_block_in_the_form_of_a_file(benchmark: Any, level: Level) -> None:
    benchmark.extra_info["events"] = BLOCK
    assert benchmark(make_block, simulation("electron"), level, 0, BLOCK).n_events == BLOCK


@pytest.mark.parametrize(
    ("level", "container"), [("simulated", "ttree"), ("raw", "rntuple"), ("raw", "ttree")]
)
def test_write(benchmark: Any, tmp_path: Path, level: Level, container: Format) -> None:
    benchmark.extra_info["events"] = N_BLOCKS * BLOCK
    made = [make_block(simulation("electron"), level, number, BLOCK) for number in range(N_BLOCKS)]

    def write() -> int:
        path = tmp_path / "file.root"
        with open_writer(path, {}, level, container) as writer:
            for block in made:
                writer.write(block.columns)
        return path.stat().st_size

    assert benchmark(write) > 0
