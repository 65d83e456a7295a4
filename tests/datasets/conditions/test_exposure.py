"""Particles on target, worked out by hand: nothing twice, nothing lost, and unknown stays unknown."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.conditions.catalogue import Catalogue, FileRecord, RunRecord, SpillRecord
from datasets.conditions.exposure import Exposure, exposure
from datasets.config import ConfigError


def run(number: int, files: dict[str, Sequence[int | None] | int | None], **changes: object) -> RunRecord:
    """Return a run of files with the EOT of each spill, or of the whole file."""
    records, first = [], 1
    for name, counts in files.items():
        if isinstance(counts, Sequence):
            spills = tuple(SpillRecord(spill=first + i, eot=eot) for i, eot in enumerate(counts))
            records.append(FileRecord(path=name, spills=spills))
            first += len(spills)
        else:
            records.append(FileRecord(path=name, eot=counts))
    settings = {"quality": "good", "prescale": 1, "live_fraction": 0.5, **changes}
    return RunRecord(run=number, period="p", kind="data", trigger="physics", files=tuple(records), **settings)  # type: ignore[arg-type]


CATALOGUE = Catalogue(
    runs=(
        run(1, {"a.root": [10, 20, 30], "b.root": [40]}),  # spills 1 to 4
        run(2, {"c.root": [100, None], "d.root": 7}),  # the EOT of spill 2 is not known
        run(3, {"e.root": [1000]}, quality="bad"),
        run(4, {"f.root": None}),
        run(5, {"g.root": [600]}, prescale=3, live_fraction=0.25),
        run(6, {"h.root": [50]}, live_fraction=None),
        run(7, {"i.root": [60]}, prescale=None),
    )
)


@pytest.mark.parametrize(
    ("inputs", "lost", "bad", "expected"),
    [
        pytest.param([], [], {}, (0, 0, 0, 0.0), id="nothing"),
        pytest.param(["a.root"], [], {}, (60, 60, 0, 30.0), id="all-used"),
        pytest.param(["a.root", "b.root"], ["b.root"], {}, (100, 60, 40, 30.0), id="lost-file"),
        pytest.param(["a.root", "b.root"], [], {1: [2]}, (100, 80, 20, 40.0), id="bad-spill"),
        pytest.param(["a.root"], ["a.root"], {1: [2]}, (60, 0, 60, 0.0), id="bad-spill-of-a-lost-file"),
        pytest.param(["a.root", "a.root", "x/a.root"], [], {}, (60, 60, 0, 30.0), id="given-three-times"),
        pytest.param(["x/a.root"], ["y/a.root"], {}, (60, 0, 60, 0.0), id="lost-by-another-path"),
        pytest.param(["a.root"], [], {2: [1]}, (60, 60, 0, 30.0), id="bad-spill-of-another-run"),
        pytest.param(["a.root", "e.root"], [], {}, (1060, 60, 1000, 30.0), id="bad-run"),
        pytest.param(["g.root"], [], {}, (600, 600, 0, 50.0), id="live-fraction-and-prescale"),
        pytest.param(["d.root"], [], {}, (7, 7, 0, 3.5), id="file-without-spills"),
    ],
)
def test_known(
    inputs: list[str], lost: list[str], bad: dict[int, list[int]], expected: tuple[int, int, int, float]
) -> None:
    found = exposure(CATALOGUE, inputs, lost, bad)
    assert found == Exposure(*expected)


@pytest.mark.parametrize(
    ("inputs", "lost", "bad", "expected", "unknown"),
    [
        pytest.param(["c.root"], [], {}, (None, None, 0, None), ["run 2, spill 2"], id="spill-used"),
        pytest.param(["c.root"], [], {2: [2]}, (None, 100, None, 50.0), ["run 2, spill 2"], id="spill-bad"),
        pytest.param(["a.root", "f.root"], [], {}, (None, None, 0, None), ["f.root"], id="file-used"),
        pytest.param(
            ["a.root", "f.root"], ["f.root"], {}, (None, 60, None, 30.0), ["f.root"], id="file-lost"
        ),
        pytest.param(
            ["a.root", "z.root"],
            [],
            {},
            (None, None, 0, None),
            ["z.root (not in the catalogue)"],
            id="not-listed",
        ),
        pytest.param(
            ["z.root"],
            ["z.root"],
            {},
            (None, 0, None, 0.0),
            ["z.root (not in the catalogue)"],
            id="not-listed-lost",
        ),
        pytest.param(
            ["d.root"], [], {2: [9]}, (7, None, None, None), ["d.root"], id="bad-spill-somewhere-in-a-file"
        ),
        pytest.param(["h.root"], [], {}, (50, 50, 0, None), ["run 6, spill 1"], id="live-fraction"),
        pytest.param(["i.root"], [], {}, (60, 60, 0, None), ["run 7, spill 1"], id="prescale"),
        pytest.param(["h.root"], ["h.root"], {}, (50, 0, 50, 0.0), [], id="live-fraction-of-a-lost-file"),
    ],
)
def test_unknown(
    inputs: list[str],
    lost: list[str],
    bad: dict[int, list[int]],
    expected: tuple[int | None, int | None, int | None, float | None],
    unknown: list[str],
) -> None:
    assert exposure(CATALOGUE, inputs, lost, bad) == Exposure(*expected, tuple(unknown))


def test_a_file_that_was_not_given_cannot_be_lost() -> None:
    with pytest.raises(ConfigError, match=r"'b\.root' is listed as lost and is not one of the input files"):
        exposure(CATALOGUE, ["a.root"], ["b.root"])


def test_values_for_the_record() -> None:
    assert exposure(CATALOGUE, ["f.root"]).as_dict() == {
        "eot_input": None,
        "eot_used": None,
        "eot_lost": 0,
        "eot_live": None,
        "unknown": ["f.root"],
    }


def test_spill_has_its_own_live_fraction_and_quality() -> None:
    spills = (
        SpillRecord(spill=1, eot=10, live_fraction=1.0),
        SpillRecord(spill=2, eot=20, quality="bad"),
        SpillRecord(spill=3, eot=40),
    )
    file = FileRecord(path="a.root", spills=spills)
    record = RunRecord(
        run=1,
        period="p",
        kind="data",
        trigger="physics",
        quality="unknown",
        prescale=2,
        live_fraction=0.5,
        files=(file,),
    )
    found = exposure(Catalogue(runs=(record,)), ["a.root"])
    assert found == Exposure(70, 50, 20, 10 / 2 + 40 * 0.5 / 2)


NAMES = [file.name for _, file in CATALOGUE.files()]
subsets = st.lists(st.sampled_from([*NAMES, "z.root"]), unique=True)


@given(inputs=subsets, data=st.data())
def test_input_is_used_plus_lost(inputs: list[str], data: st.DataObject) -> None:
    lost = data.draw(st.lists(st.sampled_from(inputs), unique=True)) if inputs else []
    bad = {1: data.draw(st.sets(st.integers(1, 4)))}
    found = exposure(CATALOGUE, inputs, lost, bad)
    if found.eot_used is not None and found.eot_lost is not None:
        assert found.eot_input == found.eot_used + found.eot_lost
    assert exposure(CATALOGUE, inputs[::-1], lost, bad)[:4] == found[:4]
    assert exposure(CATALOGUE, inputs * 2, lost * 2, bad) == found


@given(inputs=subsets, cut=st.integers(0, 9))
def test_parts_add_to_the_whole(inputs: list[str], cut: int) -> None:
    parts = [exposure(CATALOGUE, inputs[:cut]), exposure(CATALOGUE, inputs[cut:])]
    whole = exposure(CATALOGUE, inputs)
    for name in ("eot_input", "eot_used", "eot_lost"):
        values = [getattr(part, name) for part in parts]
        assert getattr(whole, name) == (None if None in values else sum(values))
