"""The SRD: photons in the modules that they fly to, and hadrons that look like electrons."""

from typing import Any

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.model import Particles
from datasets.simulation.srd import deposit_srd_mistags, deposit_synchrotron
from datasets.simulation.stack import Stack, build_stack

SETUP, STACK = (load_setup("na64e_2018"), build_stack(load_setup("na64e_2018")))
OPEN = build_stack(load_setup("geant4_sample"))  # whose counters are not shielded from photons
SRD, VETO, HCAL = (STACK.columns[name] for name in ("srd", "veto", "hcal"))
MODULE = int(STACK.index("srd")[0])
PHOTON, PION, MUON = 22, -211, 13
BESIDE = -330.0  # [mm] where the beam passes the modules


def particles(pdg: int, momentum: Any, n: int = 1, **where: Any) -> Particles:
    """Return particles 10 mm in front of the first module, in its middle, unless told otherwise."""
    place = {"x": -65.0, "y": 0.0, "z": 15990.0, "slope_x": 0.0, "slope_y": 0.0, **where}
    values = (np.broadcast_to(np.asarray(v, dtype=float), n) for v in (momentum, *place.values()))
    return Particles(np.arange(n), np.full(n, pdg), *values)


def absorb(found: Particles, stack: Stack = STACK, seed: int = 1) -> np.ndarray:
    cells = np.zeros((1 + int(found.primary.max(initial=-1)), stack.n_cells))
    deposit_synchrotron(found, stack, np.random.default_rng(seed), cells)
    return cells


def mistag(found: Particles, seed: int = 1) -> np.ndarray:
    cells = np.zeros((len(found.pdg), STACK.n_cells))
    deposit_srd_mistags(found, STACK, np.random.default_rng(seed), cells)
    return cells


@pytest.mark.parametrize(
    ("where", "module"),
    [
        pytest.param({"x": -26.0}, 0, id="edge-of-the-first"),
        pytest.param({"x": -104.0}, 0, id="other-edge-of-the-first"),
        pytest.param({"x": -106.0, "y": 29.0}, 1, id="second"),
        pytest.param({"x": -225.0, "y": -29.0}, 2, id="third"),
        pytest.param({"x": 0.0, "z": 10_000.0, "slope_x": -0.025}, 1, id="flies-150-mm"),
        pytest.param({"x": -24.0}, None, id="beside"),
        pytest.param({"x": -266.0}, None, id="between-srd-and-beam"),
        pytest.param({"x": -90.0, "y": 31.0}, None, id="above"),
        pytest.param({"x": -90.0, "z": 16001.0}, None, id="made-behind-the-front"),
    ],
)
def test_photons_land_where_they_fly_to(where: dict[str, float], module: int | None) -> None:
    found = absorb(particles(PHOTON, 0.01, 50, **where))[:, SRD]
    assert np.flatnonzero(found.any(axis=0)).tolist() == ([] if module is None else [module])
    if module is not None:
        assert (found[:, module] > 0).mean() > 0.9


def test_absorption_in_a_module() -> None:
    """exp(-depth / 0.9) of the photons fly through 5.8 X0; 0.65 of the energy stays in the module."""
    n = 50_000
    depth = STACK.tables.length[MODULE] / STACK.tables.radiation_length[MODULE] / 0.9
    visible = absorb(particles(PHOTON, 0.02, n))[:, SRD][:, 0]
    through = np.exp(-depth)
    assert (visible == 0).mean() == pytest.approx(through, abs=5 * np.sqrt(through / n))
    kept = 0.65 * (1 - through - depth * through)  # of those absorbed at t, 1 - exp(t - depth)
    mean = 0.02 * STACK.volumes[MODULE].em_fraction * kept
    assert visible.mean() == pytest.approx(mean, rel=0.02)


def test_the_mean_is_proportional_to_the_energy_and_its_spread_to_the_root() -> None:
    """Of the visible energy; photons below 0.3 MeV end in the lead."""
    means = [absorb(particles(PHOTON, e, 20_000))[:, SRD].mean() / e for e in (0.002, 0.02)]
    assert means[0] == pytest.approx(means[1], rel=0.02)
    spreads = []
    for energy in (0.001, 0.1):
        visible = absorb(particles(PHOTON, energy, 20_000))[:, SRD][:, 0]
        spreads.append(visible.std() / visible.mean())
    assert spreads[0] > 1.5 * spreads[1]
    assert not absorb(particles(PHOTON, 0.29e-3, 500))[:, SRD].any()
    assert absorb(particles(PHOTON, 0.31e-3, 500))[:, SRD].any()


def test_shielded_counters_see_no_synchrotron_photons() -> None:
    """Beside the SRD and the target, at x = -600: the first panel of the veto, or nothing until the HCAL."""
    start = particles(PHOTON, 0.002, 20_000, x=-600.0)
    assert SETUP.detectors["veto"].is_shielded
    assert not absorb(start)[:, VETO].any()
    panel = absorb(start, OPEN)[:, OPEN.columns["veto"]]
    assert panel[:, 1:].sum() == 0.0
    seen = 1 - np.exp(-50.0 / 170.0)  # a Compton electron in 5 cm of plastic
    assert (panel[:, 0] > 0).mean() == pytest.approx(seen, abs=5 * np.sqrt(0.25 / 20_000))
    assert panel[:, 0].sum() / 20_000 == pytest.approx(0.5 * 0.002 * seen, rel=0.05)
    assert panel.max() < 0.002


def test_photons_of_one_primary_add_up() -> None:
    start = particles(PHOTON, 0.01, 40)
    together = absorb(start._replace(primary=np.zeros(40, dtype=np.int64)))
    assert together[0] == pytest.approx(absorb(start).sum(axis=0))
    assert not absorb(Particles.empty()).any()


def test_hadrons_that_pass_beside_are_mistagged_at_the_per_cent_level() -> None:
    """2.1% leave something, 1% more than an MeV; in all modules at once some 1e-4."""
    n = 100_000
    found = mistag(particles(PION, 100.0, n, x=BESIDE))
    seen = found[:, SRD] > 0
    assert seen.any(axis=1).mean() == pytest.approx(0.021, abs=5 * np.sqrt(0.021 / n))
    assert seen.all(axis=1).mean() == pytest.approx(0.021 * 0.033, abs=5 * np.sqrt(7e-4 / n))
    above = found[:, SRD] > 1e-3
    assert 0.005 < above.any(axis=1).mean() < 0.02
    assert above.all(axis=1).mean() < 5e-4
    assert found[:, SRD][seen].mean() == pytest.approx(1.4e-3, rel=0.08)
    alone = found[:, SRD][seen.sum(axis=1) == 1].sum(axis=0)
    assert alone == pytest.approx(alone.mean(), rel=0.25)  # each module as often as the others
    assert not np.delete(found, np.arange(SRD.start, SRD.stop), axis=1).any()


def test_muons_beside_leave_nothing_and_do_not_splash() -> None:
    for pdg in (MUON, -MUON):
        assert not mistag(particles(pdg, 100.0, 5000, x=BESIDE)).any()


def test_muons_through_a_module_ionise_it() -> None:
    """35 cm of plastic: 71 MeV most probable."""
    found = mistag(particles(MUON, 100.0, 2000, x=-145.0))[:, SRD]
    assert (found[:, [0, 2]] == 0).all()
    assert 0.071 < np.median(found[:, 1]) < 0.080


def test_a_slanted_particle_is_where_its_way_crosses_the_middle() -> None:
    """Slope -0.1 over 10 + 189 mm: from -90 to -109.9, the second module."""
    found = mistag(particles(MUON, 100.0, x=-90.0, slope_x=-0.1))[0, SRD]
    assert np.flatnonzero(found).tolist() == [1]


def test_deposits_belong_to_their_primary() -> None:
    start = particles(MUON, 100.0, 3, x=np.array([-65.0, BESIDE, -225.0]))
    found = mistag(start._replace(primary=np.array([2, 0, 1])))[:, SRD]
    assert (found > 0).tolist() == [[False, False, False], [False, False, True], [True, False, False]]
