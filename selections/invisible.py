"""The invisible mode: an electron comes in, and its energy is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from selections.cut import Cut, Mask, Plot

__all__ = ["build_cuts", "declared_cuts", "needed_detector"]

Floats = npt.NDArray[np.float64]
Params = Mapping[str, Mapping[str, float]]

needed_detector: Mapping[str, str] = {"vhcal": "vhcal"}  # cut -> detector without which it does not exist


def _in_time(
    master_time: Floats,
    ecal: Floats,
    hcal: Floats | None,
    *,
    ecal_out_of_time_limit: float,
    hcal_out_of_time_limit: float,
) -> Mask:
    quiet: Mask = np.isfinite(master_time) & (ecal < ecal_out_of_time_limit)
    if hcal is not None:
        quiet &= hcal < hcal_out_of_time_limit
    return quiet


def _srd(energy: Floats, *, module_low: float, module_high: float, sum_low: float, sum_high: float) -> Mask:
    del module_low, module_high  # of the tag, a validity flag of this cut
    return (energy > sum_low) & (energy < sum_high)


def _track_count(number: npt.NDArray[np.int64], *, count: float) -> Mask:
    return np.asarray(number == count)


def _window(value: Floats, *, low: float, high: float) -> Mask:
    return (value > low) & (value < high)


def _around(value: Floats, *, centre: float, half_width: float) -> Mask:
    near: Mask = np.abs(value - centre) < half_width
    return near


def _below(value: Floats, *, limit: float) -> Mask:
    return value < limit


def _all_below(parts: Floats, *, limit: float) -> Mask:
    return np.asarray((parts < limit).all(axis=1))


def _at_beam(cells: Floats, *, distance: float) -> Mask:
    return cells <= distance


def _hcal_r(energy: Floats, ratio: Floats, *, limit: float, quiet: float) -> Mask:
    return (energy < quiet) | (ratio < limit)  # an empty HCAL has no shape: its R is NaN


def build_cuts(params: Params) -> tuple[Cut, ...]:
    """
    Return the cuts of the invisible mode in the collaboration's order.

    Parameters
    ----------
    params : mapping from the name of a cut to its parameters
        A cut that is not named there is left out.
    """
    return tuple(
        Cut(**{**cut, "params": params[name]}) for name, cut in declared_cuts().items() if name in params
    )


def declared_cuts() -> dict[str, dict[str, Any]]:
    """Return all cuts without their parameters, by name."""
    return {cut["name"]: cut for cut in (*_beam_cuts(), *_calorimeter_cuts())}


def _beam_cuts() -> tuple[dict[str, Any], ...]:
    """Cuts on the incoming particle."""
    return (
        {
            "name": "in_time",
            "label": "in time, out-of-time ECAL < {ecal_out_of_time_limit} GeV",
            "columns": ("master_time", "ecal_out_of_time_energy"),
            "optional": ("hcal_out_of_time_energy",),
            "valid": ("ecal_is_valid", "hcal_is_valid"),
            "keep": _in_time,
            "plot": Plot(
                column="ecal_out_of_time_energy",
                bins=60,
                low=0,
                high=60,
                label="out-of-time ECAL energy [GeV]",
                marks=("ecal_out_of_time_limit",),
            ),
        },
        {
            "name": "srd",
            "label": "SRD tag, modules > {module_low} GeV",
            "columns": ("srd_energy",),
            "valid": ("srd_is_valid", "srd_is_tagged"),
            "keep": _srd,
            "plot": Plot(
                column="srd_energy",
                bins=75,
                low=0,
                high=150,
                label="SRD energy [MeV]",
                marks=("sum_low", "sum_high"),
                scale=1e3,
            ),
        },
        {
            "name": "single_track",
            "label": "exactly {count} incoming track",
            "columns": ("track_count",),
            "valid": ("track_is_valid",),
            "keep": _track_count,
            "plot": Plot(column="track_count", bins=6, low=-0.5, high=5.5, label="incoming tracks"),
        },
        {
            "name": "track_momentum",
            "label": "track momentum {centre} ± {half_width} GeV",
            "columns": ("track_momentum",),
            "valid": ("track_is_valid",),
            "keep": _around,
            "plot": Plot(column="track_momentum", bins=80, low=80, high=120, label="track momentum [GeV]"),
        },
        {
            "name": "track_chi2",
            "label": "track χ²/ndf < {limit}",
            "columns": ("track_chi2",),
            "valid": ("track_is_valid",),
            "keep": _below,
            "plot": Plot(
                column="track_chi2", bins=60, low=0, high=12, label="track χ²/ndf", marks=("limit",)
            ),
        },
        {
            "name": "track_angle",
            "label": "track angle to the beam < {limit} rad",
            "columns": ("track_angle",),
            "valid": ("track_is_valid",),
            "keep": _below,
            "plot": Plot(
                column="track_angle",
                bins=50,
                low=0,
                high=5,
                label="track angle [mrad]",
                marks=("limit",),
                scale=1e3,
            ),
        },
    )


def _calorimeter_cuts() -> tuple[dict[str, Any], ...]:
    """Cuts on what the particle leaves behind."""
    return (
        {
            "name": "beam_cell",
            "label": "ECAL maximum where the beam points",
            "columns": ("ecal_cell_distance",),
            "valid": ("ecal_is_valid",),
            "keep": _at_beam,
            "plot": Plot(
                column="ecal_cell_distance",
                bins=6,
                low=-0.5,
                high=5.5,
                label="cells between maximum and beam",
            ),
        },
        {
            "name": "preshower",
            "label": "preshower energy in {low} .. {high} GeV",
            "columns": ("ps_energy",),
            "valid": ("ecal_is_valid",),
            "keep": _window,
            "plot": Plot(
                column="ps_energy",
                bins=80,
                low=0,
                high=20,
                label="preshower energy [GeV]",
                marks=("low", "high"),
            ),
        },
        {
            "name": "ecal_shape",
            "label": "ECAL shower χ²/ndf < {limit}",
            "columns": ("ecal_shower_chi2",),
            "valid": ("ecal_is_valid", "ecal_shower_is_valid"),
            "keep": _below,
            "plot": Plot(
                column="ecal_shower_chi2",
                bins=60,
                low=0,
                high=15,
                label="ECAL shower χ²/ndf",
                marks=("limit",),
            ),
        },
        {
            "name": "veto",
            "label": "each VETO panel < {limit} GeV",
            "columns": ("veto_panel_energy",),
            "valid": ("veto_is_valid",),
            "keep": _all_below,
            "plot": Plot(
                column="veto_panel_energy",
                bins=60,
                low=0,
                high=60,
                label="largest VETO panel energy [MeV]",
                per_event_max=True,
                marks=("limit",),
                scale=1e3,
            ),
        },
        {
            "name": "vhcal",
            "label": "VHCAL energy < {limit} GeV",
            "columns": ("vhcal_energy",),
            "valid": ("vhcal_is_valid",),
            "keep": _below,
            "plot": Plot(
                column="vhcal_energy", bins=60, low=0, high=30, label="VHCAL energy [GeV]", marks=("limit",)
            ),
        },
        {
            "name": "hcal_r",
            "label": "HCAL R < {limit} or E_HCAL < {quiet} GeV",
            "columns": ("hcal_energy",),
            "valid": ("hcal_is_valid",),
            "undefined": ("hcal_r",),
            "keep": _hcal_r,
            "plot": Plot(column="hcal_r", bins=50, low=0, high=1, label="HCAL R", marks=("limit",)),
        },
    )
