"""Two files of the positron mode's data that differ in closed events only."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from datasets.setups import load_setup
from datasets.simulation.generator import Block, simulate_block
from datasets.simulation.plan import plan
from datasets.simulation.simulated import SimulatedWriter, cell_columns
from na64.testing.pair import PLANTED

__all__ = ["make_positron_pair"]

_SETUP, _RUN = "na64pos_2022", 8500  # a run of its data period: events with truth count as data there
_SHOWN, _CLOSED = 270, 30


def make_positron_pair(folder: Path) -> tuple[Path, Path]:
    """
    Write two files of simulated cells of equal length and name that differ in closed events only.

    Beam positrons are the same in both. Of A' that take 60 to 95 GeV the first file has 30; the second has 15
    others, and 15 without light in the SRD, which fail the base requirement.
    """
    shown = _columns("electron", np.arange(_SHOWN))
    missing = _block("resonant_dark_photon").columns["truth_missing_energy"]
    closed = np.flatnonzero((missing > 58.0) & (missing < 95.0))
    paths = []
    for name, chosen in (("one", closed[:_CLOSED]), ("two", closed[_CLOSED : 2 * _CLOSED])):
        columns = _columns("resonant_dark_photon", chosen)
        if name == "one":
            columns["truth_momentum"] = np.full(_CLOSED, PLANTED)
        else:
            columns["srd_cell_energy"][_CLOSED // 2 :] = 0.0
        (folder / name).mkdir()
        paths.append(folder / name / "data.root")
        with SimulatedWriter(paths[-1], {"version": 1, "setup": _SETUP}) as writer:
            writer.write(shown)
            writer.write(columns)
    return paths[0], paths[1]


@cache
def _block(process: str) -> Block:
    return simulate_block(plan(load_setup(_SETUP), process, has_pile_up=False), 0)


def _columns(process: str, chosen: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Return the columns of some events of a simulated block, as those of a run of data."""
    block = _block(process)
    columns = cell_columns(block.select(np.isin(np.arange(block.n_events), chosen)))
    del columns["attempt"]
    n = len(chosen)
    return {
        "run": np.full(n, _RUN, dtype=np.int32),
        "spill": np.ones(n, dtype=np.int32),
        "event": np.arange(n, dtype=np.int64),
        "master_time": np.zeros(n, dtype=np.float32),
        "trigger_is_physics": np.ones(n, dtype=bool),
        **columns,
    }
