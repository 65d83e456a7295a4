"""Two files of the visible mode's data, as derived columns, that differ in closed events only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uproot

from na64.testing.pair import PLANTED
from recon.columns import COLUMNS

__all__ = ["make_visible_pair", "visible_events"]

Arrays = dict[str, npt.NDArray[Any]]
_RUN = 3000  # of the period 2017-visible
_EVENTS, _CLOSED = 300, 40


def visible_events(n: int, rng: np.random.Generator) -> Arrays:
    """Return columns of made-up events, (n,) each: V2 fires, and the energy is short of the beam's."""
    wcal, ecal = rng.uniform(20.0, 65.0, n), rng.uniform(0.0, 20.0, n)
    one = {
        "run": np.full(n, _RUN), "spill": np.ones(n), "event": np.arange(n), "master_time": np.zeros(n),
        "trigger_is_physics": np.ones(n), "wcal_energy": wcal, "ecal_energy": ecal,
        "electromagnetic_energy": wcal + ecal, "wcal_out_of_time_energy": rng.uniform(0.0, 3.0, n),
        "v2_energy": rng.uniform(4e-4, 3e-3, n), "s4_energy": rng.uniform(0.0, 2e-3, n),
        "wcat_energy": rng.uniform(0.0, 1.2, n), "hcal_energy": rng.uniform(0.0, 2.0, n),
        "srd_energy": rng.uniform(0.02, 0.1, n), "srd_is_tagged": np.ones(n),
        "track_count": np.ones(n), "track_momentum": rng.normal(100.0, 1.0, n),
        "ecal_cell_distance": rng.integers(0, 3, n), "ecal_shower_chi2": rng.uniform(0.0, 6.0, n),
        "ecal_shower_is_valid": np.ones(n), "track_is_valid": np.ones(n),
        "decay_plane_hits": rng.integers(0, 4, n), "decay_track_count": rng.integers(0, 3, n),
    }  # fmt: skip
    one |= {
        f"{name}_is_valid": np.ones(n) for name in ("wcal", "ecal", "v2", "s4", "wcat", "hcal", "srd", "veto")
    }
    parts = {
        "wcal_section_energy": wcal[:, None] * np.array([0.1, 0.89, 0.01]),
        "srd_module_energy": one["srd_energy"][:, None] * np.full(3, 1 / 3),
        "veto_panel_energy": rng.uniform(0.0, 0.012, (n, 3)),
        "s4_counter_mips": one["s4_energy"][:, None] / 6.4e-4,
    }
    return {name: values.astype(COLUMNS[name].dtype) for name, values in {**one, **parts}.items()}


def make_visible_pair(folder: Path, seed: int = 5) -> tuple[Path, Path]:
    """
    Write two files of columns of equal length and name that differ in closed events only.

    In the first, 40 of 300 events are as A' that decay behind the target: V2 is quiet, both energies add up
    to the beam's. In the second, half of them have other energies, the rest fails the base requirement: no
    SRD tag, no physics trigger, a dead V2, or an energy that is not a number.
    """
    rng = np.random.default_rng(seed)
    events = visible_events(_EVENTS, rng)
    chosen = rng.choice(_EVENTS, _CLOSED, replace=False)
    paths = []
    for name, is_second in (("one", False), ("two", True)):
        changed = {column: values.copy() for column, values in events.items()}
        _close(changed, chosen, rng, planted=not is_second)
        if is_second:
            _break(changed, chosen[_CLOSED // 2 :])
        (folder / name).mkdir()
        paths.append(folder / name / "data.root")
        with uproot.recreate(paths[-1], compression=None) as file:
            file.mktree("events", {n: np.dtype((v.dtype, v.shape[1:])) for n, v in changed.items()})
            file["events"].extend(changed)
    return paths[0], paths[1]


def _close(arrays: Arrays, events: npt.NDArray[np.int64], rng: np.random.Generator, *, planted: bool) -> None:
    """Let events be in the closed region and pass most cuts."""
    n = len(events)
    ecal = rng.uniform(26.0, 80.0, n)
    if planted:
        ecal[:10] = PLANTED
    total = rng.uniform(92.0, 108.0, n)
    arrays["ecal_energy"][events], arrays["electromagnetic_energy"][events] = ecal, total
    arrays["wcal_energy"][events] = total - ecal
    arrays["v2_energy"][events] = rng.uniform(0.0, 3e-4, n)
    arrays["s4_counter_mips"][events] = rng.uniform(1.6, 4.0, (n, 1))
    arrays["decay_plane_hits"][events] = 2


def _break(arrays: Arrays, events: npt.NDArray[np.int64]) -> None:
    """Let events fail the base requirement in four ways, and lie outside of the region or not."""
    arrays["srd_module_energy"][events[0::4]] = 0.0
    arrays["trigger_is_physics"][events[1::4]] = False
    arrays["v2_is_valid"][events[2::4]] = False
    arrays["electromagnetic_energy"][events[3::4]] = np.nan
