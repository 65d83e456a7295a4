"""Memory of a process that reads chunk after chunk: kept for the next, its garbage collected cheaply."""

from __future__ import annotations

import ctypes
import gc
from functools import cache

__all__ = ["prepare_process"]

_TRIM, _MMAP = -1, -3  # numbers of M_TRIM_THRESHOLD and M_MMAP_THRESHOLD in the C library
_KEPT = 1 << 30  # [bytes] free memory that is not given back between chunks
_LARGEST = 1 << 25  # [bytes] arrays that are taken from it: the largest value that the C library allows


@cache
def prepare_process() -> None:
    """
    Make chunks cheap for this process; does so once.

    NanoEvents hold a reference cycle, so that every chunk needs a garbage collection. It would go through all
    objects of all imported packages, which takes longer than to read a small chunk: what is there by now is
    kept out. And arrays of a chunk would be given back to the system and asked for anew in the next one, page
    by page: free memory stays with the process, up to a limit.
    """
    gc.collect()
    gc.freeze()
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # of glibc; others do without
    if mallopt is not None:
        mallopt(_TRIM, _KEPT)
        mallopt(_MMAP, _LARGEST)
