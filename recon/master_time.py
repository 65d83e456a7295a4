"""Reference time of an event, from its beam counters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["MasterTime", "master_time"]

Floats = npt.NDArray[np.floating]


class MasterTime(NamedTuple):
    """When the beam particle passed, each of shape (n_events,)."""

    time: npt.NDArray[np.float64]  # [ns] mean over the counters that measured; NaN without any
    n_counters: npt.NDArray[np.int64]  # that measured
    is_valid: npt.NDArray[np.bool_]  # at least one counter measured


def master_time(times: Floats, is_valid: npt.NDArray[np.bool_]) -> MasterTime:
    """
    Average the times of the beam counters of each event.

    Parameters
    ----------
    times : float, shape (n_events, n_counters) [ns]
        Each relative to the expected time of its counter.
    is_valid : bool, shape (n_events, n_counters)
        Whether the counter measured; a time that is not finite never counts.

    Returns
    -------
    MasterTime

    Raises
    ------
    ValueError
        If the arrays do not have the same two axes.
    """
    if times.ndim != 2 or times.shape != is_valid.shape:
        msg = (
            f"times and is_valid must both be (n_events, n_counters), got {times.shape} and {is_valid.shape}"
        )
        raise ValueError(msg)
    used = is_valid & np.isfinite(times)
    n_counters = used.sum(axis=1)
    total = np.where(used, times, 0.0).sum(axis=1, dtype=np.float64)
    mean = np.full(len(times), np.nan)
    np.divide(total, n_counters, out=mean, where=n_counters > 0)
    return MasterTime(mean, n_counters, n_counters > 0)
