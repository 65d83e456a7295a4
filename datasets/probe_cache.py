"""What was found when a file was looked at, kept for the next time: opening a ROOT file takes 5 to 500 ms.

An answer is kept under a digest of the file's size, both its ends and its time of change, and of the code
that gave it; another version of a file, or of the code, asks again. Answers are public: trees, branches,
numbers of entries, metadata.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import uproot

from datasets.fingerprint import mark_of

__all__ = ["ask"]

_VARIABLE = "NA64_CACHE_DIR"  # empty: nothing is kept
_MONTH = 30 * 24 * 3600  # [s] after which answers that nobody asked for go


def ask(path: str, content: str | None, question: str, answer: Callable[[], Any]) -> Any:
    """
    Return an answer that is kept, or find it and keep it.

    Parameters
    ----------
    path : str
    content : str or None
        `Ends.digest`; None: the file cannot be read, and nothing is kept of it.
    question : str
    answer : callable
        Gives plain values; its errors are not kept.
    """
    folder = _folder()
    if content is None or folder is None:
        return answer()
    key = hashlib.sha256(f"{content} {mark_of(path)} {question} {_code()}".encode()).hexdigest()
    place = folder / key[:2] / f"{key}.json"
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = answer()
        _keep(place, found)
    return found


@cache
def _folder() -> Path | None:
    """Return the folder of answers; clear it of old ones, once per command."""
    chosen = os.environ.get(_VARIABLE)
    if chosen == "":
        return None
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(chosen) if chosen else Path(home) / "na64-columnar" / "files"
    try:
        for path in folder.glob("*/*"):
            if time.time() - path.stat().st_mtime > _MONTH:
                path.unlink()
    except OSError:
        pass
    return folder


@cache
def _code() -> str:
    """Return a digest of what gives the answers."""
    hasher = hashlib.sha256(uproot.__version__.encode())
    for name in ("probe.py", "probe_cache.py", "trees.py"):
        hasher.update((Path(__file__).parent / name).read_bytes())
    return hasher.hexdigest()


def _keep(place: Path, found: Any) -> None:
    """Keep an answer if there is room for it."""
    temporary = place.with_name(f"{place.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(found), encoding="utf-8")
        temporary.replace(place)
    except OSError:
        temporary.unlink(missing_ok=True)
