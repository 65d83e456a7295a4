"""What is in the repository is for everybody: no file names one machine's paths or a package index."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# With classes of one letter, so that this file does not match itself.
LOCAL_NAMES = re.compile(
    rb"""(?<![\w.])/(?:w[o]rk|r[o]ot)/ | pyp[i]\.org | pythonh[o]sted | /simpl[e](?:/|["'\s]|$)""", re.VERBOSE
)


def tracked_files() -> list[Path]:
    """Return the files that git tracks and that are there."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listing.stdout.split("\0") if (ROOT / name).is_file()]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_no_file_names_a_machine_or_a_package_index() -> None:
    files = tracked_files()
    assert Path(__file__) in files
    hits = {path.relative_to(ROOT).as_posix(): LOCAL_NAMES.search(path.read_bytes()) for path in files}
    assert {name: hit.group() for name, hit in hits.items() if hit} == {}


@pytest.mark.parametrize(
    "parts",
    [("/wo", "rk/main"), ("(/ro", "ot/x"), ("https://py", "pi.org"), ("--index-url http://a/sim", "ple/")],
)
def test_planted_name_is_caught(parts: tuple[str, str]) -> None:
    assert LOCAL_NAMES.search("".join(parts).encode())


@pytest.mark.parametrize("text", [b"/home/me/work/x", b"a/root/b", b"import uproot", b"a simple/plain thing"])
def test_ordinary_text_is_no_fault(text: bytes) -> None:
    assert LOCAL_NAMES.search(text) is None
