"""`na64 background`: run directories in, tables and figures out, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uhi.io.json
from hist import Hist, axis, storage

from datasets.setups import load_setup
from na64.background.estimate import estimate_background
from na64.run.stored import read_run
from selections.background.config import load_background
from selections.selection import load_selection
from selections.tag_and_probe import ProbeCounts

Call = Callable[..., Any]
Points = list[tuple[float, float]]
SETUP = load_setup("na64e_2018")
SELECTION = load_selection("invisible", SETUP.name, tuple(SETUP.detectors))
SIDE_BANDS: Points = [(52.5, 0.1)] * 3 + [(60.5, 0.2)] * 6 + [(70.5, 0.0)] * 20 + [(30.0, 8.5)] * 2
DIMUONS: Points = [(60.0, 10.0)] * 40


def plane(dataset: str, points: Points, weight: float) -> Hist[Any]:
    h = Hist(
        axis.StrCategory([dataset], name="dataset"),
        axis.StrCategory(["nominal"], name="variation"),
        axis.Regular(120, 0, 120, name="ecal_energy"),
        axis.Regular(121, -1, 120, name="hcal_energy"),
        storage=storage.Weight(),
    )
    x, y = np.array(points, dtype=float).reshape(-1, 2).T
    h.fill(dataset, "nominal", x, y, weight=np.full(len(x), weight))
    return h


def make_run(
    path: Path,
    final: Points,
    dimuon: Points,
    *,
    process: str | None = None,
    eot: float = 1e9,
    entries: int = 1000,
    weight: float = 1.0,
    **changes: Any,
) -> Path:
    """Write a run directory: closed data, or simulation of a process."""
    name = process or "data"
    kind = "data" if process is None else "simulation"
    parent = {"eot": eot, "processes": [{"name": process, "trigger": "physics", "yield": 0.01}]}
    run = {
        "version": 1,
        "analysis": "invisible",
        "setup": SETUP.name,
        "events": {"input": entries, "processed": entries, "lost": 0, "unknown_files": 0},
        "exposure": {"eot_used": None},
        "blinding": {
            "state": "closed" if process is None else "not applicable",
            "region": {name: {}} if process is None else {},
            "digest": "d",
        },
        "inputs": [{"dataset": name, **({"parent": parent} if process else {})}],
        "without_cuts": [],
        "changed_cuts": [],
        "selection": {"digest": "s", "params": {k: dict(v) for k, v in SELECTION.params.items()}},
    }
    rows = [{"name": "all", "in_order": entries, "in_order_weighted": entries * weight}]
    cutflow = {"cuts": [*rows, {"name": "shown", "in_order": 7}]}
    planes = {
        "edep_plane_final": plane(name, final, weight),
        "edep_plane_dimuon": plane(name, dimuon, weight),
    }
    path.mkdir(parents=True)
    (path / "run.json").write_text(json.dumps({**run, **changes}))
    (path / "cutflow.json").write_text(json.dumps({"datasets": {name: {"kind": kind, **cutflow}}}))
    (path / "histograms.json").write_text(json.dumps(planes, default=uhi.io.json.default))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_run(tmp_path / "data", SIDE_BANDS, DIMUONS)


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "background.json").read_text())
    return found


def test_table_and_figures_of_side_bands_and_simulation(na64: Call, data: Path, tmp_path: Path) -> None:
    box: Points = [(20.0, 0.5)] * 4
    pairs = make_run(tmp_path / "dimuon", box, [*DIMUONS, *DIMUONS], process="dimuon", eot=4e9)
    hadrons = make_run(
        tmp_path / "hadron", box, [], process="hadron", eot=1e9, without_cuts=["srd"], weight=0.5
    )
    beam = make_run(tmp_path / "upstream", [], [], process="upstream", eot=1e10)
    out = tmp_path / "out"
    runs = [word for run in (pairs, hadrons, beam) for word in ("--simulation", run)]
    told = na64("background", data, "-o", out, "--eot", "1e9", *runs)
    assert told.status == 0, told.err
    found = read(out)
    sources = {source["name"]: source for source in found["sources"]}
    mistag = load_background("invisible").simulated["hadron"].factors["srd"].value
    assert found["side_bands"]["side_band_a"]["nominal"]["events"] == 29
    assert found["side_bands"]["side_band_c"]["nominal"]["events"] == 2
    assert found["benchmark"]["ratio"]["value"] == pytest.approx(40 / (80 / 4))
    assert sources["dimuon"]["expected"] == pytest.approx(4 / 4 * 2.0)
    assert sources["hadron"]["expected"] == pytest.approx(4 * 0.5 * mistag)
    assert sources["hadron"]["method"] == "simulation × srd mistag"
    assert sources["upstream"]["statistical"]["high"] == pytest.approx(1.841 * 0.1, rel=1e-3)
    assert not sources["upstream"]["in_total"]
    counted = [s["expected"] for s in found["sources"] if s["in_total"]]
    assert found["total"]["expected"] == pytest.approx(sum(counted))
    assert any(note.startswith("decays: no simulation of pion_decay, kaon_decay") for note in found["notes"])
    text = (out / "background.md").read_text()
    assert text in told.out
    assert "data/simulation 2.000" in text
    latex = (out / "background.tex").read_text()
    assert latex.count(r"\\") >= 7
    assert r"dimuons, data/simulation (40 events of data) & $2.000_{-" in latex
    assert found["benchmark"]["systematics"] == {"dimuon yield": 0.1}
    assert "_band" not in latex.split("\n", 1)[1]
    stems = {p.name for p in (out / "plots").iterdir()}
    assert stems == {f"{n}.{e}" for n in ("side_band_a", "side_band_c", "sources") for e in ("png", "pdf")}


def make_beam(path: Path, rows: list[list[int]], kind: str = "simulation", **changes: Any) -> Path:
    """Write a run of a beam without the SRD cut: all, tagged and in the side band."""
    make_run(path, [], [], process="electron", without_cuts=["srd"], **changes)
    names = ("beam", "electron", "hadron")
    sums = np.array(rows, dtype=float)[:, :, None] * np.ones(3)
    cutflow = json.loads((path / "cutflow.json").read_text())
    cutflow["datasets"]["electron"] |= {"tag_and_probe": ProbeCounts(names, sums).table(), "kind": kind}
    (path / "cutflow.json").write_text(json.dumps(cutflow))
    return path


def test_tag_of_a_beam_and_digests_of_what_was_read(
    na64: Call, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("na64.commands.background.plot_background", lambda *_: [])
    beam = make_beam(tmp_path / "beam", [[1000, 900, 60], [800, 760, 8], [40, 2, 38]])
    upstream = make_run(tmp_path / "upstream", [], [], process="upstream", eot=1e10)
    words = ["--beam", beam, "--eot", "1e9", "--simulation", upstream]
    told = na64("background", data, "-o", tmp_path / "out", *words)
    assert told.status == 0, told.err
    found = read(tmp_path / "out")
    assert found["srd_tag"]["contamination"]["value"] == pytest.approx(0.05 / 0.94)
    assert found["srd_tag"]["efficiency"]["value"] == 0.95
    assert "| hadrons in the beam, from the side band | 5.3" in told.out
    roles = {entry["role"]: entry for entry in found["inputs"]}
    assert list(roles) == ["data", "simulation", "beam"]
    assert len({entry["digest"] for entry in found["inputs"]}) == 3
    assert roles["data"]["files"][0]["dataset"] == "data"


@pytest.mark.parametrize("kind", ["calibration", "simulation"])
def test_contamination_of_real_beams_scales_simulated_hadrons(
    na64: Call, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("na64.commands.background.plot_background", lambda *_: [])
    beam = make_beam(tmp_path / "beam", [[1000, 900, 60], [800, 760, 8], [40, 2, 38]], kind)
    box: Points = [(20.0, 0.5)] * 4
    hadrons = make_run(tmp_path / "hadron", box, [], process="hadron", eot=1e9, without_cuts=["srd"])
    words = ["--beam", beam, "--eot", "1e9", "--simulation", hadrons]
    told = na64("background", data, "-o", tmp_path / "out", *words)
    assert told.status == 0, told.err
    found = read(tmp_path / "out")
    (row,) = (source for source in found["sources"] if source["name"] == "hadron")
    mistag = load_background("invisible").simulated["hadron"].factors["srd"].value
    factor = 0.05 / 0.94 / 0.01 if kind == "calibration" else 1.0
    assert row["expected"] == pytest.approx(4 * mistag * factor)
    assert ("contamination" in row["systematics"]) == (kind == "simulation")
    assert (found["contamination"]["factor"] is None) == (kind == "simulation")
    line = "its hadrons are multiplied by 5.319" if kind == "calibration" else "is not scaled to it"
    assert line in told.out
    latex = (tmp_path / "out" / "background.tex").read_text()
    assert r"hadrons in the simulated beam & 1.000\% & \\" in latex


def test_beam_that_tells_nothing_of_the_tag_is_refused(na64: Call, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tagged = make_run(tmp_path / "tagged", [], [], process="electron")
    assert "--without-cut srd" in na64("background", data, "-o", out, "--beam", tagged).err
    assert "which are shown with a tag only" in na64("background", data, "-o", out, "--beam", data).err
    rows = [[10, 9, 1], [8, 8, 0], [0, 0, 0]]
    empty = make_beam(tmp_path / "empty", rows)
    assert "no hadron probes among 10" in na64("background", data, "-o", out, "--beam", empty).err
    other = make_beam(tmp_path / "other", rows, setup="na64e_2022")
    assert "have different setup" in na64("background", data, "-o", out, "--beam", other).err
    assert not out.exists()


def test_data_without_shown_events_say_so(data: Path) -> None:
    stored = read_run(data)
    stored.datasets["data"]["cuts"][1]["in_order"] = 0
    assert any("no event of" in note for note in estimate_background(stored, []).notes)


def test_empty_side_bands_give_upper_ends_and_can_be_drawn(na64: Call, tmp_path: Path) -> None:
    run = make_run(tmp_path / "data", [], [])
    told = na64("background", run, "-o", tmp_path / "out")
    assert told.status == 0, told.err
    for source in read(tmp_path / "out")["sources"]:
        assert source["expected"] == 0
        assert source["statistical"]["high"] > 0
    words = f"none of 7 shown events of {run} is left from 50 to 75 GeV after all cuts"
    assert f"side_band_a: {words}" in told.out


def test_lost_simulated_events_take_their_exposure_with_them(data: Path, tmp_path: Path) -> None:
    expected = []
    for name, events in (("whole", (1000, 0)), ("half", (500, 500))):
        account = {"input": 1000, "processed": events[0], "lost": events[1], "unknown_files": 0}
        run = make_run(tmp_path / name, [(20.0, 0.5)] * 8, [], process="upstream", events=account)
        found = estimate_background(read_run(data), [read_run(run)], 1e9)
        expected.append(found.estimates[-1].statistical.value)
    assert expected == pytest.approx([8.0, 16.0])


def changed_params() -> dict[str, Any]:
    params = {k: dict(v) for k, v in SELECTION.params.items()}
    params["veto"]["limit"] = 0.5
    return {"digest": "t", "params": params}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"setup": "na64e_2022"}, "have different setup: na64e_2018 and na64e_2022"),
        ({"selection": changed_params()}, "have different thresholds of cut veto"),
        ({"without_cuts": ["srd"]}, "was run without the cut srd, which upstream needs"),
        ({"inputs": [{"dataset": "upstream"}]}, "does not say its process"),
        ({"eot": 0.0}, "has no particles on target"),
        ({"version": 7}, "has version 7"),
    ],
)
def test_simulation_that_does_not_belong_is_refused(
    na64: Call, data: Path, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    run = make_run(tmp_path / "mc", [], [], process="upstream", **changes)
    found = na64("background", data, "-o", tmp_path / "out", "--eot", "1e9", "--simulation", run)
    assert found.status == 2
    assert told in found.err
    assert not (tmp_path / "out").exists()


def test_opened_data_have_what_was_seen_beside_the_estimate(na64: Call, data: Path, tmp_path: Path) -> None:
    """The estimate is that of the closed run, of which nothing is told but the estimate."""
    out = tmp_path / "out"
    assert na64("background", data, "-o", out).status == 0
    closed = read(out)
    text = (out / "background.md").read_text()
    assert closed["observed"] is None
    assert "observed" not in text + (out / "background.tex").read_text()
    opened = make_run(
        tmp_path / "open", [*SIDE_BANDS, (20.5, 0.5), (20.5, 0.5)], DIMUONS,
        blinding={"state": "open", "region": {}, "digest": "d", "mark": "opened"},
    )  # fmt: skip
    path = opened / "cutflow.json"
    for events in (None, 2):
        cutflow = json.loads(path.read_text())
        cutflow["datasets"]["data"]["regions"] = [{"name": "signal_box", "events": events}]
        path.write_text(json.dumps(cutflow))
        told = na64("background", opened, "-o", out, "--overwrite")
        if events is None:
            assert (told.status, "the signal box of data is closed" in told.err) == (2, True)
    assert told.status == 0, told.err
    found = read(out)
    assert found["observed"] == 2
    assert found["total"] == closed["total"]
    assert "| **observed in the signal box** | 2 |" in (out / "background.md").read_text()
    assert "observed in the signal box & $2$ &" in (out / "background.tex").read_text()


def test_open_and_closed_runs_are_not_mixed(na64: Call, data: Path, tmp_path: Path) -> None:
    opened = make_run(
        tmp_path / "open", [], [], blinding={"state": "open", "region": {"data": {}}, "digest": ""}
    )
    mixed = make_run(tmp_path / "mixed", [], [], blinding={"state": "closed", "region": {}, "digest": ""})
    found = na64("background", data, "-o", tmp_path / "out", "--simulation", opened)
    assert (
        "must hold simulation alone, and holds data (open); open and closed runs are not mixed" in found.err
    )
    assert "mixes open and closed data" in na64("background", mixed, "-o", tmp_path / "out").err
    simulated = make_run(tmp_path / "mc", [], [], process="dimuon")
    assert "must hold data alone" in na64("background", simulated, "-o", tmp_path / "out").err


def test_what_is_missing_is_named(na64: Call, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pairs = make_run(tmp_path / "dimuon", [], DIMUONS, process="dimuon")
    assert "give --eot NUMBER" in na64("background", data, "-o", out, "--simulation", pairs).err
    twice = ["--eot", "1e9", "--simulation", pairs, "--simulation", pairs]
    assert "process dimuon is there twice" in na64("background", data, "-o", out, *twice).err
    assert "--eot must be above 0" in na64("background", data, "-o", out, "--eot", "-1").err
    content = json.loads((data / "histograms.json").read_text())
    del content["edep_plane_final"]
    (data / "histograms.json").write_text(json.dumps(content))
    assert "has no histogram 'edep_plane_final'" in na64("background", data, "-o", out).err
    (data / "cutflow.json").unlink()
    assert (
        "is no run directory of `na64 run`: cannot read cutflow.json"
        in na64("background", data, "-o", out).err
    )


def test_output_replaces_only_another_estimate(
    na64: Call, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("na64.commands.background.plot_background", lambda *_: [])
    out = tmp_path / "out"
    assert na64("background", data, "-o", out).status == 0
    assert "is there already" in na64("background", data, "-o", out).err
    first = {p.name: p.read_bytes() for p in out.iterdir() if p.is_file()}
    assert na64("background", data, "-o", out, "--overwrite").status == 0
    assert {p.name: p.read_bytes() for p in out.iterdir() if p.is_file()} == first
    (out / "background.json").unlink()
    assert "is not a background estimate" in na64("background", data, "-o", out, "--overwrite").err
