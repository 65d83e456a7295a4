"""What was found of a file is kept by content, and asked again where anything changed."""

import os
from pathlib import Path

import pytest

from datasets import probe_cache
from datasets.fingerprint import read_ends
from datasets.probe import probe_file
from datasets.probe_cache import ask
from datasets.sources import InputFile


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(probe_cache, "_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_answer_is_found_once_per_content(tmp_path: Path) -> None:
    path, asked = tmp_path / "f", []

    def answer() -> list[int]:
        asked.append(0)
        return [len(asked)]

    def again(question: str = "what") -> list[int]:
        return ask(str(path), read_ends(str(path)).digest(), question, answer)

    path.write_bytes(b"one")
    assert (again(), again(), again("other"), again()) == ([1], [1], [2], [1])
    path.write_bytes(b"two")
    assert again() == [3]
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))  # its middle may have changed
    assert again() == [4]


def test_known_file_is_not_opened(samples: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    file = InputFile(path=str(samples / "p348reco_tree.root"), dataset="d")
    first = probe_file(file)
    monkeypatch.setattr("uproot.open", None)
    assert probe_file(file) == first
    for path in folder.rglob("*.json"):
        path.write_text("{")
    with pytest.raises(OSError, match="cannot be opened"):  # a damaged answer is asked again
        probe_file(file)
