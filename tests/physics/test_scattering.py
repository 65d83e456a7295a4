"""Tests of the multiple-scattering angle against numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from physics.scattering import scattering_angle


@pytest.mark.parametrize(
    ("momentum", "radiation_lengths", "beta", "charge", "expected"),
    [
        pytest.param(1.0, 1.0, 1.0, 1.0, 13.6e-3, id="one-X0-at-1-GeV"),
        # 13.6e-5 * 0.1 * (1 + 0.038 * -4.605170) = 1.36e-5 * 0.8250035
        pytest.param(100.0, 0.01, 1.0, -1.0, 1.1220048e-5, id="electron-100-GeV-1-percent"),
        # ln(4 / 0.25) = 2.7725887; 13.6e-3 / (0.5 * 2) * 2 * (1 + 0.1053584)
        pytest.param(2.0, 1.0, 0.5, 2.0, 30.065748e-3, id="slow-alpha"),
        pytest.param(100.0, 0.0, 1.0, 1.0, 0.0, id="vacuum"),
        pytest.param(100.0, 1e-12, 1.0, 1.0, 0.0, id="below-the-formula"),
        pytest.param(100.0, np.nan, 1.0, 1.0, np.nan, id="nan"),
    ],
)
def test_angle_by_hand(
    momentum: float, radiation_lengths: float, beta: float, charge: float, expected: float
) -> None:
    angle = scattering_angle(momentum, radiation_lengths, beta=beta, charge=charge)
    assert angle == pytest.approx(expected, rel=1e-7, nan_ok=True)


@given(p=st.floats(0.1, 1e3), t=st.floats(1e-4, 10), factor=st.floats(1.01, 10))
def test_angle_falls_as_one_over_momentum_and_grows_with_matter(p: float, t: float, factor: float) -> None:
    angle = scattering_angle([p, factor * p, p], [t, t, factor * t])
    assert angle[1] == pytest.approx(angle[0] / factor)
    assert angle[2] > angle[0] * np.sqrt(factor)


@pytest.mark.parametrize(
    ("momentum", "radiation_lengths", "beta"), [(0.0, 1.0, 1.0), (1.0, -0.1, 1.0), (1.0, 1.0, 1.1), (1, 1, 0)]
)
def test_impossible_arguments_are_refused(momentum: float, radiation_lengths: float, beta: float) -> None:
    with pytest.raises(ValueError, match="scattering needs"):
        scattering_angle(momentum, radiation_lengths, beta=beta)
