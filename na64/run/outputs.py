"""Outputs get their name when they are complete, and replace nothing but their own kind, when asked to."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from na64.errors import UserError

__all__ = ["check_output", "replace_path"]

_MARK = "run.json"  # what makes a directory a run directory
_DIRECTORIES = {
    _MARK: "a run directory",
    "background.json": "a background estimate",
    "bump.json": "a bump search",
    "alignment.json": "an alignment",
    "limits.json": "a set of limits",
    "tracks.json": "a table of track lengths",
}


def check_output(
    path: Path, inputs: Iterable[str], *, overwrite: bool, is_directory: bool, mark: str = _MARK
) -> None:
    """
    Refuse an output that cannot be written, that is there, or that would destroy something else.

    Parameters
    ----------
    path : Path
    inputs : iterable of str
        Files that are read: an output must neither be nor hold one of them.
    overwrite : bool
        Whether an output of the same kind may be replaced.
    is_directory : bool
        Whether the output is a run directory.
    mark : str
        File by which a directory of this kind is known.

    Raises
    ------
    UserError
        Saying what is in the way.
    """
    if path.exists() and not overwrite:
        msg = f"{path} is there already; choose another --output, or replace it with --overwrite"
        raise UserError(msg)
    if path.exists():
        _check_replaceable(path, inputs, mark if is_directory else None)
    place = path.absolute().parent
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error} ({place})"
        raise UserError(msg) from error


def _check_replaceable(path: Path, inputs: Iterable[str], mark: str | None) -> None:
    """Refuse to replace what is not an output of the same kind, or is or holds an input."""
    target = path.resolve()
    for name in inputs:
        source = Path(name).resolve()
        if source == target or target in source.parents:
            msg = f"--overwrite would destroy the input {name}; choose another --output than {path}"
            raise UserError(msg)
    is_ours = path.is_file() if mark is None else (path / mark).is_file()
    if not is_ours:
        kind = "a file" if mark is None else f"{_DIRECTORIES[mark]} (it has no {mark})"
        msg = f"{path} is not {kind}, so --overwrite does not replace it; choose another --output"
        raise UserError(msg)


def replace_path(partial: Path, path: Path, *, overwrite: bool) -> None:
    """Give a finished output its final name; what was there goes when the new one is in its place."""
    if not (overwrite and path.is_dir()):
        partial.replace(path) if overwrite else partial.rename(path)
        return
    old = path.with_name(f".{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    path.rename(old)
    partial.rename(path)
    shutil.rmtree(old)
