"""The visible mode: an A' leaves a dense target and decays to e+ e-, which shower in a second calorimeter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from selections.common_cuts import BEAM_CELL, ECAL_SHAPE, SINGLE_TRACK, SRD, VETO
from selections.cut import Cut, Mask, Plot
from selections.keep import below, in_time, window

__all__ = ["CUTS"]

Floats = npt.NDArray[np.float64]

_PRESHOWER, _THIRD = 0, 2  # sections of the WCAL


def _in_time(
    time: Floats | None,
    wcal: Floats | None,
    ecal: Floats | None,
    hcal: Floats | None,
    *,
    wcal_out_of_time_limit: float,
    ecal_out_of_time_limit: float,
    hcal_out_of_time_limit: float,
) -> Mask:
    limits = {
        "ecal_out_of_time_limit": ecal_out_of_time_limit,
        "hcal_out_of_time_limit": hcal_out_of_time_limit,
    }
    others = in_time(time, ecal, hcal, **limits)
    return others if wcal is None else others & (wcal < wcal_out_of_time_limit)


def _preshower(sections: Floats, *, low: float) -> Mask:
    return np.asarray(sections[:, _PRESHOWER] > low)


def _third(sections: Floats, *, limit: float) -> Mask:
    return np.asarray(sections[:, _THIRD] < limit)


def _one_window(parts: Floats, *, low: float, high: float) -> Mask:
    return window(parts[:, 0], low=low, high=high)


_BEAM = (
    Cut(
        name="in_time",
        label="in time, out-of-time WCAL < {wcal_out_of_time_limit} GeV",
        columns=(),
        optional=(
            "master_time", "wcal_out_of_time_energy", "ecal_out_of_time_energy", "hcal_out_of_time_energy",
        ),
        valid=("wcal_is_valid", "ecal_is_valid", "hcal_is_valid"),
        keep=_in_time,
        plot=Plot(
            "wcal_out_of_time_energy", 60, 0, 60, "out-of-time WCAL energy [GeV]",
            marks=("wcal_out_of_time_limit",),
        ),
    ),
    replace(
        SRD,
        plot=Plot("srd_energy", 80, 0, 400, "SRD energy [MeV]", marks=("sum_low", "sum_high"), scale=1e3),
    ),
    SINGLE_TRACK,
    Cut(
        name="track_momentum",
        label="track momentum in {low} .. {high} GeV",
        columns=("track_momentum",),
        valid=("track_is_valid",),
        keep=window,
        plot=Plot("track_momentum", 100, 70, 170, "track momentum [GeV]", marks=("low", "high")),
    ),
)  # fmt: skip

_TARGET = (
    Cut(
        name="wcat",
        label="W-catcher < {limit} GeV",
        columns=("wcat_energy",),
        valid=("wcat_is_valid",),
        keep=below,
        plot=Plot("wcat_energy", 60, 0, 6, "W-catcher [GeV]", marks=("limit",)),
    ),
    Cut(
        name="preshower",
        label="WCAL preshower > {low} GeV",
        columns=("wcal_section_energy",),
        valid=("wcal_is_valid",),
        keep=_preshower,
    ),
    Cut(
        name="ecal_energy",
        label="ECAL energy > {low} GeV",
        columns=("ecal_energy",),
        valid=("ecal_is_valid",),
        keep=lambda energy, *, low: energy > low,
        plot=Plot("ecal_energy", 80, 0, 160, "ECAL energy [GeV]", marks=("low",)),
    ),
    Cut(
        name="wcal_third",
        label="third WCAL section < {limit} GeV",
        columns=("wcal_section_energy",),
        valid=("wcal_is_valid",),
        keep=_third,
    ),
    Cut(
        name="v2",
        label="V2 < {limit} GeV",
        columns=("v2_energy",),
        valid=("v2_is_valid",),
        keep=below,
        plot=Plot("v2_energy", 60, 0, 6, "V2 energy [MeV]", marks=("limit",), scale=1e3),
    ),
)  # fmt: skip

_DECAY = (
    Cut(
        name="s4",
        label="S4 in {low} .. {high} MIP",
        columns=("s4_counter_mips",),
        valid=("s4_is_valid",),
        keep=_one_window,
        plot=Plot(
            "s4_counter_mips", 60, 0, 6, "S4 [MIP]", per_event_max=True, marks=("low", "high"),
        ),
    ),
    VETO,
    Cut(
        name="hcal",
        label="HCAL energy < {limit} GeV",
        columns=("hcal_energy",),
        valid=("hcal_is_valid",),
        keep=below,
        plot=Plot("hcal_energy", 60, 0, 60, "HCAL energy [GeV]", marks=("limit",)),
    ),
    replace(BEAM_CELL, label="ECAL maximum at most {distance} cells from where the beam points"),
    ECAL_SHAPE,
    Cut(
        name="decay_hits",
        label="hits in the fullest plane behind the decay volume in {low} .. {high}",
        columns=("decay_plane_hits",),
        keep=window,
        plot=Plot("decay_plane_hits", 8, -0.5, 7.5, "hits in the fullest plane", marks=("low", "high")),
    ),
)  # fmt: skip

CUTS = (*_BEAM, *_TARGET, *_DECAY)
