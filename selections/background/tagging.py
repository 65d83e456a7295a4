"""How well a tag tells electrons from hadrons: efficiency, mistag, and the curve of one against the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recon.srd import SrdTagConfig
from selections.background.intervals import Interval, join_errors
from selections.cutflow import clopper_pearson

__all__ = ["Roc", "TagCounts", "contamination", "count_tags", "largest_threshold", "roc"]

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


def contamination(tagged: Interval, efficiency: Interval, mistag: Interval) -> Interval:
    """
    Return the share of hadrons in a beam out of the share of its particles that is tagged.

    ``tagged = (1 - c) efficiency + c mistag``. On data it may be used where untagged events may be seen: in
    calibration runs, not with physics triggers, whose base requirement holds the tag.

    Parameters
    ----------
    tagged : Interval
        Share of the beam's particles that is tagged.
    efficiency : Interval
        Share of electrons that is tagged, from a pure sample.
    mistag : Interval
        Share of hadrons that is tagged.

    Raises
    ------
    ValueError
        If the tag does not tell electrons from hadrons.
    """
    span = efficiency.value - mistag.value
    if not span > 0:
        msg = f"a tag of {efficiency.value:g} of electrons and {mistag.value:g} of hadrons tells nothing"
        raise ValueError(msg)
    value = (efficiency.value - tagged.value) / span
    # derivatives: -1 / span, (1 - c) / span, c / span
    moves = [
        (tagged.errors[1] / span, tagged.errors[0] / span),
        tuple(abs(1 - value) / span * error for error in efficiency.errors),
        tuple(abs(value) / span * error for error in mistag.errors),
    ]
    known = max(value, 0.0)
    return join_errors(Interval(known, known, known), [(down, up) for down, up in moves])
