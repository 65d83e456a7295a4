"""The invisible mode: an electron comes in, and its energy is not there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from selections.common_cuts import (
    BEAM_CELL,
    ECAL_SHAPE,
    IN_TIME,
    SINGLE_TRACK,
    SRD,
    TRACK_ANGLE,
    TRACK_CHI2,
    VETO,
    VHCAL,
)
from selections.cut import Cut, Mask, Plot
from selections.keep import window

__all__ = ["CUTS"]

Floats = npt.NDArray[np.float64]


def _around(value: Floats, *, centre: float, half_width: float) -> Mask:
    near: Mask = np.abs(value - centre) < half_width
    return near


def _hcal_r(energy: Floats, ratio: Floats, *, limit: float, quiet: float) -> Mask:
    return (energy < quiet) | (ratio < limit)  # an empty HCAL has no shape: its R is NaN


_INCOMING = (
    IN_TIME,
    SRD,
    SINGLE_TRACK,
    Cut(
        name="track_momentum",
        label="track momentum {centre} ± {half_width} GeV",
        columns=("track_momentum",),
        valid=("track_is_valid",),
        keep=_around,
        plot=Plot("track_momentum", 80, 80, 120, "track momentum [GeV]"),
    ),
    TRACK_CHI2,
    TRACK_ANGLE,
)  # fmt: skip

_CALORIMETERS = (
    BEAM_CELL,
    Cut(
        name="preshower",
        label="preshower energy in {low} .. {high} GeV",
        columns=("ps_energy",),
        valid=("ecal_is_valid",),
        keep=window,
        plot=Plot("ps_energy", 80, 0, 20, "preshower energy [GeV]", marks=("low", "high")),
    ),
    ECAL_SHAPE,
    VETO,
    VHCAL,
    Cut(
        name="hcal_r",
        label="HCAL R < {limit} or E_HCAL < {quiet} GeV",
        columns=("hcal_energy",),
        valid=("hcal_is_valid",),
        undefined=("hcal_r",),
        keep=_hcal_r,
        plot=Plot("hcal_r", 50, 0, 1, "HCAL R", marks=("limit",)),
    ),
)  # fmt: skip

CUTS: tuple[Cut, ...] = (*_INCOMING, *_CALORIMETERS)  # in the collaboration's order
