"""Energies in units of minimum-ionising particles."""

from dataclasses import replace

import numpy as np
import pytest

from recon.geometry import Detector, Grid, Matter, Response, Section
from recon.mips import count_mips, mip_energies

GRID = Grid(shape=(1, 1), pitch=(100.0, 100.0))


def detector(*matters: Matter | None, fraction: float = 1.0) -> Detector:
    sections = tuple(
        Section(name=f"s{i}", z=100.0 * i, length=100.0, centre=(0.0, 0.0), grid=GRID, matter=matter)
        for i, matter in enumerate(matters)
    )
    response = Response(sampling_fraction=fraction)
    return Detector(name="d", sections=sections, time_window=(-10.0, 10.0), response=response)


def test_a_centimetre_of_plastic_has_two_mev() -> None:
    found = mip_energies(detector(Matter(active="polystyrene", active_thickness=10.0)))
    assert found == pytest.approx([1.69e-3], rel=0.01)  # PDG 2024, eq. (34.12), by hand


def test_only_active_layers_count_in_the_scale_of_showers() -> None:
    plate = Matter(active="polystyrene", active_thickness=4.0)
    layers = replace(plate, layers=10, absorber="iron", absorber_thickness=2.0)
    block = Matter(active="polystyrene", active_thickness=40.0)
    one, ten, solid = mip_energies(detector(plate, layers, block, fraction=0.02))
    assert ten == pytest.approx(solid)
    assert 10 * one < ten < 12 * one  # the most probable loss grows a little faster than the thickness


def test_two_particles_are_two_and_unknown_stays_unknown() -> None:
    made = detector(Matter(active="polystyrene", active_thickness=10.0), None)
    energy = mip_energies(made)[0]
    found = count_mips(np.array([[2 * energy, 1.0], [np.nan, 1.0]]), made)
    assert found[0, 0] == pytest.approx(2.0)
    assert np.isnan(found[[0, 1, 1], [1, 0, 1]]).all()
