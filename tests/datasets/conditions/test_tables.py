"""Tables of conditions: values in the declared units, and messages that name what is wrong."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.conditions.channels import check_names
from datasets.conditions.runs import RunRange
from datasets.conditions.sdc import SdcError
from datasets.conditions.tables import TABLES, read_table
from datasets.setups import load_setup
from recon.geometry import Setup

Write = Callable[..., Path]
SHIPPED = sorted((Path(__file__).parents[3] / "datasets" / "conditions" / "tables").glob("*/*.txt"))
GAINS = "table=gains\nruns=1-5\ncolumns=label,gain\n"


def test_gains(write_table: Write) -> None:
    path = write_table(
        "table=gains\nsetup=small\nsource=mine\nruns=1-5\ncolumns=label,gain\nECAL0-0-1 2e-3\n"
    )
    file = read_table(path)
    assert (file.table, file.setup, file.source) == (TABLES["gains"], "small", "mine")
    assert file.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    (block,) = file.blocks
    assert (block.runs, block.columns, block.line) == (RunRange(1, 5), {"gain"}, 4)
    assert [(row.key, dict(row.values), row.line) for row in block.rows] == [
        (("ECAL0-0-1",), {"gain": 0.002}, 6)
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        pytest.param("table=gains\nunit.gain=MeV/ADC\nruns=1\ncolumns=label,gain\nA 31.5", {"gain": 0.0315}),
        pytest.param(
            "table=times\nunit.time_offset=ps\nruns=1\ncolumns=label,time_offset\nA 1500",
            {"time_offset": 1.5},
        ),
        pytest.param(
            "table=alignment\nunit.dx=um\nruns=1\ncolumns=plane,dx,dy\nA 250 -1", {"dx": 0.25, "dy": -1.0}
        ),
        pytest.param(
            "table=alignment\nunit.rotation=deg\nruns=1\ncolumns=plane,rotation\nA 180",
            {"rotation": 3.14159265358979},
        ),
        pytest.param("table=pedestals\nruns=1\ncolumns=noise,label\n.5 A", {"noise": 0.5}),
        pytest.param(
            "table=bad_channels\nruns=1\ncolumns=label,is_bad,reason\nA 1 noisy",
            {"is_bad": 1, "reason": "noisy"},
        ),
        pytest.param("table=channel_map\nruns=1\ncolumns=label,msadc\nA 17", {"msadc": 17}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_values_are_in_the_declared_unit(write_table: Write, text: str, values: dict[str, object]) -> None:
    (row,) = read_table(write_table(text)).blocks[0].rows
    assert row.key == ("A",)
    assert dict(row.values) == pytest.approx(values)


def test_light_pulses_have_two_keys(write_table: Write) -> None:
    text = "table=led\nruns=1\ncolumns=spill,label,led_factor\n3 A 1.1\n4 A 1.2\n"
    keys = [row.key for row in read_table(write_table(text)).blocks[0].rows]
    assert keys == [(3, "A"), (4, "A")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "runs=1\ncolumns=label,gain\n", r": .*not say which table.*those of 'gains'\. ", id="none"
        ),
        pytest.param("table=gians\n", r"line 1: unknown table 'gians'; did you mean 'gains'\?", id="table"),
        pytest.param("tabel=gains\n", r"line 1: unknown key 'tabel'; did you mean 'table'\?", id="key"),
        pytest.param(
            "table=gains\nunit.gian=GeV/ADC\n",
            r"line 2: .*no column 'gian' with a unit; did you mean 'gain'\?",
            id="unit-of-nothing",
        ),
        pytest.param(
            "table=gains\nunit.gain=Mev/ADC\n",
            r"line 2: unknown unit 'Mev/ADC' of 'gain'; did you mean 'MeV/ADC'\?",
            id="unit",
        ),
        pytest.param(
            "table=gains\nruns=1\ncolumns=label,gian\n",
            r"line 2: table 'gains' has no column 'gian'; did you mean 'gain'\?",
            id="column",
        ),
        pytest.param(
            "table=gains\nruns=1\ncolumns=gain\n",
            r"line 2: .*'gains' needs label and at least one of gain",
            id="no-key",
        ),
        pytest.param(
            "table=gains\nruns=1\ncolumns=label\n", r"needs label and at least one of gain", id="no-column"
        ),
        pytest.param(f"{GAINS}A 1,5\n", r"line 4: column 'gain': expected a number, got '1,5'", id="comma"),
        pytest.param(f"{GAINS}A nan\n", r"line 4: column 'gain': expected a number, got 'nan'", id="nan"),
        pytest.param(f"{GAINS}A 1e999\n", r"expected a number, got '1e999'", id="infinite"),
        pytest.param(f"{GAINS}A 0\n", r"line 4: column 'gain': expected a number > 0, got '0'", id="no-gain"),
        pytest.param(
            f"{GAINS}A 1\nB 1\nA 1\n", r"line 6: A stands in line 4 already, for the same runs", id="twice"
        ),
        pytest.param(
            "table=pedestals\nruns=1\ncolumns=label,noise\nA -1\n",
            r"expected a number >= 0, got '-1'",
            id="negative",
        ),
        pytest.param(
            "table=bad_channels\nruns=1\ncolumns=label,is_bad\nA 2\n", r"expected 0 or 1, got '2'", id="flag"
        ),
        pytest.param(
            "table=bad_spills\nruns=1\ncolumns=spill,is_bad\n-1 1\n",
            r"column 'spill': expected a whole number >= 0, got '-1'",
            id="spill",
        ),
        pytest.param(
            "table=channel_map\nruns=1\ncolumns=label,msadc\nA 1.5\n",
            r"expected a whole number >= 0, got '1.5'",
            id="fraction",
        ),
    ],
)
def test_wrong_table_is_refused(write_table: Write, text: str, message: str) -> None:
    with pytest.raises(SdcError, match=rf"mine\.txt.*{message}"):
        read_table(write_table(text))


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SdcError, match=r"cannot read .*none\.txt"):
        read_table(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            f"{GAINS}ECAL0-0-7 1\n",
            r"line 4: setup 'small' has no channel 'ECAL0-0-7'; did you mean 'ECAL0-0-",
            id="channel",
        ),
        pytest.param(
            "table=led\nruns=1\ncolumns=spill,label,led_factor\n1 ECAL 1\n",
            r"line 4: setup 'small' has no channel 'ECAL'",
            id="second-key",
        ),
        pytest.param(
            "table=alignment\nruns=1\ncolumns=plane,dx\nMM3 1\n",
            r"line 4: .*no plane 'MM3'; did you mean 'MM2'\?",
            id="plane",
        ),
        pytest.param(f"setup=big\n{GAINS}", r"is for setup 'big', not for 'small'", id="setup"),
    ],
)
def test_names_that_the_setup_does_not_have(
    write_table: Write, setup: Setup, text: str, message: str
) -> None:
    with pytest.raises(SdcError, match=message):
        check_names(read_table(write_table(text)), setup)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_table_is_valid_and_says_where_it_is_from(path: Path) -> None:
    file = read_table(path)
    check_names(file, load_setup(file.setup))
    assert file.source


def test_tables_have_keys_columns_and_meanings() -> None:
    for name, table in TABLES.items():
        assert table.name == name
        assert table.keys
        assert all(column.meaning for column in table.all_columns.values())
        assert all(factor > 0 for column in table.columns for factor in column.units.values())
