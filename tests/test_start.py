"""The command must answer --help at once: it may load the heavy libraries only when it needs them."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "awkward",
    "coffea",
    "dask",
    "distributed",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "scipy",
    "uproot",
}


def imported_packages(*command: str) -> set[str]:
    """Return the top-level packages that Python imports while it runs a command."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stderr.splitlines()
    timings = [line for line in lines if line.startswith("import time:")]
    assert done.returncode == 0, "\n".join(line for line in lines if line not in timings)
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in timings}


def test_help_imports_nothing_heavy() -> None:
    imported = imported_packages("-m", "na64", "--help")
    assert "na64" in imported
    assert not imported & HEAVY


@pytest.mark.parametrize("package", ["numpy", "awkward"])
def test_a_heavy_import_would_be_seen(package: str) -> None:
    assert package in imported_packages("-c", f"import {package}") & HEAVY
