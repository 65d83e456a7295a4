"""Tests of the thick target: track lengths and cross sections against independent integrals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import dblquad, quad
from scipy.special import gamma

from physics.thick_target import (
    electron_track_length,
    muon_pair_section,
    photon_depth_rates,
    photon_track_length,
    survival,
)

MUON, ELECTRON = 0.1056583755, 0.51099895e-3  # [GeV]
SHARES = st.floats(0.01, 0.99)


def electron_density(log_loss: float, depth: float) -> float:
    """Return Tsai and Whitis' spectrum of electrons per ln(E0 / E)."""
    shape = 4 / 3 * depth
    return float(np.exp(-log_loss) * log_loss ** (shape - 1) / gamma(shape))


@pytest.mark.parametrize("depth", [0.75, 2.0, 5.0])
@pytest.mark.parametrize("log_loss", [0.2, 1.0, 3.0])
def test_survival_against_the_spectrum(depth: float, log_loss: float) -> None:
    expected = quad(electron_density, 0.0, log_loss, args=(depth,))[0]
    assert survival(depth, log_loss) == pytest.approx(expected, rel=1e-7)


def test_survival_by_hand() -> None:
    """At 0.75 X0 the spectrum is flat in E: 1 - E / E0 of the electrons are left above E."""
    assert survival(0.75, np.log(1 / 0.3)) == pytest.approx(0.7)
    assert survival([0.0, 0.0], [0.1, -0.1]).tolist() == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize("least", [1.0, 10.0, 30.0, 50.0])
def test_electron_track_length_against_the_integral(least: float) -> None:
    log_loss = np.log(100 / least)
    # the integral over the shape first: small shapes are a narrow peak at no loss, where all electrons are
    early = quad(lambda depth: 1 - quad(electron_density, log_loss, 40.0, args=(depth,))[0], 1e-9, 1.0)[0]
    late = dblquad(electron_density, 1.0, 40.0, 0.0, log_loss)[0]
    assert electron_track_length(100.0, least) == pytest.approx(early + late, rel=1e-4)


@given(st.floats(1.0, 200.0), SHARES, st.floats(1.1, 3.0))
def test_electron_track_length_depends_on_the_ratio_alone(beam: float, share: float, factor: float) -> None:
    one = electron_track_length(beam, share * beam)
    assert electron_track_length(factor * beam, share * factor * beam) == pytest.approx(one, rel=1e-9)
    assert electron_track_length(factor * beam, share * beam) > one > 0
    assert electron_track_length(beam, factor * beam) == 0.0


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9, 0.99])
def test_photon_track_length_against_the_depth_spectrum(share: float) -> None:
    """Tsai and Whitis: ((1 - v)^(4 t / 3) - exp(-7 t / 9)) / (k (7/9 + 4/3 ln(1 - v))), v = k / E0."""

    def spectrum(depth: float) -> float:
        bracket = 7 / 9 + 4 / 3 * np.log(1 - share)
        return float(((1 - share) ** (4 / 3 * depth) - np.exp(-7 / 9 * depth)) / (100 * share * bracket))

    expected = quad(spectrum, 0.0, 30.0)[0] + quad(spectrum, 30.0, 600.0)[0]
    assert photon_track_length(100.0, 100 * share) == pytest.approx(expected, rel=1e-6)


@given(SHARES)
def test_photon_depth_rates(share: float) -> None:
    slow, fast = photon_depth_rates([share])
    assert np.exp(-0.75 * slow[0]) == pytest.approx(1 - share, rel=1e-12)
    assert fast == 7 / 9


@pytest.mark.parametrize(
    ("share", "accuracy"), [(0.7, 0.17), (0.8, 0.08), (0.9, 0.03), (0.95, 0.05), (0.99, 0.07)]
)
def test_photon_track_length_against_photons_of_the_electron(share: float, accuracy: float) -> None:
    """Complete screening, 4/3 (1 - y) + y^2 per X0 and ln y, by electrons; each photon lives 9/7 X0."""

    def radiated(log_loss: float, depth: float) -> float:
        y = share * np.exp(log_loss)
        return electron_density(log_loss, depth) * (4 / 3 * (1 - y) + y**2) / share

    late = dblquad(radiated, 0.75, 20.0, 0.0, -np.log(share))[0]
    # in front of 0.75 X0 the spectrum is singular at no loss: take its power as the variable
    early = dblquad(
        lambda power, depth: (
            radiated(power ** (0.75 / depth), depth) * power ** (0.75 / depth - 1) * 0.75 / depth
        ),
        1e-2,
        0.75,
        0.0,
        lambda depth: (-np.log(share)) ** (4 / 3 * depth),
    )[0]
    first = 1e-2 * (4 / 3 * (1 - share) + share**2) / share
    found = photon_track_length(1.0, share)
    assert found == pytest.approx(9 / 7 * (first + early + late), rel=accuracy)


@pytest.mark.parametrize(("share", "ratio"), [(0.05, 0.61), (0.5, 0.81), (0.8, 1.025), (0.95, 1.12)])
def test_photon_track_length_against_clement_and_kessler(share: float, ratio: float) -> None:
    """What the docstring says of the photons of the whole shower."""
    whole = 0.964 / (-np.log(1 - share**2) + 0.686 * share**2 - 0.5 * share**4)
    assert whole / photon_track_length(1.0, share) == pytest.approx(ratio, rel=0.01)


def pairs(photon: float, z: float, a: float) -> float:
    """Integrate the differential cross section of Burkhardt et al. over the share of one muon [cm2]."""
    size, screening, root = 1.54 * a**0.27, 183 * z ** (-1 / 3), np.sqrt(np.e)

    def per_share(x: float) -> float:
        transfer = MUON**2 / (2 * photon * x * (1 - x))
        top = screening / size * MUON / ELECTRON * (1 + (size * root - 2) * transfer / MUON)
        logarithm = np.log(top / (1 + screening * root * transfer / ELECTRON))
        return float((1 - 4 / 3 * x * (1 - x)) * max(logarithm, 0.0))

    edge = np.sqrt(0.25 - MUON / photon)
    radius = 2.8179403e-13 * ELECTRON / MUON
    return 4 / 137.036 * (z * radius) ** 2 * quad(per_share, 0.5 - edge, 0.5 + edge, limit=200)[0]


@pytest.mark.parametrize("photon", [1.0, 5.0, 30.0, 100.0, 1e4])
@pytest.mark.parametrize(("z", "a"), [(4.0, 9.012), (26.0, 55.845), (82.0, 207.2)])
def test_muon_pairs_against_the_differential_cross_section(photon: float, z: float, a: float) -> None:
    assert muon_pair_section(photon, z, a) / pairs(photon, z, a) == pytest.approx(1, rel=0.01)


def test_muon_pairs_by_hand() -> None:
    """
    Iron, 100 GeV: D = 1.54 * 55.845^0.27 = 4.5626, B Z^(-1/3) = 61.772, W_inf = 2799.4, W_M = 0.31454 / GeV.

    Then W_sat = 8900 GeV, C = 1 + 0.04 ln(1 + 52.37 / 100) = 1.01685, (1 - 0.0042263)^1.51546 = 0.993602 and
    (8900^-0.88 + 100^-0.88)^(-1/0.88) = 97.855 GeV, ln(1 + 0.31454 * 1.01685 * 97.229) = 3.46876; times
    28/9 alpha 676 (1.36285e-15 cm)^2 = 2.8505e-29 cm2: 98.9 microbarn.
    """
    assert muon_pair_section(100.0, 26.0, 55.845) * 1e30 == pytest.approx(98.88, rel=2e-4)


@pytest.mark.parametrize(("z", "a"), [(26.0, 55.845), (82.0, 207.2)])
def test_muon_pairs_saturate(z: float, a: float) -> None:
    """At the highest energies screening leaves 28/9 alpha Z^2 r^2 ln(B Z^(-1/3) m_mu / (D m_e))."""
    limit = 183 * z ** (-1 / 3) / (1.54 * a**0.27) * MUON / ELECTRON
    radius = 2.8179403e-13 * ELECTRON / MUON
    expected = 28 / 9 / 137.036 * (z * radius) ** 2 * np.log(1 + limit)
    assert muon_pair_section(1e9, z, a) / expected == pytest.approx(1, rel=1e-4)


def test_muon_pairs_begin_at_four_masses() -> None:
    found = muon_pair_section([0.0, 4 * MUON, 4.1 * MUON, np.nan], 82.0, 207.2)
    assert found[:2].tolist() == [0.0, 0.0]
    assert found[2] > 0
    assert np.isnan(found[3])


@given(st.floats(0.5, 500.0), st.floats(1.05, 10.0))
def test_muon_pairs_grow_with_the_energy(photon: float, factor: float) -> None:
    found = muon_pair_section([photon, factor * photon], 82.0, 207.2)
    assert found[1] > found[0] > 0
