"""Tests of the selection: the cuts in their order, their numbers, and what a user may change."""

from collections.abc import Callable
from dataclasses import replace
from inspect import unwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from datasets.periods import load_periods
from datasets.setups import load_setup
from recon.columns import COLUMNS
from selections import selection as module
from selections.blinding import Blinding, BlindingError
from selections.regions import Region
from selections.selection import Selection, SelectionError, load_selection

ORDER = [
    *("in_time", "srd", "single_track", "track_momentum", "track_chi2", "track_angle"),
    *("beam_cell", "preshower", "ecal_shape", "veto", "vhcal", "hcal_r"),
]
SETUPS = ["geant4_sample", "na64e_2016", "na64e_2018", "na64e_2022"]
WITH_VHCAL = ("ecal", "hcal", "srd", "veto", "vhcal")
SHIPPED = Path(module.__file__).parent / "invisible.yaml"
PARAMETERS = [
    f"{cut}.{key}"
    for cut, keys in yaml.safe_load(SHIPPED.read_text())["default"].items()
    for key in keys
    if key != "source"
]


def load(setup: str = "na64e_2022", **options: Any) -> Selection:
    return load_selection("invisible", setup, tuple(load_setup(setup).detectors), **options)


# --- what is shipped -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setup", "absent"),
    [("geant4_sample", ["vhcal"]), ("na64e_2016", ["vhcal"]), ("na64e_2018", ["vhcal"]), ("na64e_2022", [])],
    ids=SETUPS,
)
def test_order_of_cuts(setup: str, absent: list[str]) -> None:
    assert [cut.name for cut in load(setup).cuts] == [name for name in ORDER if name not in absent]


def test_base_holds_the_first_two_cuts() -> None:
    selection = load()
    assert [cut.name for cut in selection.base_cuts] == ORDER[:2]
    assert selection.base.cuts == ("in_time", "srd")


def test_base_asks_for_the_box() -> None:
    base = load().base
    assert set(base.columns) == set(load().signal_box.columns)
    assert set(base.valid) == {"ecal_is_valid", "hcal_is_valid"}
    assert base.trigger == "trigger_is_physics"


@pytest.mark.parametrize("setup", ["geant4_sample", "na64e_2016", "na64e_2018"])
def test_published_momentum(setup: str) -> None:
    """PRL 123 (2019) 121801: 100 +- 3 GeV."""
    assert dict(load(setup).cut("track_momentum").params) == {"centre": 100.0, "half_width": 3.0}


def test_published_signal_box() -> None:
    """PRL 123 (2019) 121801: ECAL below 50 GeV and HCAL below 1 GeV."""
    box = load().signal_box
    assert dict(box.limits) == {"ecal_energy": (None, 50.0), "hcal_energy": (None, 1.0)}
    assert box.sum_of == ()


def test_setup_overrides_single_numbers() -> None:
    assert dict(load("na64e_2022").cut("track_momentum").params) == {"centre": 100.0, "half_width": 10.0}
    assert load("geant4_sample").cut("veto").params["limit"] == 0.015
    assert load("na64e_2018").cut("veto").params["limit"] == 0.01


def test_override_stays_with_its_setup() -> None:
    load("na64e_2022")
    assert load("na64e_2018").cut("track_momentum").params["half_width"] == 3.0


@pytest.mark.parametrize(
    "period",
    [pytest.param(p, id=p.name) for p in load_periods() if p.kind == "data" and "invisible" in p.closed],
)
def test_signal_box_is_closed_in_each_period(period: Any) -> None:
    Blinding.of_period(period.name, period.closed).require(load(period.setup).signal_box)


@pytest.mark.parametrize("name", ORDER)
def test_cut_reads_declared_columns(name: str) -> None:
    cut = load().cut(name)
    assert {*cut.needs, *cut.optional} <= set(COLUMNS)
    assert all(COLUMNS[flag].dtype == "bool" for flag in cut.valid)


@pytest.mark.parametrize("name", ORDER)
def test_cut_can_be_drawn_and_described(name: str) -> None:
    cut = load().cut(name)
    assert "{" not in cut.describe()
    assert cut.plot is not None
    assert cut.plot.column in cut.needs
    assert set(cut.plot.marks) <= set(cut.params)


def test_description_has_the_numbers() -> None:
    assert load("na64e_2018").cut("track_momentum").describe() == "track momentum 100 ± 3 GeV"


def test_regions_read_declared_columns() -> None:
    selection = load()
    assert {region.name for region in selection.regions} == {
        "side_band_a",
        "side_band_c",
        "area_i",
        "area_ii",
    }
    for region in (selection.signal_box, *selection.regions):
        assert set(region.columns) <= set(COLUMNS)


@pytest.mark.parametrize("name", ["side_band_a", "side_band_c", "area_i", "area_ii"])
def test_regions_that_are_counted_lie_outside_of_the_box(name: str) -> None:
    """Each has a lower limit where the box has its upper one, or beyond."""
    (region,) = [region for region in load().regions if region.name == name]
    limits = load().signal_box.limits
    assert any((region.limits.get(column, (None,))[0] or 0) >= limits[column][1] for column in limits)


def test_each_number_of_the_file_has_a_source() -> None:
    content = yaml.safe_load(SHIPPED.read_text())
    assert content["source"]
    assert content["signal_box"]["source"].startswith("published")
    assert content["default"]["track_momentum"]["source"].startswith("published")


# --- changes of a user ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "cut", "key", "value"),
    [
        ("track_momentum.half_width=5", "track_momentum", "half_width", 5.0),
        ("hcal_r.limit=0.5", "hcal_r", "limit", 0.5),
        ("veto.limit=1e-2", "veto", "limit", 0.01),
        ("preshower.low=-1", "preshower", "low", -1.0),
    ],
)
def test_change_sets_one_number(change: str, cut: str, key: str, value: float) -> None:
    before, after = load("na64e_2018"), load("na64e_2018", changes=[change])
    assert dict(after.cut(cut).params) == {**before.cut(cut).params, key: value}
    assert [other.params for other in after.cuts if other.name != cut] == [
        other.params for other in before.cuts if other.name != cut
    ]
    assert after.params[cut][key] == value
    assert after.changed == (change,)


def test_last_change_holds() -> None:
    changes = ["veto.limit=1", "veto.limit=2"]
    assert load(changes=changes).cut("veto").params["limit"] == 2.0


def test_change_goes_over_the_setup() -> None:
    assert load(changes=["track_momentum.half_width=4"]).cut("track_momentum").params["half_width"] == 4.0


def test_changes_do_not_stay() -> None:
    load(changes=["veto.limit=9"], without=["srd"])
    assert load().cut("veto").params["limit"] == 0.01
    assert load().without == load().changed == ()


def test_cut_is_left_out() -> None:
    selection = load(without=["veto", "track_chi2", "veto"])
    assert [cut.name for cut in selection.cuts] == [n for n in ORDER if n not in {"veto", "track_chi2"}]
    assert selection.without == ("veto", "track_chi2")


def test_parameters_of_a_cut_left_out_are_kept() -> None:
    """The reconstruction tags electrons with those of `srd`, also where the cut is left out."""
    assert load(without=["srd"]).params["srd"] == load().params["srd"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"without": ["hcal_rr"]}, "unknown cut 'hcal_rr'; did you mean 'hcal_r'?", id="without"),
        pytest.param(
            {"changes": ["track_momentun.centre=1"]},
            "unknown cut 'track_momentun'; did you mean 'track_momentum'?",
            id="cut",
        ),
        pytest.param(
            {"changes": ["track_momentum.half_widht=1"]},
            "cut 'track_momentum' has no parameter 'half_widht'; did you mean 'half_width'?",
            id="parameter",
        ),
        pytest.param(
            {"without": ["xyzzy"]}, "unknown cut 'xyzzy'. Cuts of invisible: in_time, srd", id="far"
        ),
        pytest.param({"changes": ["veto.limit=ten"]}, "'ten' is not a number", id="text"),
        pytest.param({"changes": ["veto.limit="]}, "'' is not a number", id="no-value"),
        pytest.param({"changes": ["veto.limit=nan"]}, "'nan' is not a number", id="nan"),
        pytest.param({"changes": ["veto.limit"]}, "not of the form CUT.KEY=VALUE", id="no-equals"),
        pytest.param({"changes": ["veto=1"]}, "not of the form CUT.KEY=VALUE", id="no-key"),
    ],
)
def test_mistake_is_named_with_the_nearest_valid_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SelectionError) as caught:
        load(**options)
    assert message in str(caught.value)


def test_unknown_analysis_is_named_with_the_nearest() -> None:
    with pytest.raises(SelectionError, match=r"unknown analysis 'invisble'; did you mean 'invisible'\?"):
        load_selection("invisble", "na64e_2018", WITH_VHCAL)


@pytest.mark.parametrize(
    "options", [{"without": ["vhcal"]}, {"changes": ["vhcal.limit=2"]}], ids=["without", "set"]
)
def test_cut_on_an_absent_detector_does_not_exist(options: dict[str, Any]) -> None:
    with pytest.raises(SelectionError, match="unknown cut 'vhcal'"):
        load("na64e_2018", **options)


def test_unknown_cut_by_name_is_named() -> None:
    with pytest.raises((KeyError, SelectionError), match="hcal_quite"):
        load().cut("hcal_quite")


# --- the base on closed data ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        *({"changes": [f"{name}=0.5"]} for name in PARAMETERS if name.startswith(("in_time.", "srd."))),
        {"without": ["in_time"]},
        {"without": ["veto", "srd"]},
        {"changes": ["veto.limit=1", "srd.module_low=0.002"]},
    ],
    ids=lambda options: "-".join(next(iter(options.values()))),
)
def test_touched_base_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(BlindingError, match="belongs to the base requirement of the blinding"):
        load(**options).require_untouched_base()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"without": ["veto", "hcal_r"]},
        {"changes": ["track_momentum.half_width=5", "veto.limit=1"]},
    ],
    ids=["nothing", "without", "set"],
)
def test_other_cuts_may_change(options: dict[str, Any]) -> None:
    load(**options).require_untouched_base()


def test_message_names_all_touched_cuts() -> None:
    with pytest.raises(BlindingError, match="cut in_time, srd belongs"):
        load(changes=["srd.sum_low=1"], without=["in_time"]).require_untouched_base()


# --- what is lacking -----------------------------------------------------------------------------------


def test_nothing_is_lacking() -> None:
    assert load().needs(set(COLUMNS)) == {}


def test_lacking_columns_are_listed_per_cut() -> None:
    present = set(COLUMNS) - {"track_momentum", "hcal_is_valid", "hcal_r"}
    lacking = load().needs(present)
    assert lacking["track_momentum"] == ["track_momentum"]
    assert lacking["base"] == ["hcal_is_valid"]
    assert set(lacking["hcal_r"]) == {"hcal_is_valid", "hcal_r"}
    assert "track_chi2" not in lacking


@pytest.mark.parametrize("name", ["ecal_energy", "hcal_is_valid", "trigger_is_physics"])
def test_base_lacks_each_of_its_columns(name: str) -> None:
    assert load().needs(set(COLUMNS) - {name})["base"] == [name]


def test_optional_column_is_not_lacking() -> None:
    assert "in_time" not in load().needs(set(COLUMNS) - {"hcal_out_of_time_energy"})


# --- the digest ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PARAMETERS)
def test_digest_changes_with_each_parameter(name: str) -> None:
    cut, key = name.split(".")
    value = load().params[cut][key]
    assert load(changes=[f"{name}={value + 1}"]).digest() != load().digest()
    assert load(changes=[f"{name}={value}"]).digest() == load().digest()


@pytest.mark.parametrize("name", ORDER)
def test_digest_changes_without_a_cut(name: str) -> None:
    assert load(without=[name]).digest() != load().digest()


def test_digest_changes_with_the_setup_where_numbers_do() -> None:
    assert load("na64e_2018").digest() != load("geant4_sample").digest()
    assert load("na64e_2018").digest() == load("na64e_2016").digest()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda b: replace(b, limits={**b.limits, "hcal_energy": (None, 2.0)}), id="limit"),
        pytest.param(lambda b: replace(b, limits={"ecal_energy": (None, 50.0)}), id="column"),
        pytest.param(
            lambda b: replace(b, sum_of=("ecal_energy", "hcal_energy"), sum_limit=(None, 40.0)), id="sum"
        ),
    ],
)
def test_digest_changes_with_the_signal_box(change: Callable[[Region], Region]) -> None:
    selection = load()
    assert replace(selection, signal_box=change(selection.signal_box)).digest() != selection.digest()


@pytest.mark.parametrize(
    "change",
    [
        {"columns": ("ecal_energy",)},
        {"valid": ("ecal_is_valid",)},
        {"trigger": "trigger_is_calibration"},
        {"cuts": ("in_time",)},
    ],
    ids=["columns", "valid", "trigger", "cuts"],
)
def test_digest_changes_with_the_base(change: dict[str, Any]) -> None:
    selection = load()
    assert replace(selection, base=replace(selection.base, **change)).digest() != selection.digest()


# --- mistakes in the file ------------------------------------------------------------------------------


def _misspell_base_cut(tree: Any) -> None:
    tree["base"]["cuts"] = ["in_time", "sdr"]


def _misspell_default_cut(tree: Any) -> None:
    tree["default"]["veot"] = tree["default"].pop("veto")


def _drop_default_cut(tree: Any) -> None:
    del tree["default"]["veto"]


def _misspell_default_parameter(tree: Any) -> None:
    tree["default"]["veto"]["limti"] = tree["default"]["veto"].pop("limit")


def _misspell_override_cut(tree: Any) -> None:
    tree["setups"]["na64e_2022"]["veot"] = {"limit": 1.0}


def _misspell_override_parameter(tree: Any) -> None:
    tree["setups"]["na64e_2022"]["track_momentum"] = {"half_widht": 10.0}


def _misspell_room(tree: Any) -> None:
    tree["defualt"] = tree.pop("default")


def _misspell_limits(tree: Any) -> None:
    tree["regions"]["area_i"]["limit"] = tree["regions"]["area_i"].pop("limits")


def _text_for_number(tree: Any) -> None:
    tree["default"]["veto"]["limit"] = "ten"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a selection file may be written that is read instead of the shipped one."""
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    monkeypatch.setattr(module, "_load_file", unwrap(module._load_file))  # not from its cache
    return tmp_path / SHIPPED.name


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(_misspell_base_cut, "sdr", id="base-cut"),
        pytest.param(_misspell_default_cut, "veot", id="default-cut"),
        pytest.param(_drop_default_cut, "veto", id="dropped-cut"),
        pytest.param(_misspell_default_parameter, "limti", id="default-parameter"),
        pytest.param(_misspell_override_cut, "veot", id="override-cut"),
        pytest.param(_misspell_override_parameter, "half_widht", id="override-parameter"),
        pytest.param(_misspell_room, "defualt", id="top-key"),
        pytest.param(_misspell_limits, "limit", id="region-key"),
        pytest.param(_text_for_number, r"default\.veto\.limit", id="text-for-number"),
    ],
)
def test_mistake_in_the_file_is_named(spoil: Callable[[Any], None], message: str, file: Path) -> None:
    """A cut that a typing error removes would let through what it is there to reject."""
    tree = yaml.safe_load(SHIPPED.read_text())
    spoil(tree)
    file.write_text(yaml.safe_dump(tree, sort_keys=False))
    with pytest.raises(SelectionError, match=message):
        load()


def test_copy_of_the_file_is_read(file: Path) -> None:
    """Otherwise the test above could not fail."""
    file.write_text(SHIPPED.read_text().replace("veto: {limit: 0.010}", "veto: {limit: 0.123}"))
    assert load().cut("veto").params["limit"] == 0.123


def test_upper_edges_of_the_box_move() -> None:
    plain, moved = (load("na64e_2018", changes=c) for c in ((), ("signal_box.ecal_energy=40",)))
    assert moved.signal_box.limits == {"ecal_energy": (None, 40.0), "hcal_energy": (None, 1.0)}
    assert moved.params == plain.params
    assert moved.digest() != plain.digest()
    with pytest.raises(SelectionError, match="did you mean 'ecal_energy'"):
        load("na64e_2018", changes=("signal_box.ecal=40",))
    with pytest.raises(SelectionError, match="must be a number"):
        load("na64e_2018", changes=("signal_box.ecal_energy=nan",))
