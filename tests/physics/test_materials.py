"""Materials: tabulated lengths in mm, and averages of thin layers worked out by hand."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physics.materials import MATERIALS, blend, material

LEAD, PLASTIC = MATERIALS["lead"], MATERIALS["polystyrene"]


@pytest.mark.parametrize(  # PDG 2024, atomic and nuclear properties, lengths in cm as tabulated there
    ("name", "radiation", "nuclear", "pion"),
    [
        ("lead", 0.5612, 17.59, 19.93),
        ("iron", 1.757, 16.77, 20.42),
        ("copper", 1.436, 15.32, 18.51),
        ("tungsten", 0.3504, 9.946, 11.33),
        ("polystyrene", 41.31, 77.07, 107.2),
        ("PbWO4", 0.8903, 20.27, 23.77),
    ],
)
def test_lengths_of_pdg(name: str, radiation: float, nuclear: float, pion: float) -> None:
    found = material(name)
    lengths = found.radiation_length, found.nuclear_interaction_length, found.pion_interaction_length
    assert lengths == pytest.approx((10 * radiation, 10 * nuclear, 10 * pion), rel=2e-3)


@pytest.mark.parametrize(("name", "radius"), [("lead", 16.02), ("iron", 17.19), ("tungsten", 9.327)])
def test_moliere_radius_of_pdg(name: str, radius: float) -> None:
    """PDG tabulates the radius from the critical energy of electrons, as here."""
    assert material(name).moliere_radius == pytest.approx(radius, rel=0.03)


@pytest.mark.parametrize("name", ["lead", "iron", "copper", "tungsten"])
def test_electrons_per_mass_of_elements(name: str) -> None:
    found = material(name)
    assert found.z_over_a == pytest.approx(found.z / found.a, rel=1e-4)


def test_electrons_per_mass_of_compounds_by_hand() -> None:
    """C8H8 has 56 electrons on 104.15 g/mol, PbWO4 82 + 74 + 32 on 455.04; then equal masses of two."""
    assert PLASTIC.z_over_a == pytest.approx(56 / 104.15, rel=1e-4)
    assert material("PbWO4").z_over_a == pytest.approx(188 / 455.04, rel=1e-4)
    both = blend([(LEAD, 5 / LEAD.density), (PLASTIC, 5 / PLASTIC.density)])
    assert both.z_over_a == pytest.approx((0.39575 + 0.53768) / 2, rel=1e-9)


def test_minimum_ionisation_by_hand() -> None:
    """1.122 MeV cm2/g times 11.35 g/cm3 is 12.73 MeV/cm."""
    assert LEAD.minimum_ionisation == pytest.approx(12.73e-4, rel=1e-3)


def test_unknown_material_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no material 'led' .* known: lead, iron"):
        material("led")


def test_shashlik_by_hand() -> None:
    """Equal layers: the inverse lengths are averaged, 2 / (1/5.612 + 1/413.1) = 11.07 mm."""
    found = blend([(LEAD, 1.5), (PLASTIC, 1.5)])
    assert found.radiation_length == pytest.approx(2 / (1 / 5.612 + 1 / 413.1), rel=1e-3)
    assert found.density == pytest.approx((11.35 + 1.06) / 2)
    assert found.minimum_ionisation == pytest.approx(
        (LEAD.minimum_ionisation + PLASTIC.minimum_ionisation) / 2
    )
    share = 5.612 / (5.612 + 413.1)  # of a radiation length that lies in the plastic
    assert found.critical_energy == pytest.approx(7.43e-3 * (1 - share) + 93.11e-3 * share, rel=1e-3)


@given(st.sampled_from(sorted(MATERIALS)), st.floats(0.01, 100), st.floats(0.01, 100))
def test_layers_of_one_material_are_that_material(name: str, one: float, other: float) -> None:
    whole, parts = material(name), blend([(material(name), one), (material(name), other)])
    expected = dataclasses.asdict(whole) | {"name": parts.name}
    assert dataclasses.asdict(parts) == pytest.approx(expected)


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0.1, 10))
def test_a_blend_lies_between_its_parts(lead: float, plastic: float, factor: float) -> None:
    found = blend([(LEAD, lead), (PLASTIC, plastic)])
    for name in ("radiation_length", "critical_energy", "density", "minimum_ionisation"):
        low, high = sorted((getattr(LEAD, name), getattr(PLASTIC, name)))
        assert low * (1 - 1e-9) <= getattr(found, name) <= high * (1 + 1e-9)
    scaled = blend([(LEAD, factor * lead), (PLASTIC, factor * plastic)])
    assert math.isclose(scaled.radiation_length, found.radiation_length)


def test_a_stack_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="thickness above 0, got 0"):
        blend([(LEAD, 0.0)])
