"""All processes that can be simulated, by name."""

from __future__ import annotations

from datasets.simulation.process import Process
from datasets.simulation.processes import beam, dark_photon, decay, dimuon, muons, photonuclear, visible
from datasets.simulation.processes.charge_exchange import EXCHANGES, INVISIBLE
from datasets.simulation.processes.pions import PIONS

__all__ = ["PROCESSES"]

PROCESSES: dict[str, Process] = {
    process.name: process
    for process in (
        beam.ELECTRON,
        beam.HADRON,
        dimuon.DIMUON,
        photonuclear.ELECTROPRODUCTION,
        photonuclear.UPSTREAM,
        decay.PION_DECAY,
        dark_photon.BREMSSTRAHLUNG,
        dark_photon.RESONANT,
        beam.MUON,
        beam.HALO,
        decay.KAON_DECAY,
        muons.BEAM_MUON,
        muons.MUON_NUCLEAR,
        muons.MUON_PAIR,
        muons.Z_PRIME,
        *(*PIONS, *EXCHANGES, *INVISIBLE),
        visible.VISIBLE_DARK_PHOTON,
        visible.KAON_SHORT,
    )
}
