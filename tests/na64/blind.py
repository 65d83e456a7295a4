"""More pairs of files for the two-file oracle of `na64.testing`: Geant4 events, and raw digits.

A new command that reads data must pass `assert_same` on such a pair.
"""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from datasets.conditions import ideal_conditions, write_conditions
from datasets.conditions.runs import RunRange
from datasets.setups import load_setup
from datasets.simulation.generator import simulate_block
from datasets.simulation.plan import plan
from datasets.simulation.raw import RawWriter, digit_columns, trigger_word
from na64.testing import PLANTED, assert_same, fingerprint, make_closed_pair
from recon.geometry import Setup
from tests.conftest import SAMPLES

__all__ = [
    "PLANTED",
    "assert_same",
    "fingerprint",
    "make_closed_pair",
    "make_geant4_pair",
    "make_raw_pair",
]


def make_geant4_pair(folder: Path) -> tuple[Path, Path]:
    """
    Write two files of Geant4 events, with tracks and jagged cells, that differ in closed events only.

    They are simulation, to be read with `--kind data`: only the closed events may have other hits.
    """
    with uproot.open(SAMPLES / "geant4" / "electrons_100gev.root") as file:
        events = file["sim"].arrays(entry_stop=400)
    srd = ak.sum(events.hit_e[events.hit_det == 0], axis=1)
    chosen = np.flatnonzero((srd > 0.01) & (srd < 0.1))[:30]
    paths = []
    for name, ecal, tagged in (("one", 0.25, 30), ("two", 0.4, 15)):
        factor = np.ones((400, 4))  # per detector: SRD, ECAL, VETO, HCAL
        factor[chosen, 1], factor[chosen, 3] = ecal, 0.0
        factor[chosen[tagged:]] = (0.0, 1.0, 1.0, 1.0)  # outside of the box, without a tag
        scale = ak.unflatten(
            factor[_event_of(events.hit_e), ak.flatten(events.hit_det)], ak.num(events.hit_e)
        )
        hit = ak.zip({f[4:]: events[f] for f in events.fields if f.startswith("hit_") and f != "hit_e"})
        hit["e"] = ak.values_astype(events.hit_e * scale, np.float32)
        trk = ak.zip({f[4:]: events[f] for f in events.fields if f.startswith("trk_")})
        plain = {f: events[f] for f in events.fields if not f.startswith(("hit_", "trk_", "nhit", "ntrk"))}
        (folder / name).mkdir()
        paths.append(folder / name / "data.root")
        with uproot.recreate(paths[-1], compression=None) as file:
            counters = {"hit": "nhit", "trk": "ntrk"}
            file.mktree("sim", {**plain, "hit": hit, "trk": trk}, counter_name=counters.__getitem__)
    return paths[0], paths[1]


def make_raw_pair(folder: Path) -> tuple[Path, Path, Path]:
    """
    Write two files of raw digits that differ in closed events only, and conditions to read them.

    200 beam electrons are the same in both; 40 events whose ECAL misses 60 to 95 GeV differ.
    """
    setup = load_setup("na64e_2018")
    conditions = folder / "conditions"
    write_conditions(ideal_conditions(setup), setup, conditions, RunRange.parse("3661"), "a test")
    shown = _raw_columns(setup, "electron", 1, np.arange(200))
    paths = []
    for name, seed in (("one", 1), ("two", 2)):
        block = simulate_block(plan(setup, "dark_photon", seed=seed, has_pile_up=False), 0)
        missing = block.columns["truth_missing_energy"]
        closed = np.flatnonzero((missing > 60.0) & (missing < 95.0))[:40]
        (folder / name).mkdir()
        paths.append(folder / name / "data.root")
        with RawWriter(paths[-1], {"version": 1}, "ttree") as writer:
            writer.write(shown)
            writer.write(_raw_columns(setup, "dark_photon", seed, closed))
    return paths[0], paths[1], conditions


def _raw_columns(setup: Setup, process: str, seed: int, chosen: np.ndarray) -> dict[str, Any]:
    """Return the columns of some events of a simulated block, as those of a data run."""
    simulation = plan(setup, process, seed=seed, has_pile_up=False)
    block = simulate_block(simulation, 0)
    digits = digit_columns(
        block.select(np.isin(np.arange(block.n_events), chosen)), setup, np.random.default_rng(7)
    )
    n = len(chosen)
    del digits["attempt"]
    return {
        "run": np.full(n, 3661, dtype=np.int32),
        "spill": np.ones(n, dtype=np.int32),
        "event": chosen.astype(np.int64),
        "master_time": np.zeros(n, dtype=np.float32),
        "trigger_is_physics": np.ones(n, dtype=bool),
        "trigger_word": trigger_word(physics=np.ones(n, dtype=bool)),
        **digits,
    }


def _event_of(jagged: ak.Array) -> np.ndarray:
    return np.repeat(np.arange(len(jagged)), ak.num(jagged))
