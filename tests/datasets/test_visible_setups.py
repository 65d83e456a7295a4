"""The setups of the visible mode: a dense target, a decay volume, and what stands behind it."""

from pathlib import Path

import numpy as np
import pytest

from datasets.config import ConfigError
from datasets.setups import load_setup
from datasets.simulation.stack import build_stack
from recon.geometry import Setup
from recon.nominal import nominal_beam

NAMES = ("na64vis_2017", "na64vis_2018")
every_setup = pytest.mark.parametrize("setup", [load_setup(name) for name in NAMES], ids=NAMES)


@every_setup
def test_numbers_have_sources_and_the_target_is_the_wcal(setup: Setup) -> None:
    assert all(
        text.startswith(("published", "assumed", "computed", "seen")) for text in setup.sources.values()
    )
    assert build_stack(setup).target.name == "wcal"
    assert [s.name for s in setup.detectors["wcal"].sections] == ["preshower", "main", "third"]
    assert setup.detectors["ecal"].has_electron_scale
    assert not setup.detectors["hcal"].has_electron_scale
    assert not setup.spectrometers["decay"].magnets


@pytest.mark.parametrize(
    ("name", "thickness", "beam"), [("na64vis_2017", 40, 100), ("na64vis_2018", 30, 150)]
)
def test_the_target_is_as_thick_as_it_was(name: str, thickness: float, beam: float) -> None:
    stack = build_stack(load_setup(name))
    volumes = [v for v in stack.volumes if v.detector.name == "wcal"]
    depth = sum(v.length / v.material.radiation_length for v in volumes)
    assert depth == pytest.approx(thickness, abs=0.5)
    assert load_setup(name).beam.momentum == beam


@every_setup
def test_the_beam_meets_all_that_it_should(setup: Setup) -> None:
    """Within a tenth of a cell of the middle; the ECAL in the middle of its beam cell."""
    for name in ("wcal", "wcat", "v2", "s4"):
        for section in setup.detectors[name].sections:
            x = nominal_beam(setup, section.z + 0.5 * section.length).x[0]
            assert x == pytest.approx(section.centre[0], abs=5.0)
    ecal, (column, _) = setup.detectors["ecal"].sections[1], setup.detectors["ecal"].beam_cell or (0, 0)
    centre = ecal.centre[0] + ecal.grid.centres()[0][column]
    assert nominal_beam(setup, ecal.z + 60.0).x[0] == pytest.approx(centre, abs=2.0)
    for spectrometer in setup.spectrometers.values():
        for plane in spectrometer.planes:
            assert nominal_beam(setup, plane.z).x[0] == pytest.approx(plane.centre[0], abs=2.0)


@every_setup
def test_detectors_stand_one_behind_the_other(setup: Setup) -> None:
    order = ("wcal", "wcat", "v2", "s4", "ecal", "veto", "hcal")
    edges = [(s.z, s.z + s.length) for name in order for s in setup.detectors[name].sections]
    along = [edge for edge in edges if edge[0] != edges[-5][0]]  # panels of the VETO stand side by side
    assert all(np.diff([z for edge in along for z in edge]) >= 0)
    assert edges[5][0] - edges[4][1] == pytest.approx(3000.0, rel=0.03)  # V2 to S4


def test_members_of_a_list_can_be_changed_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    head = "extends: na64vis_2017\nname: mine\nspectrometers: {decay: {planes: {changed: "
    path.write_text(head + "{MM6: {z: 22400.0}}}}}\n")
    assert [p.z for p in load_setup(str(path)).spectrometers["decay"].planes] == [
        21900.0, 22400.0, 23100.0, 23700.0,
    ]  # fmt: skip
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(head.replace("mine", "wrong") + "{MM9: {z: 1.0}}}}}\n")
    with pytest.raises(ConfigError, match=r"planes.changed names 'MM9', there are MM5, MM6"):
        load_setup(str(wrong))
