"""Hadron showers: where they begin, what they leave, and how many pass a module."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.electromagnetic import deposit_electromagnetic
from datasets.simulation.hadronic import INTERACTING, deposit_hadrons
from datasets.simulation.ionisation import deposit_muons
from datasets.simulation.model import Particles
from datasets.simulation.stack import Stack, build_stack
from recon.geometry import Setup

SETUP = load_setup("na64e_2018")
STACK = build_stack(SETUP)
HCAL = STACK.columns["hcal"]
MODULE = SETUP.detectors["hcal"].sections[0]
SAMPLING = SETUP.detectors["hcal"].response.sampling_fraction
PION, PROTON, NEUTRON, KAON_LONG = -211, 2212, 2112, 130


def wall(layers: int) -> tuple[Setup, Stack]:
    """Return the first HCAL module with fewer layers and nothing behind it."""
    matter = replace(MODULE.matter, layers=layers)
    hcal = replace(SETUP.detectors["hcal"], sections=(replace(MODULE, matter=matter),), in_beam=())
    setup = replace(SETUP, detectors={"ecal": SETUP.detectors["ecal"], "hcal": hcal})
    return setup, build_stack(setup)


WALL = wall(16)[1]  # 464 mm: 2.0 pion and 2.5 nucleon interaction lengths


def particles(pdg: int, momentum: Any = 100.0, n: int = 1, **where: Any) -> Particles:
    """Return hadrons straight at the middle of the HCAL's front, unless told otherwise."""
    place = {"x": MODULE.centre[0], "y": 0.0, "z": MODULE.z - 10.0, "slope_x": 0.0, "slope_y": 0.0, **where}
    values = (np.broadcast_to(np.asarray(v, dtype=float), n) for v in (momentum, *place.values()))
    return Particles(np.arange(n), np.full(n, pdg), *values)


def deposit(found: Particles, stack: Stack = STACK, seed: int = 1) -> np.ndarray:
    cells = np.zeros((1 + int(found.primary.max(initial=-1)), stack.n_cells))
    deposit_hadrons(found, stack, np.random.default_rng(seed), cells)
    return cells


@pytest.fixture(scope="module")
def pions() -> np.ndarray:
    """Return what 12 000 pions of 100 GeV leave in each HCAL module [GeV]."""
    cells = deposit(particles(PION, n=12_000))
    return np.asarray(cells[:, HCAL].reshape(-1, 4, 9).sum(axis=2) / SAMPLING)


def test_a_single_module_lets_one_of_a_thousand_pions_through(pions: np.ndarray) -> None:
    """The published order is 1e-3; 6.06 pion interaction lengths let exp(-6.06) = 0.0023 through."""
    hcal = int(STACK.index("hcal")[0])
    depth = STACK.tables.length[hcal] / STACK.tables.pion_length[hcal]
    expected, n = np.exp(-depth), len(pions)
    passed = (pions[:, 0] < 5.0).mean()  # as a minimum-ionising particle, of 1.6 GeV in these units
    assert depth == pytest.approx(6.06, abs=0.05)
    assert passed == pytest.approx(expected, abs=4 * np.sqrt(expected / n))
    assert 5e-4 < passed < 4e-3


def test_what_passes_one_module_showers_in_the_next(pions: np.ndarray) -> None:
    passed = pions[pions[:, 0] < 5.0]
    assert passed[:, 1].mean() > 80.0
    assert (pions[:, 0] > 0.5).all()  # a pion ionises all of its way


@pytest.mark.parametrize(
    ("pdg", "kind"),
    [
        pytest.param(KAON_LONG, "pion", id="meson"),
        pytest.param(NEUTRON, "nuclear", id="baryon"),
        pytest.param(-NEUTRON, "nuclear", id="antibaryon"),
    ],
)
def test_neutral_hadrons_pass_untouched_or_interact(pdg: int, kind: str) -> None:
    """They do not ionise: exp(-depth) of them leave nothing at all."""
    n, volume = 5000, int(WALL.index("hcal")[0])
    depth = WALL.tables.length[volume] / getattr(WALL.tables, f"{kind}_length")[volume]
    untouched = (~deposit(particles(pdg, n=n), WALL).any(axis=1)).mean()
    assert depth == pytest.approx({"pion": 2.02, "nuclear": 2.47}[kind], abs=0.02)
    assert untouched == pytest.approx(np.exp(-depth), abs=5 * np.sqrt(np.exp(-depth) / n))


@pytest.mark.parametrize(("pdg", "kind"), [(PION, "pion"), (PROTON, "nuclear"), (321, "pion")])
def test_charged_hadrons_ionise_before_they_interact(pdg: int, kind: str) -> None:
    """The same depths, but who does not interact leaves 13 MeV: an energy between 0.3 and 1.2 GeV."""
    n, volume = 5000, int(WALL.index("hcal")[0])
    depth = WALL.tables.length[volume] / getattr(WALL.tables, f"{kind}_length")[volume]
    energy = deposit(particles(pdg, n=n), WALL)[:, WALL.columns["hcal"]].sum(axis=1) / SAMPLING
    assert (energy == 0.0).mean() < 1e-3  # of neutral ones that is a tenth
    passed = ((energy > 0.3) & (energy < 1.2)).mean()
    assert passed == pytest.approx(np.exp(-depth), rel=0.07, abs=5 * np.sqrt(np.exp(-depth) / n))


def test_a_rho_interacts_where_it_is() -> None:
    """In the middle of a wall of 2 interaction lengths all of them interact, and most of it lies behind."""
    n, middle = 2000, MODULE.z + 232.0
    rho = deposit(particles(INTERACTING, n=n, z=middle), WALL)
    kaon = deposit(particles(KAON_LONG, n=n, z=middle), WALL)
    assert rho.any(axis=1).all()
    assert (~kaon.any(axis=1)).mean() == pytest.approx(np.exp(-1.01), abs=5 * np.sqrt(0.25 / n))
    hcal = WALL.columns["hcal"]
    assert rho[:, hcal].sum() > 1.3 * kaon[:, hcal].sum()
    in_front = (
        deposit(particles(INTERACTING, n=500, z=MODULE.z + 1393.0))[:, HCAL].reshape(500, 4, 9).sum(axis=2)
    )
    assert in_front[:, 0].mean() < 0.1 * in_front[:, 1].mean()  # only what flies back


@pytest.mark.parametrize("energy", [30.0, 100.0])
def test_a_contained_shower_is_measured_at_the_beam_energy(energy: float, pions: np.ndarray) -> None:
    """The sampling fraction of the HCAL is that of 100 GeV pions; slower ones look 5% smaller (e/h > 1)."""
    total = (
        pions.sum(axis=1)
        if energy == 100.0
        else deposit(particles(PION, energy, 2000))[:, HCAL].sum(axis=1) / SAMPLING
    )
    mean = total.mean() / energy
    assert (0.98 < mean < 1.02) if energy == 100.0 else (0.93 < mean < 1.0)
    assert (
        0.5 < total.std() / total.mean() * np.sqrt(energy) < 1.0
    )  # about 0.6 / sqrt(E), and a constant term


def test_hadron_showers_are_wider_than_those_of_electrons() -> None:
    """Outside of the middle cell (194 mm): some 2% of an electron's energy, some 20% of a pion's."""
    n = 1000
    electrons = np.zeros((n, STACK.n_cells))
    deposit_electromagnetic(particles(11, n=n), STACK, np.random.default_rng(1), electrons)
    outside = {}
    for name, cells in (("electron", electrons), ("pion", deposit(particles(PION, n=n)))):
        module = cells[:, HCAL][:, :9].sum(axis=0)
        outside[name] = 1 - module[4] / module.sum()
    assert 0.005 < outside["electron"] < 0.05
    assert 0.1 < outside["pion"] < 0.35


def test_hadron_showers_are_symmetric_around_the_beam() -> None:
    cells = deposit(particles(PION, n=3000))[:, HCAL][:, :9]
    mean, error = cells.mean(axis=0).reshape(3, 3), cells.std(axis=0).reshape(3, 3) / np.sqrt(3000)
    assert (abs(mean - mean[::-1]) < 6 * error).all()
    assert (abs(mean - mean[:, ::-1]) < 6 * error).all()


def test_what_misses_everything_deposits_nothing() -> None:
    assert not deposit(particles(PION, n=50, x=2000.0)).any()
    assert not deposit(particles(NEUTRON, n=50, z=30_000.0)).any()


def test_slow_hadrons_end_around_where_they_are() -> None:
    """
    A pion of 1 GeV stops without an interaction, seen 1.36 times less than an electron (e/h).

    From the middle of a module its parts go 230 mm in any direction: few leave the side.
    """
    cells = deposit(particles(PION, 1.0, 5000, z=MODULE.z + 700.0))[:, HCAL].reshape(5000, 4, 9).sum(axis=2)
    expected = STACK.volumes[int(STACK.index("hcal")[0])].em_fraction / 1.36
    assert 0.75 * expected < cells.sum(axis=1).mean() < expected
    assert cells[:, 0].sum() > 10 * cells[:, 1].sum() > 0.0


def test_before_it_interacts_a_pion_is_a_track_as_a_muon_is() -> None:
    """The spread of what passes a wall: that of the ionisation alone, without fluctuations of a shower."""
    hcal = WALL.columns["hcal"]
    muons = np.zeros((4000, WALL.n_cells))
    deposit_muons(particles(13, 5.0, 4000), WALL, np.random.default_rng(1), muons)
    widths, middles = {}, {}
    for name, cells in (("muon", muons), ("pion", deposit(particles(PION, n=8000), WALL))):
        energy = cells[:, hcal].sum(axis=1) / SAMPLING
        passed = energy[(energy > 0.3) & (energy < 1.0)]
        middles[name] = np.median(passed)
        widths[name] = np.subtract(*np.percentile(passed, [75, 25]))
    assert middles["pion"] == pytest.approx(middles["muon"], rel=0.05)
    assert widths["pion"] == pytest.approx(widths["muon"], rel=0.3)


def test_a_seed_gives_the_same_showers() -> None:
    one, same, other = (deposit(particles(PION, n=20), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_hadrons_of_one_primary_add_up() -> None:
    start = particles(PION, n=20)
    together = deposit(start._replace(primary=np.arange(20) // 2))
    apart = deposit(start)
    assert together == pytest.approx(apart[::2] + apart[1::2])
    empty = np.ones((1, STACK.n_cells))
    deposit_hadrons(Particles.empty(), STACK, np.random.default_rng(1), empty)
    assert (empty == 1.0).all()
