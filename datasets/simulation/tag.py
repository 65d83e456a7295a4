"""The SRD alone: many more beam particles than a whole simulation could make."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from datasets.simulation.beam import sample_beam
from datasets.simulation.beamline import transport
from datasets.simulation.event import merge_light
from datasets.simulation.light import CellLight, collect_light, light_tables
from datasets.simulation.model import Particles
from datasets.simulation.srd import deposit_srd_mistags, deposit_synchrotron
from datasets.simulation.stack import build_stack
from physics.particles import charge_of
from recon.geometry import Setup

__all__ = ["simulate_tag"]

Floats = npt.NDArray[np.float64]

_ELECTROMAGNETIC = (11, 22)


def simulate_tag(
    setup: Setup, particle: str, n_events: int, rng: np.random.Generator, *, pile_up: bool = False
) -> Floats:
    """
    Simulate what the SRD sees of beam particles that undergo nothing on their way.

    Parameters
    ----------
    setup : Setup
    particle : str
        "beam", or the name of a particle ("pi-").
    n_events : int
    rng : numpy.random.Generator
    pile_up : bool
        Whether other beam particles come in the readout window.

    Returns
    -------
    float64, shape (n_events, n_modules) [GeV visible]
        In-time energy of each module, photo-statistics included.
    """
    stack = build_stack(setup)
    primaries = sample_beam(setup, n_events, rng, particle=particle, pile_up=pile_up)
    modules = stack.index("srd")
    first = np.array([stack.volumes[v].first_cell for v in modules])
    front = min(stack.volumes[v].section.z for v in modules)
    arrival = transport(Particles.of(primaries), setup, rng, front)
    visible = np.zeros((len(primaries.event), stack.n_cells))
    deposit_synchrotron(arrival.photons, stack, rng, visible)
    charged = charge_of(arrival.particles.pdg) != 0
    charged &= ~np.isin(np.abs(arrival.particles.pdg), _ELECTROMAGNETIC)
    deposit_srd_mistags(arrival.particles.select(charged), stack, rng, visible)
    cells = CellLight(*(table[first] for table in light_tables(stack)))
    cells = cells._replace(partner=np.full(len(first), -1, dtype=np.int64))  # indices of all cells
    light = collect_light(np.ascontiguousarray(visible[:, first]), primaries.time, cells, rng)
    merged = merge_light(light, primaries, cells, n_events)
    low, high = setup.detectors["srd"].time_window
    in_time = (merged.time > low) & (merged.time < high)  # NaN: no energy
    return np.asarray(np.where(in_time, merged.energy, 0.0))
