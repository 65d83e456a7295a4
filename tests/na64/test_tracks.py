"""`na64 tracks`: a table, summary and figures, and what `na64 limit` does with the table."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.setups import load_setup
from limits.model import ModelError
from limits.track_simulation import measure_tracks
from limits.track_table import TrackTable, read_tracks, write_tracks
from na64.plotting import style
from na64.tracks.comparison import spectra, tracks_text, with_error
from physics.shower_tracks import electron_track_lengths, secondary_positron_track_density
from tests.na64.test_limit import arguments, draw_png_alone, make_data, make_signal

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def table() -> TrackTable:
    return measure_tracks(load_setup("na64e_2018"), 200, least=5.0)


@pytest.fixture
def path(table: TrackTable, tmp_path: Path) -> Path:
    write_tracks(table, tmp_path / "tracks.json")
    return tmp_path / "tracks.json"


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Path]:
    return {
        "data": make_data(tmp_path / "data", "a"),
        "light": make_signal(tmp_path / "light", 0.01, 0.6),
        "heavy": make_signal(tmp_path / "heavy", 0.1, 0.4),
        "out": tmp_path / "out",
    }


def test_command_writes_table_summary_and_figures(
    na64: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style, "write_figure", draw_png_alone)
    out = tmp_path / "out"
    words = ("tracks", "na64e_2016", "-n", "110", "--threshold", "0.8", "--seed", "7", "-o", out)
    told = na64(*words)
    assert told.status == 0, told.err
    assert (out / "tracks.txt").read_text() in told.out
    assert "150 showers, seed 7, followed down to 0.8 GeV" in told.out
    assert {path.stem for path in (out / "plots").glob("*.png")} == {"spectrum", "depth"}
    found = read_tracks(out / "tracks.json")
    assert found == measure_tracks(load_setup("na64e_2016"), 110, least=0.8, seed=7, versions=found.versions)
    assert "numba" in found.versions
    rows = list(csv.DictReader((out / "tracks.csv").read_text().splitlines()))
    assert len(rows) == 60
    total = sum(
        float(r["positron_X0_per_GeV"]) * (float(r["energy_high_GeV"]) - float(r["energy_low_GeV"]))
        for r in rows
    )
    assert total == pytest.approx(found.lengths[2].sum(), rel=1e-4)
    assert rows[0]["beam_analytic"] == ""  # below 1% of the beam's energy there is no such form
    assert float(rows[10]["beam_analytic"]) > 0
    assert "is there already" in na64(*words).err
    assert na64(*words, "--overwrite").status == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["na64e_2017"], "unknown setup 'na64e_2017'; did you mean"),
        (["na64mu_2022"], "has a beam of mu-"),
        (["na64e_2016", "--threshold", "0.001"], "--threshold must be from 0.05 GeV"),
        (["na64e_2016", "--threshold", "nan"], "--threshold must be from 0.05 GeV"),
        (["na64e_2016", "--energy", "-3"], "--energy must be above 0, got -3"),
        (["na64e_2016", "-n", "3"], "greater than or equal to 100"),
    ],
)
def test_what_cannot_be_simulated_is_refused(
    na64: Call, tmp_path: Path, words: list[str], message: str
) -> None:
    told = na64("tracks", *words, "-o", tmp_path / "out")
    assert told.status == 2
    assert message in told.err
    assert not list(tmp_path.iterdir())


def test_spectra_stand_beside_the_analytic_forms(table: TrackTable) -> None:
    found = spectra(table)
    above = np.searchsorted(table.energies, 20.0)
    for kind, expected in (
        ("beam", float(electron_track_lengths(100.0, table.energies[above]))),
        ("positron", _pairs_above(float(table.energies[above]))),
    ):
        assert np.nansum(found[kind].analytic[above:]) == pytest.approx(expected, rel=0.02)
    assert found["beam"].lengths.sum() == pytest.approx(table.lengths[0].sum())
    words = tracks_text(table)
    assert "beam e-, over analytic" in words
    line = next(line for line in words.splitlines() if line.split()[:1] == ["50"])
    assert 0.7 < float(line.split()[4]) < 1.2


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (16.4391, 16.4391, "16 ± 16"),
        (0.8271, 0.1192, "0.83 ± 0.12"),
        (0.8271, 0.3672, "0.8 ± 0.4"),
        (14.674, 0.9648, "14.7 ± 1.0"),
        (1234.5, 120.0, "1230 ± 120"),
        (1.00431, 0.000567, "1.0043 ± 0.0006"),
        (0.0, 0.0, "-"),
        (float("nan"), 0.1, "-"),
    ],
)
def test_a_value_has_the_digits_of_its_error(value: float, error: float, words: str) -> None:
    """The second to fourth are the examples of the Particle Data Group's introduction, section 5.3."""
    assert with_error(value, error) == words


def test_what_no_shower_reached_is_told_as_unknown(table: TrackTable) -> None:
    """No pair of 200 showers has 90% of the beam's energy."""
    line = next(line for line in tracks_text(table).splitlines() if line.split()[:1] == ["90"])
    assert line.split()[-2:] == ["-", "-"]
    assert "nan" not in tracks_text(table)


def _pairs_above(energy: float) -> float:
    grid = np.geomspace(energy, 99.98, 4001)
    return float(np.trapezoid(secondary_positron_track_density(100.0, grid), grid))


def test_limit_takes_the_table(
    na64: Call, runs: dict[str, Path], path: Path, table: TrackTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("na64.commands.limit.plot_limits", lambda *_: [])
    content = []
    for words in ([], ["--track-length", path.parent], ["--electron-motion"]):
        told = na64(*arguments(runs, "--assume-background", "0", "--overwrite", *words))
        assert told.status == 0, told.err
        content.append(json.loads((runs["out"] / "limits.json").read_text()))
        if "--track-length" in words:
            assert "200 simulated showers of na64e_2018" in told.out
            assert "their statistics are the nuisance track_length_na64e_2018\n" in told.out
    plain, tabulated, moving = content
    assert [run["track_length"] for c in content for run in c["runs"]] == [None, table.digest, None]
    assert {"track_length_na64e_2018"} == {row["name"] for row in tabulated["impacts"]["nuisances"]} - {
        row["name"] for row in plain["impacts"]["nuisances"]
    }
    assert tabulated["inputs"][-1] | {"path": ""} == {
        "role": "track length",
        "path": "",
        "digest": table.digest,
        "setup": "na64e_2018",
    }
    for a, b in zip(plain["points"], tabulated["points"], strict=True):
        assert b["track_length"] == pytest.approx(a["track_length"], rel=0.2)
        assert b["track_length"] != a["track_length"]
        assert b["efficiency"] == a["efficiency"]  # of the files, which the analytic form made
    assert [c["settings"]["electron_motion"] for c in content] == [False, False, True]
    assert moving["points"][-1]["resonant"] != plain["points"][-1]["resonant"]


def test_tables_that_do_not_fit_are_refused(
    na64: Call, runs: dict[str, Path], path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    write_tracks(measure_tracks(load_setup("na64e_2018"), 50, energy=80.0, least=20.0), other)
    common = ("--assume-background", "0", "--track-length")
    for words, message in (
        ([other], "the track lengths are of 80 GeV e- (na64e_2018), the beam of data is of 100 GeV e-"),
        ([path, "--track-length", other], f"{other} is of no beam and target of the runs"),
        ([path, "--track-length", _copy(path)], "both fit data; give one"),
        ([tmp_path / "none.json"], "cannot read track lengths from"),
    ):
        told = na64(*arguments(runs, *common, *words))
        assert told.status == 2
        assert message in told.err
    told = na64("limit", "--model", "visible", "--projection", "1e10", "--grid", "10", "-o", runs["out"],
                "--track-length", path)  # fmt: skip
    assert "--track-length is of models other than visible" in told.err
    assert not runs["out"].exists()


def _copy(path: Path) -> Path:
    copy = path.with_name("copy.json")
    copy.write_text(path.read_text())
    return copy


def test_table_of_too_high_a_threshold_is_refused(na64: Call, runs: dict[str, Path], tmp_path: Path) -> None:
    high = tmp_path / "high.json"
    write_tracks(measure_tracks(load_setup("na64e_2018"), 50, least=49.0), high)
    table = read_tracks(high)
    with pytest.raises(ModelError, match="make them with a lower --threshold"):
        table.above(("beam",))([40.0])
    told = na64(*arguments(runs, "--assume-background", "0", "--track-length", high, "--electron-motion"))
    assert told.status == 0, told.err  # 50 GeV are missing
