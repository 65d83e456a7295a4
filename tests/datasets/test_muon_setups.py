"""The setups of the muon mode, and files that say what differs from another."""

from pathlib import Path

import pytest

from datasets.config import ConfigError
from datasets.periods import load_periods
from datasets.setups import load_setup

NAMES = ("na64mu_2021", "na64mu_2022", "na64mu_2023")


@pytest.mark.parametrize("name", NAMES)
def test_numbers_have_sources_and_detectors_are_those_of_the_experiment(name: str) -> None:
    setup = load_setup(name)
    assert setup.name == name
    assert all(
        text.startswith(("published", "assumed", "computed", "seen")) for text in setup.sources.values()
    )
    shapes = {d.name: [s.grid.shape for s in d.sections] for d in setup.detectors.values()}
    assert (shapes["ecal"], shapes["vhcal"], shapes["hcal"]) == ([(5, 6)], [(4, 4)], [(6, 3), (6, 3)])
    assert [s.name for s in setup.detectors["counters"].sections] == ["s0", "s1", "s4", "smu", "v0"]
    assert setup.spectrometers["incoming"].field_integral == pytest.approx(15.7)
    assert setup.spectrometers["scattered"].field_integral == pytest.approx(2.8)
    assert [m.name for m in setup.spectrometers["incoming"].magnets] == ["BEND6A", "BEND6B", "BEND6C"]


def test_pilot_run_had_no_straws_behind_the_target() -> None:
    planes = {name: [p.name for p in load_setup(name).spectrometers["scattered"].planes] for name in NAMES}
    assert set(planes["na64mu_2022"]) - set(planes["na64mu_2021"]) == {"ST4", "ST5"}
    assert load_setup("na64mu_2021").beam.intensity == 1e6
    assert load_setup("na64mu_2021").beam.momentum == 160.0


def test_data_of_all_three_runs_are_closed_in_the_same_box() -> None:
    closed = [dict(period.closed) for period in load_periods() if period.setup in NAMES]
    box = {"scattered_momentum": (None, 80.0), "calorimeter_energy": (None, 12.0)}
    assert closed == [{"muon": box}] * 3


def test_a_plane_that_the_other_setup_lacks_cannot_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "extends: na64mu_2022\nname: mine\nspectrometers: {scattered: {planes: {without: [ST9]}}}\n"
    )
    with pytest.raises(ConfigError, match=r"planes.without names 'ST9', there are GEM1, GEM2"):
        load_setup(str(path))


def test_own_setup_changes_one_number(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: na64mu_2022\nname: mine\nbeam: {spread: {value: 0.01, source: assumed}}\n")
    setup = load_setup(str(path))
    assert (setup.beam.spread, setup.beam.momentum) == (0.01, 160.0)
    assert setup.sources["beam.spread"] == "assumed"
