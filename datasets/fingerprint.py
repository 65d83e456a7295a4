"""What tells one version of a file from another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import fsspec

from datasets.config import ConfigError

__all__ = [
    "Digest",
    "DigestError",
    "Ends",
    "FileChange",
    "fingerprint",
    "hash_file",
    "mark_of",
    "read_ends",
    "require_digest",
]

_EDGE = 64 * 1024  # [bytes] hashed at both ends by the quick digest


class DigestError(ConfigError):
    """A file is not the one that the catalogue lists."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A fingerprint of a file and how much of it was looked at."""

    algorithm: str
    value: str
    scope: Literal["quick", "full"]


class Ends(NamedTuple):
    """Size of a file [bytes] and what stands at its two ends; the UUID of a ROOT file is in the first."""

    size: int
    first: bytes
    last: bytes

    def digest(self) -> str:
        """Return the SHA-256 of both."""
        hasher = hashlib.sha256(f"{self.size} ".encode())
        hasher.update(self.first)
        hasher.update(self.last)
        return hasher.hexdigest()


def read_ends(path: str) -> Ends:
    """
    Read size and both ends of a file or URL.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with fsspec.open(path, "rb") as stream:
        size = int(stream.seek(0, 2))
        stream.seek(0)
        first = stream.read(_EDGE)
        stream.seek(max(0, size - _EDGE))
        return Ends(size, first, stream.read(_EDGE))


def fingerprint(path: str, uuid: str, *, full: bool, ends: Ends | None = None) -> tuple[Ends, Digest]:
    """
    Return both ends and a digest: of size, UUID and both ends, or of all of the file.

    Parameters
    ----------
    path, uuid : str
    full : bool
    ends : Ends, optional
        Where they were read already.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    ends = ends or read_ends(path)
    if not full:
        hasher = hashlib.sha256(f"{ends.size} {uuid} ".encode())
        hasher.update(ends.first)
        hasher.update(ends.last)
        return ends, Digest("sha256", hasher.hexdigest(), "quick")
    return ends, hash_file(path)


def hash_file(path: str) -> Digest:
    """
    Return the SHA-256 of all bytes of a file or URL.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    hasher = hashlib.sha256()
    with fsspec.open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            hasher.update(block)
    return Digest("sha256", hasher.hexdigest(), "full")


def require_digest(path: str, sha256: str) -> Digest:
    """
    Return the digest of all of a file, which must be the one given.

    Parameters
    ----------
    path : str
    sha256 : str
        By the catalogue, 64 hexadecimal digits.

    Raises
    ------
    DigestError
        If the file has another.
    OSError
        If it cannot be read.
    """
    found = hash_file(path)
    if found.value != sha256:
        msg = (
            f"{path} has the SHA-256 {found.value[:16]}..., the catalogue says {sha256[:16]}...: it is "
            f"damaged, or another version of the file. Fetch it again, or leave it out"
        )
        raise DigestError(msg)
    return found


def mark_of(path: str) -> tuple[int, int] | None:
    """Return size and time of change [ns] of a local file; None of what is not there or is remote."""
    try:
        stat = Path(path).stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


class FileChange(NamedTuple):
    """How a file differs from what it was."""

    what: str

    def __str__(self) -> str:
        return f"the file changed after it was looked at ({self.what})"

    @classmethod
    def of(cls, path: str, expected: str, before: tuple[int, int] | None) -> FileChange | None:
        """
        Compare a local file with what it was; of URLs nothing is known.

        Parameters
        ----------
        path : str
        expected : str
            `Ends.digest` when it was looked at.
        before : (int, int) or None
            `mark_of` before it was read.

        Returns
        -------
        FileChange or None
            None where it did not change, or cannot be read, which has reasons of its own.
        """
        if "://" in path:
            return None
        if before is not None and mark_of(path) not in {before, None}:
            return cls("while it was read")
        try:
            ends = read_ends(path)
        except OSError:
            return cls("it is gone") if not Path(path).exists() else None
        return None if ends.digest() == expected else cls("other size, UUID or content")
