"""Clusters: how many, how bright and where, from one mean shower to overlapping Geant4 ones."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import datasets
from datasets.profiles import load_profile
from processors.make_shower_profile import read_scan
from recon.clusters import ClusterConfig, Clusters, find_clusters
from recon.geometry import Grid, Section
from recon.profile import cell_fractions

GEANT4 = Path(datasets.__file__).parent / "samples" / "geant4"
PROFILE = load_profile("ecal_geant4")
CONFIG = ClusterConfig()
PITCH = 38.2
SAMPLING_FRACTION = 0.1056  # of the Geant4 files

Floats = npt.NDArray[np.float64]


def section(shape: tuple[int, int] = (6, 6), pitch: float = PITCH, **changes: Any) -> Section:
    parts = {"name": "ecal", "z": 0.0, "length": 450.0, "centre": (0.0, 0.0)} | changes
    return Section(**parts, grid=Grid(shape=shape, pitch=(pitch, pitch)))


def ideal(
    *showers: tuple[float, float, float], shape: tuple[int, int] = (6, 6), pitch: float = PITCH
) -> Floats:
    """Cells of mean showers (x, y, energy), positions from the grid's centre, (1, n_x, n_y)."""
    at_x, at_y = section(shape, pitch).grid.centres()
    return sum(
        energy * cell_fractions(PROFILE, at_x[:, None] - x, at_y - y, (pitch, pitch))
        for x, y, energy in showers
    )[None]


def cell(i: int, j: int) -> tuple[float, float]:
    """Centre of a cell of the 6 x 6 grid [mm]."""
    return (i - 2.5) * PITCH, (j - 2.5) * PITCH


def geant4(energy: float, impact: tuple[float, float], at: tuple[int, int]) -> Floats:
    """Geant4 showers of 100 GeV, scaled, at an impact point of a cell: (n_events, 6, 6)."""
    scan = read_scan(GEANT4 / "electron_impact_scan.root")
    chosen = scan.cells[(scan.points[:, :2] == impact).all(axis=1)] * energy / (100 * SAMPLING_FRACTION)
    wide = np.pad(chosen, ((0, 0), (6, 6), (6, 6)))
    return wide[:, 9 - at[0] : 15 - at[0], 9 - at[1] : 15 - at[1]]


def counts(found: Clusters) -> npt.NDArray[np.int64]:
    return np.diff(found.offsets)


@pytest.mark.parametrize(
    ("cells", "n"),
    [
        pytest.param(np.zeros((6, 6)), 0, id="empty"),
        pytest.param(np.where(np.eye(6) == 1, 0.49, 0), 0, id="below-the-seed-energy"),
        pytest.param(np.full((6, 6), 1.0), 1, id="flat-is-one"),
        pytest.param(-ideal((0, 0, 50))[0], 0, id="negative"),
        pytest.param(np.where(np.arange(36).reshape(6, 6) == 0, np.nan, ideal((0, 0, 50))[0]), 0, id="nan"),
        pytest.param(np.where(np.arange(36).reshape(6, 6) == 0, np.inf, ideal((0, 0, 50))[0]), 0, id="inf"),
        pytest.param(ideal((0, 0, 50))[0], 1, id="four-equal-cells"),
        pytest.param(ideal((19.1, 0, 50))[0], 1, id="two-equal-cells"),
        pytest.param(
            ideal((-76.4, -76.4, 9), (76.4, 76.4, 9), (-76.4, 76.4, 9), (76.4, -76.4, 9))[0], 4, id="4"
        ),
    ],
)
def test_number_of_clusters(cells: Floats, n: int) -> None:
    found = find_clusters(np.stack([cells, ideal((9, 9, 50))[0]]), section(), PROFILE, CONFIG)
    assert counts(found).tolist() == [n, 1]


def test_one_mean_shower() -> None:
    x, y = 25.0, -30.0
    found = find_clusters(ideal((x, y, 50.0)), section(), PROFILE, CONFIG)
    assert (found.x[0], found.y[0]) == pytest.approx((x, y), abs=0.3)
    assert found.energy[0] == pytest.approx(50 * 0.993, rel=0.005)
    assert np.isnan(found.time[0])


def test_size_and_cells_by_hand() -> None:
    cells = np.zeros((1, 6, 6))
    cells[0, 2:5, 3] = 1.0, 8.0, 1.0
    cells[0, 3, 4] = 0.04
    found = find_clusters(cells, section(), PROFILE, CONFIG)
    assert found.energy[0] == pytest.approx(10.04)
    mean_y = 0.04 / 10.04 * PITCH
    assert found.size[0] == pytest.approx(np.sqrt(2.04 / 10.04 * PITCH**2 - mean_y**2))
    assert found.n_cells[0] == 3


def test_time_is_the_mean_of_the_cells_in_time() -> None:
    cells, times = np.zeros((2, 6, 6)), np.full((2, 6, 6), np.nan)
    cells[:, 3, 3], cells[:, 3, 4], cells[:, 2, 3], cells[:, 4, 3] = 6.0, 2.0, 1.0, 1.0
    times[0, 3, 3], times[0, 3, 4], times[0, 2, 3] = 1.0, 5.0, 50.0
    config = ClusterConfig(time_window=(-10.0, 10.0))
    found = find_clusters(cells, section(), PROFILE, config, times)
    assert found.time == pytest.approx([(6 * 1 + 2 * 5) / 8, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("shape", "pitch"),
    [((5, 6), PITCH), ((9, 9), 20.0), ((2, 2), PITCH), ((3, 9), PITCH)],
)
def test_any_grid(shape: tuple[int, int], pitch: float) -> None:
    at_x, at_y = (axis[-2] for axis in section(shape, pitch).grid.centres())
    cells = ideal((at_x + 5, at_y + 5, 30.0), shape=shape, pitch=pitch)
    found = find_clusters(cells, section(shape, pitch), PROFILE, CONFIG)
    assert counts(found).tolist() == [1]
    assert (found.x[0], found.y[0]) == pytest.approx((at_x + 5, at_y + 5), abs=2.5)


def test_positions_are_global() -> None:
    turned = section(centre=(-365.5, 20.0), rotation=np.pi / 2)
    found = find_clusters(ideal((30.0, 10.0, 50.0)), turned, PROFILE, CONFIG)
    assert (found.x[0], found.y[0]) == pytest.approx((-365.5 - 10.0, 20.0 + 30.0), abs=0.3)


@pytest.mark.parametrize("at", [(0, 3), (5, 2), (0, 0), (5, 5)], ids=["edge", "other-edge", "corner", "last"])
def test_showers_at_the_rim(at: tuple[int, int]) -> None:
    towards = [8 if index == 0 else -8 if index == 5 else 0 for index in at]
    x, y = (middle + move for middle, move in zip(cell(*at), towards, strict=True))
    found = find_clusters(ideal((x, y, 50.0)), section(), PROFILE, CONFIG)
    assert counts(found).tolist() == [1]
    assert (found.x[0], found.y[0]) == pytest.approx((x, y), abs=2)
    assert found.energy[0] == pytest.approx(ideal((x, y, 50.0)).sum(), rel=0.01)


@pytest.mark.parametrize("name", ["electron_impact_scan", "electron_energy_scan"])
def test_one_geant4_shower_is_one_cluster(name: str) -> None:
    scan = read_scan(GEANT4 / f"{name}.root")
    found = find_clusters(scan.cells / SAMPLING_FRACTION, section(), PROFILE, CONFIG)
    assert (counts(found) == 1).mean() > 0.998
    first = found.offsets[:-1]
    assert found.energy[first] * SAMPLING_FRACTION == pytest.approx(scan.cells.sum(axis=(1, 2)), rel=0.02)
    bright = scan.points[:, 2] >= 50
    assert (found.x[first] - 0.5 * PITCH - scan.points[:, 0])[bright].std() < 1.2


@pytest.mark.parametrize(
    "showers",
    [
        pytest.param([(60, (0, 0), (2, 3)), (40, (0, 0), (4, 3))], id="two-cells-apart"),
        pytest.param([(80, (0, 0), (2, 3)), (20, (0, 0), (4, 3))], id="one-dimmer"),
        pytest.param([(95, (0, 0), (2, 3)), (5, (0, 0), (4, 3))], id="one-much-dimmer"),
        pytest.param([(60, (10, 0), (2, 3)), (40, (10, 10), (4, 3))], id="off-centre"),
        pytest.param([(60, (15, 10), (2, 3)), (40, (0, 10), (4, 3))], id="towards-each-other"),
        pytest.param([(60, (15, 10), (2, 2)), (40, (0, 0), (4, 4))], id="diagonal"),
        pytest.param([(60, (0, 0), (1, 1)), (40, (0, 0), (4, 4))], id="far-apart"),
        pytest.param([(50, (0, 0), (1, 1)), (30, (5, 0), (3, 1)), (20, (0, 0), (2, 3))], id="three"),
    ],
)
def test_overlapping_geant4_showers(
    showers: list[tuple[float, tuple[float, float], tuple[int, int]]],
) -> None:
    cells = sum(geant4(*shower) for shower in showers)
    found = find_clusters(cells, section(), PROFILE, CONFIG)
    assert (counts(found) == len(showers)).all()
    for k, (energy, impact, at) in enumerate(showers):
        own = found.offsets[:-1] + k
        assert found.energy[own].mean() == pytest.approx(energy, rel=0.03)
        assert found.energy[own].std() < 0.05 * energy
        middle = cell(*at)
        assert found.x[own].mean() == pytest.approx(middle[0] + impact[0], abs=1)
        assert found.y[own].mean() == pytest.approx(middle[1] + impact[1], abs=1)
        assert max(found.x[own].std(), found.y[own].std()) < 3


def test_leakage_is_no_cluster() -> None:
    """A cell two away that holds what the bright shower puts there is not a seed; four times that is."""
    bright = ideal((*cell(2, 3), 400.0))
    leakage = bright[0, 4, 3]
    assert leakage > CONFIG.seed_energy
    for total, n in ((1.9 * leakage, 1), (5 * leakage, 2)):
        cells = bright.copy()
        cells[0, 4, 3] = total
        cells[0, 3, 2:5] = np.minimum(cells[0, 3, 2:5], 0.9 * total)
        assert counts(find_clusters(cells, section(), PROFILE, CONFIG)).tolist() == [n]


def test_no_events() -> None:
    found = find_clusters(np.empty((0, 6, 6)), section(), PROFILE, CONFIG)
    assert found.offsets.tolist() == [0]
    assert len(found.energy) == 0


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"section 'ecal' has \(6, 6\), the array \(1, 5, 6\)"):
        find_clusters(np.zeros((1, 5, 6)), section(), PROFILE, CONFIG)
    with pytest.raises(ValueError, match=r"times .* \(1, 6, 6\), got \(2, 6, 6\)"):
        find_clusters(np.zeros((1, 6, 6)), section(), PROFILE, CONFIG, np.zeros((2, 6, 6)))


@pytest.mark.parametrize(
    "change",
    [
        {"seed_energy": 0.0},
        {"leakage_factor": 0.5},
        {"cell_energy": np.nan},
        {"reach": 0},
        {"n_iterations": 0},
        {"time_window": (5.0, 5.0)},
    ],
)
def test_senseless_configuration_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"clusters.*{next(iter(change))}"):
        ClusterConfig(**change)


grids = arrays(np.float64, (3, 6, 6), elements=st.sampled_from([0.0, 0.1, 0.6, 1.0, 3.0, 10.0, 40.0]))


@given(cells=grids)
def test_clusters_hold_at_most_what_there_is(cells: Floats) -> None:
    found = find_clusters(cells, section(), PROFILE, CONFIG)
    event = np.repeat(np.arange(3), counts(found))
    held = np.bincount(event, weights=found.energy, minlength=3)
    assert (held <= cells.sum(axis=(1, 2)) * (1 + 1e-9)).all()
    assert (found.energy > 0).all()
    assert (np.abs([found.x, found.y]) <= 3.1 * PITCH).all()
    assert (np.diff(found.energy)[np.diff(event) == 0] <= 0).all(), "brightest first"
    assert ((counts(found) > 0) == (cells.max(axis=(1, 2)) > CONFIG.seed_energy)).all()


@given(cells=grids, order=st.permutations(range(3)))
def test_events_do_not_know_each_other(cells: Floats, order: list[int]) -> None:
    whole = find_clusters(cells, section(), PROFILE, CONFIG)
    moved = find_clusters(cells[order], section(), PROFILE, CONFIG)
    rows = np.concatenate([np.arange(whole.offsets[i], whole.offsets[i + 1]) for i in order]).astype(int)
    assert (counts(moved) == counts(whole)[order]).all()
    for column, other in zip(whole[1:], moved[1:], strict=True):
        assert np.array_equal(column[rows], other, equal_nan=True)


@given(scale=st.floats(0.5, 4.0), x=st.floats(-90, 90), y=st.floats(-90, 90))
def test_energy_scales_and_position_stays(scale: float, x: float, y: float) -> None:
    cells = ideal((x, y, 40.0))
    here, there = (find_clusters(c, section(), PROFILE, CONFIG) for c in (cells, scale * cells))
    assert there.energy[0] == pytest.approx(scale * here.energy[0], rel=1e-3)
    assert (there.x[0], there.y[0]) == pytest.approx((here.x[0], here.y[0]), abs=0.1)  # ties may turn over


@given(x=st.floats(-90, 90), y=st.floats(-90, 90))
def test_mirrored_showers_give_mirrored_clusters(x: float, y: float) -> None:
    cells = ideal((x, y, 40.0), (-70.0, 60.0, 15.0)) + 1e-3 * np.arange(36).reshape(6, 6)
    here = find_clusters(cells, section(), PROFILE, CONFIG)
    there = find_clusters(cells[:, ::-1].copy(), section(), PROFILE, CONFIG)
    assert there.energy == pytest.approx(here.energy, rel=1e-3)
    assert there.x == pytest.approx(-here.x, abs=0.1)
    assert there.y == pytest.approx(here.y, abs=0.1)
