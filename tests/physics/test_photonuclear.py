"""Hadrons made by photons: numbers by hand."""

import numpy as np
import pytest

from physics.photonuclear import photonuclear_section, virtual_photons


@pytest.mark.parametrize(
    ("a", "millibarn", "shadowing"),
    [(1.0, 0.115, 1.0), (12.011, 1.132, 0.82), (207.2, 15.55, 0.65)],
)
def test_nuclei_are_shadowed(a: float, millibarn: float, shadowing: float) -> None:
    found = photonuclear_section(np.array([20.0, 80.0]), 1.0, a) * 1e27
    assert found == pytest.approx([millibarn] * 2, rel=0.002)
    assert found[0] / (0.115 * a) == pytest.approx(shadowing, abs=0.005)


def test_virtual_photons_by_hand() -> None:
    """2 / (137.036 pi) x ln(0.77 / 0.0002555) x ln 10 = 0.004646 x 8.011 x 2.303."""
    assert virtual_photons(100.0, 10.0) == pytest.approx(0.0857, rel=0.002)
    with pytest.raises(ValueError, match="from above 0 to the electron's 100 GeV, got 100 GeV"):
        virtual_photons(100.0, 100.0)
    assert virtual_photons(100.0, 1.0) == pytest.approx(2 * virtual_photons(100.0, 10.0))
