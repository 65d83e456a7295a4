"""`na64 calibrate` from raw digits to tables that are used."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

import datasets
import datasets.periods
from datasets.conditions import ideal_conditions, load_conditions, write_conditions
from datasets.conditions.runs import RunRange
from datasets.setups import load_setup
from na64.commands.simulate import SimulateOptions, write_simulation
from tests.na64.blind import assert_same, make_raw_calibration_pair

SETUP = load_setup("na64e_2018")
N = 700
BEAM = 3 * 6 + 3


@pytest.fixture(scope="module")
def electrons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Electrons of 100 GeV on one cell, in raw digits."""
    path = tmp_path_factory.mktemp("raw") / "electrons.root"
    options = SimulateOptions(
        setup="na64e_2018",
        process="electron",
        n_events=N,
        output=path,
        level="raw",
        seed=3,
        trigger="none",
        pile_up=False,
        workers=1,
    )
    write_simulation(options)
    return path


@pytest.fixture(scope="module")
def conditions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Conditions with right gains, but the ECAL 3 ns late and its pedestals wrong."""
    folder = tmp_path_factory.mktemp("conditions")
    true = ideal_conditions(SETUP)
    ecal = true.detectors["ecal"]
    wrong = replace(ecal, time_offset=ecal.time_offset - 3.0, pedestal=ecal.pedestal + np.array([1.0, -1.0]))
    changed = replace(true, detectors={**true.detectors, "ecal": wrong})
    write_conditions(changed, SETUP, folder, RunRange.parse("0-..."), "a test")
    return folder


def test_beam_on_one_cell_leaves_right_gains_right(
    electrons: Path, conditions: Path, na64: Callable[..., Any], tmp_path: Path
) -> None:
    """Times and pedestals are found; the reconstruction sees the energy of the beam with the new tables."""
    out = tmp_path / "calibrated"
    told = na64("calibrate", electrons, "-o", out, "--conditions", conditions)
    assert told.status == 0, told.err
    assert "keep their old gain" in told.err
    assert "taken from the shower profile" in told.err
    true, found = ideal_conditions(SETUP), load_conditions(SETUP, 0, [out])
    cells = json.loads((out / "calibration.json").read_text())["cells"]
    flags = np.array([cell["flag"] for cell in cells])
    assert np.flatnonzero(flags == "new").tolist() == [BEAM, 36 + BEAM]
    assert (flags == "no beam").sum() == 70
    ratio = found.detectors["ecal"].gain / true.detectors["ecal"].gain
    np.testing.assert_allclose(np.delete(ratio, [BEAM, 36 + BEAM]), 1.0, rtol=1e-12)
    assert abs(ratio[36 + BEAM] - 1) < 0.01
    assert abs(ratio[BEAM] - 1) < 4 * cells[BEAM]["error"] < 0.1

    channels = json.loads((out / "calibration.json").read_text())["channels"]
    at = [i for i, one in enumerate(channels) if one["has_time"] and one["label"].startswith("ECAL")]
    assert len(at) >= 5
    late = found.cells.time_offset[at] - true.cells.time_offset[at]
    errors = np.array([channels[i]["time_error"] for i in at])
    assert np.abs(late).max() < 0.5  # of 3
    assert (np.abs(late) < 5 * errors + 0.2).all()
    known = [i for i, one in enumerate(channels) if one["has_pedestals"] and one["label"].startswith("ECAL")]
    assert np.abs(found.cells.pedestal[known] - true.cells.pedestal[known]).max() < 0.3

    assert na64("reco", electrons, "-o", tmp_path / "columns.root", "--conditions", out).status == 0
    energy = uproot.open(tmp_path / "columns.root")["events"]["ecal_energy"].array(library="np")
    assert len(energy) == N
    assert np.isfinite(energy).mean() > 0.97
    assert np.nanmedian(energy) == pytest.approx(100.0, rel=0.005)
    assert sorted(p.stem for p in (out / "plots").glob("*.png")) == [
        "energies",
        "gains",
        "pedestals",
        "times",
    ]


def test_muons_find_the_gains_of_several_detectors_at_once(na64: Callable[..., Any], tmp_path: Path) -> None:
    """Cells that muons cross get their peak right; the others, and those too faint, keep their gains."""
    path, out = tmp_path / "muons.root", tmp_path / "calibrated"
    options = SimulateOptions(
        setup="na64e_2018", process="muon", n_events=1024, output=path, level="raw", seed=5, trigger="none",
        pile_up=False, workers=1,
    )  # fmt: skip
    write_simulation(options)
    true = ideal_conditions(SETUP)
    rng, wrong = np.random.default_rng(3), dict(true.detectors)
    for name in ("ecal", "hcal"):
        gain = wrong[name].gain * rng.uniform(0.8, 1.2, SETUP.detectors[name].n_cells)
        wrong[name] = replace(wrong[name], gain=gain)
    write_conditions(
        replace(true, detectors=wrong), SETUP, tmp_path / "wrong", RunRange.parse("0-..."), "a test"
    )
    arguments = ["--particle", "muon", "--detector", "ecal", "--detector", "hcal"]
    told = na64("calibrate", path, "-o", out, "--conditions", tmp_path / "wrong", *arguments)
    assert told.status == 0, told.err
    assert "ecal: a muon leaves too little in 36 of 72 cells" in told.err
    found = load_conditions(SETUP, 0, [out])
    described = json.loads((out / "calibration.json").read_text())["detectors"]
    for name, beam in (("ecal", [36 + BEAM]), ("hcal", [4, 13, 22])):
        cells = described[name]["cells"]
        new = [i for i, cell in enumerate(cells) if cell["flag"] == "new"]
        assert set(beam) <= set(new), name
        ratio = found.detectors[name].gain / true.detectors[name].gain
        for i in new:
            assert abs(ratio[i] - 1) < 4 * cells[i]["error"] < 0.1, (name, i)
        kept = np.delete(np.arange(len(cells)), new)
        np.testing.assert_allclose(found.detectors[name].gain[kept], wrong[name].gain[kept], rtol=1e-6)
    assert (out / "plots" / "muons_hcal.png").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--detector", "ecl"], "no detector 'ecl'; did you mean 'ecal'?"),
        (["--detector", "hcal"], "electrons calibrate the detector that stops them, ecal"),
        (["--detector", "ecal", "--detector", "hcal"], "electrons calibrate one detector"),
        (["--particle", "muons"], "cannot calibrate with 'muons'; did you mean 'muon'?"),
        (["--energy", "fast"], "--energy fast: expected GEV or DATASET=GEV"),
        (["--energy", "e20=20"], "no dataset 'e20'"),
        (["--runs", "9-1"], "--runs 9-1"),
    ],
)
def test_wrong_requests_are_refused(
    electrons: Path, na64: Callable[..., Any], tmp_path: Path, options: list[str], message: str
) -> None:
    told = na64("calibrate", electrons, "-o", tmp_path / "out", *options)
    assert told.status != 0
    assert message in told.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["calibrate", "reco"])
def test_raw_file_of_other_channels_is_refused(
    electrons: Path, na64: Callable[..., Any], tmp_path: Path, command: str
) -> None:
    text = (Path(datasets.__file__).parent / "setups" / "na64e_2018.yaml").read_text()
    narrow = tmp_path / "narrow.yaml"
    narrow.write_text(text.replace("grid: {shape: [6, 6]", "grid: {shape: [6, 5]"))
    told = na64(command, electrons, "-o", tmp_path / "out.root", "--setup", narrow)
    assert told.status != 0
    assert "number 8 is ECAL0-0-5 in the file and ECAL0-1-0 in the setup" in told.err
    assert "the file says na64e_2018" in told.err


@pytest.fixture
def calibration_period(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Declare run 3661 to be calibration."""
    path = tmp_path / "periods.yaml"
    path.write_text("[{name: calib, setup: na64e_2018, runs: [[3661, 3661]], kind: calibration}]")
    monkeypatch.setattr(datasets.periods, "_FILE", path)
    datasets.periods.load_periods.cache_clear()
    yield
    datasets.periods.load_periods.cache_clear()


@pytest.mark.usefixtures("calibration_period")
@pytest.mark.parametrize(("command", "events"), [("calibrate", "events"), ("align", "shown")])
def test_physics_triggers_of_a_calibration_run_leave_no_trace(
    na64: Callable[..., Any], tmp_path: Path, command: str, events: str
) -> None:
    (tmp_path / "pair").mkdir()
    one, two, conditions = make_raw_calibration_pair(tmp_path / "pair")

    catalogue = tmp_path / "catalogue.yaml"  # the project's has this run as data
    catalogue.write_text(
        "runs: [{run: 3661, period: calib, kind: calibration, trigger: calibration, quality: good}]"
    )

    def arguments(data: Path, out: Path) -> list[Any]:
        return [command, data, "-o", out, "--conditions", conditions, "--catalogue", catalogue]

    assert_same(na64, (one, two), tmp_path, arguments)
    name = "calibration.json" if command == "calibrate" else "alignment.json"
    found = json.loads((tmp_path / "done_1" / "output" / name).read_text())
    assert found["events"][events] == 150  # tagged or not, but neither physics triggers nor the bad spill
