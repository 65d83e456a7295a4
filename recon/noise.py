"""Random numbers that belong to an event, not to its place in a file.

The smearing of simulated events must not depend on chunks, workers, file names or neighbours, and skimming
or merging files must not change it. So every event has a 64-bit key made of its own identity, and the n-th
number of a stream is a mix of key, stream and n (the SplitMix64 finaliser of Steele, Lea and Flood,
OOPSLA 2014). Generators with a state serve where events are made, not where they are read.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

__all__ = ["event_keys", "keyed_normal", "keyed_uniform"]

Keys = npt.NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(state: Keys) -> Keys:
    """Return the SplitMix64 finaliser of each value."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def event_keys(identity: Sequence[npt.NDArray[np.generic]], seed: int) -> Keys:
    """
    Make one key per event from the quantities that identify it.

    Parameters
    ----------
    identity : sequence of arrays, each of shape (n_events,)
        Numbers that together tell one event from another: run, spill, event, or beam truth.
    seed : int
        Of the user; another seed gives independent noise.

    Returns
    -------
    uint64, shape (n_events,)
    """
    if not identity:
        msg = "an event key needs at least one identifying quantity; name some under 'identity' in the layout"
        raise ValueError(msg)
    keys = np.full(len(identity[0]), np.uint64(seed), dtype=np.uint64)
    for values in identity:
        bits = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
        keys = _mix(keys * _GOLDEN + bits + _GOLDEN)
    return keys


def keyed_uniform(keys: Keys, stream: str, n_values: int) -> npt.NDArray[np.float64]:
    """
    Draw uniform numbers for each event.

    Parameters
    ----------
    keys : uint64, shape (n_events,)
    stream : str
        Name of the use, so that two uses are independent.
    n_values : int
        Numbers per event.

    Returns
    -------
    float64, shape (n_events, n_values)
        In the open interval (0, 1).
    """
    salt = np.uint64(zlib.crc32(stream.encode()))
    steps = (np.arange(1, n_values + 1, dtype=np.uint64) + (salt << np.uint64(32))) * _GOLDEN
    bits = _mix(_mix(keys)[:, None] + steps[None, :]) >> np.uint64(11)
    return (bits.astype(np.float64) + 0.5) * 2.0**-53


def keyed_normal(keys: Keys, stream: str, n_values: int) -> npt.NDArray[np.float64]:
    """
    Draw standard normal numbers for each event.

    Parameters
    ----------
    keys : uint64, shape (n_events,)
    stream : str
    n_values : int

    Returns
    -------
    float64, shape (n_events, n_values)
    """
    normal: npt.NDArray[np.float64] = ndtri(keyed_uniform(keys, stream, n_values))
    return normal
