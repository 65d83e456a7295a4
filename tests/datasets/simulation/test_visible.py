"""A' that decay behind a dense target, neutral kaons, and electrons as tracks through counters and planes."""

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.model import Hits, Particles
from datasets.simulation.pair_tracks import convert, cross_counters
from datasets.simulation.processes import PROCESSES
from datasets.simulation.stack import build_stack
from datasets.simulation.stretches import fly_behind, stretches_of
from physics.dark_photon import ELECTRON
from physics.visible_decays import decay_lengths
from recon.mips import mip_energies

SETUP = load_setup("na64vis_2017")
STACK = build_stack(SETUP)
FIRST, *REST = stretches_of(STACK, SETUP)
VOLUME = 20_000.0  # [mm] a place in the decay volume
TILT = -0.021  # of the beam


def particles(
    pdg: int, n: int = 500, momentum: float = 40.0, z: float = VOLUME, slope: float = TILT
) -> Particles:
    x = -346.3 + TILT * (z - 18_750.0)
    return Particles(
        np.arange(n), np.full(n, pdg), np.full(n, momentum), np.full(n, x), np.zeros(n), np.full(n, z),
        np.full(n, TILT), np.zeros(n),
    )  # fmt: skip


def fly(rows: Particles, seed: int = 1) -> tuple[dict[str, np.ndarray], Hits]:
    """Return energies [GeV visible] of the detectors and hits behind the target."""
    visible = np.zeros((rows.primary.max() + 1, STACK.n_cells))
    hits = fly_behind(rows, (FIRST, *REST), SETUP, np.random.default_rng(seed), visible)
    return {name: visible[:, cells].sum(axis=1) for name, cells in STACK.columns.items()}, hits


def test_an_electron_of_the_decay_volume_is_one_track() -> None:
    seen, hits = fly(particles(11))
    mip = mip_energies(SETUP.detectors["s4"])[0]
    assert np.median(seen["s4"]) == pytest.approx(1.1 * mip, rel=0.1)
    assert not seen["wcal"].any()
    assert not seen["v2"].any()
    assert np.median(seen["ecal"]) / 0.1056 == pytest.approx(40.0, rel=0.03)
    assert np.bincount(hits.plane, minlength=8)[4:] / 500 == pytest.approx(0.97, abs=0.03)


def test_photons_convert_in_counters_as_often_as_their_matter_says() -> None:
    """4 mm of plastic are 0.00968 X0: 7/9 of that convert; the others leave no trace before the ECAL."""
    n = 40_000
    visible = np.zeros((n, STACK.n_cells))
    showering, left = cross_counters(particles(22, n), FIRST, np.random.default_rng(2), visible)
    seen = visible[:, STACK.columns["s4"]].sum(axis=1) > 0
    expected = 7 / 9 * 4.0 / 413.1
    assert seen.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / n))
    assert (np.bincount(left.primary, left.momentum, minlength=n)) == pytest.approx(40.0)
    assert not len(showering.pdg)


def test_pairs_share_the_energy_and_have_both_charges() -> None:
    pair = convert(particles(22, 2000), np.random.default_rng(3))
    assert sorted(np.unique(pair.pdg)) == [-11, 11]
    assert np.bincount(pair.primary, pair.momentum) == pytest.approx(40.0)


def test_what_starts_in_front_showers_in_the_target() -> None:
    showering, left = cross_counters(
        particles(11, 50, 100.0, 18_500.0), FIRST, np.random.default_rng(1), np.zeros((50, STACK.n_cells))
    )
    assert (len(showering.pdg), len(left.pdg)) == (50, 0)


def act(name: str, n: int = 4000, **changes: float):  # noqa: ANN201
    process = PROCESSES[name]
    assert process.target is not None
    start = particles(11, n, 100.0, STACK.target_z)
    return process.target(start, STACK, {**process.parameters, **changes}, np.random.default_rng(7))


def test_pairs_of_the_a_conserve_energy_and_start_at_its_decay_length() -> None:
    shower = act("visible_dark_photon", mass=0.0167, epsilon=2e-4)
    made = shower.particles
    total = np.bincount(made.primary, made.momentum, minlength=4000) + shower.missing
    assert total == pytest.approx(100.0, rel=1e-6)
    pair = made.select(np.abs(made.pdg) == 11).select(made.select(np.abs(made.pdg) == 11).z > 18_800.0)
    energy = np.bincount(pair.primary, pair.momentum, minlength=4000)
    z = np.zeros(4000)
    z[pair.primary] = pair.z
    fast = (energy > 40.0) & (z > 18_800.0)
    way = (z[fast] - 18_800.0) / decay_lengths(0.0167, 2e-4, energy[fast])
    assert way.mean() == pytest.approx(1.0, abs=4 / np.sqrt(fast.sum()))  # memory-less


def test_mass_of_the_pair_is_that_of_the_a() -> None:
    shower = act("visible_dark_photon", mass=0.0167, epsilon=1.5e-4)
    behind = shower.particles.select(shower.particles.z > 18_800.0)
    one, two = behind.select(behind.pdg == 11), behind.select(behind.pdg == -11)
    assert (one.primary == two.primary).all()
    angle, product = (
        np.hypot(one.slope_x - two.slope_x, one.slope_y - two.slope_y),
        one.momentum * two.momentum,
    )
    square = product * angle**2 + (ELECTRON * (one.momentum + two.momentum)) ** 2 / product  # small angles
    assert np.sqrt(square)[np.sqrt(product) > 1.0] == pytest.approx(0.0167, rel=2e-3)


def test_kaons_decay_to_pions_behind_the_target_or_interact() -> None:
    shower = act("kaon_short", least_energy=25.0)
    made = shower.particles
    total = np.bincount(made.primary, made.momentum, minlength=4000)
    assert np.median(total) == pytest.approx(100.0, rel=0.01)
    assert {22, 211, -211, 113, 11} == set(np.unique(made.pdg))
    behind = made.select(made.z > 18_754.0)
    photons, pions = (behind.pdg == 22).sum() / 4, (np.abs(behind.pdg) == 211).sum() / 2
    share = photons / (photons + pions)
    assert share == pytest.approx(0.307, abs=4 * np.sqrt(0.307 * 0.693 / (photons + pions)))
