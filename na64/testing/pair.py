"""Two files of data that differ in closed events only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uproot

import datasets

__all__ = ["PLANTED", "P348Reco", "make_closed_pair"]

Array = npt.NDArray[Any]
PLANTED = 31.41592653  # [GeV] an ECAL energy that no other event has
_SAMPLE = Path(datasets.__file__).parent / "samples" / "p348reco_tree.root"


class P348Reco:
    """The p348reco sample in memory, to be changed and written again."""

    def __init__(self) -> None:
        with uproot.open(_SAMPLE) as file:
            tree = file["tree"]
            names = [name for name in tree.keys() if not name.startswith(("hod2", "HOD2"))]  # noqa: SIM118
            self.arrays: dict[str, Array] = {name: tree[name].array(library="np") for name in names}

    @property
    def tagged(self) -> Array:
        """Return indices of events with an SRD tag."""
        modules = self.arrays["SRD_ene"][:, :3]
        tag = (modules > 0.001).all(axis=1) & ((modules < 0.08).sum(axis=1) >= 2)
        return np.flatnonzero(tag & (modules.sum(axis=1) < 0.15))

    def scale_ecal(self, events: Array, energy: float) -> None:
        """Give events this ECAL energy [GeV]."""
        total = self.arrays["ECAL_ene"][events].sum(axis=(1, 2, 3))
        self.arrays["ECAL_ene"][events] *= (energy / total)[:, None, None, None]

    def quiet_hcal(self, events: Array, energy: float = 0.02) -> None:
        """Give events this energy [GeV] in each HCAL module."""
        for module in range(4):
            self.arrays[f"hcal{module}"][events] = energy

    def write(self, path: Path, n_events: int | None = None) -> Path:
        """Write the tree, uncompressed so that its size does not depend on its values."""
        with uproot.recreate(path, compression=None) as file:
            chosen = {name: values[:n_events] for name, values in self.arrays.items()}
            file.mktree("tree", {n: np.dtype((v.dtype, v.shape[1:])) for n, v in chosen.items()})
            file["tree"].extend(chosen)
        return path


def make_closed_pair(folder: Path, seed: int = 5) -> tuple[Path, Path]:
    """
    Write two files of equal length and name that differ in closed events only.

    In the first, 40 events lie in the box and pass the base requirement. In the second, half of them are
    replaced by other closed events, the rest by events outside of the box that fail the base: no SRD tag, out
    of time, dead or NaN HCAL, dead ECAL, no physics trigger.
    """
    rng = np.random.default_rng(seed)
    one, two = P348Reco(), P348Reco()
    chosen = rng.choice(one.tagged, 40, replace=False)
    for sample, energies in ((one, rng.uniform(1, 49, 40)), (two, rng.uniform(1, 49, 40))):
        for event, energy in zip(chosen, energies, strict=True):
            sample.scale_ecal(np.array([event]), energy)
        sample.quiet_hcal(chosen)
    one.scale_ecal(chosen[:5], PLANTED)
    arrays, others = two.arrays, chosen[20:]
    two.scale_ecal(others, 97.0)
    arrays["SRD_ene"][others[0:4]] = 0.0
    arrays["ECAL_t0"][others[4:7]] += 150.0
    arrays["hcal1"][others[7:9]] = np.nan
    arrays["hcal0"][others[9:11]] = 0.0
    arrays["ECAL_ene"][others[11:13]] = 0.0
    arrays["isTriggerPhysics"][others[13:16]] = False
    arrays["masterTime"][others[16:18]] = np.nan
    arrays["ECAL_ene"][others[18:20], 1, 2, 2] = np.inf
    paths = []
    for name, sample in (("one", one), ("two", two)):
        (folder / name).mkdir()
        paths.append(sample.write(folder / name / "data.root"))
    return paths[0], paths[1]
