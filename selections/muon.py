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


def _veto(panels: Floats | None, *, low: float, high: float) -> Mask:
    return np.ones(1, dtype=bool) if panels is None else _window(panels.sum(axis=1), low=low, high=high)


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


def _plot(column: str, bins: int, low: float, high: float, label: str, *marks: str) -> Plot:
    """Return the N-1 histogram of a cut; of several parts the largest is drawn."""
    is_largest = column.endswith("_mips")
    return Plot(
        column=column, bins=bins, low=low, high=high, label=label, marks=marks, per_event_max=is_largest
    )


def _cut(
    name: str, label: str, keep: Any, columns: tuple[str, ...], valid: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    """Return a cut without its parameters."""
    return {"name": name, "label": label, "keep": keep, "columns": columns, "valid": valid, **more}


def _beam_cuts() -> tuple[dict[str, Any], ...]:
    """Cuts on the trigger."""
    times = ("master_time", "ecal_out_of_time_energy", "hcal_out_of_time_energy")
    calorimeters, counters = ("ecal_is_valid", "hcal_is_valid"), ("counters_counter_energy",)
    label = "in time, out-of-time ECAL < {ecal_out_of_time_limit} GeV"
    return (
        _cut("in_time", label, _in_time, (), calorimeters, optional=times),
        _cut("beam", "S0, S1 > {fired} GeV, V0 < {veto} GeV", _beam, counters, ("counters_is_valid",)),
        _cut("scattered", "S4, Sμ > {fired} GeV", _scattered, counters, ("counters_is_valid",)),
    )


def _track_cuts() -> tuple[dict[str, Any], ...]:
    """Cuts on the muon before and behind the target."""
    hits = ("track_plane_hits", "scattered_plane_hits")
    match = "tracks meet in the target within {limit} errors, angle < {angle_limit} rad"
    return (
        _cut(
            "single_hits", "no tracker with more than {limit} hit", _single_hits, hits,
            plot=_plot("scattered_plane_hits", 8, -0.5, 7.5, "hits in the fullest plane of MS2"),
        ),
        _cut(
            "track_momentum", "momentum before the target in {low} .. {high} GeV", _window,
            ("track_momentum",), ("track_is_valid",),
            plot=_plot("track_momentum", 80, 110, 210, "p1 [GeV]", "low", "high"),
        ),
        _cut(
            "scattered_chi2", "χ²/ndf behind the target < {limit}", _below, ("scattered_chi2",),
            ("scattered_is_valid",), plot=_plot("scattered_chi2", 60, 0, 12, "MS2 χ²/ndf", "limit"),
        ),
        _cut(
            "target_match", match, _matched, (), optional=("target_pull", "target_angle"),
            plot=_plot("target_pull", 60, 0, 12, "pull of the match", "limit"),
        ),
    )  # fmt: skip


def _mip_cuts() -> tuple[dict[str, Any], ...]:
    """Cuts on what one muon leaves in the calorimeters, in units of a minimum-ionising particle."""
    return (
        _cut(
            "ecal_mip", "each ECAL section in {low} .. {high} MIP", _window_of_all, ("ecal_section_mips",),
            ("ecal_is_valid",),
            plot=_plot("ecal_section_mips", 60, 0, 12, "largest ECAL section [MIP]", "low", "high"),
        ),
        _cut(
            "veto", "VETO in {low} .. {high} MIP", _veto, (), optional=("veto_panel_mips",),
            plot=_plot("veto_panel_mips", 60, 0, 6, "largest VETO panel [MIP]"),
        ),
        _cut(
            "vhcal", "VHCAL energy < {limit} GeV", _below, ("vhcal_energy",), ("vhcal_is_valid",),
            plot=_plot("vhcal_energy", 60, 0, 30, "VHCAL [GeV]", "limit"),
        ),
        _cut(
            "hcal_mip", "each HCAL module in {low} .. {high} MIP", _window_of_all, ("hcal_module_mips",),
            ("hcal_is_valid",),
            plot=_plot("hcal_module_mips", 60, 0, 12, "largest HCAL module [MIP]", "low", "high"),
        ),
    )  # fmt: skip
