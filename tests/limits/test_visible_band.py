"""The visible band: its edges, several runs and setups, and what is observed."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from datasets.setups import load_setup
from limits.model import ModelError, counts_of
from limits.run_input import BinnedBackground
from limits.visible import DecayEfficiency, dense_target, visible_yield
from limits.visible_band import (
    Allowed,
    Band,
    Count,
    VisibleSetup,
    allowed_events,
    visible_band,
    visible_channels,
)
from na64.limit.curves import read_curve

FLAT = DecayEfficiency(points=((0.01, 1e-4, 0.6),))
EMPTY = BinnedBackground(values=(0.0,))
FEW = BinnedBackground(values=(0.5,), own=(0.6, 1.8))


def make_setup(name: str = "na64vis_2017", *counts: Count) -> VisibleSetup:
    target = dense_target(load_setup(name))
    return VisibleSetup(target=target, efficiency=FLAT, counts=counts or (Count("2017", 5.4e10, EMPTY),))


SETUP_2017 = make_setup()
SETUP_2018 = make_setup("na64vis_2018", Count("2018", 3.0e10, EMPTY))


def band_of(*setups: VisibleSetup, mass: float = 0.0167, **settings: float) -> Band:
    allowed = allowed_events(setups, **{"yield_error": 0.1, "level": 0.9, "n_toys": 2000, **settings})  # type: ignore[arg-type]
    return visible_band(setups, mass, allowed)


def plain(_: npt.NDArray[np.float64]) -> Allowed:
    """Allow what no event without background does."""
    return Allowed((float(np.log(10)),) * 5, None)


def test_band_has_the_events_at_both_edges() -> None:
    band = visible_band([SETUP_2017], 0.01, plain)
    for edge in band.median:
        made = visible_yield(SETUP_2017.target, 0.01, edge)
        assert 0.6 * 5.4e10 * made == pytest.approx(np.log(10), rel=2e-3)
    assert band.most > 2.3
    assert band.observed is None


def test_each_place_of_the_expected_band_has_its_own_edges() -> None:
    """The wider ones allow fewer events; 41 events at most exclude nothing where 50 are allowed."""
    limits = (1.0, 2.0, 3.0, 9.0, 50.0)
    band = visible_band([SETUP_2017], 0.01, lambda _: Allowed(limits, None))
    for edges, limit in zip(band.expected[:4], limits, strict=False):
        assert [SETUP_2017.events(0.01, edge) for edge in edges] == pytest.approx([limit] * 2, rel=2e-3)
    assert band.median == band.expected[2]
    assert np.isnan(band.expected[4]).all()
    assert SETUP_2017.events(0.01, band.reference) == pytest.approx(band.most)
    assert 9 < band.most < 50


def test_expected_edges_coincide_without_a_background_alone() -> None:
    assert len(set(band_of(SETUP_2017).expected)) == 1
    few = band_of(replace(SETUP_2017, counts=(Count("2017", 5.4e10, FEW),)), mass=0.003).expected
    assert few[1].lower < 0.95 * few[3].lower < 0.9 * few[4].lower
    assert few[1].upper > few[3].upper > few[4].upper


def test_nothing_is_excluded_where_toys_find_no_limit() -> None:
    """The share of 2018 is above 0.5 at some epsilons and below it at others."""

    def found(shares: npt.NDArray[np.float64]) -> Allowed:
        return Allowed((float("nan") if shares[1] > 0.5 else 2.3,) * 5, None)

    setups = [SETUP_2017, SETUP_2018]
    with_both, alone = (visible_band(setups, 0.01, limits) for limits in (plain, found))
    assert alone.median.lower == pytest.approx(with_both.median.lower, rel=1e-3)
    assert alone.median.upper < 0.9 * with_both.median.upper
    share = SETUP_2018.events(0.01, with_both.median.upper) / np.log(10)
    assert share > 0.5


@pytest.mark.parametrize("mass", [0.003, 0.0167])
def test_lower_edge_is_near_the_published_one(mass: float) -> None:
    band = visible_band([SETUP_2017], mass, plain)
    assert band.median.lower == pytest.approx(read_curve("na64_visible_2017").at(mass), rel=0.25)


def test_nothing_is_excluded_where_too_little_is_made() -> None:
    band = visible_band([SETUP_2017], 0.04, plain)
    assert np.isnan(band.expected).all()
    assert band.most < np.log(10)


def test_all_that_is_scanned_is_excluded_by_any_number_of_particles() -> None:
    many = replace(SETUP_2017, counts=(Count("many", 1e25, EMPTY),))
    assert visible_band([many], 0.002, plain).median.lower == pytest.approx(1e-6)


def test_runs_of_a_setup_are_one_exposure() -> None:
    """Three thirds, without background and without events, exclude what the whole does."""
    third = Count("a", 1.8e10, EMPTY, 0)
    parts = replace(SETUP_2017, counts=tuple(third._replace(name=name) for name in "abc"))
    whole = replace(SETUP_2017, counts=(Count("whole", 5.4e10, EMPTY, 0),))
    one, three = (band_of(setup, n_toys=20_000) for setup in (whole, parts))
    assert three.most == pytest.approx(one.most)
    assert one.observed is not None
    assert tuple(one.observed) == pytest.approx(tuple(one.median), rel=1e-6)
    assert tuple(three.observed or ()) == pytest.approx(tuple(one.observed), rel=0.02)


def test_each_setup_has_its_own_acceptance() -> None:
    """Both together have the sum of events at the edge, and 2018 has the shorter target."""
    single = [band_of(setup) for setup in (SETUP_2017, SETUP_2018)]
    both = band_of(SETUP_2017, SETUP_2018, n_toys=20_000)
    assert single[0].median.upper < single[1].median.upper < both.median.upper
    assert both.median.lower < min(band.median.lower for band in single)
    for edge in both.median:
        events = [setup.events(0.0167, edge) for setup in (SETUP_2017, SETUP_2018)]
        assert sum(events) == pytest.approx(2.32, rel=0.02)
    shares = [5.4e10 / 8.4e10, 3.0e10 / 8.4e10]
    assert sum(both.shares) == pytest.approx(1.0)
    assert both.shares[1] > 1.2 * shares[1]


@pytest.mark.parametrize(("seen", "is_narrower"), [(0, False), (4, True)])
def test_what_is_seen_moves_the_observed_band(seen: int, is_narrower: bool) -> None:
    setup = replace(SETUP_2017, counts=(Count("2017", 5.4e10, FEW, seen),))
    band = band_of(setup, mass=0.003)
    blinded = band_of(replace(setup, counts=(Count("2017", 5.4e10, FEW),)), mass=0.003)
    assert tuple(band.median) == pytest.approx(tuple(blinded.median), rel=0.01)
    assert blinded.observed is None
    assert band.observed is not None
    assert (band.observed.lower > 1.1 * band.median.lower) is is_narrower
    assert (band.observed.upper < 0.99 * band.median.upper) is is_narrower


def test_channels_have_the_events_of_their_setups_by_exposure() -> None:
    """Runs share the signal as their particles on target do; setups share nuisances by name."""
    first = replace(SETUP_2017, counts=(Count("a", 1e10, FEW, 2), Count("b", 3e10, EMPTY, 0)))
    unsure = replace(SETUP_2018, efficiency=replace(FLAT, error=0.2))
    channels = visible_channels([first, unsure], [8.0, 5.0], yield_error=0.1)
    assert [(c.name, c.signal) for c in channels] == [("a", 2.0), ("b", 6.0), ("2018", 5.0)]
    names = [[n.name for n in c.signal_nuisances] for c in channels]
    assert names == [["yield"], ["yield"], ["yield", "efficiency_na64vis_2018"]]
    assert [[n.name for n in c.background_nuisances] for c in channels] == [["background_a"], [], []]
    assert counts_of(channels) == [0.5, 0.0, 0.0]  # of 2018 is blinded: the background of all
    assert counts_of(channels[:2]) == [2.0, 0.0]


def test_a_higher_level_and_an_uncertain_efficiency_exclude_less() -> None:
    usual = band_of(SETUP_2017)
    unsure = [replace(FLAT, error=0.4), replace(FLAT, scale=(0.4, 0.4)), replace(FLAT, selection=(0.4, 0.4))]
    bands = [band_of(replace(SETUP_2017, efficiency=efficiency)) for efficiency in unsure]
    bands.append(band_of(SETUP_2017, level=0.95))
    for band in bands:
        assert band.median.lower > 1.01 * usual.median.lower
        assert band.median.upper < usual.median.upper


def test_closed_and_opened_runs_are_not_mixed() -> None:
    mixed = make_setup("na64vis_2017", Count("a", 1e10, EMPTY), Count("b", 1e10, EMPTY, 0))
    with pytest.raises(ModelError, match="closed or of opened runs, got both"):
        band_of(mixed)
