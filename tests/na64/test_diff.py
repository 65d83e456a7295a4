"""`na64 diff`: what it finds, what it calls equal, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

from na64.diff.moved_events import moved_events, pair_events, passed
from na64.run.event_file import EventList, read_events, write_events
from processors.result import EventTable
from tests.conftest import SAMPLES

MIXTURE = SAMPLES / "geant4" / "dimuon_enriched.root"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a run, the same in small chunks, another threshold, and other events."""
    from na64.cli import main

    folder = tmp_path_factory.mktemp("runs")
    options: dict[str, list[object]] = {
        "one": [f"a={MIXTURE}"],
        "chunks": [f"a={MIXTURE}", "--chunk-size", 100],
        "veto": [f"a={MIXTURE}", "--set", "veto.limit=0.012"],
        "other": [f"a={SAMPLES / 'geant4' / 'electrons_100gev.root'}"],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("na64.report.run_directory.plot_run", lambda *_: [])
        for name, arguments in options.items():
            with pytest.raises(SystemExit) as ended:
                main(["run", "invisible", *map(str, arguments), "-o", str(folder / name), "--save-events"])
            assert not ended.value.code
    return folder


def test_chunks_make_no_difference(na64: Callable[..., Any], runs: Path) -> None:
    told = na64("diff", runs / "one", runs / "chunks")
    assert told.status == 0, told.out
    assert "chunk_size: none -> 100" in told.out
    assert told.out.endswith("the runs are equal\n")


def test_another_threshold_is_found_with_its_events(na64: Callable[..., Any], runs: Path) -> None:
    told = na64("diff", runs / "one", runs / "veto", "--json", "--events", 3)
    assert told.status == 1
    found = json.loads(told.out)
    thresholds = [c for c in found["configuration"] if c["key"] == "veto.limit"]
    assert thresholds == [{"key": "veto.limit", "first": 0.015, "second": 0.012}]
    rows = {row["name"]: row for row in found["rows"] if not row["variation"]}
    veto, events = rows["veto"], found["events"]
    lost = veto["first"]["in_order"] - veto["second"]["in_order"]
    assert lost > 0
    assert (veto["only_first"], veto["only_second"]) == (lost, 0)
    assert veto["p_value"] == pytest.approx(min(1.0, 0.5 ** (lost - 1)))
    assert all(way["to"] == "veto" for way in events["ways"])
    assert sum(way["events"] for way in events["ways"]) == events["moved"] >= lost
    assert len(events["events"]) == min(3, events["moved"])
    names = {h["name"] for h in found["histograms"]}
    assert "edep_plane_final" in names
    assert not names & {"edep_plane_loose", "ecal_energy", "nminus1_veto"}
    text = na64("diff", runs / "one", runs / "veto").out
    assert "veto.limit: 0.015 -> 0.012" in text
    assert f"{lost} only in the first, 0 only in the second" in text
    assert "rows with the same events in order" in text
    part = text.partition("histograms that differ")[2].partition("shown events")[0].splitlines()
    assert part[0] == f": {len(names)}, the largest difference first"
    assert len(part) <= 1 + len(names) + 2
    every = na64("diff", runs / "one", runs / "veto", "--all").out
    listed = every.partition("histograms that differ\n")[2].partition("\n\n")[0].splitlines()
    assert len(listed) == len(found["histograms"]) > 10 * len(names)


def test_other_events_are_independent(na64: Callable[..., Any], runs: Path) -> None:
    found = json.loads(na64("diff", runs / "one", runs / "other", "--json").out)
    assert not found["inputs"]["shared"]
    row = next(row for row in found["rows"] if row["name"] == "base" and not row["variation"])
    assert row["basis"] == "independent samples"
    assert 0 <= row["p_value"] <= 1


def test_without_event_lists_nothing_is_claimed(na64: Callable[..., Any], runs: Path, tmp_path: Path) -> None:
    copytree(runs / "veto", tmp_path / "bare")
    (tmp_path / "bare" / "events.parquet").unlink()
    found = json.loads(na64("diff", runs / "one", tmp_path / "bare", "--json").out)
    assert found["events"] is None
    rows = [row for row in found["rows"] if not row["variation"]]
    assert rows
    assert {row["p_value"] for row in rows} == {None}


def test_open_and_closed_are_not_compared(na64: Callable[..., Any], runs: Path, tmp_path: Path) -> None:
    for state in ("open", "closed"):
        copytree(runs / "one", tmp_path / state)
        record = json.loads((tmp_path / state / "run.json").read_text())
        record["blinding"]["state"] = state
        (tmp_path / state / "run.json").write_text(json.dumps(record))
    told = na64("diff", tmp_path / "open", tmp_path / "closed")
    assert told.status == 2
    assert "open and closed results cannot be compared" in told.err
    assert not told.out


def test_what_is_no_run_is_an_error(na64: Callable[..., Any], runs: Path, tmp_path: Path) -> None:
    told = na64("diff", runs / "one", tmp_path)
    assert told.status == 2
    assert "is no run directory" in told.err
    copytree(runs / "one", tmp_path / "damaged")
    (tmp_path / "damaged" / "events.parquet").write_bytes(b"nothing")
    told = na64("diff", runs / "one", tmp_path / "damaged")
    assert told.status == 2
    assert "cannot read the events" in told.err


def events(numbers: list[int], cuts: list[int], energy: list[float], **more: Any) -> EventList:
    n = len(numbers)
    columns = {"event": np.array(numbers), "entry": np.arange(n), "cuts": np.array(cuts)}
    columns |= {"ecal_energy": np.array(energy)} | more
    return EventList(("a", "b"), np.full(n, "d"), np.full(n, "f.root"), columns)


def test_moves_by_hand() -> None:
    one = events([5, 7, 9, 11], [3, 1, 3, 0], [1.0, 2.0, 3.0, 4.0])
    two = events([11, 9, 7, 6], [3, 2, 1, 3], [4.0, 3.5, 2.0, 9.0])
    found = moved_events(one, two, 10)
    assert [found[key] for key in ("in_both", "only_first", "only_second", "moved")] == [3, 1, 1, 2]
    ways = [(w["from"], w["to"], w["events"]) for w in found["ways"]]
    assert ways == [("a", "passes all cuts", 1), ("passes all cuts", "a", 1)]
    assert found["columns"] == [{"name": "ecal_energy", "events": 1, "largest": 0.5}]
    assert [e["event"] for e in found["events"]] == [9, 11]
    assert passed(one, "b").tolist() == [True, False, True, False]


def test_numbers_that_repeat_are_not_trusted() -> None:
    one = events([1, 1], [3, 3], [1.0, 2.0])
    two = events([1, 1], [3, 3], [1.0, 2.0])
    pairs = pair_events(one, two)
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([0, 1], [0, 1])


def test_event_file_does_not_depend_on_the_order_of_chunks(tmp_path: Path) -> None:
    tables = [
        EventTable(
            "d", f"/x/{file}", ("a",), {"entry": np.array(entries), "cuts": np.ones(len(entries), int)}
        )
        for file, entries in (("g.root", [4, 6]), ("f.root", [9]), ("g.root", [0, 2]))
    ]
    for name, order in (("a", tables), ("b", tables[::-1])):
        write_events(tmp_path / name, order)
    read = read_events(tmp_path / "a")
    assert read is not None
    assert read.columns["entry"].tolist() == [9, 0, 2, 4, 6]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_events(tmp_path / "absent") is None
