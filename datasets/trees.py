"""The trees of a ROOT file, as its headers tell of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uproot

__all__ = ["TreeInfo", "UnreadableError", "brief", "read_trees"]

_RATIO = 1 << 15  # most that any compression reaches: zstd writes 128 KiB of one value as four bytes
_TREES = {"TTree", "ROOT::RNTuple", "ROOT::Experimental::RNTuple"}


class UnreadableError(OSError):
    """A file cannot be used; the text is the reason that the accounting gives."""


@dataclass(frozen=True, slots=True)
class TreeInfo:
    """One tree of a file."""

    name: str
    type: str  # TTree or RNTuple
    entries: int
    branches: tuple[str, ...]
    clusters: tuple[int, ...]  # entry numbers where clusters of baskets start and end


def read_trees(path: str) -> tuple[list[TreeInfo], str, dict[str, Any]]:
    """
    Open a file and list its trees.

    Returns
    -------
    (trees, uuid of the file, our own metadata if there is any)

    Raises
    ------
    UnreadableError
        If the file is empty, truncated, not a ROOT file or not there.
    """
    if "://" not in path and Path(path).is_file() and Path(path).stat().st_size == 0:
        msg = "the file is empty (0 bytes)"
        raise UnreadableError(msg)
    try:
        with uproot.open(path) as file:
            _check_length(path, file.file.fEND)
            types = file.classnames(recursive=True, cycle=False)
            trees = [_tree_info(name, file[name]) for name, type_ in types.items() if type_ in _TREES]
            metadata = json.loads(str(file["na64"])) if "na64" in file else {}
            return trees, str(file.file.uuid), metadata
    except UnreadableError:
        raise
    except PermissionError as error:
        msg = "cannot be read: permission denied"
        raise UnreadableError(msg) from error
    except ImportError as error:
        msg = f"cannot be opened: {brief(error)}. For root:// files install na64-columnar[xrootd]"
        raise UnreadableError(msg) from error
    except Exception as error:
        msg = f"cannot be opened as a ROOT file (truncated or damaged?): {brief(error)}"
        raise UnreadableError(msg) from error


def _check_length(path: str, expected: int) -> None:
    """Refuse a file that is shorter than its own header says: some of its baskets are not there."""
    size = Path(path).stat().st_size if "://" not in path else expected
    if size < expected:
        msg = f"is truncated: its header says {expected} bytes and it has {size}"
        raise UnreadableError(msg)


def brief(error: Exception) -> str:
    """Return type and first line of an error, paths of the machine left out."""
    line = next((text.strip() for text in str(error).splitlines() if text.strip()), "")
    return f"{type(error).__name__}{f': {line}' if line else ''}"[:160]


def _tree_info(name: str, tree: Any) -> TreeInfo:
    """Describe the newest version of a tree; ``name`` includes the folders it lies in."""
    is_tree = isinstance(tree, uproot.TTree)
    names = tuple(tree.keys(recursive=False))
    offsets: Sequence[int]
    if is_tree:
        _check_branches(tree)
        offsets = tree.common_entry_offsets() if tree.num_entries else [0]
        entries = int(tree.num_entries)
    else:
        entries = int(tree.num_entries)
        _check_pages(tree)
        starts = [int(s.num_first_entry) for s in tree.cluster_summaries]
        offsets = [*starts, entries]
    return TreeInfo(name, "TTree" if is_tree else "RNTuple", entries, names, tuple(map(int, offsets)))


def _check_branches(tree: Any) -> None:
    """Refuse a number of entries that no branch has: some would be left out, or asked for in vain."""
    counts = {int(branch.num_entries) for branch in tree.branches} or {0}
    if tree.num_entries != max(counts):
        msg = (
            f"is damaged: tree '{tree.name}' has {tree.num_entries} entries by its own word, and "
            f"{max(counts)} in its branches"
        )
        raise UnreadableError(msg)


def _check_pages(tree: Any) -> None:
    """Refuse pages outside of the file, or with more than can be in them, before memory is asked for."""
    size, bits = int(tree.file.fEND), [int(record.nbits) for record in tree.column_records]
    for cluster in tree.page_link_list:
        for column, pages in enumerate(cluster):
            for page in pages.pages:
                offset, length = int(page.locator.offset), int(page.locator.num_bytes)
                is_outside = offset < 0 or length < 0 or offset + length > size
                if is_outside or int(page.num_elements) * bits[column] > 8 * _RATIO * length:
                    msg = (
                        f"is damaged: a page of column {column} of '{tree.name}' has {page.num_elements} "
                        f"elements in {length} bytes from byte {offset} on, the file {size} bytes"
                    )
                    raise UnreadableError(msg)
