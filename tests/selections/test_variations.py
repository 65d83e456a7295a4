"""Systematic variations as functions of columns and cuts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selections.selection import SelectionError, choose_variations, load_selection
from selections.variations import Variation, VariationError, parse_variations, read_variations, scaled_columns

PARAMS = {"veto": {"limit": 0.01}, "preshower": {"low": 0.5, "high": 30.0}}


def events() -> dict[str, Any]:
    return {
        "ecal_energy": np.array([10.0, np.nan]),
        "ps_energy": np.array([2.0, 4.0]),
        "hcal_energy": np.array([1.0, 2.0]),
        "hcal_out_of_time_energy": np.array([10.0, 20.0]),
        "veto_panel_energy": np.array([[1.0, 2.0], [3.0, 4.0]]),
        "veto_out_of_time_energy": np.array([10.0, np.nan]),
        "ecal_time": np.array([1.0, 2.0]),
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"scale": {"ecal_energy": 1.1}}, {"ecal_energy": [11.0, np.nan]}),
        ({"scale": {"ecal": 2.0}}, {"ecal_energy": [20.0, np.nan], "ps_energy": [4.0, 8.0]}),
        ({"add": {"hcal_energy": {"hcal_out_of_time_energy": 0.1}}}, {"hcal_energy": [2.0, 4.0]}),
        (
            {"add": {"veto_panel_energy": {"veto_out_of_time_energy": 0.1}}},
            {"veto_panel_energy": [[2.0, 3.0], [np.nan, np.nan]]},
        ),
        (
            {"add": {"hcal_energy": {"hcal_out_of_time_energy": 0.1}}, "scale": {"hcal_energy": 10.0}},
            {"hcal_energy": [20.0, 40.0]},
        ),
        ({"set": {"veto.limit": 1.0}}, {}),
    ],
)
def test_columns(spec: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    before = events()
    changed = Variation(name="x", **spec).apply_columns(before)
    assert changed.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(changed[name], values, rtol=1e-14)
    for name, values in events().items():
        np.testing.assert_array_equal(before[name], values)  # nothing changes in place


def test_cuts() -> None:
    cuts = load_selection("invisible", "na64e_2018", ("ecal",)).cuts
    varied = Variation(name="x", set={"veto.limit": 0.02}, multiply={"veto.limit": 0.5, "preshower.low": 3})
    found = {cut.name: cut for cut in varied.apply_cuts(cuts)}
    assert found["veto"].params["limit"] == 0.01
    assert found["preshower"].params == {"low": 1.5, "high": 30.0}
    assert found["srd"] is next(cut for cut in cuts if cut.name == "srd")


def test_word_for_a_detector_is_all_its_energies() -> None:
    assert {"veto_energy", "veto_panel_energy", "veto_max_energy"} <= set(scaled_columns("veto"))
    assert not {name for name in scaled_columns("ecal") if "time" in name and "out_of_time" not in name}
    assert scaled_columns("track") == ("track_momentum", "track_momentum_error")


def test_columns_that_are_not_there() -> None:
    spec = {"add": {"ecal_energy": {"ecal_out_of_time_energy": 0.1}}, "scale": {"vhcal": 1.1}}
    assert Variation(name="x", **spec).lacking(events()) == ["vhcal", "ecal_out_of_time_energy"]


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"x": {"scale": {"ecal_enrgy": 1.1}}}, "did you mean 'ecal_energy'"),
        ({"x": {"scale": {"ecal_max_x": 1.1}}}, "holds int64"),
        ({"x": {"scale": {"ecal": -1.0}}}, "above 0"),
        ({"x": {"scale": {"ecal": float("nan")}}}, "finite"),
        ({"x": {"set": {"veto.limt": 1.0}}}, "did you mean 'veto.limit'"),
        ({"x": {"multiply": {"veto": 1.0}}}, "no threshold 'veto'"),
        ({"x": {"scael": {"ecal": 1.1}}}, "scael"),
        ({"x": {}}, "change something"),
        ({"x": 3}, "must be a mapping"),
        ({"nominal": {"scale": {"ecal": 1.1}}}, "no name of a variation"),
        ({"x": {"add": {"ecal_cluster_energy": {"ecal_energy": 0.1}}}}, "numbers per event"),
        ([1], "expected a mapping"),
    ],
)
def test_mistakes_are_named(tree: Any, words: str) -> None:
    with pytest.raises(VariationError, match=words) as raised:
        parse_variations(tree, PARAMS, "mine.yaml")
    assert str(raised.value).startswith("mine.yaml: ")


def test_words_of_a_user(tmp_path: Path) -> None:
    declared = parse_variations(
        {"up": {"scale": {"ecal": 1.1}}, "down": {"scale": {"ecal": 0.9}}}, PARAMS, ""
    )
    own = tmp_path / "own.yaml"
    own.write_text("low_veto: {set: {veto.limit: 0.009}, source: me}\nup: {scale: {ecal: 1.2}}\n")
    assert read_variations(["all"], declared, PARAMS) == declared
    assert read_variations(["none"], declared, PARAMS) == ()
    names = [v.name for v in read_variations(["down", str(own)], declared, PARAMS)]
    assert names == ["down", "low_veto", "up"]
    with pytest.raises(VariationError, match="two different variations are called 'up'"):
        read_variations(["up", str(own)], declared, PARAMS)
    with pytest.raises(VariationError, match="did you mean 'down'"):
        read_variations(["dwon"], declared, PARAMS)
    with pytest.raises(VariationError, match="cannot read"):
        read_variations([str(tmp_path / "absent.yaml")], declared, PARAMS)


def test_shipped_variations_come_with_the_selection() -> None:
    selection = load_selection("invisible", "na64e_2018", ("ecal", "hcal", "srd", "veto"))
    assert selection.variations == choose_variations("invisible", ["all"])
    assert choose_variations("invisible", []) is None
    with pytest.raises(SelectionError, match="unknown variation"):
        choose_variations("invisible", ["ecal"])


@pytest.mark.parametrize(
    ("spec", "column", "expected"),
    [
        ({"scale": {"ecal": 0.99}}, "ecal_energy", (0.01, 0.0)),
        ({"scale": {"ecal": 1.01, "ecal_energy": 1.1}}, "ecal_energy", (0.111, 0.0)),
        ({"scale": {"ecal": 0.99}}, "hcal_energy", (0.0, 0.0)),
        ({"add": {"hcal_energy": {"hcal_out_of_time_energy": -0.1}}}, "hcal_energy", (0.0, np.inf)),
        ({"set": {"veto.limit": 1.0}}, "ecal_energy", (0.0, 0.0)),
    ],
)
def test_shift_of_a_column(spec: Mapping[str, Any], column: str, expected: tuple[float, float]) -> None:
    assert Variation(name="x", **spec).shift(column) == expected
