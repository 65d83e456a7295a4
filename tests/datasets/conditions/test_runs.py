"""Ranges of runs: read, written, compared, and what they leave out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.conditions.runs import RunRange, find_gaps

ends = st.integers(0, 30)
ranges = st.builds(
    lambda first, length: RunRange(first, None if length is None else first + length),
    ends,
    st.none() | st.integers(0, 8),
)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [("5", 5, 5), ("1-10", 1, 10), ("123-...", 123, None), (" 7 ", 7, 7), ("0-0", 0, 0)],
)
def test_parse(text: str, first: int, last: int | None) -> None:
    assert RunRange.parse(text) == RunRange(first, last)


@pytest.mark.parametrize("text", ["", "a", "1-", "-5", "...-5", "1..5", "1,5", "1 - 5", "1-5-7", "1.0"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no range of runs; write 5, 1-10 or 123-\.\.\."):
        RunRange.parse(text)


def test_falling_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must rise, got 10-1$"):
        RunRange.parse("10-1")


@given(runs=ranges)
def test_text_is_read_again(runs: RunRange) -> None:
    assert RunRange.parse(str(runs)) == runs


@pytest.mark.parametrize(
    ("left", "right", "both"),
    [
        ("1-5", "6-9", None),
        ("1-5", "5-9", "5"),
        ("1-9", "3-4", "3-4"),
        ("1-...", "3-4", "3-4"),
        ("1-...", "7-...", "7-..."),
        ("4", "4", "4"),
    ],
)
def test_overlap(left: str, right: str, both: str | None) -> None:
    one, two = RunRange.parse(left), RunRange.parse(right)
    expected = None if both is None else RunRange.parse(both)
    assert one.overlap(two) == two.overlap(one) == expected


@pytest.mark.parametrize(
    ("inner", "outer", "is_inside"),
    [
        ("4000", "3855-4207", True),
        ("200-...", "123-...", True),
        ("3-5", "3-9", True),
        ("3-9", "3-9", False),
        ("3-9", "3-5", False),
        ("5-12", "3-9", False),
        ("5-...", "3-9", False),
    ],
)
def test_is_inside(inner: str, outer: str, is_inside: bool) -> None:
    assert RunRange.parse(inner).is_inside(RunRange.parse(outer)) == is_inside


@pytest.mark.parametrize(
    ("covered", "within", "gaps"),
    [
        pytest.param(["1-10"], "1-10", [], id="all"),
        pytest.param([], "1-10", ["1-10"], id="nothing"),
        pytest.param(["3-4", "8"], "1-10", ["1-2", "5-7", "9-10"], id="three-gaps"),
        pytest.param(["8", "3-4"], "1-10", ["1-2", "5-7", "9-10"], id="any-order"),
        pytest.param(["1-6", "2-3", "7-10"], "1-10", [], id="one-inside-another"),
        pytest.param(["5-..."], "1-10", ["1-4"], id="open"),
        pytest.param(["1-10"], "5-...", ["11-..."], id="asked-for-more"),
        pytest.param(["20-30"], "1-10", ["1-10"], id="outside"),
        pytest.param(["0-3", "20-30"], "1-10", ["4-10"], id="before-and-behind"),
    ],
)
def test_find_gaps(covered: list[str], within: str, gaps: list[str]) -> None:
    found = find_gaps([RunRange.parse(text) for text in covered], RunRange.parse(within))
    assert [str(gap) for gap in found] == gaps


@given(covered=st.lists(ranges, max_size=6), within=ranges)
def test_a_run_lies_in_a_gap_or_is_covered(covered: list[RunRange], within: RunRange) -> None:
    gaps = find_gaps(covered, within)
    for run in range(60):
        is_covered = any(runs.covers(run) for runs in covered)
        assert sum(gap.covers(run) for gap in gaps) == (within.covers(run) and not is_covered)
