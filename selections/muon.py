"""The muon mode: a muon comes in, goes out with less than half of its energy, and the rest is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from selections.cut import Cut, Mask, Plot

__all__ = ["build_cuts", "declared_cuts", "needed_detector"]

Floats = npt.NDArray[np.float64]
Params = Mapping[str, Mapping[str, float]]

needed_detector: Mapping[str, str] = {"veto": "veto", "vhcal": "vhcal"}  # cut -> detector that it needs
_S0, _S1, _S4, _SMU, _V0 = range(5)  # sections of the detector `counters`


def _in_time(
    master_time: Floats | None,
    ecal: Floats | None,
    hcal: Floats | None,
    *,
    ecal_out_of_time_limit: float,
    hcal_out_of_time_limit: float,
) -> Mask:
    quiet: Mask = np.ones(1, dtype=bool)  # of one event: spreads over all
    for values, limit in (
        (master_time, np.inf),
        (ecal, ecal_out_of_time_limit),
        (hcal, hcal_out_of_time_limit),
    ):
        quiet = quiet if values is None else quiet & (values < limit)
    return quiet


def _beam(counters: Floats, *, fired: float, veto: float) -> Mask:
    return np.asarray((counters[:, [_S0, _S1]] > fired).all(axis=1) & (counters[:, _V0] < veto))


def _scattered(counters: Floats, *, fired: float) -> Mask:
    return np.asarray((counters[:, [_S4, _SMU]] > fired).all(axis=1))


def _single_hits(incoming: Floats, scattered: Floats, *, limit: float) -> Mask:
    return (incoming <= limit) & (scattered <= limit)


def _window(value: Floats, *, low: float, high: float) -> Mask:
    return (value > low) & (value < high)


def _window_of_sum(parts: Floats, *, low: float, high: float) -> Mask:
    return _window(parts.sum(axis=1), low=low, high=high)


def _window_of_all(parts: Floats, *, low: float, high: float) -> Mask:
    return np.asarray(_window(parts, low=low, high=high).all(axis=1))


def _below(value: Floats, *, limit: float) -> Mask:
    return value < limit


def _matched(pull: Floats | None, angle: Floats | None, *, limit: float, angle_limit: float) -> Mask:
    if pull is None or angle is None:
        return np.ones(1, dtype=bool)
    return (pull < limit) & (angle < angle_limit)


def build_cuts(params: Params) -> tuple[Cut, ...]:
    """
    Return the cuts of the muon mode in the collaboration's order.

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
    return {cut["name"]: cut for cut in (*_beam_cuts(), *_track_cuts(), *_mip_cuts())}


def _beam_cuts() -> tuple[dict[str, Any], ...]:
    """Cuts on the trigger."""
    return (
        {
            "name": "in_time",
            "label": "in time, out-of-time ECAL < {ecal_out_of_time_limit} GeV",
            "columns": (),
            "optional": ("master_time", "ecal_out_of_time_energy", "hcal_out_of_time_energy"),
            "valid": ("ecal_is_valid", "hcal_is_valid"),
            "keep": _in_time,
        },
        {
            "name": "beam",
            "label": "S0, S1 > {fired} GeV, V0 < {veto} GeV",
            "columns": ("counters_counter_energy",),
            "valid": ("counters_is_valid",),
            "keep": _beam,
        },
        {
            "name": "scattered",
            "label": "S4, Sμ > {fired} GeV",
            "columns": ("counters_counter_energy",),
            "valid": ("counters_is_valid",),
            "keep": _scattered,
        },
    )


def _track_cuts() -> tuple[dict[str, Any], ...]:
    """Cuts on the muon before and behind the target."""
    return (
        {
            "name": "single_hits",
            "label": "no tracker with more than {limit} hit",
            "columns": ("track_plane_hits", "scattered_plane_hits"),
            "keep": _single_hits,
            "plot": Plot(
                column="scattered_plane_hits",
                bins=8,
                low=-0.5,
                high=7.5,
                label="hits in the fullest plane of MS2",
            ),
        },
        {
            "name": "track_momentum",
            "label": "momentum before the target in {low} .. {high} GeV",
            "columns": ("track_momentum",),
            "valid": ("track_is_valid",),
            "keep": _window,
            "plot": Plot(
                column="track_momentum", bins=80, low=110, high=210, label="p1 [GeV]", marks=("low", "high")
            ),
        },
        {
            "name": "scattered_chi2",
            "label": "χ²/ndf behind the target < {limit}",
            "columns": ("scattered_chi2",),
            "valid": ("scattered_is_valid",),
            "keep": _below,
            "plot": Plot(
                column="scattered_chi2", bins=60, low=0, high=12, label="MS2 χ²/ndf", marks=("limit",)
            ),
        },
        {
            "name": "target_match",
            "label": "tracks meet in the target within {limit} errors, angle < {angle_limit} rad",
            "columns": (),
            "optional": ("target_pull", "target_angle"),
            "keep": _matched,
            "plot": Plot(
                column="target_pull", bins=60, low=0, high=12, label="pull of the match", marks=("limit",)
            ),
        },
    )


def _mip_cuts() -> tuple[dict[str, Any], ...]:
    """Cuts on what one muon leaves in the calorimeters, in units of a minimum-ionising particle."""
    names = {"ecal": ("section", _window_of_all), "hcal": ("module", _window_of_all)}
    windows = {
        f"{name}_mip": {
            "name": f"{name}_mip",
            "label": f"each {name.upper()} {part} in {{low}} .. {{high}} MIP",
            "columns": (f"{name}_{part}_mips",),
            "valid": (f"{name}_is_valid",),
            "keep": keep,
            "plot": Plot(
                column=f"{name}_{part}_mips", bins=60, low=0, high=12,
                label=f"largest {name.upper()} {part} [MIP]", per_event_max=True, marks=("low", "high"),
            ),
        }
        for name, (part, keep) in names.items()
    }  # fmt: skip
    veto = {
        "name": "veto",
        "label": "VETO in {low} .. {high} MIP",
        "columns": (),
        "optional": ("veto_panel_mips",),
        "keep": _veto,
        "plot": Plot(
            column="veto_panel_mips", bins=60, low=0, high=6, label="largest VETO panel [MIP]",
            per_event_max=True,
        ),
    }  # fmt: skip
    vhcal = {
        "name": "vhcal",
        "label": "VHCAL energy < {limit} GeV",
        "columns": ("vhcal_energy",),
        "valid": ("vhcal_is_valid",),
        "keep": _below,
        "plot": Plot(column="vhcal_energy", bins=60, low=0, high=30, label="VHCAL [GeV]", marks=("limit",)),
    }
    return windows["ecal_mip"], veto, vhcal, windows["hcal_mip"]


def _veto(panels: Floats | None, *, low: float, high: float) -> Mask:
    return np.ones(1, dtype=bool) if panels is None else _window_of_sum(panels, low=low, high=high)
