"""`na64 simulate` and `na64 processes`: files, their metadata, and messages."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from coffea.nanoevents import NanoEventsFactory

from datasets.decode import decode
from datasets.probe import probe_file
from datasets.schema import schema_for
from datasets.setups import load_setup
from datasets.simulation import generator
from datasets.sources import InputFile
from na64.run.record import run_notes
from processors.runner import Prepared

Call = Callable[..., Any]


def contents(path: Path, tree: str) -> tuple[dict[str, ak.Array], dict[str, Any]]:
    """Return all arrays of a file, and its metadata."""
    with uproot.open(path) as file:
        arrays = file[tree].arrays()
        return {name: arrays[name] for name in arrays.fields}, json.loads(str(file["na64"]))


def assert_same(one: Path, other: Path, tree: str) -> None:
    (arrays, metadata), (again, metadata_again) = contents(one, tree), contents(other, tree)
    assert metadata == metadata_again
    assert list(arrays) == list(again)
    for name, values in arrays.items():
        assert ak.array_equal(values, again[name], equal_nan=True), name


@pytest.mark.parametrize("level", ["simulated", "raw"])
def test_workers_and_runs_change_nothing(na64: Call, tmp_path: Path, level: str) -> None:
    command = ["simulate", "na64e_2018", "mixture", "-n", "2500", "--seed", "5", "--level", level, "-o"]
    for name, workers in (("one", 1), ("two", 2), ("again", 1)):
        told = na64(*command, tmp_path / f"{name}.root", "--workers", workers)
        assert told.status == 0, told.err
    assert_same(tmp_path / "one.root", tmp_path / "two.root", level)
    assert_same(tmp_path / "one.root", tmp_path / "again.root", level)


def test_a_shorter_file_is_the_beginning_of_a_longer_one(na64: Call, tmp_path: Path) -> None:
    for n in (300, 1500):
        na64("simulate", "na64e_2018", "electron", "-n", n, "-o", tmp_path / f"{n}.root")
    short, long = (contents(tmp_path / f"{n}.root", "simulated")[0] for n in (300, 1500))
    for name in short:
        assert ak.array_equal(short[name], long[name][:300], equal_nan=True), name


def test_levels_of_one_seed_are_the_same_events(na64: Call, tmp_path: Path) -> None:
    for level in ("simulated", "raw"):
        na64(
            "simulate", "na64e_2018", "dimuon", "-n", 200, "--level", level, "-o", tmp_path / f"{level}.root"
        )
    cells, digits = (contents(tmp_path / f"{level}.root", level)[0] for level in ("simulated", "raw"))
    for name in ("truth_momentum", "truth_x", "event", "weight", "pile_up_time"):
        assert ak.array_equal(cells[name], digits[name]), name
    assert ak.array_equal(cells["hit_x"], digits["true_hit_x"])


def test_a_file_lacks_only_branches_of_its_detectors(na64: Call, tmp_path: Path) -> None:
    path, part = tmp_path / "whole.root", tmp_path / "part.root"
    na64("simulate", "na64e_2018", "electron", "-n", 20, "-o", path)
    assert "absent" not in na64("inspect", path).out
    arrays, _ = contents(path, "simulated")
    kept = {n: v for n, v in arrays.items() if n != "srd_cell_time" and not n.startswith("n_")}
    with uproot.recreate(part) as file:
        file.mktree("simulated", {name: ak.type(v).content for name, v in kept.items()}).extend(kept)
    told = na64("inspect", part, "--setup", "na64e_2018").out
    assert "absent   branches that the layout names: srd_cell_time\n" in told
    assert "vhcal_cell_time" in na64("inspect", part, "--setup", "na64e_2022").out


@pytest.mark.parametrize(
    ("container", "kind"), [("rntuple", "RNTuple"), ("ttree", "TTree"), (None, "RNTuple")]
)
def test_raw_digits_are_recognised_and_read(
    na64: Call, tmp_path: Path, container: str | None, kind: str
) -> None:
    path = tmp_path / "raw.root"
    options = ["--format", container] if container else []
    assert (
        na64("simulate", "na64e_2018", "electron", "-n", 50, "--level", "raw", "-o", path, *options).status
        == 0
    )
    told = na64("inspect", path)
    assert told.status == 0
    for words in (f"raw ({kind}, 50 entries", "level    raw", "kind     simulation", "setup    na64e_2018"):
        assert words in told.out
    events = NanoEventsFactory.from_root({str(path): "raw"}, schemaclass=schema_for("raw")).events()
    digits = decode(events, schema_for("raw").layout, load_setup("na64e_2018")).digits
    assert digits is not None
    assert digits.waveforms is not None
    assert digits.waveforms.samples.shape[1] == 32
    assert np.median(np.diff(digits.waveforms.offsets)) > 5


def test_both_levels_of_the_same_events_have_one_cut_flow(na64: Call, tmp_path: Path) -> None:
    """Rows agree within three standard errors, though the same events tell them apart less than that."""
    rows = {}
    for level in ("simulated", "raw"):
        path, run = tmp_path / f"{level}.root", tmp_path / level
        na64("simulate", "na64e_2018", "electron", "-n", 3000, "--level", level, "-o", path)
        told = na64("run", "invisible", path, "-o", run)
        assert told.status == 0, told.err
        cuts = json.loads((run / "cutflow.json").read_text())["datasets"][level]["cuts"]
        rows[level] = {cut["name"]: cut["in_order"] for cut in cuts}
    assert list(rows["raw"]) == list(rows["simulated"])
    for name, expected in rows["simulated"].items():
        share = expected / 3000
        error = np.sqrt(3000 * share * (1 - share))
        assert abs(rows["raw"][name] - expected) <= 3 * error, (name, rows["raw"][name], expected)
    assert rows["raw"]["hcal_r"] > 1000


def test_simulation_as_data_says_why_nothing_is_shown(na64: Call, tmp_path: Path) -> None:
    """Simulated events have run 0, which no period of data has."""
    path = tmp_path / "a.root"
    na64("simulate", "na64e_2018", "electron", "-n", 50, "-o", path)
    closed = na64("reco", path, "-o", tmp_path / "closed.root", "--kind", "data")
    assert "run 0 lies outside of period 2018-invisible (runs 3574 to 4310)" in closed.out
    assert "closed.root: 0 shown events" in closed.out
    told = na64("reco", path, "-o", tmp_path / "open.root")
    assert "open.root: 50 events" in told.out
    assert "outside of period" not in told.out


def test_runs_of_a_period_make_pseudo_data(na64: Call, tmp_path: Path) -> None:
    """A simulation stays one until it is read as data; then its run decides the period."""
    path = tmp_path / "a.root"
    refused = na64("simulate", "na64e_2018", "electron", "-n", 50, "--run", 6000, "-o", path)
    assert refused.status == 2
    assert "--run 6000 was taken in period 2022-invisible with setup na64e_2022" in refused.err
    assert "runs of its data: 3574 to 4310" in refused.err
    assert na64("simulate", "na64e_2018", "electron", "-n", 50, "--run", 4000, "-o", path).status == 0
    assert set(uproot.open(path)["simulated"]["run"].array(library="np")) == {4000}
    probe = probe_file(InputFile(path=str(path), dataset="d"))
    assert (probe.kind, probe.run, probe.parent["run"]) == ("simulation", 4000, 4000)
    closed = na64("reco", path, "-o", tmp_path / "closed.root", "--kind", "data")
    assert "outside of period" not in closed.out
    shown = int(closed.out.partition("closed.root: ")[2].split()[0])
    assert 25 < shown < 50  # electrons that are tagged


def test_files_of_one_run_outside_of_their_period_make_one_note(samples: Path) -> None:
    probe = probe_file(InputFile(path=str(samples / "p348reco_tree.root"), dataset="d"))
    assert run_notes(Prepared(probes=(probe,), losses=(), setup=probe.setup)) == []
    others = (replace(probe, run=9), replace(probe, run=9), replace(probe, run=None))
    (note,) = run_notes(Prepared(probes=others, losses=(), setup=probe.setup))
    assert "p348reco_tree.root and 1 more: run 9 lies outside of period 2018-invisible" in note


def test_metadata_say_what_was_simulated(na64: Call, tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    told = na64("simulate", "na64e_2018", "dark_photon", "-n", 100, "--set", "mass=0.1", "-o", path)
    metadata = contents(path, "simulated")[1]
    assert metadata["kind"] == "simulation"
    assert metadata["setup"] == "na64e_2018"
    assert metadata["seed"] == 1
    assert metadata["events"] == metadata["attempts"] == 100
    (process,) = metadata["processes"]
    assert process["parameters"] == {"mass": 0.1, "epsilon": 1e-4}
    assert metadata["eot"] == pytest.approx(100 / process["yield"])
    assert f"{metadata['eot']:.3g} particles on target" in told.out


def test_weights_make_a_natural_sample(na64: Call, tmp_path: Path) -> None:
    """The weighted number of beam hadrons over that of electrons is that of their yields."""
    mixture = tmp_path / "mine.yaml"
    mixture.write_text(
        "name: mine\ntitle: electrons and hadrons\ntrigger: none\n"
        "components:\n- {process: electron, prescale: 10.0}\n- {process: hadron, fraction: 0.5}\n"
    )
    path = tmp_path / "a.root"
    na64("simulate", "na64e_2018", "mixture", "--mixture", mixture, "-n", 8000, "-o", path)
    arrays, metadata = contents(path, "simulated")
    process, weight = (ak.to_numpy(arrays[name]) for name in ("truth_process", "weight"))
    ratio = weight[process == 2].sum() / weight[process == 1].sum()
    assert ratio == pytest.approx(0.005 / 0.0995, rel=0.06)
    assert metadata["eot"] == pytest.approx(8000 / (0.0995 + 0.005))
    expected = 0.005 * metadata["eot"]
    assert weight[process == 2].sum() == pytest.approx(expected, rel=0.06)


def test_default_mixture_fills_the_places_of_the_published_plane(na64: Call, tmp_path: Path) -> None:
    """Beam electrons at (100, 0), dimuons at 11 GeV in the HCAL, hadrons on the diagonal, an empty box."""
    path, run = tmp_path / "mixture.root", tmp_path / "run"
    assert na64("simulate", "na64e_2018", "mixture", "-n", 5000, "-o", path).status == 0
    assert na64("run", "invisible", path, "-o", run).status == 0
    with uproot.open(run / "histograms.root") as file:
        plane = (
            file["edep_plane_loose"] if "edep_plane_loose" in file else file[_key(file, "edep_plane_loose")]
        )
        counts, x, y = plane.to_numpy()
    ecal, hcal = (0.5 * (edges[1:] + edges[:-1]) for edges in (x, y))
    total = counts.sum()
    spot = counts[np.ix_(np.abs(ecal - 100) < 5, hcal < 1)].sum()
    assert 0.2 < spot / total < 0.9
    band = counts[np.ix_((ecal > 15) & (ecal < 55), (hcal > 2) & (hcal < 25))].sum(axis=0)
    assert hcal[(hcal > 2) & (hcal < 25)][np.argmax(band)] == pytest.approx(11.0, abs=2.0)
    diagonal = counts * (np.abs(ecal[:, None] + hcal - 96) < 15) * (hcal > 15)
    above = counts * (hcal > 15)
    assert diagonal.sum() > 0.9 * above.sum() > 0
    assert counts[np.ix_(ecal < 50, hcal < 1)].sum() == 0


def _key(file: Any, name: str) -> str:
    return next(key for key in file.keys(cycle=False) if key.endswith(name))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["na64e_2108", "electron", "-o", "{out}"], "did you mean 'na64e_2018'?", id="setup"),
        pytest.param(["na64e_2018", "electorn", "-o", "{out}"], "did you mean 'electron'?", id="process"),
        pytest.param(
            ["na64e_2018", "mixture", "--mixture", "defualt", "-o", "{out}"], "'default'", id="mixture"
        ),
        pytest.param(
            ["na64e_2018", "electron", "--mixture", "default", "-o", "{out}"],
            "--mixture goes with",
            id="which",
        ),
        pytest.param(
            ["na64e_2018", "dimuon", "--set", "least=3", "-o", "{out}"], "least_energy", id="parameter"
        ),
        pytest.param(
            ["na64e_2018", "dimuon", "--set", "least_energy", "-o", "{out}"], "KEY=NUMBER", id="set"
        ),
        pytest.param(
            ["na64e_2018", "mixture", "--set", "mass=1", "-o", "{out}"], "stand in its file", id="set-mixture"
        ),
        pytest.param(
            ["na64e_2018", "electron", "--level", "row", "-o", "{out}"], "did you mean 'raw'?", id="level"
        ),
        pytest.param(
            ["na64e_2018", "electron", "--format", "tree", "-o", "{out}"],
            "did you mean 'ttree'?",
            id="format",
        ),
        pytest.param(
            ["na64e_2018", "electron", "--format", "rntuple", "-o", "{out}"], "--level raw", id="rntuple"
        ),
        pytest.param(["na64e_2018", "electron", "-o", "{tmp}/a.txt"], "must end in .root", id="ending"),
        pytest.param(
            ["na64e_2018", "electron", "--trigger", "physics", "-n", "10", "-o", "{out}"],
            "--trigger none",
            id="none-passes",
        ),
        pytest.param(
            ["geant4_sample", "electron", "--trigger", "beam", "-o", "{out}"],
            "has no trigger",
            id="no-trigger",
        ),
        pytest.param(
            ["geant4_sample", "electron", "--pile-up", "-o", "{out}"], "beam's intensity", id="no-intensity"
        ),
        pytest.param(
            ["geant4_sample", "electron", "--level", "raw", "-o", "{out}"],
            "has no 'readout'",
            id="no-readout",
        ),
        pytest.param(["na64e_2018", "dark_photon", "--set", "mass=5", "-o", "{out}"], "mass", id="mass"),
    ],
)
def test_mistakes_are_one_paragraph(na64: Call, tmp_path: Path, arguments: list[str], words: str) -> None:
    out = tmp_path / "out.root"
    told = na64("simulate", *(a.format(out=out, tmp=tmp_path) for a in arguments))
    assert told.status == 2
    assert words in told.err
    assert told.err.startswith("na64: error: ")
    assert len(told.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_rare_trigger_needs_patience(na64: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "_PATIENCE", 1)
    monkeypatch.setattr(generator, "_FEWEST", 1024)
    path = tmp_path / "a.root"
    command = ["simulate", "na64e_2018", "dark_photon", "--trigger", "physics", "-n", 10, "-o", path]
    told = na64(*command)
    assert told.status == 2
    assert "of 1024 events pass the physics trigger of na64e_2018" in told.err
    assert not path.exists()
    assert na64(*command, "--patient").status == 0
    assert path.exists()


def test_an_output_is_replaced_on_demand_only(na64: Call, tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    command = ["simulate", "na64e_2018", "muon", "-n", 10, "-o", path]
    assert na64(*command).status == 0
    before = path.read_bytes()
    told = na64(*command)
    assert told.status == 2
    assert "is there already" in told.err
    assert path.read_bytes() == before
    assert na64(*command, "--overwrite").status == 0


def test_processes_are_listed(na64: Call) -> None:
    told = na64("processes", "na64e_2022")
    assert told.status == 0
    for words in ("dimuon", "resonant_dark_photon", "--set mass=0.01 GeV", "computed:", "na64e_2022"):
        assert words in told.out


def test_displaced_planes_are_for_raw_digits(na64: Call, tmp_path: Path) -> None:
    options = ("-n", 1, "-o", tmp_path / "x.root", "--alignment", tmp_path / "alignment.txt")
    told = na64("simulate", "na64e_2018", "muon", *options)
    assert told.status == 2
    assert "add --level raw" in told.err
