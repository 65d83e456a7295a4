"""Many blocks: the same arrays here, in threads and in other processes."""

import concurrent.futures as cf
import multiprocessing as mp
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.config import ConfigError
from datasets.setups import load_setup
from datasets.simulation.generator import simulate_block
from datasets.simulation.plan import plan
from datasets.simulation.production import Level, Made, make_block, make_blocks, open_writer
from datasets.simulation.streams import BLOCK
from recon.geometry import Trigger

SETUP = load_setup("na64e_2018")
SIMULATION = plan(SETUP, "electron", seed=3)
N_EVENTS = 2 * BLOCK + 100


def assert_same(found: list[Made], expected: list[Made]) -> None:
    assert [(m.n_events, m.attempts) for m in found] == [(m.n_events, m.attempts) for m in expected]
    for one, other in zip(found, expected, strict=True):
        assert list(one.columns) == list(other.columns)
        for name, values in one.columns.items():
            assert values.dtype == other.columns[name].dtype
            same = np.array_equal(values, other.columns[name], equal_nan=values.dtype.kind == "f")
            assert same, name


@pytest.fixture(scope="module", params=["simulated", "raw"])
def level(request: pytest.FixtureRequest) -> Level:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def made(level: Level) -> list[Made]:
    return list(make_blocks(SIMULATION, level, N_EVENTS))


@pytest.fixture(scope="module")
def threads() -> Iterator[cf.Executor]:
    with cf.ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.mark.parametrize("width", [1, 2, 3, 10])
def test_threads_make_the_same(made: list[Made], level: Level, threads: cf.Executor, width: int) -> None:
    assert_same(list(make_blocks(SIMULATION, level, N_EVENTS, threads, width)), made)


def test_processes_make_the_same() -> None:
    """Fresh ones, that get the simulation as it is pickled."""
    expected = list(make_blocks(SIMULATION, "simulated", BLOCK + 50))
    with cf.ProcessPoolExecutor(2, mp_context=mp.get_context("spawn")) as pool:
        assert_same(list(make_blocks(SIMULATION, "simulated", BLOCK + 50, pool, 2)), expected)


class Reversed(cf.Executor):
    """A pool that makes nothing before it must, and then the last task first."""

    def __init__(self) -> None:
        self.tasks: list[tuple[cf.Future[Any], Any, tuple[Any, ...]]] = []
        self.most = 0

    def submit(self, fn: Any, /, *args: Any, **_: Any) -> cf.Future[Any]:
        pool = self

        class Lazy(cf.Future[Any]):
            def result(self, timeout: float | None = None) -> Any:
                pool.most = max(pool.most, len(pool.tasks))
                while pool.tasks:
                    future, function, arguments = pool.tasks.pop()
                    future.set_result(function(*arguments))
                return super().result(timeout)

        future = Lazy()
        self.tasks.append((future, fn, args))
        return future


@pytest.mark.parametrize("width", [1, 2, 3])
def test_blocks_come_in_order_whoever_is_first(made: list[Made], level: Level, width: int) -> None:
    pool = Reversed()
    assert_same(list(make_blocks(SIMULATION, level, N_EVENTS, pool, width)), made)
    assert pool.most == width


def test_the_last_block_is_partial(made: list[Made]) -> None:
    assert [m.n_events for m in made] == [BLOCK, BLOCK, 100]
    for block in made:
        assert len(block.columns["event"]) == block.n_events
    event = np.concatenate([m.columns["event"] for m in made])
    assert np.array_equal(event, np.arange(N_EVENTS))


@pytest.mark.parametrize(
    ("n_events", "sizes"), [(0, []), (1, [1]), (BLOCK, [BLOCK]), (BLOCK + 1, [BLOCK, 1])]
)
def test_sizes_of_blocks(n_events: int, sizes: list[int]) -> None:
    assert [m.n_events for m in make_blocks(SIMULATION, "simulated", n_events)] == sizes


def test_the_first_events_do_not_depend_on_how_many_follow(made: list[Made], level: Level) -> None:
    short = make_block(SIMULATION, level, 1, 100)
    whole = made[1].columns
    for name, values in short.columns.items():
        assert np.array_equal(values, whole[name][: len(values)], equal_nan=values.dtype.kind == "f"), name


@pytest.mark.parametrize(("per_spill", "spills"), [(1000, (1, 2, 3)), (2048, (1, 1, 2)), (0, (1, 1, 1))])
def test_spills_follow_the_rate_of_the_trigger(per_spill: int, spills: tuple[int, int, int]) -> None:
    """Events 0, 1024 and 2048; 0: not known, one spill."""
    simulation = replace(SIMULATION, setup=replace(SETUP, trigger=Trigger(per_spill=per_spill)))
    found = [make_block(simulation, "simulated", number, 1).columns["spill"] for number in range(3)]
    assert tuple(int(values[0]) for values in found) == spills
    assert found[0].dtype == np.int32


def test_spills_change_within_a_block() -> None:
    setup = replace(SETUP, trigger=Trigger(per_spill=10))
    spill = make_block(replace(SIMULATION, setup=setup), "simulated", 0, 25).columns["spill"]
    assert spill.tolist() == [1] * 10 + [2] * 10 + [3] * 5


def test_attempts_are_those_of_the_last_event() -> None:
    simulation = plan(
        replace(SETUP, trigger=Trigger(limits={"ps_energy": (None, 4.0)})),
        "electron",
        seed=3,
        trigger="physics",
    )
    block = simulate_block(simulation, 0)
    for wanted in (1, 10, BLOCK):
        made = make_block(simulation, "simulated", 0, wanted)
        assert made.attempts == block.columns["attempt"][wanted - 1] >= wanted
        assert "attempt" not in made.columns
    assert made.attempts > BLOCK


def test_both_levels_are_of_the_same_events() -> None:
    simulated, raw = (make_block(SIMULATION, level, 0, 50).columns for level in ("simulated", "raw"))
    for name in ("truth_momentum", "truth_x", "weight", "pile_up_time", "run", "spill", "event"):
        assert np.array_equal(simulated[name], raw[name])
    assert np.array_equal(simulated["hit_x"], raw["true_hit_x"])


@pytest.mark.parametrize("seed", [4, 5])
def test_another_seed_is_another_sample(seed: int) -> None:
    one, other = (
        make_block(s, "simulated", 0, 20).columns["ecal_cell_energy"]
        for s in (SIMULATION, replace(SIMULATION, seed=seed))
    )
    assert not np.array_equal(one, other)


def test_energies_are_not_written_as_an_rntuple(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--format rntuple is for --level raw"):
        open_writer(tmp_path / "out.root", {}, "simulated", "rntuple")
    assert not list(tmp_path.iterdir())
