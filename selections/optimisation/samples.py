"""Events of which thresholds are tried: which pass at each value, grouped so that replicas cost nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from selections.cut import Cut, Mask, passes
from selections.optimisation.config import BOX

__all__ = ["Groups", "Point", "Sample", "group_events", "pass_cuts", "within_box"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Point = Mapping[str, float]  # "cut.key" or "signal_box.column" -> threshold


class Sample(NamedTuple):
    """Events that meet the base requirement, and what the cuts read of them."""

    name: str
    columns: Mapping[str, npt.NDArray[Any]]  # (n_events, ...)
    weights: Floats  # (n_events,)

    def part(self, chosen: Mask) -> Sample:
        """Return some of the events."""
        return Sample(self.name, {k: v[chosen] for k, v in self.columns.items()}, self.weights[chosen])


class Groups(NamedTuple):
    """Events that pass at the same values of a scan, and lie in the same bin."""

    passes: Mask  # (n_values, n_groups)
    bins: Ints  # (n_groups,)
    events: Ints  # (n_groups,)
    sums: Floats  # (n_groups,) of the weights
    squares: Floats  # (n_groups,) of the weights squared

    def replicas(self, n_replicas: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """
        Draw other samples of the same size: the Poisson bootstrap.

        A group stands for as many events of equal weight as have its relative error.

        Parameters
        ----------
        n_replicas : int
        rng : numpy.random.Generator

        Returns
        -------
        sums, squares : float64, shape (n_groups, 1 + n_replicas)
            First the sample itself.
        """
        weight = np.divide(self.squares, self.sums, out=np.zeros_like(self.sums), where=self.sums > 0)
        number = np.divide(self.sums, weight, out=np.zeros_like(weight), where=weight > 0)
        drawn = rng.poisson(number[:, None], (len(number), n_replicas))
        return (
            np.column_stack([self.sums, drawn * weight[:, None]]),
            np.column_stack([self.squares, drawn * weight[:, None] ** 2]),
        )


def pass_cuts(sample: Sample, cuts: Sequence[Cut], points: Sequence[Point]) -> tuple[Sample, Mask]:
    """
    Tell which events pass all cuts at each point.

    Parameters
    ----------
    sample : Sample
    cuts : sequence of Cut
        Their thresholds are those of the point, where it names them.
    points : sequence of Point

    Returns
    -------
    sample : Sample
        Without the events that pass at no point for a cut that is the same at all of them.
    masks : bool, shape (n_points, n_events)
    """
    settings = {cut.name: [_params(cut, point) for point in points] for cut in cuts}
    moves = {cut.name: any(s != settings[cut.name][0] for s in settings[cut.name]) for cut in cuts}
    keep = np.ones(len(sample.weights), dtype=bool)
    for cut in cuts:
        if not moves[cut.name]:
            keep &= passes(replace(cut, params=settings[cut.name][0]), sample.columns, len(keep))
    kept = sample.part(keep)
    masks = np.ones((len(points), len(kept.weights)), dtype=bool)
    for cut in (c for c in cuts if moves[c.name]):
        known: dict[tuple[float, ...], Mask] = {}
        for row, params in zip(masks, settings[cut.name], strict=True):
            key = tuple(params.values())
            if key not in known:
                known[key] = passes(replace(cut, params=params), kept.columns, len(row))
            row &= known[key]
    return kept, masks


def _params(cut: Cut, point: Point) -> dict[str, float]:
    return {key: point.get(f"{cut.name}.{key}", value) for key, value in cut.params.items()}


def within_box(sample: Sample, columns: Sequence[str], points: Sequence[Point]) -> Mask:
    """
    Tell which events lie below the upper edges of the box, along some columns.

    Returns
    -------
    bool, shape (n_points, n_events)
    """
    masks = np.ones((len(points), len(sample.weights)), dtype=bool)
    with np.errstate(invalid="ignore"):
        for column in columns:
            edges = np.array([point[f"{BOX}.{column}"] for point in points])
            masks &= sample.columns[column] < edges[:, None]
    return masks


def group_events(masks: Mask, weights: Floats, bins: Ints | None = None) -> Groups:
    """
    Group events by the values at which they pass, and by bin; those that pass nowhere are left out.

    Parameters
    ----------
    masks : bool, shape (n_values, n_events)
    weights : float64, shape (n_events,)
    bins : int64, shape (n_events,), optional
        -1 for events outside of all bins, which are left out.
    """
    place = np.zeros(len(weights), dtype=np.int64) if bins is None else bins
    keep = masks.any(axis=0) & (place >= 0)
    masks, weights, place = masks[:, keep], weights[keep], place[keep]
    words = np.random.default_rng(1).integers(0, 2**63, len(masks) + 1, dtype=np.uint64)
    keys = place.astype(np.uint64) * (words[-1] | np.uint64(1))
    for mask, word in zip(masks, words[:-1], strict=True):
        keys[mask] ^= word  # patterns are told apart by 63 random bits
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    n = len(first)
    return Groups(
        masks[:, first],
        place[first],
        np.bincount(group, minlength=n),
        np.bincount(group, weights, minlength=n).astype(np.float64),
        np.bincount(group, weights**2, minlength=n).astype(np.float64),
    )
