"""Tests of cuts: whatever cannot be decided fails."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from selections.cut import Cut, Events, Mask, decidable, passes

NAN, INF = float("nan"), float("inf")

QUIET = Cut(
    name="hcal_quiet",
    label="HCAL energy < {limit} GeV",
    columns=("hcal_energy",),
    valid=("hcal_is_valid",),
    params={"limit": 1.0},
    keep=lambda energy, *, limit: energy < limit,
)


def events(**columns: Any) -> Events:
    return {name: np.array([value]) for name, value in columns.items()}


def kept(cut: Cut, **columns: Any) -> bool:
    (answer,) = passes(cut, events(**columns), 1)
    return bool(answer)


@pytest.mark.parametrize(
    ("energy", "valid", "answer"),
    [
        pytest.param(0.2, True, True, id="quiet"),
        pytest.param(-0.2, True, True, id="negative-noise"),
        pytest.param(1.0, True, False, id="at-the-limit"),
        pytest.param(5.0, True, False, id="loud"),
        pytest.param(NAN, True, False, id="nan"),
        pytest.param(-INF, True, False, id="infinite"),
        pytest.param(0.0, False, False, id="dead"),
        pytest.param(NAN, False, False, id="dead-and-nan"),
    ],
)
def test_cut_fails_closed(energy: float, valid: bool, answer: bool) -> None:
    assert kept(QUIET, hcal_energy=energy, hcal_is_valid=valid) is answer


def test_keep_of_everything_does_not_overrule_what_is_unknown() -> None:
    careless = Cut(
        name="careless",
        label="",
        columns=("hcal_energy",),
        valid=("hcal_is_valid",),
        keep=lambda energy: ~(energy > 1.0),
    )
    assert kept(careless, hcal_energy=0.5, hcal_is_valid=True)
    assert not kept(careless, hcal_energy=NAN, hcal_is_valid=True)
    assert not kept(careless, hcal_energy=0.5, hcal_is_valid=False)


@pytest.mark.parametrize("panels", [[NAN, 0.0, 0.0], [0.0, 0.0, NAN], [0.0, INF, 0.0]], ids=str)
def test_one_unknown_part_fails_the_event(panels: list[float]) -> None:
    cut = Cut(name="veto", label="", columns=("veto_panel_energy",), keep=lambda parts: parts[:, 0] < 2)
    assert kept(cut, veto_panel_energy=[0.0, 0.0, 0.0])
    assert not kept(cut, veto_panel_energy=panels)


@pytest.mark.parametrize("name", ["hcal_energy", "hcal_is_valid", "hcal_r"])
def test_missing_column_is_named(name: str) -> None:
    """A column that may be NaN must still be there."""
    cut = Cut(
        name="hcal_r",
        label="",
        columns=("hcal_energy",),
        valid=("hcal_is_valid",),
        undefined=("hcal_r",),
        keep=lambda energy, ratio: (energy < 1) | (ratio < 1),
    )
    there = events(hcal_energy=0.0, hcal_is_valid=True, hcal_r=0.0)
    with pytest.raises(KeyError, match=rf"cut 'hcal_r' needs \['{name}'\]"):
        passes(cut, {key: values for key, values in there.items() if key != name}, 1)


def test_all_missing_columns_are_named_at_once() -> None:
    with pytest.raises(KeyError, match=r"hcal_quiet.*hcal_energy.*hcal_is_valid"):
        passes(QUIET, {}, 1)


def _either(energy: np.ndarray, ratio: np.ndarray) -> Mask:
    return (energy < 1.0) | (ratio < 0.5)


@pytest.mark.parametrize(
    ("energy", "ratio", "answer"),
    [
        pytest.param(0.5, NAN, True, id="undefined-and-kept"),
        pytest.param(5.0, NAN, False, id="undefined-and-not-kept"),
        pytest.param(5.0, 0.1, True, id="defined-and-kept"),
        pytest.param(NAN, 0.1, False, id="column-is-nan"),
    ],
)
def test_undefined_column_may_be_nan(energy: float, ratio: float, answer: bool) -> None:
    cut = Cut(name="r", label="", columns=("hcal_energy",), undefined=("hcal_r",), keep=_either)
    assert kept(cut, hcal_energy=energy, hcal_r=ratio) is answer


def _quiet_if_known(ecal: np.ndarray, hcal: np.ndarray | None) -> Mask:
    return ecal < 1.0 if hcal is None else (ecal < 1.0) & (hcal < 2.0)


@pytest.mark.parametrize(
    ("columns", "answer"),
    [
        pytest.param({"ecal": 0.5}, True, id="absent"),
        pytest.param({"ecal": 5.0}, False, id="absent-and-fails"),
        pytest.param({"ecal": 0.5, "hcal": 1.5}, True, id="present"),
        pytest.param({"ecal": 0.5, "hcal": 2.5}, False, id="present-and-fails"),
        pytest.param({"ecal": 0.5, "hcal": NAN}, False, id="present-and-nan"),
        pytest.param({"ecal": 0.5, "hcal": -INF}, False, id="present-and-infinite"),
    ],
)
def test_optional_column(columns: dict[str, float], answer: bool) -> None:
    cut = Cut(name="t", label="", columns=("ecal",), optional=("hcal",), keep=_quiet_if_known)
    assert kept(cut, **columns) is answer


def test_order_of_arguments() -> None:
    """Columns, then undefined ones, then optional ones, then parameters by name."""
    seen: list[Any] = []

    def keep(*values: np.ndarray | None, **params: float) -> Mask:
        seen.append([None if value is None else value.tolist() for value in values])
        seen.append(params)
        return np.array([True])

    cut = Cut(
        name="c",
        label="",
        keep=keep,
        columns=("a", "b"),
        undefined=("c",),
        optional=("d", "e"),
        valid=("f",),
        params={"limit": 3.0},
    )
    assert kept(cut, f=True, e=5.0, c=3.0, b=2.0, a=1.0)
    assert seen == [[[1.0], [2.0], [3.0], None, [5.0]], {"limit": 3.0}]


def test_needs_lists_what_must_be_there() -> None:
    cut = Cut(
        name="c",
        label="",
        keep=_either,
        columns=("a",),
        undefined=("b",),
        optional=("d",),
        valid=("e",),
    )
    assert set(cut.needs) == {"a", "b", "e"}


def test_integers_are_finite() -> None:
    cut = Cut(name="single", label="", columns=("track_count",), keep=lambda number: number == 1)
    assert [kept(cut, track_count=number) for number in (0, 1, 2)] == [False, True, False]


def test_describe_fills_in_the_numbers() -> None:
    assert QUIET.describe() == "HCAL energy < 1 GeV"


@pytest.mark.parametrize(
    ("columns", "flags", "expected"),
    [
        pytest.param([], [], [True, True, True, True], id="nothing-asked"),
        pytest.param(["a"], [], [True, False, True, True], id="nan"),
        pytest.param(["b"], [], [True, True, False, True], id="infinite"),
        pytest.param(["a", "b"], ["ok"], [True, False, False, False], id="all"),
    ],
)
def test_decidable(columns: list[str], flags: list[str], expected: list[bool]) -> None:
    there = {
        "a": np.array([0.0, NAN, 0.0, 0.0]),
        "b": np.array([0.0, 0.0, INF, 0.0]),
        "ok": np.array([True, True, True, False]),
    }
    assert decidable(there, columns, flags, 4).tolist() == expected


@pytest.mark.parametrize(("columns", "flags"), [(["absent"], []), ([], ["absent"])], ids=["column", "flag"])
def test_decidable_names_what_is_missing(columns: list[str], flags: list[str]) -> None:
    with pytest.raises(KeyError, match=r"\['absent'\] are needed"):
        decidable({}, columns, flags, 3)


ENERGY = arrays(float, 20, elements=st.sampled_from([-1.0, 0.0, 0.99, 1.0, 7.0, NAN, INF, -INF]))


@settings(deadline=None, max_examples=50)
@given(energy=ENERGY, valid=arrays(bool, 20), order=st.permutations(range(20)))
def test_events_do_not_know_each_other(energy: np.ndarray, valid: np.ndarray, order: list[int]) -> None:
    whole = passes(QUIET, {"hcal_energy": energy, "hcal_is_valid": valid}, 20)
    moved = passes(QUIET, {"hcal_energy": energy[order], "hcal_is_valid": valid[order]}, 20)
    assert moved.tolist() == whole[order].tolist()
    assert whole.tolist() == [
        bool(v and np.isfinite(e) and e < 1) for e, v in zip(energy, valid, strict=True)
    ]


def test_no_warning_speaks_of_an_event() -> None:
    """Warnings are errors here: one that only some events cause would tell about closed ones."""
    cut = Cut(name="c", label="", columns=("a",), undefined=("b",), keep=lambda a, b: b - b < a)
    assert [kept(cut, a=1.0, b=b) for b in (0.0, INF, NAN)] == [True, False, False]


def test_events_are_left_alone() -> None:
    there = events(hcal_energy=NAN, hcal_is_valid=True)
    passes(QUIET, there, 1)
    assert there["hcal_is_valid"].tolist() == [True]
    assert np.isnan(there["hcal_energy"]).all()


def test_no_events() -> None:
    none = {"hcal_energy": np.empty(0), "hcal_is_valid": np.empty(0, dtype=bool)}
    assert passes(QUIET, none, 0).shape == (0,)
