"""Extrapolate a spectrum from a side band into the closed region."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from selections.background.intervals import Interval, join_errors, poisson_limits

__all__ = [
    "Extrapolation", "ExtrapolationConfig", "Fit", "Shape", "Spectrum", "bin_integrals", "expected_counts",
    "extrapolate", "fitted_curve",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Window = tuple[float, float]
ShapeName = Literal["exponential", "power", "gaussian"]

_SLOPES = 121  # of a grid, first over all slopes, then around the best
_STEP = 2.0  # [GeV] at most, of the integral over the closed region
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(6)  # of the integral over a bin


def _mirror(window: Window) -> Window:
    return -window[1], -window[0]


class Spectrum(NamedTuple):
    """Counts in bins."""

    edges: Floats  # (n_bins + 1,) [GeV]
    counts: Ints  # (n_bins,)

    def within(self, window: Window) -> Spectrum:
        """
        Return the bins of a window.

        Raises
        ------
        ValueError
            If the window does not begin and end at edges of bins.
        """
        first, last = (int(np.argmin(np.abs(self.edges - edge))) for edge in window)
        if last <= first or not np.allclose(self.edges[[first, last]], window, atol=1e-9):
            msg = (
                f"the window {window[0]:g} to {window[1]:g} GeV does not begin and end at edges of bins; the "
                f"spectrum goes from {self.edges[0]:g} to {self.edges[-1]:g} GeV in steps of "
                f"{self.edges[1] - self.edges[0]:g} GeV"
            )
            raise ValueError(msg)
        return Spectrum(self.edges[first : last + 1], self.counts[first:last])


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """
    A density exp(s g(x)) with one slope s, g'(x0) = 1 at the edge x0 between side band and closed region.

    With u = x + offset: g = x for "exponential", u0 ln u for "power", u^2 / (2 u0) for "gaussian".
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: ShapeName = "exponential"
    offset: float = 0.0  # [GeV]

    def exponent(self, x: Floats, edge: float) -> Floats:
        """Return g(x) - g(x0)."""
        u, u0 = x + self.offset, edge + self.offset
        if self.name == "power":
            return np.asarray(u0 * np.log(np.maximum(u, 1e-9) / u0))
        if self.name == "gaussian":
            return np.asarray((u**2 - u0**2) / (2 * u0))
        return np.asarray(x - edge)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtrapolationConfig:
    """
    Where the spectrum is fitted, into what it is extended, and how that is varied.

    The side band lies above the closed region, or below it if the fits do; then all shapes and slopes count
    from their edge downwards, and an offset is added to what is missing to it.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    closed: Window  # [GeV] of the closed region
    fit: Window  # [GeV] next to it
    fit_variations: tuple[Window, ...]  # whose least and largest result are the systematic error
    slope: Window  # [1/GeV] least and largest logarithmic slope at the edge
    shape: Shape = Shape()
    other_shapes: tuple[Shape, ...] = ()  # whose results are the systematic error of the model

    def __post_init__(self) -> None:
        windows = (self.closed, self.fit, *self.fit_variations, self.slope)
        if not all(low < high for low, high in windows):
            msg = f"windows must rise: low < high, got {windows}"
            raise ValueError(msg)
        fits = (self.fit, *self.fit_variations)
        if any(w[1] > self.edge if self.is_below else w[0] < self.edge for w in fits):
            side = "below" if self.is_below else "above"
            msg = f"fits must lie {side} the closed region, whose edge is {self.edge:g} GeV: {fits}"
            raise ValueError(msg)

    @property
    def is_below(self) -> bool:
        """Return whether the side band lies below the closed region."""
        return self.fit[1] <= self.closed[0]

    @property
    def edge(self) -> float:
        """Return where closed region and side band meet [GeV]."""
        return self.closed[0] if self.is_below else self.closed[1]

    def mirrored(self) -> ExtrapolationConfig:
        """Return the same along the negative axis."""
        variations = tuple(map(_mirror, self.fit_variations))
        return replace(self, closed=_mirror(self.closed), fit=_mirror(self.fit), fit_variations=variations)


class Fit(NamedTuple):
    """One fit and what it expects in the closed region."""

    window: Window  # [GeV]
    shape: Shape
    events: int  # in the window
    slope: float  # [1/GeV]; NaN without events
    slope_low: float
    slope_high: float
    expected: Interval  # statistical


class Extrapolation(NamedTuple):
    """What is expected in the closed region, with its errors."""

    nominal: Fit
    variations: tuple[Fit, ...]
    models: tuple[Fit, ...]

    @property
    def area(self) -> tuple[float, float]:
        """Return the least and the largest estimate of all fit ranges."""
        values = [fit.expected.value for fit in (self.nominal, *self.variations)]
        return min(values), max(values)

    @property
    def range_errors(self) -> tuple[float, float]:
        """
        Return how far the fit range moves the estimate down and up.

        A part of the events, or more of them, must give another estimate: of each difference the fluctuation
        that it must have, the difference in quadrature of both statistical errors, is taken off in quadrature
        (R. Barlow, arXiv:hep-ex/0207026). What is left is a systematic error.
        """
        moves = [_beyond_fluctuation(self.nominal, fit) for fit in self.variations]
        return abs(min([0.0, *moves])), max([0.0, *moves])

    @property
    def model_errors(self) -> tuple[float, float]:
        """Return how far other shapes move the estimate down and up."""
        moves = [fit.expected.value - self.nominal.expected.value for fit in self.models]
        return abs(min([0.0, *moves])), max([0.0, *moves])

    @property
    def interval(self) -> Interval:
        """Return the estimate with statistical and fit-range errors: complete where the shape is known."""
        return join_errors(self.nominal.expected, (self.range_errors,))

    @property
    def expected(self) -> Interval:
        """Return the estimate with the interval of all errors."""
        return join_errors(self.nominal.expected, (self.range_errors, self.model_errors))


def _beyond_fluctuation(nominal: Fit, other: Fit) -> float:
    """Return by how much two estimates differ beyond what their common events allow for."""
    move = other.expected.value - nominal.expected.value
    half = [0.5 * (fit.expected.high - fit.expected.low) for fit in (nominal, other)]
    rest = move**2 - abs(half[0] ** 2 - half[1] ** 2)
    return float(np.copysign(np.sqrt(max(rest, 0.0)), move))


class _Grid(NamedTuple):
    """What a fit knows before it sees counts."""

    slopes: Floats  # (n_slopes,) [1/GeV]
    log_shares: Floats  # (n_slopes, n_bins) of the events of the window
    ratios: Floats  # (n_slopes,) expected in the closed region per event of the window


def bin_integrals(shape: Shape, edge: float, edges: Floats, slopes: Floats) -> Floats:
    """
    Return the integral of the density over bins.

    Parameters
    ----------
    shape : Shape
    edge : float [GeV]
        Of the closed region, where the density is 1.
    edges : float64, shape (n_bins + 1,) [GeV]
    slopes : float64, shape (n_slopes,) [1/GeV]

    Returns
    -------
    float64, shape (n_slopes, n_bins) [GeV]
    """
    half = 0.5 * np.diff(edges)
    x = 0.5 * (edges[1:] + edges[:-1])[:, None] + half[:, None] * _POINTS
    density = np.exp(slopes[:, None, None] * shape.exponent(x, edge))
    return np.asarray((density * _WEIGHTS).sum(axis=2) * half)


def _make_grid(shape: Shape, closed: Window, edges: Floats, slopes: Floats) -> _Grid:
    bins = bin_integrals(shape, closed[1], edges, slopes)
    steps = np.linspace(*closed, 1 + int(np.ceil((closed[1] - closed[0]) / _STEP)))
    inside = bin_integrals(shape, closed[1], steps, slopes).sum(axis=1)
    total = bins.sum(axis=1)
    return _Grid(slopes, np.log(bins / total[:, None]), inside / total)


@lru_cache(maxsize=64)
def _whole_grid(shape: Shape, closed: Window, edges: tuple[float, ...], slope: Window) -> _Grid:
    return _make_grid(shape, closed, np.array(edges), np.linspace(*slope, _SLOPES))


def _fit(spectrum: Spectrum, config: ExtrapolationConfig, window: Window, shape: Shape) -> Fit:
    """
    Fit one window by likelihood.

    The Poisson likelihood of the bins is the product of that of their total count and of the shares of the
    bins, so that for every slope the mean of the total has Garwood's interval; slope and total share the
    distance of one standard deviation (their signed roots add in quadrature).
    """
    part = spectrum.within(window)
    grid = _whole_grid(shape, config.closed, tuple(part.edges.tolist()), config.slope)
    count = int(part.counts.sum())
    if count:
        around = _near(grid, part.counts)[1]
        first, last = max(int(around[0]) - 1, 0), min(int(around[-1]) + 1, _SLOPES - 1)
        slopes = np.linspace(grid.slopes[first], grid.slopes[last], _SLOPES)
        grid = _make_grid(shape, config.closed, part.edges, slopes)
    best, near, distance = _near(grid, part.counts)
    low, high = poisson_limits(count, np.sqrt(1.0 - distance[near]))
    ratios = grid.ratios[near]
    expected = Interval(
        float(count * grid.ratios[best]), float((low * ratios).min()), float((high * ratios).max())
    )
    slope = float(grid.slopes[best]) if count else float("nan")
    ends = grid.slopes[near[[0, -1]]]
    return Fit(window, shape, count, slope, float(ends[0]), float(ends[1]), expected)


def _near(grid: _Grid, counts: Ints) -> tuple[int, Ints, Floats]:
    """Return the best slope of a grid, those within one standard deviation, and twice the distance of all."""
    log_likelihood = grid.log_shares @ counts
    best = int(np.argmax(log_likelihood))
    distance = 2.0 * (log_likelihood[best] - log_likelihood)
    return best, np.flatnonzero(distance <= 1.0), distance


def extrapolate(spectrum: Spectrum, config: ExtrapolationConfig) -> Extrapolation:
    """
    Estimate the events of a closed region from the spectrum beside it.

    Parameters
    ----------
    spectrum : Spectrum
    config : ExtrapolationConfig

    Returns
    -------
    Extrapolation
        Of no events the estimate is 0, with an upper end that is not.

    Raises
    ------
    ValueError
        If a window does not begin and end at edges of bins.
    """
    if config.is_below:
        mirrored = Spectrum(-spectrum.edges[::-1], spectrum.counts[::-1])
        found = extrapolate(mirrored, config.mirrored())
        back = [fit._replace(window=_mirror(fit.window)) for fit in (found.nominal, *found.variations)]
        models = tuple(fit._replace(window=_mirror(fit.window)) for fit in found.models)
        return Extrapolation(back[0], tuple(back[1:]), models)
    return Extrapolation(
        _fit(spectrum, config, config.fit, config.shape),
        tuple(_fit(spectrum, config, window, config.shape) for window in config.fit_variations),
        tuple(_fit(spectrum, config, config.fit, shape) for shape in config.other_shapes),
    )


def expected_counts(shape: Shape, closed: Window, edges: Floats, slope: float, expected: float) -> Floats:
    """
    Return the mean counts of a spectrum whose closed region holds a given mean.

    Parameters
    ----------
    shape : Shape
    closed : (low, high) [GeV]
    edges : float64, shape (n_bins + 1,) [GeV]
    slope : float [1/GeV]
    expected : float
        Mean number of events in the closed region.

    Returns
    -------
    float64, shape (n_bins,)
    """
    grid = _make_grid(shape, closed, np.asarray(edges, dtype=np.float64), np.array([slope]))
    return np.asarray(expected / grid.ratios[0] * np.exp(grid.log_shares[0]))


def fitted_curve(fit: Fit, closed: Window, edges: Floats) -> tuple[Floats, Floats, Floats]:
    """
    Return what a fit expects in bins, inside and outside of its window.

    Parameters
    ----------
    fit : Fit
        Of at least one event.
    closed : (low, high) [GeV]
    edges : float64, shape (n_bins + 1,) [GeV]

    Returns
    -------
    value, low, high : float64, shape (n_bins,)
        With the ends of the statistical band; distances are taken for a parabola in the slope.
    """
    if fit.window[1] <= closed[0]:
        mirrored = fit._replace(window=_mirror(fit.window))
        value, low, high = fitted_curve(mirrored, _mirror(closed), -edges[::-1])
        return value[::-1], low[::-1], high[::-1]
    slopes = np.linspace(fit.slope_low, fit.slope_high, _SLOPES)
    side = np.where(slopes < fit.slope, fit.slope - fit.slope_low, fit.slope_high - fit.slope)
    pulls = (slopes - fit.slope) / np.maximum(side, 1e-12)
    low, high = poisson_limits(fit.events, np.sqrt(np.maximum(1.0 - pulls**2, 0.0)))
    chosen = np.append(slopes, fit.slope)
    shares = bin_integrals(fit.shape, closed[1], edges, chosen)
    shares /= bin_integrals(fit.shape, closed[1], np.linspace(*fit.window, _SLOPES), chosen).sum(
        axis=1, keepdims=True
    )
    return (
        fit.events * shares[-1],
        (low[:, None] * shares[:-1]).min(axis=0),
        (high[:, None] * shares[:-1]).max(axis=0),
    )
