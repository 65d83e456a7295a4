"""Closure on Geant4 events, which know nothing of our own code."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from coffea.nanoevents import NanoEventsFactory

import datasets
from datasets.schema import schema_for
from processors.invisible import InvisibleProcessor

GEANT4 = Path(datasets.__file__).parent / "samples" / "geant4"


@cache
def columns(name: str) -> dict[str, np.ndarray]:
    events = NanoEventsFactory.from_root(
        {str(GEANT4 / f"{name}.root"): "sim"}, schemaclass=schema_for("geant4_sim"), mode="virtual"
    ).events()
    return dict(InvisibleProcessor().select(events).columns)


@pytest.mark.parametrize("energy", [10.0, 20.0, 30.0, 50.0, 80.0, 100.0])
def test_ecal_is_linear_within_one_percent(energy: float) -> None:
    found = columns("electron_energy_scan")
    chosen = found["truth_momentum"] == energy
    assert np.median(found["ecal_energy"][chosen]) == pytest.approx(energy, rel=0.01)


def test_ecal_resolution_is_that_of_the_sample() -> None:
    found = columns("electron_energy_scan")
    for energy, expected in ((10.0, 0.0307), (100.0, 0.0102)):  # 9.7%/sqrt(E) (+) 0.3%
        values = found["ecal_energy"][found["truth_momentum"] == energy]
        half = np.diff(np.percentile(values, [15.87, 84.13]))[0] / 2
        assert half / energy == pytest.approx(expected, rel=0.35)  # 80 events: 8%, and our noise


def test_electrons_in_the_line_have_the_beam_energy() -> None:
    energy = columns("electrons_100gev")["ecal_energy"]
    assert np.nanmedian(energy) == pytest.approx(100.0, rel=0.01)


@pytest.mark.parametrize("name", ["electrons_100gev", "pions_100gev", "muons_100gev"])
def test_momentum_is_right_within_half_a_percent(name: str) -> None:
    found = columns(name)
    ratio = found["track_momentum"] / found["truth_momentum"]
    assert np.nanmedian(ratio) == pytest.approx(1.0, abs=0.005)
    assert np.nanstd(ratio) < 0.02
    assert np.mean(found["track_count"] == 1) > 0.98


def test_momentum_error_describes_the_spread() -> None:
    found = columns("muons_100gev")
    pull = (found["track_momentum"] - found["truth_momentum"]) / found["track_momentum_error"]
    half = np.diff(np.percentile(pull, [15.87, 84.13]))[0] / 2
    assert half == pytest.approx(1.0, abs=0.15)


def test_preshower_share_falls_with_energy() -> None:
    found = columns("electron_energy_scan")
    share = found["ps_energy"] / found["ecal_energy"]
    medians = [np.mean(share[found["truth_momentum"] == e]) for e in (10.0, 20.0, 50.0, 100.0)]
    assert medians == pytest.approx([0.176, 0.127, 0.079, 0.055], rel=0.15)


def test_srd_tells_electrons_from_hadrons() -> None:
    assert np.mean(columns("electrons_100gev")["srd_is_tagged"]) > 0.7
    assert np.mean(columns("pions_100gev")["srd_is_tagged"]) < 0.01
    assert not columns("muons_100gev")["srd_is_tagged"].any()


def test_muons_are_minimum_ionising_everywhere() -> None:
    found = columns("muons_100gev")
    assert np.median(found["ecal_energy"]) == pytest.approx(0.0587 / 0.1056, rel=0.1)
    assert np.median(found["hcal_module_energy"], axis=0) == pytest.approx([2.1] * 4, rel=0.1)
    assert np.median(found["veto_panel_energy"][:, 1]) == pytest.approx(0.0104, rel=0.1)


def test_hadrons_are_wider_than_electrons() -> None:
    electrons, pions = columns("electrons_100gev"), columns("pions_100gev")
    hadronic = pions["ecal_energy"] > 10
    assert np.nanmedian(electrons["ecal_shower_chi2"]) < 1.5
    assert np.nanmedian(pions["ecal_shower_chi2"][hadronic]) > 5


def test_shower_position_follows_the_impact_point() -> None:
    found = columns("electron_impact_scan")
    dx, dy = found["truth_x"], found["truth_y"]
    x = found["ecal_x"] - np.median(found["ecal_x"][dx == 0])
    for offset in np.unique(dx):
        assert np.median(x[dx == offset]) == pytest.approx(offset, abs=1.5)
    assert np.std(found["ecal_y"] - found["ecal_y"].mean() - (dy - dy.mean())) < 3.0


def test_track_points_at_the_shower() -> None:
    """At the depth of the shower, on the bent beam: a pull of two coordinates has a mean square of 2."""
    found = columns("electrons_100gev")
    assert np.nanmedian(found["track_ecal_distance"]) < 1.2
    assert np.nanmean(found["track_ecal_pull"] ** 2) == pytest.approx(2.0, rel=0.3)


def test_one_electron_is_one_cluster() -> None:
    found = columns("electron_impact_scan")
    assert np.mean(found["ecal_cluster_count"] == 1) > 0.98
