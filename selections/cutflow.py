"""The table that counts events cut by cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from selections.cut import Mask

__all__ = ["Cutflow", "Efficiency", "clopper_pearson", "count"]

_COVERAGE = 0.6827


class Efficiency(NamedTuple):
    """A fraction and its 68.27% Clopper-Pearson interval."""

    value: float
    low: float
    high: float


def clopper_pearson(passed: int, total: int) -> Efficiency:
    """
    Return a binomial efficiency with its exact central interval (Biometrika 26 (1934) 404).

    Parameters
    ----------
    passed, total : int

    Returns
    -------
    Efficiency
        NaN for all three where ``total`` is 0.
    """
    if total == 0:
        return Efficiency(np.nan, np.nan, np.nan)
    tail = 0.5 * (1 - _COVERAGE)
    low = beta.ppf(tail, passed, total - passed + 1) if passed > 0 else 0.0
    high = beta.isf(tail, passed + 1, total - passed) if passed < total else 1.0
    return Efficiency(passed / total, float(low), float(high))


@dataclass(frozen=True, slots=True)
class Cutflow:
    """Counts after each cut; adds up over chunks and files."""

    names: tuple[str, ...]  # "all", "shown" or "base", then the cuts
    labels: tuple[str, ...]
    counts: npt.NDArray[np.int64]  # (n_rows, 3): in order, alone, all but one
    sums: npt.NDArray[np.float64]  # (n_rows, 3): the same, weighted
    squares: npt.NDArray[np.float64]  # (n_rows, 3): sums of squared weights

    def __add__(self, other: Cutflow) -> Cutflow:
        if (self.names, self.labels) != (other.names, other.labels):
            msg = f"cannot add cut-flows with different cuts: {self.labels} and {other.labels}"
            raise ValueError(msg)
        return Cutflow(
            self.names,
            self.labels,
            self.counts + other.counts,
            self.sums + other.sums,
            self.squares + other.squares,
        )

    def efficiency(self, row: int) -> Efficiency:
        """Return the efficiency of a row relative to the row before; row 0 has 1."""
        before = self.counts[max(row - 1, 0), 0]
        return clopper_pearson(int(self.counts[row, 0]), int(before))

    def rows(self, *, weighted: bool) -> list[dict[str, Any]]:
        """
        Return the table as plain values, for JSON.

        Parameters
        ----------
        weighted : bool
            Add the weighted sums and their errors.
        """
        table = []
        for row, (name, label) in enumerate(zip(self.names, self.labels, strict=True)):
            in_order, alone, all_but_one = (int(n) for n in self.counts[row])
            eff = self.efficiency(row)
            entry: dict[str, Any] = {
                "name": name,
                "label": label,
                "in_order": in_order,
                "in_order_error": float(np.sqrt(in_order)),
                "alone": alone,
                "all_but_one": all_but_one,
                "efficiency": _number(eff.value),
                "efficiency_low": _number(eff.low),
                "efficiency_high": _number(eff.high),
            }
            if weighted:
                for key, column in (("in_order", 0), ("alone", 1), ("all_but_one", 2)):
                    entry[f"{key}_weighted"] = float(self.sums[row, column])
                    entry[f"{key}_weighted_error"] = float(np.sqrt(self.squares[row, column]))
            table.append(entry)
        return table


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def count(
    names: Sequence[str],
    labels: Sequence[str],
    masks: Sequence[Mask],
    base: Mask,
    weight: npt.NDArray[np.float64],
    total: tuple[int, float, float],
) -> Cutflow:
    """
    Count events after each cut.

    Parameters
    ----------
    names, labels : sequence of str
        Of the base row, then of the cuts.
    masks : sequence of bool arrays, shape (n_events,)
        What each cut keeps.
    base : bool, shape (n_events,)
        Events of the base row. "In order" counts within it; "alone" and "all but one" count among all
        events given, so on data only shown events may be given.
    weight : float64, shape (n_events,)
    total : (int, float, float)
        Entries, sum of weights and of squared weights of row "all".

    Returns
    -------
    Cutflow
    """
    every = np.ones(len(base), dtype=bool)
    before = _running(masks, every)
    after = _running(masks[::-1], every)[::-1]
    final = before[-1]
    selected = [(base, base, base & final)]
    kept = base
    for index, mask in enumerate(masks):
        kept = kept & mask
        selected.append((kept, mask, before[index] & after[index + 1]))
    counts = [[total[0]] * 2 + [int(np.count_nonzero(final))]]
    sums = [[total[1]] * 2 + [float(weight[final].sum())]]
    squares = [[total[2]] * 2 + [float((weight[final] ** 2).sum())]]
    for row in selected:
        counts.append([int(np.count_nonzero(mask)) for mask in row])
        sums.append([float(weight[mask].sum()) for mask in row])
        squares.append([float((weight[mask] ** 2).sum()) for mask in row])
    return Cutflow(
        ("all", *names),
        ("all entries", *labels),
        np.array(counts, dtype=np.int64),
        np.array(sums),
        np.array(squares),
    )


def _running(masks: Sequence[Mask], every: Mask) -> list[Mask]:
    """Return the running AND of masks, starting with all events: n + 1 masks."""
    kept = [every]
    for mask in masks:
        kept.append(kept[-1] & mask)
    return kept
