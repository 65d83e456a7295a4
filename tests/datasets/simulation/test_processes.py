"""Processes: yields against the literature, and where the energy goes."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.hadronic import INTERACTING
from datasets.simulation.model import Particles, Shower
from datasets.simulation.process import Process
from datasets.simulation.processes import PROCESSES
from datasets.simulation.processes.breakup import break_up
from datasets.simulation.processes.dimuon import sample_angles, sample_shares
from datasets.simulation.stack import build_stack
from physics.dark_photon import ELECTRON, resonance_energy
from physics.particles import decay_length_of, mass_of, pdg_of

SETUP = load_setup("na64e_2018")
STACK = build_stack(SETUP)
N = 4000


def beam(pdg: int = 11, momentum: float = 100.0, n: int = N) -> Particles:
    """Return particles in front of the middle of the target."""
    x, y = STACK.target.sections[0].centre
    return Particles(
        np.arange(n), np.full(n, pdg), np.full(n, momentum), np.full(n, x), np.full(n, y),
        np.full(n, STACK.target_z), np.zeros(n), np.zeros(n),
    )  # fmt: skip


def act(process: Process, **changes: float) -> Shower:
    """Let electrons of 100 GeV undergo a process in the target."""
    assert process.target is not None
    return process.target(beam(), STACK, {**process.parameters, **changes}, np.random.default_rng(7))


class Budget(NamedTuple):
    total: np.ndarray  # [GeV] of all particles and what is missing, by primary
    particles: Particles
    missing: np.ndarray


def budget(shower: Shower) -> Budget:
    total = np.bincount(shower.particles.primary, shower.particles.momentum, minlength=N) + shower.missing
    return Budget(total, shower.particles, shower.missing)


def test_codes_are_unique_and_documented() -> None:
    codes = [process.code for process in PROCESSES.values()]
    assert len(set(codes)) == len(codes)
    for process in PROCESSES.values():
        assert process.title
        assert process.source
        assert set(process.units) <= set(process.parameters)


@pytest.mark.parametrize("name", ["dimuon", "electroproduction", "dark_photon", "resonant_dark_photon"])
def test_energy_is_shared_out_completely(name: str) -> None:
    found = budget(act(PROCESSES[name]))
    assert found.total == pytest.approx(np.full(N, 100.0), abs=1e-2)
    assert (found.particles.momentum >= 0).all()
    back = max(v.section.z + v.length for v in STACK.volumes if v.detector.name == "ecal")
    assert (found.particles.z >= STACK.target_z).all()
    assert (found.particles.z < back).all()


def test_only_signal_takes_energy_away() -> None:
    assert (act(PROCESSES["dimuon"]).missing == 0).all()
    assert (act(PROCESSES["electroproduction"]).missing == 0).all()
    assert (act(PROCESSES["dark_photon"]).missing > 0).all()


def test_dimuons_are_pairs_of_a_photon() -> None:
    """Two muons of opposite charge from one place, with at least the 5 GeV asked for."""
    found = act(PROCESSES["dimuon"]).particles
    for sign in (13, -13):
        assert np.bincount(found.primary[found.pdg == sign], minlength=N).tolist() == [1] * N
    one, other = (found.select(found.pdg == sign) for sign in (13, -13))
    assert (one.z == other.z).all()
    assert (one.momentum + other.momentum).min() >= 5.0 - 1e-6


def photons_above(share: float) -> float:
    """Return the track length [X0] of photons above a share of the beam energy (Clement, Kessler)."""
    u = np.linspace(share, 1 - 1e-6, 200_001)
    return float(np.trapezoid(0.964 / (-np.log1p(-(u**2)) + 0.686 * u**2 - 0.5 * u**4), u))


def test_dimuon_yield_is_that_of_bethe_and_heitler() -> None:
    """
    Muon pairs are electron pairs times (m_e / m_mu)^2 and the ratio of the logarithms.

    Per photon of 50 GeV: 7/9 per X0 x (1/206.77)^2 x (form factor: ln(1 + 11 / 4.3) / ln(183 / 82^(1/3)) /
    ...). The yield per electron must lie between that of the bare mass ratio and a third of it.
    """
    rate = PROCESSES["dimuon"].rate(SETUP, {"least_energy": 20.0}).value
    photons = photons_above(0.2)
    bare = photons * 7 / 9 / 206.768**2
    assert bare / 3 < rate < bare


def test_electroproduction_yield_by_hand() -> None:
    """
    Some X0 of photons above 20 GeV, times atoms per X0 of lead, times 15.5 mb; plastic adds a tenth.

    6.37 g/cm2 / 207.2 g/mol x 6.022e23 = 1.851e22 per cm2.
    """
    rate = PROCESSES["electroproduction"].rate(SETUP, {"least_energy": 20.0}).value
    lead = photons_above(0.2) * 1.851e22 * 15.55e-27
    assert 1.0 < rate / lead < 1.25


def test_hadrons_of_a_photon_interact_where_they_are_made() -> None:
    found = act(PROCESSES["electroproduction"], least_energy=20.0).particles
    hadrons = found.select(found.pdg == INTERACTING)
    assert len(hadrons.pdg) == N
    assert hadrons.momentum.min() >= 20.0 - 1e-6
    assert (hadrons.z > STACK.target_z).all()


@pytest.mark.parametrize(("mass", "epsilon", "published"), [(0.01, 8.19e-5, 2.3), (0.1, 8.7e-4, 2.3)])
def test_dark_photon_yield_gives_the_published_limits(mass: float, epsilon: float, published: float) -> None:
    """
    4.3e10 electrons of 2016 exclude the published epsilon with 2.3 events (physics.md, 1710.00971).

    Signal: yield x share with more than 50 GeV missing x efficiency; the efficiency of the other cuts was
    about a half, so the product must be between 0.4 and 2.5 of 2.3 / 0.5.
    """
    process = PROCESSES["dark_photon"]
    rate = process.rate(SETUP, {"mass": mass, "epsilon": epsilon}).value
    seen = np.mean(act(process, mass=mass).missing > 50.0)
    assert 0.4 < 4.3e10 * rate * seen / (published / 0.5) < 2.5


def test_a_heavy_dark_photon_takes_nearly_all_of_an_electron_of_the_shower() -> None:
    """What is left of the electron at the emission point is little; of a light A' it is more."""

    def left(mass: float) -> float:
        shower = act(PROCESSES["dark_photon"], mass=mass)
        first = shower.particles.z == STACK.target_z  # what was radiated before
        radiated = np.bincount(shower.particles.primary[first], shower.particles.momentum[first], minlength=N)
        return float(np.median(1 - shower.missing / (100.0 - radiated)))

    assert left(0.3) < 0.05
    assert left(0.002) > 2 * left(0.3)


@pytest.mark.parametrize("mass", [0.2, 0.25, 0.3])
def test_resonance_peaks_at_its_energy(mass: float) -> None:
    """E = m^2 / 2 m_e: 39.1, 61.2 and 88.1 GeV."""
    missing = act(PROCESSES["resonant_dark_photon"], mass=mass).missing
    expected = {0.2: 39.1, 0.25: 61.2, 0.3: 88.1}[mass]
    assert resonance_energy(mass) == pytest.approx(mass**2 / (2 * ELECTRON), rel=1e-3)
    counts, edges = np.histogram(missing, np.arange(0.0, 101.0, 2.0))
    assert edges[np.argmax(counts)] + 1.0 == pytest.approx(expected, abs=2.0)
    assert np.mean(np.abs(missing / expected - 1) < 0.1) > 0.5


def test_beam_positrons_annihilate_more_often_than_those_of_a_shower() -> None:
    """At 61 GeV the beam positron's track is several times that of secondary positrons."""
    process = PROCESSES["resonant_dark_photon"]
    positrons = replace(SETUP, beam=replace(SETUP.beam, particle="e+", charge=1))
    ratio = process.rate(positrons, process.parameters).value / process.rate(SETUP, process.parameters).value
    assert 5.0 < ratio < 50.0


def test_upstream_interactions_leave_an_electron_and_hadrons() -> None:
    process = PROCESSES["upstream"]
    assert process.upstream is not None
    shower = process.upstream(beam(), SETUP, process.parameters, np.random.default_rng(3))
    found = budget(shower)
    assert found.total == pytest.approx(np.full(N, 100.0), rel=1e-9)
    electron = found.particles.select(found.particles.pdg == 11)
    photon = 100.0 - electron.momentum
    assert photon.min() >= 10.0
    assert np.median(photon) == pytest.approx(np.sqrt(10.0 * 100.0), rel=0.05)  # dk / k from 10 to 100 GeV


def test_upstream_interactions_happen_where_there_is_matter() -> None:
    process = PROCESSES["upstream"]
    assert process.place is not None
    z = process.place(beam(), SETUP, process.parameters, np.random.default_rng(3))
    planes = np.array([-1500.0, -500.0, 17000.0, 18000.0, 15800.0])
    thickness = np.array([0.003, 0.003, 0.003, 0.003, 0.0007])
    counts = np.array([np.sum(np.abs(z - p) < 0.01) for p in planes])
    assert counts.sum() == N
    expected = N * thickness / thickness.sum()
    assert counts == pytest.approx(expected, abs=5 * np.sqrt(expected.max()))


def test_hadrons_break_up_without_loss() -> None:
    made = break_up(beam(momentum=50.0), np.random.default_rng(2))
    assert np.bincount(made.primary, made.momentum, minlength=N) == pytest.approx(np.full(N, 50.0), rel=1e-9)
    assert 3.0 < len(made.pdg) / N < 12.0
    slope = np.hypot(made.slope_x, made.slope_y)
    assert np.mean(slope * made.momentum) < 0.5  # [GeV] transverse momentum
    assert set(np.unique(made.pdg)) == {pdg_of(name) for name in ("pi+", "pi-", "gamma", "K0L", "n")}


@pytest.mark.parametrize(("name", "parent"), [("pion_decay", "pi-"), ("kaon_decay", "K-")])
def test_hadrons_decay_exponentially_before_the_target(name: str, parent: str) -> None:
    process = PROCESSES[name]
    assert process.place is not None
    code = pdg_of(parent)
    z = process.place(beam(code), SETUP, process.parameters, np.random.default_rng(5))
    assert z.min() >= -1500.0
    assert z.max() <= STACK.target_z
    length = 100.0 / mass_of(code) * decay_length_of(code)
    way = STACK.target_z + 1500.0
    share = 1 - np.exp(-way / length)
    beam_share = 0.005 * process.parameters.get("kaons", 1.0)
    branching = {"pion_decay": 1.0, "kaon_decay": 0.9265}[name]
    assert process.rate(SETUP, process.parameters).value == pytest.approx(
        beam_share * share * branching, rel=1e-3
    )
    mean = length - way / np.expm1(way / length)
    assert z.mean() + 1500.0 == pytest.approx(mean, abs=5 * way / np.sqrt(12 * N))


def test_decays_lose_what_neutrinos_carry() -> None:
    process = PROCESSES["pion_decay"]
    assert process.upstream is not None
    shower = process.upstream(beam(pdg_of("pi-")), SETUP, {}, np.random.default_rng(5))
    found = budget(shower)
    assert found.total == pytest.approx(np.full(N, 100.0), rel=1e-3)
    assert found.missing.mean() == pytest.approx(100 * 0.5 * (1 - (0.10566 / 0.13957) ** 2), rel=0.03)
    assert (np.abs(found.particles.pdg) == 13).mean() > 0.99


def test_muon_shares_and_angles_follow_their_spectra() -> None:
    """The mean of x^2 under 1 - 4/3 x (1 - x) is 0.3429 (12/35); half of u^2 / (1 + u^2) is below u = 1."""
    rng = np.random.default_rng(1)
    share = sample_shares(40_000, rng)
    assert share.mean() == pytest.approx(0.5, abs=0.006)
    assert (share**2).mean() == pytest.approx((1 / 3 - 4 / 3 * (1 / 4 - 1 / 5)) / (7 / 9), abs=0.006)
    assert (sample_angles(40_000, rng) < 1.0).mean() == pytest.approx(0.5 / 0.999, abs=0.012)


def test_beam_processes_take_their_yields_from_the_setup() -> None:
    rates = {name: PROCESSES[name].rate(SETUP, {}).value for name in ("electron", "hadron", "halo", "muon")}
    assert rates == {"electron": 0.995, "hadron": 0.005, "halo": 0.002, "muon": 0.0}


def test_pions_of_a_positron_beam_are_positive_and_so_are_their_muons() -> None:
    setup, process = load_setup("na64pos_2022"), PROCESSES["pion_decay"]
    assert process.particle_of(setup) == "pi+"
    assert process.particle_of(SETUP) == "pi-"
    ratio = process.rate(setup, {}).value / process.rate(SETUP, {}).value
    assert ratio == pytest.approx(0.013 / 0.005, rel=0.05)  # contaminations; the lines differ by half a metre
    assert process.upstream is not None
    shower = process.upstream(beam(pdg_of("pi+")), setup, {}, np.random.default_rng(1))
    assert set(shower.particles.pdg) <= {-13, -11}
