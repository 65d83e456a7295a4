"""Tests of the exact tree level: conserved currents, Compton, Drell-Yan and Bethe-Heitler, the table of K."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from physics.dark_photon import ALPHA, ELECTRON, PICOBARN, bremsstrahlung_section, share_density
from physics.exact_bremsstrahlung import (
    Momenta,
    amplitude,
    elastic_form_factor,
    exact_grid,
    exact_section,
    full_form_factor,
    momenta,
    share_above,
    squared_amplitude,
    transfer_limits,
    u_limits,
)

METRIC = np.array([1.0, -1.0, -1.0, -1.0])
LEAD = (82.0, 207.0)
HEAVY = (1.0, 207.0)  # one charge
NUCLEUS = 193.0  # [GeV]
COARSE = (14, 20, 12)
SHARES = st.lists(st.floats(0.02, 0.98), min_size=4, max_size=4)


def dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.sum(first * second * METRIC, axis=-1)


def point_of(
    shares: list[float], mass: float, energy: float
) -> tuple[Momenta, np.ndarray, np.ndarray, np.ndarray]:
    """A point at shares of the way, in the logarithm, between the limits of s, t, u."""
    least = (mass + ELECTRON) ** 2
    s = np.array([least * (1.01 + 0.2 * mass * energy / least) ** shares[0]])
    t, u = np.empty(1), np.empty(1)
    for value, share, limits in (
        (t, shares[1], lambda: transfer_limits(s, energy, NUCLEUS)),
        (u, shares[2], lambda: u_limits(s, t, mass)),
    ):
        low, high = limits()
        value[:] = low * (high / low) ** share
    return momenta(s, t, u, 2 * np.pi * shares[3], mass, energy, NUCLEUS), s, t, u


@given(shares=SHARES, mass=st.floats(0.001, 1.0), energy=st.floats(10.0, 200.0))
def test_momenta_are_those_of_the_variables(shares: list[float], mass: float, energy: float) -> None:
    point, s, t, u = point_of(shares, mass, energy)
    scale = np.maximum(1e-9 * s, 1e-12 * point.electron[:, 0] ** 2)
    assert dot(point.boson, point.boson) == pytest.approx(mass**2, abs=scale[0])
    for electron in (point.electron, point.scattered):
        assert dot(electron, electron) == pytest.approx(ELECTRON**2, abs=scale[0])
    assert dot(point.photon, point.photon) == pytest.approx(-t, abs=max(scale[0], 1e-9 * t[0]))
    given_by_nucleus = point.scattered + point.boson - point.electron
    np.testing.assert_allclose(given_by_nucleus, point.photon, atol=1e-12 * point.electron[0, 0])
    assert 2 * dot(point.electron, point.boson) - mass**2 == pytest.approx(u, abs=scale[0])
    kicked = point.nucleus - point.photon  # on its mass shell before and behind
    accuracy = 1e-12 * (point.nucleus[0, 0] + point.electron[0, 0]) ** 2
    assert dot(point.nucleus, point.electron) == pytest.approx(NUCLEUS * energy, abs=accuracy)
    assert dot(point.nucleus, point.nucleus) == pytest.approx(NUCLEUS**2, abs=accuracy)
    assert dot(kicked, kicked) == pytest.approx(NUCLEUS**2, abs=accuracy)


@given(shares=SHARES, mass=st.floats(0.001, 1.0), energy=st.floats(10.0, 200.0))
def test_both_currents_are_conserved(shares: list[float], mass: float, energy: float) -> None:
    point, *_ = point_of(shares, mass, energy)
    found = amplitude(point.source, point)
    largest = np.abs(found).max()
    assert np.abs(amplitude(point.nucleus, point) - found).max() < 1e-6 * largest
    unit = point.photon / np.abs(point.photon).max() * np.abs(point.source).max()
    assert np.abs(amplitude(unit, point)).max() < 1e-6 * largest
    along = np.einsum("nijv,nv->nij", found, point.boson * METRIC)
    assert np.abs(along).max() < 1e-6 * largest * point.boson[0, 0]


@given(shares=SHARES, mass=st.floats(0.001, 1.0))
def test_sum_over_polarisations_is_that_of_three_vectors(shares: list[float], mass: float) -> None:
    point, s, _, u = point_of(shares, mass, 100.0)
    k, along = point.boson[0], point.boson[0, 1:] / np.linalg.norm(point.boson[0, 1:])
    first = np.cross(along, [0.3, -0.5, 0.8])
    first /= np.linalg.norm(first)
    second = np.cross(along, first)
    vectors = [np.array([0.0, *first]), np.array([0.0, *second])]
    vectors.append(np.array([np.linalg.norm(k[1:]), *(k[0] * along)]) / mass)
    found = amplitude(point.source, point)
    total = sum(0.5 * np.sum(np.abs(found @ (vector * METRIC)) ** 2) for vector in vectors)
    assert squared_amplitude(point, s, u)[0] == pytest.approx(total, rel=1e-6)


def real_photon(s: float, share: float, mass: float, lepton: float) -> tuple[float, float]:
    """u, and the squared amplitude per squared transverse momentum, averaged over phi, at t nearly 0."""
    energy = 1e5
    square = np.array([s])
    t = 1e3 * transfer_limits(square, energy, NUCLEUS, lepton)[0]
    low, high = u_limits(square, t, mass, lepton)
    u = low * (high / low) ** share
    phi = 2 * np.pi * np.arange(8) / 8
    point = momenta(square, t, u, phi, mass, energy, NUCLEUS, lepton)
    found = squared_amplitude(point, np.repeat(square, 8), np.repeat(u, 8), lepton)
    return float(u[0]), float(np.mean(found / point.source[:, 1] ** 2))


@pytest.mark.parametrize("s", [1.2, 3.0, 50.0])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_boson_without_mass_is_compton_scattering(s: float, share: float) -> None:
    """The trace of Klein and Nishina, in units of the lepton's mass."""
    lepton = ELECTRON
    u, found = real_photon(s * lepton**2, share, 1e-5 * lepton, lepton)
    a, b = 0.5 * (s - 1), 0.5 * u / lepton**2
    slope = 1 / a - 1 / b
    assert found == pytest.approx(2 * (a / b + b / a + 2 * slope + slope**2), rel=1e-3)


@pytest.mark.parametrize("s", [1.5, 4.0, 30.0])
@pytest.mark.parametrize("share", [0.4, 0.6, 0.9])
def test_a_lepton_without_mass_is_the_compton_part_of_drell_yan(s: float, share: float) -> None:
    """q g -> q gamma*: -(s / u + u / s + 2 t M^2 / (s u)), of which u is minus that of the module."""
    u, found = real_photon(s, share, 1.0, 1e-6)
    assert found == pytest.approx(2 * (s / u + u / s + 2 * (1 - s + u) / (s * u)), rel=1e-3)


@pytest.mark.parametrize("energy", [1.0, 10.0])
def test_radiated_energy_without_screening_is_that_of_bethe_and_heitler(energy: float) -> None:
    """The integral of x dsigma/dx, 4 alpha Z^2 r_e^2 (ln(2 E / m) - 1/3)."""
    grid = exact_grid(1e-4 * ELECTRON, energy, 1.0, *HEAVY, nodes=(20, 24, 14), form_factor=np.ones_like)
    expected = 4 * ALPHA**3 / ELECTRON**2 * (np.log(2 * energy / ELECTRON) - 1 / 3) * PICOBARN
    assert np.sum(grid.x * grid.weight) == pytest.approx(expected, rel=3e-3)


def test_soft_photons_alone_give_the_approximation_of_weizsaecker_and_williams() -> None:
    """t far below m_e^2 and t_min far below the screening: section and spectrum are those of IWW."""

    def soft(t: np.ndarray) -> np.ndarray:
        return t / (1e-12 + t) * 1e-9 / (1e-9 + t)

    mass, energy = 1e-3, 1e5
    grid = exact_grid(mass, energy, 1.0, *LEAD, nodes=(24, 40, 24), form_factor=soft)
    flux = quad(lambda log: soft(np.exp(log)) ** 2, np.log(1e-19), np.log(1e-3), limit=200)[0]
    rest = np.geomspace(1 - mass / energy, 1e-7, 4000)
    x = 1 - rest
    density = share_density(x, rest, mass, energy)
    whole = np.trapezoid(density, x)
    assert grid.weight.sum() == pytest.approx(2 * ALPHA**3 * flux / energy * whole * PICOBARN, rel=3e-3)
    mean = np.sum(grid.x * grid.weight) / grid.weight.sum()
    assert mean == pytest.approx(np.trapezoid(density * x, x) / whole, abs=1e-3)
    above = np.trapezoid(np.where(x > 0.5, density, 0), x) / whole
    assert share_above(grid, 0.5) == pytest.approx(above, abs=3e-3)


@pytest.mark.parametrize("energy", [60.0, 100.0])
@pytest.mark.parametrize("mass", [0.001, 0.01, 0.1, 0.2, 0.4, 0.9])
def test_the_table_is_met_within_its_inelastic_part(mass: float, energy: float) -> None:
    """DMG4's numbers, of another integration: 2.6% with the elastic form factor, 2.3% with both."""
    table = bremsstrahlung_section(mass, energy, 1e-4, *LEAD)
    for factor, accuracy in ((elastic_form_factor, 0.026), (full_form_factor, 0.023)):
        charge = partial(factor, z=LEAD[0], a=LEAD[1])
        found = exact_grid(mass, energy, 1e-4, *LEAD, nodes=COARSE, form_factor=charge).weight.sum()
        assert found == pytest.approx(table, rel=accuracy)


@pytest.mark.parametrize("mass", [0.001, 0.01, 0.1, 0.2, 0.4, 0.9])
def test_factors_of_other_nuclei_and_energies(mass: float) -> None:
    """What the docstring of K promises."""
    carbon = exact_grid(mass, 100.0, 1e-4, 6.0, 12.0, nodes=COARSE).weight.sum()
    assert carbon == pytest.approx(bremsstrahlung_section(mass, 100.0, 1e-4, 6.0, 12.0), rel=0.075)
    table = bremsstrahlung_section(mass, 10.0, 1e-4, *LEAD)
    elastic = exact_grid(mass, 10.0, 1e-4, *LEAD, nodes=COARSE).weight.sum()
    assert elastic == pytest.approx(table, rel=0.08 if mass <= 0.2 else 0.21)
    charge = partial(full_form_factor, z=LEAD[0], a=LEAD[1])
    both = exact_grid(mass, 10.0, 1e-4, *LEAD, nodes=COARSE, form_factor=charge).weight.sum()
    assert both == pytest.approx(table, rel=0.1)


@pytest.mark.parametrize(("mass", "accuracy"), [(0.001, 5e-3), (0.1, 2e-4)])
def test_more_nodes_change_little(mass: float, accuracy: float) -> None:
    coarse = exact_grid(mass, 100.0, 1e-4, *LEAD, nodes=COARSE).weight.sum()
    assert exact_section(mass, 100.0, 1e-4, *LEAD) == pytest.approx(coarse, rel=accuracy)


def test_section_goes_with_the_squares_of_couplings() -> None:
    small, large = (exact_grid(0.1, 50.0, e, *LEAD, nodes=(6, 8, 6)).weight.sum() for e in (1e-4, 3e-4))
    assert large == pytest.approx(9 * small)


def test_nothing_is_radiated_beyond_the_energy() -> None:
    grid = exact_grid(0.3, 20.0, 1e-4, *LEAD, nodes=COARSE)
    assert grid.x.min() > 0.3 / 20
    assert grid.x.max() < 1
    assert (grid.weight > 0).all()


@pytest.mark.parametrize(
    ("mass", "energy"), [(0.0, 10.0), (-1.0, 10.0), (3.0, 2.0), (np.nan, 10.0), (0.1, np.nan)]
)
def test_impossible_masses_are_refused(mass: float, energy: float) -> None:
    with pytest.raises(ValueError, match="needs a mass above 0 and an electron with the energy"):
        exact_grid(mass, energy, 1e-4, *LEAD)
