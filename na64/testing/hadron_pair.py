"""Two files of the hadron mode's data that differ in closed events only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uproot

from datasets.periods import load_periods
from na64.testing.pair import PLANTED

__all__ = ["make_hadron_pair"]

_EVENTS, _CLOSED, _DEAD = 300, 30, 6
_PERIOD = "2022-hadron"
Columns = dict[str, npt.NDArray[Any]]


def make_hadron_pair(folder: Path, seed: int = 5) -> tuple[Path, Path]:
    """
    Write two files of derived columns, of equal length and name, that differ in closed events only.

    Pions interact in the target or behind it. In the first file 30 events lie in the box; their momentum is a
    planted one in five of them. In the second, half of them have other energies, the rest fails the base
    requirement: an electron's SRD signal, a dead or unknown SRD, no beam counter, out of time, no physics
    trigger.
    """
    rng = np.random.default_rng(seed)
    columns = _shown(rng)
    chosen = rng.choice(_EVENTS, _CLOSED, replace=False)
    paths = []
    for name in ("one", "two"):
        changed = {key: values.copy() for key, values in columns.items()}
        changed["ecal_energy"][chosen] = rng.uniform(0.1, 0.8, _CLOSED)
        changed["hcal_energy"][chosen] = rng.uniform(-0.1, 0.5, _CLOSED)
        changed["veto_panel_energy"][chosen] = 0.0
        if name == "one":
            changed["track_momentum"][chosen[:5]] = PLANTED
        else:
            _break(changed, chosen[_CLOSED // 2 :])
        (folder / name).mkdir()
        paths.append(folder / name / "data.root")
        with uproot.recreate(paths[-1], compression=None) as file:
            file.mktree("events", {key: np.dtype((v.dtype, v.shape[1:])) for key, v in changed.items()})
            file["events"].extend(changed)
    return paths[0], paths[1]


def _shown(rng: np.random.Generator) -> Columns:
    """Return columns of pions, all of them outside of the box."""
    n, yes = _EVENTS, np.ones(_EVENTS, dtype=bool)
    ecal = np.where(rng.random(n) < 0.3, rng.uniform(0.3, 0.8, n), rng.uniform(1.5, 34.0, n))
    flags = ("ecal", "hcal", "srd", "veto", "vhcal", "counters", "track")
    run = next(period.runs[0][0] for period in load_periods() if period.name == _PERIOD)
    return {
        "run": np.full(n, run, dtype=np.int64),
        "event": np.arange(n, dtype=np.int64),
        "trigger_is_physics": yes.copy(),
        "master_time": rng.normal(0.0, 0.5, n),
        "ecal_energy": ecal,
        "hcal_energy": 50.0 - ecal + rng.normal(0.0, 3.0, n),
        "ps_energy": rng.uniform(0.02, 0.12, n),
        "ecal_out_of_time_energy": np.zeros(n),
        "hcal_out_of_time_energy": np.zeros(n),
        "srd_energy": rng.exponential(1e-4, n),
        "srd_out_of_time_energy": np.zeros(n),
        "counters_counter_mips": rng.normal(1.2, 0.1, (n, 2)),
        "veto_panel_energy": rng.exponential(0.01, (n, 3)),
        "vhcal_energy": rng.exponential(0.2, n),
        "track_count": np.ones(n, dtype=np.int64),
        "track_momentum": rng.normal(50.0, 0.8, n),
        "track_chi2": rng.exponential(1.0, n),
        "track_angle": rng.exponential(5e-4, n),
        **{f"{name}_is_valid": yes.copy() for name in flags},
    }


def _break(columns: Columns, events: npt.NDArray[np.int64]) -> None:
    """Let events fail the base requirement in as many ways."""
    for kind in range(_DEAD):
        some = events[kind::_DEAD]
        match kind:
            case 0:
                columns["srd_energy"][some] = 0.02
            case 1:
                columns["srd_is_valid"][some] = False
            case 2:
                columns["srd_energy"][some] = np.nan
            case 3:
                columns["counters_counter_mips"][some, 1] = 0.0
            case 4:
                columns["master_time"][some] = np.nan
            case _:
                columns["trigger_is_physics"][some] = False
