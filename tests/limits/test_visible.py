"""Visible decays: yields against lengths by hand and drawn decays, targets and efficiencies."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.model import Particles
from datasets.simulation.processes.dark_photon import bremsstrahlung_rate, radiate
from datasets.simulation.stack import build_stack
from limits.model import ModelError
from limits.visible import DecayEfficiency, dense_target, visible_yield
from physics.visible_decays import decay_lengths

WCAL_2017 = dense_target(load_setup("na64vis_2017"))


def test_decays_between_two_walls() -> None:
    """A long-lived boson decays in proportion to the volume; a short-lived one falls with the way to it."""
    twice = replace(WCAL_2017, to_end=2 * WCAL_2017.to_end - WCAL_2017.to_veto)
    assert visible_yield(twice, 0.002, 1e-5) == pytest.approx(
        2 * visible_yield(WCAL_2017, 0.002, 1e-5), rel=0.01
    )
    longer = replace(WCAL_2017, to_veto=WCAL_2017.to_veto + 50.0, to_end=WCAL_2017.to_end + 50.0)
    epsilon = 6e-4
    at_most = np.exp(-50.0 / decay_lengths(0.0167, epsilon, 100.0))
    assert 0 < visible_yield(longer, 0.0167, epsilon) < at_most * visible_yield(WCAL_2017, 0.0167, epsilon)


@pytest.mark.parametrize(("name", "epsilon"), [("na64vis_2017", 3e-4), ("na64vis_2018", 1e-4)])
def test_yield_is_that_of_simulated_decays(name: str, epsilon: float) -> None:
    """A' of the simulation's shower that decay between the back of V2 and S4, above the missing energy."""
    setup, n, mass = load_setup(name), 100_000, 0.0167
    target, stack, rng = dense_target(setup), build_stack(setup), np.random.default_rng(3)
    front = stack.target.sections[0]
    beam = Particles(
        np.arange(n), np.full(n, 11), np.full(n, target.beam), np.full(n, front.centre[0]),
        np.full(n, front.centre[1]), np.full(n, front.z), np.zeros(n), np.zeros(n),
    )  # fmt: skip
    parameters = {"mass": mass, "epsilon": epsilon}
    _, dark = radiate(beam, stack, parameters, rng)
    place = dark.z + rng.exponential(decay_lengths(mass, epsilon, dark.momentum))
    veto, counter = (setup.detectors[detector].sections[0] for detector in ("v2", "s4"))
    is_seen = (place > veto.z + veto.length) & (place < counter.z) & (dark.momentum > target.least)
    made = bremsstrahlung_rate(setup, parameters).value
    assert visible_yield(target, mass, epsilon) == pytest.approx(made * is_seen.mean(), rel=0.05)


def test_target_of_a_setup() -> None:
    assert WCAL_2017.to_veto == pytest.approx(254.0)
    assert 46 * 5.0 / WCAL_2017.radiation_length == pytest.approx(40.0, abs=0.5)  # [X0]
    assert WCAL_2017.least == 30.0
    with pytest.raises(ModelError, match="na64e_2018 has no wcal, v2, s4"):
        dense_target(load_setup("na64e_2018"))


def test_efficiency_between_masses_and_couplings() -> None:
    found = DecayEfficiency(points=((0.01, 1e-4, 0.8), (0.01, 1e-2, 0.4), (0.001, 1e-3, 0.2)))
    assert found.at(0.01, 1e-3) == pytest.approx(0.6)
    assert found.at(np.sqrt(1e-5), 1e-3) == pytest.approx(0.4)
    assert found.at(0.1, 1e-6) == pytest.approx(0.8)
