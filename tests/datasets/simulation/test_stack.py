"""Stacks: the sections of a setup as tables, against the setup itself."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.stack import build_stack, cell_at
from physics.materials import MATERIALS
from recon.geometry import Setup

SETUPS = ["geant4_sample", "na64e_2016", "na64e_2018", "na64e_2022"]


@pytest.mark.parametrize("name", SETUPS)
def test_cells_of_all_detectors_follow_each_other(name: str) -> None:
    setup = load_setup(name)
    stack = build_stack(setup)
    assert stack.n_cells == sum(d.n_cells for d in setup.detectors.values())
    assert [stack.columns[d] for d in setup.detectors] == [
        slice(stop - setup.detectors[d].n_cells, stop)
        for d, stop in zip(
            setup.detectors, np.cumsum([d.n_cells for d in setup.detectors.values()]), strict=True
        )
    ]
    assert (np.diff(stack.tables.z) >= 0).all()
    assert stack.target_z == setup.detectors["ecal"].sections[0].z


@pytest.mark.parametrize("name", SETUPS)
def test_the_centre_of_each_cell_is_in_that_cell(name: str) -> None:
    stack = build_stack(load_setup(name))
    found = []
    for index, volume in enumerate(stack.volumes):
        x, y = volume.section.grid.centres()
        at = [
            cell_at(stack.tables, index, volume.section.centre[0] + dx, volume.section.centre[1] + dy)
            for dx in x
            for dy in y
        ]
        in_hole = [
            2 * abs(dx) < volume.section.hole[0] and 2 * abs(dy) < volume.section.hole[1]
            for dx in x
            for dy in y
        ]
        expected = volume.first_cell + np.arange(volume.section.grid.n_cells)
        assert (np.array(at) == np.where(in_hole, -1, expected)).all()
        found += expected.tolist()
    assert sorted(found) == list(range(stack.n_cells))


def test_beside_the_cells_is_nowhere() -> None:
    stack = build_stack(load_setup("na64e_2018"))
    ecal = int(stack.index("ecal")[0])
    x, y = stack.volumes[ecal].section.centre
    half = 3 * 38.2
    assert cell_at(stack.tables, ecal, x + half - 0.01, y + half - 0.01) == stack.columns["ecal"].start + 35
    assert cell_at(stack.tables, ecal, x - half + 0.01, y - half + 0.01) == stack.columns["ecal"].start
    for dx, dy in ((half + 0.01, 0.0), (-half - 0.01, 0.0), (0.0, half + 0.01), (0.0, -half - 0.01)):
        assert cell_at(stack.tables, ecal, x + dx, y + dy) == -1


def test_numbers_of_the_shashlik_by_hand() -> None:
    tables = build_stack(load_setup("na64e_2018")).tables
    lead, plastic = MATERIALS["lead"], MATERIALS["polystyrene"]
    ecal = int(np.searchsorted(tables.z, 18500.0))
    assert tables.length[ecal] == 16 * 3.0
    assert tables.radiation_length[ecal] == pytest.approx(
        2 / (1 / lead.radiation_length + 1 / plastic.radiation_length)
    )
    assert tables.visible_ionisation[ecal] == pytest.approx(plastic.minimum_ionisation / 2)
    assert (tables.layers[ecal], tables.absorber_thickness[ecal], tables.active_thickness[ecal]) == (
        16,
        1.5,
        1.5,
    )


def _without_matter(setup: Setup) -> Setup:
    srd = setup.detectors["srd"]
    empty = replace(srd, sections=(replace(srd.sections[0], matter=None), *srd.sections[1:]))
    return replace(setup, detectors={**setup.detectors, "srd": empty})


def test_a_section_without_matter_cannot_be_simulated() -> None:
    with pytest.raises(ValueError, match="section 'srd0' of srd cannot be simulated: it has no 'matter'"):
        build_stack(_without_matter(load_setup("na64e_2018")))


def test_a_setup_needs_one_target() -> None:
    setup = load_setup("na64e_2018")
    ecal = replace(setup.detectors["ecal"], is_target=False)
    with pytest.raises(ValueError, match="one detector must have is_target, 0 have"):
        build_stack(replace(setup, detectors={**setup.detectors, "ecal": ecal}))
