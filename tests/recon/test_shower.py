"""Position and shape of the leading shower: worked answers, symmetries, and Geant4 with known truth."""

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
from processors.make_shower_profile import Scan, read_scan
from recon.geometry import Grid, Section
from recon.profile import cell_fractions
from recon.shower import ShowerConfig, reconstruct_shower, to_global

GEANT4 = Path(datasets.__file__).parent / "samples" / "geant4"
PROFILE = load_profile("ecal_geant4")
CONFIG = ShowerConfig()
PITCH = 38.2
SAMPLING_FRACTION = 0.1056  # of the Geant4 files
CENTRE = 0.5 * PITCH  # [mm] of cell (3, 3) from the grid's centre

Floats = npt.NDArray[np.float64]


def section(shape: tuple[int, int] = (6, 6), **changes: Any) -> Section:
    parts = {"name": "ecal", "z": 0.0, "length": 450.0, "centre": (0.0, 0.0)} | changes
    return Section(**parts, grid=Grid(shape=shape, pitch=(PITCH, PITCH)))


def ideal(x: float, y: float, energy: float = 50.0, shape: tuple[int, int] = (6, 6)) -> Floats:
    """Cells of a mean shower at a position relative to the grid's centre, (1, n_x, n_y)."""
    at_x, at_y = section(shape).grid.centres()
    return energy * cell_fractions(PROFILE, at_x[:, None] - x, at_y - y, (PITCH, PITCH))[None]


def scan(name: str) -> Scan:
    raw = read_scan(GEANT4 / f"{name}.root")
    return raw._replace(cells=raw.cells / SAMPLING_FRACTION)


@pytest.mark.parametrize(
    ("x", "y", "cell"),
    [
        pytest.param(19.1, 19.1, (3, 3), id="centre-of-a-cell"),
        pytest.param(19.1 + 10, 19.1 - 15, (3, 3), id="off-centre"),
        pytest.param(1.0, 60.0, (3, 4), id="near-a-border"),
        pytest.param(-38.3, -0.1, (1, 2), id="near-a-corner"),
        pytest.param(-95.5, 19.1, (0, 3), id="edge-of-the-grid"),
        pytest.param(90.0, 90.0, (5, 5), id="corner-of-the-grid"),
    ],
)
@pytest.mark.parametrize("window", [3, 5])
def test_mean_shower_is_found_where_it_is(x: float, y: float, cell: tuple[int, int], window: int) -> None:
    found = reconstruct_shower(ideal(x, y), section(), PROFILE, ShowerConfig(window=window, n_steps=5))
    assert (found.x[0], found.y[0]) == pytest.approx((x, y), abs=0.05)
    assert (found.max_x[0], found.max_y[0]) == cell
    assert found.chi2[0] < 0.01
    assert found.is_valid.tolist() == [True]


@pytest.mark.parametrize("shape", [(5, 6), (9, 9), (2, 2), (3, 2)])
def test_any_grid(shape: tuple[int, int]) -> None:
    at_x, at_y = (axis[-1] - 5 for axis in section(shape).grid.centres())
    found = reconstruct_shower(ideal(at_x, at_y, shape=shape), section(shape), PROFILE, CONFIG)
    assert (found.x[0], found.y[0]) == pytest.approx((at_x, at_y), abs=0.3)


def test_position_is_global() -> None:
    turned = section(centre=(-365.5, 20.0), rotation=np.pi / 2)
    found = reconstruct_shower(ideal(30.0, 10.0), turned, PROFILE, CONFIG)
    assert (found.x[0], found.y[0]) == pytest.approx((-365.5 - 10.0, 20.0 + 30.0), abs=0.05)
    x, y = to_global(np.array([1.0]), np.array([0.0]), section(rotation=0.1, centre=(5.0, 6.0)))
    assert (x[0], y[0]) == pytest.approx((5 + np.cos(0.1), 6 + np.sin(0.1)))


@pytest.mark.parametrize(("noise", "calibration"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.04)])
def test_chi2_by_hand(noise: float, calibration: float) -> None:
    """Too much in all four diagonal cells: by symmetry the position stays in the middle."""
    cells = ideal(CENTRE, CENTRE, energy=100.0)
    cells[0, 2:5:2, 2:5:2] += 0.5
    at = PITCH * np.array([-1, 0, 1])
    mean = cell_fractions(PROFILE, at[:, None], at, (PITCH, PITCH))
    inside = cells[0, 2:5, 2:5].sum()
    spread = PROFILE.stochastic**2 * mean.sum() / inside + PROFILE.constant**2
    share = mean / mean.sum()
    variance = spread * share + (noise / inside) ** 2 + (calibration * share) ** 2
    chi2 = ((cells[0, 2:5, 2:5] / inside - share) ** 2 / variance).sum()
    config = ShowerConfig(window=3, noise=noise, calibration=calibration)
    found = reconstruct_shower(cells, section(), PROFILE, config)
    assert found.x[0] == pytest.approx(CENTRE, abs=1e-6)
    assert found.chi2[0] == pytest.approx(chi2 / (9 - 3), rel=1e-6)


def test_fit_improves_on_the_s_curve() -> None:
    cells = scan("electron_impact_scan").cells
    start, refined = (
        reconstruct_shower(cells, section(), PROFILE, ShowerConfig(n_steps=n)).chi2 for n in (0, 2)
    )
    assert (refined <= start).all()
    assert (refined < start - 0.01).mean() > 0.3


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        pytest.param(np.zeros((1, 6, 6)), "empty", id="empty"),
        pytest.param(ideal(0, 0, energy=0.9), "soft", id="below-the-minimum"),
        pytest.param(-ideal(0, 0), "negative", id="negative"),
        pytest.param(np.where(np.arange(36).reshape(1, 6, 6) == 0, np.nan, ideal(0, 0)), "nan", id="nan"),
        pytest.param(np.where(np.arange(36).reshape(1, 6, 6) == 0, np.inf, ideal(0, 0)), "inf", id="inf"),
    ],
)
def test_no_shower(cells: Floats, name: str) -> None:
    found = reconstruct_shower(np.concatenate([cells, ideal(30, 30)]), section(), PROFILE, CONFIG)
    assert np.isnan([found.x[0], found.y[0], found.chi2[0]]).all(), name
    assert (found.max_x[0], found.max_y[0], found.is_valid[0]) == (-1, -1, False)
    assert found.is_valid[1], "the next event is not touched"


def test_no_events() -> None:
    found = reconstruct_shower(np.empty((0, 6, 6)), section(), PROFILE, CONFIG)
    assert [len(column) for column in found] == [0] * 6


@pytest.mark.parametrize(
    ("cells", "shape"),
    [(np.zeros((1, 6, 6)), (5, 6)), (np.zeros((6, 6)), (6, 6)), (np.zeros((1, 1, 6)), (1, 6))],
)
def test_cells_of_another_grid_are_refused(cells: Floats, shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"section 'ecal' has \(\d, 6\), the array"):
        reconstruct_shower(cells, section(shape), PROFILE, CONFIG)


@pytest.mark.parametrize(
    "change",
    [
        {"window": 4},
        {"window": 1},
        {"min_energy": 0.0},
        {"noise": -1.0},
        {"calibration": np.nan},
        {"n_steps": -1},
    ],
)
def test_senseless_configuration_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"shower.*{next(iter(change))}"):
        ShowerConfig(**change)


grids = arrays(np.float64, (3, 6, 6), elements=st.floats(0, 50).map(lambda e: round(e, 3))).map(
    lambda cells: cells + 0.1 + 1e-3 * np.arange(cells.size).reshape(cells.shape)  # no ties
)


@given(cells=grids, factor=st.sampled_from([0.25, 2.0, 8.0]))
def test_position_does_not_depend_on_the_unit(cells: Floats, factor: float) -> None:
    config = ShowerConfig(n_steps=0)
    here = reconstruct_shower(cells, section(), PROFILE, config)
    there = reconstruct_shower(factor * cells, section(), PROFILE, config)
    assert there.x == pytest.approx(here.x)
    assert there.y == pytest.approx(here.y)
    assert (there.max_x == here.max_x).all()


@given(cells=grids)
def test_mirrored_cells_give_the_mirrored_position(cells: Floats) -> None:
    here = reconstruct_shower(cells, section(), PROFILE, CONFIG)
    mirrored = reconstruct_shower(cells[:, ::-1], section(), PROFILE, CONFIG)
    swapped = reconstruct_shower(cells.transpose(0, 2, 1), section(), PROFILE, CONFIG)
    assert mirrored.x == pytest.approx(-here.x, abs=1e-3)
    assert mirrored.chi2 == pytest.approx(here.chi2, rel=1e-4)
    assert (mirrored.max_x == 5 - here.max_x).all()
    assert swapped.x == pytest.approx(here.y, abs=1e-3)


@given(cells=grids, order=st.permutations(range(3)))
def test_events_do_not_know_each_other(cells: Floats, order: list[int]) -> None:
    whole = reconstruct_shower(cells, section(), PROFILE, CONFIG)
    moved = reconstruct_shower(cells[order], section(), PROFILE, CONFIG)
    for column, other in zip(whole, moved, strict=True):
        assert np.array_equal(column[order], other, equal_nan=True)


def test_read_only_and_single_precision_input() -> None:
    cells = ideal(25.0, 10.0).astype(np.float32)
    cells.setflags(write=False)
    found = reconstruct_shower(cells, section(), PROFILE, CONFIG)
    assert (found.x[0], found.y[0]) == pytest.approx((25.0, 10.0), abs=0.05)


def test_geant4_impact_points() -> None:
    cells, points = scan("electron_impact_scan")
    found = reconstruct_shower(cells, section(), PROFILE, CONFIG)
    assert found.is_valid.all()
    assert found.chi2.mean() == pytest.approx(1, abs=0.1)
    for axis, position in ((0, found.x), (1, found.y)):
        for offset, resolution in ((0, 1.0), (10, 0.55), (19, 0.12)):
            residual = (position - CENTRE - points[:, axis])[points[:, axis] == offset]
            assert abs(residual.mean()) < 0.15
            assert residual.std() < resolution


def test_geant4_energies() -> None:
    cells, points = scan("electron_energy_scan")
    found = reconstruct_shower(cells, section(), PROFILE, CONFIG)
    for energy in np.unique(points[:, 2]):
        own = points[:, 2] == energy
        assert found.chi2[own].mean() == pytest.approx(1, abs=0.15)
        assert found.x[own].std() < 8 / np.sqrt(energy) + 0.3


def test_chi2_tells_pions_from_electrons() -> None:
    electrons = scan("electrons_100gev").cells
    pions = scan("pions_100gev").cells
    pions = pions[pions.sum(axis=(1, 2)) > 10]  # the others do not look like a shower by their energy
    assert len(pions) > 50
    for limit, efficiency, leak in ((3.0, 0.98, 0.10), (5.0, 0.985, 0.14)):
        kept = reconstruct_shower(electrons, section(), PROFILE, CONFIG).chi2 < limit
        wrong = reconstruct_shower(pions, section(), PROFILE, CONFIG).chi2 < limit
        assert kept.mean() > efficiency
        assert wrong.mean() < leak
