"""Beam particles that undergo nothing special: electrons, what comes with them, and the halo."""

from __future__ import annotations

from functools import partial

from datasets.simulation.process import Parameters, Process, Yield
from recon.geometry import Setup

__all__ = ["ELECTRON", "HADRON", "HALO", "MUON"]


def _beam_rate(setup: Setup, parameters: Parameters) -> Yield:
    del parameters
    return Yield(1.0 - sum(setup.beam.contamination.values()), "all that is not contamination")


def _contamination_rate(setup: Setup, parameters: Parameters, *, name: str) -> Yield:
    del parameters
    return Yield(setup.beam.contamination.get(name, 0.0), "the setup: beam.contamination")


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
    rate=partial(_contamination_rate, name="pi-"),
)
MUON = Process(
    name="muon",
    code=9,
    title="a beam muon",
    source="PDG 2024, sec. 34",
    particle="mu-",
    rate=partial(_contamination_rate, name="mu-"),
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
