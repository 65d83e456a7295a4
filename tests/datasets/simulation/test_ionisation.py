"""Muons: which cells they cross, what they lose there, and where they stop."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from datasets.setups import load_setup
from datasets.simulation.ionisation import deposit_muons, track_media
from datasets.simulation.model import Particles
from datasets.simulation.stack import build_stack
from physics.ionisation import landau_width, most_probable_loss

SETUP = load_setup("na64e_2018")
STACK = build_stack(SETUP)
ECAL, VETO, HCAL = (STACK.columns[name] for name in ("ecal", "veto", "hcal"))
MUON = 13
DELTA_RAYS = 1.02  # knock-on electrons from the absorber


def particles(momentum: Any, n: int = 1, **where: Any) -> Particles:
    """Return muons straight through ECAL cell (2, 4) and the middles of three HCAL modules."""
    place = {"x": -373.0, "y": 30.0, "z": 18000.0, "slope_x": 0.0, "slope_y": 0.0, **where}
    values = (np.broadcast_to(np.asarray(v, dtype=float), n) for v in (momentum, *place.values()))
    return Particles(np.arange(n), np.full(n, MUON), *values)


def deposit(found: Particles, seed: int = 1) -> np.ndarray:
    cells = np.zeros((1 + int(found.primary.max(initial=-1)), STACK.n_cells))
    deposit_muons(found, STACK, np.random.default_rng(seed), cells)
    return cells


def mode(values: np.ndarray) -> float:
    """Return the most probable value: the top of a parabola through a histogram around its peak."""
    counts, edges = np.histogram(values, 60, (0.0, 3.0 * np.median(values)))
    peak = edges[counts.argmax()]
    counts, edges = np.histogram(values, 12, (0.85 * peak, 1.2 * peak))
    curve, slope, _ = np.polyfit(0.5 * (edges[1:] + edges[:-1]), counts, 2)
    return float(-0.5 * slope / curve)


@pytest.mark.parametrize(
    ("where", "ecal", "veto", "hcal"),
    [
        # (-373 + 360.3) / 38.2 + 3 = 2.67, (30 + 19.1) / 38.2 + 3 = 4.29: cell 6 x 2 + 4, and 36 further
        pytest.param({}, [16, 52], [3], [4, 13, 22], id="straight"),
        # the upper neighbour row of the HCAL: y = 100 is beyond 96; ECAL: (100 + 19.1) / 38.2 + 3 = 6.1 is
        # beside
        pytest.param({"y": 100.0}, [], [3], [5, 14, 23], id="beside-the-ecal"),
        # the zero-degree module, beside the others: (-55 + 354) / 194 + 1.5 = 3.04; the lower half of the
        # third panel
        pytest.param({"x": -55.0, "y": -10.0}, [], [4], [31], id="zero-degree-module"),
        pytest.param({"x": 2000.0}, [], [], [], id="beside-all"),
        # slope 0.05: x = -383 + 26.2 = -356.8, then -344.4: cells 3 and 3; veto: -329, HCAL: -288.2, -216.6,
        # -145, and -73.4 in the zero-degree module
        pytest.param({"x": -383.0, "slope_x": 0.05}, [22, 58], [3], [4, 16, 25, 31], id="slanted"),
        pytest.param({"z": 20600.0}, [], [], [13, 22], id="from-behind-the-first-module"),
    ],
)
def test_cells_on_the_way_by_hand(
    where: dict[str, float], ecal: list[int], veto: list[int], hcal: list[int]
) -> None:
    cells = deposit(particles(50.0, **where))[0]
    assert np.flatnonzero(cells[ECAL]).tolist() == ecal
    assert np.flatnonzero(cells[VETO]).tolist() == veto
    assert np.flatnonzero(cells[HCAL]).tolist() == hcal
    assert not cells[STACK.columns["srd"]].any()


@pytest.mark.parametrize(
    ("detector", "cell", "thickness"),
    [
        pytest.param("veto", 3, 50.0, id="veto"),
        pytest.param("ecal", 16, 16 * 1.5, id="preshower"),
        pytest.param("ecal", 52, 134 * 1.5, id="ecal-main"),
        pytest.param("hcal", 4, 48 * 4.0, id="hcal-module"),
    ],
)
def test_most_probable_losses(detector: str, cell: int, thickness: float) -> None:
    """A muon of 3 GeV crosses ECAL and first module; soft pairs add a few percent to what it ionises."""
    cells = deposit(particles(3.0, 20_000))[:, STACK.columns[detector]]
    plastic = STACK.volumes[0].active
    expected = DELTA_RAYS * most_probable_loss(plastic.z_over_a, plastic.density, thickness)
    assert 0.98 * expected < mode(cells[:, cell]) < 1.06 * expected


def test_the_veto_by_hand() -> None:
    """5 cm of plastic: about 10 MeV, as the setup says of its readout; the median is above the mode."""
    cells = deposit(particles(8.0, 20_000))[:, VETO]
    assert np.median(cells[:, 3]) == pytest.approx(0.010, rel=0.03)
    assert mode(cells[:, 3]) == pytest.approx(0.0093, rel=0.04)


def test_depth_shows_in_the_loss() -> None:
    """Half a module from its middle on: a little less than half of the loss."""
    module = SETUP.detectors["hcal"].sections[0]
    whole, half = (
        mode(deposit(particles(8.0, 10_000, z=z))[:, HCAL][:, 4])
        for z in (module.z, module.z + 0.5 * module.length)
    )
    assert half / whole == pytest.approx(0.5 - 0.5 * np.log(2.0) / 16.0, rel=0.05)


def test_radiative_tail() -> None:
    """
    How often a 100 GeV muon leaves more than 10 or 20 GeV in the ECAL.

    b L times the integral of 0.4 (4/3 (1 - v) + v^2) / v of bremsstrahlung and 0.6 v0 / (v (v0 + v)^2) of
    pairs, v0 = 0.002 (D. Groom et al., 2001; R. Kokoulin, A. Petrukhin, 1971); the tail of Landau's
    distribution, knock-on electrons, adds xi / loss, less the 2e-4 where it is cut.
    """
    n, fraction = 200_000, SETUP.detectors["ecal"].response.sampling_fraction
    seen = deposit(particles(100.0, n))[:, ECAL].sum(axis=1) / fraction
    plastic = STACK.volumes[0].active
    xi = DELTA_RAYS * landau_width(plastic.z_over_a, plastic.density, 134 * 1.5)
    strength = sum(track_media(STACK).radiation[v] * STACK.tables.length[v] for v in STACK.index("ecal"))
    for v in (0.1, 0.2):
        number = quad(
            lambda x: 0.4 * (4 / 3 * (1 - x) + x * x) / x + 0.6 * 0.002 / (x * (0.002 + x) ** 2), v, 1.0
        )[0]
        expected = strength * number + xi / (100.0 * v * fraction) - 2e-4
        ionisation = 0.45  # [GeV] that adds to what is radiated: the edge moves down by so much
        tolerance = 5 * np.sqrt(expected / n) + expected * 2.0 * ionisation / (100.0 * v)
        assert (seen > 100.0 * v).mean() == pytest.approx(expected, abs=tolerance)
        assert tolerance < 0.3 * expected


def test_radiation_grows_with_the_energy() -> None:
    means = [deposit(particles(e, 20_000))[:, ECAL].mean() for e in (5.0, 50.0, 160.0)]
    assert means[0] < means[1] < means[2]


@pytest.mark.parametrize(
    ("energy", "last"),
    [
        pytest.param(0.2, "ecal", id="in-the-ecal"),  # 450 mm of it take 0.33 GeV
        pytest.param(1.5, "hcal0", id="in-the-first-module"),  # 1392 mm of it take 1.5 GeV
        pytest.param(3.0, "hcal1", id="in-the-second-module"),
        pytest.param(20.0, "hcal2", id="passes-all"),
    ],
)
def test_slow_muons_stop(energy: float, last: str) -> None:
    cells = deposit(particles(energy, 500))
    has = {"ecal": cells[:, ECAL].any(axis=1), "veto": cells[:, VETO].any(axis=1)}
    has |= {f"hcal{k}": cells[:, HCAL][:, 9 * k : 9 * (k + 1)].any(axis=1) for k in range(3)}
    order = list(has)
    for name in order[: order.index(last) + 1]:
        assert has[name].mean() > 0.95  # a few radiate too much
    for name in order[order.index(last) + 1 :]:
        assert has[name].mean() < 0.01


def test_a_stopping_muon_leaves_no_more_than_it_has() -> None:
    """0.3 GeV into an HCAL module that takes 1.5 GeV to cross: a fifth of the usual loss."""
    module = SETUP.detectors["hcal"].sections[0]
    slow, fast = (np.median(deposit(particles(e, 5000, z=module.z))[:, HCAL][:, 4]) for e in (0.3, 8.0))
    share = 0.3 / (STACK.tables.ionisation[STACK.index("hcal")[0]] * module.length)
    assert 0.15 < share < 0.25
    assert slow / fast == pytest.approx(share, rel=0.15)


def test_a_seed_gives_the_same_tracks() -> None:
    one, same, other = (deposit(particles(20.0, 50), seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_muons_of_one_primary_add_up() -> None:
    start = particles(20.0, 10)
    together = deposit(start._replace(primary=np.zeros(10, dtype=np.int64)))
    assert together[0] == pytest.approx(deposit(start).sum(axis=0))
