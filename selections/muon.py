"""The muon mode: a muon comes in, goes out with less than half of its energy, and the rest is not there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from selections.common_cuts import VHCAL
from selections.cut import Cut, Mask, Plot
from selections.keep import all_in_window, below, in_time, window

__all__ = ["CUTS"]

Floats = npt.NDArray[np.float64]

_S0, _S1, _S4, _SMU, _V0 = range(5)  # sections of the detector `counters`


def _beam(counters: Floats, *, fired: float, veto: float) -> Mask:
    return np.asarray((counters[:, [_S0, _S1]] > fired).all(axis=1) & (counters[:, _V0] < veto))


def _scattered(counters: Floats, *, fired: float) -> Mask:
    return np.asarray((counters[:, [_S4, _SMU]] > fired).all(axis=1))


def _single_hits(incoming: Floats, scattered: Floats, *, limit: float) -> Mask:
    return (incoming <= limit) & (scattered <= limit)


def _veto(panels: Floats | None, *, low: float, high: float) -> Mask:
    return np.ones(1, dtype=bool) if panels is None else window(panels.sum(axis=1), low=low, high=high)


def _matched(pull: Floats | None, angle: Floats | None, *, limit: float, angle_limit: float) -> Mask:
    if pull is None or angle is None:
        return np.ones(1, dtype=bool)
    return (pull < limit) & (angle < angle_limit)


_TRIGGER = (
    Cut(
        name="in_time",
        label="in time, out-of-time ECAL < {ecal_out_of_time_limit} GeV",
        columns=(),
        optional=("master_time", "ecal_out_of_time_energy", "hcal_out_of_time_energy"),
        valid=("ecal_is_valid", "hcal_is_valid"),
        keep=in_time,
    ),
    Cut(
        name="beam",
        label="S0, S1 > {fired} GeV, V0 < {veto} GeV",
        columns=("counters_counter_energy",),
        valid=("counters_is_valid",),
        keep=_beam,
    ),
    Cut(
        name="scattered",
        label="S4, Sμ > {fired} GeV",
        columns=("counters_counter_energy",),
        valid=("counters_is_valid",),
        keep=_scattered,
    ),
)

_TRACKS = (  # before and behind the target
    Cut(
        name="single_hits",
        label="no tracker with more than {limit} hit",
        columns=("track_plane_hits", "scattered_plane_hits"),
        keep=_single_hits,
        plot=Plot("scattered_plane_hits", 8, -0.5, 7.5, "hits in the fullest plane of MS2"),
    ),
    Cut(
        name="track_momentum",
        label="momentum before the target in {low} .. {high} GeV",
        columns=("track_momentum",),
        valid=("track_is_valid",),
        keep=window,
        plot=Plot("track_momentum", 80, 110, 210, "p1 [GeV]", marks=("low", "high")),
    ),
    Cut(
        name="scattered_chi2",
        label="χ²/ndf behind the target < {limit}",
        columns=("scattered_chi2",),
        valid=("scattered_is_valid",),
        keep=below,
        plot=Plot("scattered_chi2", 60, 0, 12, "MS2 χ²/ndf", marks=("limit",)),
    ),
    Cut(
        name="target_match",
        label="tracks meet in the target within {limit} errors, angle < {angle_limit} rad",
        columns=(),
        optional=("target_pull", "target_angle"),
        keep=_matched,
        plot=Plot("target_pull", 60, 0, 12, "pull of the match", marks=("limit",)),
    ),
)

_CALORIMETERS = (  # what one muon leaves there, in units of a minimum-ionising particle
    Cut(
        name="ecal_mip",
        label="each ECAL section in {low} .. {high} MIP",
        columns=("ecal_section_mips",),
        valid=("ecal_is_valid",),
        keep=all_in_window,
        plot=Plot(
            "ecal_section_mips", 60, 0, 12, "largest ECAL section [MIP]",
            per_event_max=True, marks=("low", "high"),
        ),
    ),
    Cut(
        name="veto",
        label="VETO in {low} .. {high} MIP",
        columns=(),
        optional=("veto_panel_mips",),
        keep=_veto,
        detector="veto",
        plot=Plot("veto_panel_mips", 60, 0, 6, "largest VETO panel [MIP]", per_event_max=True),
    ),
    replace(VHCAL, plot=Plot("vhcal_energy", 60, 0, 30, "VHCAL [GeV]", marks=("limit",))),
    Cut(
        name="hcal_mip",
        label="each HCAL module in {low} .. {high} MIP",
        columns=("hcal_module_mips",),
        valid=("hcal_is_valid",),
        keep=all_in_window,
        plot=Plot(
            "hcal_module_mips", 60, 0, 12, "largest HCAL module [MIP]",
            per_event_max=True, marks=("low", "high"),
        ),
    ),
)  # fmt: skip

CUTS: tuple[Cut, ...] = (*_TRIGGER, *_TRACKS, *_CALORIMETERS)  # in the collaboration's order
