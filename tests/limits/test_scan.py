"""Points of a curve: closed formulas, scaling, decays, and what does not matter."""

from dataclasses import replace

import numpy as np
import pytest

from limits.model import ModelError
from limits.run_input import BinnedBackground, Efficiency, RunInput
from limits.scan import Problem, channels_of, limit_point, project, seed_of
from limits.signal import MODELS, Settings, expected_events
from limits.yields import bremsstrahlung_yield, muon_yield
from physics.boson_decays import b_minus_l_invisible_share, epsilon_of_coupling, l_mu_tau_epsilon

PLAIN = Settings(with_resonance=False)
MASS = 0.02


def problem(*runs: RunInput, model: str = "invisible", **changes: object) -> Problem:
    settings = {"settings": PLAIN, "yield_error": 0.0, "n_toys": 2000} | changes
    return Problem(runs=runs, model=MODELS[model], **settings)  # type: ignore[arg-type]


def test_an_empty_box_excludes_what_makes_2_30_events(run_2016: RunInput) -> None:
    point = limit_point(problem(run_2016), MASS)
    made = bremsstrahlung_yield(run_2016.beam.nuclei, 100.0, MASS, 50.0).total
    assert point.events == pytest.approx(np.log(10), rel=1e-4)
    assert point.observed == pytest.approx(np.sqrt(np.log(10) / (1e10 * 0.5 * made)), rel=1e-4)
    assert point.observed == point.best
    assert point.track_length == pytest.approx(0.80, abs=0.02)


def test_limit_falls_with_the_root_of_the_exposure_without_background(run_2016: RunInput) -> None:
    rows = np.array(project(problem(run_2016), MASS, [1.0, 100.0]))
    assert rows[:, 2] == pytest.approx(rows[0, 2] * np.sqrt(rows[0, 0] / rows[:, 0]), rel=1e-6)
    with_background = replace(run_2016, background=BinnedBackground(values=(1.0,)))
    slower = np.array(project(problem(with_background), MASS, [1.0, 100.0]))
    assert slower[1, 1] / slower[0, 1] > 1.5 * slower[1, 2] / slower[0, 2]  # as the fourth root in the end


def test_runs_and_bins_of_one_exposure_are_as_one(run_2016: RunInput) -> None:
    whole = limit_point(problem(run_2016), MASS).observed
    halves = [replace(run_2016, name=name, exposure=5e9) for name in ("one", "two")]
    bins = replace(
        run_2016,
        radiated=Efficiency(masses=(0.001, 1.0), values=((0.2, 0.3), (0.2, 0.3)), errors=(0.0, 0.0)),
        background=BinnedBackground(values=(0.0, 0.0)),
        observed=(0, 0),
    )
    for runs in (halves, [bins]):
        found = problem(*runs, n_toys=20_000)
        assert limit_point(found, MASS).observed == pytest.approx(whole, rel=0.01)
    assert [c.name for c in channels_of(problem(bins), MASS, 1e-4)] == ["one_0", "one_1"]


def test_seeds_belong_to_masses() -> None:
    assert seed_of(1, 0.1) == seed_of(1, 0.1 * (1 + 1e-15))
    assert len({seed_of(1, 0.1), seed_of(1, 0.2), seed_of(2, 0.1)}) == 3


def test_b_minus_l_is_lost_where_its_pairs_are_seen(run_2016: RunInput) -> None:
    """A tiny coupling decays behind everything; a large one leaves neutrinos alone."""
    model = MODELS["b-l"]
    kept = []
    for coupling in (1e-9, 1e-2):
        as_photon = expected_events(run_2016, MODELS["invisible"], PLAIN, MASS, epsilon_of_coupling(coupling))
        kept.append(float(expected_events(run_2016, model, PLAIN, MASS, coupling)[0] / as_photon[0]))
    assert kept == pytest.approx([1.0, b_minus_l_invisible_share(MASS)], rel=1e-6)
    point = limit_point(problem(run_2016, model="b-l"), MASS)
    at_limit = float(expected_events(run_2016, model, PLAIN, MASS, point.best)[0])
    assert at_limit == pytest.approx(np.log(10), rel=2e-3)


def test_l_mu_tau_mixes_by_its_loop_or_is_radiated_by_muons(run_2016: RunInput) -> None:
    model, g = MODELS["lmu-ltau"], 1e-3
    found = expected_events(run_2016, model, PLAIN, MASS, g)
    dark = expected_events(run_2016, MODELS["invisible"], PLAIN, MASS, l_mu_tau_epsilon(g))
    assert found == pytest.approx(dark)
    beam = run_2016.beam._replace(particle="mu-", energy=160.0)
    muons = replace(run_2016, beam=beam, least=80.0)
    made = muon_yield(beam.nuclei, 160.0, MASS, 80.0, beam.thickness)
    assert expected_events(muons, model, PLAIN, MASS, g)[0] == pytest.approx(1e10 * 0.5 * made * g**2)
    with pytest.raises(ModelError, match="a beam of mu-, and model 'invisible' is for e-, e"):
        expected_events(muons, MODELS["invisible"], PLAIN, MASS, g)


@pytest.mark.parametrize(("mass", "is_there"), [(0.22, False), (0.25, True), (0.33, False)])
def test_positrons_add_to_the_signal_near_the_resonance(
    run_2016: RunInput, mass: float, is_there: bool
) -> None:
    narrow = Settings(alpha_d=1e-4)
    with_it, without = (limit_point(problem(run_2016, settings=s), mass) for s in (narrow, PLAIN))
    assert (with_it.resonant > 0.05) is is_there
    assert with_it.best <= without.best
    assert (with_it.best < 0.97 * without.best) is is_there


def test_masses_that_were_not_simulated_are_refused(run_2016: RunInput) -> None:
    few = Efficiency(masses=(0.01, 0.1), values=((0.4,), (0.6,)), errors=(0.1, 0.1))
    assert few.at(np.sqrt(0.01 * 0.1))[0] == pytest.approx([0.5])
    with pytest.raises(ModelError, match="from 10 to 100 MeV, and the grid asks for 200 MeV"):
        limit_point(problem(replace(run_2016, radiated=few)), 0.2)
    assert replace(few, is_extrapolated=True).at(0.2)[0] == pytest.approx([0.6])
    with pytest.raises(ModelError, match=r"from 0.001 to 1 GeV"):
        limit_point(problem(replace(run_2016, radiated=replace(few, is_extrapolated=True))), 2.0)


def test_resonant_production_has_its_own_efficiency_where_it_was_simulated(run_2016: RunInput) -> None:
    own = Efficiency(masses=(0.24, 0.26), values=((0.25,), (0.25,)), errors=(0.0, 0.0))
    run = replace(run_2016, resonant=own)
    for mass, ratio in ((0.25, 0.5), (0.27, 1.0)):
        plain = expected_events(run_2016, MODELS["invisible"], PLAIN, mass, 1e-4)
        with_own, with_its = (
            expected_events(r, MODELS["invisible"], Settings(), mass, 1e-4) - plain for r in (run, run_2016)
        )
        assert with_own == pytest.approx(ratio * with_its)
