"""Places and widths of peaks in histograms of many channels: robust, and addable before."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Peaks", "count_values", "measure_peaks", "quantile"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Peaks(NamedTuple):
    """Of each row, (n_rows,); NaN where there are too few entries."""

    mean: Floats  # of the entries within the window around the median
    error: Floats  # statistical
    sigma: Floats  # rms of those, corrected for the cut and the width of bins
    entries: Ints  # within the window


def count_values(row: npt.NDArray[np.integer], values: Floats, n_rows: int, edges: Floats) -> Ints:
    """
    Count values in equal bins, row by row; what lies outside, or is NaN, is not counted.

    Parameters
    ----------
    row : int, shape (n,)
    values : float64, shape (n,)
    n_rows : int
    edges : float64, shape (n_bins + 1,)
        Equally spaced.

    Returns
    -------
    int64, shape (n_rows, n_bins)
    """
    n_bins = len(edges) - 1
    with np.errstate(invalid="ignore"):
        at = np.floor((values - edges[0]) / (edges[-1] - edges[0]) * n_bins)
    good = (at >= 0) & (at < n_bins)
    flat = row[good] * n_bins + at[good].astype(np.int64)
    return np.bincount(flat, minlength=n_rows * n_bins).reshape(n_rows, n_bins).astype(np.int64)


def quantile(counts: Ints, edges: Floats, probability: float) -> Floats:
    """
    Return a quantile of each row, linear within its bin.

    Parameters
    ----------
    counts : int64, shape (n_rows, n_bins)
    edges : float64, shape (n_bins + 1,)
    probability : float

    Returns
    -------
    float64, shape (n_rows,)
        NaN for rows without entries.
    """
    below = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
    out = np.full(len(counts), np.nan)
    for row in np.flatnonzero(below[:, -1] > 0):
        goal = probability * below[row, -1]
        bin_ = int(np.searchsorted(below[row], goal, side="left")) - 1
        bin_ = min(max(bin_, 0), counts.shape[1] - 1)
        inside = (goal - below[row, bin_]) / max(counts[row, bin_], 1)
        out[row] = edges[bin_] + min(max(inside, 0.0), 1.0) * (edges[bin_ + 1] - edges[bin_])
    return out


# Variance of a Gaussian that is cut at +/- 3 sigma, over that of the whole.
_CUT_3 = 0.97334


def measure_peaks(counts: Ints, edges: Floats, least: int = 20, n_steps: int = 6) -> Peaks:
    """
    Return mean and width of the peak of each row, of entries within 3 sigma of the mean.

    The first window is 3 half widths of the middle 68.27% around the median; it follows mean and sigma
    until they stay. Sigma is corrected for what the window cuts off a Gaussian, and by Sheppard for the
    width of the bins.

    Parameters
    ----------
    counts : int64, shape (n_rows, n_bins)
    edges : float64, shape (n_bins + 1,)
        Equally spaced.
    least : int
        Fewest entries of a window.
    n_steps : int
    """
    middle, width = 0.5 * (edges[1:] + edges[:-1]), edges[1] - edges[0]
    mean = quantile(counts, edges, 0.5)
    sigma = 0.5 * (quantile(counts, edges, 0.84135) - quantile(counts, edges, 0.15865))
    entries = np.zeros(len(counts), dtype=np.int64)
    for _ in range(n_steps):
        half = np.maximum(3.0 * sigma, 1.5 * width)[:, None]
        kept = np.where(np.abs(middle - mean[:, None]) <= half, counts, 0)
        entries = kept.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (kept * middle).sum(axis=1) / entries
            variance = (kept * (middle - mean[:, None]) ** 2).sum(axis=1) / entries - width**2 / 12
            sigma = np.sqrt(np.maximum(variance, 0.0) / _CUT_3)
    few = entries < least
    mean[few] = sigma[few] = np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(sigma**2 + width**2 / 12) / np.sqrt(entries)
    return Peaks(mean, error, sigma, entries)
