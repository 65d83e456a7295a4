"""Events of the Geant4 sample files and of our simulation in one form, to compare them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
import uproot

from datasets.setups import load_setup
from datasets.simulation.electromagnetic import deposit_electromagnetic
from datasets.simulation.generator import simulate_block
from datasets.simulation.model import Particles
from datasets.simulation.plan import plan
from datasets.simulation.stack import build_stack
from datasets.simulation.streams import BLOCK, stream
from recon.geometry import Setup

__all__ = ["Sample", "geant4_sample", "simulated_beam", "simulated_showers"]

Floats = npt.NDArray[np.float64]

_FOLDER = Path(__file__).resolve().parent.parent / "samples" / "geant4"
_CODES = {"srd": 0, "ecal": 1, "veto": 2, "hcal": 3}  # hit_det of the sample files


@dataclass(frozen=True, slots=True)
class Sample:
    """Visible energies of events, without light yield, noise or pile-up."""

    setup: Setup
    visible: Mapping[str, Floats]  # detector -> [GeV] (n_events, n_cells)
    truth: Mapping[str, npt.NDArray[Any]]  # (n_events,)

    def sections(self, detector: str) -> Floats:
        """Return the visible energy of each section of a detector [GeV], (n_events, n_sections)."""
        views = self.setup.detectors[detector].views(self.visible[detector])
        return np.stack([cells.sum(axis=(1, 2)) for _, cells in views], axis=1)

    def energy(self, detector: str) -> Floats:
        """Return the visible energy of a detector [GeV], (n_events,)."""
        return np.asarray(self.visible[detector].sum(axis=1))

    def grid(self, detector: str) -> Floats:
        """Return the cells summed over equal sections [GeV], (n_events, n_x, n_y)."""
        parts = [cells for _, cells in self.setup.detectors[detector].views(self.visible[detector])]
        return np.asarray(np.sum(parts, axis=0))

    def select(self, mask: npt.NDArray[Any]) -> Sample:
        """Return the events of a mask, or of indices."""
        return Sample(
            self.setup,
            {name: values[mask] for name, values in self.visible.items()},
            {name: values[mask] for name, values in self.truth.items()},
        )


def geant4_sample(name: str, folder: Path | None = None) -> Sample:
    """
    Read a Geant4 sample file.

    Parameters
    ----------
    name : str
        Without the ending: "electrons_100gev".
    folder : Path, optional
        Where it lies; default: the files that come with the project.
    """
    setup = load_setup("geant4_sample")
    with uproot.open((folder or _FOLDER) / f"{name}.root") as file:
        tree = file["sim"]
        hits = tree.arrays(["hit_det", "hit_part", "hit_ix", "hit_iy", "hit_e"])
        truth = tree.arrays(["beam_e", "p", "x0", "y0", "pdg"], library="np")
        tracks = tree.arrays(["trk_plane", "trk_pdg"])
    muons = (tracks["trk_plane"] == 6) & (abs(tracks["trk_pdg"]) == 13)
    truth["muons_behind_ecal"] = ak.to_numpy(ak.sum(muons, axis=1))
    visible = {}
    for detector, code in _CODES.items():
        found = hits[hits["hit_det"] == code]
        event = np.repeat(np.arange(len(found)), ak.to_numpy(ak.num(found["hit_e"])))
        part, ix, iy, energy = (
            ak.to_numpy(ak.flatten(found[key])) for key in ("hit_part", "hit_ix", "hit_iy", "hit_e")
        )
        shapes = np.array([s.grid.shape for s in setup.detectors[detector].sections])
        cell = setup.detectors[detector].offsets[part] + ix * shapes[part, 1] + iy
        cells = np.zeros((len(found), setup.detectors[detector].n_cells))
        np.add.at(cells, (event, cell), energy)
        visible[detector] = cells
    return Sample(setup, visible, truth)


def simulated_beam(process: str, n_events: int, seed: int = 1) -> Sample:
    """Simulate events of a process in the line of the Geant4 samples."""
    setup = load_setup("geant4_sample")
    simulation = plan(setup, process, seed=seed, has_pile_up=False)
    blocks = [simulate_block(simulation, number) for number in range(-(-n_events // BLOCK))]
    return Sample(
        setup,
        {
            name: np.concatenate([b.merged.energy[:, where] for b in blocks])[:n_events]
            for name, where in blocks[0].cells.items()
        },
        {key: np.concatenate([b.columns[key] for b in blocks])[:n_events] for key in blocks[0].columns},
    )


def simulated_showers(energy: Floats, dx: float, dy: float, seed: int = 1) -> Sample:
    """
    Let electrons hit the ECAL head-on beside the centre of cell (3, 3), as in the Geant4 scans.

    Parameters
    ----------
    energy : float64, shape (n_events,) [GeV]
    dx, dy : float [mm]
    seed : int
    """
    setup = load_setup("geant4_sample")
    stack = build_stack(setup)
    n = len(energy)
    section = setup.detectors["ecal"].sections[0]
    x, y = (c + 0.5 * p for c, p in zip(section.centre, section.grid.pitch, strict=True))
    beam = Particles(
        np.arange(n), np.full(n, 11), np.asarray(energy, dtype=np.float64), np.full(n, x + dx),
        np.full(n, y + dy), np.full(n, stack.target_z), np.zeros(n), np.zeros(n),
    )  # fmt: skip
    deposits = np.zeros((n, stack.n_cells))
    deposit_electromagnetic(beam, stack, stream(seed, "validation", 0), deposits)
    return Sample(
        setup, {name: deposits[:, where] for name, where in stack.columns.items()}, {"beam_e": energy}
    )
