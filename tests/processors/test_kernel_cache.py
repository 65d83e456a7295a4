"""Compiled kernels belong to one version of the sources."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from processors import kernel_cache
from processors.kernel_cache import kernel_digest, use_kernel_cache


def test_folder_is_named_after_the_sources(tmp_path: Path) -> None:
    code = "import os, processors; print(os.environ['NUMBA_CACHE_DIR'])"
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    home = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment | {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": home},
    )
    assert Path(done.stdout.strip()) == tmp_path / "na64-columnar" / "kernels" / kernel_digest()[:16]


def test_choice_of_the_user_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/somewhere")
    use_kernel_cache()
    assert os.environ["NUMBA_CACHE_DIR"] == "/somewhere"


def test_digest_sees_a_change_in_any_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recon").mkdir()
    source = tmp_path / "recon" / "profile.py"
    source.write_text("a = 1")
    monkeypatch.setattr(kernel_cache, "_HOME", tmp_path)
    before = kernel_digest()
    source.write_text("a = 2")
    assert kernel_digest() != before


def test_folders_of_old_versions_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    root = tmp_path / "na64-columnar" / "kernels"
    for name, age in (("old", 40), ("young", 3)):
        (root / name).mkdir(parents=True)
        then = (root / name).stat().st_mtime - age * 24 * 3600
        os.utime(root / name, (then, then))
    monkeypatch.setattr(kernel_cache, "sys", type("Sys", (), {"modules": {}}))
    use_kernel_cache()
    assert {p.name for p in root.iterdir()} == {"young", kernel_digest()[:16]}
