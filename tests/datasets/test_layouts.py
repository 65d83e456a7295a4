"""Layouts: what they may say, and which branches they read."""

from collections.abc import Callable
from pathlib import Path

import pytest
import uproot

from datasets.config import ConfigError
from datasets.decode import available
from datasets.layouts import (
    Branch,
    Constant,
    Layout,
    Sparse,
    Stack,
    detector_of,
    layout_names,
    load_layout,
)
from recon.geometry import Setup

SHIPPED = ["ana_tree", "columns", "geant4_sim", "p348reco", "raw", "simulated"]

MINE = """
collections:
  deposits: {detector: d, section: s, x: ix, y: iy, energy: e, time: t}
  crossings: {plane: p, x: px, y: py, pdg: pp}
quantities:
  run: {branch: r}
  master_time: {constant: 0.0}
  trigger_is_physics: {every: [a, b]}
  hcal_section_energy: {stack: [h0, h1], unit: MeV}
  ecal_cell_energy: {collection: deposits, where: {detector: 1}, value: energy}
  ecal_cell_time: {collection: deposits, where: {detector: 1}, value: time, weight: energy}
truth:
  truth_pdg: {branch: pdg}
hits: {collection: crossings, pdg: pdg, names: {1: MM1}}
"""


def test_shipped_names() -> None:
    assert layout_names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_layout_loads(name: str) -> None:
    layout = load_layout(name)
    assert layout.name == name
    assert layout.level in {"raw", "simulated", "reconstructed", "columns"}
    assert layout.signature
    assert layout.title


@pytest.mark.parametrize(
    ("name", "file"),
    [
        pytest.param("p348reco", "p348reco_tree.root", id="p348reco"),
        pytest.param("ana_tree", "ana_tree.root", id="ana_tree"),
        pytest.param("geant4_sim", "geant4/electrons_100gev.root", id="geant4"),
    ],
)
def test_sample_has_every_branch_of_its_layout(name: str, file: str, samples: Path) -> None:
    layout = load_layout(name)
    with uproot.open(samples / file) as root:
        assert {*layout.branches(), *layout.signature} - set(root[layout.tree].keys()) == set()


@pytest.mark.parametrize("name", SHIPPED)
def test_only_levels_that_we_simulate_have_truth(name: str) -> None:
    layout = load_layout(name)
    assert bool(layout.truth) is (layout.level in {"raw", "simulated"})
    assert (layout.deposits == "visible") is (layout.level == "simulated")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("colour: red", r"mine\.yaml: colour: ", id="unknown-key"),
        pytest.param("level: cooked", r"mine\.yaml: level: .*'cooked'", id="unknown-level"),
        pytest.param(
            "quantities: {run: {branch: r, scael: 2}}", r"quantities\.run.*scael", id="key-of-a-branch"
        ),
        pytest.param(
            "quantities: {ecal_enregy: {branch: r}}", "unknown quantity ecal_enregy;", id="quantity"
        ),
        pytest.param("truth: {run: {branch: r}}", "unknown truth column run; known: .*truth_pdg", id="truth"),
        pytest.param(
            "truth: {truth_colour: {branch: r}}", "unknown truth column truth_colour;", id="truth-name"
        ),
        pytest.param(
            "quantities: {weight: {branch: r, unit: TeV}}", "unknown unit 'TeV'; known: GeV", id="unit"
        ),
        pytest.param(
            "quantities: {weight: {stack: [r], unit: TeV}}", "unknown unit 'TeV'", id="unit-of-a-stack"
        ),
        pytest.param("hits: {planes: {MM1: [a, b]}, unit: inch}", "unknown unit 'inch'", id="unit-of-hits"),
        pytest.param(
            "quantities: {ecal_cell_energy: {collection: c, where: {d: 1}, value: e}}",
            r"'ecal_cell_energy' reads collection 'c'; declared: \[\]",
            id="collection",
        ),
        pytest.param(
            "{collections: {a: {x: x}}, hits: {collection: c, names: {1: MM1}}}",
            r"hits read collection 'c'; declared: \['a'\]",
            id="collection-of-hits",
        ),
        pytest.param(
            "{collections: {c: {d: bd, section: s, x: x, y: y, energy: e}},"
            " quantities: {ecal_cell_energy: {collection: c, where: {d: 1}, value: enregy}}}",
            "enregy",
            id="field-of-a-collection",
        ),
        pytest.param(
            "{collections: {c: {plane: p, x: x}}, hits: {collection: c, names: {1: MM1}}}",
            "hits.*'y'",
            id="field-of-hits",
        ),
        pytest.param(
            "hits: {unit: mm}", "either from a 'collection' .* or from 'planes'", id="hits-from-nowhere"
        ),
        pytest.param(
            "{collections: {c: {x: x}}, hits: {collection: c, planes: {MM1: [a, b]}}}",
            "either from a 'collection' .* or from 'planes'",
            id="hits-from-both",
        ),
        pytest.param(
            "quantities: {trigger_is_physics: {every: [a], any: [b]}}",
            "give either 'every' or 'any'",
            id="flag",
        ),
        pytest.param(
            "quantities: {ecal_cell_energy: {branch: c, shape: [5, 6], fastest: x}}",
            "shape",
            id="shape-of-two",
        ),
        pytest.param(
            "quantities: {ecal_cell_energy: {branch: c, fastest: x}}", "fastest.*shape|shape", id="no-shape"
        ),
        pytest.param(
            "{collections: {c: {d: bd, section: s, x: x, y: y, e: e}}, quantities: {ecal_cell_energy:"
            " {collection: c, where: {d: 1}, value: e, missing: [-1.0]}}}",
            "missing",
            id="markers-that-would-be-ignored",
        ),
    ],
)
def test_faulty_layout_is_refused_by_name(
    make_layout: Callable[[str], Layout], text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"mine\.yaml: .*({message})|{message}"):
        make_layout(text)


def test_each_source_is_told_from_the_others(make_layout: Callable[[str], Layout]) -> None:
    quantities = make_layout(MINE).quantities
    assert quantities["run"] == Branch(branch="r")
    assert quantities["hcal_section_energy"] == Stack(stack=("h0", "h1"), unit="MeV")
    assert isinstance(quantities["ecal_cell_time"], Sparse)
    assert quantities["master_time"] == Constant(constant=0.0)


@pytest.mark.parametrize(
    ("name", "branches"),
    [
        pytest.param("run", ("r",), id="branch"),
        pytest.param("master_time", (), id="constant"),
        pytest.param("trigger_is_physics", ("a", "b"), id="flag"),
        pytest.param("hcal_section_energy", ("h0", "h1"), id="stack"),
        pytest.param("ecal_cell_energy", ("d", "s", "ix", "iy", "e"), id="energies-need-no-times"),
        pytest.param("ecal_cell_time", ("d", "s", "ix", "iy", "e", "t"), id="times-need-energies"),
        pytest.param("truth_pdg", ("pdg",), id="truth"),
        pytest.param("hits", ("p", "px", "py", "pp"), id="hits"),
    ],
)
def test_branches_of(make_layout: Callable[[str], Layout], name: str, branches: tuple[str, ...]) -> None:
    assert make_layout(MINE).branches_of(name) == branches


def test_branches_are_listed_once(make_layout: Callable[[str], Layout]) -> None:
    branches = make_layout(MINE).branches()
    assert len(branches) == len(set(branches))
    assert set(branches) == {*"rabdset", "ix", "iy", "h0", "h1", "pdg", "p", "px", "py", "pp"}


def test_only_branches_of_detectors_of_the_setup_are_asked_for(
    make_layout: Callable[[str], Layout], setup: Setup
) -> None:
    branches = make_layout(MINE).branches(setup)
    assert set(branches) == {*"rabdset", "ix", "iy", "pdg", "p", "px", "py", "pp"}  # no h0, h1: no HCAL


@pytest.mark.parametrize(
    ("planes", "branches"),
    [
        pytest.param("MM1: [x1, y1], GEM1: [x2, y2]", ("x1", "y1"), id="one"),
        pytest.param("GEM1: [x1, y1], GEM2: [x2, y2]", ("x1", "y1", "x2", "y2"), id="none"),
    ],
)
def test_only_branches_of_planes_of_the_setup_are_asked_for(
    make_layout: Callable[[str], Layout], setup: Setup, planes: str, branches: tuple[str, ...]
) -> None:
    """Where the setup has none of the planes, all are asked for: there are no hits then without any."""
    layout = make_layout(f"hits: {{planes: {{{planes}}}}}")
    assert layout.branches(setup) == branches
    assert layout.branches() == ("x1", "y1", "x2", "y2")
    assert available(layout, {"x1", "y1"}, setup) == ({"hits"} if len(branches) == 2 else set())
    assert available(layout, {"x1", "y1"}) == set()


@pytest.mark.parametrize(
    ("name", "detector"),
    [("ecal_cell_energy", "ecal"), ("veto_cell_time", "veto"), ("s4_section_energy", "s4"), ("run", None)],
)
def test_detector_of_a_quantity(name: str, detector: str | None) -> None:
    assert detector_of(name) == detector


def test_hits_by_plane_name_their_branches(make_layout: Callable[[str], Layout]) -> None:
    layout = make_layout("hits: {planes: {MM1: [x1, y1], MM2: [x2, y2]}}")
    assert layout.branches_of("hits") == ("x1", "y1", "x2", "y2")
    assert make_layout("quantities: {}").branches_of("hits") == ()


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        pytest.param("{branch: w, unit: MeV}", 1e-3, id="MeV"),
        pytest.param("{branch: w, unit: cm, scale: 2}", 20.0, id="scale-on-top"),
        pytest.param("{branch: w}", 1.0, id="none"),
        pytest.param("{branch: w, unit: ps}", 1e-3, id="ps"),
    ],
)
def test_factor(make_layout: Callable[[str], Layout], text: str, factor: float) -> None:
    source = make_layout(f"quantities: {{weight: {text}}}").quantities["weight"]
    assert isinstance(source, Branch)
    assert source.factor == pytest.approx(factor)


def test_unknown_layout_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown layout 'p348'; did you mean 'p348reco'\?"):
        load_layout("p348")
