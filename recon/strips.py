"""Strips (APV25 of micromegas and GEM): from three samples of each channel to hits with x and y."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.hits import TrackerHits
from recon.strip_channels import Channels, StripTable, clear, load, strip_table
from recon.strip_clusters import COLUMNS, StripClusters, find_in_row
from recon.strip_hits import MatchConfig, match_clusters
from recon.strip_sharing import Cuts, Work, make_work

__all__ = [
    "StripClusters",
    "StripConfig",
    "StripTable",
    "find_strip_clusters",
    "find_strip_hits",
    "strip_table",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.integer]

_QUALITY = (
    "unknown_detector", "unknown_channel", "duplicate_channel", "bad_channel", "noise_channel",
    "hidden_channel", "too_many_clusters",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StripConfig:
    """What makes a cluster of strips."""

    noise_cut: float = 4.0  # noises that the largest sample of a channel must reach
    common_mode_share: float = 0.9  # of a chip's channels must be there to subtract their median
    chip_channels: int = 128  # channels whose pedestals move together: one APV25
    hidden_factor: float = 12.0  # cross-talks of a saturated neighbour that are not told from a charge
    seed_cut: float = 6.0  # noises that the largest strip, summed over samples, must reach
    min_strips: int = 2  # of a cluster on channels with several strips; one strip alone may be any of them
    reach: int = 3  # strips on either side of the largest that may belong to a cluster
    model_uncertainty: float = 0.2  # part of the charge explained that may remain without being searched
    n_iterations: int = 20  # of sharing channels, at most
    max_clusters: int = 16  # of a coordinate and event

    def __post_init__(self) -> None:
        if not (self.noise_cut > 0 and self.seed_cut > 0 and 0 < self.common_mode_share <= 1):
            msg = f"strips need noise_cut and seed_cut above 0 and common_mode_share in (0, 1], got {self}"
            raise ValueError(msg)
        if min(self.chip_channels, self.min_strips, self.reach, self.n_iterations, self.max_clusters) < 1:
            msg = (
                "strips need chip_channels, min_strips, reach, n_iterations and max_clusters of at least 1, "
                f"got {self}"
            )
            raise ValueError(msg)
        if not (self.model_uncertainty >= 0 and self.hidden_factor >= 0):
            msg = f"strips need model_uncertainty and hidden_factor that are not negative, got {self}"
            raise ValueError(msg)


def find_strip_clusters(
    offsets: Integers,
    detector: Integers,
    channel: Integers,
    samples: Integers,
    table: StripTable,
    config: StripConfig | None = None,
) -> tuple[StripClusters, dict[str, int]]:
    """
    Find the clusters of each coordinate of each plane.

    The median of a chip's channels is subtracted where enough of them are there: data without the channels
    below threshold stay as they are. Then cross-talk is subtracted, channels below the noise and those that
    may have all their charge from a saturated neighbour are left out, and clusters are searched as
    `recon.strip_clusters` says.

    Parameters
    ----------
    offsets : int, shape (n_events + 1,)
        Digits of event i are ``offsets[i]`` to ``offsets[i + 1]``.
    detector : int, shape (n_digits,)
        2 * plane + (0 for x, 1 for y).
    channel : int, shape (n_digits,)
    samples : int, shape (n_digits, n_samples) [ADC]
        Above the pedestal.
    table : StripTable
    config : StripConfig, optional

    Returns
    -------
    StripClusters
    dict of str to int
        Digits left out: ``unknown_detector``, ``unknown_channel``, ``duplicate_channel`` (the first one
        stays), ``bad_channel``, ``noise_channel``, ``hidden_channel`` (beside a saturated one). And
        ``too_many_clusters``: coordinates of an event that had more than ``max_clusters``.

    Raises
    ------
    ValueError
        If the arrays do not fit together or to the table.
    """
    _check(offsets, detector, channel, samples, table)
    config = config or StripConfig()
    cuts = Cuts(
        config.seed_cut,
        config.noise_cut,
        config.min_strips,
        config.reach,
        config.model_uncertainty,
        config.n_iterations,
        config.max_clusters,
    )
    quality = np.zeros(len(_QUALITY), dtype=np.int64)
    starts, rows, found = _find(
        np.asarray(offsets, dtype=np.int64),
        detector,
        channel,
        samples,
        table,
        cuts,
        (config.noise_cut, config.common_mode_share, config.chip_channels, config.hidden_factor),
        make_work(table, cuts),
        quality,
    )
    columns = dict(zip(COLUMNS, np.ascontiguousarray(found.T), strict=True))
    rivals, size = columns.pop("rivals"), columns.pop("size")
    clusters = StripClusters(starts, rows, **columns, size=size.astype(np.int64), is_ambiguous=rivals > 0)
    return clusters, dict(zip(_QUALITY, quality.tolist(), strict=True))


def find_strip_hits(
    offsets: Integers,
    detector: Integers,
    channel: Integers,
    samples: Integers,
    table: StripTable,
    config: StripConfig | None = None,
    match: MatchConfig | None = None,
) -> tuple[TrackerHits, dict[str, int]]:
    """
    Find the hits of planes of strips: `find_strip_clusters`, then `recon.strip_hits.match_clusters`.

    Parameters
    ----------
    offsets, detector, channel, samples, table, config
        As for `find_strip_clusters`.
    match : MatchConfig, optional

    Returns
    -------
    TrackerHits
    dict of str to int
        Of both; ``ambiguous_cluster`` counts the clusters that may be elsewhere.
    """
    clusters, quality = find_strip_clusters(offsets, detector, channel, samples, table, config)
    hits, lost = match_clusters(clusters, match)
    return hits, quality | {"ambiguous_cluster": int(clusters.is_ambiguous.sum())} | lost


def _check(
    offsets: Integers, detector: Integers, channel: Integers, samples: Integers, table: StripTable
) -> None:
    """Raise unless the arrays fit together."""
    n = len(detector)
    if not len(channel) == len(samples) == n:
        lengths = f"{n}, {len(channel)}, {len(samples)}"
        msg = f"detector, channel and samples must have the same length, got {lengths}"
        raise ValueError(msg)
    if samples.shape != (n, table.n_samples):
        msg = f"samples of strips must have the shape {(n, table.n_samples)}, got {samples.shape}"
        raise ValueError(msg)
    if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != n or (np.diff(offsets) < 0).any():
        msg = f"offsets must rise from 0 to the number of digits, {n}, got {offsets}"
        raise ValueError(msg)


@njit(cache=True)
def _find(
    offsets: Ints,
    detector: Integers,
    channel: Integers,
    samples: Integers,
    table: StripTable,
    cuts: Cuts,
    channel_cuts: tuple[float, float, int, float],
    work: Work,
    quality: Ints,
) -> tuple[Ints, Ints, Floats]:
    """Return offsets, detectors and one row of `COLUMNS` per cluster."""
    n_rows, widest = table.is_bad.shape
    channels = Channels(
        np.zeros((n_rows, widest, table.n_samples)),
        np.zeros((n_rows, widest), np.bool_),
        np.zeros((n_rows, widest), np.bool_),
        np.zeros((n_rows, widest, table.n_samples), np.bool_),
        np.zeros(n_rows, np.int64),
        np.zeros(table.n_samples),
    )
    most = n_rows * cuts.most
    starts, total = np.zeros(len(offsets), np.int64), 0
    rows, found = np.empty(most, np.int64), np.empty((most, 9))
    for event in range(len(offsets) - 1):
        here = slice(offsets[event], offsets[event + 1])
        load(detector[here], channel[here], samples[here], table, channel_cuts, channels, quality)
        if total + most > len(rows):
            rows = np.concatenate((rows, np.empty(len(rows) + most, np.int64)))
            found = np.concatenate((found, np.empty((len(found) + most, found.shape[1]))))
        for row in range(n_rows):
            if channels.n_there[row] > 0:
                n, is_overflow = find_in_row(
                    row,
                    channels.charge[row],
                    channels.is_fired[row],
                    channels.is_full[row],
                    table,
                    cuts,
                    work,
                    found[total : total + cuts.most],
                )
                rows[total : total + n] = row
                total += n
                quality[6] += is_overflow
        clear(channels)
        starts[event + 1] = total
    return starts, rows[:total].copy(), found[:total].copy()
