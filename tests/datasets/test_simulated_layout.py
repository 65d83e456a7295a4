"""The project's own layout of simulated files: the same events from a TTree and from an RNTuple."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from datasets.decode import Quantities, decode
from datasets.layouts import load_layout
from datasets.probe import probe_file
from datasets.setups import load_setup
from datasets.sources import InputFile

N = 5
N_CELLS = {"ecal": 72, "hcal": 36, "srd": 3, "veto": 6}
COUNTS = [2, 0, 4, 1, 3]


@pytest.fixture
def columns() -> dict[str, Any]:
    """Return five events of all that the layout names, but for detectors that 2018 has not."""
    rng = np.random.default_rng(7)
    cells = {
        f"{detector}_cell_{what}": rng.uniform(0, 10, (N, n)).astype(np.float32)
        for detector, n in N_CELLS.items()
        for what in ("energy", "time")
    }
    hits = {
        "hit_plane": rng.integers(1, 5, sum(COUNTS)),
        "hit_x": rng.normal(0, 10, sum(COUNTS)),
        "hit_y": rng.normal(0, 10, sum(COUNTS)),
    }
    return {
        "run": np.full(N, 3661, dtype=np.int32),
        "spill": np.arange(N, dtype=np.int32),
        "event": np.arange(10, 10 + N),
        "weight": np.linspace(0.5, 1.5, N),
        "master_time": np.full(N, 3.0),
        "trigger_is_physics": np.array([True, True, False, True, True]),
        "truth_pdg": np.full(N, 11, dtype=np.int32),
        "truth_momentum": rng.normal(100, 1, N),
        "truth_beam_energy": np.full(N, 100.0),
        "truth_x": rng.normal(0, 4, N),
        "truth_y": rng.normal(0, 4, N),
        "truth_process": np.full(N, 4, dtype=np.int32),
        "truth_missing_energy": rng.uniform(0, 50, N),
        **cells,
        **{name: ak.unflatten(values, COUNTS) for name, values in hits.items()},
    }


@pytest.fixture
def read(
    write: Callable[..., Path], open_events: Callable[..., ak.Array], columns: dict[str, Any]
) -> Callable[..., Quantities]:
    def read_with(container: str) -> Quantities:
        path = write(columns, container, tree="simulated", name=f"{container}.root")
        layout = load_layout("simulated")
        return decode(open_events(path, "simulated"), layout, load_setup("na64e_2018"))

    return read_with


def test_both_containers_give_the_same(read: Callable[..., Quantities]) -> None:
    one, two = read("TTree"), read("RNTuple")
    assert one.n_events == two.n_events == N
    assert set(one.arrays) == set(two.arrays)
    for name, values in one.arrays.items():
        assert values.dtype == two.arrays[name].dtype, name
        np.testing.assert_array_equal(values, two.arrays[name], err_msg=name)
    for left, right in zip(one.hits["incoming"], two.hits["incoming"], strict=True):
        np.testing.assert_array_equal(left, right)


def test_all_that_the_setup_has_is_read(
    read: Callable[..., Quantities], columns: dict[str, Any], container: str
) -> None:
    found = read(container)
    assert set(found.arrays) == {name for name in columns if not name.startswith("hit_")}
    for detector, n in N_CELLS.items():
        energy = found.arrays[f"{detector}_cell_energy"]
        assert energy.shape == (N, n)
        np.testing.assert_array_equal(energy, columns[f"{detector}_cell_energy"])
        time = found.arrays[f"{detector}_cell_time"]
        np.testing.assert_allclose(time, columns[f"{detector}_cell_time"] - 3.0, rtol=1e-6)
    for name in ("run", "event", "weight", "trigger_is_physics", "truth_pdg", "truth_momentum"):
        np.testing.assert_array_equal(found.arrays[name], columns[name])


def test_hits_are_those_written(
    read: Callable[..., Quantities], columns: dict[str, Any], container: str
) -> None:
    hits = read(container).hits["incoming"]
    assert np.diff(hits.offsets).tolist() == COUNTS
    assert (hits.plane + 1 == ak.to_numpy(ak.flatten(columns["hit_plane"]))).all()
    assert (hits.x == ak.to_numpy(ak.flatten(columns["hit_x"]))).all()
    assert (hits.y == ak.to_numpy(ak.flatten(columns["hit_y"]))).all()


def test_truth_branches_make_it_a_simulation(
    write: Callable[..., Path], columns: dict[str, Any], container: str
) -> None:
    path = write(columns, container, tree="simulated")
    with uproot.update(path) as file:
        file["na64"] = json.dumps({"kind": "simulation"})
    probe = probe_file(InputFile(path=str(path), dataset="mc"))
    assert (probe.layout.name, probe.tree.type, probe.tree.entries) == ("simulated", container, N)
    assert (probe.kind, probe.period, probe.setup) == ("simulation", None, "na64e_2018")
    absent = ("vhcal", "counters", "wcal", "wcat", "v2", "s4")
    others = {f"{detector}_cell_{what}" for detector in absent for what in ("energy", "time")}
    assert probe.quantities == {*probe.layout.quantities, *probe.layout.truth, "hits"} - others


@pytest.mark.parametrize(("run", "kind"), [(3661, "data"), (0, "simulation")])
def test_run_of_a_data_period_needs_our_metadata_to_be_simulation(
    write: Callable[..., Path], columns: dict[str, Any], container: str, run: int, kind: str
) -> None:
    columns["run"] = np.full(N, run, dtype=np.int32)
    file = InputFile(path=str(write(columns, container, tree="simulated")), dataset="mc")
    assert probe_file(file, setup="na64e_2018").kind == kind


def test_without_one_truth_branch_it_is_data(
    write: Callable[..., Path], columns: dict[str, Any], container: str
) -> None:
    del columns["truth_beam_energy"]
    probe = probe_file(InputFile(path=str(write(columns, container, tree="simulated")), dataset="mc"))
    assert probe.kind == "data"
    assert "truth_beam_energy" in probe.kind_reason
    assert probe.period is not None
    assert probe.period.name == "2018-invisible"
