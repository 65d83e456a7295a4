"""Muons through both spectrometers and all calorimeters."""

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.beam import sample_beam
from datasets.simulation.focus import trace
from datasets.simulation.generator import Block, simulate_block
from datasets.simulation.hadronic import cross_hadrons
from datasets.simulation.ionisation import deposit_muons
from datasets.simulation.knock_on import displace_hits
from datasets.simulation.model import Hits, Particles
from datasets.simulation.muon_tracks import cross_muons
from datasets.simulation.plan import plan
from datasets.simulation.stack import build_stack
from datasets.simulation.stretches import stretches_of
from physics.scattering import scattering_angle

SETUP = load_setup("na64mu_2022")
STACK = build_stack(SETUP)
NEAR, FAR = stretches_of(STACK, SETUP)
N = 2000


def beam(pdg: int = 13, momentum: float = 160.0, n: int = N) -> Particles:
    one = np.ones(n)
    place = (-235.4 * one, 0 * one, 59_900.0 * one, 0 * one, 0 * one)
    return Particles(np.arange(n), np.full(n, pdg), momentum * one, *place)


@pytest.fixture(scope="module")
def muons() -> Block:
    return simulate_block(plan(SETUP, "beam_muon", has_pile_up=False), 0)


def test_magnet_parts_the_volumes() -> None:
    assert [v.section.name for v in NEAR.volumes] == [
        "s0",
        "s1",
        "v0",
        "main",
        "veto0",
        "veto1",
        "veto2",
        "vhcal0",
    ]
    assert [v.section.name for v in FAR.volumes] == ["hcal0", "hcal1", "s4", "smu"]
    electrons = load_setup("na64e_2022")
    assert len(stretches_of(build_stack(electrons), electrons)) == 1


def test_optics_bring_all_momenta_to_the_target() -> None:
    rng = np.random.default_rng(1)
    p = sample_beam(SETUP, N, rng, pile_up=False)
    tracks = np.stack([p.x, p.y, p.slope_x, p.slope_y], axis=1)
    there = trace(SETUP, tracks, p.momentum, np.full(N, -1.0), (p.z[0], 60_000.0))
    assert there[:, 0].mean() == pytest.approx(-235.4, abs=1.0)
    assert there[:, :2].std(axis=0) == pytest.approx([9.0, 19.0], rel=0.06)
    assert abs(np.corrcoef(there[:, 0], p.momentum)[0, 1]) < 0.08  # no dispersion
    assert np.corrcoef(p.slope_x, p.momentum)[0, 1] > 0.9  # since the beam came with it


def test_muons_scatter_in_the_target_as_highland_says() -> None:
    deposits = np.zeros((N, STACK.n_cells))
    out, _ = cross_muons(beam(), NEAR, np.random.default_rng(2), deposits)
    depth = sum(
        v.length / v.material.radiation_length for v in NEAR.volumes if v.section.name in ("main", "veto1")
    )
    width = float(scattering_angle(160.0, depth))
    central = np.percentile(out.slope_x, 84) - np.percentile(out.slope_x, 16)
    assert central / 2 == pytest.approx(width, rel=0.06)
    assert np.corrcoef(out.x, out.slope_x)[0, 1] > 0.8


def test_energy_that_muons_radiate_is_in_showers_or_cells() -> None:
    """Ionisation takes half a GeV in 450 mm of lead and plastic."""
    deposits = np.zeros((N, STACK.n_cells))
    out, showers = cross_muons(beam(), NEAR, np.random.default_rng(3), deposits)
    lost = 160.0 - out.momentum
    radiated = np.bincount(showers.primary, showers.momentum, minlength=N)
    assert (showers.momentum > 1.0).all()
    assert (lost >= radiated - 1e-9).all()
    assert np.median(lost) == pytest.approx(0.55, abs=0.2)
    assert np.isin(showers.pdg, (11, 22)).all()


def test_muons_that_go_on_leave_what_muons_that_end_there_leave() -> None:
    """Two ways of flying through the same matter, one spectrum of losses."""
    left, passed = np.zeros((N, STACK.n_cells)), np.zeros((N, STACK.n_cells))
    deposit_muons(beam(), NEAR, np.random.default_rng(5), left)
    _, showers = cross_muons(beam(), NEAR, np.random.default_rng(6), passed)
    visible = next(v.em_fraction for v in NEAR.volumes if v.section.name == "main")
    ours, theirs = (found[:, STACK.columns["ecal"]].sum(axis=1) for found in (passed, left))
    ours += visible * np.bincount(
        showers.primary, showers.momentum, minlength=N
    )  # they have cells of their own
    assert np.percentile(ours, [25, 50, 75]) == pytest.approx(np.percentile(theirs, [25, 50, 75]), rel=0.06)
    assert np.percentile(ours, 95) == pytest.approx(np.percentile(theirs, 95), rel=0.2)


def test_hadrons_that_do_not_interact_go_on_as_they_came() -> None:
    deposits = np.zeros((N, STACK.n_cells))
    out = cross_hadrons(beam(-211), NEAR, np.random.default_rng(4), deposits)
    whole = out.momentum > 158.0
    length = sum(
        v.length / v.material.pion_interaction_length
        for v in NEAR.volumes
        if v.section.name in ("main", "veto1")
    )
    assert np.count_nonzero(whole) / N == pytest.approx(np.exp(-length), abs=0.04)
    assert (out.pdg[whole] == -211).all()
    assert (out.momentum > 0).all()


def test_beam_muons_leave_hits_in_both_spectrometers_and_one_mip(muons: Block) -> None:
    per_plane = np.bincount(muons.hits.plane, minlength=19) / muons.n_events
    assert (per_plane > 0.85).all()
    hcal = muons.merged.energy[:, muons.cells["hcal"]].sum(axis=1) / 0.024
    ecal = muons.merged.energy[:, muons.cells["ecal"]].sum(axis=1) / 0.1056
    assert np.median(hcal) == pytest.approx(4.9, abs=0.5)
    assert np.median(ecal) == pytest.approx(0.6, abs=0.15)


def test_signal_muons_fire_the_trigger_that_beam_muons_miss(muons: Block) -> None:
    block = simulate_block(plan(SETUP, "z_prime", has_pile_up=False, trigger="physics"), 0)
    attempts = int(block.columns["attempt"][-1])
    assert 0.15 < block.n_events / attempts < 0.5
    counters = muons.merged.energy[:, muons.cells["counters"]]
    assert np.count_nonzero((counters[:, [2, 3]] > 0.00135).all(axis=1)) <= 5
    assert (block.columns["truth_missing_energy"] > 0).all()


def test_knock_ons_displace_a_share_of_the_hits() -> None:
    planes = [p for s in SETUP.spectrometers.values() for p in s.planes]
    plane = np.repeat(np.arange(len(planes)), 3000)
    hits = Hits(np.zeros(len(plane), np.int64), plane, np.zeros(len(plane)), np.zeros(len(plane)))
    moved = displace_hits(hits, SETUP, np.random.default_rng(5))
    distance = np.hypot(moved.x, moved.y)
    gem = plane == [p.name for p in planes].index("GEM1")
    assert np.count_nonzero(distance[gem]) / 3000 == pytest.approx(0.03, abs=0.01)
    assert distance[gem][distance[gem] > 0].mean() == pytest.approx(0.5, rel=0.3)
    assert (distance[plane == 0] == 0).all()  # hodoscopes have none
