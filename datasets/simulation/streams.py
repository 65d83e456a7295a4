"""Random streams per block of events, so that a result does not depend on who made which events."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["BLOCK", "stream"]

BLOCK = 1024  # events of a block


def stream(seed: int, source: str, block: int) -> np.random.Generator:
    """
    Return the random numbers of one block.

    Parameters
    ----------
    seed : int
        Of the user, not negative.
    source : str
        What is made: another name gives independent numbers.
    block : int
        Events [1024 block, 1024 (block + 1)).
    """
    entropy = [seed, zlib.crc32(source.encode()), block]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
