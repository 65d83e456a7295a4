"""The alignment of the conditions moves planes and hits."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.conditions import Alignment, Conditions, ideal_conditions
from datasets.config import ConfigError
from datasets.hits import HitArrays
from datasets.setups import load_setup
from datasets.simulation.generator import Block, simulate_block
from datasets.simulation.plan import plan
from processors.digits import calibrate_digits
from processors.planes import (
    align_hits,
    align_setup,
    displace_setup,
    leave_out,
    moves_of,
    plane_rows,
    restore_hits,
)
from recon.geometry import Setup
from recon.track_model import linear_model
from recon.tracks import Tracks, find_tracks
from tests.processors.test_digits import quantities

SETUP = load_setup("na64e_2018")
# of MM3 and MM4, where planes really are against the setup
DX, DY, DZ = np.array([0, 0, 0.8, -0.5]), np.array([0, 0, -0.6, 0.7]), np.array([0, 0, 30.0, 0])


def alignment(setup: Setup = SETUP, **values: np.ndarray) -> Alignment:
    return replace(ideal_conditions(setup).alignment, **values)


def displaced() -> Setup:
    """Return the setup with its planes where they are."""
    return displace_setup(SETUP, alignment(dx=DX, dy=DY, dz=DZ))


@pytest.fixture(scope="module")
def block() -> Block:
    return simulate_block(plan(displaced(), "electron", has_pile_up=False), 0)


def tracks(block: Block, conditions: Conditions, setup: Setup = SETUP) -> tuple[HitArrays, Tracks]:
    hits = calibrate_digits(quantities(block, displaced()), setup, conditions).hits["incoming"]
    spectrometer = align_setup(setup, conditions.alignment).spectrometers["incoming"]
    return hits, find_tracks(hits.plane, hits.x, hits.y, hits.offsets, spectrometer, setup.beam)


def test_true_table_undoes_displaced_planes(block: Block) -> None:
    ideal = ideal_conditions(SETUP)
    hits, found = tracks(block, replace(ideal, alignment=alignment(dx=DX, dy=DY, dz=DZ)))
    true_hits, true = tracks(block, ideal_conditions(displaced()), displaced())
    _, nominal = tracks(block, ideal)
    np.testing.assert_allclose(hits.x, true_hits.x, atol=1e-9)
    np.testing.assert_allclose(hits.y, true_hits.y, atol=1e-9)
    for name in ("chi2", "momentum", "is_valid"):
        np.testing.assert_allclose(getattr(found, name), getattr(true, name), rtol=1e-6)
    assert found.is_valid.sum() > 800
    assert nominal.is_valid.sum() < 0.5 * found.is_valid.sum()  # outside of the road


def test_displaced_planes_stand_where_the_table_says() -> None:
    planes = displaced().spectrometers["incoming"].planes
    assert [plane.centre for plane in planes[2:]] == [(-309.7 + 0.8, -0.6), (-330.7 - 0.5, 0.7)]
    assert [plane.z for plane in planes] == [-1500.0, -500.0, 17030.0, 18000.0]


def test_a_plane_that_is_left_out_scatters_all_the_same() -> None:
    """The model of the other planes is that of all of them without its rows."""
    incoming = SETUP.spectrometers["incoming"]
    design, covariance = linear_model(incoming, SETUP.beam)
    few, without = linear_model(leave_out(incoming, ["MM3"]), SETUP.beam)
    rows = [0, 1, 2, 3, 6, 7]
    np.testing.assert_allclose(few, design[rows], rtol=1e-9)
    np.testing.assert_allclose(without, covariance[np.ix_(rows, rows)], rtol=1e-9, atol=1e-15)
    assert leave_out(incoming, []) is incoming


def test_hits_of_turned_planes_come_back() -> None:
    rng = np.random.default_rng(1)
    plane = np.arange(4)
    centre = np.array([p.centre for p in SETUP.spectrometers["incoming"].planes])
    x, y = centre.T + rng.normal(0, 10, (2, 4))
    hits = HitArrays(plane, x, y, np.array([0, 4]))
    table = alignment(dx=DX, dy=DY, rotation=np.array([0, 0.01, -0.02, 0]))
    moved = align_hits({"incoming": hits}, SETUP, table)["incoming"]
    local, turned = (np.stack([h.x, h.y], axis=1) - centre for h in (hits, moved))
    # a quarter turn by hand for plane 1: x' = x cos - y sin, y' = x sin + y cos
    expected = (local[1, 0] * np.cos(0.01) - local[1, 1] * np.sin(0.01), local[1, 1] * np.cos(0.01))
    assert turned[1, 0] == pytest.approx(expected[0])
    assert turned[1, 1] == pytest.approx(expected[1] + local[1, 0] * np.sin(0.01))
    moves = moves_of(table, plane_rows(SETUP)["incoming"])
    back = restore_hits(moved, SETUP.spectrometers["incoming"], moves)
    np.testing.assert_allclose([back.x, back.y], [x, y], atol=1e-12)


def test_without_displacements_nothing_changes() -> None:
    hits = HitArrays(np.arange(4), np.ones(4), np.zeros(4), np.array([0, 4]))
    assert align_hits({"incoming": hits}, SETUP, alignment())["incoming"] is hits
    assert align_setup(SETUP, alignment(dx=DX)) is SETUP


def test_a_plane_moves_along_the_beam() -> None:
    moved = align_setup(SETUP, alignment(dz=np.array([900.0, 0, 0, -5.0]))).spectrometers["incoming"]
    assert [plane.z for plane in moved.planes] == [-600.0, -500.0, 17000.0, 17995.0]


@pytest.mark.parametrize("dz", [[1100.0, 0, 0, 0], [0, 600.0, 0, 0], [0, 0, 0, -1500.0]])
def test_planes_that_pass_one_another_or_a_magnet_are_refused(dz: list[float]) -> None:
    with pytest.raises(ConfigError, match="past another plane or an edge of a magnet"):
        align_setup(SETUP, alignment(dz=np.array(dz)))
