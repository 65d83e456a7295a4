"""The hadron mode: a pion comes in, leaves its track in the target, and nothing is seen any more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from selections.common_cuts import IN_TIME, SINGLE_TRACK, TRACK_ANGLE, TRACK_CHI2, VETO, VHCAL
from selections.cut import Cut, Mask, Plot
from selections.keep import all_in_window, window

__all__ = ["CUTS"]

Floats = npt.NDArray[np.float64]


def _no_electron(energy: Floats, out_of_time: Floats | None, *, limit: float) -> Mask:
    """Keep little synchrotron radiation at any time: that of an electron may come beside the window."""
    quiet: Mask = energy < limit
    return quiet if out_of_time is None else quiet & (out_of_time < limit)


_INCOMING = (
    IN_TIME,
    Cut(
        name="beam",
        label="S3, S4 in {low} .. {high} MIP",
        columns=("counters_counter_mips",),
        valid=("counters_is_valid",),
        keep=all_in_window,
        plot=Plot(
            "counters_counter_mips", 60, 0, 6, "larger of S3, S4 [MIP]",
            per_event_max=True, marks=("low", "high"),
        ),
    ),
    Cut(
        name="pion",
        label="SRD < {limit} GeV",
        columns=("srd_energy",),
        optional=("srd_out_of_time_energy",),
        valid=("srd_is_valid",),
        keep=_no_electron,
        plot=Plot("srd_energy", 60, 0, 15, "SRD energy [MeV]", marks=("limit",), scale=1e3),
    ),
    SINGLE_TRACK,
    Cut(
        name="track_momentum",
        label="track momentum in {low} .. {high} GeV",
        columns=("track_momentum",),
        valid=("track_is_valid",),
        keep=window,
        plot=Plot("track_momentum", 80, 40, 60, "track momentum [GeV]", marks=("low", "high")),
    ),
    TRACK_CHI2,
    TRACK_ANGLE,
)  # fmt: skip

_CALORIMETERS = (
    Cut(
        name="preshower",
        label="one particle in the preshower: {low} .. {high} GeV",
        columns=("ps_energy",),
        valid=("ecal_is_valid",),
        keep=window,
        plot=Plot(
            "ps_energy", 80, 0, 400, "preshower energy [MeV]", marks=("low", "high"), scale=1e3
        ),
    ),
    VETO,
    VHCAL,
)  # fmt: skip

CUTS: tuple[Cut, ...] = (*_INCOMING, *_CALORIMETERS)
