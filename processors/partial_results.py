"""Results of parts of a run on disk, for a run that is interrupted.

A part is the sum over some neighbouring entries of one file. Its place is named by what decides its content
(file, entries, configuration, code, what is open), so that it cannot be taken for anything else, and it holds
a digest, so that a damaged one is not taken at all. It is made of what the processor returns: on data a
function of shown events alone.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pickle
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets.probe import Probe

__all__ = ["ENDING", "PartialResults", "read_part", "sync_folder", "write_part"]

_LOG = logging.getLogger(__name__)
_VERSION = 1
ENDING = ".part"


class PartialResults:
    """
    The parts of a run.

    Parameters
    ----------
    folder : Path
        Where they are written.
    key : callable
        Returns of a file the digest of all that decides its results.
    about : mapping
        What each part says of itself.
    others : sequence of Path
        Folders in which to look too.
    """

    def __init__(
        self,
        folder: Path,
        key: Callable[[Probe], str],
        about: dict[str, Any] | None = None,
        others: tuple[Path, ...] = (),
    ) -> None:
        self.folder = folder
        self.kept = 0  # entries of which a part is on disk, as far as this object knows
        self._key = key
        self._about = about or {}
        self._others = others
        self._is_full = False

    def has(self, probe: Probe) -> bool:
        """Return whether there is a part of a file that could be taken over."""
        return any(any(self._folder(at, probe).glob(f"*{ENDING}")) for at in (self.folder, *self._others))

    def load(self, probe: Probe, start: int, stop: int) -> Any:
        """Return the sum over these entries; None where there is none, or it is damaged."""
        for at in (self.folder, *self._others):
            path = self._path(at, probe, start, stop)
            if path.is_file():
                out = read_part(path, self._key(probe))
                if out is not None:
                    self.kept += stop - start
                    return out
                _LOG.warning("partial result %s is damaged; its events are processed again", path)
        return None

    def save(self, probe: Probe, start: int, stop: int, out: Any) -> None:
        """Write a part; where that fails, say so once and go on: the result is in memory still."""
        path = self._path(self.folder, probe, start, stop)
        about = {
            **self._about,
            "dataset": probe.file.dataset,
            "file": Path(probe.file.path).name,
            "entries": [start, stop],
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_part(path, self._key(probe), about, out)
        except OSError as error:
            if not self._is_full:
                why = error.strerror or error
                _LOG.warning("cannot keep partial results in %s: %s; the run goes on", self.folder, why)
            self._is_full = True
            return
        if self._is_full:
            _LOG.warning("partial results can be kept again")
        self._is_full = False
        self.kept += stop - start

    def forget(self, probe: Probe, start: int, stop: int) -> None:
        """Remove a part that a larger one holds, if that could be written."""
        path = self._path(self.folder, probe, start, stop)
        if not self._is_full and path.is_file():
            path.unlink()
            self.kept -= stop - start

    def clear(self) -> None:
        """Remove all parts."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _folder(self, at: Path, probe: Probe) -> Path:
        return at / self._key(probe)[:32]

    def _path(self, at: Path, probe: Probe, start: int, stop: int) -> Path:
        return self._folder(at, probe) / f"{start:012d}-{stop:012d}{ENDING}"


def write_part(path: Path, key: str, about: dict[str, Any], out: Any) -> None:
    """
    Write a part under a temporary name, and rename it when it is on the disk.

    Parameters
    ----------
    path : Path
    key : str
        Of what decides the content.
    about : dict
        For people.
    out : object
        What the processor returned.
    """
    payload = zlib.compress(pickle.dumps(out, protocol=5), 1)  # bins are mostly empty: 1.4 MB become 21 kB
    head = {"version": _VERSION, "key": key, "digest": hashlib.sha256(payload).hexdigest(), **about}
    temporary = path.with_name(f"{path.name}.{os.getpid()}.writing")
    try:
        with temporary.open("wb") as stream:
            stream.write(json.dumps(head).encode() + b"\n")
            stream.write(payload)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _sync(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_part(path: Path, key: str | None = None) -> Any:
    """
    Read a part.

    Parameters
    ----------
    path : Path
    key : str, optional
        It must have been written with; None: any.

    Returns
    -------
    object
        None where the file is damaged, or of another key.
    """
    try:
        line, _, payload = path.read_bytes().partition(b"\n")
        head = json.loads(line)
        if head["version"] != _VERSION or (key is not None and head["key"] != key):
            return None
        if head["digest"] != hashlib.sha256(payload).hexdigest():
            return None
        return pickle.loads(zlib.decompress(payload))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ImportError):
        return None
    except (pickle.UnpicklingError, zlib.error, EOFError):
        return None


def sync_folder(folder: Path) -> None:
    """Wait until all files below a folder are on the disk."""
    for path in sorted(folder.rglob("*")):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # some systems open no folders
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if path.is_file():
            raise
        _LOG.debug("cannot sync folder %s: %s", path, error)
    finally:
        os.close(handle)
