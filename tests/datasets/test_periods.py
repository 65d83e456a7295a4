"""Data-taking periods: every run has one, or its data are refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from datasets.config import ConfigError
from datasets.periods import Period, load_periods, period_of_run, period_of_setup
from datasets.setups import load_setup
from recon.columns import COLUMNS

CLOSED = {"invisible": {"ecal_energy": [None, 50.0], "hcal_energy": [None, 1.0]}}
EARLY: dict[str, Any] = {"name": "early", "setup": "na64e_2016", "runs": [[10, 20]], "closed": CLOSED}
LATE: dict[str, Any] = {"name": "late", "setup": "na64e_2018", "runs": [[21, 30], [50, 60]], "closed": CLOSED}

shipped = pytest.mark.parametrize("period", load_periods(), ids=lambda period: period.name)


def load(folder: Path, *entries: object) -> tuple[Period, ...]:
    path = folder / "periods.yaml"
    path.write_text(yaml.safe_dump(list(entries)))
    return load_periods(path)


@shipped
def test_setup_of_a_period_exists_and_holds_for_its_runs(period: Period) -> None:
    setup = load_setup(period.setup)
    for first, last in period.runs:
        assert first <= last
        assert setup.covers(first)
        assert setup.covers(last)


@shipped
def test_closed_regions_are_upper_bounds_on_declared_columns(period: Period) -> None:
    assert period.closed
    for analysis, limits in period.closed.items():
        assert set(limits) <= set(COLUMNS)
        bounds = dict(limits)
        if analysis == "visible":  # a window around the beam's energy
            low, high = bounds.pop("electromagnetic_energy")
            assert (low, high) == pytest.approx((0.9 * 0.5 * (low + high), 1.1 * 0.5 * (low + high)))
        assert len(limits) == 2
        assert all(low is None and high is not None and high > 0 for low, high in bounds.values())


def test_invisible_mode_closes_50_gev_by_1_gev() -> None:
    limits = period_of_run(3661).closed["invisible"]
    assert dict(limits) == {"ecal_energy": (None, 50.0), "hcal_energy": (None, 1.0)}


@pytest.mark.parametrize(
    ("run", "setup"),
    [
        pytest.param(1776, "na64e_2016", id="2016-first"),
        pytest.param(2551, "na64e_2016", id="2016-last"),
        pytest.param(3661, "na64e_2018", id="2018-of-the-sample"),
        pytest.param(4310, "na64e_2018", id="2018-last"),
        pytest.param(8458, "na64e_2022", id="2022-last"),
    ],
)
def test_period_of_run(run: int, setup: str) -> None:
    assert period_of_run(run).setup == setup


def test_run_3661_belongs_to_2018() -> None:
    assert period_of_run(3661).name == "2018-invisible"


@pytest.mark.parametrize("run", [-1, 0, 1775, 2552, 4311, 99999])
def test_unknown_run_is_refused(run: int) -> None:
    message = rf"run {run} lies in no .*2018-invisible \[\[3574, 4310\]\].*Add yours"
    with pytest.raises(ConfigError, match=message):
        period_of_run(run)


def test_two_periods_that_touch_are_accepted(tmp_path: Path) -> None:
    early, late = load(tmp_path, EARLY, LATE)
    assert (early.covers(20), late.covers(20)) == (True, False)
    assert (early.covers(21), late.covers(21)) == (False, True)
    assert [late.covers(run) for run in (30, 31, 49, 50, 60, 61)] == [True, False, False, True, True, False]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        pytest.param([EARLY, {**LATE, "runs": [[20, 30]]}], "'late' overlap at run 20", id="touch"),
        pytest.param([EARLY, {**LATE, "runs": [[12, 13]]}], "'late' overlap at run 12", id="inside"),
        pytest.param([{**LATE, "runs": [[1, 90]]}, EARLY], "'early' overlap at run 10", id="around"),
        pytest.param([{**LATE, "runs": [[1, 9], [5, 6]]}], "overlap at run 5", id="with-itself"),
        pytest.param([{**EARLY, "runs": [[20, 10]]}], r"early|runs", id="falling-range"),
        pytest.param([EARLY, {**EARLY, "runs": [[90, 91]]}], "twice.*'early'", id="name-twice"),
        pytest.param([{**EARLY, "closed": {}}], "'early' has data and no closed region", id="not-closed"),
        pytest.param(
            [{k: v for k, v in EARLY.items() if k != "closed"}], "'early' has data and no", id="no-closed-key"
        ),
        pytest.param(
            [{**EARLY, "closed": {"invisible": {"ecal_enrgy": [None, 50.0]}}}], "ecal_enrgy", id="column"
        ),
        pytest.param(
            [{**EARLY, "closed": {"invisible": {"ecal_energy": [50.0, 0.0]}}}], "ecal_energy", id="falling"
        ),
        pytest.param(
            [{**EARLY, "closed": {"invisible": {"ecal_energy": [None, float("nan")]}}}],
            "ecal_energy",
            id="nan-closes-nothing",
        ),
        pytest.param(
            [{**EARLY, "guard": {"ecal_enregy": {"relative": 0.1, "source": "assumed"}}}],
            "guard of ecal_enregy: no closed region has that column; did you mean 'ecal_energy'",
            id="guard-of-no-column",
        ),
        pytest.param(
            [{**EARLY, "guard": {"ecal_energy": {"relative": 1.0, "source": "assumed"}}}],
            "relative must be from 0 to below 1",
            id="guard-of-everything",
        ),
        pytest.param(
            [{**EARLY, "guard": {"ecal_energy": {"relative": 0.1}}}], "source", id="guard-without-source"
        ),
        pytest.param([{**EARLY, "kind": "physics"}], r"period 0: kind: .*'physics'", id="unknown-kind"),
        pytest.param([EARLY, {**LATE, "setpu": "x"}], r"period 1: setpu: ", id="unknown-key"),
        pytest.param([{**EARLY, "runs": [[10]]}], r"period 0: runs\.0", id="half-a-range"),
    ],
)
def test_faulty_periods_are_refused(tmp_path: Path, entries: list[object], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"periods\.yaml.*({message})"):
        load(tmp_path, *entries)


def test_calibration_needs_no_closed_region(tmp_path: Path) -> None:
    (period,) = load(tmp_path, {"name": "c", "setup": "na64e_2018", "runs": [[1, 2]], "kind": "calibration"})
    assert (period.kind, dict(period.closed)) == ("calibration", {})


def test_a_mapping_is_no_list_of_periods(tmp_path: Path) -> None:
    path = tmp_path / "periods.yaml"
    path.write_text(yaml.safe_dump({"early": EARLY}))
    with pytest.raises(ConfigError, match="must hold a list"):
        load_periods(path)


@pytest.mark.parametrize("period", [p for p in load_periods() if p.kind == "data"], ids=lambda p: p.name)
def test_setup_without_run_numbers_closes_what_its_periods_close(period: Period) -> None:
    whole = period_of_setup(period.setup)
    assert whole.setup == period.setup
    assert period.closed.items() <= whole.closed.items()


def test_periods_of_one_setup_close_their_union(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    visible = {"visible": {"ecal_energy": [None, 40.0]}}
    periods = load(tmp_path, EARLY, {**LATE, "setup": "na64e_2016", "closed": visible})
    monkeypatch.setattr("datasets.periods.load_periods", lambda: periods)
    assert set(period_of_setup("na64e_2016").closed) == {"invisible", "visible"}


def test_contradicting_periods_of_one_setup_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smaller = {"invisible": {"ecal_energy": [None, 10.0]}}
    periods = load(tmp_path, EARLY, {**LATE, "setup": "na64e_2016", "closed": smaller})
    monkeypatch.setattr("datasets.periods.load_periods", lambda: periods)
    with pytest.raises(ConfigError, match=r"'na64e_2016' close different regions for 'invisible'"):
        period_of_setup("na64e_2016")


def test_setup_without_period_is_refused() -> None:
    with pytest.raises(ConfigError, match="no data-taking period is registered for setup 'mine'"):
        period_of_setup("mine")


def test_data_without_run_numbers_get_the_largest_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = ({"ecal_energy": {"relative": r, "source": "assumed"}} for r in (0.01, 0.02))
    periods = load(tmp_path, EARLY | {"guard": small}, {**LATE, "setup": "na64e_2016", "guard": large})
    monkeypatch.setattr("datasets.periods.load_periods", lambda: periods)
    assert period_of_setup("na64e_2016").guard["ecal_energy"].relative == 0.02
