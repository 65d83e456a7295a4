"""Beam particles that undergo nothing special: electrons, what comes with them, and the halo."""

from __future__ import annotations

from functools import partial

from datasets.simulation.process import Parameters, Process, Yield
from physics.particles import like_charged
from recon.geometry import Setup

__all__ = ["EARLY_PROTON", "ELECTRON", "HADRON", "HALO", "MUON", "PROTON"]


def _beam_rate(setup: Setup, parameters: Parameters) -> Yield:
    del parameters
    return Yield(1.0 - sum(setup.beam.contamination.values()), "all that is not contamination")


def _contamination_rate(setup: Setup, parameters: Parameters, *, name: str) -> Yield:
    del parameters
    share = setup.beam.contamination.get(like_charged(name, setup.beam.charge), 0.0)
    return Yield(share, "the setup: beam.contamination")


def _early_proton_rate(setup: Setup, parameters: Parameters) -> Yield:
    beam = setup.beam
    others = beam.intensity / beam.spill_length * 1e-9 * (parameters["latest"] - parameters["earliest"])
    share = beam.contamination.get("p", 0.0) * others
    return Yield(share, "computed: contamination times the beam particles of that time")


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
PROTON = Process(
    name="proton",
    code=70,
    title="a beam proton, in beams of positive charge",
    source="cascade of datasets/simulation/hadronic.py",
    particle="p",
    rate=partial(_contamination_rate, name="p"),
)
EARLY_PROTON = Process(
    name="early_proton",
    code=71,
    title="a beam proton fires the trigger, and a positron comes after it in the same window",
    source="cascade of datasets/simulation/hadronic.py",
    particle="p",
    rate=_early_proton_rate,
    parameters={"earliest": 1.0, "latest": 150.0},
    units={"earliest": "ns", "latest": "ns"},
    follower=("earliest", "latest"),
)
