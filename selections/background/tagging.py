"""How well a tag tells electrons from hadrons: efficiency, mistag, and the curve of one against the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recon.srd import SrdTagConfig
from selections.background.intervals import Interval
from selections.cutflow import clopper_pearson

__all__ = ["Roc", "TagCounts", "count_tags", "largest_threshold", "roc"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class TagCounts(NamedTuple):
    """How many of some particles are tagged at each threshold; adds up with `+` of its arrays."""

    total: int
    tagged: Ints  # (n_thresholds,)

    def joined(self, other: TagCounts) -> TagCounts:
        """Return the counts of both samples."""
        return TagCounts(self.total + other.total, self.tagged + other.tagged)

    def rate(self, index: int) -> Interval:
        """Return the share that is tagged at a threshold, with its Clopper-Pearson interval."""
        return Interval(*clopper_pearson(int(self.tagged[index]), self.total))


class Roc(NamedTuple):
    """Efficiency and mistag at each threshold."""

    thresholds: Floats  # (n_thresholds,) [GeV]
    efficiency: tuple[Interval, ...]
    mistag: tuple[Interval, ...]

    def at_efficiency(self, least: float) -> int:
        """
        Return the index of the highest threshold that keeps an efficiency.

        Raises
        ------
        ValueError
            If no threshold does.
        """
        enough = [index for index, rate in enumerate(self.efficiency) if rate.value >= least]
        if not enough:
            best = max(rate.value for rate in self.efficiency)
            msg = f"no threshold has an efficiency of {least:.1%}; the largest is {best:.2%}"
            raise ValueError(msg)
        return enough[-1]


def largest_threshold(modules: Floats, config: SrdTagConfig) -> Floats:
    """
    Return up to which lower cut on every module an event is tagged as an electron.

    All other conditions of the tag (`recon.srd.tag_electrons`) stay as they are.

    Parameters
    ----------
    modules : float64, shape (n_events, n_modules) [GeV]
    config : SrdTagConfig
        Its ``module_low`` is not used.

    Returns
    -------
    float64, shape (n_events,) [GeV]
        -inf where no cut would do, NaN modules among them.
    """
    total = modules.sum(axis=1)
    passes = (total > config.sum_low) & (total < config.sum_high)
    passes &= np.count_nonzero(modules < config.module_high, axis=1) >= modules.shape[1] - 1
    passes &= np.isfinite(modules).all(axis=1)
    return np.where(passes, modules.min(axis=1, initial=np.inf), -np.inf)


def count_tags(largest: Floats, thresholds: Floats) -> TagCounts:
    """
    Count tagged events at each threshold.

    Parameters
    ----------
    largest : float64, shape (n_events,) [GeV]
        From `largest_threshold`.
    thresholds : float64, shape (n_thresholds,) [GeV]
        Rising.
    """
    tagged = len(largest) - np.searchsorted(np.sort(largest), thresholds, side="right")
    return TagCounts(len(largest), tagged.astype(np.int64))


def roc(thresholds: Floats, electrons: TagCounts, hadrons: TagCounts) -> Roc:
    """Return efficiency against mistag of two samples."""
    indices: Sequence[int] = range(len(thresholds))
    return Roc(
        thresholds,
        tuple(electrons.rate(index) for index in indices),
        tuple(hadrons.rate(index) for index in indices),
    )
