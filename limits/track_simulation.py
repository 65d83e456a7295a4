"""Make a table of track lengths: showers of a setup's beam in its target, in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from datasets.simulation.processes.target import nuclei_of, target_depth
from datasets.simulation.stack import build_stack
from limits.model import ModelError
from limits.track_table import TrackTable
from physics.shower_transport import LPM, Medium, energy_edges, follow_showers
from recon.geometry import Setup

__all__ = ["BATCHES", "LEAST", "measure_tracks", "medium_of"]

BATCHES = 50  # of which errors of sums are made
LEAST = 0.05  # [GeV] below it what is left out (knock-on electrons) and simplified (ionisation) matters
_STEP = 1.0  # [X0] of depth


def medium_of(setup: Setup) -> Medium:
    """
    Return what a shower flies through in the target of a setup: the mean of its layers.

    Screening is that of the mean Z by radiated power, Z^2 per nucleus; ionisation takes the critical energy
    per X0; formation lengths are far below a layer, so the X0 of the suppression is that of the absorber.
    """
    stack = build_stack(setup)
    volume = stack.volumes[int(stack.index(stack.target.name)[0])]
    nuclei = nuclei_of(stack)
    power = np.array([n.per_radiation_length * n.z * (n.z + 1) for n in nuclei])
    dense = volume.absorber or volume.active
    return Medium(
        z=float(np.average([n.z for n in nuclei], weights=power)),
        loss=volume.material.critical_energy,
        electrons=sum(n.electrons for n in nuclei),
        lpm=LPM * dense.radiation_length,
    )


def measure_tracks(
    setup: Setup,
    showers: int,
    *,
    energy: float | None = None,
    least: float = 1.0,
    seed: int = 1,
    versions: Mapping[str, str] | None = None,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> TrackTable:
    """
    Simulate showers and average their track lengths.

    Parameters
    ----------
    setup : Setup
        Of an electron or positron beam.
    showers : int
        Rounded up to a multiple of `BATCHES`.
    energy : float, optional [GeV]
        Of the beam instead of the setup's.
    least : float [GeV]
        Down to which particles are followed.
    seed : int
        Each batch draws from a stream of its own.
    versions : mapping of str, optional
        Of programs, to be kept with the table.
    tell : callable
        Gets the number of batches done, and of all.

    Raises
    ------
    ModelError
        If the beam makes no electromagnetic shower, or an energy is out of range.
    """
    beam = setup.beam.momentum if energy is None else energy
    if setup.beam.particle not in {"e-", "e+"}:
        msg = f"{setup.name} has a beam of {setup.beam.particle}; track lengths are of showers of e- and e+"
        raise ModelError(msg)
    if not LEAST <= least < 0.5 * beam:
        msg = (
            f"--threshold must be from {LEAST:g} GeV to below half of the beam's {beam:g} GeV, got "
            f"{least:g} GeV"
        )
        raise ModelError(msg)
    stack = build_stack(setup)
    thickness = target_depth(stack)
    edges = energy_edges(beam, least)
    depths = np.append(np.arange(0.0, thickness - 0.5 * _STEP, _STEP), thickness)
    medium, size = medium_of(setup), -(-showers // BATCHES)
    sums = []
    for batch in range(BATCHES):
        rng = np.random.default_rng(np.random.SeedSequence([seed, batch]))
        sums.append(
            follow_showers(medium, beam, size, rng, edges, depths, is_positron=setup.beam.particle == "e+")
        )
        tell(batch + 1, BATCHES)
    n = size * BATCHES
    lengths = np.sum([part.lengths for part in sums], axis=0) / n
    squares = np.sum([part.squares for part in sums], axis=0) / n
    balance = np.sum([part.energies for part in sums], axis=0) / n
    volume = stack.volumes[int(stack.index(stack.target.name)[0])]
    return TrackTable(
        setup=setup.name,
        material=volume.material.name,
        nuclei=tuple((float(k.z), float(k.a), float(k.per_radiation_length)) for k in nuclei_of(stack)),
        particle=setup.beam.particle,
        energy=float(beam),
        showers=n,
        seed=seed,
        energies=edges,
        depths=depths,
        lengths=lengths,
        errors=np.sqrt(np.maximum(squares - lengths**2, 0.0) / (n - 1)),
        batches=np.array([part.lengths.sum(axis=2) / size for part in sums]),
        balance=(float(balance[0]), float(balance[1]), float(balance[2])),
        versions=dict(versions or {}),
    )
