"""The rooms stand on floors: a room imports only from the rooms below that are named for it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "na64": {"processors", "limits", "selections", "datasets", "recon", "physics"},
    "processors": {"selections", "recon", "datasets", "physics"},
    "limits": {"selections", "datasets", "recon", "physics"},
    "selections": {"recon"},
    "datasets": {"recon.geometry", "recon.columns", "physics"},
    "recon": {"physics"},
    "physics": set(),
}
# The two lowest rooms are pure: only these libraries, nothing that reads or writes, no hidden randomness.
PURE_LIBRARIES = {
    "recon": {"awkward", "numba", "numpy", "scipy"},
    "physics": {"numba", "numpy", "particle", "scipy"},
}
IMPURE_STANDARD = {
    *("csv", "glob", "io", "json", "os", "pathlib", "pickle", "random", "shutil", "socket", "sqlite3"),
    *("subprocess", "tempfile", "tomllib", "urllib"),
}
OWN = {*MAY_IMPORT, "benchmarks", "tests", "tools"}


def imported_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and full dotted name of all absolute imports, wherever they stand."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in names)
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def is_allowed(room: str, name: str) -> bool:
    """Tell whether a room may import a full dotted name."""
    top = name.partition(".")[0]
    if top in OWN:
        return any(f"{name}.".startswith(f"{allowed}.") for allowed in MAY_IMPORT[room] | {room})
    if room not in PURE_LIBRARIES:
        return True
    return top in PURE_LIBRARIES[room] or (top in sys.stdlib_module_names and top not in IMPURE_STANDARD)


def find_faults(room: str, source: str) -> list[str]:
    """Return what a module of a room does that the room may not do, as 'line: fault'."""
    tree = ast.parse(source)
    faults = [f"{line}: imports {name}" for line, name in imported_names(tree) if not is_allowed(room, name)]
    if room in PURE_LIBRARIES:
        opens = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        faults += [f"{node.lineno}: opens a file" for node in opens if ast.unparse(node.func) == "open"]
    return faults


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_imports_only_from_below(room: str) -> None:
    modules = sorted((ROOT / room).rglob("*.py"))
    assert modules
    faults = [
        f"{path.relative_to(ROOT)}:{fault}"
        for path in modules
        for fault in find_faults(room, path.read_text(encoding="utf-8"))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        pytest.param("recon", "import datasets.schema", id="upwards"),
        pytest.param("recon", "from selections import cutflow", id="upwards-from"),
        pytest.param("physics", "def f():\n    from recon import geometry", id="inside-a-function"),
        pytest.param("selections", "import datasets", id="beside"),
        pytest.param("datasets", "from recon import srd", id="not-the-geometry"),
        pytest.param("datasets", "import recon", id="whole-room"),
        pytest.param("datasets", "import recon.geometry_of_mine", id="only-the-same-beginning"),
        pytest.param("processors", "import na64.cli", id="top-floor"),
        pytest.param("limits", "from processors import runner", id="the-same-floor"),
        pytest.param("na64", "import tests", id="tests"),
        pytest.param("recon", "import uproot", id="library"),
        pytest.param("recon", "import coffea.processor as p", id="library-module"),
        pytest.param("physics", "import awkward as ak", id="library-of-the-room-above"),
        pytest.param("recon", "from importlib import import_module\nimport_module('dask')", id="by-name"),
        pytest.param("recon", "from pathlib import Path", id="file"),
        pytest.param("recon", "text = open('x').read()", id="open"),
        pytest.param("physics", "if True:\n    import random", id="hidden-randomness"),
    ],
)
def test_planted_fault_is_caught(room: str, source: str) -> None:
    assert len(find_faults(room, source)) == 1


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("na64", "import processors.runner, selections, datasets.schema, recon, physics, typer"),
        ("processors", "from recon import srd\nfrom physics import scattering\nfrom coffea import processor"),
        ("datasets", "from recon.geometry import Setup\nfrom recon import columns\nimport uproot, physics"),
        (
            "recon",
            "from . import srd\nimport numba, scipy.stats\nfrom physics.scattering import theta\nimport math",
        ),
        ("physics", "import numpy as np\nfrom dataclasses import dataclass\nfrom physics import constants"),
    ],
)
def test_import_from_below_is_no_fault(room: str, source: str) -> None:
    assert find_faults(room, source) == []
