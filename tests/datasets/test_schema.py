"""NanoEvents with the names of a layout, read only where asked for."""

from collections.abc import Callable
from pathlib import Path

import awkward as ak
import cloudpickle
import numpy as np
import pytest
import uproot
from coffea.nanoevents import BaseSchema, NanoEventsFactory

from datasets.config import ConfigError
from datasets.layouts import Layout, layout_names, load_layout
from datasets.schema import layout_of, schema_for
from recon.columns import COLUMNS

Open = Callable[..., ak.Array]

every_sample = pytest.mark.parametrize(
    ("name", "file", "fields"),
    [
        pytest.param(
            "geant4_sim",
            "geant4/electrons_100gev.root",
            {"event", "deposits", "crossings", "truth_pdg", "truth_momentum", "truth_beam_energy"}
            | {"truth_x", "truth_y"},
            id="geant4",
        ),
        pytest.param(
            "p348reco",
            "p348reco_tree.root",
            {"run", "spill", "event", "master_time"}
            | {f"{d}_cell_{what}" for d in ("ecal", "srd", "veto") for what in ("energy", "time")}
            | {f"branch:hcal{i}" for i in range(4)}
            | {"branch:isPhysics", "branch:isTriggerPhysics", "branch:isCalibration", "branch:isTriggerBeam"}
            | {"branch:isTriggerRandom", "branch:isTriggerECAL", "branch:isTriggerMuonInv"},
            id="p348reco",
        ),
        pytest.param(
            "ana_tree",
            "ana_tree.root",
            {f"{name}_cell_energy" for name in ("counters", "ecal", "vhcal", "hcal")}
            | {"track_momentum"}
            | {f"branch:MM{i}{axis}" for i in range(1, 8) for axis in "xy"}
            | {f"branch:GEM{i}{axis}" for i in range(1, 5) for axis in "xy"},
            id="ana_tree",
        ),
    ],
)


@every_sample
def test_fields_are_those_of_the_layout(
    open_events: Open, samples: Path, name: str, file: str, fields: set[str]
) -> None:
    assert set(open_events(samples / file, name).fields) == fields


@every_sample
def test_layout_comes_back_from_the_events(
    open_events: Open, samples: Path, name: str, file: str, fields: set[str]
) -> None:
    events = open_events(samples / file, name)
    assert len(fields) > 0
    assert layout_of(events) == load_layout(name)
    assert layout_of(events[: len(events) // 2]) == load_layout(name)


@pytest.mark.parametrize("name", layout_names())
def test_schema_class_survives_the_way_to_a_worker(name: str) -> None:
    copy = cloudpickle.loads(cloudpickle.dumps(schema_for(name)))
    assert issubclass(copy, BaseSchema)
    assert copy.layout == load_layout(name)


def test_events_of_a_pickled_schema_are_the_same(open_events: Open, samples: Path) -> None:
    path = samples / "p348reco_tree.root"
    schema = cloudpickle.loads(cloudpickle.dumps(schema_for("p348reco")))
    events = NanoEventsFactory.from_root({str(path): "tree"}, schemaclass=schema, mode="virtual").events()
    expected = open_events(path, "p348reco")
    assert ak.array_equal(ak.materialize(events["master_time"]), ak.materialize(expected["master_time"]))
    assert layout_of(events) == load_layout("p348reco")


@pytest.mark.parametrize("layout", ["p348reco", load_layout("p348reco")], ids=["name", "layout"])
def test_schema_for(layout: str | Layout) -> None:
    assert schema_for(layout).layout.tree == "tree"


def test_values_are_those_of_the_branches(open_events: Open, samples: Path) -> None:
    path = samples / "geant4" / "muons_100gev.root"
    events = open_events(path, "geant4_sim", entry_start=100, entry_stop=200)
    with uproot.open(path) as file:
        tree = file["sim"].arrays(["hit_e", "trk_pdg", "p"], entry_start=100, entry_stop=200)
    assert len(events) == 100
    assert events["deposits", "energy"].to_list() == tree["hit_e"].to_list()
    assert events["crossings", "pdg"].to_list() == tree["trk_pdg"].to_list()
    assert events["truth_momentum"].to_list() == tree["p"].to_list()


def test_virtual_events_read_only_what_is_asked_for(open_events: Open, samples: Path) -> None:
    log: list[object] = []
    events = open_events(samples / "p348reco_tree.root", "p348reco", access_log=log)
    assert log == []
    ak.materialize(events["srd_cell_energy"])
    assert {branch_of(entry) for entry in log} == {"SRD_ene"}


def test_a_field_of_a_collection_is_read_alone(open_events: Open, samples: Path) -> None:
    log: list[object] = []
    events = open_events(samples / "geant4" / "muons_100gev.root", "geant4_sim", access_log=log)
    ak.materialize(events["deposits", "energy"])
    touched = {branch_of(entry) for entry in log}
    assert "hit_e" in touched
    # the offsets of a zipped collection come from its first branch
    assert touched <= {"hit_e", "hit_det"}


def branch_of(entry: object) -> object:
    return getattr(entry, "branch", entry)


def test_foreign_events_are_refused(samples: Path) -> None:
    path = str(samples / "p348reco_tree.root")
    events = NanoEventsFactory.from_root({path: "tree"}, schemaclass=BaseSchema, mode="virtual").events()
    with pytest.raises(
        TypeError, match=r"carry no layout; read them with schema=datasets\.schema\.schema_for"
    ):
        layout_of(events)


def test_layout_file_of_a_user(open_events: Open, write: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "{name: mine, title: of a user, level: reconstructed, tree: tree,"
        " quantities: {run: {branch: RUN}, master_time: {branch: T0, unit: ps, missing: [-1.0]}}}"
    )
    events = open_events(write({"RUN": np.arange(3), "T0": np.zeros(3), "other": np.ones(3)}), str(path))
    assert set(events.fields) == {"run", "master_time"}
    assert events["run"].to_list() == [0, 1, 2]
    assert layout_of(events) == load_layout(str(path))


def test_layout_file_of_a_user_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"layout file .*mine\.yaml is not there"):
        schema_for(str(tmp_path / "mine.yaml"))


def test_absent_branches_leave_no_field(
    open_events: Open, write: Callable[..., Path], make_layout: Callable[[str], Layout]
) -> None:
    layout = make_layout("quantities: {run: {branch: r}, spill: {branch: s}}")
    assert open_events(write({"r": np.arange(2)}), layout).fields == ["run"]


def test_columns_keep_declared_names_only(open_events: Open, write: Callable[..., Path]) -> None:
    columns = {"ecal_energy": np.array([1.0, 2.0]), "my_own": np.zeros(2), "run": np.arange(2)}
    events = open_events(write(columns, tree="events"), "columns")
    assert set(events.fields) == {"ecal_energy", "run"} <= set(COLUMNS)


def test_branches_are_not_mixed_up_with_quantities_of_their_name(
    open_events: Open, write: Callable[..., Path], make_layout: Callable[[str], Layout]
) -> None:
    layout = make_layout("quantities: {weight: {branch: w}, hcal_section_energy: {stack: [weight, event]}}")
    columns = {"w": np.array([7.0, 7.0]), "weight": np.array([1.0, 2.0]), "event": np.array([3.0, 4.0])}
    events = open_events(write(columns), layout)
    assert events["weight"].to_list() == [7.0, 7.0]


def test_rntuple_and_ttree_give_the_same_events(
    open_events: Open, write: Callable[..., Path], make_layout: Callable[[str], Layout]
) -> None:
    layout = make_layout(
        "{collections: {c: {section: s, energy: e}}, quantities: {run: {branch: r},"
        " ecal_cell_energy: {branch: cells}}, hits: {planes: {MM1: [x, y]}}}"
    )
    columns = {
        "r": np.arange(3, dtype=np.uint32),
        "cells": np.arange(36.0).reshape(3, 2, 6),
        "s": ak.Array([[1, 0], [], [1]]),
        "e": ak.Array([[0.5, 1.5], [], [2.5]]),
        "x": ak.Array([[1.0], [2.0, 3.0], []]),
        "y": ak.Array([[4.0], [5.0, 6.0], []]),
    }
    one, two = (
        open_events(write(columns, container, name=f"{container}.root"), layout)
        for container in ("TTree", "RNTuple")
    )
    assert set(one.fields) == set(two.fields) == {"c", "run", "ecal_cell_energy", "branch:x", "branch:y"}
    for field in one.fields:
        assert ak.materialize(one[field]).to_list() == ak.materialize(two[field]).to_list(), field
    assert one["c", "energy"].to_list() == [[0.5, 1.5], [], [2.5]]
