"""Columns of tracks: declared ones, of both spectrometers, with known particles."""

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from datasets.hits import HitArrays
from datasets.setups import load_setup
from processors.track_columns import track_columns
from recon.columns import COLUMNS
from recon.field import State, propagate

SETUP = load_setup("na64e_2018")
SPECTROMETER = SETUP.spectrometers["incoming"]
Z = [plane.z for plane in SPECTROMETER.planes]
ECAL_Z = SETUP.detectors["ecal"].sections[0].z
MOMENTA = np.array([100.0, 90.0, 80.0])


def crossings(z: float) -> np.ndarray:
    """Return x and y of three particles, (3, 2) [mm]."""
    start = State(np.array([0.0, 2, -3]), np.array([1.0, 0, 4]), *np.zeros((2, 3)), -1 / MOMENTA)
    return np.stack(propagate(start, Z[0], z, SPECTROMETER.magnets)[:2], axis=1)


def hits_of(events: list[list[tuple[int, float]]]) -> HitArrays:
    """Return the hits of particles with times: (particle, time [ns]) of each event."""
    at = np.stack([crossings(z) for z in Z], axis=1)
    rows = [(plane, *at[i, plane], time) for event in events for plane in range(4) for i, time in event]
    plane, x, y, time = np.array(rows).reshape(-1, 4).T
    offsets = np.cumsum([0, *(4 * len(event) for event in events)])
    return HitArrays(plane.astype(np.int64), x, y, offsets, time=time)


# one in time, two in time, one late beside one in time, a late one alone, nothing
EVENTS = [[(0, 0.0)], [(0, 0.0), (1, 1.0)], [(1, 40.0), (0, 0.0)], [(2, 40.0)], []]
COUNT, IN_TIME, VALID = [1, 2, 2, 1, 0], [1, 2, 1, 0, 0], [True, True, True, False, False]


@pytest.fixture(scope="module")
def columns() -> dict[str, np.ndarray]:
    setup = replace(SETUP, spectrometers={"incoming": SPECTROMETER, "scattered": SPECTROMETER})
    hits = {"incoming": hits_of(EVENTS), "scattered": hits_of(EVENTS[::-1])}
    shower = crossings(ECAL_Z)[0] + np.array([3.0, -4.0])
    showers = {f"ecal_{axis}": np.full(5, at) for axis, at in zip("xy", shower, strict=True)}
    return track_columns(
        hits, setup, {**showers, "ecal_energy": np.array([100.0, 25.0, 100.0, 100.0, 100.0])}
    )


@pytest.mark.parametrize("prefix", ["track", "scattered"])
def test_columns_are_those_declared(columns: dict[str, np.ndarray], prefix: str) -> None:
    several = "tracks_" if prefix == "track" else "scattered_tracks_"
    declared = {name for name in COLUMNS if name.startswith((f"{prefix}_", several))}
    assert {name for name in columns if name.startswith((f"{prefix}_", several))} == declared
    assert all(len(columns[name]) == len(EVENTS) for name in declared)


@pytest.mark.parametrize(("prefix", "order"), [("track", 1), ("scattered", -1)])
def test_tracks_of_each_spectrometer_are_counted(
    columns: dict[str, np.ndarray], prefix: str, order: int
) -> None:
    assert columns[f"{prefix}_count"].tolist() == COUNT[::order]
    assert columns[f"{prefix}_in_time_count"].tolist() == IN_TIME[::order]
    assert columns[f"{prefix}_is_valid"].tolist() == VALID[::order]


def test_the_best_track_is_that_in_time(columns: dict[str, np.ndarray]) -> None:
    valid = np.array(VALID)
    assert columns["track_momentum"][valid] == pytest.approx(100.0, rel=1e-6)
    assert columns["track_time"][valid] == pytest.approx(0.0, abs=1e-9)
    for name in ("momentum", "chi2", "time", "kink_pull", "ecal_x", "ecal_pull", "hits"):
        assert np.isnan(columns[f"track_{name}"][~valid]).all(), name
    assert not columns["track_is_kinked"].any()
    assert ak.to_list(columns["tracks_time"]) == [
        pytest.approx(times, abs=1e-9) for times in ([0], [0, 1], [0, 40], [40], [])
    ]
    assert ak.to_list(columns["tracks_momentum"])[3] == pytest.approx([80.0], rel=1e-6)


def test_distance_and_pull_of_the_shower(columns: dict[str, np.ndarray]) -> None:
    assert columns["track_ecal_x"][0] == pytest.approx(crossings(ECAL_Z)[0, 0], abs=1e-6)
    assert columns["track_ecal_distance"][:3] == pytest.approx(5.0, rel=1e-6)
    for event, energy in ((0, 100.0), (1, 25.0)):
        shower = SETUP.detectors["ecal"].response.position_error(energy)
        errors = [np.hypot(columns[f"track_ecal_{axis}_error"][event], shower) for axis in "xy"]
        assert columns["track_ecal_pull"][event] == pytest.approx(np.hypot(3 / errors[0], 4 / errors[1]))
    assert columns["track_ecal_pull"][1] < columns["track_ecal_pull"][0]


def test_without_an_error_of_the_shower_there_is_no_pull() -> None:
    ecal = SETUP.detectors["ecal"]
    unknown = replace(ecal.response, position_stochastic=0.0, position_constant=0.0)
    setup = replace(SETUP, detectors={**SETUP.detectors, "ecal": replace(ecal, response=unknown)})
    shower = {"ecal_x": np.zeros(1), "ecal_y": np.zeros(1), "ecal_energy": np.full(1, 100.0)}
    found = track_columns({"incoming": hits_of([[(0, 0.0)]])}, setup, shower)
    assert np.isnan(found["track_ecal_pull"]).all()
    assert np.isfinite(found["track_ecal_distance"]).all()
