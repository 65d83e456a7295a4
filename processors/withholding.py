"""The blinding of a data-taking period: the only place where it is made of what `periods.yaml` says."""

from __future__ import annotations

from datasets.periods import Period
from selections.blinding import Blinding
from selections.opening import Opening
from selections.regions import Margin

__all__ = ["blinding_of"]


def blinding_of(period: Period, opening: Opening | None = None) -> Blinding:
    """
    Close what a period closes, margins included, and open what an opening names.

    Parameters
    ----------
    period : Period
    opening : Opening, optional
        Without one, everything stays closed; so it does if it does not name the period.

    Raises
    ------
    BlindingError
        If the period has no closed region, or none of a name that the opening has.
    """
    guard = {column: Margin(margin.relative, margin.absolute) for column, margin in period.guard.items()}
    blinding = Blinding.of_period(period.name, period.closed, guard)
    return blinding if opening is None else blinding.opened(opening)
