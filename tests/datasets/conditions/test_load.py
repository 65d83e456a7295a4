"""Conditions of a run: what overrides what, and that nothing missing goes unnoticed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datasets.conditions import ConditionError, SdcError, load_conditions, read_tables
from datasets.conditions.load import find_files, resolve
from datasets.conditions.model import digest_of_all
from recon.geometry import Setup

Write = Callable[..., Path]
ECAL = ["ECAL0-0-0", "ECAL0-0-1", "ECAL0-0-2", "ECAL0-1-0", "ECAL0-1-1", "ECAL0-1-2"]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_complete_tables(setup: Setup, complete: Path) -> None:
    conditions = load_conditions(setup, 5, [complete])
    assert (conditions.setup, conditions.run) == ("small", 5)
    assert list(conditions.detectors) == ["ecal", "srd"]
    ecal = conditions.detectors["ecal"]
    assert ecal.gain.tolist() == [0.5] * 12
    assert ecal.time_offset.tolist() == [150.0] * 12
    assert ecal.pedestal.tolist() == [[50.0, 51.0]] * 12
    assert ecal.noise.tolist() == [1.0] * 12
    assert not ecal.is_bad.any()
    assert ecal.channel.tolist() == list(range(12))
    assert conditions.detectors["srd"].channel.tolist() == [12, 13]
    assert conditions.alignment.planes == ("MM1", "MM2")
    assert conditions.alignment.dx.tolist() == [0.0, 0.0]
    assert conditions.bad_spills.tolist() == []
    assert {Path(file.path).name for file in conditions.files} == {p.name for p in complete.iterdir()}


def test_cells_are_in_the_order_of_the_setup(setup: Setup, complete: Path, write_table: Write) -> None:
    rows = "".join(f"{label} {at + 1}\n" for at, label in enumerate(ECAL))
    path = write_table(f"table=gains\nruns=5\ncolumns=label,gain\nSRD1-0-0 9\nECAL1-1-2 7\n{rows}")
    conditions = load_conditions(setup, 5, [complete, path])
    assert conditions.detectors["ecal"].gain.tolist() == [1, 2, 3, 4, 5, 6, 0.5, 0.5, 0.5, 0.5, 0.5, 7]
    assert conditions.detectors["srd"].gain.tolist() == [0.5, 9]


@pytest.mark.parametrize(
    ("run", "noise", "even"),
    [pytest.param(3, 1.0, 50.0, id="before"), pytest.param(4, 3.0, 50.0, id="named-column-only")],
)
def test_later_block_overrides_only_the_columns_it_names(
    setup: Setup, complete: Path, run: int, noise: float, even: float
) -> None:
    with (complete / "pedestals.txt").open("a") as file:
        file.write("runs=4\ncolumns=label,noise\nECAL0-0-1 3\n")
    ecal = load_conditions(setup, run, [complete]).detectors["ecal"]
    assert ecal.noise[:3].tolist() == [1.0, noise, 1.0]
    assert ecal.pedestal[1].tolist() == [even, 51.0]


def test_own_tables_override_in_the_order_given(setup: Setup, complete: Path, write_table: Write) -> None:
    paths = [
        write_table(f"table=gains\nruns=1-...\ncolumns=label,gain\nECAL0-0-0 {value}\n", f"{value}.txt")
        for value in (2, 3)
    ]
    gains = [
        load_conditions(setup, 5, [complete, *order]).detectors["ecal"].gain[0]
        for order in ([], paths, paths[::-1])
    ]
    assert gains == [0.5, 3.0, 2.0]


def test_our_tables_come_first(setup: Setup, complete: Path, tmp_path: Path, write_table: Write) -> None:
    complete.rename(tmp_path / "small")
    own = write_table("table=gains\nruns=5\ncolumns=label,gain\nECAL0-0-0 2\n")
    files = read_tables(setup, [own], folder=tmp_path)
    value = resolve(files, "gains", 5)["ECAL0-0-0",]["gain"]
    assert (value.value, value.origin) == (2.0, f"{own}:4")
    assert len(files) == 7


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        pytest.param(
            "gains",
            "ECAL0-1-0 0.5\nECAL0-1-1 0.5\n",
            "",
            r"no gain of detector 'ecal', ECAL0-1-0 and 1 more of its channels \(searched .*gains\.txt\)",
            id="gains",
        ),
        pytest.param(
            "times",
            "SRD1-0-0 150\n",
            "",
            r"no time_offset of detector 'srd', SRD1-0-0 \(searched .*times\.txt\)",
            id="times",
        ),
        pytest.param(
            "pedestals",
            "ECAL1-1-2 50 51 1\n",
            "columns=label,noise\nECAL1-1-2 1\ncolumns=label,pedestal_even,pedestal_odd,noise\n",
            r"no pedestal_even of detector 'ecal', ECAL1-1-2 \(searched",
            id="pedestals",
        ),
        pytest.param(
            "alignment",
            "MM2 0 0 0 0\n",
            "",
            r"no dx of plane 'MM2' \(searched .*alignment\.txt\)",
            id="alignment",
        ),
        pytest.param(
            "bad_channels",
            "1-10",
            "1-4",
            r"nothing says which channels of ecal, srd are bad.*bad_channels\.txt",
            id="bad-channels",
        ),
        pytest.param(
            "bad_spills",
            "1-10",
            "6-10",
            r"nothing says which spills are bad.*bad_spills\.txt",
            id="bad-spills",
        ),
    ],
)
def test_missing_condition_is_named(
    setup: Setup, complete: Path, table: str, old: str, new: str, message: str
) -> None:
    edit(complete / f"{table}.txt", old, new)
    with pytest.raises(ConditionError, match=message):
        load_conditions(setup, 5, [complete])


def test_missing_condition_says_run_and_what_to_do(setup: Setup, complete: Path) -> None:
    with pytest.raises(ConditionError, match=r"^run 11, setup 'small': .*; add 'runs=11' and 'columns="):
        load_conditions(setup, 11, [complete])


def test_missing_table_is_named(setup: Setup, complete: Path) -> None:
    (complete / "times.txt").unlink()
    with pytest.raises(ConditionError, match=r"no file with table=times in .*small or given"):
        load_conditions(setup, 5, [complete])


def test_no_table_at_all(setup: Setup) -> None:
    with pytest.raises(
        ConditionError, match=r"run 5: there are no conditions of setup 'small': no tables in"
    ):
        load_conditions(setup, 5)


def test_bad_channel_may_lack_its_calibration(setup: Setup, complete: Path, write_table: Write) -> None:
    edit(complete / "gains.txt", "ECAL0-0-1 0.5\n", "")
    bad = write_table("table=bad_channels\nruns=5\ncolumns=label,is_bad,reason\nECAL0-0-1 1 dead\n")
    ecal = load_conditions(setup, 5, [complete, bad]).detectors["ecal"]
    assert ecal.is_bad.tolist() == [False, True] + 10 * [False]
    assert np.isnan(ecal.gain).tolist() == ecal.is_bad.tolist()
    with pytest.raises(ConditionError, match="no gain of detector 'ecal', ECAL0-0-1"):
        load_conditions(setup, 6, [complete, bad])


def test_bad_can_be_good_again(setup: Setup, complete: Path, write_table: Write) -> None:
    text = "table=bad_spills\nruns=1-9\ncolumns=spill,is_bad\n7 1\n3 1\nruns=5\n3 0\n"
    own = [complete, write_table(text)]
    assert load_conditions(setup, 4, own).bad_spills.tolist() == [3, 7]
    assert load_conditions(setup, 5, own).bad_spills.tolist() == [7]
    is_bad = load_conditions(setup, 5, own).is_bad_spill(np.array([3, 7, 7, 8]))
    assert is_bad.tolist() == [False, True, True, False]


def test_light_pulses(setup: Setup, complete: Path, write_table: Write) -> None:
    text = "table=led\nruns=5\ncolumns=spill,label,led_factor\n"
    text += "2 ECAL0-0-0 1.1\n4 ECAL0-0-0 1.2\n4 ECAL0-0-2 0.9\n"
    conditions = load_conditions(setup, 5, [complete, write_table(text)])
    ecal = conditions.detectors["ecal"]
    assert conditions.led_spills.tolist() == [2, 4]
    assert ecal.has_led.tolist() == [True, False, True] + 9 * [False]
    np.testing.assert_array_equal(ecal.led_factor[:, :3], [[1.1, 1.0, np.nan], [1.2, 1.0, 0.9]])
    factors = conditions.led_factors("ecal", np.array([4, 2, 3, 9]))
    assert factors.shape == (4, 12)
    unknown = [np.nan, 1.0, np.nan]
    np.testing.assert_array_equal(factors[:, :3], [[1.2, 1.0, 0.9], [1.1, 1.0, np.nan], unknown, unknown])
    assert (conditions.led_factors("srd", np.array([2, 3])) == 1.0).all()


def test_without_light_pulses_the_factor_is_one(setup: Setup, complete: Path) -> None:
    factors = load_conditions(setup, 5, [complete]).led_factors("ecal", np.array([1, 2, 3]))
    assert factors.tolist() == [[1.0] * 12] * 3


def channel_map(setup: Setup, complete: Path, *, skip: str = "", same: bool = False) -> str:
    lines = (complete / "gains.txt").read_text().splitlines()[4:]
    labels = [line.split()[0] for line in lines]
    rows = [f"{label} {100 if same else 113 - at}" for at, label in enumerate(labels) if label != skip]
    return "\n".join(["table=channel_map", "runs=1-...", "columns=label,msadc", *rows, ""])


def test_channel_map(setup: Setup, complete: Path, write_table: Write) -> None:
    conditions = load_conditions(setup, 5, [complete, write_table(channel_map(setup, complete))])
    assert conditions.detectors["ecal"].channel.tolist() == list(range(113, 101, -1))
    assert conditions.cell_of_channel(np.array([113, 100, 101, 7, 114])).tolist() == [0, 13, 12, -1, -1]


def test_without_a_map_a_channel_is_its_place(setup: Setup, complete: Path) -> None:
    places = load_conditions(setup, 5, [complete]).cell_of_channel(np.arange(-1, 15))
    assert places.tolist() == [-1, *range(14), -1]


def test_incomplete_map_is_refused(setup: Setup, complete: Path, write_table: Write) -> None:
    path = write_table(channel_map(setup, complete, skip="SRD0-0-0"))
    with pytest.raises(ConditionError, match="no msadc of detector 'srd', SRD0-0-0"):
        load_conditions(setup, 5, [complete, path])


def test_number_of_two_channels_is_refused(setup: Setup, complete: Path, write_table: Write) -> None:
    path = write_table(channel_map(setup, complete, same=True))
    with pytest.raises(
        ConditionError, match=r"line 5: run 5: channel 100 .* ECAL0-0-1 here and ECAL0-0-0 in .*line 4"
    ):
        load_conditions(setup, 5, [complete, path])


def test_arrays_cannot_be_changed(setup: Setup, complete: Path) -> None:
    conditions = load_conditions(setup, 5, [complete])
    for array in (
        conditions.detectors["ecal"].gain,
        conditions.detectors["ecal"].pedestal,
        conditions.cells.noise,
        conditions.alignment.dx,
        conditions.bad_spills,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@pytest.mark.parametrize(
    ("table", "old", "new", "is_same"),
    [
        pytest.param("gains", "ECAL0-0-0 0.5", "ECAL0-0-0 0.50 # checked", True, id="comment"),
        pytest.param("gains", "ECAL0-0-0 0.5", "ECAL0-0-0 0.5000001", False, id="gain"),
        pytest.param("alignment", "MM1 0 0 0 0", "MM1 0 0 0 1e-6", False, id="rotation"),
        pytest.param("bad_spills", "columns=spill,is_bad", "columns=spill,is_bad\n3 1", False, id="spill"),
        pytest.param(
            "bad_channels", "columns=label,is_bad", "columns=label,is_bad\nSRD0-0-0 1", False, id="bad"
        ),
    ],
)
def test_digest_is_of_the_values(
    setup: Setup, complete: Path, table: str, old: str, new: str, is_same: bool
) -> None:
    before = load_conditions(setup, 5, [complete])
    edit(complete / f"{table}.txt", old, new)
    after = load_conditions(setup, 5, [complete])
    assert (before.digest == after.digest) == is_same
    assert before.files != after.files
    assert after.as_dict()["digest"] == after.digest
    assert len(after.as_dict()["files"]) == 6


def test_digest_of_several_runs(setup: Setup, complete: Path) -> None:
    one, two = (load_conditions(setup, run, [complete]) for run in (1, 2))
    assert one.digest == two.digest
    assert digest_of_all([one, two, one]) == digest_of_all([two, one]) != digest_of_all([one])


@pytest.mark.parametrize(
    ("name", "message"),
    [("none.txt", r"none\.txt is not there"), ("empty", r"empty has no tables of conditions")],
)
def test_paths_that_are_no_tables(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConditionError, match=message):
        find_files([tmp_path / name])


def test_mistakes_in_a_table_are_found_when_it_is_read(
    setup: Setup, complete: Path, write_table: Write
) -> None:
    twice = write_table("table=gains\ncolumns=label,gain\nruns=1-5\nSRD0-0-0 1\nruns=3-9\nSRD0-0-0 1\n")
    with pytest.raises(SdcError, match=r"mine\.txt, line 6: .*overlaps with line 4"):
        load_conditions(setup, 5, [complete, twice])
    unknown = write_table("table=gains\ncolumns=label,gain\nruns=1-5\nSRD2-0-0 1\n")
    with pytest.raises(SdcError, match=r"mine\.txt, line 4: .*no channel 'SRD2-0-0'; did you mean 'SRD"):
        load_conditions(setup, 5, [complete, unknown])


SUPPRESSION = """table=suppression
setup=small
runs=1-10
columns=detector,point,seen,suppressed
{rows}"""


def test_suppression_is_read_in_the_order_of_its_points(
    setup: Setup, complete: Path, write_table: Write
) -> None:
    table = write_table(SUPPRESSION.format(rows="ecal 1 48 2\necal 0 19 1\n"), "mine/suppression.txt")
    curves = load_conditions(setup, 5, [complete, table]).suppression
    assert list(curves) == ["ecal"]
    assert curves["ecal"].seen.tolist() == [19.0, 48.0]
    assert curves["ecal"].suppressed.tolist() == [1.0, 2.0]
    assert load_conditions(setup, 5, [complete]).suppression == {}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("ecal 0 19 1\necal 1 19 2\n", "must rise in 'seen'"),
        ("ecl 0 19 1\n", "no detector 'ecl'"),
        ("ecal 0 19 -1\n", "suppressed"),
    ],
)
def test_wrong_suppression_is_refused(
    setup: Setup, complete: Path, write_table: Write, rows: str, message: str
) -> None:
    table = write_table(SUPPRESSION.format(rows=rows), "mine/suppression.txt")
    with pytest.raises((ConditionError, SdcError), match=message):
        load_conditions(setup, 5, [complete, table])
