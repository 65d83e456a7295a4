"""What a run leaves that ends before its time tells nothing of closed events."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from na64.testing import PLANTED, assert_same, find_value, fingerprint, make_closed_pair
from processors.invisible import InvisibleProcessor
from processors.partial_results import write_part
from tests.conftest import NOT_IN_P348RECO

WITHOUT = [word for cut in NOT_IN_P348RECO for word in ("--without-cut", cut)]
COMMANDS = {
    "run": lambda data, out: ["run", "invisible", data, "-o", out, "--chunk-size", 600, *WITHOUT],
    "reco": lambda data, out: ["reco", data, "-o", out.with_suffix(".root"), "--chunk-size", 600],
}
commands = pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_closed_pair(tmp_path_factory.mktemp("pair"))


class FailingProcessor(InvisibleProcessor):
    """Fails at an event of the box, and says its energy."""

    def _base(self, measured: Any, context: Any) -> Any:
        base = super()._base(measured, context)
        energy = measured.columns["ecal_energy"]
        closed = base & (energy < 50) & (measured.columns["hcal_energy"] < 1)
        if closed.any():
            msg = f"cannot go on with {energy[closed][0]} GeV in entry {np.flatnonzero(closed)[0]}"
            raise ValueError(msg)
        return base


@commands
def test_error_at_a_closed_event_says_nothing_of_it(
    na64: Callable[..., Any],
    pair: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: Callable[..., list[Any]],
) -> None:
    monkeypatch.setattr("na64.commands.common._PROCESSORS", {"invisible": FailingProcessor})
    told = na64(*arguments(pair[0], tmp_path / "out"))
    assert told.status == 2
    assert "ValueError in test_crashes.py" in told.err
    assert "GeV" not in told.err
    assert "Traceback" not in told.err
    assert_same(na64, pair, tmp_path, arguments)


class Killed(BaseException):
    """Ends a command like a signal: nothing of ours catches it."""


@commands
def test_what_a_killed_command_leaves_tells_nothing(
    na64: Callable[..., Any],
    pair: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: Callable[..., list[Any]],
) -> None:
    """It dies when as much as possible is on disk, and cannot clean up behind it."""
    for at in ("na64.report.run_directory.replace_path", "na64.commands.reco.replace_path"):
        monkeypatch.setattr(at, raise_killed)
    monkeypatch.setattr("na64.report.run_directory.plot_run", lambda *_: [])
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    monkeypatch.setattr(Path, "unlink", keep_partial(Path.unlink))

    def call(*line: object) -> str:
        try:
            return str(na64(*line))
        except Killed:
            return "killed"

    assert_same(call, pair, tmp_path, arguments)
    left = fingerprint(tmp_path / "done_1")
    assert any(".partial" in name for name in left)
    assert find_value(left, PLANTED) is None


def test_a_killed_and_resumed_run_tells_nothing(
    na64: Callable[..., Any],
    pair: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is there when it was killed twice, and after a resumed run, in spite of a damaged part."""
    monkeypatch.setattr("na64.report.run_directory.plot_run", lambda *_: [])
    alive: list[int] = []  # parts that are written before the command dies

    def save(*arguments: Any) -> None:
        write_part(*arguments)
        alive[0] -= 1
        if not alive[0]:
            raise Killed

    monkeypatch.setattr("processors.partial_results.write_part", save)

    def call(lives: int, *line: Any) -> Any:
        alive[:] = [lives]
        folder = line[4].with_name(".output.partial")
        try:
            told = list(na64(*line))
        except Killed:
            told = ["killed"]
        seen = fingerprint(folder) if folder.is_dir() else None
        for part in sorted(folder.rglob("*.part"))[:1]:
            part.write_bytes(part.read_bytes()[:-7])
        return [*told, seen]

    def commands(data: Path, out: Path) -> list[list[Any]]:
        line = [*COMMANDS["run"](data, out), "--save-events", "--resume"]
        return [[2, *line], [1, *line], [99, *line]]

    assert_same(call, pair, tmp_path, commands)
    assert (tmp_path / "done_1" / "output" / "run.json").is_file()
    assert find_value(fingerprint(tmp_path / "done_1"), PLANTED) is None


def raise_killed(*_: object, **__: object) -> None:
    raise Killed


def keep_partial(unlink: Callable[..., None]) -> Callable[..., None]:
    def keep(path: Path, **options: bool) -> None:
        if ".partial" not in path.name:
            unlink(path, **options)

    return keep
