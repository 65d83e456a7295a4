"""`na64 optimise`: run directories in, thresholds out, and what it refuses."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from na64.optimise.task import make_task
from na64.run.event_file import read_events, write_events
from na64.run.stored import read_run
from processors.result import EventTable
from selections.selection import load_selection
from tests.na64.test_background import DIMUONS, SELECTION, SETUP, make_run

Call = Callable[..., Any]
CUTS = tuple(cut.name for cut in SELECTION.cuts)
CLOSED = {"data": {"invisible": {"ecal_energy": [None, 50.0], "hcal_energy": [None, 1.0]}}}
SIGNAL = {"name": "dark_photon", "trigger": "physics", "parameters": {"mass": 0.1, "epsilon": 1e-4}}


def good_events(n: int, ecal: Any, hcal: Any, **others: Any) -> dict[str, Any]:
    """Return what the cuts read of events that pass all of them, but for what is given."""
    flags = {name for cut in SELECTION.cuts for name in cut.valid}
    values: dict[str, Any] = {name: np.ones(n, dtype=bool) for name in flags}
    values |= {
        "track_count": np.ones(n, dtype=np.int64),
        "track_momentum": np.full(n, 100.0),
        "track_chi2": np.ones(n),
        "track_angle": np.zeros(n),
        "ecal_cell_distance": np.zeros(n, dtype=np.int64),
        "ps_energy": np.full(n, 2.0),
        "ecal_shower_chi2": np.ones(n),
        "veto_panel_energy": np.full((n, 6), 0.001),
        "hcal_r": np.full(n, np.nan),
        "ecal_energy": np.broadcast_to(ecal, n).astype(float),
        "hcal_energy": np.broadcast_to(hcal, n).astype(float),
    }
    return values | others


def put_events(run: Path, dataset: str, values: Mapping[str, Any]) -> Path:
    """Write the events of a run directory."""
    n = len(values["ecal_energy"])
    box = ("ecal_energy", "hcal_energy")
    columns = {"entry": np.arange(n), "cuts": np.zeros(n, dtype=np.int64), **{k: values[k] for k in box}}
    rest = {name: value for name, value in values.items() if name not in box}
    write_events(run / "events.parquet", [EventTable(dataset, "f.root", CUTS, columns, rest)])
    return run


def make_signal(path: Path, n: int = 4000, **changes: Any) -> Path:
    """Write a run of signal: flat in E_ECAL up to 60 GeV, VETO up to 10 MeV, preshower up to 4 GeV."""
    rng = np.random.default_rng(1)
    inputs = [{"dataset": "signal", "parent": {"eot": 1e15, "processes": [SIGNAL]}}]
    run = make_run(path, [], [], process="signal", entries=n, inputs=inputs, **changes)
    veto = rng.uniform(0, 0.01, (n, 1)) * np.ones(6)
    values = good_events(
        n,
        rng.uniform(0, 60, n),
        0.1,
        veto_panel_energy=veto,
        ps_energy=rng.uniform(0, 4, n),
        weight=np.ones(n),
    )
    return put_events(run, "signal", values)


def make_data(path: Path, n: int = 400, ecal: float = 50.0, **changes: Any) -> Path:
    """Write a run of data: a side band A that falls towards the box, all of it with a low preshower."""
    rng = np.random.default_rng(2)
    blinding = {"state": "closed", "region": CLOSED, "digest": "d"} | changes.pop("blinding", {})
    run = make_run(path, [], DIMUONS, blinding=blinding, **changes)
    energy = np.maximum(ecal, 75.0 - rng.exponential(14.0, n).clip(max=25.0))
    return put_events(run, "data", good_events(n, energy, 0.2, ps_energy=rng.uniform(0.5, 1.0, n)))


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "optimise.json").read_text())
    return found


def test_best_thresholds_are_written_and_can_be_applied(na64: Call, tmp_path: Path) -> None:
    signal, data = make_signal(tmp_path / "signal"), make_data(tmp_path / "data")
    pairs = make_run(tmp_path / "dimuon", [], DIMUONS, process="dimuon", eot=1e10)
    put_events(pairs, "dimuon", good_events(900, 30.0, 0.5, weight=np.full(900, 1e-4)))
    out = tmp_path / "out"
    scans = ["preshower.low=0.25:1.5:6", "signal_box.ecal_energy=40:50:3", "signal_box.hcal_energy=0.4:1:4"]
    words = [word for scan in scans for word in ("--scan", scan)]
    told = na64(
        *("optimise", signal, "--data", data, "--simulation", pairs, "--eot", "1e10", "-o", out),
        *("--replicas", 20, *words),
    )
    assert told.status == 0, told.err
    found = read(out)
    assert found["changes"]["preshower.low"] == 1.0  # all data lie below, a quarter of the signal
    assert found["nominal"]["sources"]["side_band_a"]["events"] == 400
    assert found["best"]["sources"]["side_band_a"]["events"] == 0
    assert found["best"]["figure"] < 0.7 * found["nominal"]["figure"]
    assert found["gain_on_independent_half"] > 1.3
    assert found["blinding"] == {"state": "closed", "digest": "d"}
    assert found["epsilon"]["signal"]["best"] < found["epsilon"]["signal"]["nominal"]
    efficiency = found["best"]["efficiency"]["signal"]
    events = found["best"]["figure"] / (4000 * 1e10 / 1e15)
    assert found["epsilon"]["signal"]["best"] == pytest.approx(1e-4 * np.sqrt(events), rel=1e-6)
    assert efficiency == pytest.approx(0.75 * 5 / 6, abs=0.05)
    assert [scan["name"] for scan in found["scans"]] == [scan.partition("=")[0] for scan in scans]
    assert len(found["box"]) == 12
    text = (out / "optimise.md").read_text()
    assert text in told.out
    assert "data closed" in text
    assert "electroproduction" not in text  # not in the total where there is a side band
    options = (out / "options.txt").read_text().split()
    assert options[:2] == ["--set", "preshower.low=1"]
    applied = load_selection("invisible", SETUP.name, tuple(SETUP.detectors), changes=options[1::2])
    box = {f"signal_box.{c}": limit[1] for c, limit in applied.signal_box.limits.items()}
    values = {f"{c}.{k}": v for c, params in applied.params.items() for k, v in params.items()} | box
    assert {name: values[name] for name in found["best"]["thresholds"]} == found["best"]["thresholds"]
    stems = {p.name for p in (out / "plots").iterdir()}
    assert stems == {f"{n}.{e}" for n in ("thresholds", "box") for e in ("png", "pdf")}


def test_simulation_alone_needs_an_exposure(na64: Call, tmp_path: Path) -> None:
    signal = make_signal(tmp_path / "signal")
    upstream = make_run(tmp_path / "upstream", [], [], process="upstream", eot=1e9)
    put_events(upstream, "upstream", good_events(50, 30.0, 0.5, weight=np.ones(50)))
    words = [
        "optimise",
        signal,
        "--simulation",
        upstream,
        "-o",
        tmp_path / "out",
        "--scan",
        "track_chi2.limit",
    ]
    assert "give --eot NUMBER" in na64(*words).err
    told = na64(*words, "--eot", "2e9", "--replicas", 20)
    assert told.status == 0, told.err
    found = read(tmp_path / "out")
    assert found["blinding"] is None
    assert found["nominal"]["sources"]["upstream"]["mean"] == pytest.approx(2 * 50.5)
    assert found["changes"] == {}
    assert "No threshold moves" in told.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--scan", "srd.sum_low=0:0.01:3"], "belongs to the base requirement of the blinding"),
        (
            ["--scan", "signal_box.ecal_energy=40:60:3"],
            "beyond 50 GeV, the end of the period's closed region",
        ),
        (["--scan", "vhcal.limit"], "the selection has no threshold 'vhcal.limit'"),
        (["--figure", "limits"], "did you mean 'limit'?"),
        (["--eot", "-1"], "--eot must be above 0"),
    ],
)
def test_what_cannot_be_scanned_is_refused(na64: Call, tmp_path: Path, words: list[str], told: str) -> None:
    signal, data = make_signal(tmp_path / "signal", 50), make_data(tmp_path / "data", 50)
    found = na64("optimise", signal, "--data", data, "-o", tmp_path / "out", *words)
    assert found.status == 2
    assert told in found.err
    assert not (tmp_path / "out").exists()


def test_runs_that_do_not_belong_are_refused(na64: Call, tmp_path: Path) -> None:
    signal, out = make_signal(tmp_path / "signal", 50), tmp_path / "out"
    opened = make_data(tmp_path / "open", 50, blinding={"state": "open", "mark": "UNBLINDED, by somebody"})
    found = na64("optimise", signal, "--data", opened, "-o", out)
    assert "holds opened data (UNBLINDED, by somebody)" in found.err
    leaky = make_data(tmp_path / "leaky", 50, ecal=50.0)
    put_events(leaky, "data", good_events(1, 49.9, 0.2))
    assert "its events are not" in na64("optimise", signal, "--data", leaky, "-o", out).err
    assert "without a background" in na64("optimise", signal, "-o", out).err
    data = make_data(tmp_path / "data", 50)
    (signal / "events.parquet").unlink()
    assert (
        "run `na64 run` again with --save-events" in na64("optimise", signal, "--data", data, "-o", out).err
    )
    box = {"digest": "s", "params": {k: dict(v) for k, v in SELECTION.params.items()}}
    other = make_signal(tmp_path / "other", 50, selection=box | {"signal_box": {"ecal_energy": [None, 40.0]}})
    assert "different edges of the signal box" in na64("optimise", other, "--data", data, "-o", out).err


def test_fits_begin_where_the_margin_ends(tmp_path: Path) -> None:
    guard = {"data": {"ecal_energy": {"relative": 0.03, "absolute": 0.0}}}
    data = make_data(tmp_path / "data", 50, ecal=52.0, blinding={"guard": guard})
    task = make_task([read_run(make_signal(tmp_path / "signal", 50))], read_run(data), [])
    windows = {band.name: band.fit.fit for band in task.problem.bands}
    assert windows == {"side_band_a": (52.0, 75.0), "side_band_c": (1.0, 16.0)}  # 50 / 0.97 = 51.5


def test_lists_of_values_survive_the_file(tmp_path: Path) -> None:
    put_events(tmp_path, "data", good_events(3, 60.0, 0.1, veto_panel_energy=np.arange(18.0).reshape(3, 6)))
    events = read_events(tmp_path / "events.parquet")
    assert events is not None
    assert np.array_equal(events.values["veto_panel_energy"], np.arange(18.0).reshape(3, 6))
    assert "veto_panel_energy" not in events.columns
    assert events.values["track_is_valid"].dtype == bool
