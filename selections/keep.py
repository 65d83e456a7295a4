"""Conditions to KEEP an event that several modes use; what is not a number keeps nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from selections.cut import Mask

__all__ = ["all_below", "all_in_window", "below", "in_time", "window"]

Floats = npt.NDArray[np.float64]


def below(value: Floats, *, limit: float) -> Mask:
    """Keep less than ``limit``."""
    return value < limit


def all_below(parts: Floats, *, limit: float) -> Mask:
    """Keep where each part is less than ``limit``."""
    return np.asarray((parts < limit).all(axis=1))


def window(value: Floats, *, low: float, high: float) -> Mask:
    """Keep what lies between ``low`` and ``high``."""
    return (value > low) & (value < high)


def all_in_window(parts: Floats, *, low: float, high: float) -> Mask:
    """Keep where each part lies between ``low`` and ``high``."""
    return np.asarray(window(parts, low=low, high=high).all(axis=1))


def in_time(
    master_time: Floats | None,
    ecal: Floats | None,
    hcal: Floats | None,
    *,
    ecal_out_of_time_limit: float,
    hcal_out_of_time_limit: float,
) -> Mask:
    """Keep a known time [ns] with little energy [GeV] beside it; None is what a layout does not hold."""
    quiet: Mask = np.ones(1, dtype=bool)  # of one event: spreads over all
    for values, limit in (
        (master_time, np.inf),
        (ecal, ecal_out_of_time_limit),
        (hcal, hcal_out_of_time_limit),
    ):
        quiet = quiet if values is None else quiet & (values < limit)
    return quiet
