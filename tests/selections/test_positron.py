"""The selection of the positron mode."""

from typing import Any

import numpy as np
import pytest

from datasets.periods import period_of_setup
from processors.withholding import blinding_of
from selections.blinding import BlindingError
from selections.cut import passes
from selections.selection import Selection, SelectionError, load_selection

DETECTORS = ("srd", "ecal", "veto", "vhcal", "hcal")


def select(setup: str = "na64pos_2022", *changes: str) -> Selection:
    return load_selection("positron", setup, DETECTORS, changes=changes)


def event(**changes: Any) -> dict[str, np.ndarray]:
    """Return one event that a signal could be."""
    columns: dict[str, Any] = {
        "master_time": 0.0, "ecal_out_of_time_energy": 0.0, "hcal_out_of_time_energy": 0.0,
        **{f"{name}_is_valid": True for name in (*DETECTORS, "track", "ecal_shower")},
        "srd_is_tagged": True, "srd_energy": 0.02, "srd_time": 0.3, "ecal_time": -0.4,
        "track_count": 1.0, "track_momentum": 100.0, "track_chi2": 1.0, "track_angle": 1e-3,
        "ecal_cell_distance": 0.0, "ps_energy": 2.0, "ecal_shower_chi2": 1.0,
        "veto_panel_energy": [0.0, 0.0, 0.0], "vhcal_energy": 0.0, "hcal_energy": 0.1, "hcal_r": np.nan,
        "ecal_energy": 30.0, "missing_energy": 70.0,
    }  # fmt: skip
    return {name: np.array([value]) for name, value in {**columns, **changes}.items()}


def kept(**changes: Any) -> dict[str, bool]:
    return {cut.name: bool(passes(cut, event(**changes), 1)[0]) for cut in select().cuts}


def test_cuts_are_those_of_electrons_with_one_more() -> None:
    electrons = load_selection("invisible", "na64e_2022", DETECTORS)
    names = [cut.name for cut in select().cuts]
    assert names[:3] == ["in_time", "srd", "one_particle"]
    assert [name for name in names if name != "one_particle"] == [cut.name for cut in electrons.cuts]
    assert all(kept().values())


@pytest.mark.parametrize("times", [(0.0, 9.0), (0.0, np.nan), (np.nan, 0.0)])
def test_two_times_are_two_particles(times: tuple[float, float]) -> None:
    found = kept(ecal_time=times[0], srd_time=times[1])
    assert [name for name, keep in found.items() if not keep] == ["one_particle"]


def test_beam_of_70_gev_has_its_own_momentum() -> None:
    cut = select("na64pos_2023").cut("track_momentum")
    assert passes(cut, event(track_momentum=70.0), 1)[0]
    assert not passes(cut, event(), 1)[0]


def test_aggressive_threshold_is_for_poker_alone() -> None:
    boxes = {
        name: select(name, "signal_box.missing_energy=25").signal_box
        for name in ("poker_pilot", "na64pos_2022")
    }
    blinding = {name: blinding_of(period_of_setup(name)) for name in boxes}
    blinding["poker_pilot"].require(boxes["poker_pilot"])
    with pytest.raises(BlindingError, match="reaches out of the closed region"):
        blinding["na64pos_2022"].require(boxes["na64pos_2022"])
    assert boxes["poker_pilot"].limits["missing_energy"] == (25.0, None)
    with pytest.raises(SelectionError, match="edge of the box"):
        select("poker_pilot", "signal_box.missing_energy=much")
