"""Light of the beam counters, and when the sampling clock ticks: what raw digits have beside the cells."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from datasets.simulation.generator import Block
from datasets.simulation.light import CellLight, Light, collect_light
from physics.ionisation import LANDAU_MODE, landau_quantiles, landau_width, most_probable_loss
from physics.materials import material
from recon.geometry import Detector, Setup

__all__ = ["add_counters", "sampling_phase"]

Floats = npt.NDArray[np.float64]


def sampling_phase(setup: Setup, n_events: int, rng: np.random.Generator) -> Floats:
    """
    Return how late the trigger particle is against the sampling clock, (n_events,) [ns].

    The clock does not know of the beam: the phase is uniform within one sampling period, around 0. Without
    beam counters nothing could measure it, and it is 0.
    """
    if setup.counters is None or setup.counters.readout is None:
        return np.zeros(n_events)
    return setup.counters.readout.sampling_period * (rng.random(n_events) - 0.5)


def add_counters(block: Block, setup: Setup, rng: np.random.Generator) -> Light:
    """
    Return the light of a block with the beam counters' cells behind those of the detectors.

    Every beam particle crosses all counters, at the time at which it passes: pile-up as well.

    Parameters
    ----------
    block : Block
    setup : Setup
    rng : numpy.random.Generator

    Returns
    -------
    Light, arrays of shape (n_primaries, n_cells + n_counters)
    """
    if setup.counters is None:
        return block.light
    is_other = np.zeros(len(block.primary_event), dtype=bool)
    is_other[1:] = np.diff(block.primary_event) == 0  # the trigger particle is the first of an event
    passage = np.zeros(len(is_other))
    passage[is_other] = block.pile_up.time
    of_loss, of_light = rng.spawn(2)
    seen = collect_light(
        _losses(setup.counters, len(passage), of_loss), passage, _tables(setup.counters), of_light
    )
    pairs = zip(block.light, seen, strict=True)
    return Light(*(np.concatenate(pair, axis=1) for pair in pairs))


def _losses(counters: Detector, n: int, rng: np.random.Generator) -> Floats:
    """Return what minimum-ionising particles leave, (n, n_counters) [GeV]: Landau's distribution."""
    luck = rng.random((n, counters.n_cells))
    quantiles = landau_quantiles()
    landau = np.interp(luck, np.linspace(0.0, 1.0, len(quantiles)), quantiles)
    columns = []
    for section, variable in zip(counters.sections, landau.T, strict=True):
        if section.matter is None:
            msg = f"counter '{section.name}' needs its matter to be simulated"
            raise ValueError(msg)
        plastic = material(section.matter.active)
        depth = section.matter.layers * section.matter.active_thickness
        about = plastic.z_over_a, plastic.density, depth
        columns.append(most_probable_loss(*about) + landau_width(*about) * (variable - LANDAU_MODE))
    return np.asarray(np.maximum(np.stack(columns, axis=1), 0.0))


def _tables(counters: Detector) -> CellLight:
    r, n = counters.response, counters.n_cells
    return CellLight(
        light_yield=np.full(n, r.light_yield),
        time_resolution=np.full(n, r.time_resolution),
        resolving_time=np.full(n, r.resolving_time),
        partner=np.full(n, -1, dtype=np.int64),
    )
