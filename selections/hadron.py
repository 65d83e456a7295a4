"""The hadron mode: a pion comes in, leaves its track in the target, and nothing is seen any more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from selections.cut import Cut, Mask, Plot
from selections.keep import all_below, all_in_window, below, in_time, window

__all__ = ["CUTS"]

Floats = npt.NDArray[np.float64]


def _no_electron(energy: Floats, out_of_time: Floats | None, *, limit: float) -> Mask:
    """Keep little synchrotron radiation at any time: that of an electron may come beside the window."""
    quiet: Mask = energy < limit
    return quiet if out_of_time is None else quiet & (out_of_time < limit)


def _track_count(number: npt.NDArray[np.int64], *, count: float) -> Mask:
    return np.asarray(number == count)


_INCOMING = (
    Cut(
        name="in_time",
        label="in time, out-of-time ECAL < {ecal_out_of_time_limit} GeV",
        columns=("master_time", "ecal_out_of_time_energy"),
        optional=("hcal_out_of_time_energy",),
        valid=("ecal_is_valid", "hcal_is_valid"),
        keep=in_time,
        plot=Plot(
            "ecal_out_of_time_energy", 60, 0, 60, "out-of-time ECAL energy [GeV]",
            marks=("ecal_out_of_time_limit",),
        ),
    ),
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
    Cut(
        name="single_track",
        label="exactly {count} incoming track",
        columns=("track_count",),
        valid=("track_is_valid",),
        keep=_track_count,
        plot=Plot("track_count", 6, -0.5, 5.5, "incoming tracks"),
    ),
    Cut(
        name="track_momentum",
        label="track momentum in {low} .. {high} GeV",
        columns=("track_momentum",),
        valid=("track_is_valid",),
        keep=window,
        plot=Plot("track_momentum", 80, 40, 60, "track momentum [GeV]", marks=("low", "high")),
    ),
    Cut(
        name="track_chi2",
        label="track χ²/ndf < {limit}",
        columns=("track_chi2",),
        valid=("track_is_valid",),
        keep=below,
        plot=Plot("track_chi2", 60, 0, 12, "track χ²/ndf", marks=("limit",)),
    ),
    Cut(
        name="track_angle",
        label="track angle to the beam < {limit} rad",
        columns=("track_angle",),
        valid=("track_is_valid",),
        keep=below,
        plot=Plot("track_angle", 50, 0, 5, "track angle [mrad]", marks=("limit",), scale=1e3),
    ),
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
    Cut(
        name="veto",
        label="each VETO panel < {limit} GeV",
        columns=("veto_panel_energy",),
        valid=("veto_is_valid",),
        keep=all_below,
        plot=Plot(
            "veto_panel_energy", 60, 0, 60, "largest VETO panel energy [MeV]",
            per_event_max=True, marks=("limit",), scale=1e3,
        ),
    ),
    Cut(
        name="vhcal",
        label="VHCAL energy < {limit} GeV",
        columns=("vhcal_energy",),
        valid=("vhcal_is_valid",),
        keep=below,
        detector="vhcal",
        plot=Plot("vhcal_energy", 60, 0, 30, "VHCAL energy [GeV]", marks=("limit",)),
    ),
)  # fmt: skip

CUTS: tuple[Cut, ...] = (*_INCOMING, *_CALORIMETERS)
