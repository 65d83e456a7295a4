"""The generator: blocks that depend on their number alone, attempts, truth."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation import generator
from datasets.simulation.generator import Block, Simulation, SimulationError, simulate_block
from datasets.simulation.plan import plan
from datasets.simulation.streams import BLOCK, stream
from recon.geometry import Trigger

SETUP = load_setup("na64e_2018")


def assert_same(one: Block, other: Block) -> None:
    for a, b in zip(_arrays(one), _arrays(other), strict=True):
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _arrays(block: Block) -> list[np.ndarray[Any, Any]]:
    parts = [*block.columns.values(), *block.merged, *block.hits, *block.pile_up, *block.light]
    return [np.asarray(part) for part in (*parts, block.primary_event)]


@pytest.fixture(scope="module")
def electrons() -> Simulation:
    return plan(SETUP, "electron", seed=3)


@pytest.fixture(scope="module")
def block(electrons: Simulation) -> Block:
    return simulate_block(electrons, 5)


def test_streams_differ_in_each_of_their_parts() -> None:
    names = [(1, "a", 0), (2, "a", 0), (1, "b", 0), (1, "a", 1)]
    firsts = {stream(*name).integers(2**63) for name in names}
    assert len(firsts) == len(names)
    assert stream(1, "a", 0).integers(2**63) in firsts


def test_a_block_depends_on_its_number_and_seed(electrons: Simulation, block: Block) -> None:
    assert_same(block, simulate_block(electrons, 5))
    other = simulate_block(electrons, 6)
    assert not np.array_equal(block.columns["truth_momentum"], other.columns["truth_momentum"])
    reseeded = simulate_block(replace(electrons, seed=4), 5)
    assert not np.array_equal(block.columns["truth_momentum"], reseeded.columns["truth_momentum"])


def test_the_first_events_are_the_first_of_the_whole(block: Block) -> None:
    part = block.first(100)
    assert part.n_events == 100
    assert part.hits.offsets[-1] == block.hits.offsets[100] == len(part.hits.x)
    assert part.pile_up.offsets[-1] == len(part.pile_up.pdg)
    assert (part.primary_event < 100).all()
    assert len(part.light.energy) == len(part.primary_event)
    assert np.array_equal(part.merged.energy, block.merged.energy[:100])


def test_every_event_has_its_rows(block: Block) -> None:
    assert block.n_events == BLOCK
    assert {len(values) for values in block.columns.values()} == {BLOCK}
    assert (np.diff(block.primary_event) >= 0).all()
    counts = np.bincount(block.primary_event, minlength=BLOCK)
    assert (counts == 1 + np.diff(block.pile_up.offsets)).all()


def test_an_electron_leaves_its_energy_in_the_ecal(block: Block) -> None:
    """Most of 1024 electrons; the cell sums of the raw visible energy, corrected by the sampling fraction."""
    detector = SETUP.detectors["ecal"]
    sums = block.merged.energy[:, block.cells["ecal"]].sum(axis=1) / detector.response.sampling_fraction
    assert np.median(sums) == pytest.approx(100.0, rel=0.02)
    assert (block.columns["truth_process"] == 1).all()
    assert (block.columns["truth_pdg"] == 11).all()
    assert (block.columns["weight"] == 1.0).all()


def test_attempts_count_what_the_trigger_rejects() -> None:
    """A trigger on a narrow window of the preshower: accepted events keep the number of their attempt."""
    setup = replace(SETUP, trigger=Trigger(limits={"ps_energy": (None, 4.0)}))
    simulation = plan(setup, "electron", seed=3, trigger="physics")
    triggered = simulate_block(simulation, 5)
    attempt = triggered.columns["attempt"]
    assert triggered.n_events == BLOCK
    assert (np.diff(attempt) > 0).all()
    assert attempt[-1] > BLOCK
    free = simulate_block(replace(simulation, triggers=("none",)), 5)
    first = attempt <= BLOCK  # the first 1024 attempts are those of the same block without a trigger
    kept = attempt[first] - 1
    assert np.array_equal(triggered.columns["truth_momentum"][first], free.columns["truth_momentum"][kept])
    assert np.array_equal(triggered.merged.energy[first], free.merged.energy[kept])


def test_a_trigger_that_nothing_passes_is_told() -> None:
    setup = replace(SETUP, trigger=Trigger(limits={"ecal_energy": (500.0, None)}))
    simulation = plan(setup, "electron", trigger="physics", has_pile_up=False)
    with pytest.raises(SimulationError, match=r"electron: none of 65536 events .*\(ecal_energy > 500 GeV\)"):
        simulate_block(simulation, 0)


def test_a_trigger_that_hardly_anything_passes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The narrow window of the preshower again; a patient simulation goes on to the same events."""
    setup = replace(SETUP, trigger=Trigger(limits={"ps_energy": (None, 4.0)}))
    simulation = plan(setup, "electron", trigger="physics", has_pile_up=False)
    whole = simulate_block(simulation, 0)
    passed = int((whole.columns["attempt"] <= 2 * BLOCK).sum())
    assert 0 < passed < BLOCK
    monkeypatch.setattr(generator, "_PATIENCE", 2)
    monkeypatch.setattr(generator, "_FEWEST", passed)
    assert_same(simulate_block(simulation, 0), whole)
    monkeypatch.setattr(generator, "_FEWEST", passed + 1)
    with pytest.raises(
        SimulationError,
        match=f"electron: only {passed} of 2048 events pass the physics trigger of {setup.name} .*--patient",
    ):
        simulate_block(simulation, 0)
    assert_same(simulate_block(replace(simulation, is_patient=True), 0), whole)


def test_without_pile_up_there_is_one_beam_particle() -> None:
    block = simulate_block(plan(SETUP, "electron", has_pile_up=False), 0)
    assert (block.primary_event == np.arange(BLOCK)).all()
    assert block.pile_up.offsets[-1] == 0
