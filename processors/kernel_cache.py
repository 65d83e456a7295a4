"""Where numba keeps compiled kernels: one folder per version of our sources.

Numba looks only at the file of a kernel to tell whether its cached code is stale, so a change in a function
that the kernel calls from another file would go unnoticed and give old results.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

__all__ = ["kernel_digest", "use_kernel_cache"]

_HOME = Path(__file__).resolve().parent.parent
_VARIABLE = "NUMBA_CACHE_DIR"
_MONTH = 30 * 24 * 3600  # [s] after which the kernels of other versions go


def kernel_digest() -> str:
    """Return the SHA-256 of all sources that kernels are compiled from."""
    hasher = hashlib.sha256()
    for room in ("physics", "recon", "datasets/simulation"):
        for path in sorted((_HOME / room).rglob("*.py")):
            hasher.update(path.read_bytes())
    return hasher.hexdigest()


def use_kernel_cache() -> None:
    """Point numba to the folder of these sources, unless the user chose one; call it before any kernel."""
    if _VARIABLE in os.environ:
        return
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "na64-columnar" / "kernels"
    folder = root / kernel_digest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        _forget_others(root, folder)
    except OSError:  # no home, or not writable: a batch worker
        folder = Path(tempfile.gettempdir()) / f"na64-columnar-kernels-{os.getuid()}-{folder.name}"
    os.environ[_VARIABLE] = str(folder)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder)


def _forget_others(root: Path, current: Path) -> None:
    """Remove the kernels of versions that were not used for a month."""
    for folder in root.iterdir():
        if folder != current and time.time() - folder.stat().st_mtime > _MONTH:
            shutil.rmtree(folder, ignore_errors=True)
