"""Blocks of tables: overrides are told from mistakes, and runs without values are found."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from datasets.conditions.coverage import check_overlaps, find_overlaps, list_gaps
from datasets.conditions.sdc import SdcError
from datasets.conditions.tables import read_table
from recon.geometry import Setup

Write = Callable[..., Path]


def table(*blocks: str, name: str = "gains", columns: str = "label,gain") -> str:
    """Return a table of blocks `RUNS: row; row`, of which the first names the columns."""
    lines = [f"table={name}", f"columns={columns}"]
    for block in blocks:
        runs, _, rows = block.partition(":")
        lines += [f"runs={runs}", *(row.strip() for row in rows.split(";") if row.strip())]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param(["1-10: A 1", "11-20: A 2"], id="touch"),
        pytest.param(["1-10: A 1", "20-...: A 2"], id="gap"),
        pytest.param(["1-10: A 1", "1-10: B 2"], id="other-channels"),
        pytest.param(["1-10: A 1", "5-15: B 2"], id="other-channels-cross"),
    ],
)
def test_no_overlap(write_table: Write, blocks: list[str]) -> None:
    file = read_table(write_table(table(*blocks)))
    assert list(find_overlaps([file])) == []
    check_overlaps([file])


def test_other_columns_are_no_overlap(write_table: Write) -> None:
    text = "table=pedestals\nruns=1-9\ncolumns=label,noise\nA 1\ncolumns=label,pedestal_odd\nA 50\n"
    assert list(find_overlaps([read_table(write_table(text))])) == []


@pytest.mark.parametrize(
    ("blocks", "runs"),
    [
        pytest.param(["1-10: A 1; B 1", "4: A 2"], "4", id="one-run"),
        pytest.param(["1-...: A 1; B 1", "200-...: A 2"], "200-...", id="from-now-on"),
        pytest.param(["1-10: A 1; B 1", "5-10: A 2"], "5-10", id="same-end"),
    ],
)
def test_override(write_table: Write, blocks: list[str], runs: str) -> None:
    file = read_table(write_table(table(*blocks)))
    (found,) = find_overlaps([file])
    assert found.is_override
    assert (str(found.runs), found.columns, found.names) == (runs, ("gain",), (("A",),))
    assert (found.earlier, found.later) == ((str(file.path), 4), (str(file.path), 7))
    assert f"line 7: for runs {runs} overrides gain of A of line 4" in str(found)
    check_overlaps([file])


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        pytest.param(
            ["1-10: A 1; B 1", "1-10: A 2"],
            r"line 7: gain of A stands for runs 1-10 in line 4 already; keep one",
            id="duplicate",
        ),
        pytest.param(
            ["1-10: A 1; B 1", "8-12: A 2"],
            r"line 7: gain of A overlaps with line 4 in runs 8-10, and neither",
            id="cross",
        ),
        pytest.param(
            ["4: A 1; B 1", "1-10: A 2; B 2"],
            r"line 7: gain of A and 1 more overlaps with line 4 in runs 4, ",
            id="hides",
        ),
        pytest.param(
            ["5-...: A 1; B 1", "1-...: B 2"],
            r"line 7: gain of B overlaps with line 5 in runs 5-\.\.\., ",
            id="hides-open",
        ),
    ],
)
def test_mistakes_are_refused(write_table: Write, blocks: list[str], message: str) -> None:
    with pytest.raises(SdcError, match=rf"mine\.txt, {message}"):
        check_overlaps([read_table(write_table(table(*blocks)))])


def test_files_of_a_folder_are_looked_at_together(write_table: Write) -> None:
    one, two, three, other = (
        read_table(write_table(text, name))
        for name, text in {
            "a.txt": table("1-10: A 1"),
            "b.txt": table("4: A 2"),
            "c.txt": table("1-10: A 3"),
            "d.txt": table("1-10: A 3", name="times", columns="label,time_offset"),
        }.items()
    )
    check_overlaps([one, two, other])
    with pytest.raises(SdcError, match=r"c\.txt, line 4: gain of A stands for runs 1-10 in .*a\.txt, line 4"):
        check_overlaps([one, three])


def gaps(write_table: Write, *texts: str, setup: Setup | None = None) -> list[str]:
    files = [read_table(write_table(text, f"{i}.txt")) for i, text in enumerate(texts)]
    return [f"{','.join(g.columns)} {len(g.names)} {g.runs}" for g in list_gaps(files, setup)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param([table("1-10: A 1; B 1")], [], id="none"),
        pytest.param([table("1-4: A 1; B 1", "7-10: A 1; B 1")], ["gain 2 5-6"], id="gap"),
        pytest.param([table("1-10: A 1", "1-5: B 1")], ["gain 1 6-10"], id="of-one-channel"),
        pytest.param([table("1-4: A 1", "8-...: A 1"), table("5-6: A 1")], ["gain 1 7"], id="two-files"),
        pytest.param([table("1-4: A 1; B 1", "5-...: A 1")], ["gain 1 5-..."], id="open"),
        pytest.param(
            [table("1-4:", "6-9: 3 1", name="bad_spills", columns="spill,is_bad")], [" 0 5"], id="list"
        ),
        pytest.param([table("1:", "9: 1 A 1", name="led", columns="spill,label,led_factor")], [], id="led"),
    ],
)
def test_gaps_between_first_and_last_run(write_table: Write, texts: list[str], expected: list[str]) -> None:
    assert gaps(write_table, *texts) == expected


def test_columns_of_a_name_have_gaps_of_their_own(write_table: Write) -> None:
    text = "table=pedestals\nruns=1-9\ncolumns=label,pedestal_even,pedestal_odd,noise\nA 5 5 1\nB 5 5 1\n"
    text += "runs=10\ncolumns=label,noise\nA 2\n"
    assert gaps(write_table, text) == [
        "pedestal_even,pedestal_odd 1 10",
        "pedestal_even,pedestal_odd,noise 1 10",
    ]


def test_all_of_a_setup_must_be_there(write_table: Write, setup: Setup, complete: Path) -> None:
    files = [read_table(path) for path in sorted(complete.iterdir())]
    assert list_gaps(files, replace(setup, runs=((1, 10),))) == []
    found = list_gaps(files, replace(setup, runs=((1, 12),)))
    assert [(g.table.name, len(g.names), str(g.runs)) for g in found] == [
        ("gains", 14, "11-12"),
        ("times", 14, "11-12"),
        ("pedestals", 14, "11-12"),
        ("bad_channels", 0, "11-12"),
        ("bad_spills", 0, "11-12"),
        ("alignment", 2, "11-12"),
    ]
    assert "gains.txt: no gain of ECAL0-0-0 and 13 more for runs 11-12" in str(found[0])
    assert "table 'bad_spills': no block covers runs 11-12" in str(found[4])


def test_a_table_that_is_not_there_is_named(setup: Setup) -> None:
    first = list_gaps([], replace(setup, runs=((1, 2),)))[0]
    assert str(first) == "no file with table=gains: no gain of ECAL0-0-0 and 13 more for runs 1-2"


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        pytest.param(["1-10: B 1"], [], id="bad"),
        pytest.param(["1-7: B 1"], ["gain 1 8-10"], id="not-long-enough"),
        pytest.param(["1-10: B 1", "9: B 0"], ["gain 1 5-10"], id="good-again"),
    ],
)
def test_bad_channel_needs_no_values(write_table: Write, bad: list[str], expected: list[str]) -> None:
    gains = table("1-10: A 1", "1-4: B 1")
    channels = table(*bad, name="bad_channels", columns="label,is_bad")
    assert gaps(write_table, gains, channels) == expected
