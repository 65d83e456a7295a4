"""`na64 align`: displaced planes of a raw file, to tables that put them right."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from datasets.conditions import load_conditions
from datasets.setups import load_setup
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


def test_too_few_events_are_told(na64: Callable[..., Any], raw: tuple[Path, Path], tmp_path: Path) -> None:
    options = ["--conditions", raw[1], "--setup", "na64e_2018"]
    (tmp_path / "strict.txt").write_text((raw[1] / "bad_spills.txt").read_text() + "1 1\n")
    told = na64("align", raw[0], "-o", tmp_path / "out", *options, "--conditions", tmp_path / "strict.txt")
    assert told.status == 2
    assert "0 events have one hit in each plane, and an alignment needs 100" in told.err
