"""Nothing that a command leaves may depend on closed events."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from shutil import copytree, move
from typing import Any

import numpy as np
import pytest
import uproot

from na64.cli import app, main
from na64.registry import READS_EVENTS, WITHOUT_DATA
from na64.testing import find_value, make_hadron_pair, make_muon_pair, make_positron_pair, make_visible_pair
from selections.background.config import load_background
from tests.conftest import NOT_IN_P348RECO, P348Reco, guard_periods
from tests.na64.blind import (
    PLANTED,
    assert_same,
    closed_entries,
    fingerprint,
    make_closed_pair,
    make_geant4_pair,
    make_margin_pair,
    make_raw_pair,
)
from tests.na64.signing import sign_statement
from tests.na64.test_limit import make_signal as make_dark_photon
from tests.na64.test_limit_visible import make_signal as make_visible_signal
from tests.na64.test_optimise import make_signal


def _events(entries: Sequence[int]) -> list[str]:
    return [word for entry in entries for word in ("--event", str(entry))]


_SHOWN_RAW = 1  # entry of a raw event that is shown
WITHOUT = [word for cut in NOT_IN_P348RECO for word in ("--without-cut", cut)]
VARIATIONS = [
    word
    for name in ("ecal_scale_up", "ecal_scale_down", "hcal_scale_down", "srd_scale_up")
    for word in ("--variation", name)
]


def run_with_events(data: Path, out: Path) -> list[Any]:
    return ["run", "invisible", data, "-o", out, "--save-events", *WITHOUT]


READERS = {  # every command that reads data, and how
    "run": lambda data, out: ["run", "invisible", data, "-o", out, *WITHOUT],
    "run-small-chunks": lambda data, out: ["run", "invisible", data, "-o", out, "--chunk-size", 99, *WITHOUT],
    "run-dask": lambda data, out: ["run", "invisible", data, "-o", out, "--cluster", "local", *WITHOUT],
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
    "run-variations": lambda data, out: [*run_with_events(data, out), *VARIATIONS],
    "run-refused-variations": lambda data, out: [*run_with_events(data, out), *VARIATIONS],
    "reco": lambda data, out: ["reco", data, "-o", out.with_suffix(".root")],
    "reco-keep": lambda data, out: [
        "reco",
        data,
        "-o",
        out.with_suffix(".parquet"),
        "--keep",
        "veto,preshower",
    ],
    "calibrate": lambda data, out: ["calibrate", data, "-o", out],
    "inspect": lambda data, out: ["inspect", data, "--branches"],
    "align-refused": lambda data, out: ["align", data, "-o", out],
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
    "freeze": lambda data, out: [
        ["run", "invisible", data, "-o", out, *WITHOUT],
        ["freeze", out],
        ["unblind", "--statement", out.with_suffix(".statement.yaml"), "-o", out.with_name("open")],
    ],
}
READERS_OF_RUNS = {  # commands that read the run directory of data, and how
    "background": lambda run, out: ["background", run, "-o", out],
}
RUN_READERS = {  # every command that reads run directories, of one run and of the same with another threshold
    "diff": lambda one, two: ["diff", one, two, "--events", 1000],
    "diff-json": lambda one, two: ["diff", one, two, "--json", "--events", 1000],
    "efficiency": lambda one, two: ["efficiency", one, two],
}
READERS_OF_ESTIMATES = {  # commands that read what `background` wrote too
    "report": lambda run, out: ["report", run, "--background", out],
}
OTHERS = {"unblind", "optimise", "limit", "bump"}  # have a test of their own below


def leaves(commands: Any, prefix: str = "") -> set[str]:
    """Return all commands, those of groups as "group command"."""
    found = {f"{prefix}{c.name or c.callback.__name__}" for c in commands.registered_commands}
    for group in commands.registered_groups:
        found |= leaves(group.typer_instance, f"{prefix}{group.name} ")
        if group.typer_instance.registered_callback is not None and group.invoke_without_command is not False:
            found.add(f"{prefix}{group.name}")
    return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_closed_pair(tmp_path_factory.mktemp("pair"))


def test_every_command_is_tested() -> None:
    """A new command must be registered, and have a case above if it reads events."""
    assert leaves(app) == READS_EVENTS | WITHOUT_DATA
    cases = {name.split("-")[0] for name in (*READERS, *READERS_OF_RUNS, *READERS_OF_ESTIMATES, *RUN_READERS)}
    assert cases | OTHERS == READS_EVENTS
    assert not READS_EVENTS & WITHOUT_DATA


@pytest.mark.parametrize("reader", READERS)
def test_closed_events_leave_no_trace(
    reader: str,
    na64: Callable[..., Any],
    pair: tuple[Path, Path],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if reader == "run-variations":
        request.getfixturevalue("guarded")
    if reader == "freeze":  # the figures of its run are those of the other cases
        request.getfixturevalue("without_plots")
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
        "na64.report.run_directory.plot_run", lambda *_: []
    )  # figures of the run have their own test

    def run_and_read(data: Path, out: Path) -> list[Any]:
        run = out.with_name("run")
        commands = [READERS["run"](data, run), READERS_OF_RUNS[reader](run, out)]
        if reader == "background":
            commands += [read(run, out) for read in READERS_OF_ESTIMATES.values()]
        told = [na64(*command) for command in commands]
        assert {one.status for one in told} == {0}, told
        return told

    assert_same(run_and_read, pair, tmp_path, lambda data, out: [data, out])


@pytest.fixture(scope="module")
def pair_of_runs(
    pair: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[tuple[Path, Path], ...]:
    """Return two runs each of both files of the oracle, under the same name."""
    folder, runs = tmp_path_factory.mktemp("runs"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("na64.report.run_directory.plot_run", lambda *_: [])
        guard_periods(patch)
        for source, where in zip(pair, ("a", "b"), strict=True):
            data = folder / "data.root"
            data.write_bytes(source.read_bytes())
            made = []
            for name, extra in (("one", []), ("two", ["--set", "veto.limit=0.02", *VARIATIONS])):
                made.append(folder / where / name)
                arguments = [*run_with_events(data, made[-1]), *extra]
                with pytest.raises(SystemExit) as ended:
                    main([str(argument) for argument in arguments])
                assert not ended.value.code
            runs.append((made[0], made[1]))
    return tuple(runs)


@pytest.mark.parametrize("reader", RUN_READERS)
def test_commands_on_runs_tell_nothing_of_closed_events(
    reader: str, na64: Callable[..., Any], pair_of_runs: tuple[tuple[Path, Path], ...], tmp_path: Path
) -> None:
    told = []
    for one, two in pair_of_runs:
        work = tmp_path / "work"
        work.mkdir()
        for run, name in ((one, "one"), (two, "two")):
            copytree(run, work / name)
        said = na64(*RUN_READERS[reader](work / "one", work / "two"))
        told.append((said.status, re.sub(r"[0-9a-f]{16,64}", "DIGEST", said.out), said.err))
        work.rename(tmp_path / f"done_{len(told)}")
    assert told[0] == told[1]
    if reader.startswith("diff"):
        assert told[0][0] == 1
        assert "veto" in told[0][1]


def test_optimum_tells_nothing_of_closed_events(
    na64: Callable[..., Any],
    pair_of_runs: tuple[tuple[Path, Path], ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = load_background("invisible")
    band = config.side_bands["side_band_a"]
    wide = replace(band, fit=replace(band.fit, fit=(50.0, 110.0)))  # up to where the sample has events
    config = replace(config, side_bands={**config.side_bands, "side_band_a": wide})
    monkeypatch.setattr("na64.optimise.task.load_background", lambda _: config)
    told = []
    for index, (run, _) in enumerate(pair_of_runs):
        work = tmp_path / "work"
        copytree(run, work / "data")
        params = json.loads((run / "run.json").read_text())["selection"]
        make_signal(work / "signal", 300, selection=params, without_cuts=list(NOT_IN_P348RECO))
        scans = ["--scan", "preshower.low", "--scan", "signal_box.hcal_energy", "--replicas", "20"]
        said = na64("optimise", work / "signal", "--data", work / "data", "-o", work / "out", *scans)
        assert said.status == 0, said.err
        found = json.loads((work / "out" / "optimise.json").read_text())
        assert found["nominal"]["sources"]["side_band_a"]["events"] > 500
        work.rename(tmp_path / f"done_{index}")
        left = fingerprint(tmp_path / f"done_{index}" / "out")
        told.append((said, left))
    assert told[0] == told[1]


def test_limits_tell_nothing_of_closed_events(
    na64: Callable[..., Any],
    pair_of_runs: tuple[tuple[Path, Path], ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a background that is estimated of the run itself."""
    monkeypatch.setattr("na64.commands.background.plot_background", lambda *_: [])
    told = []
    for index, (run, _) in enumerate(pair_of_runs):
        work = tmp_path / "work"
        copytree(run, work / "data")
        params = json.loads((run / "run.json").read_text())["selection"]
        make_dark_photon(work / "signal", 0.1, selection=params, without_cuts=list(NOT_IN_P348RECO))
        background = na64("background", work / "data", "-o", work / "background")
        assert background.status == 0, background.err
        options = ["--eot", "1e9", "--grid", "100", "--toys", "500", "--bins", "70"]
        inputs = ["--runs", work / "data", "--signal", work / "signal", "--background", work / "background"]
        said = na64("limit", *inputs, *options, "-o", work / "out")
        assert said.status == 0, said.err
        found = json.loads((work / "out" / "limits.json").read_text())
        assert found["points"][0]["observed"] is None
        work.rename(tmp_path / f"done_{index}")
        told.append((said, fingerprint(tmp_path / f"done_{index}" / "out")))
    assert told[0] == told[1]


@pytest.mark.usefixtures("without_plots")
def test_visible_band_tells_nothing_of_closed_events(na64: Callable[..., Any], tmp_path: Path) -> None:
    """With a background that is estimated of the run itself."""
    told = []
    for index, source in enumerate(make_visible_pair(tmp_path)):
        work = tmp_path / "work"
        work.mkdir()
        data = Path(move(source, work / "data.root"))
        assert na64("run", "visible", data, "-o", work / "data").status == 0
        selection = json.loads((work / "data" / "run.json").read_text())["selection"]
        make_visible_signal(work / "signal", selection=selection)
        background = na64("background", work / "data", "-o", work / "background")
        assert background.status == 0, background.err
        inputs = ["--runs", work / "data", "--signal", work / "signal", "--background", work / "background"]
        options = ["--model", "visible", "--eot", "5e10", "--grid", "10", "--toys", "500"]
        said = na64("limit", *inputs, *options, "-o", work / "out")
        assert said.status == 0, said.err
        found = json.loads((work / "out" / "limits.json").read_text())
        assert found["points"][0]["observed"] is None
        assert json.loads((work / "background" / "background.json").read_text())["observed"] is None
        work.rename(tmp_path / f"done_{index}")
        told.append((said, background.out, fingerprint(tmp_path / f"done_{index}" / "out")))
    assert told[0] == told[1]


def test_closed_in_a_variation_leaves_no_trace(
    na64: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("na64.report.run_directory.plot_run", lambda *_: [])
    (tmp_path / "pair").mkdir()
    pair = make_margin_pair(tmp_path / "pair")
    (tmp_path / "plain").mkdir()
    with pytest.raises(AssertionError):  # without the guard these events are shown
        assert_same(na64, pair, tmp_path / "plain", run_with_events)
    guard_periods(monkeypatch)
    (tmp_path / "guarded").mkdir()
    assert_same(na64, pair, tmp_path / "guarded", READERS["run-variations"])


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


PAIRS = {
    "muon": make_muon_pair,
    "visible": make_visible_pair,
    "hadron": make_hadron_pair,
    "positron": make_positron_pair,
}
MODES = {  # the same commands on data of other modes; `run` is in the test of each processor
    "reco": lambda mode, data, out: ["reco", data, "--analysis", mode, "-o", out.with_suffix(".root")],
    "explain": lambda mode, data, out: ["explain", data, "--analysis", mode, "--event", "0-299"],
    "display": lambda mode, data, out: [
        *("display", data, "--analysis", mode, "-o", out.with_suffix(".png")),
        *_events(range(0, 300, 100)),
    ],
}


@pytest.mark.parametrize("mode", PAIRS)
@pytest.mark.parametrize("reader", MODES)
def test_closed_events_of_other_modes_leave_no_trace(
    reader: str, mode: str, na64: Callable[..., Any], tmp_path: Path
) -> None:
    assert_same(na64, PAIRS[mode](tmp_path), tmp_path, partial(MODES[reader], mode))


@pytest.mark.usefixtures("without_plots")
def test_closed_positrons_leave_no_trace(na64: Callable[..., Any], tmp_path: Path) -> None:
    """Of the closed 50 to 100 GeV a bump search tells nothing; below it, it counts the shown events."""

    def read(data: Path, out: Path) -> list[Any]:
        return [
            ["run", "positron", data, "-o", out],
            ["bump", out, "-o", out.with_name("bump"), "--from", "-10", "--toys", "20"],
        ]

    def run_all(data: Path, out: Path) -> list[Any]:
        told = [na64(*command) for command in read(data, out)]
        assert {one.status for one in told} == {0}, told
        return told

    assert_same(run_all, make_positron_pair(tmp_path), tmp_path, lambda data, out: [data, out])
    found = json.loads((tmp_path / "done_1" / "bump" / "bump.json").read_text())
    assert found["closed"] == [[50.0, 100.0]]
    assert sum(count or 0 for count in found["counts"]) > 50
    assert all((bump["observed"] is None) == (bump["window"][1] > 50.0) for bump in found["masses"])


@pytest.mark.parametrize("reader", ["run", "reco", "calibrate", "explain", "display", "align"])
def test_closed_raw_digits_leave_no_trace(reader: str, na64: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "pair").mkdir()
    one, two, conditions = make_raw_pair(tmp_path / "pair")
    told = na64("inspect", one)
    assert "kind     data" in told.out

    def arguments(data: Path, out: Path) -> list[Any]:
        options = ["--conditions", conditions]
        if reader == "run":
            return ["run", "invisible", data, "-o", out, "--chunk-size", 130, *options]
        if reader == "calibrate":
            return ["calibrate", data, "-o", out, *options]
        if reader == "explain":
            return ["explain", data, "--event", "180-239", *options]
        if reader == "align":
            return ["align", data, "-o", out, "--chunk-size", 130, *options]
        if reader == "display":
            events = _events([*range(200, 240), _SHOWN_RAW])
            return ["display", data, "-o", out.with_suffix(".png"), "--waveforms", *events, *options]
        return ["reco", data, "-o", out.with_suffix(".root"), *options]

    assert_same(na64, (one, two), tmp_path, arguments)
    if reader == "align":
        record = json.loads((tmp_path / "done_1" / "output" / "alignment.json").read_text())
        assert 100 < record["events"]["clean"] < record["events"]["shown"] <= 200
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


@pytest.mark.usefixtures("two_periods", "without_plots")
def test_opening_a_period_leaves_the_others_closed(
    na64: Callable[..., Any],
    pair: tuple[Path, Path],
    p348reco: P348Reco,
    tmp_path: Path,
) -> None:
    """The closed events of one period differ, and a statement opens another one."""
    p348reco.arrays["run"][:] = 3600
    box = p348reco.tagged[:7]
    p348reco.scale_ecal(box, 20.0)
    p348reco.quiet_hcal(box)
    early = p348reco.write(tmp_path / "early.root", 900)

    def sign(data: Path, out: Path) -> list[Any]:
        assert na64("run", "invisible", early, data, "-o", out, *WITHOUT).status == 0
        assert na64("freeze", out).status == 0
        statement = sign_statement(out.with_suffix(".statement.yaml"))
        return ["unblind", "--statement", statement, "--period", "early", "-o", out.with_name("open")]

    assert_same(na64, pair, tmp_path, sign)
    opened = json.loads((tmp_path / "done_1" / "open" / "cutflow.json").read_text())["datasets"]
    assert opened["early"]["regions"][0]["events"] is not None
    assert opened["data"]["regions"][0]["events"] is None
    record = json.loads((tmp_path / "done_1" / "open" / "run.json").read_text())
    assert (record["blinding"]["state"], record["blinding"]["opened"]) == ("open", ["early"])
    assert list(record["blinding"]["region"]) == ["data"]


def test_oracle_files_do_differ_in_closed_events(pair: tuple[Path, Path]) -> None:
    total = [uproot.open(path)["tree"]["ECAL_ene"].array(library="np").sum(axis=(1, 2, 3)) for path in pair]
    assert np.count_nonzero(total[0] != total[1]) >= 38
    assert np.isclose(total[0], PLANTED).sum() == 5


@pytest.mark.parametrize("reader", ["run", "reco"])
def test_planted_value_is_nowhere(
    reader: str, na64: Callable[..., Any], pair: tuple[Path, Path], tmp_path: Path
) -> None:
    told = na64(*READERS[reader](pair[0], tmp_path / "output"))
    assert told.status == 0
    assert "31.4" not in told.out + told.err
    assert find_value(fingerprint(tmp_path), PLANTED) is None


def test_search_would_find_a_planted_value(na64: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "columns.root"
    with uproot.recreate(path) as file:
        file.mktree("events", {"ecal_energy": np.float64})
        file["events"].extend({"ecal_energy": np.array([99.0, PLANTED])})
    assert find_value(fingerprint(path), PLANTED) == "/columns.root/events;1/ecal_energy/1"
