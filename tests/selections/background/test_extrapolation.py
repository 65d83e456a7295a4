import numpy as np
import pytest
from scipy.integrate import quad

from selections.background.extrapolation import (
    ExtrapolationConfig,
    Shape,
    Spectrum,
    expected_counts,
    extrapolate,
    fitted_curve,
)

EDGES = np.arange(50.0, 81.0)


def config(**changes: object) -> ExtrapolationConfig:
    values = {
        "closed": (0.0, 50.0),
        "fit": (50.0, 75.0),
        "fit_variations": ((50.0, 70.0), (50.0, 80.0)),
        "slope": (0.0, 1.0),
        "other_shapes": (Shape(name="power"), Shape(name="gaussian")),
    }
    return ExtrapolationConfig(**{**values, **changes})


SHAPES = [Shape(), Shape(name="power"), Shape(name="power", offset=5.0), Shape(name="gaussian", offset=5.0)]


@pytest.mark.parametrize("shape", SHAPES)
def test_means_integrate_the_density(shape: Shape) -> None:
    slope = 0.12

    def density(x: float) -> float:
        u, u0 = x + shape.offset, 50.0 + shape.offset
        if shape.name == "power":
            return (u / u0) ** (slope * u0)
        return np.exp(slope * ((x - 50.0) if shape.name == "exponential" else (u**2 - u0**2) / (2 * u0)))

    means = expected_counts(shape, (0.0, 50.0), EDGES, slope, 0.7)
    inside = quad(density, 0.0, 50.0)[0]
    by_hand = [0.7 * quad(density, low, low + 1)[0] / inside for low in EDGES[:-1]]
    np.testing.assert_allclose(means, by_hand, rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_many_events_give_the_truth_back(shape: Shape) -> None:
    means = expected_counts(shape, (0.0, 50.0), EDGES, 0.12, 3000.0)
    found = extrapolate(Spectrum(EDGES, np.round(means).astype(np.int64)), config(shape=shape))
    assert found.nominal.expected.value == pytest.approx(3000.0, rel=0.005)
    assert found.nominal.slope == pytest.approx(0.12, abs=2e-4)
    assert found.range_errors == pytest.approx((0.0, 0.0), abs=1e-9)


def test_flat_side_band_scales_by_width() -> None:
    spectrum = Spectrum(EDGES, np.full(30, 40, dtype=np.int64))
    found = extrapolate(spectrum, config(slope=(0.0, 1.0), other_shapes=()))
    assert found.nominal.expected.value == pytest.approx(25 * 40 * 50 / 25)


def test_nothing_seen_is_not_nothing_expected() -> None:
    found = extrapolate(Spectrum(EDGES, np.zeros(30, dtype=np.int64)), config())
    assert found.expected.value == 0.0
    assert found.expected.high >= 1.84
    assert np.isnan(found.nominal.slope)


def test_more_counts_narrow_the_relative_interval() -> None:
    widths = []
    for scale in (1, 10, 100):
        means = expected_counts(Shape(), (0.0, 50.0), EDGES, 0.1, 2.0 * scale)
        found = extrapolate(Spectrum(EDGES, np.round(means).astype(np.int64)), config()).nominal.expected
        widths.append((found.high - found.low) / found.value)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_a_kink_beyond_fluctuations_is_a_systematic_error() -> None:
    counts = np.round(expected_counts(Shape(), (0.0, 50.0), EDGES, 0.1, 500.0)).astype(np.int64)
    counts[15:] *= 3
    found = extrapolate(Spectrum(EDGES, counts), config())
    assert max(found.range_errors) > 10 * (found.nominal.expected.high - found.nominal.expected.value)
    assert found.area[0] < found.nominal.expected.value < found.area[1]


def test_other_shapes_are_a_systematic_error_that_widens_the_interval() -> None:
    counts = np.round(expected_counts(Shape(), (0.0, 50.0), EDGES, 0.15, 5.0)).astype(np.int64)
    found = extrapolate(Spectrum(EDGES, counts), config())
    values = [fit.expected.value for fit in found.models]
    down, up = found.model_errors
    assert found.nominal.expected.value - down == pytest.approx(min(values))
    assert found.nominal.expected.value + up == pytest.approx(max(values))
    assert found.expected.high > found.interval.high


def test_curve_adds_up_to_the_events_and_continues_to_the_estimate() -> None:
    counts = np.round(expected_counts(Shape(), (0.0, 50.0), EDGES, 0.1, 20.0)).astype(np.int64)
    fit = extrapolate(Spectrum(EDGES, counts), config()).nominal
    value, low, high = fitted_curve(fit, (0.0, 50.0), np.arange(0.0, 76.0))
    assert value[50:].sum() == pytest.approx(fit.events)
    assert value[:50].sum() == pytest.approx(fit.expected.value, rel=1e-6)
    assert (low <= value).all()
    assert (value <= high).all()


def test_windows_off_the_bins_are_refused() -> None:
    spectrum = Spectrum(EDGES, np.ones(30, dtype=np.int64))
    with pytest.raises(ValueError, match=r"50.5 to 75 GeV does not begin and end at edges .* 50 to 80 GeV"):
        extrapolate(spectrum, config(fit=(50.5, 75.0)))
    with pytest.raises(ValueError, match="50 to 90 GeV"):
        extrapolate(spectrum, config(fit_variations=((50.0, 90.0),)))


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"fit": (75.0, 50.0)}, "windows must rise"), ({"fit": (40.0, 75.0)}, "above the closed region")],
)
def test_senseless_windows_are_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        config(**changes)


def test_side_band_below_is_one_above_seen_in_a_mirror() -> None:
    """Missing energy is closed from 50 GeV on: the same events as energies from 50 GeV down."""
    counts = np.random.default_rng(4).poisson(40.0 * np.exp(0.1 * (EDGES[:-1] - 50.0)))
    above = extrapolate(Spectrum(EDGES, counts), config(fit_variations=((50.0, 70.0),)))
    below = config(
        closed=(50.0, 100.0),
        fit=(25.0, 50.0),
        fit_variations=((30.0, 50.0),),
        other_shapes=(Shape(name="power", offset=100.0), Shape(name="gaussian", offset=100.0)),
    )
    mirrored = Spectrum(100.0 - EDGES[::-1], counts[::-1])
    found = extrapolate(mirrored, below)
    assert below.is_below
    assert below.edge == 50.0
    assert found.expected == pytest.approx(above.expected)
    assert [fit.window for fit in found.variations] == [(30.0, 50.0)]
    for one, other in zip(
        fitted_curve(found.nominal, below.closed, mirrored.edges),
        fitted_curve(above.nominal, (0.0, 50.0), EDGES),
        strict=True,
    ):
        np.testing.assert_allclose(one, other[::-1])
