"""`na64 align`: displaced planes of a raw file, to tables that put them right."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
import yaml

from datasets import setups
from datasets.conditions import load_alignment, load_conditions
from datasets.setups import load_setup
from na64.commands.simulate import SimulateOptions, write_simulation
from tests.na64.blind import make_raw_pair

SETUP = load_setup("na64e_2018")


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a raw file whose MM3 is 1 mm away from where its conditions say, and these."""
    folder = tmp_path_factory.mktemp("raw")
    one, _, conditions = make_raw_pair(folder)
    table = conditions / "alignment.txt"
    text = table.read_text().replace("MM3  0.0  0.0", "MM3  0.0  1.0")
    assert "MM3  0.0  1.0" in text
    table.write_text(text)  # wrong by 1 mm: where the alignment starts from
    return one, conditions


def test_tables_put_planes_right(na64: Callable[..., Any], raw: tuple[Path, Path], tmp_path: Path) -> None:
    data, conditions = raw
    out = tmp_path / "tables"
    told = na64("align", data, "-o", out, "--conditions", conditions)
    assert told.status == 0, told
    record = json.loads((out / "alignment.json").read_text())
    plane = record["planes"]["MM3"]
    assert plane["dy"]["old"] == 1.0
    assert abs(plane["dy"]["new"]) < 4 * plane["dy"]["error"] < 0.2
    assert plane["dy"]["is_determined"]
    assert record["planes"]["MM1"]["dy"] == {"old": 0, "new": 0, "error": None, "is_determined": False}
    assert record["median_chi2"][0] > 3 * record["median_chi2"][1]
    assert record["runs"] == "3661"
    assert {path.name for path in (out / "plots").iterdir()} == {"residuals.png", "residuals.pdf"}
    found = load_conditions(SETUP, 3661, (out,)).alignment
    np.testing.assert_allclose(found.dy[2], plane["dy"]["new"])
    assert "MM3" in told.out
    assert "kept" in told.out

    again = tmp_path / "again"
    assert na64("align", data, "-o", again, "--conditions", conditions, "--chunk-size", 130).status == 0
    assert (again / "alignment.txt").read_text() == (out / "alignment.txt").read_text()

    chi2 = []
    for index, tables in enumerate((conditions, out)):
        columns = tmp_path / f"columns_{index}.root"
        assert na64("reco", data, "-o", columns, "--conditions", tables).status == 0
        chi2.append(uproot.open(columns)["events"]["track_chi2"].array(library="np"))
    assert np.nanmedian(chi2[1]) < 0.5 * np.nanmedian(chi2[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--reference", "MM33"], "MM3"),
        (["--reference", "MM1", "--reference", "MM2", "--reference", "MM3", "--reference", "MM4"], "none is"),
        (["--without", "MM33"], "MM3"),
        (["--without", "MM2", "--without", "MM3"], "has 2 planes left: tracks need 3"),
        (["--without", "MM3", "--reference", "MM3"], "Planes: MM1, MM2, MM4"),
        (["--fix", "MM3"], "PLANE.dx"),
        (["--fix", "MM9.dx"], "Planes: MM1"),
        (["--momentum-spread", "0"], "above 0"),
        (["--spectrometer", "scattered"], "Spectrometers: incoming"),
        (["--runs", "9-5"], "--runs 9-5"),
    ],
)
def test_wrong_options_are_told(
    na64: Callable[..., Any], raw: tuple[Path, Path], tmp_path: Path, options: list[str], message: str
) -> None:
    told = na64("align", raw[0], "-o", tmp_path / "out", "--conditions", raw[1], *options)
    assert told.status == 2
    assert message in told.err
    assert not (tmp_path / "out").exists()


TRUE = {"MM2": (0.6, -0.4, 0.02), "MM3": (-0.5, 0.7, -0.03)}  # [mm, mm, rad]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return raw digits of muons without field, with planes displaced and turned, and their setup."""
    folder = tmp_path_factory.mktemp("straight")
    tree = yaml.safe_load((Path(setups.__file__).parent / "na64e_2018.yaml").read_text())
    incoming = tree["spectrometers"]["incoming"]
    for part in (*incoming["planes"], *tree["counters"]["sections"]):
        part["centre"] = [0.0, 0.0]
    for magnet in incoming["magnets"]:
        magnet["field"] = 0.0
    setup, table = folder / "straight.yaml", folder / "displaced.txt"
    setup.write_text(yaml.safe_dump(tree, sort_keys=False))
    lines = ["table=alignment", "runs=0-...", "columns=plane,dx,dy,dz,rotation"]
    for plane in incoming["planes"]:
        dx, dy, turn = TRUE.get(plane["name"], (0, 0, 0))
        lines.append(f"{plane['name']} {dx} {dy} 0 {turn}")
    table.write_text("\n".join(lines) + "\n")
    raw = folder / "muons.root"
    write_simulation(
        SimulateOptions(
            setup=str(setup), process="muon", n_events=1000, output=raw, level="raw", seed=2, pile_up=False,
            workers=1, alignment=(str(table),),
        )
    )  # fmt: skip
    return raw, setup


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("na64.commands.align.plot_alignment", lambda *_: None)


@pytest.mark.usefixtures("without_figures")
def test_straight_tracks_find_displaced_and_turned_planes(
    na64: Callable[..., Any], straight: tuple[Path, Path], tmp_path: Path
) -> None:
    raw, setup = straight
    assert na64("align", raw, "-o", tmp_path / "tables", "--setup", setup).status == 0
    record = json.loads((tmp_path / "tables" / "alignment.json").read_text())
    for plane, true in TRUE.items():
        for name, value in zip(("dx", "dy", "rotation"), true, strict=True):
            number = record["planes"][plane][name]
            assert abs(number["new"] - value) < 4 * number["error"] < abs(value), (plane, name)
    assert record["median_chi2"][1] == pytest.approx(record["median_chi2_expected"], rel=0.15)


@pytest.mark.usefixtures("without_figures")
def test_a_plane_that_is_left_out_keeps_its_numbers(
    na64: Callable[..., Any], straight: tuple[Path, Path], tmp_path: Path
) -> None:
    raw, setup = straight
    told = na64("align", raw, "-o", tmp_path / "tables", "--setup", setup, "--without", "MM3")
    assert told.status == 0, told.err
    record = json.loads((tmp_path / "tables" / "alignment.json").read_text())
    assert (record["without"], list(record["planes"])) == (["MM3"], ["MM1", "MM2", "MM4"])
    found = load_alignment(load_setup(str(setup)), 0, (tmp_path / "tables",))
    assert found.dx[2] == found.dy[2] == found.rotation[2] == 0
    assert found.dx[1] == pytest.approx(TRUE["MM2"][0], abs=4 * record["planes"]["MM2"]["dx"]["error"])


def test_too_few_events_are_told(na64: Callable[..., Any], raw: tuple[Path, Path], tmp_path: Path) -> None:
    options = ["--conditions", raw[1], "--setup", "na64e_2018"]
    (tmp_path / "strict.txt").write_text((raw[1] / "bad_spills.txt").read_text() + "1 1\n")
    told = na64("align", raw[0], "-o", tmp_path / "out", *options, "--conditions", tmp_path / "strict.txt")
    assert told.status == 2
    assert "0 events have one hit in each plane, and an alignment needs 100" in told.err
