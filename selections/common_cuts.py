"""Cuts that several modes have; thresholds, and so what the cut means, are in the YAML of each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from selections.cut import Cut, Mask, Plot
from selections.keep import all_below, below, in_time, window

__all__ = [
    "BEAM_CELL", "ECAL_SHAPE", "IN_TIME", "SINGLE_TRACK", "SRD", "TRACK_ANGLE", "TRACK_CHI2", "VETO", "VHCAL",
]  # fmt: skip

Floats = npt.NDArray[np.float64]


def _srd(energy: Floats, *, module_low: float, module_high: float, sum_low: float, sum_high: float) -> Mask:
    del module_low, module_high  # of the tag, a validity flag of this cut
    return window(energy, low=sum_low, high=sum_high)


def _track_count(number: npt.NDArray[np.int64], *, count: float) -> Mask:
    return np.asarray(number == count)


def _at_beam(cells: Floats, *, distance: float) -> Mask:
    return cells <= distance


IN_TIME = Cut(
    name="in_time",
    label="in time, out-of-time ECAL < {ecal_out_of_time_limit} GeV",
    columns=("master_time", "ecal_out_of_time_energy"),
    optional=("hcal_out_of_time_energy",),
    valid=("ecal_is_valid", "hcal_is_valid"),
    keep=in_time,
    plot=Plot(
        "ecal_out_of_time_energy",
        60,
        0,
        60,
        "out-of-time ECAL energy [GeV]",
        marks=("ecal_out_of_time_limit",),
    ),
)
SRD = Cut(
    name="srd",
    label="SRD tag, modules > {module_low} GeV",
    columns=("srd_energy",),
    valid=("srd_is_valid", "srd_is_tagged"),
    keep=_srd,
    plot=Plot("srd_energy", 75, 0, 150, "SRD energy [MeV]", marks=("sum_low", "sum_high"), scale=1e3),
)
SINGLE_TRACK = Cut(
    name="single_track",
    label="exactly {count} incoming track",
    columns=("track_count",),
    valid=("track_is_valid",),
    keep=_track_count,
    plot=Plot("track_count", 6, -0.5, 5.5, "incoming tracks"),
)
TRACK_CHI2 = Cut(
    name="track_chi2",
    label="track χ²/ndf < {limit}",
    columns=("track_chi2",),
    valid=("track_is_valid",),
    keep=below,
    plot=Plot("track_chi2", 60, 0, 12, "track χ²/ndf", marks=("limit",)),
)
TRACK_ANGLE = Cut(
    name="track_angle",
    label="track angle to the beam < {limit} rad",
    columns=("track_angle",),
    valid=("track_is_valid",),
    keep=below,
    plot=Plot("track_angle", 50, 0, 5, "track angle [mrad]", marks=("limit",), scale=1e3),
)
BEAM_CELL = Cut(
    name="beam_cell",
    label="ECAL maximum where the beam points",
    columns=("ecal_cell_distance",),
    valid=("ecal_is_valid",),
    keep=_at_beam,
    plot=Plot("ecal_cell_distance", 6, -0.5, 5.5, "cells between maximum and beam"),
)
ECAL_SHAPE = Cut(
    name="ecal_shape",
    label="ECAL shower χ²/ndf < {limit}",
    columns=("ecal_shower_chi2",),
    valid=("ecal_is_valid", "ecal_shower_is_valid"),
    keep=below,
    plot=Plot("ecal_shower_chi2", 60, 0, 15, "ECAL shower χ²/ndf", marks=("limit",)),
)
VETO = Cut(
    name="veto",
    label="each VETO panel < {limit} GeV",
    columns=("veto_panel_energy",),
    valid=("veto_is_valid",),
    keep=all_below,
    plot=Plot(
        "veto_panel_energy",
        60,
        0,
        60,
        "largest VETO panel energy [MeV]",
        per_event_max=True,
        marks=("limit",),
        scale=1e3,
    ),
)
VHCAL = Cut(
    name="vhcal",
    label="VHCAL energy < {limit} GeV",
    columns=("vhcal_energy",),
    valid=("vhcal_is_valid",),
    keep=below,
    detector="vhcal",
    plot=Plot("vhcal_energy", 60, 0, 30, "VHCAL energy [GeV]", marks=("limit",)),
)
