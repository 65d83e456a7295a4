"""Outputs appear under their name when they are complete, and replace nothing unasked."""

from __future__ import annotations

import shutil
from pathlib import Path

from na64.errors import UserError

__all__ = ["check_output", "replace_path"]


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse to write over something that is there."""
    if path.exists() and not overwrite:
        msg = f"{path} is there already; choose another --output, or replace it with --overwrite"
        raise UserError(msg)
    place = path.absolute().parent
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        msg = f"cannot write {path}: {place} is not a directory"
        raise UserError(msg)


def replace_path(partial: Path, path: Path, *, overwrite: bool) -> None:
    """Give a finished output its final name."""
    if overwrite and path.is_dir():
        shutil.rmtree(path)
    elif overwrite:
        path.unlink(missing_ok=True)
    partial.rename(path)
