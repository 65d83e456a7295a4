"""The selection of the muon mode."""

from typing import Any

import numpy as np
import pytest

from selections.cut import passes
from selections.selection import load_selection

DETECTORS = ("counters", "ecal", "veto", "vhcal", "hcal")
SELECTION = load_selection("muon", "na64mu_2022", DETECTORS)
NAMES = [
    "in_time", "beam", "scattered", "single_hits", "track_momentum", "scattered_chi2", "target_match",
    "ecal_mip", "veto", "vhcal", "hcal_mip",
]  # fmt: skip


def event(**changes: Any) -> dict[str, np.ndarray]:
    """Return one event that a signal could be."""
    columns: dict[str, Any] = {
        "master_time": 0.0, "ecal_out_of_time_energy": 0.0, "hcal_out_of_time_energy": 0.0,
        "ecal_is_valid": True, "hcal_is_valid": True, "vhcal_is_valid": True, "counters_is_valid": True,
        "scattered_is_valid": True, "track_is_valid": True, "trigger_is_physics": True,
        "counters_counter_energy": [3e-4, 3e-4, 2e-3, 2e-3, 0.0],
        "track_plane_hits": 1.0, "scattered_plane_hits": 1.0, "track_momentum": 160.0,
        "scattered_momentum": 40.0, "scattered_chi2": 1.0, "target_pull": 1.0, "target_angle": 2e-3,
        "ecal_section_mips": [1.0], "veto_panel_mips": [0.0, 1.0, 0.0], "vhcal_energy": 0.0,
        "hcal_module_mips": [1.0, 1.2], "calorimeter_energy": 5.5,
    }  # fmt: skip
    return {name: np.array([value]) for name, value in {**columns, **changes}.items()}


def test_cuts_stand_in_the_order_of_the_collaboration() -> None:
    assert [cut.name for cut in SELECTION.cuts] == NAMES
    assert SELECTION.base.cuts == ("in_time", "beam")
    assert SELECTION.signal_box.limits == {
        "scattered_momentum": (None, 80.0),
        "calorimeter_energy": (None, 12.0),
    }


def test_a_signal_passes_everything() -> None:
    assert {cut.name: bool(passes(cut, event(), 1)[0]) for cut in SELECTION.cuts} == dict.fromkeys(
        NAMES, True
    )
    assert SELECTION.signal_box.contains({k: v for k, v in event().items() if v.ndim == 1})[0]


@pytest.mark.parametrize(
    ("cut", "changes"),
    [
        ("in_time", {"master_time": np.nan}),
        ("in_time", {"ecal_out_of_time_energy": 31.0}),
        ("beam", {"counters_counter_energy": [0.0, 3e-4, 2e-3, 2e-3, 0.0]}),
        ("beam", {"counters_counter_energy": [3e-4, 3e-4, 2e-3, 2e-3, 2e-3]}),
        ("scattered", {"counters_counter_energy": [3e-4, 3e-4, 2e-3, 1e-3, 0.0]}),
        ("single_hits", {"scattered_plane_hits": 2.0}),
        ("track_momentum", {"track_momentum": 134.0}),
        ("track_momentum", {"track_momentum": np.nan}),
        ("scattered_chi2", {"scattered_chi2": 3.5}),
        ("target_match", {"target_pull": np.nan}),
        ("target_match", {"target_angle": 0.03}),
        ("ecal_mip", {"ecal_section_mips": [0.0]}),
        ("veto", {"veto_panel_mips": [0.0, 0.1, 0.0]}),
        ("vhcal", {"vhcal_energy": 3.0}),
        ("hcal_mip", {"hcal_module_mips": [1.0, 2.2]}),  # two muons
        ("hcal_mip", {"hcal_module_mips": [1.0, 0.0]}),  # the muon is lost
    ],
)
def test_each_cut_rejects_what_it_is_for(cut: str, changes: dict[str, Any]) -> None:
    kept = {c.name: bool(passes(c, event(**changes), 1)[0]) for c in SELECTION.cuts}
    assert [name for name, keep in kept.items() if not keep] == [cut]


def test_the_ntuple_has_no_times_and_no_match() -> None:
    lacking = (
        "master_time",
        "ecal_out_of_time_energy",
        "hcal_out_of_time_energy",
        "target_pull",
        "target_angle",
    )
    columns = {k: v for k, v in event().items() if k not in (*lacking, "veto_panel_mips")}
    assert all(passes(cut, columns, 1)[0] for cut in SELECTION.cuts)
