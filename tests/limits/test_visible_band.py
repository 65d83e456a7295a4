"""The visible band: its edges, several runs and setups, and what is observed."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from datasets.setups import load_setup
from limits.model import ModelError
from limits.run_input import BinnedBackground
from limits.visible import DecayEfficiency, dense_target, visible_yield
from limits.visible_band import Allowed, Band, Count, VisibleSetup, allowed_events, visible_band
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
    return Allowed(float(np.log(10)), None)


def test_band_has_the_events_at_both_edges() -> None:
    band = visible_band([SETUP_2017], 0.01, plain)
    for edge in band.expected:
        made = visible_yield(SETUP_2017.target, 0.01, edge)
        assert 0.6 * 5.4e10 * made == pytest.approx(np.log(10), rel=2e-3)
    assert band.most > 2.3
    assert band.observed is None


@pytest.mark.parametrize("mass", [0.003, 0.0167])
def test_lower_edge_is_near_the_published_one(mass: float) -> None:
    band = visible_band([SETUP_2017], mass, plain)
    assert band.expected.lower == pytest.approx(read_curve("na64_visible_2017").at(mass), rel=0.25)


def test_nothing_is_excluded_where_too_little_is_made() -> None:
    band = visible_band([SETUP_2017], 0.04, plain)
    assert np.isnan(band.expected).all()
    assert band.most < np.log(10)


def test_all_that_is_scanned_is_excluded_by_any_number_of_particles() -> None:
    many = replace(SETUP_2017, counts=(Count("many", 1e25, EMPTY),))
    assert visible_band([many], 0.002, plain).expected.lower == pytest.approx(1e-6)


def test_runs_of_a_setup_are_one_exposure() -> None:
    """Three thirds, without background and without events, exclude what the whole does."""
    third = Count("a", 1.8e10, EMPTY, 0)
    parts = replace(SETUP_2017, counts=tuple(third._replace(name=name) for name in "abc"))
    whole = replace(SETUP_2017, counts=(Count("whole", 5.4e10, EMPTY, 0),))
    one, three = (band_of(setup, n_toys=20_000) for setup in (whole, parts))
    assert three.most == pytest.approx(one.most)
    assert one.observed is not None
    assert tuple(one.observed) == pytest.approx(tuple(one.expected), rel=1e-6)
    assert tuple(three.observed or ()) == pytest.approx(tuple(one.observed), rel=0.02)


def test_each_setup_has_its_own_acceptance() -> None:
    """Both together have the sum of events at the edge, and 2018 has the shorter target."""
    single = [band_of(setup) for setup in (SETUP_2017, SETUP_2018)]
    both = band_of(SETUP_2017, SETUP_2018)
    assert single[0].expected.upper < single[1].expected.upper < both.expected.upper
    assert both.expected.lower < min(band.expected.lower for band in single)
    for edge in both.expected:
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
    assert tuple(band.expected) == pytest.approx(tuple(blinded.expected), rel=0.01)
    assert blinded.observed is None
    assert band.observed is not None
    assert (band.observed.lower > 1.1 * band.expected.lower) is is_narrower
    assert (band.observed.upper < 0.99 * band.expected.upper) is is_narrower


def test_a_higher_level_and_an_uncertain_efficiency_exclude_less() -> None:
    usual = band_of(SETUP_2017)
    unsure = [replace(FLAT, error=0.4), replace(FLAT, scale=(0.4, 0.4)), replace(FLAT, selection=(0.4, 0.4))]
    bands = [band_of(replace(SETUP_2017, efficiency=efficiency)) for efficiency in unsure]
    bands.append(band_of(SETUP_2017, level=0.95))
    for band in bands:
        assert band.expected.lower > 1.01 * usual.expected.lower
        assert band.expected.upper < usual.expected.upper


def test_closed_and_opened_runs_are_not_mixed() -> None:
    mixed = make_setup("na64vis_2017", Count("a", 1e10, EMPTY), Count("b", 1e10, EMPTY, 0))
    with pytest.raises(ModelError, match="closed or of opened runs, got both"):
        band_of(mixed)
