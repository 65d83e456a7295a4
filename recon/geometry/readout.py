"""How charges become digits: sampling converters of photomultipliers, strips and straws."""

from __future__ import annotations

from dataclasses import dataclass

from recon.geometry.strict import Strict

__all__ = ["Digitizer", "StrawReadout", "StripReadout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Digitizer(Strict):
    """A sampling converter behind each cell of a detector (MSADC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripReadout(Strict):
    """Charge samples of strips along x and y (APV25 of micromegas and GEM)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrawReadout(Strict):
    """Drift times of straws along x and y."""
