import math

import numpy as np
import pytest

from selections.background.extrapolation import (
    ExtrapolationConfig,
    Shape,
    Spectrum,
    expected_counts,
    extrapolate,
)
from selections.optimisation.expected import from_counts, from_weights

CONFIG = ExtrapolationConfig(closed=(0.0, 50.0), fit=(50.0, 75.0), fit_variations=(), slope=(0.0, 1.0))
EDGES = np.arange(50.0, 76.0)
ENDS = np.array([50.0, 40.0])


def test_no_event_is_half_an_event() -> None:
    known = from_weights(np.array([0.0, 6.0]), np.array([0.0, 12.0]), 0.5)
    assert known.mean == pytest.approx([0.25, 7.0])
    assert known.variance == pytest.approx([0.125, 14.0])
    assert known.with_relative_error(1.0).variance[1] == pytest.approx(14.0 + 49.0)
    assert known.scaled(2.0).variance[1] == pytest.approx(56.0)


def test_spectrum_tells_of_the_whole_box_and_of_a_part() -> None:
    slope, expected = 0.12, 400.0
    counts = np.round(expected_counts(Shape(), CONFIG.closed, EDGES, slope, expected))
    known = from_counts(np.stack([counts, counts])[:, :, None], EDGES, CONFIG, ENDS)
    assert known.mean[0, 0] == pytest.approx(expected, rel=0.02)
    part = (math.exp(-slope * 10) - math.exp(-slope * 50)) / (1 - math.exp(-slope * 50))
    assert known.mean[1, 0] / known.mean[0, 0] == pytest.approx(part, rel=0.01)
    interval = extrapolate(Spectrum(EDGES, counts.astype(np.int64)), CONFIG).nominal.expected
    assert math.sqrt(known.variance[0, 0]) == pytest.approx(0.5 * sum(interval.errors), rel=0.1)


def test_other_shapes_are_an_error() -> None:
    counts = expected_counts(Shape(), CONFIG.closed, EDGES, 0.12, 50.0)[None, :, None]
    other = ExtrapolationConfig(
        closed=CONFIG.closed, fit=CONFIG.fit, fit_variations=(), slope=CONFIG.slope,
        other_shapes=(Shape(name="gaussian"),),
    )  # fmt: skip
    one, two = (from_counts(counts, EDGES, c, ENDS[:1]) for c in (CONFIG, other))
    assert one.mean == pytest.approx(two.mean)
    assert two.variance[0, 0] > 2 * one.variance[0, 0]


def test_empty_side_band_is_not_no_background() -> None:
    known = from_counts(np.zeros((2, 25, 1)), EDGES, CONFIG, ENDS)
    assert (known.mean > 0).all()
    assert (known.variance > known.mean**2).all()
