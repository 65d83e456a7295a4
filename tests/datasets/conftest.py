"""What the tests of this room share: small ROOT files, a small setup, and how to read them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml
from coffea.nanoevents import NanoEventsFactory

import datasets
from datasets.config import build
from datasets.decode import Quantities, decode
from datasets.layouts import Layout
from datasets.schema import schema_for
from recon.geometry import Setup


def detector(name: str, *sections: tuple[str, tuple[int, int], dict[str, Any]]) -> dict[str, Any]:
    """Return a detector of sections (name, shape of the grid, what else is not zero) as a tree."""
    plain = {"z": 0.0, "length": 200.0, "centre": [0.0, 0.0]}
    trees = [
        {**plain, "name": section, "grid": {"shape": list(shape), "pitch": [10.0, 10.0]}, **other}
        for section, shape, other in sections
    ]
    return {"name": name, "time_window": [-10.0, 10.0], "sections": trees}


def setup_of(name: str, planes: int, *detectors: dict[str, Any]) -> Setup:
    """Return a setup with planes MM1, MM2, ... and the given detectors."""
    incoming = {
        "name": "incoming",
        "planes": [{"name": f"MM{i + 1}", "z": 1000.0 * i} for i in range(planes)],
        "magnets": [],
    }
    tree = {
        "name": name,
        "title": "small enough to be worked out by hand",
        "beam": {"particle": "e-", "momentum": 100.0},
        "spectrometers": {"incoming": incoming},
        "detectors": {tree["name"]: tree for tree in detectors},
    }
    return build(Setup, tree, f"setup {name}")


def write_columns(path: Path, tree: str, columns: Mapping[str, Any], container: str) -> Path:
    """Write columns as a TTree or as an RNTuple."""
    with uproot.recreate(path) as file:
        if container == "RNTuple":
            file.mkrntuple(tree, dict(columns))
            return path
        types = {
            name: np.dtype((v.dtype, v.shape[1:])) if isinstance(v, np.ndarray) else ak.type(v).content
            for name, v in columns.items()
        }
        file.mktree(tree, types).extend(dict(columns))
    return path


@pytest.fixture(scope="session")
def samples() -> Path:
    return Path(datasets.__file__).parent / "samples"


@pytest.fixture(params=["TTree", "RNTuple"])
def container(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of files: write(columns, container="TTree", tree="tree", name="file.root")."""

    def write_file(
        columns: Mapping[str, Any], container: str = "TTree", tree: str = "tree", name: str = "file.root"
    ) -> Path:
        return write_columns(tmp_path / name, tree, columns, container)

    return write_file


@pytest.fixture
def setup() -> Setup:
    """Return two ECAL sections of 2 x 3 cells, two SRD modules, planes MM1 and MM2."""
    return setup_of(
        "small",
        2,
        detector(
            "ecal",
            ("preshower", (2, 3), {"z": 2900.0}),
            ("main", (2, 3), {"z": 5900.0, "time_offset": 4.0}),
        ),
        detector("srd", ("srd0", (1, 1), {}), ("srd1", (1, 1), {})),
    )


@pytest.fixture
def muon_setup() -> Setup:
    """Return the calorimeters and micromegas of the muon mode's ntuple."""
    return setup_of(
        "muons",
        7,
        detector("ecal", ("ecal0", (5, 6), {})),
        detector("vhcal", ("vhcal0", (4, 4), {})),
        detector("hcal", ("hcal0", (6, 3), {}), ("hcal1", (6, 3), {})),
    )


@pytest.fixture(scope="session")
def make_layout() -> Callable[..., Layout]:
    """Return a maker of layouts of tree `tree` from YAML text."""

    def make(text: str) -> Layout:
        head = {"name": "mine", "title": "of a test", "level": "reconstructed", "tree": "tree"}
        return build(Layout, {**head, **yaml.safe_load(text)}, "layout file mine.yaml")

    return make


@pytest.fixture(scope="session")
def open_events() -> Callable[..., ak.Array]:
    """Return an opener of NanoEvents: open_events(path, layout, ...)."""

    def open_file(path: Path, layout: str | Layout, **options: Any) -> ak.Array:
        schema = schema_for(layout)
        return NanoEventsFactory.from_root(
            {str(path): schema.layout.tree}, schemaclass=schema, **{"mode": "virtual", **options}
        ).events()

    return open_file


@pytest.fixture
def decode_file(
    write: Callable[..., Path],
    make_layout: Callable[..., Layout],
    open_events: Callable[..., ak.Array],
    setup: Setup,
) -> Callable[..., Quantities]:
    """Return: write columns, read them with the layout of a YAML text and the small setup."""

    def decode_columns(columns: Mapping[str, Any], text: str, container: str = "TTree") -> Quantities:
        layout = make_layout(text)
        return decode(open_events(write(columns, container), layout), layout, setup)

    return decode_columns
