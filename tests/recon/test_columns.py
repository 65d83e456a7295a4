"""Tests of the declarations of derived columns: one name, one type, one unit, one way of being unknown."""

import re

import numpy as np
import pytest

from recon import columns
from recon.columns import COLUMNS, Column, column, title

UNITS = {"", "GeV", "mm", "ns", "ADC", "T", "rad"}
SINGLE_WORDS = {"run", "spill", "event", "weight"}  # of the event itself: no object before the quantity
DECLARED = [pytest.param(declared, id=declared.name) for declared in COLUMNS.values()]
PUBLIC = (
    "ecal_energy ps_energy ecal_x ecal_y ecal_shower_chi2 hcal_energy hcal_module_energy hcal_r "
    "srd_module_energy srd_is_tagged veto_panel_energy track_momentum track_chi2"
)


def test_no_name_is_declared_twice() -> None:
    names = [declared.name for declared in columns._DECLARED]
    assert len(names) == len(set(names)) == len(COLUMNS)


@pytest.mark.parametrize("name", PUBLIC.split())
def test_names_that_others_rely_on(name: str) -> None:
    assert COLUMNS[name].name == name


@pytest.mark.parametrize("declared", DECLARED)
def test_name_is_object_and_quantity(declared: Column) -> None:
    words = r"[a-z][a-z0-9]*" + ("" if declared.name in SINGLE_WORDS else r"(_[a-z0-9]+)+")
    assert re.fullmatch(words, declared.name)


@pytest.mark.parametrize("declared", DECLARED)
def test_unit_is_one_of_ours(declared: Column) -> None:
    assert declared.unit in UNITS


@pytest.mark.parametrize(
    ("suffix", "unit"),
    [
        pytest.param("energy", "GeV", id="energy"),
        pytest.param("momentum", "GeV", id="momentum"),
        pytest.param("time", "ns", id="time"),
        pytest.param("angle", "rad", id="angle"),
        pytest.param("chi2", "", id="chi2"),
        pytest.param("count", "", id="count"),
    ],
)
def test_quantity_has_its_unit(suffix: str, unit: str) -> None:
    found = {name: declared.unit for name, declared in COLUMNS.items() if name.endswith(f"_{suffix}")}
    assert found
    assert set(found.values()) == {unit}


@pytest.mark.parametrize("declared", DECLARED)
def test_type_is_one_that_numpy_knows(declared: Column) -> None:
    assert np.dtype(declared.dtype).name == declared.dtype


@pytest.mark.parametrize("declared", DECLARED)
def test_a_yes_or_no_is_bool_and_nothing_else_is(declared: Column) -> None:
    assert ("_is_" in declared.name) == (declared.dtype == "bool")


@pytest.mark.parametrize("declared", DECLARED)
def test_unknown_float_is_nan(declared: Column) -> None:
    assert declared.missing == ("NaN" if declared.dtype.startswith("float") else "see its is_valid flag")


@pytest.mark.parametrize("name", [n for n, c in COLUMNS.items() if c.dtype == "int64" and "_" in n])
def test_unknown_integer_has_a_flag(name: str) -> None:
    if not name.startswith("truth_"):  # of a simulation: always known
        assert COLUMNS[f"{name.partition('_')[0]}_is_valid"].dtype == "bool"


@pytest.mark.parametrize("declared", DECLARED)
def test_meaning_is_one_line(declared: Column) -> None:
    assert re.fullmatch(r"\S.*\S", declared.meaning)
    assert not declared.meaning.endswith(".")


@pytest.mark.parametrize("detector", ["ecal", "hcal", "veto", "vhcal", "srd"])
def test_each_detector_has_energy_parts_time_and_flag(detector: str) -> None:
    kinds = {name: declared.kind for name, declared in COLUMNS.items() if name.startswith(f"{detector}_")}
    assert kinds[f"{detector}_energy"] == "event"
    assert [name for name, kind in kinds.items() if kind == "parts"] == [
        name for name in kinds if re.fullmatch(rf"{detector}_(section|module|panel)_(energy|mips)", name)
    ]
    assert {f"{detector}_time", f"{detector}_out_of_time_energy", f"{detector}_is_valid"} <= set(kinds)


def test_column_by_name() -> None:
    assert (column("track_angle").unit, column("track_count").dtype) == ("rad", "int64")


def test_unknown_column_is_named() -> None:
    with pytest.raises(KeyError, match="ecal_enregy"):
        column("ecal_enregy")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("ecal_x", "shower position in x [mm]", id="with-unit"),
        pytest.param("track_count", "incoming tracks found", id="without-unit"),
    ],
)
def test_title(name: str, text: str) -> None:
    assert title(name) == text
