"""Which branches of a file hold raw digits."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.layouts.source import Strict

__all__ = ["DigitBranches", "SampleBranches", "StrawBranches"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBranches(Strict):
    """Channels and their samples: `n_samples` numbers per channel, nested or one after the other."""

    channel: str
    samples: str
    n_samples: int
    detector: str = ""  # of strips: 2 * plane + (0 for x, 1 for y)

    def __post_init__(self) -> None:
        if self.n_samples < 1:
            msg = f"n_samples of '{self.samples}' must be at least 1, got {self.n_samples}"
            raise ValueError(msg)

    def branches(self) -> tuple[str, ...]:
        """Return the branches read."""
        return (*((self.detector,) if self.detector else ()), self.channel, self.samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrawBranches(Strict):
    """Straws and their times."""

    detector: str  # 2 * plane + (0 for x, 1 for y)
    number: str
    time: str

    def branches(self) -> tuple[str, ...]:
        """Return the branches read."""
        return (self.detector, self.number, self.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitBranches(Strict):
    """Raw digits; each kind is optional."""

    waveforms: SampleBranches | None = None
    strips: SampleBranches | None = None
    straws: StrawBranches | None = None

    def __post_init__(self) -> None:
        if self.strips is not None and not self.strips.detector:
            msg = "strips need the branch of their 'detector'"
            raise ValueError(msg)
        if self.waveforms is not None and self.waveforms.detector:
            msg = "waveforms have no 'detector': their channels are counted over all of them"
            raise ValueError(msg)

    def kinds(self) -> dict[str, tuple[str, ...]]:
        """Return the kinds of digits that are described, with their branches."""
        given = {"waveforms": self.waveforms, "strips": self.strips, "straws": self.straws}
        return {name: source.branches() for name, source in given.items() if source is not None}
