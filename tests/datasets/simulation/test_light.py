"""Light: photo-statistics, arrival times, and the two photomultipliers of a panel."""

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.light import CellLight, collect_light, light_tables
from datasets.simulation.stack import build_stack


def cells(n: int, *, light: float = 0.0, time: float = 0.0, partner: list[int] | None = None) -> CellLight:
    return CellLight(
        np.full(n, light), np.full(n, time), np.zeros(n), np.array(partner or [-1] * n, dtype=np.int64)
    )


def test_without_light_yield_the_energy_stays() -> None:
    visible = np.array([[0.0, 1.5], [2.5, 0.0]])
    light = collect_light(visible, np.array([0.0, 30.0]), cells(2), np.random.default_rng(1))
    assert (light.energy == visible).all()
    assert np.array_equal(light.time, [[np.nan, 0.0], [30.0, np.nan]], equal_nan=True)


@pytest.mark.parametrize("mean", [0.2, 5.0, 40.0, 100.0, 3000.0])
def test_photoelectrons_are_poisson(mean: float) -> None:
    """Mean and variance of N are both the mean, on both sides of the change to a Gaussian."""
    n = 20_000
    visible = np.full((n, 1), mean / 500.0)
    light = collect_light(visible, np.zeros(n), cells(1, light=500.0), np.random.default_rng(2))
    number = light.energy[:, 0] * 500.0
    assert number.mean() == pytest.approx(mean, abs=5 * np.sqrt(mean / n))
    assert number.var() == pytest.approx(mean, rel=5 * np.sqrt(2 / n + 1 / (mean * n)))
    assert (number == 0).mean() == pytest.approx(np.exp(-mean), abs=5 * np.sqrt(0.25 / n))


def test_a_cell_without_photoelectron_has_no_time() -> None:
    light = collect_light(
        np.full((5000, 1), 0.001), np.zeros(5000), cells(1, light=300.0), np.random.default_rng(3)
    )
    assert 0 < np.isnan(light.time).sum() < 5000
    assert (np.isnan(light.time) == (light.energy == 0)).all()


def test_time_is_resolution_and_photostatistics_in_quadrature() -> None:
    """0.15 ns of the cell and 3 ns / sqrt(400) of the scintillator add in squares."""
    n = 20_000
    light = collect_light(
        np.full((n, 1), 1.0), np.full(n, 7.0), cells(1, light=400.0, time=0.15), np.random.default_rng(4)
    )
    assert light.time.mean() == pytest.approx(7.0, abs=0.01)
    assert light.time.std() == pytest.approx(np.hypot(0.15, 3.0 / 20.0), rel=0.03)


def test_both_photomultipliers_see_the_whole_panel() -> None:
    visible = np.array([[0.5, 0.25, 1.0]])
    light = collect_light(visible, np.zeros(1), cells(3, partner=[1, 0, -1]), np.random.default_rng(5))
    assert light.energy.tolist() == [[0.75, 0.75, 1.0]]


def test_tables_of_a_setup() -> None:
    stack = build_stack(load_setup("na64e_2018"))
    tables = light_tables(stack)
    veto = stack.columns["veto"]
    assert tables.partner[veto].tolist() == [veto.start + i for i in (1, 0, 3, 2, 5, 4)]
    assert (np.delete(tables.partner, np.arange(veto.start, veto.stop)) == -1).all()
    assert (tables.light_yield[stack.columns["hcal"]] == 5000.0).all()
    assert (tables.resolving_time == 25.0).all()
