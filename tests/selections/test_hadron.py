"""The selection of the hadron mode."""

from typing import Any

import numpy as np
import pytest

from selections.cut import passes
from selections.selection import load_selection

DETECTORS = ("srd", "vhcal", "ecal", "veto", "hcal", "counters")
SELECTION = load_selection("hadron", "na64h_2022", DETECTORS)
NAMES = [
    "in_time", "beam", "pion", "single_track", "track_momentum", "track_chi2", "track_angle", "preshower",
    "veto", "vhcal",
]  # fmt: skip
NAN = float("nan")


def event(**changes: Any) -> dict[str, np.ndarray]:
    """Return one event that a signal could be, without the columns that are None."""
    columns: dict[str, Any] = {
        "master_time": 0.0, "ecal_out_of_time_energy": 0.0, "hcal_out_of_time_energy": 0.0,
        "ecal_is_valid": True, "hcal_is_valid": True, "vhcal_is_valid": True, "counters_is_valid": True,
        "srd_is_valid": True, "veto_is_valid": True, "track_is_valid": True, "trigger_is_physics": True,
        "counters_counter_mips": [1.1, 0.9], "srd_energy": 0.0, "srd_out_of_time_energy": 0.0,
        "track_count": 1, "track_momentum": 50.0, "track_chi2": 1.0, "track_angle": 1e-4,
        "ps_energy": 0.04, "veto_panel_energy": [0.0, 1e-3, 0.0], "vhcal_energy": 0.0,
        "ecal_energy": 0.3, "hcal_energy": 0.0,
    }  # fmt: skip
    chosen = {**columns, **changes}
    return {name: np.array([value]) for name, value in chosen.items() if value is not None}


def rejecting(events: dict[str, np.ndarray]) -> list[str]:
    return [cut.name for cut in SELECTION.cuts if not passes(cut, events, 1)[0]]


def test_a_signal_passes_everything() -> None:
    assert [cut.name for cut in SELECTION.cuts] == NAMES
    assert SELECTION.base.cuts == ("in_time", "beam", "pion")
    assert rejecting(event()) == []
    assert SELECTION.signal_box.contains({k: v for k, v in event().items() if v.ndim == 1})[0]


@pytest.mark.parametrize(
    ("cut", "changes"),
    [
        ("in_time", {"ecal_out_of_time_energy": 31.0}),
        ("in_time", {"master_time": NAN}),
        ("beam", {"counters_counter_mips": [1.1, 0.1]}),
        ("beam", {"counters_counter_mips": [3.5, 1.0]}),
        ("beam", {"counters_is_valid": False}),
        ("pion", {"srd_energy": 0.006}),
        ("pion", {"srd_out_of_time_energy": 0.006}),  # an electron's pulse that comes late
        ("single_track", {"track_count": 2}),
        ("track_momentum", {"track_momentum": 46.0}),
        ("track_chi2", {"track_chi2": 6.0}),
        ("track_angle", {"track_angle": 4e-3}),
        ("preshower", {"ps_energy": 0.0}),  # nothing came
        ("preshower", {"ps_energy": 0.3}),  # it interacts there
        ("veto", {"veto_panel_energy": [0.0, 9e-3, 0.0]}),  # a late pion
        ("vhcal", {"vhcal_energy": 2.0}),
    ],
)
def test_each_cut_rejects_what_it_is_for(cut: str, changes: dict[str, Any]) -> None:
    assert rejecting(event(**changes)) == [cut]


@pytest.mark.parametrize(
    "changes", [{"srd_energy": NAN}, {"srd_out_of_time_energy": NAN}, {"srd_is_valid": False}]
)
def test_pion_tag_fails_closed(changes: dict[str, Any]) -> None:
    """No synchrotron radiation is what a dead SRD shows too."""
    assert rejecting(event(**changes)) == ["pion"]


def test_srd_without_times_decides() -> None:
    assert rejecting(event(srd_out_of_time_energy=None)) == []


def test_a_layout_without_srd_cannot_decide() -> None:
    with pytest.raises(KeyError, match="srd_energy"):
        rejecting(event(srd_energy=None))
