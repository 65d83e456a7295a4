"""Tests of the cuts of the invisible mode, one by one: just inside, just outside, unknown, dead."""

import re
from typing import Any

import numpy as np
import pytest

from selections.cut import Cut, build_cuts, passes
from selections.invisible import CUTS as DECLARED

NAN, INF = float("nan"), float("inf")

# Numbers of these tests alone, exact in binary: those of the analysis are in selections/invisible.yaml.
PARAMS = {
    "in_time": {"ecal_out_of_time_limit": 30.0, "hcal_out_of_time_limit": 50.0},
    "srd": {"module_low": 0.001, "module_high": 0.08, "sum_low": 0.003, "sum_high": 0.15},
    "single_track": {"count": 1},
    "track_momentum": {"centre": 100.0, "half_width": 3.0},
    "track_chi2": {"limit": 5.0},
    "track_angle": {"limit": 0.25},
    "beam_cell": {"distance": 0},
    "preshower": {"low": 0.5, "high": 30.0},
    "ecal_shape": {"limit": 4.0},
    "veto": {"limit": 0.125},
    "vhcal": {"limit": 1.5},
    "hcal_r": {"limit": 0.5, "quiet": 1.0},
}
CUTS = {cut.name: cut for cut in build_cuts(DECLARED, PARAMS)}
DETECTORS = {  # cut -> beginnings of the columns of the detectors that it speaks about
    "in_time": ("ecal", "hcal"),
    "srd": ("srd",),
    "single_track": ("track",),
    "track_momentum": ("track",),
    "track_chi2": ("track",),
    "track_angle": ("track",),
    "beam_cell": ("ecal",),
    "preshower": ("ecal",),
    "ecal_shape": ("ecal",),
    "veto": ("veto",),
    "vhcal": ("vhcal",),
    "hcal_r": ("hcal",),
}
GOOD: dict[str, Any] = {  # an event of missing energy: passes everything
    "master_time": 0.0,
    "ecal_out_of_time_energy": 0.0,
    "hcal_out_of_time_energy": 0.0,
    "srd_energy": 0.06,
    "srd_is_valid": True,
    "srd_is_tagged": True,
    "track_count": 1,
    "track_momentum": 100.0,
    "track_chi2": 1.0,
    "track_angle": 0.001,
    "track_is_valid": True,
    "ecal_energy": 20.0,
    "ecal_is_valid": True,
    "ecal_cell_distance": 0.0,
    "ecal_shower_chi2": 1.0,
    "ecal_shower_is_valid": True,
    "ps_energy": 2.0,
    "veto_panel_energy": [0.0, 0.01, 0.0],
    "veto_is_valid": True,
    "vhcal_energy": 0.0,
    "vhcal_is_valid": True,
    "hcal_energy": 0.2,
    "hcal_is_valid": True,
    "hcal_r": 0.25,
}


def kept(cut: Cut, change: dict[str, Any]) -> bool:
    events = {name: np.array([value]) for name, value in {**GOOD, **change}.items() if value is not None}
    (answer,) = passes(cut, events, 1)
    return bool(answer)


def test_cuts_stand_in_the_order_of_the_collaboration() -> None:
    assert list(CUTS) == list(DETECTORS)
    turned = build_cuts(DECLARED, dict(reversed(PARAMS.items())))
    assert [cut.name for cut in turned] == list(DETECTORS)


@pytest.mark.parametrize("name", list(PARAMS))
def test_cut_that_is_not_named_is_left_out(name: str) -> None:
    others = {cut: params for cut, params in PARAMS.items() if cut != name}
    rest = build_cuts(DECLARED, others)
    assert [cut.name for cut in rest] == [cut for cut in DETECTORS if cut != name]


@pytest.mark.parametrize("name", list(PARAMS))
def test_cut_has_its_own_parameters(name: str) -> None:
    assert CUTS[name].params == PARAMS[name]


def test_vhcal_is_the_only_cut_that_a_setup_may_lack() -> None:
    assert {cut.name: cut.detector for cut in DECLARED if cut.detector} == {"vhcal": "vhcal"}


@pytest.mark.parametrize("name", list(CUTS))
def test_good_event_passes(name: str) -> None:
    """Otherwise the tests that something fails could not fail."""
    assert kept(CUTS[name], {})


@pytest.mark.parametrize(
    ("name", "column", "inside", "outside"),
    [
        pytest.param("in_time", "ecal_out_of_time_energy", 29.9, 30.0, id="in_time-ecal"),
        pytest.param("in_time", "hcal_out_of_time_energy", 49.9, 50.0, id="in_time-hcal"),
        pytest.param("srd", "srd_is_tagged", True, False, id="srd-tag"),
        pytest.param("single_track", "track_count", 1, 0, id="single_track-none"),
        pytest.param("single_track", "track_count", 1, 2, id="single_track-two"),
        pytest.param("track_momentum", "track_momentum", 97.1, 97.0, id="track_momentum-low"),
        pytest.param("track_momentum", "track_momentum", 102.9, 103.0, id="track_momentum-high"),
        pytest.param("track_momentum", "track_momentum", 100.0, -100.0, id="track_momentum-sign"),
        pytest.param("track_chi2", "track_chi2", 4.9, 5.0, id="track_chi2"),
        pytest.param("track_angle", "track_angle", 0.24, 0.25, id="track_angle"),
        pytest.param("beam_cell", "ecal_cell_distance", 0.0, 1.0, id="beam_cell"),
        pytest.param("preshower", "ps_energy", 0.6, 0.5, id="preshower-low"),
        pytest.param("preshower", "ps_energy", 29.9, 30.0, id="preshower-high"),
        pytest.param("ecal_shape", "ecal_shower_chi2", 3.9, 4.0, id="ecal_shape"),
        pytest.param("veto", "veto_panel_energy", [0.12] * 3, [0.125, 0, 0], id="veto-first-panel"),
        pytest.param("veto", "veto_panel_energy", [0.12] * 3, [0, 0, 0.125], id="veto-last-panel"),
        pytest.param("vhcal", "vhcal_energy", 1.4, 1.5, id="vhcal"),
        pytest.param("vhcal", "vhcal_energy", -1.0, INF, id="vhcal-infinite"),
    ],
)
def test_limit(name: str, column: str, inside: Any, outside: Any) -> None:
    assert kept(CUTS[name], {column: inside})
    assert not kept(CUTS[name], {column: outside})


@pytest.mark.parametrize(("distance", "passes_at"), [(0, [0]), (1, [0, 1]), (2, [0, 1, 2])])
def test_beam_cell_may_allow_neighbours(distance: int, passes_at: list[int]) -> None:
    (cut,) = build_cuts(DECLARED, {"beam_cell": {"distance": distance}})
    assert [at for at in range(5) if kept(cut, {"ecal_cell_distance": float(at)})] == passes_at


@pytest.mark.parametrize(
    ("energy", "ratio", "answer"),
    [
        pytest.param(0.2, NAN, True, id="quiet-without-shape"),
        pytest.param(-0.3, NAN, True, id="negative-noise-without-shape"),
        pytest.param(0.99, 0.9, True, id="quiet-whatever-the-shape"),
        pytest.param(1.0, 0.49, True, id="at-quiet-and-narrow"),
        pytest.param(1.0, 0.5, False, id="at-quiet-and-wide"),
        pytest.param(1.0, NAN, False, id="at-quiet-without-shape"),
        pytest.param(50.0, 0.49, True, id="loud-and-narrow"),
        pytest.param(50.0, 0.5, False, id="loud-and-wide"),
        pytest.param(50.0, NAN, False, id="loud-without-shape"),
        pytest.param(NAN, 0.2, False, id="energy-unknown"),
        pytest.param(-INF, 0.2, False, id="energy-infinite"),
    ],
)
def test_hcal_r(energy: float, ratio: float, answer: bool) -> None:
    assert kept(CUTS["hcal_r"], {"hcal_energy": energy, "hcal_r": ratio}) is answer


@pytest.mark.parametrize("energy", [29.9, 30.0])
def test_in_time_decides_without_hcal_times(energy: float) -> None:
    change = {"ecal_out_of_time_energy": energy, "hcal_out_of_time_energy": None}
    assert kept(CUTS["in_time"], change) is (energy < 30)


# --- what is not known ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "column"),
    [
        pytest.param(cut.name, column, id=f"{cut.name}-{column}")
        for cut in CUTS.values()
        for column in (*cut.columns, *cut.optional)
    ],
)
@pytest.mark.parametrize("value", [NAN, INF, -INF], ids=str)
def test_unknown_value_fails(name: str, column: str, value: float) -> None:
    unknown = [0.0, value, 0.0] if column == "veto_panel_energy" else value
    assert not kept(CUTS[name], {column: unknown})


@pytest.mark.parametrize(
    ("name", "flag"),
    [pytest.param(cut.name, flag, id=f"{cut.name}-{flag}") for cut in CUTS.values() for flag in cut.valid],
)
def test_each_flag_alone_fails(name: str, flag: str) -> None:
    assert not kept(CUTS[name], {flag: False})


@pytest.mark.parametrize(
    ("name", "detector"),
    [pytest.param(name, d, id=f"{name}-{d}") for name, detectors in DETECTORS.items() for d in detectors],
)
def test_dead_detector_fails_every_cut_that_uses_it(name: str, detector: str) -> None:
    """Its numbers may look good: its flags are what counts."""
    dead = {name: False for name in GOOD if re.fullmatch(rf"{detector}_(.*_)?is_valid", name)}
    assert dead
    assert not kept(CUTS[name], dead)


@pytest.mark.parametrize("name", list(CUTS))
def test_empty_event_passes_no_cut(name: str) -> None:
    """Zeros everywhere are below every limit: an event without data must not be a signal for that."""
    empty = {column: np.zeros_like(value).tolist() for column, value in GOOD.items()}
    assert not kept(CUTS[name], empty)


@pytest.mark.parametrize("name", list(CUTS))
def test_event_of_nan_passes_no_cut(name: str) -> None:
    unknown = {
        column: value if isinstance(value, bool) else np.full(np.shape(value), NAN).tolist()
        for column, value in GOOD.items()
    }
    assert not kept(CUTS[name], unknown)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        pytest.param(cut.name, column, id=f"{cut.name}-{column}")
        for cut in CUTS.values()
        for column in cut.needs
    ],
)
def test_absent_column_is_named(name: str, column: str) -> None:
    with pytest.raises(KeyError, match=rf"cut '{name}' needs \['{column}'\]"):
        kept(CUTS[name], {column: None})
