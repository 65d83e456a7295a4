"""Does the interval of an extrapolation cover the truth? Pseudo-experiments with a known one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from selections.background.extrapolation import (
    ExtrapolationConfig,
    Shape,
    Spectrum,
    expected_counts,
    extrapolate,
)
from selections.background.intervals import Interval

__all__ = ["Closure", "Truth", "run_closure"]

Floats = npt.NDArray[np.float64]


class Truth(NamedTuple):
    """What pseudo-data are drawn from."""

    shape: Shape
    slope: float  # [1/GeV] at the edge of the closed region
    expected: float  # mean number of events in the closed region


class Closure(NamedTuple):
    """What came of pseudo-experiments."""

    truth: Truth
    side_band: float  # mean number of events in the fit's window
    covers: npt.NDArray[np.bool_]  # (n_experiments,) with statistical and fit-range errors
    covers_with_model: npt.NDArray[np.bool_]  # (n_experiments,) with all errors
    pulls: Floats  # (n_experiments,) estimate minus truth over the error on the side of the truth

    @property
    def coverage(self) -> float:
        """Return the share of experiments whose interval holds the truth, the shape being known."""
        return float(self.covers.mean())

    @property
    def coverage_with_model(self) -> float:
        """Return the share of experiments whose interval of all errors holds the truth."""
        return float(self.covers_with_model.mean())


def run_closure(
    config: ExtrapolationConfig, truth: Truth, n_experiments: int, rng: np.random.Generator
) -> Closure:
    """
    Draw side bands and extrapolate each.

    Parameters
    ----------
    config : ExtrapolationConfig
        Windows begin and end at whole GeV.
    truth : Truth
    n_experiments : int
    rng : numpy.random.Generator
    """
    last = max(window[1] for window in (config.fit, *config.fit_variations))
    edges = np.arange(config.edge, last + 0.5)
    means = expected_counts(truth.shape, config.closed, edges, truth.slope, truth.expected)
    covers, complete, pulls, events = [], [], [], []
    for counts in rng.poisson(means, (n_experiments, len(means))):
        found = extrapolate(Spectrum(edges, counts), config)
        covers.append(_holds(found.interval, truth.expected))
        complete.append(_holds(found.expected, truth.expected))
        pulls.append(_pull(found.interval, truth.expected))
        events.append(found.nominal.events)
    return Closure(truth, float(np.mean(events)), np.array(covers), np.array(complete), np.array(pulls))


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def _pull(interval: Interval, truth: float) -> float:
    down, up = interval.errors
    distance = interval.value - truth
    error = up if distance < 0 else down
    return float(np.clip(distance / error, -1e3, 1e3)) if error > 0 else float(np.copysign(1e3, distance))
