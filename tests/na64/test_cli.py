"""What a user sees: one paragraph for each mistake, and outputs that can be read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from datasets import deadline
from na64.options import common as options
from na64.testing.oracle import difference
from tests.conftest import NOT_IN_P348RECO

Call = Callable[..., Any]
WITHOUT = [word for cut in NOT_IN_P348RECO for word in ("--without-cut", cut)]


def is_one_paragraph(text: str) -> bool:
    return (
        text.startswith("na64: error: ") and "Traceback" not in text and len(text.strip().splitlines()) == 1
    )


@pytest.fixture
def muons(samples: Path) -> Path:
    return samples / "geant4" / "muons_100gev.root"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["run", "invisble", "{muons}", "-o", "{out}"], ["'invisible'"], id="analysis"),
        pytest.param(["run", "invisible", "{muons}x", "-o", "{out}"], ["muons_100gev.root"], id="path"),
        pytest.param(["run", "invisible", "{tmp}", "-o", "{out}"], ["no *.root files"], id="empty-directory"),
        pytest.param(["run", "invisible", "{tmp}/*.root", "-o", "{out}"], ["no file matches"], id="glob"),
        pytest.param(
            ["run", "invisible", "{muons}", "-o", "{out}", "--setup", "na64e_2108"],
            ["'na64e_2018'"],
            id="setup",
        ),
        pytest.param(
            ["run", "invisible", "{muons}", "-o", "{out}", "--layout", "p348"], ["'p348reco'"], id="layout"
        ),
        pytest.param(
            ["run", "invisible", "{muons}", "-o", "{out}", "--without-cut", "hcal_quite"],
            ["'hcal_r'"],
            id="cut",
        ),
        pytest.param(
            ["run", "invisible", "{muons}", "-o", "{out}", "--set", "srd.low=1"], ["module_low"], id="key"
        ),
        pytest.param(
            ["run", "invisible", "{muons}", "-o", "{out}", "--set", "srd"], ["CUT.KEY=VALUE"], id="set"
        ),
        pytest.param(["run", "invisible", "{muons}", "-o", "{out}", "--kind", "dta"], ["'data'"], id="kind"),
        pytest.param(
            ["run", "invisible", "{muons}", "-o", "{out}", "--executor", "dusk"], ["'dask'"], id="executor"
        ),
        pytest.param(["run", "invisible", "{muons}", "-o", "{tmp}"], ["--overwrite"], id="output-is-there"),
        pytest.param(
            ["run", "invisible", "{p348}", "-o", "{out}"],
            ["--without-cut hcal_r", "single_track"],
            id="no-columns",
        ),
        pytest.param(
            ["run", "invisible", "{p348}", "-o", "{out}", "--kind", "simulation"],
            ["only make a file stricter"],
            id="open",
        ),
        pytest.param(
            ["run", "invisible", "{p348}", "-o", "{out}", "--without-cut", "srd"],
            ["base requirement"],
            id="base",
        ),
        pytest.param(
            ["run", "invisible", "{ana}", "-o", "{out}", "--setup", "na64e_2022"],
            ["in_time needs"],
            id="muon-ntuple",
        ),
        pytest.param(["reco", "{muons}", "-o", "{tmp}/x.txt"], [".root or .parquet"], id="reco-ending"),
        pytest.param(["reco", "{muons}", "-o", "{tmp}/x.root", "--keep", "vet"], ["veto"], id="reco-keep"),
        pytest.param(["setups", "show", "na64e2018"], ["'na64e_2018'"], id="setups-show"),
        pytest.param(
            ["run", "invisible", "{muons}", "-o", "{out}", "--scheduler", "tcp://127.0.0.1:9"],
            ["no Dask scheduler"],
            id="scheduler",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_mistake_is_one_paragraph(
    na64: Call, samples: Path, muons: Path, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    names = {
        "muons": muons,
        "tmp": tmp_path,
        "out": tmp_path / "out",
        "p348": samples / "p348reco_tree.root",
        "ana": samples / "ana_tree.root",
    }
    told = na64(*(argument.format(**names) for argument in arguments))
    assert told.status == 2
    assert is_one_paragraph(told.err), told.err
    for word in words:
        assert word in told.err
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def bad_files(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    good = (samples / "geant4" / "muons_100gev.root").read_bytes()
    (folder / "a_good.root").write_bytes(good)
    (folder / "b_truncated.root").write_bytes(good[:50_000])
    (folder / "c_empty.root").touch()
    (folder / "d_text.root").write_text("hello")
    with uproot.recreate(folder / "e_tree.root") as file:
        file.mktree("other", {"x": np.float64})
        file["other"].extend({"x": np.ones(3)})
    with uproot.recreate(folder / "f_branch.root") as file:
        file.mktree("sim", {"hit_det": ak.Array([[1], [2]]), "pdg": np.array([11, 11])})
    return folder


def test_overwrite_replaces_run_directories_only(na64: Call, muons: Path, tmp_path: Path) -> None:
    precious, run = tmp_path / "precious", tmp_path / "run"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    told = na64("run", "invisible", muons, "-o", precious, "--overwrite")
    assert told.status == 2
    assert is_one_paragraph(told.err)
    assert (precious / "thesis.txt").read_text() == "years of work"
    assert na64("run", "invisible", muons, "-o", run).status == 0
    (run / "old").touch()
    assert na64("run", "invisible", muons, "-o", run, "--overwrite").status == 0
    assert not (run / "old").exists()


@pytest.mark.parametrize("command", ["run", "reco"])
def test_overwrite_spares_the_input(na64: Call, muons: Path, tmp_path: Path, command: str) -> None:
    source = tmp_path / "folder" / "mine.root"
    source.parent.mkdir()
    source.write_bytes(muons.read_bytes())
    (source.parent / "run.json").touch()
    output = source.parent if command == "run" else source
    words = ["run", "invisible"] if command == "run" else ["reco"]
    told = na64(*words, source, "-o", output, "--overwrite")
    assert told.status == 2
    assert "would destroy the input" in told.err
    assert source.read_bytes() == muons.read_bytes()


def test_nothing_shown_is_a_warning(na64: Call, muons: Path, tmp_path: Path) -> None:
    told = na64("run", "invisible", muons, "-o", tmp_path / "run")  # muons have no SRD tag
    assert told.status == 0
    assert "muons_100gev: no event in row 'base'" in told.err


def test_interrupt_is_one_line(
    na64: Call, muons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("na64.report.run_directory._write_histograms", interrupt)
    told = na64("run", "invisible", muons, "-o", tmp_path / "run")
    assert told.status == 130
    assert "interrupted; no output was written" in told.err
    assert [path.name for path in tmp_path.iterdir()] == [".run.partial"]  # for --resume


def test_bad_files_are_named_and_the_others_counted(na64: Call, bad_files: Path, tmp_path: Path) -> None:
    told = na64("run", "invisible", bad_files, "-o", tmp_path / "run")
    assert told.status == 1
    assert "Traceback" not in told.err
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    events = run["events"]
    assert events["processed"] == 500
    assert events["input"] == events["processed"] + events["lost"]
    assert {Path(loss["file"]).name[0] for loss in run["losses"]} == set("bcdef")
    reasons = {Path(loss["file"]).name[0]: loss["reason"] for loss in run["losses"]}
    assert "0 bytes" in reasons["c"]
    assert "'other'" in reasons["e"]
    assert "hit_part" in reasons["f"]
    for name in run["losses"]:
        assert Path(name["file"]).name in told.err


def test_only_bad_files_leave_no_run(na64: Call, bad_files: Path, tmp_path: Path) -> None:
    told = na64(
        "run", "invisible", bad_files / "c_empty.root", bad_files / "e_tree.root", "-o", tmp_path / "run"
    )
    assert told.status == 2
    assert is_one_paragraph(told.err)
    assert not (tmp_path / "run").exists()


def test_loss_can_be_allowed(na64: Call, samples: Path, tmp_path: Path) -> None:
    good = samples / "geant4" / "muons_100gev.root"
    bad = tmp_path / "bad.root"
    bad.write_bytes((samples / "geant4" / "dimuon_enriched.root").read_bytes()[:-20_000])
    arguments = ["reco", good, bad, "-o", tmp_path / "x.root", "--overwrite"]
    strict, lax = na64(*arguments), na64(*arguments, "--max-loss", 0.5)
    assert strict.status == 1
    assert lax.status in {0, 1}  # 1 where the number of lost events cannot be known
    assert ("unknown" in strict.err) == (lax.status == 1)


def test_reco_of_reco_gives_the_same_columns(na64: Call, samples: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.root", tmp_path / "second.root"
    assert na64("reco", samples / "p348reco_tree.root", "-o", first).status == 0
    assert na64("reco", first, "-o", second, "--chunk-size", 100).status == 0
    one, two = (uproot.open(path)["events"] for path in (first, second))
    assert one.keys() == two.keys()
    for name in one.keys():  # noqa: SIM118 - a tree is no mapping
        assert difference(one[name].array().to_list(), two[name].array().to_list()) is None, name
    assert json.loads(str(uproot.open(second)["na64"]))["parents"][0]["path"] == str(first)


def test_run_on_columns_equals_run_on_their_source(na64: Call, samples: Path, tmp_path: Path) -> None:
    source, columns = samples / "geant4" / "dimuon_enriched.root", tmp_path / "dimuon_enriched.root"
    na64("reco", source, "-o", columns)
    flows = []
    for index, path in enumerate((source, columns)):
        assert na64("run", "invisible", path, "-o", tmp_path / f"run{index}").status == 0
        flow = json.loads((tmp_path / f"run{index}" / "cutflow.json").read_text())
        flows.append(flow["datasets"]["dimuon_enriched"])
    assert flows[0] == flows[1]


def test_skim_of_data_holds_shown_events_that_pass(na64: Call, samples: Path, tmp_path: Path) -> None:
    path = tmp_path / "skim.root"
    told = na64("reco", samples / "p348reco_tree.root", "-o", path, "--keep", "preshower,veto")
    events = uproot.open(path)["events"].arrays(library="np")
    assert f"{len(events['run'])} shown events that pass preshower, veto" in told.out
    assert (events["ps_energy"] > 0.5).all()
    assert (events["veto_max_energy"] < 0.01).all()
    assert not ((events["ecal_energy"] < 50) & (events["hcal_energy"] < 1)).any()
    assert events["srd_is_tagged"].all()


def test_inspect_says_what_would_be_missing(na64: Call, samples: Path) -> None:
    told = na64("inspect", samples / "p348reco_tree.root", samples / "ana_tree.root")
    assert told.status == 0
    for words in (
        "layout   p348reco",
        "level    reconstructed",
        "kind     data",
        "2250",
        "hcal_r for hcal_r",
    ):
        assert words in told.out
    assert "layout   ana_tree" in told.out


def test_inspect_of_a_bad_file_goes_on(na64: Call, bad_files: Path) -> None:
    told = na64("inspect", bad_files)
    assert told.status == 1
    assert told.out.count("not usable") == 5
    assert "simulation" in told.out


def test_help_lists_the_commands(na64: Call) -> None:
    told = na64("--help")
    for name in ("run", "reco", "inspect", "setups", "demo"):
        assert name in told.out


def test_time_out_of_the_options_is_that_of_files() -> None:
    assert options.TIMEOUT == deadline.TIMEOUT
