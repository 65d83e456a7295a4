"""Write simulated events with energies per cell: layout `simulated`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from datasets.simulation.generator import Block
from datasets.simulation.tree_writer import TreeWriter

__all__ = ["SimulatedWriter", "cell_columns", "truth_columns"]

Arrays = dict[str, npt.NDArray[Any]]


def cell_columns(block: Block) -> Arrays:
    """
    Return the arrays of a block as they are written, energies and positions in 32 bits.

    Returns
    -------
    dict
        `{detector}_cell_energy` [GeV visible] and `{detector}_cell_time` [ns], shape (n_events, n_cells);
        what `truth_columns` gives, with hits as `hit_*`.
    """
    columns: Arrays = {}
    for name, where in block.cells.items():
        columns[f"{name}_cell_energy"] = block.merged.energy[:, where].astype(np.float32)
        columns[f"{name}_cell_time"] = block.merged.time[:, where].astype(np.float32)
    return columns | truth_columns(block, "hit")


def truth_columns(block: Block, hit: str) -> Arrays:
    """
    Return what a simulation knows of its events: truth, weight, true hits and pile-up.

    Parameters
    ----------
    block : Block
    hit : str
        What columns of true hits are called.

    Returns
    -------
    dict
        Truth and weight, shape (n_events,); `{hit}_offsets` and `{hit}_*`, planes counted from 1;
        `pile_up_offsets` and `pile_up_*`.
    """
    columns: Arrays = dict(block.columns)
    columns[f"{hit}_offsets"], columns["pile_up_offsets"] = block.hits.offsets, block.pile_up.offsets
    columns[f"{hit}_plane"] = (block.hits.plane + 1).astype(np.int32)
    for name in ("x", "y", "time"):
        columns[f"{hit}_{name}"] = getattr(block.hits, name).astype(np.float32)
    columns["pile_up_pdg"] = block.pile_up.pdg.astype(np.int32)
    for name in ("momentum", "time"):
        columns[f"pile_up_{name}"] = getattr(block.pile_up, name).astype(np.float32)
    return columns


class SimulatedWriter(TreeWriter):
    """
    Write the tree `simulated`, from `cell_columns` with `run`, `spill` and `event`.

    Parameters
    ----------
    path : Path
    metadata : dict
        Written as JSON beside the tree when the file is closed; values may be added until then.
    """

    def __init__(self, path: Path, metadata: dict[str, Any]) -> None:
        super().__init__(path, metadata, tree="simulated", title="NA64 simulated events", n_buffered=16)
