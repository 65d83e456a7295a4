"""Showers followed particle by particle, against sums that are known and integrals of the spectra."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.integrate import quad

from physics.shower_tracks import electron_track_lengths, secondary_positron_track_density
from physics.shower_transport import (
    BEAM,
    ELECTRON,
    LPM,
    POSITRON,
    Medium,
    Tracks,
    energy_edges,
    follow_showers,
    pair_density,
    radiation_density,
)
from physics.shower_transport import _suppression as suppression

LEAD = Medium(z=82.0, loss=7.43e-3, electrons=1.518e24, lpm=LPM * 5.612)
BARE = Medium(z=82.0, loss=0.0, electrons=0.0)  # bremsstrahlung and pairs alone
Floats = npt.NDArray[np.float64]
DEPTHS = np.arange(0.0, 41.0)


def follow(
    medium: Medium,
    energy: float,
    least: float,
    n: int,
    depths: Floats = DEPTHS,
    *,
    is_positron: bool = False,
) -> Tracks:
    rng = np.random.default_rng(1)
    return follow_showers(
        medium, energy, n, rng, energy_edges(energy, least), depths, is_positron=is_positron
    )


@pytest.mark.parametrize("is_positron", [False, True])
@pytest.mark.parametrize("depths", [DEPTHS, np.array([0.0, 3.0])])
def test_energy_is_lost_left_or_behind(depths: Floats, is_positron: bool) -> None:
    found = follow(LEAD, 20.0, 0.1, 50, depths, is_positron=is_positron)
    assert found.energies.sum() == pytest.approx(20.0 * 50, rel=1e-9)
    assert (found.energies[2] > 10.0 * 50) == (len(depths) == 2)


@pytest.mark.parametrize("least", [0.05, 1.0, 5.0, 49.9, 60.0])
def test_edges_rise_to_the_beam_and_hold_its_half(least: float) -> None:
    edges = energy_edges(100.0, least)
    assert (edges[0], edges[-1], len(edges)) == (least, 100.0, 61)
    assert (np.diff(edges) > 0).all()
    assert (50.0 in edges) == (least < 50.0)


def test_energy_lost_is_that_of_the_tracks() -> None:
    """Ionisation, and photons below a thousandth of the least energy, per track length."""
    found = follow(LEAD, 20.0, 0.1, 100)
    soft = found.energies[0] / found.lengths.sum() - LEAD.loss
    assert 1.3e-4 < soft < 1.5e-4  # 4/3 + 1/9L of 0.1 MeV


@pytest.fixture(scope="module")
def of_10_tev() -> Tracks:
    return follow(BARE, 1e4, 10.0, 3000)


@pytest.mark.parametrize("power", [1, 2, 3])
def test_beam_electron_loses_as_the_spectrum_says(power: int, of_10_tev: Tracks) -> None:
    """
    E^p falls as exp(-l t), l the integral of (1 - (1 - y)^p) dN/dy: tracks times E^p add up to E0^p / l.

    At 10 TeV, where the screening is complete.
    """
    energy, found = 1e4, of_10_tev
    falls, _ = quad(
        lambda y: (1 - (1 - y) ** power) * radiation_density(y, energy, 82.0, np.inf) / y, 0.0, 1.0 - 1e-9
    )
    edges = energy_edges(energy, 10.0)
    middle = 0.5 * (edges[1:] + edges[:-1])
    total = (found.lengths[BEAM].sum(axis=1) * (middle / energy) ** power).sum() / found.showers
    assert total == pytest.approx(1 / falls, rel=0.03)


def test_slow_beam_electrons_lose_steadily(of_10_tev: Tracks) -> None:
    """Far below E0 a track per ln(E) is 1 over the mean loss of ln(E) per X0: 1.63; Tsai's form has 4/3."""
    loss, _ = quad(
        lambda y: -np.log1p(-y) * radiation_density(y, 1e4, 82.0, np.inf) / y, 0.0, 1.0 - 1e-9, limit=200
    )
    assert loss == pytest.approx(1.63, abs=0.02)
    edges = energy_edges(1e4, 10.0)
    per_log = of_10_tev.lengths[BEAM, :30].sum() / of_10_tev.showers / np.log(edges[30] / edges[0])
    assert per_log * loss == pytest.approx(1.0, rel=0.04)


def test_thin_slab_takes_the_mean_loss() -> None:
    """In 0.1 X0 an electron of 100 GeV radiates 1 - exp(-0.1 l) of its energy."""
    n, thickness, edges = 20_000, 0.1, energy_edges(100.0, 1.0)
    found = follow(BARE, 100.0, 1.0, n, np.array([0.0, thickness]))
    falls, _ = quad(lambda y: radiation_density(y, 100.0, 82.0, np.inf), 0.0, 1.0 - 1e-9)
    # E of the beam electron, averaged over the slab: the mean of exp(-l t)
    middle = 0.5 * (edges[1:] + edges[:-1])
    mean = (found.lengths[BEAM].sum(axis=1) * middle).sum() / (n * thickness)
    assert mean == pytest.approx(100.0 * (1 - np.exp(-falls * thickness)) / (falls * thickness), rel=2e-3)
    assert found.lengths[ELECTRON].sum() == pytest.approx(found.lengths[POSITRON].sum(), rel=0.1)


def test_track_length_meets_rossi() -> None:
    """B. Rossi's approximation A: 0.437 E0 / E of electrons and positrons above E, far below E0."""
    found = follow(BARE, 100.0, 0.5, 150)
    assert found.lengths.sum() / found.showers == pytest.approx(0.437 * 100.0 / 0.5, rel=0.04)


@pytest.mark.parametrize(("least", "low", "high"), [(0.02, 0.6, 0.9), (0.1, 0.9, 1.0)])
def test_ionisation_and_screening_shorten_the_tracks(least: float, low: float, high: float) -> None:
    """Below some ten critical energies (74 MeV in lead) there is less than approximation A allows."""
    total = follow(LEAD, 10.0, least, 60).lengths.sum() / 60
    assert low < total / (0.437 * 10.0 / least) < high
    assert total * LEAD.loss < 10.0


def test_pairs_are_even() -> None:
    found = follow(BARE, 100.0, 2.0, 8000)
    electrons, positrons = (found.lengths[kind].sum() for kind in (ELECTRON, POSITRON))
    spread = np.sqrt(found.squares[ELECTRON].sum() + found.squares[POSITRON].sum())
    assert abs(electrons - positrons) < 4 * spread


def test_compton_and_annihilation_favour_electrons() -> None:
    """Below 100 MeV photons hit electrons and positrons vanish: the two are no longer even."""
    found = follow(LEAD, 5.0, 0.02, 200)
    assert found.lengths[ELECTRON].sum() > 1.02 * found.lengths[POSITRON].sum()


@pytest.mark.parametrize(("share", "tolerance"), [(0.9, 0.02), (0.5, 0.08)])
def test_beam_electron_beside_the_analytic_form(share: float, tolerance: float) -> None:
    found = follow(BARE, 100.0, 10.0, 20_000)
    edges = energy_edges(100.0, 10.0)
    place = int(np.searchsorted(edges, 100.0 * share - 1e-6))
    length = found.lengths[BEAM, place:].sum() / found.showers
    assert length == pytest.approx(float(electron_track_lengths(100.0, edges[place])), rel=tolerance)


def test_positrons_beside_the_analytic_form() -> None:
    """Above 20 GeV within some percent, above 50 GeV a sixth more: pairs are rather uneven."""
    found = follow(LEAD, 100.0, 10.0, 40_000)
    edges = energy_edges(100.0, 10.0)
    for least, low, high in ((20.0, 0.97, 1.07), (50.0, 1.05, 1.3)):
        place = int(np.searchsorted(edges, least))
        grid = np.geomspace(edges[place], 99.99, 2000)
        expected = np.trapezoid(secondary_positron_track_density(100.0, grid), grid)
        both = found.lengths[[ELECTRON, POSITRON], place:].sum() / 2
        assert low < both / found.showers / expected < high


def test_spectra_of_complete_screening() -> None:
    """Per X0: 4/3 - 4/3 y + y^2 + (1 - y) / 9 L and 1 - 4/3 x (1 - x) - x (1 - x) / 9 L, L = 3.417."""
    radiated = radiation_density(0.3, 1e6, 82.0, np.inf)
    assert radiated == pytest.approx(4 / 3 - 0.4 + 0.09 + 0.7 / (9 * 3.417), rel=1e-3)
    assert pair_density(0.3, 1e6, 82.0) == pytest.approx(1 - 0.28 - 0.21 / (9 * 3.417), rel=1e-3)


def test_incomplete_screening_makes_fewer() -> None:
    x = (np.arange(20_000) + 0.5) / 20_000
    total = [np.mean([pair_density(share, energy, 82.0) for share in x]) for energy in (0.2, 1.0, 100.0)]
    assert total == sorted(total)
    # XCOM (M. Berger, J. Hubbell): pairs of lead at 1 GeV are some 6% below their limit
    assert 0.90 < total[1] / total[2] < 0.97


def test_suppression_joins_bremsstrahlung_without_it() -> None:
    assert suppression(100.0, 82.0) == pytest.approx((1.0, 1.0), abs=1e-3)
    ratios = np.geomspace(1e-8, 1e2, 2000)
    g, phi = np.array([suppression(ratio, 82.0) for ratio in ratios]).T
    assert (phi < 1.025).all()
    assert (g < 1.01).all()
    assert np.abs(np.diff(phi)).max() < 0.01
    # 100 GeV in lead: k = E^2 / (E + E_LPM) = 2.3 GeV is where it begins
    soft, hard = (radiation_density(y, 100.0, 82.0, LEAD.lpm) for y in (1e-3, 0.2))
    assert soft < 0.5 * radiation_density(1e-3, 100.0, 82.0, np.inf)
    assert hard == pytest.approx(radiation_density(0.2, 100.0, 82.0, np.inf), rel=0.02)


def test_no_photon_is_likelier_than_its_draw() -> None:
    """The draw is bounded by 1.03 (4/3 + 2/3 0.1645 / L): above it the spectrum would be cut."""
    for z in (6.0, 26.0, 82.0):
        bound = 1.03 * (4 / 3 + 2 / 3 * 0.1645 / (20.867 / 4 - np.log(z) / 3 - 1.25 * (z / 137) ** 2))
        for energy in (0.1, 1.0, 100.0):
            for lpm in (np.inf, LPM * 5.612):
                values = [radiation_density(y, energy, z, lpm) for y in np.geomspace(1e-6, 0.999, 300)]
                assert max(values) < bound


def test_bins_follow_the_place() -> None:
    """All the track length near the beam's energy lies in the first radiation lengths, and none is lost."""
    found = follow(LEAD, 100.0, 5.0, 500)
    assert found.lengths.shape == (3, 60, 40)
    high, low = found.lengths[BEAM, -8:], found.lengths[BEAM, :20]
    depth = np.arange(40) + 0.5
    assert (high.sum(0) * depth).sum() / high.sum() < 0.6 * (low.sum(0) * depth).sum() / low.sum()


@pytest.mark.parametrize(
    ("edges", "depths"),
    [
        ([1.0, 0.5, 10.0], [0.0, 1.0]),
        ([0.0, 10.0], [0.0, 1.0]),
        ([20.0, 30.0], [0.0, 1.0]),
        ([1.0, 10.0], [1.0, 2.0]),
    ],
)
def test_edges_that_do_not_fit_are_refused(edges: list[float], depths: list[float]) -> None:
    with pytest.raises(ValueError, match="edges must rise"):
        follow_showers(LEAD, 10.0, 1, np.random.default_rng(1), np.array(edges), np.array(depths))
