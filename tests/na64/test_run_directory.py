"""The files of a run directory, as scripts of analysts read them."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uhi.io.json
import uproot
from hist import Hist

from na64.report.run_directory import sort_categories
from tests.conftest import SAMPLES

CUTS = [
    "in_time", "srd", "single_track", "track_momentum", "track_chi2", "track_angle", "beam_cell", "preshower",
    "ecal_shape", "veto", "hcal_r",
]  # fmt: skip
HISTOGRAMS = [
    "edep_plane_loose", "edep_plane_final", "edep_plane_dimuon", "ecal_energy", "ps_energy", "hcal_energy",
    "srd_energy", "veto_energy", "track_momentum", "track_chi2", "ecal_shower_chi2",
    *(f"nminus1_{cut}" for cut in CUTS),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the run directory of two simulated datasets."""
    from na64.cli import main

    path = tmp_path_factory.mktemp("runs") / "run"
    inputs = [str(SAMPLES / "geant4" / f"{name}.root") for name in ("dimuon_enriched", "muons_100gev")]
    with pytest.raises(SystemExit) as ended:
        main(["run", "invisible", *inputs, "-o", str(path), "--set", "track_chi2.limit=4"])
    assert not ended.value.code
    return path


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def test_all_files_are_there_and_no_other(folder: Path) -> None:
    names = {
        "cutflow.txt",
        "cutflow.csv",
        "cutflow.tex",
        "cutflow.json",
        "histograms.root",
        "histograms.json",
        *(f"efficiency.{ending}" for ending in ("txt", "csv", "tex", "json")),
    }
    assert {p.name for p in folder.iterdir()} == names | {"plots", "report.html", "run.json"}
    assert [p.name for p in folder.parent.iterdir()] == ["run"]
    stems = {p.stem for p in (folder / "plots").glob("*.png")}
    assert set(HISTOGRAMS) <= stems
    assert stems == {p.stem for p in (folder / "plots").glob("*.pdf")}


def test_run_json_has_the_names_that_scripts_rely_on(folder: Path) -> None:
    run = read(folder, "run.json")
    assert run["version"] == 1
    assert (run["analysis"], run["setup"]) == ("invisible", "geant4_sample")
    assert run["events"] == {"input": 800, "processed": 800, "lost": 0, "unknown_files": 0}
    assert (run["losses"], run["without_cuts"]) == ([], [])
    assert run["changed_cuts"] == ["track_chi2.limit=4"]
    assert run["selection"]["params"]["track_chi2"]["limit"] == 4
    assert run["blinding"]["state"] == "not applicable"
    assert {"exposure", "seconds", "versions", "git"} <= run.keys()
    first = run["inputs"][0]
    assert (first["kind"], first["entries"], first["verified"]) == ("simulation", 300, False)
    assert first["size"] == (SAMPLES / "geant4" / "dimuon_enriched.root").stat().st_size
    assert first["digest"]["scope"] == "quick"


def test_cutflow_json_has_rows_in_order(folder: Path) -> None:
    datasets = read(folder, "cutflow.json")["datasets"]
    assert list(datasets) == ["dimuon_enriched", "muons_100gev"]
    cuts = datasets["dimuon_enriched"]["cuts"]
    assert [row["name"] for row in cuts] == ["all", "base", *CUTS]
    assert cuts[0]["in_order"] == 300
    counts = [row["in_order"] for row in cuts]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 0
    for before, row in pairwise(cuts):
        assert row["efficiency"] == pytest.approx(row["in_order"] / before["in_order"])
        assert row["efficiency_low"] <= row["efficiency"] <= row["efficiency_high"]
        assert row["in_order_weighted"] == row["in_order"]
    nothing = datasets["muons_100gev"]["cuts"][-1]
    assert (nothing["in_order"], nothing["efficiency"]) == (0, None)


def test_text_csv_and_latex_say_the_same(folder: Path) -> None:
    cuts = read(folder, "cutflow.json")["datasets"]["dimuon_enriched"]["cuts"]
    lines = (folder / "cutflow.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines if line.startswith("dimuon_enriched,")]
    assert [(row[2], int(row[3])) for row in rows] == [(cut["name"], cut["in_order"]) for cut in cuts]
    text, latex = (folder / "cutflow.txt").read_text(), (folder / "cutflow.tex").read_text()
    for cut in cuts:
        assert f" {cut['in_order']} " in text
        assert f"& {cut['in_order']} &" in latex
    assert r"\chi^2" in latex
    assert "_" not in latex.replace("_{-", "").replace(r"\_", "")


def test_root_and_json_histograms_are_the_same(folder: Path) -> None:
    content = json.loads((folder / "histograms.json").read_text(), object_hook=uhi.io.json.object_hook)
    assert set(HISTOGRAMS) <= content.keys()
    with uproot.open(folder / "histograms.root") as file:
        for name in HISTOGRAMS:
            ours = Hist(content[name])
            assert ours.axes.name[:2] == ("dataset", "variation")
            assert list(ours.axes["dataset"]) == ["dimuon_enriched", "muons_100gev"]
            for dataset in ours.axes["dataset"]:
                expected = ours[dataset, "nominal", ...].values(flow=True)
                assert np.array_equal(file[f"{dataset}/nominal/{name}"].values(flow=True), expected)
            assert np.array_equal(
                file[name].values(flow=True), ours[:: hist.sum, "nominal", ...].values(flow=True)
            )
    assert Hist(content["edep_plane_loose"]).sum().value > 0


def test_loose_plane_holds_the_base_and_the_final_one_the_last_row(folder: Path) -> None:
    cuts = read(folder, "cutflow.json")["datasets"]["dimuon_enriched"]["cuts"]
    with uproot.open(folder / "histograms.root") as file:
        planes = [file[f"dimuon_enriched/nominal/edep_plane_{stage}"] for stage in ("loose", "final")]
    assert [plane.values(flow=True).sum() for plane in planes] == [cuts[1]["in_order"], cuts[-1]["in_order"]]


def test_report_is_one_self_contained_page(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    assert page.count('src="data:image/png;base64,') == len(list((folder / "plots").glob("*.png")))
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize("workers", [1, 2])
def test_another_run_gives_the_same_files(
    na64: Callable[..., Any], folder: Path, tmp_path: Path, workers: int
) -> None:
    inputs = [SAMPLES / "geant4" / f"{name}.root" for name in ("muons_100gev", "dimuon_enriched")]
    out = tmp_path / "again"
    options = ["--set", "track_chi2.limit=4", "--workers", workers, "--chunk-size", 130]
    assert na64("run", "invisible", *inputs, "-o", out, *options).status == 0
    for name in (
        "cutflow.txt",
        "cutflow.csv",
        "cutflow.json",
        "histograms.json",
        "plots/edep_plane_loose.png",
    ):
        assert (out / name).read_bytes() == (folder / name).read_bytes(), name


def test_categories_are_sorted() -> None:
    axis = hist.axis.Regular(2, 0, 2, name="x")
    categories = [hist.axis.StrCategory([], growth=True, name=name) for name in ("dataset", "variation")]
    histogram = Hist(*categories, axis, storage=hist.storage.Weight())
    histogram.fill("b", "nominal", [0.5])
    histogram.fill("a", "nominal", [1.5, 1.5, 7.0])
    ordered = sort_categories(histogram)
    assert list(ordered.axes["dataset"]) == ["a", "b"]
    assert ordered["a", "nominal", :].values(flow=True).tolist() == [0, 0, 2, 1]
    assert ordered["b", "nominal", :].values(flow=True).tolist() == [0, 1, 0, 0]
