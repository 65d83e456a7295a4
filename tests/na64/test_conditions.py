"""What `na64 conditions` and `na64 catalogue` print."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datasets.conditions import ConditionError, SdcError
from datasets.conditions.load import TABLE_FOLDER
from datasets.conditions.tables import TABLES
from datasets.config import ConfigError
from na64.commands.conditions import check_conditions, list_catalogue, show_conditions, write_ideal
from na64.errors import UserError

EXAMPLE = TABLE_FOLDER / "example"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def ideal(tmp_path: Path, capsys: Capture) -> Path:
    """Return the tables of the simulation of 2018."""
    folder = tmp_path / "ideal"
    assert write_ideal("na64e_2018", folder, "0-...") == 0
    capsys.readouterr()
    return folder


def table(folder: Path, text: str, name: str = "mine.txt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_shipped_tables_are_sound(capsys: Capture) -> None:
    assert check_conditions([], None) == 0
    out = capsys.readouterr().out
    assert "0 faults, 0 gaps" in out
    assert "gains.txt, line 14: for runs 4000 overrides gain of ECAL0-2-3 of line 9" in out


def test_check_lists_all_that_is_wrong(tmp_path: Path, capsys: Capture) -> None:
    paths = [
        table(tmp_path, "tabel=gains\n", "a.txt"),
        table(
            tmp_path,
            "table=gains\nsetup=na64e_2018\nruns=1-5\ncolumns=label,gain\nECAL0-2-3 1\n"
            "runs=1-5\nECAL0-2-3 2\nruns=8\nECAL0-2-3 2\n",
            "b.txt",
        ),
        table(tmp_path, "table=gains\nsetup=na64e_2018\nruns=1\ncolumns=label,gain\nECAL2-0-0 1\n", "c.txt"),
        table(tmp_path, "table=times\nruns=1\ncolumns=label,time_offset\nX 1\n", "d.txt"),
    ]
    assert check_conditions(paths, None) == 1
    out = capsys.readouterr().out
    for words in (
        "a.txt, line 1: unknown key 'tabel'; did you mean 'table'?",
        "b.txt, line 7: gain of ECAL0-2-3 stands for runs 1-5 in line 5 already",
        "c.txt, line 5: setup 'na64e_2018' has no channel 'ECAL2-0-0'",
        "note: its names are not checked",
        "no gain of ECAL0-2-3 for runs 6-7",
        "3 tables read, 3 faults, ",
    ):
        assert words in out


def test_gaps_alone_are_no_fault_of_a_table_that_overrides(tmp_path: Path, capsys: Capture) -> None:
    path = table(
        tmp_path,
        "table=gains\nsetup=na64e_2018\ncolumns=label,gain\nruns=1\nECAL0-2-3 1\nruns=3\nECAL0-2-3 1\n",
    )
    assert check_conditions([path], None) == 0
    assert "no gain of ECAL0-2-3 for runs 2\n" in capsys.readouterr().out


def test_tables_of_a_setup_must_be_complete(ideal: Path, capsys: Capture) -> None:
    assert check_conditions([ideal], "na64e_2018") == 0
    assert "7 tables read, 0 faults, 0 gaps" in capsys.readouterr().out
    (ideal / "times.txt").unlink()
    assert check_conditions([ideal], "na64e_2018") == 1
    assert "no file with table=times: no time_offset of SRD0-0-0 and 119 more for runs 3574-4310" in (
        capsys.readouterr().out
    )


def test_show_names_the_lines(ideal: Path, capsys: Capture) -> None:
    assert show_conditions(4000, None, [ideal, EXAMPLE], None, every=False) == 0
    out = capsys.readouterr().out
    assert out.startswith("run 4000, setup na64e_2018\n")
    (gain,) = (line for line in out.splitlines() if line.startswith("  ecal     gain"))
    assert "72 of 72, 0.0309 to 0.033 GeV/ADC" in gain
    assert gain.endswith(f"{EXAMPLE}/gains.txt:10-11,14")
    assert "digest " in out
    for name in TABLES:
        assert f"\n{name}: " in out


def test_show_one_table_of_each_channel(ideal: Path, capsys: Capture) -> None:
    assert show_conditions(4000, "na64e_2018", [ideal, EXAMPLE], "gains", every=True) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert len(lines) == 120  # 117 cells and S0, S1, S2
    assert ["ECAL0-2-3", "gain", "0.033", "GeV/ADC", f"{EXAMPLE}/gains.txt:14"] in lines
    assert ["ECAL0-2-4", "gain", "0.0312", "GeV/ADC", f"{EXAMPLE}/gains.txt:10"] in lines


@pytest.mark.parametrize(
    ("run", "shown"),
    [pytest.param(4010, "HCAL3-0-2", id="bad"), pytest.param(4021, "none", id="good")],
)
def test_show_bad_channels(ideal: Path, capsys: Capture, run: int, shown: str) -> None:
    assert show_conditions(run, None, [ideal, EXAMPLE], "bad_channels", every=False) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  "))
    assert line.split()[0] == shown


def test_show_says_what_is_missing(capsys: Capture) -> None:
    assert show_conditions(4000, None, [EXAMPLE], None, every=False) == 1
    out = capsys.readouterr().out
    assert "srd      gain           0 of 3, not known" in out
    assert "\nbad_spills: spills that are not to be used\n  not said\n" in out
    assert "not usable: run 4000, setup 'na64e_2018': no gain of detector 'srd', SRD0-0-0" in out


def test_show_of_a_run_without_tables(capsys: Capture) -> None:
    assert show_conditions(6000, None, [], "gains", every=False) == 1
    assert "there are no conditions of setup 'na64e_2022'" in capsys.readouterr().out


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown table 'gain'; did you mean 'gains'\?"):
        show_conditions(4000, None, [], "gain", every=False)
    with pytest.raises(ConfigError, match="run 1 lies in no data-taking period"):
        show_conditions(1, None, [], None, every=False)
    with pytest.raises(ConditionError, match=r"none\.txt is not there"):
        check_conditions([tmp_path / "none.txt"], None)
    with pytest.raises(SdcError, match="unknown table 'x'"):
        show_conditions(4000, None, [table(tmp_path, "table=x\n")], None, every=False)


def test_ideal_tables_replace_nothing(ideal: Path) -> None:
    before = sorted(path.read_text() for path in ideal.iterdir())
    with pytest.raises(UserError, match="is there already; choose another --output"):
        write_ideal("na64e_2018", ideal, "1-5")
    assert sorted(path.read_text() for path in ideal.iterdir()) == before


def test_ideal_tables_hold_for_the_runs_asked_for(tmp_path: Path, capsys: Capture) -> None:
    with pytest.raises(UserError, match=r"--runs 5-: '5-' is no range of runs; write 5"):
        write_ideal("na64e_2018", tmp_path / "x", "5-")
    assert not (tmp_path / "x").exists()
    assert write_ideal("na64e_2018", tmp_path / "x", "3574-4310") == 0
    assert f"wrote {tmp_path}/x/gains.txt\n" in capsys.readouterr().out
    assert "\nruns=3574-4310\n" in (tmp_path / "x" / "gains.txt").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_failed_ideal_tables_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no 'readout'"):
        write_ideal("geant4_sample", tmp_path / "x", "0-...")
    assert list(tmp_path.iterdir()) == []


def test_catalogue(tmp_path: Path, capsys: Capture) -> None:
    head = "period: 2018-invisible, kind: data, trigger: physics"
    path = table(
        tmp_path,
        "runs:\n"
        f"- {{run: 4000, {head}, quality: good, prescale: 2, live_fraction: 0.9, files: "
        "[{path: a.root, spills: [{spill: 1, eot: 5000000}, {spill: 2, eot: 7, quality: bad}]}]}\n"
        f"- {{run: 3999, {head}, quality: unknown, files: [{{path: b.root}}]}}\n",
        "catalogue.yaml",
    )
    assert list_catalogue(path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:3]] == [
        [
            "3999",
            "2018-invisible",
            "data",
            "physics",
            "unknown",
            "unknown",
            "1",
            "-",
            "-",
            "unknown",
            "unknown",
        ],
        ["4000", "2018-invisible", "data", "physics", "2", "0.9", "1", "2", "1", "5000007", "good"],
    ]
    assert lines[0].split()[-2:] == ["EOT", "quality"]
    assert lines[3] == "2 runs, EOT 5000007, of 1 runs unknown"


def test_shipped_catalogue(capsys: Capture) -> None:
    assert list_catalogue(None) == 0
    assert "3661  2018-invisible" in capsys.readouterr().out


def test_conditions_without_raw_digits_are_refused(
    na64: Callable[..., Any], samples: Path, tmp_path: Path
) -> None:
    muons = samples / "geant4" / "muons_100gev.root"
    assert na64("conditions", "ideal", "geant4_sample", "-o", tmp_path / "tables").status == 2  # no readout
    assert na64("conditions", "ideal", "na64e_2018", "-o", tmp_path / "tables").status == 0
    told = na64("run", "invisible", muons, "-o", tmp_path / "run", "--conditions", tmp_path / "tables")
    assert told.status == 2
    assert "--conditions are for raw digits" in told.err
