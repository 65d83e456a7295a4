"""Charge exchange against numbers that Geant4's parametrisation gives at 50 GeV."""

import numpy as np
import pytest

from physics.charge_exchange import MESONS, exchange_section, mandelstam_s, sample_transfers
from physics.materials import MATERIALS, elements_of

MICROBARN = 1e-30


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        (26, (44.0, 5.61, 0.165, 0.963, 3.28)),  # iron
        (29, (46.0, 5.86, 0.172, 1.0, 3.4)),  # copper
        (82, (66.0, 8.41, 0.247, 1.44, 4.9)),  # lead
    ],
)
def test_sections_at_50_gev(z: float, expected: tuple[float, ...]) -> None:
    found = [float(exchange_section(meson, 50.0, z)) / MICROBARN for meson in MESONS]
    assert list(MESONS) == ["pi0", "eta", "eta'", "omega", "f2"]
    assert found == pytest.approx(expected, rel=8e-3)  # they are given with two to four digits


def test_eta_prime_is_as_small_as_the_warning_says() -> None:
    ratio = exchange_section("eta'", 50.0, 82) / exchange_section("eta", 50.0, 82)
    assert ratio == pytest.approx(0.03, rel=0.03)


def test_section_of_a_proton_by_hand() -> None:
    """Where x is 1 and Z too, sigma is A (1 + g0) / c0: 430 x 3.55 / 12.7 microbarn."""
    energy = (10.0 - mandelstam_s(0.0) + 2 * 0.93827209 * 0.13957039) / (2 * 0.93827209)
    momentum = np.sqrt(energy**2 - 0.13957039**2)
    assert exchange_section("pi0", momentum, 1.0) / MICROBARN == pytest.approx(430 * 3.55 / 12.7)


def test_transfers_have_the_mean_and_the_variance_of_their_density() -> None:
    n, meson = 100_000, MESONS["eta"]
    t = sample_transfers("eta", np.full(n, 50.0), np.random.default_rng(1))
    log_x = np.log(mandelstam_s(50.0) / 10.0)
    g, c = meson.dip[0] + meson.dip[1] * log_x, meson.slope[0] + meson.slope[1] * log_x
    mean, square = (1 + 2 * g) / (1 + g) / c, (2 + 6 * g) / (1 + g) / c**2
    assert t.mean() == pytest.approx(mean, abs=4 * np.sqrt((square - mean**2) / n))
    assert (t**2).mean() == pytest.approx(square, rel=0.03)


def test_unknown_meson() -> None:
    with pytest.raises(KeyError, match="rho"):
        exchange_section("rho", 50.0, 82)


@pytest.mark.parametrize("name", MATERIALS)
def test_elements_make_up_their_material(name: str) -> None:
    material, elements = MATERIALS[name], elements_of(MATERIALS[name])
    assert sum(share for *_, share in elements) == pytest.approx(1.0, abs=1e-6)
    assert sum(z / a * share for z, a, share in elements) == pytest.approx(material.z_over_a, rel=2e-3)
