"""Small intact files of each format that is read, to be damaged."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

import datasets
from na64.commands.reco import RecoOptions, write_columns
from na64.testing.pair import P348Reco
from processors.analysis import AnalysisProcessor
from processors.invisible import InvisibleProcessor
from processors.muon import MuonProcessor

__all__ = ["FORMATS", "Specimen", "make_specimen"]

_SAMPLES = Path(datasets.__file__).parent / "samples"
_WITHOUT = ("single_track", "track_momentum", "track_chi2", "track_angle", "hcal_r")  # not in p348reco
_TRUTH = ("truth_momentum", "truth_beam_energy", "truth_x", "truth_y", "truth_missing_energy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """An intact file and how it is read."""

    name: str
    path: Path
    tree: str
    entries: int
    processor: Callable[[], AnalysisProcessor] = field(repr=False)


def _write_tree(
    path: Path, tree: str, columns: dict[str, Any], compression: Any = None, parts: int = 3
) -> None:
    """Write a TTree with some baskets per branch."""
    n = len(next(iter(columns.values())))
    edges = np.linspace(0, n, parts + 1).astype(int)
    with uproot.recreate(path, compression=compression) as file:
        file.mktree(tree, {name: _type_of(values) for name, values in columns.items()})
        for start, stop in pairwise(edges):
            file[tree].extend({name: values[start:stop] for name, values in columns.items()})


def _type_of(values: Any) -> Any:
    if isinstance(values, ak.Array):
        return ak.type(values).content
    return np.dtype((values.dtype, values.shape[1:]))


def _p348reco(path: Path, n_events: int, compression: Any) -> Specimen:
    arrays = {name: values[:n_events] for name, values in P348Reco().arrays.items()}
    _write_tree(path, "tree", arrays, compression)
    return Specimen(
        name=path.stem,
        path=path,
        tree="tree",
        entries=n_events,
        processor=lambda: InvisibleProcessor(without=_WITHOUT),
    )


def _reconstructed(path: Path) -> Specimen:
    return _p348reco(path, 120, uproot.ZLIB(1))


def _reconstructed_plain(path: Path) -> Specimen:
    return _p348reco(path, 60, None)


def _geant4(path: Path) -> Specimen:
    path.write_bytes((_SAMPLES / "geant4" / "dimuon_enriched.root").read_bytes())
    return Specimen(name="geant4", path=path, tree="sim", entries=300, processor=InvisibleProcessor)


def _muon(path: Path) -> Specimen:
    with uproot.open(_SAMPLES / "ana_tree.root") as file:
        sample = file["ana_tree"].arrays(entry_stop=60)
    columns = {name: _plain(sample[name]) for name in sample.fields}
    _write_tree(path, "ana_tree", columns)
    return Specimen(name="muon", path=path, tree="ana_tree", entries=60, processor=MuonProcessor)


def _muon_root(path: Path) -> Specimen:
    path.write_bytes((_SAMPLES / "ana_tree.root").read_bytes())
    return Specimen(name="muon_root", path=path, tree="ana_tree", entries=2000, processor=MuonProcessor)


def _plain(values: Any) -> Any:
    return values if values.ndim > 1 else ak.to_numpy(values)


def _digits(n_events: int) -> dict[str, Any]:
    """Return raw digits of a test file of ROOT, with the truth that makes them a simulation."""
    source = Path(__file__).parents[2] / "tests" / "data" / "raw_root.root"
    with uproot.open(source) as file:
        read = file["raw"].arrays(entry_stop=n_events)
    columns = {name: _plain(read[name]) for name in read.fields if not name.startswith("n_")}
    zeros = {name: np.zeros(n_events) for name in _TRUTH}
    whole = {name: np.zeros(n_events, dtype=np.int32) for name in ("truth_pdg", "truth_process")}
    yes, unknown = np.ones(n_events, dtype=bool), np.full(n_events, np.nan, dtype=np.float32)
    empty = ak.unflatten(np.zeros(0, dtype=np.int32), np.zeros(n_events, dtype=np.int64))
    straws = {f"straw_{name}": empty for name in ("detector", "number", "time")}
    flags = {"trigger_is_physics": yes, "trigger_is_calibration": ~yes, "master_time": unknown}
    return columns | straws | zeros | whole | flags


def _raw(path: Path, n_events: int, write: Callable[[Path, dict[str, Any]], None]) -> Specimen:
    write(path, _digits(n_events))
    with uproot.update(path) as file:
        file["na64"] = json.dumps({"kind": "simulation", "setup": "na64e_2018"})
    return Specimen(
        name=path.stem, path=path, tree="raw", entries=n_events, processor=lambda: InvisibleProcessor()
    )


def _raw_ttree(path: Path) -> Specimen:
    def write(to: Path, columns: dict[str, Any]) -> None:
        flat = {
            name: ak.flatten(values, axis=2) if isinstance(values, ak.Array) and values.ndim == 3 else values
            for name, values in columns.items()
        }
        _write_tree(to, "raw", flat)

    return _raw(path, 15, write)


def _raw_rntuple(path: Path) -> Specimen:
    def write(to: Path, columns: dict[str, Any]) -> None:
        with uproot.recreate(to, compression=None) as file:
            tree = file.mkrntuple("raw", {name: values[:8] for name, values in columns.items()})
            tree.extend({name: values[8:] for name, values in columns.items()})

    return _raw(path, 15, write)


def _columns(path: Path) -> Specimen:
    options = RecoOptions(inputs=(str(_SAMPLES / "geant4" / "dimuon_enriched.root"),), output=path)
    with redirect_stdout(io.StringIO()):
        write_columns(options)
    return Specimen(name="columns", path=path, tree="events", entries=300, processor=InvisibleProcessor)


FORMATS: dict[str, Callable[[Path], Specimen]] = {
    "reconstructed": _reconstructed,
    "reconstructed_plain": _reconstructed_plain,
    "geant4": _geant4,
    "muon": _muon,
    "muon_root": _muon_root,
    "raw_ttree": _raw_ttree,
    "raw_rntuple": _raw_rntuple,
    "columns": _columns,
}


def make_specimen(name: str, folder: Path) -> Specimen:
    """
    Make an intact file.

    Parameters
    ----------
    name : str
        Of `FORMATS`.
    folder : Path

    Returns
    -------
    Specimen
    """
    return FORMATS[name](folder / f"{name}.root")
