"""Electromagnetic showers: energy, resolution, symmetry, and the integrals over cells."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.setups import load_setup
from datasets.simulation.electromagnetic import _spread, arctangent, deposit_electromagnetic
from datasets.simulation.model import Particles
from datasets.simulation.stack import Stack, build_stack
from physics.electromagnetic_shower import corner_integral

SETUP = load_setup("na64e_2018")
STACK = build_stack(SETUP)
ECAL, HCAL, SRD = (STACK.columns[name] for name in ("ecal", "hcal", "srd"))
RESPONSE = SETUP.detectors["ecal"].response
CENTRE = SETUP.detectors["ecal"].sections[0].centre
BEAM_CELL = (CENTRE[0] + 19.1, CENTRE[1] + 19.1)  # centre of cell (3, 3)
FRONT, PITCH = 18500.0, 38.2
ELECTRON, PHOTON = 11, 22


def particles(pdg: int, momentum: Any, n: int = 1, **where: Any) -> Particles:
    """Return particles straight into the middle of the beam cell, unless told otherwise."""
    place = {"x": BEAM_CELL[0], "y": BEAM_CELL[1], "z": FRONT - 50.0, "slope_x": 0.0, "slope_y": 0.0, **where}
    values = (np.broadcast_to(np.asarray(v, dtype=float), n) for v in (momentum, *place.values()))
    return Particles(np.arange(n), np.full(n, pdg), *values)


def deposit(found: Particles, seed: int = 1, stack: Stack = STACK) -> np.ndarray:
    cells = np.zeros((1 + int(found.primary.max(initial=-1)), stack.n_cells))
    deposit_electromagnetic(found, stack, np.random.default_rng(seed), cells)
    return cells


def ecal_energy(cells: np.ndarray, energy: float) -> np.ndarray:
    """Return what the ECAL measures [GeV], its non-linearity undone."""
    shift = RESPONSE.nonlinearity * np.log(energy / RESPONSE.reference_energy)
    return np.asarray(cells[:, ECAL].sum(axis=1) / RESPONSE.sampling_fraction / (1 + shift))


@settings(deadline=None)
@given(x=st.floats(-1e6, 1e6) | st.floats(-2.0, 2.0))
def test_arctangent(x: float) -> None:
    assert arctangent(x) == pytest.approx(np.arctan(x), abs=2e-8)
    assert arctangent(-x) == -arctangent(x)


@settings(deadline=None)
@given(
    core=st.floats(0.5, 10.0),
    tail=st.floats(5.0, 80.0),
    share=st.floats(0.0, 1.0),
    x=st.floats(-150.0, 150.0),
    y=st.floats(-150.0, 150.0),
)
def test_cells_take_differences_of_the_corner_integral(
    core: float, tail: float, share: float, x: float, y: float
) -> None:
    volume = int(STACK.index("ecal")[1])
    cells = np.full(STACK.n_cells, 2.0)
    _spread(cells, STACK.tables, volume, 8.0, core, tail, share, CENTRE[0] + x, CENTRE[1] + y)
    edges = (np.arange(7) - 3) * PITCH
    corners = [
        [share * corner_integral(a, b, core) + (1 - share) * corner_integral(a, b, tail) for b in edges - y]
        for a in edges - x
    ]
    expected = 8.0 * np.diff(np.diff(corners, axis=0), axis=1).ravel()
    first = ECAL.start + 36
    assert cells[first : first + 36] - 2.0 == pytest.approx(expected, abs=1e-6)
    assert (np.delete(cells, np.s_[first : first + 36]) == 2.0).all()


@pytest.fixture(scope="module", params=[10.0, 30.0, 100.0])
def shot(request: pytest.FixtureRequest) -> tuple[float, np.ndarray]:
    """Return the energy of 4000 electrons and what they leave."""
    return request.param, deposit(particles(ELECTRON, request.param, 4000))


def test_the_sum_is_proportional_to_the_energy(shot: tuple[float, np.ndarray]) -> None:
    energy, cells = shot
    assert ecal_energy(cells, energy).mean() == pytest.approx(energy, rel=0.01)


def test_resolution_of_the_ecal(shot: tuple[float, np.ndarray]) -> None:
    """A tenth over the root of E; 4000 showers measure a width within 1.1%."""
    energy, cells = shot
    measured = ecal_energy(cells, energy)
    assert measured.std() / measured.mean() == pytest.approx(0.1 / np.sqrt(energy), rel=0.10)


def test_energy_is_conserved_up_to_leakage(shot: tuple[float, np.ndarray]) -> None:
    """Almost nothing passes 40 X0; 1 to 3% leave the side of the grid (7.5 cm from the axis)."""
    energy, cells = shot
    behind = cells[:, HCAL].sum(axis=1) / SETUP.detectors["hcal"].response.sampling_fraction
    assert 0.0 < behind.mean() < 1e-3 * energy
    assert (cells >= 0.0).all()
    assert (cells[:, SRD] == 0.0).all()
    section = cells[:, ECAL].reshape(len(cells), 2, 6, 6)
    outer = 1 - section[..., 1:, 1:].sum() / section.sum()
    assert 0.001 < outer < 0.03


def test_the_profile_is_that_of_the_centre_of_a_cell(shot: tuple[float, np.ndarray]) -> None:
    """The same to the left and right, up and down, and along both diagonals."""
    _, cells = shot
    section = cells[:, ECAL].reshape(len(cells), 2, 6, 6).sum(axis=1)[:, 1:, 1:]  # 5 x 5 around the beam cell
    mean, error = section.mean(axis=0), section.std(axis=0) / np.sqrt(len(section))
    for turned in (mean[::-1], mean[:, ::-1], mean.T):
        assert (abs(mean - turned) < 6 * error).all()
    assert mean[2, 2] / mean.sum() == pytest.approx(0.85, abs=0.07)


@settings(deadline=None)
@given(offset=st.floats(-19.0, 19.0), seed=st.integers(0, 1000))
def test_reflection_about_the_middle_of_the_grid(offset: float, seed: int) -> None:
    """The shower before its fluctuations per cell; a section has an even number of cells."""
    one, other = (
        deposit(particles(PHOTON, 0.04, x=CENTRE[0] + sign * (19.1 + offset)), seed)[0, ECAL].reshape(2, 6, 6)
        for sign in (1.0, -1.0)
    )
    assert np.array_equal(one, other[:, ::-1])


def test_photons_start_later() -> None:
    """A photon flies 9/7 radiation lengths of the preshower's 4 before it makes a pair."""
    shares = {}
    for pdg in (ELECTRON, -ELECTRON, PHOTON):
        section = deposit(particles(pdg, 50.0, 3000))[:, ECAL].reshape(3000, 2, 36).sum(axis=2)
        shares[pdg] = (section[:, 0] / section.sum(axis=1)).mean()
    assert shares[PHOTON] < 0.6 * shares[ELECTRON]
    assert shares[-ELECTRON] == shares[ELECTRON]


def test_some_photons_pass_the_preshower_untouched() -> None:
    """exp(-7/9 x 4.3 X0) make no pair there; what begins in its last half X0 is too little to see."""
    n = 10_000
    cells = deposit(particles(PHOTON, 20.0, n))
    preshower = STACK.index("ecal")[0]
    depth = STACK.tables.length[preshower] / STACK.tables.radiation_length[preshower]
    untouched = (cells[:, ECAL][:, :36].sum(axis=1) == 0.0).mean()
    assert depth == pytest.approx(4.3, abs=0.05)
    least, most = np.exp(-7 / 9 * depth), np.exp(-7 / 9 * (depth - 0.5))
    assert least - 5 * np.sqrt(least / n) < untouched < most


@pytest.mark.parametrize(
    "where",
    [
        {"x": 400.0, "y": 400.0},
        {"x": BEAM_CELL[0], "y": 2000.0},
        {"z": 30000.0},
        {"z": 18000.0, "slope_x": 0.9},
    ],
    ids=str,
)
def test_what_misses_everything_deposits_nothing(where: dict[str, float]) -> None:
    assert not deposit(particles(ELECTRON, 100.0, 20, **where)).any()


@settings(deadline=None)
@given(energy=st.floats(1e-4, 0.0499), x=st.floats(-110.0, 110.0), y=st.floats(-110.0, 110.0))
def test_soft_electrons_stay_in_one_cell(energy: float, x: float, y: float) -> None:
    cells = deposit(particles(ELECTRON, energy, x=CENTRE[0] + x, y=CENTRE[1] + y))[0]
    hit = ECAL.start + 6 * int(np.floor(x / PITCH + 3)) + int(np.floor(y / PITCH + 3))
    assert np.flatnonzero(cells).tolist() == [hit]
    fraction = RESPONSE.sampling_fraction * energy
    assert cells[hit] == pytest.approx(fraction, rel=0.02)  # the response to a contained shower is higher


def test_a_slanted_soft_electron_stays_where_it_enters() -> None:
    """From 500 mm in front, 0.1 to the side: 50 mm are one cell further."""
    cells = deposit(particles(ELECTRON, 0.01, z=FRONT - 500.0, slope_x=-0.1))[0]
    assert np.flatnonzero(cells).tolist() == [ECAL.start + 6 * 2 + 3]


def test_particles_of_one_primary_add_up() -> None:
    n = 200
    start = particles(ELECTRON, 20.0, n)
    apart = deposit(start)
    together = deposit(start._replace(primary=np.arange(n) // 2))
    assert together == pytest.approx(apart[::2] + apart[1::2], rel=1e-12)


def test_deposits_are_added_to_what_is_there() -> None:
    cells = np.full((1, STACK.n_cells), 3.0)
    deposit_electromagnetic(particles(ELECTRON, 20.0), STACK, np.random.default_rng(1), cells)
    assert cells == pytest.approx(3.0 + deposit(particles(ELECTRON, 20.0)), rel=1e-12)
    before = cells.copy()
    deposit_electromagnetic(Particles.empty(), STACK, np.random.default_rng(1), cells)
    assert np.array_equal(cells, before)


@pytest.mark.parametrize("slope", [0.0, -0.03, -0.05, -0.1])
def test_a_shower_that_leaves_the_side_gives_no_more_than_it_has(slope: float) -> None:
    """3 mm inside of the edge, flying out: the further out, the less stays."""
    edge = CENTRE[0] - 3 * PITCH
    cells = deposit(particles(ELECTRON, 10.0, 500, x=edge + 3.0, z=FRONT, slope_x=slope))
    measured = ecal_energy(cells, 10.0)
    assert (measured < 10.0).all()
    assert measured.mean() < 7.5 + 50 * slope


def test_a_seed_gives_the_same_showers() -> None:
    one, same, other = (deposit(particles(PHOTON, 5.0, 50), seed) for seed in (4, 4, 5))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
