"""Nothing that a command leaves may depend on closed events."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from na64.cli import app
from processors.analysis import AnalysisProcessor, Selected
from processors.invisible import InvisibleProcessor
from processors.result import AnalysisResult
from tests.conftest import NOT_IN_P348RECO
from tests.na64.blind import (
    PLANTED,
    assert_same,
    closed_entries,
    fingerprint,
    make_closed_pair,
    make_geant4_pair,
    make_raw_pair,
)


def _events(entries: Sequence[int]) -> list[str]:
    return [word for entry in entries for word in ("--event", str(entry))]


_SHOWN_RAW = 1  # entry of a raw event that is shown
WITHOUT = [word for cut in NOT_IN_P348RECO for word in ("--without-cut", cut)]
READERS = {  # every command that reads data, and how
    "run": lambda data, out: ["run", "invisible", data, "-o", out, *WITHOUT],
    "run-small-chunks": lambda data, out: ["run", "invisible", data, "-o", out, "--chunk-size", 99, *WITHOUT],
    "run-dask": lambda data, out: ["run", "invisible", data, "-o", out, "--executor", "dask", *WITHOUT],
    "run-futures": lambda data, out: ["run", "invisible", data, "-o", out, "--workers", 2, *WITHOUT],
    "run-refused": lambda data, out: ["run", "invisible", data, "-o", out],
    "run-refused-base": lambda data, out: [
        "run",
        "invisible",
        data,
        "-o",
        out,
        "--set",
        "srd.sum_low=0",
        *WITHOUT,
    ],
    "reco": lambda data, out: ["reco", data, "-o", out.with_suffix(".root")],
    "reco-keep": lambda data, out: [
        "reco",
        data,
        "-o",
        out.with_suffix(".parquet"),
        "--keep",
        "veto,preshower",
    ],
    "inspect": lambda data, out: ["inspect", data, "--branches"],
    "display": lambda data, out: [
        "display",
        data,
        "-o",
        out.with_suffix(".png"),
        *_events(closed_entries()[::5]),
    ],
    "display-failing": lambda data, out: [
        "display",
        data,
        "-o",
        out.with_suffix(".svg"),
        "--next-failing",
        "veto",
    ],
    "explain": lambda data, out: ["explain", data, "--event", "0-999"],
    "explain-json": lambda data, out: ["explain", data, "--json", *_events([*closed_entries()[::5], 1])],
    "explain-number": lambda data, out: ["explain", data, "--event-number", closed_entries()[0]],
    "explain-failing": lambda data, out: ["explain", data, "--next-failing", "veto", "--from", 40],
    "explain-refused": lambda data, out: ["explain", data, "--set", "srd.sum_low=0"],
}
READERS_OF_RUNS = {  # commands that read the run directory of data, and how
    "background": lambda run, out: ["background", run, "-o", out],
}
# Commands that read no file of events: they list, draw, make simulations, or check tables of conditions.
WITHOUT_DATA = {
    *("setups", "layouts", "columns", "demo", "simulate", "processes", "conditions", "catalogue"),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_closed_pair(tmp_path_factory.mktemp("pair"))


def test_every_command_is_tested() -> None:
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    names |= {group.name for group in app.registered_groups}
    assert names == {name.split("-")[0] for name in READERS} | set(READERS_OF_RUNS) | WITHOUT_DATA


@pytest.mark.parametrize("reader", READERS)
def test_closed_events_leave_no_trace(
    reader: str, na64: Callable[..., Any], pair: tuple[Path, Path], tmp_path: Path
) -> None:
    assert_same(na64, pair, tmp_path, READERS[reader])


@pytest.mark.parametrize("reader", READERS_OF_RUNS)
def test_runs_of_closed_events_leave_no_trace(
    reader: str,
    na64: Callable[..., Any],
    pair: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "na64.run_directory.plot_run", lambda *_: []
    )  # figures of the run have their own test

    def run_and_read(data: Path, out: Path) -> list[Any]:
        run = out.with_name("run")
        told = [na64(*READERS["run"](data, run)), na64(*READERS_OF_RUNS[reader](run, out))]
        assert [one.status for one in told] == [0, 0], told
        return told

    assert_same(run_and_read, pair, tmp_path, lambda data, out: [data, out])


GEANT4 = {
    "run": lambda data, out: ["run", "invisible", data, "-o", out, "--kind", "data", "--chunk-size", 150],
    "reco": lambda data, out: ["reco", data, "-o", out.with_suffix(".root"), "--kind", "data"],
    "explain": lambda data, out: ["explain", data, "--kind", "data", "--event", "0-399"],
    "display": lambda data, out: [
        *("display", data, "-o", out.with_suffix(".png"), "--kind", "data", "--next-failing", "ecal_shape"),
    ],
}


@pytest.mark.parametrize("reader", GEANT4)
def test_closed_events_with_tracks_leave_no_trace(
    reader: str, na64: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "pair").mkdir()
    pair = make_geant4_pair(tmp_path / "pair")
    assert_same(na64, pair, tmp_path, GEANT4[reader])


@pytest.mark.parametrize("reader", ["run", "reco", "explain", "display"])
def test_closed_raw_digits_leave_no_trace(reader: str, na64: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "pair").mkdir()
    one, two, conditions = make_raw_pair(tmp_path / "pair")
    told = na64("inspect", one)
    assert "kind     data" in told.out

    def arguments(data: Path, out: Path) -> list[Any]:
        options = ["--conditions", conditions]
        if reader == "run":
            return ["run", "invisible", data, "-o", out, "--chunk-size", 130, *options]
        if reader == "explain":
            return ["explain", data, "--event", "180-239", *options]
        if reader == "display":
            events = _events([*range(200, 240), _SHOWN_RAW])
            return ["display", data, "-o", out.with_suffix(".png"), "--waveforms", *events, *options]
        return ["reco", data, "-o", out.with_suffix(".root"), *options]

    assert_same(na64, (one, two), tmp_path, arguments)
    if reader == "run":
        record = json.loads((tmp_path / "done_1" / "output" / "run.json").read_text())
        assert "blinding rests on conditions of the user's own" in record["notes"]
        assert record["blinding"]["state"] == "closed"


def test_closed_events_are_in_neither_answer(
    na64: Callable[..., Any], pair: tuple[Path, Path], tmp_path: Path
) -> None:
    entries = closed_entries()[::5]  # of both kinds: every fifth
    for path in pair:
        told = na64("explain", path, *_events([*entries, 1]), "--json")
        assert [record["entry"] for record in json.loads(told.out)] == [1]
        assert told.err.count("so it is not shown") == len(entries) == 8


def test_oracle_files_do_differ_in_closed_events(pair: tuple[Path, Path]) -> None:
    total = [uproot.open(path)["tree"]["ECAL_ene"].array(library="np").sum(axis=(1, 2, 3)) for path in pair]
    assert np.count_nonzero(total[0] != total[1]) >= 38
    assert np.isclose(total[0], PLANTED).sum() == 5


class LeakyProcessor(InvisibleProcessor):
    """Counts the events of the box: what must be caught."""

    def tally(self, selected: Selected) -> AnalysisResult:
        result = super().tally(selected)
        return AnalysisResult(
            samples=result.samples,
            histograms=result.histograms,
            notes=result.notes | {f"closed: {selected.entries - selected.n_events - self.base_failures}"},
        )

    def _base(self, measured: Any, context: Any) -> Any:
        base = super()._base(measured, context)
        self.base_failures = int(np.count_nonzero(~base))
        return base


def test_oracle_catches_a_leaky_processor(
    na64: Callable[..., Any], pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaky: dict[str, type[AnalysisProcessor]] = {"invisible": LeakyProcessor}
    monkeypatch.setattr("na64.commands.common._PROCESSORS", leaky)
    with pytest.raises(AssertionError):
        assert_same(na64, pair, tmp_path, READERS["run"])


@pytest.mark.parametrize("reader", ["run", "reco"])
def test_planted_value_is_nowhere(
    reader: str, na64: Callable[..., Any], pair: tuple[Path, Path], tmp_path: Path
) -> None:
    told = na64(*READERS[reader](pair[0], tmp_path / "output"))
    assert told.status == 0
    assert "31.4" not in told.out + told.err
    for name, content in fingerprint(tmp_path).items():
        assert not _holds(content, PLANTED), name


def _holds(content: Any, value: float) -> bool:
    """Search a value in decoded content, as number and as text."""
    if isinstance(content, dict):
        return any(_holds(part, value) for part in content.values())
    if isinstance(content, list):
        return any(_holds(part, value) for part in content)
    if isinstance(content, float):
        return abs(content - value) < 1e-4
    if isinstance(content, bytes | str):
        return (b"31.4159" if isinstance(content, bytes) else "31.4159") in content
    return False


def test_search_would_find_a_planted_value(na64: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "columns.root"
    with uproot.recreate(path) as file:
        file.mktree("events", {"ecal_energy": np.float64})
        file["events"].extend({"ecal_energy": np.array([99.0, PLANTED])})
    assert _holds(fingerprint(path), PLANTED)
