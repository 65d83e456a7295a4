"""Beam particles that undergo nothing special: electrons, what comes with them, and the halo."""

from __future__ import annotations

from datasets.simulation.process import Parameters, Process, Yield
from recon.geometry import Setup

__all__ = ["ELECTRON", "HADRON", "HALO", "MUON"]

_FROM_SETUP = "the setup: beam.contamination"


def _beam_rate(setup: Setup, parameters: Parameters) -> Yield:
    del parameters
    return Yield(1.0 - sum(setup.beam.contamination.values()), "all that is not contamination")


def _hadron_rate(setup: Setup, parameters: Parameters) -> Yield:
    del parameters
    return Yield(setup.beam.contamination.get("pi-", 0.0), _FROM_SETUP)


def _muon_rate(setup: Setup, parameters: Parameters) -> Yield:
    del parameters
    return Yield(setup.beam.contamination.get("mu-", 0.0), _FROM_SETUP)


def _halo_rate(setup: Setup, parameters: Parameters) -> Yield:
    del parameters
    return Yield(setup.beam.halo, "the setup: beam.halo")


ELECTRON = Process(
    name="electron",
    code=1,
    title="a beam particle that showers in the target",
    source="G. Grindhammer, S. Peters, arXiv:hep-ex/0001020",
    rate=_beam_rate,
)
HADRON = Process(
    name="hadron",
    code=2,
    title="a beam pion",
    source="cascade of datasets/simulation/hadronic.py",
    particle="pi-",
    rate=_hadron_rate,
)
MUON = Process(
    name="muon",
    code=9,
    title="a beam muon",
    source="PDG 2024, sec. 34",
    particle="mu-",
    rate=_muon_rate,
)
HALO = Process(
    name="halo",
    code=10,
    title="a muon that flies around the beam",
    source="PDG 2024, sec. 34",
    particle="mu-",
    is_halo=True,
    rate=_halo_rate,
)
