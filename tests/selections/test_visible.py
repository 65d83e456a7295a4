"""The selection of the visible mode."""

from typing import Any

import numpy as np
import pytest

from datasets.periods import load_periods
from selections.cut import passes
from selections.regions import Region
from selections.selection import load_selection

DETECTORS = ("wcal", "wcat", "v2", "s4", "ecal", "veto", "hcal", "srd")
SELECTION = load_selection("visible", "na64vis_2017", DETECTORS)
NAMES = [
    "in_time", "srd", "single_track", "track_momentum", "wcat", "preshower", "ecal_energy", "wcal_third",
    "v2", "s4", "veto", "hcal", "beam_cell", "ecal_shape", "decay_hits",
]  # fmt: skip


def event(**changes: Any) -> dict[str, np.ndarray]:
    """Return one event that a signal could be."""
    columns: dict[str, Any] = {
        "master_time": 0.0, "wcal_out_of_time_energy": 0.0, "ecal_out_of_time_energy": 0.0,
        "hcal_out_of_time_energy": 0.0, "srd_energy": 0.05, "srd_is_tagged": True, "track_count": 1,
        "track_momentum": 100.0, "track_is_valid": True, "wcat_energy": 0.1,
        "wcal_section_energy": [3.0, 36.5, 0.01], "wcal_energy": 39.51, "ecal_energy": 60.0,
        "electromagnetic_energy": 99.51, "v2_energy": 0.0, "s4_energy": 1.3e-3, "s4_counter_mips": [2.0],
        "veto_panel_energy": [0.0, 0.0, 0.0], "hcal_energy": 0.1, "ecal_cell_distance": 0.0,
        "ecal_shower_chi2": 1.0, "ecal_shower_is_valid": True, "decay_plane_hits": 2.0,
        **{f"{name}_is_valid": True for name in DETECTORS},
    }  # fmt: skip
    return {name: np.array([value]) for name, value in {**columns, **changes}.items()}


def flat(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values for name, values in columns.items() if values.ndim == 1}


def test_cuts_stand_in_the_order_of_the_collaboration() -> None:
    assert [cut.name for cut in SELECTION.cuts] == NAMES
    assert SELECTION.base.cuts == ("in_time", "srd")


def test_a_signal_passes_everything() -> None:
    kept = {cut.name: bool(passes(cut, event(), 1)[0]) for cut in SELECTION.cuts}
    assert kept == dict.fromkeys(NAMES, True)
    assert SELECTION.signal_box.contains(flat(event()))[0]


@pytest.mark.parametrize(
    ("cut", "changes"),
    [
        ("in_time", {"master_time": np.nan}),
        ("in_time", {"wcal_out_of_time_energy": 31.0}),
        ("srd", {"srd_is_tagged": False}),
        ("single_track", {"track_count": 2}),
        ("track_momentum", {"track_momentum": np.nan}),
        ("wcat", {"wcat_energy": 1.2}),
        ("preshower", {"wcal_section_energy": [0.1, 39.0, 0.0]}),
        ("ecal_energy", {"ecal_energy": 24.0}),
        ("wcal_third", {"wcal_section_energy": [3.0, 34.0, 2.0]}),  # hadrons in the target
        ("v2", {"v2_energy": 6e-4}),  # a charged particle leaves the target
        ("v2", {"v2_energy": np.nan}),
        ("s4", {"s4_counter_mips": [1.0]}),  # one track
        ("s4", {"s4_counter_mips": [0.0]}),  # neutral
        ("veto", {"veto_panel_energy": [0.0, 0.02, 0.0]}),
        ("hcal", {"hcal_energy": 1.5}),
        ("beam_cell", {"ecal_cell_distance": 2.0}),
        ("ecal_shape", {"ecal_shower_chi2": 6.0}),  # several photons
        ("decay_hits", {"decay_plane_hits": 3.0}),
        ("decay_hits", {"decay_plane_hits": 0.0}),
    ],
)
def test_each_cut_rejects_what_it_is_for(cut: str, changes: dict[str, Any]) -> None:
    kept = {c.name: bool(passes(c, event(**changes), 1)[0]) for c in SELECTION.cuts}
    assert [name for name, keep in kept.items() if not keep] == [cut]


@pytest.mark.parametrize("setup", ["na64vis_2017", "na64vis_2018"])
def test_signal_boxes_lie_in_the_closed_regions_of_their_periods(setup: str) -> None:
    box = load_selection("visible", setup, DETECTORS).signal_box
    (period,) = [period for period in load_periods() if period.setup == setup]
    closed = Region(name="closed", limits=period.closed["visible"])
    assert box.is_inside(closed)
    low, high = box.limits["electromagnetic_energy"]
    beam = {"na64vis_2017": 100.0, "na64vis_2018": 150.0}[setup]
    assert (low, high) == pytest.approx((0.9 * beam, 1.1 * beam))


def test_kaons_are_in_the_control_sample_and_not_in_the_other_regions() -> None:
    columns = flat(event(s4_energy=0.0, electromagnetic_energy=80.0, wcal_energy=20.0))
    inside = {region.name for region in SELECTION.regions if region.contains(columns)[0]}
    assert inside == {"neutral", "control", "low_sum"}
    assert not SELECTION.signal_box.contains(columns)[0]
