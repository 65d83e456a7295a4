"""Pions in a beam of their own: where they interact, how often, and what a charge exchange leaves."""

from collections.abc import Mapping

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.generator import Block, simulate_block
from datasets.simulation.model import Particles, Shower
from datasets.simulation.plan import plan
from datasets.simulation.processes import PROCESSES
from datasets.simulation.processes.pions import interaction_places, target_lengths
from datasets.simulation.stack import build_stack

SETUP = load_setup("na64h_2022")
STACK = build_stack(SETUP)
FRONT, BACK = 18_500.0, 18_950.0  # [mm] of the ECAL
DEPTH = 225 / (226.2 / 11.35 * 10) + 225 / (113.7 / 1.06 * 10)  # 150 layers of 1.5 mm lead and plastic
N = 4000


def act(name: str) -> Shower:
    """Let pions undergo a process in the target."""
    x, y = STACK.target.sections[0].centre
    pions = Particles(
        np.arange(N), np.full(N, -211), np.full(N, 50.0), np.full(N, x), np.full(N, y),
        np.full(N, STACK.target_z), np.zeros(N), np.zeros(N),
    )  # fmt: skip
    process = PROCESSES[name]
    assert process.target is not None
    return process.target(pions, STACK, process.parameters, np.random.default_rng(3))


def rate(name: str, **changes: float) -> float:
    process = PROCESSES[name]
    parameters: Mapping[str, float] = {**process.parameters, **changes}
    return process.rate(SETUP, parameters).value


def test_pions_interact_in_the_target_or_late() -> None:
    assert rate("pion_interaction") == pytest.approx(0.98 * (1 - np.exp(-DEPTH)), rel=1e-3)
    assert rate("late_pion") == pytest.approx(0.98 * np.exp(-DEPTH), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "lead", "carbon", "hydrogen"),
    [("pi0", 66.0, 22.43, 7.754), ("eta", 8.41, 2.858, 0.9877), ("eta_prime", 0.247, 0.08395, 0.02902)],
)
def test_exchanges_per_pion_by_hand(name: str, lead: float, carbon: float, hydrogen: float) -> None:
    """
    Atoms per volume times microbarn, times the path of pions that have not interacted yet.

    Lead 11.35 g/cm3 / 207.2, polystyrene 1.06 g/cm3 with 92.26% carbon; half of the thickness each.
    """
    avogadro = 0.6022  # 1e24
    plastic = 0.9226 / 12.011 * carbon + 0.0774 / 1.008 * hydrogen
    per_cm = 0.5 * avogadro * (11.35 / 207.2 * lead + 1.06 * plastic) * 1e-6
    path = 45.0 / DEPTH * (1 - np.exp(-DEPTH))  # [cm]
    assert rate(f"invisible_{name}") == pytest.approx(0.98 * per_cm * path, rel=5e-3)
    assert rate(f"exchange_{name}") == rate(f"invisible_{name}")
    assert rate(f"invisible_{name}", branching=0.1) == pytest.approx(0.1 * rate(f"exchange_{name}"))


def test_places_fall_with_the_interaction_length() -> None:
    z = interaction_places(STACK, 100_000, np.random.default_rng(1))
    faces, depth = target_lengths(STACK)
    assert (faces[0], faces[-1], depth[-1]) == pytest.approx((FRONT, BACK, DEPTH), rel=1e-4)
    assert (z.min() > FRONT) & (z.max() < BACK)
    mean = 1 - DEPTH * np.exp(-DEPTH) / (1 - np.exp(-DEPTH))  # of an exponential that is cut off
    assert (z - FRONT).mean() == pytest.approx(450.0 / DEPTH * mean, rel=0.01)


@pytest.mark.parametrize("name", ["invisible_pi0", "invisible_eta", "invisible_eta_prime"])
def test_invisible_meson_leaves_a_slow_neutron(name: str) -> None:
    found = act(name)
    assert (found.particles.pdg == 2112).all()
    assert found.missing + found.particles.momentum == pytest.approx(np.full(N, 50.0))
    assert 0.01 < found.particles.momentum.mean() < 0.2  # kinetic energy [GeV]: |t| / 2 M
    assert found.ends is not None
    assert (found.ends == found.particles.z).all()


@pytest.mark.parametrize("name", ["exchange_pi0", "exchange_eta", "exchange_eta_prime"])
def test_ordinary_decays_share_out_the_energy(name: str) -> None:
    found = act(name)
    energy = np.hypot(found.particles.momentum, np.where(np.abs(found.particles.pdg) == 211, 0.13957, 0.0))
    assert np.bincount(found.particles.primary, energy) == pytest.approx(np.full(N, 50.0), rel=1e-3)
    assert (found.missing == 0).all()


def test_eta_has_charged_decays_as_often_as_measured() -> None:
    charged = np.count_nonzero(act("exchange_eta").particles.pdg == 211) / N
    expected = 0.2720 / (0.7193 + 0.2720)  # PDG 2024
    assert charged == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / N))


@pytest.fixture(scope="module")
def signal() -> Block:
    """Return events of the signal without pile-up."""
    return simulate_block(plan(SETUP, "invisible_eta", has_pile_up=False), 0)


def test_before_it_vanishes_the_pion_leaves_its_track(signal: Block) -> None:
    """One minimum-ionising particle in counters and preshower, less than one in the rest of the ECAL."""
    ecal = signal.merged.energy[:, signal.cells["ecal"]]
    preshower, main = ecal[:, :30].sum(axis=1), ecal[:, 30:].sum(axis=1)
    assert np.median(preshower) == pytest.approx(24 * 0.0002, rel=0.25)  # 24 mm, 0.2 MeV/mm
    assert np.median(main) < 0.6 * 201 * 0.0002
    counters = signal.merged.energy[:, signal.cells["counters"]]
    assert (counters > 0.0003).mean(axis=0).min() > 0.9


def test_behind_the_target_there_is_nothing(signal: Block) -> None:
    """But for a few slow neutrons of the last layers."""
    for detector, limit in (("veto", 0.002), ("hcal", 0.02)):
        seen = signal.merged.energy[:, signal.cells[detector]].sum(axis=1)
        assert (seen > limit).mean() < 0.02
