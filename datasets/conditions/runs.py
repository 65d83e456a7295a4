"""Ranges of runs: what they cover, what they leave out, and how they lie to each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["RunRange", "find_gaps"]

_TEXT = re.compile(r"(\d+)(?:-(\d+|\.\.\.))?")


@dataclass(frozen=True, slots=True)
class RunRange:
    """Runs from ``first`` to ``last``, both included; without a last one it has no end."""

    first: int
    last: int | None = None

    def __post_init__(self) -> None:
        if self.first < 0 or (self.last is not None and self.last < self.first):
            msg = f"runs must not be negative and must rise, got {self}"
            raise ValueError(msg)

    @classmethod
    def parse(cls, text: str) -> RunRange:
        """
        Read `5`, `1-10` or `123-...`.

        Raises
        ------
        ValueError
            If the text is none of these, or falls.
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            msg = f"'{text}' is no range of runs; write 5, 1-10 or 123-..."
            raise ValueError(msg)
        first, last = found.groups()
        return cls(int(first), int(first) if last is None else None if last == "..." else int(last))

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return f"{self.first}-{'...' if self.last is None else self.last}"

    @property
    def end(self) -> float:
        """Return the last run; infinity without one."""
        return float("inf") if self.last is None else self.last

    def covers(self, run: int) -> bool:
        """Return whether a run lies in the range."""
        return self.first <= run <= self.end

    def overlap(self, other: RunRange) -> RunRange | None:
        """Return the runs of both ranges, None where there are none."""
        first, end = max(self.first, other.first), min(self.end, other.end)
        if first > end:
            return None
        return RunRange(first, None if end == float("inf") else int(end))

    def is_inside(self, other: RunRange) -> bool:
        """Return whether all runs lie in another range that has more of them."""
        return self != other and other.first <= self.first and self.end <= other.end


def find_gaps(ranges: Iterable[RunRange], within: RunRange) -> list[RunRange]:
    """
    Return the runs that no range covers.

    Parameters
    ----------
    ranges : iterable of RunRange
        In any order; they may overlap.
    within : RunRange
        The runs that should be covered.
    """
    gaps: list[RunRange] = []
    wanted = within.first
    for one in sorted(ranges, key=lambda r: r.first):
        if wanted < one.first <= within.end:
            gaps.append(RunRange(wanted, one.first - 1))
        if one.first > within.end:
            break
        if one.last is None:
            return gaps
        wanted = max(wanted, one.last + 1)
    if wanted <= within.end:
        gaps.append(RunRange(wanted, within.last))
    return gaps
