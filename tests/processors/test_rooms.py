"""A foreign package under one of our names is noticed."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from processors.rooms import RoomError, check_rooms


def test_our_own_rooms_are_ours() -> None:
    check_rooms()


def test_hidden_package_is_named(tmp_path: Path) -> None:
    foreign = tmp_path / "datasets"
    foreign.mkdir()
    (foreign / "__init__.py").touch()
    home = Path(__file__).parents[2]
    paths = [str(tmp_path), str(home)]
    code = f"import sys; sys.path[:0] = {paths}; import na64.cli as cli; cli.main(['layouts'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "package 'datasets' of the NA64 pipeline is hidden" in done.stderr
    assert str(foreign) in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, package=None: None if name == "recon" else find(name, package),
    )
    with pytest.raises(RoomError, match=r"'recon'.*finds none"):
        check_rooms()
