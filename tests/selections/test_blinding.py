"""Tests of the blinding: what may be seen, and what is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from selections.blinding import Blinding, BlindingError, State, require_comparable
from selections.cut import Events, Mask, decidable
from selections.opening import Opening
from selections.regions import Margin, Region

NAN, INF = float("nan"), float("inf")
BOX = {"ecal_energy": (None, 50.0), "hcal_energy": (None, 1.0)}
CLOSED = Blinding.of_period("2018-invisible", {"invisible": BOX})
OPENING = Opening(
    periods=("2018-invisible",),
    regions=("invisible",),
    who=("A", "B"),
    when="2026-11-24",
    why="x",
    frozen="0",
)


def box(**limits: Any) -> Region:
    return Region(name="signal_box", limits={**BOX, **limits})


def shown(blinding: Blinding, ecal: float, hcal: float, *, base: bool = True) -> bool:
    (answer,) = blinding.shown(
        np.array([base]), {"ecal_energy": np.array([ecal]), "hcal_energy": np.array([hcal])}
    )
    return bool(answer)


def base_of(events: Events) -> Mask:
    """Return the part of the base requirement that looks at the columns of the box."""
    flags = ("ecal_is_valid", "hcal_is_valid")
    return decidable(events, CLOSED.columns, flags, len(events["ecal_energy"]))


# --- what may be seen ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ecal", "hcal", "answer"),
    [
        pytest.param(20.0, 0.1, False, id="in-the-box"),
        pytest.param(-1.0, -1.0, False, id="negative-noise"),
        pytest.param(0.0, 0.0, False, id="nothing-measured"),
        pytest.param(np.nextafter(50, 0), np.nextafter(1, 0), False, id="corner"),
        pytest.param(50.0, 0.1, True, id="at-the-ecal-limit"),
        pytest.param(20.0, 1.0, True, id="at-the-hcal-limit"),
        pytest.param(100.0, 0.1, True, id="electron"),
        pytest.param(20.0, 80.0, True, id="hadron"),
    ],
)
def test_shown_is_base_and_outside(ecal: float, hcal: float, answer: bool) -> None:
    assert shown(CLOSED, ecal, hcal) is answer
    assert not shown(CLOSED, ecal, hcal, base=False)


@pytest.mark.parametrize("value", [NAN, INF, -INF], ids=str)
@pytest.mark.parametrize("column", ["ecal_energy", "hcal_energy"])
def test_unknown_is_never_shown(column: str, value: float) -> None:
    """NaN lies in no region: that the base asks for finite columns keeps it from being seen."""
    events = {
        "ecal_energy": np.array([100.0, 100.0]),
        "hcal_energy": np.array([20.0, 20.0]),
        "ecal_is_valid": np.array([True, True]),
        "hcal_is_valid": np.array([True, True]),
    }
    events[column][1] = value
    assert CLOSED.shown(base_of(events), events).tolist() == [True, False]


@pytest.mark.parametrize("flag", ["ecal_is_valid", "hcal_is_valid"])
def test_invalid_is_never_shown(flag: str) -> None:
    events = {
        "ecal_energy": np.array([100.0, 100.0]),
        "hcal_energy": np.array([20.0, 20.0]),
        "ecal_is_valid": np.array([True, True]),
        "hcal_is_valid": np.array([True, True]),
    }
    events[flag][1] = False
    assert CLOSED.shown(base_of(events), events).tolist() == [True, False]


@pytest.mark.parametrize(
    ("ecal", "hcal", "answer"),
    [
        pytest.param(20.0, 0.1, False, id="in-the-first"),
        pytest.param(90.0, 25.0, False, id="in-the-second"),
        pytest.param(90.0, 0.1, True, id="in-none"),
        pytest.param(20.0, 25.0, True, id="beside-both"),
    ],
)
def test_regions_of_all_analyses_are_closed(ecal: float, hcal: float, answer: bool) -> None:
    other = {"ecal_energy": (80.0, None), "hcal_energy": (20.0, 30.0)}
    blinding = Blinding.of_period("p", {"invisible": BOX, "visible": other})
    assert shown(blinding, ecal, hcal) is answer


def test_columns_of_all_regions_are_needed() -> None:
    blinding = Blinding.of_period("p", {"invisible": BOX, "visible": {"wcal_energy": (None, 1.0)}})
    assert blinding.columns == ("ecal_energy", "hcal_energy", "wcal_energy")


def test_region_without_its_column_is_an_error() -> None:
    with pytest.raises(KeyError, match="hcal_energy"):
        CLOSED.shown(np.array([True]), {"ecal_energy": np.array([100.0])})


def test_simulation_is_never_blinded() -> None:
    assert shown(Blinding.none(), 20.0, 0.1)
    assert not shown(Blinding.none(), 20.0, 0.1, base=False)


def test_base_is_left_alone() -> None:
    base = np.array([True])
    CLOSED.shown(base, {"ecal_energy": np.array([20.0]), "hcal_energy": np.array([0.1])})
    assert base.tolist() == [True]


PLANE = arrays(float, (2, 15), elements=st.sampled_from([-1.0, 0.0, 0.9, 1.0, 20.0, 49.9, 50.0, 99.0]))


@settings(deadline=None, max_examples=60)
@given(plane=PLANE, base=arrays(bool, 15), order=st.permutations(range(15)))
def test_closed_event_is_like_one_that_fails_the_base(
    plane: np.ndarray, base: np.ndarray, order: list[int]
) -> None:
    ecal, hcal = plane
    events = {"ecal_energy": ecal, "hcal_energy": hcal}
    answer = CLOSED.shown(base, events)
    closed = (ecal < 50) & (hcal < 1)
    assert answer.tolist() == (base & ~closed).tolist()
    replaced = {"ecal_energy": np.where(closed, 99.0, ecal), "hcal_energy": np.where(closed, 30.0, hcal)}
    assert CLOSED.shown(base & ~closed, replaced).tolist() == answer.tolist()
    moved = CLOSED.shown(base[order], {name: column[order] for name, column in events.items()})
    assert moved.tolist() == answer[order].tolist()


# --- what is refused -----------------------------------------------------------------------------------


def test_period_without_a_region_is_refused() -> None:
    with pytest.raises(BlindingError, match=r"period '2031-muon' registers no closed region"):
        Blinding.of_period("2031-muon", {})


def test_closed_without_a_region_is_refused() -> None:
    """It would call itself closed and show everything."""
    with pytest.raises(ValueError, match="region"):
        Blinding(state="closed")


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param(box(), id="the-region-itself"),
        pytest.param(box(ecal_energy=(None, 40.0)), id="smaller"),
        pytest.param(box(ecal_energy=(10.0, 50.0)), id="closed-below"),
        pytest.param(box(veto_energy=(None, 0.01)), id="one-limit-more"),
    ],
)
def test_box_inside_is_accepted(inside: Region) -> None:
    CLOSED.require(inside)


@pytest.mark.parametrize(
    ("outside", "text"),
    [
        pytest.param(box(ecal_energy=(None, 60.0)), "ecal_energy < 60", id="higher-ecal"),
        pytest.param(box(hcal_energy=(None, 1.5)), "hcal_energy < 1.5", id="higher-hcal"),
        pytest.param(box(hcal_energy=(None, None)), "ecal_energy < 50", id="open-above"),
        pytest.param(Region(name="b", limits={"ecal_energy": (None, 50.0)}), "ecal_energy", id="no-hcal"),
    ],
)
def test_box_that_sticks_out_is_refused(outside: Region, text: str) -> None:
    with pytest.raises(BlindingError, match=rf"{text}.*reaches out.*'2018-invisible'.*hcal_energy < 1\)"):
        CLOSED.require(outside)


def test_box_in_the_region_of_another_analysis_is_accepted() -> None:
    blinding = Blinding.of_period("p", {"visible": {"wcal_energy": (None, 1.0)}, "invisible": BOX})
    blinding.require(box())


def test_box_of_simulation_may_stick_out() -> None:
    Blinding.none().require(box(ecal_energy=(None, 60.0)))


# --- the digest ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(
            Blinding.of_period("p", {"invisible": {**BOX, "ecal_energy": (None, 49.0)}}), id="limit"
        ),
        pytest.param(Blinding.of_period("p", {"invisible": {**BOX, "ecal_energy": (0.0, 50.0)}}), id="low"),
        pytest.param(Blinding.of_period("p", {"invisible": {"ecal_energy": (None, 50.0)}}), id="column"),
        pytest.param(
            Blinding.of_period("p", {"invisible": BOX, "visible": {"wcal_energy": (None, 1.0)}}), id="second"
        ),
        pytest.param(CLOSED.opened(OPENING), id="state"),
        pytest.param(replace(CLOSED, guard=(("ecal_energy", Margin(0.02)),)), id="guard"),
        pytest.param(Blinding.none(), id="simulation"),
    ],
)
def test_digest_changes_with_what_is_closed(other: Blinding) -> None:
    assert other.digest() != CLOSED.digest()


def test_digest_does_not_depend_on_the_order_in_a_file() -> None:
    turned = Blinding.of_period("2018-invisible", {"invisible": dict(reversed(BOX.items()))})
    assert turned.digest() == CLOSED.digest()


def test_region_table() -> None:
    assert CLOSED.region_table() == {"invisible": {"ecal_energy": [None, 50.0], "hcal_energy": [None, 1.0]}}


# --- margins around the regions ------------------------------------------------------------------------

GUARDED = Blinding.of_period(
    "p", {"invisible": BOX}, {"ecal_energy": Margin(0.02), "hcal_energy": Margin(0.0, 0.1)}
)


@pytest.mark.parametrize(
    ("ecal", "hcal", "answer"),
    [
        pytest.param(51.0, 0.5, False, id="in-the-region-if-2%-lower"),
        pytest.param(51.1, 0.5, True, id="not-even-then"),
        pytest.param(30.0, 1.05, False, id="within-the-absolute-margin"),
        pytest.param(30.0, 1.11, True, id="beyond-it"),
        pytest.param(51.0, 1.05, False, id="corner"),
        pytest.param(51.0, 20.0, True, id="beside"),
    ],
)
def test_guard_withholds_what_another_scale_would_close(ecal: float, hcal: float, answer: bool) -> None:
    assert shown(GUARDED, ecal, hcal) is answer


@given(
    ecal=st.floats(-5, 120),
    hcal=st.floats(-1, 60),
    scale=st.floats(0.98, 1.02),
    shift=st.floats(-0.1, 0.1),
)
def test_what_is_shown_lies_outside_in_every_variation(
    ecal: float, hcal: float, scale: float, shift: float
) -> None:
    if shown(GUARDED, ecal, hcal):
        assert shown(CLOSED, ecal * scale * (1 + 1e-12), hcal + shift + 1e-12)


def test_box_lies_in_the_region_and_not_in_its_margin() -> None:
    GUARDED.require(box())
    with pytest.raises(BlindingError, match="reaches out"):
        GUARDED.require(box(ecal_energy=(None, 50.5)))


def test_variation_needs_a_guard_as_large() -> None:
    GUARDED.require_guard({"ecal_energy": Margin(0.01), "hcal_energy": Margin(0.0, 0.1)})
    GUARDED.require_guard({"veto_energy": Margin(0.5)})
    with pytest.raises(BlindingError, match=r"ecal_energy by 3% could .* guard is 2%"):
        GUARDED.require_guard({"ecal_energy": Margin(0.03)})
    with pytest.raises(BlindingError, match=r"guard is none"):
        CLOSED.require_guard({"hcal_energy": Margin(0.0, 0.1)})
    with pytest.raises(BlindingError, match=r"variation 'leak' of hcal_energy by an amount that nothing"):
        GUARDED.require_guard({"hcal_energy": Margin(0.01, INF)}, "variation 'leak'")
    CLOSED.opened(OPENING).require_guard({"ecal_energy": Margin(0.03)})


# --- what is opened ------------------------------------------------------------------------------------


def test_opening_shows_the_region() -> None:
    opened = CLOSED.opened(OPENING)
    assert (opened.state, opened.closed, opened.region_table()) == ("open", (), {})
    assert shown(opened, 20.0, 0.1)
    assert not shown(opened, 20.0, 0.1, base=False)
    assert not shown(opened, NAN, 0.1)


def test_opening_of_another_period_opens_nothing() -> None:
    assert CLOSED.opened(replace(OPENING, periods=("2022-invisible",))) is CLOSED


def test_region_of_another_analysis_stays_closed_unless_named() -> None:
    other = {"ecal_energy": (80.0, None), "hcal_energy": (20.0, 30.0)}
    both = Blinding.of_period("2018-invisible", {"invisible": BOX, "visible": other})
    opened = both.opened(OPENING)
    assert [region.name for region in opened.closed] == ["visible"]
    assert (shown(opened, 20.0, 0.1), shown(opened, 90.0, 25.0)) == (True, False)
    assert opened.hides(Region(name="r", limits=other))
    assert not opened.hides(box())
    assert shown(both.opened(replace(OPENING, regions=("invisible", "visible"))), 90.0, 25.0)


def test_opening_of_an_unknown_region_is_refused() -> None:
    with pytest.raises(BlindingError, match="no closed region of 'muon'"):
        CLOSED.opened(replace(OPENING, regions=("muon",)))


def test_open_without_an_opening_is_refused() -> None:
    with pytest.raises(BlindingError, match="open by an opening"):
        replace(CLOSED, state="open")


@pytest.mark.parametrize("name", ["periods", "regions", "who", "when", "why", "frozen"])
def test_opening_must_say_everything(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        replace(OPENING, **{name: type(getattr(OPENING, name))()})


@pytest.mark.parametrize(
    ("one", "other", "is_refused"),
    [
        ("open", "closed", True),
        ("closed", "open", True),
        ("closed", "closed", False),
        ("open", "open", False),
        ("not applicable", "closed", False),
        ("open", "not applicable", False),
    ],
)
def test_open_and_closed_are_not_compared(one: State, other: State, is_refused: bool) -> None:
    if not is_refused:
        require_comparable(one, other)
        return
    with pytest.raises(BlindingError, match=f"run1 is {one} and run2 is {other}"):
        require_comparable(one, other, ("run1", "run2"))
