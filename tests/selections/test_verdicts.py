"""Verdicts on single events: they are what the cuts say, with the reason where no condition decides."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.columns import COLUMNS
from selections.cut import passes
from selections.selection import load_selection
from selections.verdicts import Value, judge_base, judge_cuts, regions_of, rejected_by

SELECTION = load_selection("invisible", "na64e_2018", ("ecal", "hcal", "srd", "veto"))
NAN = float("nan")
GOOD: dict[str, Any] = {
    "ecal_energy": 98.0, "hcal_energy": 0.1, "ps_energy": 5.0, "master_time": 0.0,
    "ecal_out_of_time_energy": 0.0, "hcal_out_of_time_energy": 0.0, "srd_energy": 0.03,
    "srd_module_energy": [0.01, 0.01, 0.01], "track_momentum": 100.5, "track_chi2": 1.0,
    "track_angle": 1e-4, "ecal_shower_chi2": 1.0, "hcal_r": NAN, "veto_panel_energy": [0.0, 0.001, 0.0],
    "track_count": 1, "ecal_cell_distance": 0.0, "ecal_is_valid": True,
    "hcal_is_valid": True, "srd_is_valid": True, "srd_is_tagged": True, "track_is_valid": True,
    "ecal_shower_is_valid": True, "veto_is_valid": True, "trigger_is_physics": True,
}  # fmt: skip


def event(**changes: Any) -> dict[str, Any]:
    """Return columns of two events: one that nothing is known of, and a good one with changes."""
    columns = {}
    for name, value in (GOOD | changes).items():
        good = np.array(value)
        other = np.full_like(good, NAN if good.dtype.kind == "f" else 0)
        columns[name] = np.stack([other, good])
    return columns


def test_good_event_passes_everything() -> None:
    cuts, base = judge_cuts(SELECTION, event(), 1), judge_base(SELECTION, event(), 1)
    assert {cut.name for cut in cuts} == {cut.name for cut in SELECTION.cuts}
    assert {verdict.outcome for verdict in (*cuts, *base)} == {"pass"}
    assert rejected_by((*base, *cuts)) is None


@pytest.mark.parametrize(
    ("changes", "cut", "outcome", "reason"),
    [
        pytest.param({"veto_panel_energy": [0.0, 0.02, 0.0]}, "veto", "fail", "", id="condition"),
        pytest.param(
            {"ecal_shower_chi2": NAN}, "ecal_shape", "undecidable", "ecal_shower_chi2 unknown", id="nan"
        ),
        pytest.param(
            {"veto_is_valid": False}, "veto", "undecidable", "veto_is_valid = no", id="dead-detector"
        ),
        pytest.param({"srd_is_tagged": False}, "srd", "fail", "", id="no-tag"),
        pytest.param({"hcal_energy": 5.0, "hcal_r": NAN}, "hcal_r", "fail", "", id="undefined-ratio"),
    ],
)
def test_outcome_and_reason(changes: dict[str, Any], cut: str, outcome: str, reason: str) -> None:
    verdicts = judge_cuts(SELECTION, event(**changes), 1)
    (found,) = [verdict for verdict in verdicts if verdict.name == cut]
    assert (found.outcome, found.reason) == (outcome, reason)
    first = rejected_by(verdicts)
    assert first is not None
    assert first.name == cut


def test_absent_columns_are_not_given_and_reject_nothing() -> None:
    columns = event(veto_panel_energy=[0.0, 0.02, 0.0])
    del columns["track_chi2"]
    verdicts = {verdict.name: verdict for verdict in judge_cuts(SELECTION, columns, 1)}
    assert verdicts["track_chi2"].outcome == "not given"
    assert "track_chi2" in verdicts["track_chi2"].reason
    first = rejected_by(tuple(verdicts.values()))
    assert first is not None
    assert first.name == "veto"


number = st.one_of(st.just(NAN), st.floats(-1, 120), st.floats(0, 0.2))


@given(st.data())
def test_pass_is_what_the_cut_keeps(data: st.DataObject) -> None:
    changes: dict[str, Any] = {}
    for name, value in GOOD.items():
        if isinstance(value, bool):
            changes[name] = data.draw(st.booleans())
        elif isinstance(value, list):
            changes[name] = data.draw(st.lists(number, min_size=3, max_size=3))
        elif isinstance(value, float):
            changes[name] = data.draw(number)
    columns = event(**changes)
    verdicts = judge_cuts(SELECTION, columns, 1)
    kept = [bool(passes(cut, columns, 2)[1]) for cut in SELECTION.cuts]
    assert [verdict.outcome == "pass" for verdict in verdicts] == kept


@pytest.mark.parametrize(
    ("changes", "part", "outcome"),
    [
        pytest.param({"ecal_energy": NAN}, "ecal_energy", "undecidable", id="nan"),
        pytest.param({"ecal_energy": 201.0}, "ecal_energy", "fail", id="implausible"),
        pytest.param({"hcal_is_valid": False}, "hcal_is_valid", "fail", id="dead"),
        pytest.param({"trigger_is_physics": False}, "trigger_is_physics", "fail", id="trigger"),
    ],
)
def test_parts_of_the_base(changes: dict[str, Any], part: str, outcome: str) -> None:
    found = {verdict.name: verdict.outcome for verdict in judge_base(SELECTION, event(**changes), 1)}
    assert {name for name, what in found.items() if what != "pass"} == {part}
    assert found[part] == outcome


def test_another_trigger_can_be_asked_for() -> None:
    verdicts = judge_base(SELECTION, event(), 1, "trigger_is_calibration")
    assert [(v.name, v.outcome) for v in verdicts][-1] == ("trigger_is_calibration", "not given")


def test_regions_by_energies() -> None:
    assert regions_of(SELECTION, event(), 1) == ("side_band_a",)
    assert regions_of(SELECTION, event(ecal_energy=30.0), 1) == ("signal_box",)
    assert regions_of(SELECTION, event(ecal_energy=NAN), 1) == ()
    assert regions_of(SELECTION, {"ecal_energy": np.ones(2)}, 1) == ()


def test_values_have_units_and_unknown_is_said() -> None:
    assert str(Value("ecal_energy", (98.12345,), "GeV")) == "ecal_energy = 98.12 GeV"
    assert str(Value("ecal_energy", (NAN,), "GeV")) == "ecal_energy = unknown"
    assert str(Value("srd_module_energy", (0.01, NAN), "GeV")) == "srd_module_energy = (0.01, unknown) GeV"
    assert str(Value("ecal_is_valid", (0.0,), "")) == "ecal_is_valid = no"


def test_thresholds_and_values_are_those_of_the_cut() -> None:
    changed = load_selection("invisible", "na64e_2018", ("ecal",), changes=("veto.limit=0.05",))
    (veto,) = [
        v for v in judge_cuts(changed, event(veto_panel_energy=[0.0, 0.02, 0.0]), 1) if v.name == "veto"
    ]
    assert (dict(veto.thresholds), veto.outcome) == ({"limit": 0.05}, "pass")
    assert veto.values[0] == Value("veto_panel_energy", (0.0, 0.02, 0.0), COLUMNS["veto_panel_energy"].unit)
