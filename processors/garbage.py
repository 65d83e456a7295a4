"""Garbage of chunks, without a look at all that was imported."""

from __future__ import annotations

import gc
from functools import cache

__all__ = ["set_aside_imports"]


@cache
def set_aside_imports() -> None:
    """
    Keep what the process holds by now out of all later garbage collections; does so once.

    NanoEvents hold a reference cycle, so that every chunk needs a collection. It goes through all objects of
    all imported packages otherwise, which takes longer than to read the chunk.
    """
    gc.collect()
    gc.freeze()
