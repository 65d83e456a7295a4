"""Runs that end before their time go on where they were, and never with what belongs to another run."""

import errno
import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

from datasets.sources import find_inputs
from na64.run.resume import make_key, working_folder
from na64.testing import difference, fingerprint
from processors.invisible import InvisibleProcessor
from processors.runner import Request, prepare
from selections.opening import Opening
from tests.conftest import NOT_IN_P348RECO, SAMPLES

Call = Callable[..., Any]
MIXTURE = SAMPLES / "geant4" / "dimuon_enriched.root"


class Counting(InvisibleProcessor):
    """Remembers where its chunks begin, and ends the command at one of them."""

    starts: list[int] = []  # noqa: RUF012 - of the chunks that were processed
    until: int | None = None

    def select(self, events: Any, **options: Any) -> Any:
        start = events.metadata["entrystart"]
        if self.until is not None and start >= self.until:
            raise KeyboardInterrupt
        self.starts.append(start)
        return super().select(events, **options)


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch, without_plots: None) -> type[Counting]:
    monkeypatch.setattr("na64.commands.common._PROCESSORS", {"invisible": Counting})
    monkeypatch.setattr(Counting, "starts", [])
    monkeypatch.setattr(Counting, "until", None)
    return Counting


def command(out: Path, *words: object) -> list[object]:
    return ["run", "invisible", MIXTURE, "-o", out, "--chunk-size", 100, *words]


@pytest.fixture
def interrupted(na64: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the output of a run that was interrupted after 200 of its 300 events."""
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Counting, "until", 200)
        told = na64(*command(out))
    assert told.status == 130
    assert "200 of 300 events are done and kept" in told.err
    assert "--resume" in told.err
    assert not out.exists()
    Counting.starts.clear()
    return out


def test_resumed_run_is_the_uninterrupted_one(na64: Call, interrupted: Path) -> None:
    out = interrupted
    assert na64(*command(out, "--resume", "--workers", 1)).status == 0
    assert Counting.starts == [200]
    other = out.with_name("other")
    assert na64(*command(other)).status == 0
    found, expected = fingerprint(out), fingerprint(other)
    chunks = [told["run.json"].pop("chunks") for told in (found, expected)]
    assert chunks[0] == {"total": 3, "retried": 0, "resumed_events": 200}
    assert chunks[1]["resumed_events"] == 0
    found["run.json"]["options"] = expected["run.json"]["options"]  # --workers
    del found["report.html"], expected["report.html"]  # holds run.json
    assert difference(found, expected) is None
    assert sorted(path.name for path in out.parent.iterdir()) == ["other", "run"]


def test_kept_results_are_not_thrown_away_by_accident(na64: Call, interrupted: Path) -> None:
    told = na64(*command(interrupted))
    assert told.status == 2
    assert "--resume, or begin anew with --overwrite" in told.err
    both = na64(*command(interrupted, "--resume", "--overwrite"))
    assert (both.status, "give one of them" in both.err) == (2, True)
    assert na64(*command(interrupted, "--overwrite")).status == 0
    assert Counting.starts == [0, 100, 200]


def test_another_configuration_takes_nothing_over(na64: Call, interrupted: Path) -> None:
    assert na64(*command(interrupted, "--resume", "--set", "veto.limit=0.012")).status == 0
    assert Counting.starts == [0, 100, 200]


def test_lost_events_are_read_again_alone(na64: Call, tmp_path: Path) -> None:
    out, bad = tmp_path / "run", tmp_path / "bad.root"
    bad.write_bytes((SAMPLES / "geant4" / "muons_100gev.root").read_bytes()[:50_000])
    lossy = na64(*command(out, bad))
    assert lossy.status == 1
    assert (out / "partial").is_dir()
    bad.write_bytes((SAMPLES / "geant4" / "muons_100gev.root").read_bytes())
    Counting.starts.clear()
    assert na64(*command(out, bad, "--resume")).status == 0
    assert Counting.starts == [0, 100, 200, 300, 400]  # of the mended file
    record = json.loads((out / "run.json").read_text())
    assert record["events"] == {"input": 800, "processed": 800, "lost": 0, "unknown_files": 0}
    assert not (out / "partial").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.root", "run"]


def test_full_disk_is_one_line_and_keeps_what_is_done(
    na64: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("na64.report.run_directory._write_histograms", full)
        told = na64(*command(out))
    assert told.status == 2
    assert f"na64: error: cannot write {out}: No space left on device" in told.err
    assert "300 of 300 events are done and kept" in told.err
    Counting.starts.clear()
    assert na64(*command(out, "--resume")).status == 0
    assert Counting.starts == []


def test_two_commands_do_not_write_one_output(na64: Call, tmp_path: Path) -> None:
    import fcntl

    out = tmp_path / "run"
    working_folder(out).mkdir()
    with (working_folder(out) / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        told = na64(*command(out))
    assert told.status == 2
    assert "another command is writing" in told.err


def test_key_holds_all_that_decides(samples: Path, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        copytree(samples, folder, ignore=lambda *_: ["geant4"])
    opening = Opening(
        periods=("2018-invisible",),
        regions=("invisible",),
        who=("a",),
        when="2026-01-01",
        why="b",
        frozen="c",
    )

    def key(folder: Path = folders[0], name: str = "d", **options: Any) -> str:
        options = {"without": NOT_IN_P348RECO} | options
        processor = InvisibleProcessor(**options)
        request = Request(files=find_inputs([f"{name}={folder / 'p348reco_tree.root'}"]))
        prepared = prepare(request, processor)
        return make_key(processor, prepared)(prepared.probes[0])

    assert key() == key() == key(folder=folders[1])
    others = [
        key(name="e"),
        key(opening=opening),
        key(changes=("veto.limit=0.02",)),
        key(variations=("veto_threshold_up",)),
        key(without=(*NOT_IN_P348RECO, "veto")),
        key(bad_spills={3661: (1,)}),
        key(with_events=True),
        key(seed=2),
    ]
    path = folders[1] / "p348reco_tree.root"
    content = np.frombuffer(path.read_bytes(), dtype=np.uint8).copy()
    content[-1] ^= 1
    path.write_bytes(content.tobytes())
    others.append(key(folder=folders[1]))
    assert len({key(), *others}) == len(others) + 1
