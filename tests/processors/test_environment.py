"""A worker with other packages or sources is refused by name, even one that lacks ours."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from processors.environment import find_faults, looking_payload, require_same, versions_here
from processors.rooms import RoomError

LOOK = "import sys, cloudpickle; print(cloudpickle.loads(sys.stdin.buffer.read()))"


def test_process_with_other_packages_is_described(tmp_path: Path) -> None:
    metadata = tmp_path / "numpy-0.1.2.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.1.2\n")
    (tmp_path / "processors").mkdir()
    (tmp_path / "processors" / "__init__.py").write_text("")  # of somebody else
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        input=looking_payload(),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    told = ast.literal_eval(done.stdout.decode())
    sources, numpy = find_faults(told["versions"], dict(versions_here()), told["why"])
    assert numpy == f"numpy is 0.1.2 there and {np.__version__} here"
    assert "it cannot use the sources of na64" in sources
    assert "'rooms' from 'processors'" in sources


def test_same_process_has_no_faults() -> None:
    require_same(versions_here())


@pytest.mark.parametrize(
    ("what", "theirs", "expected"),
    [
        ("sources of na64", "0" * 64, "other sources of na64 .*digest .* there, 000000000000 here"),
        ("uproot", "1.0", "uproot is .* there and 1.0 here"),
    ],
)
def test_late_worker_that_differs_is_refused_by_name(what: str, theirs: str, expected: str) -> None:
    versions = tuple((dict(versions_here()) | {what: theirs}).items())
    with pytest.raises(RoomError, match=f"process {os.getpid()} on .*{expected}"):
        require_same(versions)
