"""The setups that are shipped, and what a setup file may not do."""

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import datasets
from datasets.config import ConfigError, read_yaml
from datasets.profiles import load_profile
from datasets.setups import load_setup, setup_names
from recon.field import State, propagate
from recon.geometry import Setup

SHIPPED = ("geant4_sample", "na64e_2016", "na64e_2018", "na64e_2022")
EXPERIMENT = SHIPPED[1:]
MUON = ("na64mu_2021", "na64mu_2022", "na64mu_2023")  # tests/datasets/test_muon_setups.py
HADRON = ("na64h_2022",)  # tests/datasets/test_hadron_setup.py
VISIBLE = ("na64vis_2017", "na64vis_2018")  # tests/datasets/test_visible_setups.py
FOLDER = Path(datasets.__file__).parent / "setups"

every_setup = pytest.mark.parametrize("name", SHIPPED)


def beam_at(setup: Setup, z: float) -> State:
    """Return the nominal beam particle at z [mm], started on the axis before all magnets."""
    beam, magnets = setup.beam, setup.spectrometers["incoming"].magnets
    values = (0.0, 0.0, *beam.direction, beam.charge / beam.momentum)
    return propagate(State(*(np.array([value]) for value in values)), -10_000.0, z, magnets)


def test_names_are_those_of_the_files() -> None:
    assert setup_names() == sorted((*SHIPPED, *MUON, *VISIBLE, *HADRON))


@every_setup
def test_shipped_setup_loads(name: str) -> None:
    setup = load_setup(name)
    assert setup.name == name
    assert {"ecal", "hcal", "srd", "veto"} <= set(setup.detectors)
    assert all(key == detector.name for key, detector in setup.detectors.items())
    assert all(key == spectrometer.name for key, spectrometer in setup.spectrometers.items())
    load_profile(setup.shower_profile)


@every_setup
def test_every_number_has_a_source_of_a_known_kind(name: str) -> None:
    sources = load_setup(name).sources
    kinds = ("published", "assumed", "computed", "geant4")
    assert {path: text for path, text in sources.items() if not text.startswith(kinds)} == {}
    assert all(len(text) > len("published: ") for text in sources.values() if text.startswith("published"))


@every_setup
def test_no_number_escapes_the_table_of_sources(name: str) -> None:
    tree = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    numbers = [leaf for leaf in leaves(tree) if isinstance(leaf, int | float) and leaf is not True]
    listed = load_setup(name).sources
    assert len(listed) == len(numbers) > 100  # a table counts as one
    assert {"beam.momentum", "detectors.hcal.response.sampling_fraction"} <= set(listed)


def leaves(tree: object) -> list[object]:
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    if isinstance(tree, list) and len(tree) > 16:
        return tree[:1]
    if isinstance(tree, list):
        return [leaf for value in tree for leaf in leaves(value)]
    return [tree]


@every_setup
def test_bending_power_is_seven_tesla_metres_towards_low_x(name: str) -> None:
    setup = load_setup(name)
    assert setup.spectrometers["incoming"].field_integral == pytest.approx(-7.0)
    slope = beam_at(setup, 15_000.0).slope_x[0]
    assert math.atan(slope) == pytest.approx(-20.99e-3, abs=0.01e-3)


@every_setup
def test_nominal_beam_meets_the_centre_of_the_beam_cell(name: str) -> None:
    setup = load_setup(name)
    ecal = setup.detectors["ecal"]
    assert ecal.beam_cell is not None
    for section in ecal.sections:
        here = beam_at(setup, section.z)
        x, y = section.grid.centres()
        cell = ecal.beam_cell
        assert here.x[0] == pytest.approx(section.centre[0] + x[cell[0]], abs=3.0)
        assert here.y[0] == pytest.approx(section.centre[1] + y[cell[1]], abs=3.0)


@every_setup
def test_nominal_beam_meets_the_centres_of_planes_and_hcal(name: str) -> None:
    setup = load_setup(name)
    for plane in setup.spectrometers["incoming"].planes:
        here = beam_at(setup, plane.z)
        assert (here.x[0], here.y[0]) == pytest.approx(plane.centre, abs=1.0), plane.name
    front = setup.detectors["hcal"].section("hcal0")
    assert beam_at(setup, front.z).x[0] == pytest.approx(front.centre[0], abs=5.0)


@every_setup
def test_sections_follow_each_other_along_the_beam(name: str) -> None:
    detectors = load_setup(name).detectors
    for detector in (detectors["ecal"], detectors["hcal"]):
        ends = [(s.z, s.z + s.length) for s in detector.sections]
        assert all(a[1] <= b[0] for a, b in pairwise(ends)), detector.name
    ecal_end = detectors["ecal"].sections[-1].z + detectors["ecal"].sections[-1].length
    assert ecal_end <= detectors["veto"].sections[0].z
    assert detectors["veto"].sections[0].z < detectors["hcal"].sections[0].z


@pytest.mark.parametrize(
    ("name", "shape", "beam_cell", "has_vhcal"),
    [
        pytest.param("geant4_sample", (6, 6), (3, 3), False, id="geant4_sample"),
        pytest.param("na64e_2016", (6, 6), (3, 3), False, id="2016"),
        pytest.param("na64e_2018", (6, 6), (3, 3), False, id="2018"),
        pytest.param("na64e_2022", (5, 6), (2, 3), True, id="2022"),
    ],
)
def test_cells(name: str, shape: tuple[int, int], beam_cell: tuple[int, int], has_vhcal: bool) -> None:
    detectors = load_setup(name).detectors
    assert [s.grid.shape for s in detectors["ecal"].sections] == [shape, shape]
    assert detectors["ecal"].sections[0].name == "preshower"
    assert detectors["ecal"].sections[0].grid.pitch == (38.2, 38.2)
    assert detectors["ecal"].beam_cell == beam_cell
    assert ("vhcal" in detectors) is has_vhcal
    assert [s.grid.shape for s in detectors["hcal"].sections] == [(3, 3)] * 4
    assert len(detectors["srd"].sections) == 3


@pytest.mark.parametrize("name", EXPERIMENT)
def test_zero_degree_module_is_not_in_the_beam(name: str) -> None:
    hcal = load_setup(name).detectors["hcal"]
    assert [s.name for s in hcal.sections] == ["hcal0", "hcal1", "hcal2", "hcal3"]
    assert hcal.is_in_beam.tolist() == [True, True, True, False]


@pytest.mark.parametrize("name", EXPERIMENT)
def test_veto_panels_have_two_photomultipliers(name: str) -> None:
    veto = load_setup(name).detectors["veto"]
    assert (len(veto.sections), veto.n_cells) == (3, 6)
    assert {s.combine for s in veto.sections} == {"geometric_mean"}


def test_2022_vhcal() -> None:
    assert [s.grid.shape for s in load_setup("na64e_2022").detectors["vhcal"].sections] == [(4, 4)]


@pytest.mark.parametrize(
    ("detector", "z", "centres", "pitch"),
    [
        pytest.param("srd", [16000.0] * 3, [-30.0, -90.0, -150.0], (60.0, 80.0), id="srd"),
        pytest.param("ecal", [18500.0, 18548.0], [-365.5] * 2, (38.2, 38.2), id="ecal"),
        pytest.param("veto", [19050.0] * 3, [-558.0, -358.0, -158.0], (200.0, 600.0), id="veto"),
        pytest.param("hcal", [19200.0 + 1432 * i for i in range(4)], [-361.0] * 4, (194.0, 194.0), id="hcal"),
    ],
)
def test_geant4_geometry_is_that_of_the_sample(
    detector: str, z: list[float], centres: list[float], pitch: tuple[float, float]
) -> None:
    sections = load_setup("geant4_sample").detectors[detector].sections
    assert [s.z for s in sections] == z
    assert [s.centre[0] for s in sections] == centres
    assert {s.grid.pitch for s in sections} == {pitch}


def test_geant4_planes_and_window() -> None:
    incoming = load_setup("geant4_sample").spectrometers["incoming"]
    assert [p.z for p in incoming.planes] == pytest.approx([-1500, -500, 17000, 18000], abs=1)
    assert incoming.window_radiation_lengths[0][0] == 15800.0
    assert [(m.z, m.length) for m in incoming.magnets] == [(0.0, 4000.0)]


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], object]], Setup]:
    """Return: load the 2018 setup after an edit of its tree."""

    def load(edit: Callable[[dict[str, Any]], object]) -> Setup:
        tree = read_yaml(FOLDER / "na64e_2018.yaml")
        edit(tree)
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(tree))
        return load_setup(str(path))

    return load


Edited = Callable[[Callable[[dict[str, Any]], object]], Setup]


def test_unedited_copy_is_the_same_setup(edited: Edited) -> None:
    assert edited(lambda _: None) == load_setup("na64e_2018")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(
            lambda t: t["detectors"]["veto"].pop("source"),
            r"mine\.yaml: no source for detectors\.veto\..*published: REFERENCE",
            id="source-of-a-detector-gone",
        ),
        pytest.param(
            lambda t: t["beam"]["spread"].pop("source"), r"no source for beam\.spread;", id="one-source-gone"
        ),
        pytest.param(
            lambda t: t["beam"].update(spread=0.01), r"no source for beam\.spread;", id="bare-number"
        ),
        pytest.param(
            lambda t: t["beam"].update(spread="1e-2"), r"beam\.spread", id="number-that-yaml-takes-for-text"
        ),
        pytest.param(
            lambda t: t["beam"]["spread"].update(source=None), r"no source for beam\.spread", id="null-source"
        ),
        pytest.param(lambda t: t.update(colour="red"), r"mine\.yaml: colour: .*got 'red'", id="unknown-key"),
        pytest.param(
            lambda t: t["detectors"]["ecal"].update(in_baem=["main"]),
            r"mine\.yaml: detectors\.ecal\.in_baem: ",
            id="unknown-key-of-a-detector",
        ),
        pytest.param(
            lambda t: t["detectors"]["hcal"].update(in_beam=["hcal9"]),
            r"mine\.yaml: .*'hcal': in_beam names \['hcal9'\]",
            id="unknown-section",
        ),
        pytest.param(
            lambda t: t["spectrometers"]["incoming"]["planes"][2].pop("z"),
            r"mine\.yaml: spectrometers\.incoming\.planes\.2\.z: .*required",
            id="plane-without-z",
        ),
        pytest.param(lambda t: t["detectors"].update(ecal=None), r"mine\.yaml: .*ecal", id="empty-detector"),
        pytest.param(lambda t: t["detectors"].update(ecal=[1]), r"mine\.yaml: .*ecal", id="list"),
        pytest.param(
            lambda t: t["detectors"]["ecal"].update(name="hcal"), r"mine\.yaml: .*ecal", id="other-name"
        ),
        pytest.param(lambda t: t.pop("detectors"), r"mine\.yaml: detectors: .*required", id="no-detectors"),
    ],
)
def test_faulty_setup_is_refused_by_name(
    edited: Edited, edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        edited(edit)


def test_a_source_may_stand_above_all_detectors(edited: Edited) -> None:
    def edit(tree: dict[str, Any]) -> None:
        for detector in tree["detectors"].values():
            del detector["source"]
        tree["detectors"]["source"] = "assumed"

    assert set(edited(edit).detectors) == set(load_setup("na64e_2018").detectors)


def test_a_list_is_no_setup(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text("- 1\n")
    with pytest.raises(ConfigError, match="must hold a mapping"):
        load_setup(str(path))


def test_unknown_setup_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown setup 'na64e-2018'; did you mean 'na64e_2018'\?"):
        load_setup("na64e-2018")
