"""The whole way of beam particles: counters, tags, processes, and what pile-up does not undergo."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.beam import sample_beam
from datasets.simulation.flight import Flight, Stage, fly
from datasets.simulation.model import Particles, Primaries, Shower
from datasets.simulation.process import Process, Yield
from datasets.simulation.processes import PROCESSES
from datasets.simulation.stack import Stack, build_stack
from recon.geometry import Counter, Setup, Trigger

SETUP = load_setup("na64e_2018")
STACK = build_stack(SETUP)
SRD, ECAL, VETO, HCAL = (STACK.columns[name] for name in ("srd", "ecal", "veto", "hcal"))


def swallow(
    particles: Particles, stack: Stack, parameters: Mapping[str, float], rng: np.random.Generator
) -> Shower:
    """Let a fixed energy vanish with the particle."""
    del stack, rng
    return Shower(Particles.empty(), np.full(len(particles.pdg), parameters["lost"]))


def turn_to_kaon(
    particles: Particles, setup: Setup, parameters: Mapping[str, float], rng: np.random.Generator
) -> Shower:
    """Let a particle become a neutral kaon that flies on as it did."""
    del setup, parameters, rng
    n = len(particles.pdg)
    return Shower(particles._replace(pdg=np.full(n, 130)), np.full(n, 7.0))


SWALLOW = Process(
    name="swallow",
    code=90,
    title="all is gone in the target",
    source="made up",
    rate=lambda *_: Yield(1.0, "made up"),
    target=swallow,
)
KAON = Process(
    name="kaon",
    code=91,
    title="a neutral kaon from behind the magnets",
    source="made up",
    rate=lambda *_: Yield(1.0, "made up"),
    place=lambda particles, *_: np.full(len(particles.pdg), 10_000.0),
    upstream=turn_to_kaon,
)


def run(
    primaries: Primaries,
    *processes: Process,
    setup: Setup = SETUP,
    process: np.ndarray | None = None,
    seed: int = 1,
) -> Flight:
    kinds = processes or (PROCESSES["electron"],)
    stage = Stage(setup, build_stack(setup), kinds, tuple({"lost": 60.0} for _ in kinds))
    chosen = np.zeros(primaries.event.max() + 1, dtype=np.int64) if process is None else process
    return fly(stage, primaries, chosen, np.random.default_rng(seed))


def beam(
    n: int = 500, setup: Setup = SETUP, seed: int = 1, *, particle: str = "beam", pile_up: bool = False
) -> Primaries:
    return sample_beam(setup, n, np.random.default_rng(seed), particle=particle, pile_up=pile_up)


def test_electrons_shower_in_the_ecal_and_radiate_into_the_srd() -> None:
    flight = run(beam())
    energy = flight.visible[:, ECAL].sum(axis=1) / 0.1056
    assert np.median(energy) == pytest.approx(100.0, rel=0.02)
    tagged = flight.visible[:, SRD] > 1e-3
    assert tagged.any(axis=1).mean() > 0.99
    assert tagged.mean() > 0.85
    assert not flight.missing.any()
    assert np.bincount(flight.hits.plane, minlength=4) / 500 == pytest.approx(0.97, abs=0.05)


def test_hadrons_are_seldom_taken_for_electrons() -> None:
    """About 1% leave more than an MeV in a module; four of a thousand electrons leave it in none."""
    flight = run(beam(4000, particle="pi-"), PROCESSES["hadron"])
    tagged = flight.visible[:, SRD] > 1e-3
    assert 0.004 < tagged.any(axis=1).mean() < 0.02
    assert tagged.all(axis=1).mean() < 2e-3
    assert flight.visible[:, HCAL].any(axis=1).mean() > 0.5


def test_muons_cross_everything() -> None:
    flight = run(beam(300, particle="mu-"), PROCESSES["muon"])
    for cells in (ECAL, VETO, HCAL):
        assert flight.visible[:, cells].any(axis=1).mean() > 0.98
    assert not flight.visible[:, SRD].any()


@pytest.mark.parametrize(
    ("counter", "fires"),
    [
        pytest.param(
            Counter(name="S3", z=18400.0, centre=(-339.2, 0.0), size=(50.0, 50.0)), True, id="on-axis"
        ),
        pytest.param(
            Counter(name="S3", z=18400.0, centre=(-239.2, 0.0), size=(50.0, 50.0)), False, id="aside"
        ),
        pytest.param(
            Counter(name="S3", z=18400.0, centre=(-339.2, 60.0), size=(50.0, 50.0)), False, id="above"
        ),
    ],
)
def test_a_particle_fires_the_counter_that_it_crosses(counter: Counter, fires: bool) -> None:
    setup = replace(SETUP, trigger=Trigger(counters=(counter,)))
    assert run(beam(200), setup=setup).counted.mean() == pytest.approx(float(fires), abs=0.06)


def test_all_counters_must_fire() -> None:
    on, off = (Counter(name=f"S{x:g}", z=18400.0, centre=(x, 0.0), size=(60.0, 60.0)) for x in (-339.2, 0.0))
    assert not run(beam(100), setup=replace(SETUP, trigger=Trigger(counters=(on, off)))).counted.any()
    assert run(beam(100), setup=replace(SETUP, trigger=Trigger())).counted.all()


def test_an_off_axis_particle_misses_the_trigger_counter() -> None:
    """The counter is 50 mm wide: 35 mm beside the axis is beside it. A slow electron bends past it, too."""
    start = beam(400)
    moved = run(start._replace(y=start.y + 35.0)).counted
    slow = run(start._replace(momentum=np.full(400, 70.0))).counted
    assert run(start).counted.mean() > 0.95
    assert moved.mean() < 0.05
    assert slow.mean() < 0.05


def test_neutral_particles_fire_no_counter() -> None:
    """The kaon of an upstream process leaves it silent, without photons in the tag or hits behind it."""
    flight = run(beam(200), KAON)
    assert not flight.counted.any()
    assert flight.missing == pytest.approx(7.0)
    planes = np.bincount(flight.hits.plane, minlength=4)
    assert planes[:2].min() > 180
    assert planes[2:].tolist() == [0, 0]
    assert (flight.visible[:, SRD] > 1e-3).any(axis=1).mean() > 0.98  # the electron radiated before
    assert (flight.visible[:, ECAL].sum(axis=1) / 0.1056).mean() < 90.0


def test_what_is_made_behind_a_counter_does_not_fire_it() -> None:
    """A neutral kaon becomes a pion 50 mm in front of the counter at 18400 mm, or behind it."""
    start = beam(50)
    start = start._replace(pdg=np.full(50, 130), x=start.x - 339.2)
    for z, fires in ((18350.0, 1.0), (18450.0, 0.0)):
        kind = replace(
            KAON,
            place=lambda particles, *_, z=z: np.full(len(particles.pdg), z),
            upstream=lambda particles, *_: Shower(
                particles._replace(pdg=np.full(len(particles.pdg), -211)), np.zeros(len(particles.pdg))
            ),
        )
        assert run(start, kind).counted.mean() == pytest.approx(fires, abs=0.05)


def test_a_process_in_the_target_takes_the_electron() -> None:
    flight = run(beam(300), SWALLOW)
    taken = flight.missing == 60.0
    assert taken.mean() > 0.95
    assert set(np.unique(flight.missing)) <= {0.0, 60.0}
    energy = flight.visible[taken][:, ECAL].sum(axis=1) / 0.1056
    assert np.median(energy) < 0.5  # but for photons radiated on the way
    assert flight.counted.mean() > 0.9  # it passed the counter before


def test_each_event_has_its_own_process() -> None:
    process = np.arange(300) % 2
    flight = run(beam(300), PROCESSES["electron"], SWALLOW, process=process)
    assert not flight.missing[::2].any()
    assert (flight.missing[1::2] == 60.0).mean() > 0.95


def test_pile_up_undergoes_no_process() -> None:
    """At ten times the intensity: only trigger particles vanish."""
    setup = replace(SETUP, beam=replace(SETUP.beam, intensity=5e7, contamination={}, halo=0.0))
    primaries = beam(100, setup, pile_up=True)
    others = ~primaries.is_trigger
    assert others.sum() > 200
    for kind in (SWALLOW, KAON):
        flight = run(primaries, kind, setup=setup)
        assert not flight.missing[others].any()
        assert (flight.missing[~others] > 0).mean() > 0.9
        energy = flight.visible[others][:, ECAL].sum(axis=1) / 0.1056
        assert np.median(energy) == pytest.approx(100.0, rel=0.03)


def test_a_seed_gives_the_same_flight() -> None:
    primaries = beam(50, pile_up=True)
    one, same, other = (run(primaries, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.visible, same.visible)
    assert np.array_equal(one.hits.x, same.hits.x)
    assert not np.array_equal(one.visible, other.visible)
