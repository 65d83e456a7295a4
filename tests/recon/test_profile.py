"""The lateral profile: worked answers, symmetries, and the tables made of it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from datasets.profiles import load_profile
from recon.profile import ShowerProfile, cell_fractions, fraction_rms, invert, s_curve, strip_shares

ECAL = load_profile("ecal_geant4")
PITCH = 38.2
GAUSSIAN = ShowerProfile(
    name="gaussian",
    share=(1.0,),
    width=(10.0,),
    stochastic=0.6,
    constant=0.4,
    energy_range=(1.0, 100.0),
    source="test",
)
offsets = st.floats(-60, 60)


@pytest.mark.parametrize(
    ("dx", "dy", "pitch", "fraction"),
    [
        pytest.param(0, 0, (20, 20), 0.6826895**2, id="one-sigma-each-way"),
        pytest.param(0, 0, (20, 40), 0.6826895 * 0.9544997, id="oblong-cell"),
        pytest.param(500, 0, (1000, 1000), 0.5, id="on-a-border"),
        pytest.param(500, -500, (1000, 1000), 0.25, id="on-a-corner"),
        pytest.param(20, 0, (20, 1000), 0.1573053, id="next-column"),
        pytest.param(math.nan, 0, (20, 20), math.nan, id="unknown-axis"),
    ],
)
def test_cell_fraction(dx: float, dy: float, pitch: tuple[float, float], fraction: float) -> None:
    assert cell_fractions(GAUSSIAN, dx, dy, pitch) == pytest.approx(fraction, abs=2e-7, nan_ok=True)


def test_components_add_up() -> None:
    both = replace(GAUSSIAN, share=(0.25, 0.75), width=(10.0, 20.0))
    expected = 0.25 * 0.6826895**2 + 0.75 * 0.3829249**2
    assert cell_fractions(both, 0, 0, (20, 20)) == pytest.approx(expected, abs=2e-7)


def test_offsets_broadcast() -> None:
    table = cell_fractions(GAUSSIAN, np.array([[0.0], [20.0]]), np.array([0.0, 20.0, 40.0]), (20, 20))
    assert table.shape == (2, 3)
    assert table[1, 2] == cell_fractions(GAUSSIAN, 20, 40, (20, 20))


@given(dx=offsets, dy=offsets, pitch_x=st.floats(10, 60), pitch_y=st.floats(10, 60))
def test_an_endless_grid_holds_the_whole_shower(dx: float, dy: float, pitch_x: float, pitch_y: float) -> None:
    index = np.arange(-60, 61)
    cells = cell_fractions(ECAL, index[:, None] * pitch_x - dx, index * pitch_y - dy, (pitch_x, pitch_y))
    assert cells.min() >= 0
    assert cells.sum() == pytest.approx(1, abs=1e-9)


@given(dx=offsets, dy=offsets)
def test_fraction_is_symmetric(dx: float, dy: float) -> None:
    here = cell_fractions(ECAL, dx, dy, (PITCH, PITCH))
    for mirrored in ((-dx, dy), (dx, -dy), (dy, dx)):
        assert cell_fractions(ECAL, *mirrored, (PITCH, PITCH)) == pytest.approx(
            float(here), rel=1e-6, abs=1e-15
        )


@given(dx=offsets, dy=offsets)
def test_four_quarters_make_a_cell(dx: float, dy: float) -> None:
    quarter = PITCH / 4
    parts = cell_fractions(
        ECAL, dx + quarter * np.array([[-1], [1]]), dy + quarter * np.array([-1, 1]), (PITCH / 2, PITCH / 2)
    )
    assert parts.sum() == pytest.approx(float(cell_fractions(ECAL, dx, dy, (PITCH, PITCH))), rel=1e-9)


@pytest.mark.parametrize(
    ("fraction", "energy", "rms"),
    [
        pytest.param(0.2, 4.0, 0.5 * 0.4, id="hypot(0.6/2, 0.4) sqrt(0.2 0.8)"),
        pytest.param(0.5, 1e12, 0.4 * 0.5, id="constant-term"),
        pytest.param(0.0, 4.0, 0.0, id="nothing-there"),
        pytest.param(1.0, 4.0, 0.0, id="everything-there"),
        pytest.param(math.nan, 4.0, math.nan, id="unknown"),
    ],
)
def test_fraction_rms(fraction: float, energy: float, rms: float) -> None:
    assert fraction_rms(GAUSSIAN, fraction, energy) == pytest.approx(rms, nan_ok=True)


def test_s_curve_rises_and_is_odd() -> None:
    curve = s_curve(ECAL, PITCH)
    assert (np.diff(curve.balance) > 0).all()
    assert (np.diff(curve.edge_balance) > 0).all()
    assert curve.balance == pytest.approx(-curve.balance[::-1], abs=1e-12)
    assert invert(0.0, curve.balance, curve.offset) == pytest.approx(0, abs=1e-9)


@given(offset=st.floats(-22, 22))
def test_inverted_s_curve_is_the_offset(offset: float) -> None:
    curve = s_curve(ECAL, PITCH)
    left, middle, right = cell_fractions(ECAL, np.array([-PITCH, 0, PITCH]) - offset, 0, (PITCH, 1e6))
    balance = (right - left) / (left + middle + right)
    assert invert(balance, curve.balance, curve.offset) == pytest.approx(offset, abs=0.01)
    if offset > curve.edge_offset[0]:
        found = invert(right / (middle + right), curve.edge_balance, curve.edge_offset)
        assert found == pytest.approx(offset, abs=0.02)


@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_balance_beyond_the_curve_is_its_end(value: float) -> None:
    curve = s_curve(ECAL, PITCH)
    assert invert(value, curve.balance, curve.offset) == pytest.approx(math.copysign(0.6 * PITCH, value))


@given(axis=offsets)
def test_strip_shares_and_their_slopes(axis: float) -> None:
    width = np.array(ECAL.width)
    share, slope, above, below, unused = np.empty((5, len(width), 4))
    strip_shares(-50.0 - axis, 25.0, 4, width, share, slope)
    strip_shares(-50.0 - axis - 1e-3, 25.0, 4, width, above, unused)
    strip_shares(-50.0 - axis + 1e-3, 25.0, 4, width, below, unused)
    cells = cell_fractions(ECAL, np.array([-37.5, -12.5, 12.5, 37.5]) - axis, 0, (25.0, 1e6))
    assert ECAL.share @ share == pytest.approx(cells, abs=1e-8)
    assert slope == pytest.approx((above - below) / 2e-3, abs=1e-5)


def test_strip_shares_are_those_of_a_normal_distribution() -> None:
    edges = np.linspace(-5.9, 5.83, 1000)
    share, slope = np.empty((2, 1, 999))
    strip_shares(edges[0], edges[1] - edges[0], 999, np.array([1.0]), share, slope)
    density = np.exp(-0.5 * edges**2) / math.sqrt(2 * math.pi)
    assert share[0] == pytest.approx(np.diff(ndtr(edges)), abs=1e-12)
    assert slope[0] == pytest.approx(-np.diff(density), abs=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share": (0.5, 0.5)}, "as many shares as widths"),
        ({"width": (-1.0,)}, "above 0"),
        ({"share": (0.9,)}, "add up to 1, got 0.9"),
        ({"stochastic": 0.0}, "stochastic > 0"),
        ({"constant": math.nan}, "constant >= 0"),
        ({"energy_range": (100.0, 1.0)}, "energy_range"),
    ],
)
def test_senseless_profile_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(GAUSSIAN, **change)
