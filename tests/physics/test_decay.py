"""Decays in flight: what is conserved, and the limits of two-body decays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physics.decay import Daughters, break_up_momentum, three_body, two_body

PION, MUON, KAON, ELECTRON, NEUTRAL_PION = 0.13957039, 0.1056583755, 0.493677, 0.51099895e-3, 0.1349768


def four_momentum(daughter: Daughters, mass: float) -> np.ndarray:
    """Return E, px, py, pz, assuming flight along +z."""
    along = daughter.momentum / np.sqrt(1 + daughter.slope_x**2 + daughter.slope_y**2)
    return np.stack(
        [np.hypot(daughter.momentum, mass), along * daughter.slope_x, along * daughter.slope_y, along], axis=1
    )


def test_break_up_momenta_of_the_tables() -> None:
    """PDG: 29.79 MeV in pi -> mu nu, 235.5 MeV in K -> mu nu, 205.1 MeV in K -> pi pi0."""
    assert break_up_momentum(PION, MUON, 0.0) == pytest.approx(29.79e-3, abs=0.01e-3)
    assert break_up_momentum(KAON, MUON, 0.0) == pytest.approx(235.5e-3, abs=0.1e-3)
    assert break_up_momentum(KAON, PION, NEUTRAL_PION) == pytest.approx(205.1e-3, abs=0.1e-3)


@pytest.mark.parametrize(
    ("parent", "masses", "decay"),
    [
        (PION, (MUON, 0.0), two_body),
        (KAON, (PION, NEUTRAL_PION), two_body),
        (KAON, (ELECTRON, NEUTRAL_PION, 0.0), three_body),
        (KAON, (MUON, NEUTRAL_PION, 0.0), three_body),
    ],
)
@given(momentum=st.floats(20.0, 400.0), seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_energy_and_momentum_are_conserved(
    parent: float, masses: tuple[float, ...], decay: object, momentum: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    found = decay(parent, masses, np.full(20, momentum), rng)  # type: ignore[operator]
    total = sum(four_momentum(d, m) for d, m in zip(found, masses, strict=True))
    # A massless daughter may fly backwards by some MeV, where its slope says forward.
    assert total[:, 0] == pytest.approx(np.hypot(momentum, parent), rel=1e-9)
    assert total[:, 1:3] == pytest.approx(np.zeros((20, 2)), abs=1e-6 * momentum)
    assert total[:, 3] == pytest.approx(momentum, rel=1e-3)


def test_muons_of_pions_have_a_flat_spectrum_between_its_limits() -> None:
    """E_mu is uniform between (m_mu / m_pi)^2 E and E."""
    muon, _ = two_body(PION, (MUON, 0.0), np.full(20_000, 100.0), np.random.default_rng(1))
    low = (MUON / PION) ** 2
    share = (np.hypot(muon.momentum, MUON) / 100.0 - low) / (1 - low)
    assert share.min() >= -1e-4
    assert share.max() <= 1 + 1e-4
    assert np.histogram(share, 5, (0, 1))[0] == pytest.approx(np.full(5, 4000), abs=5 * np.sqrt(4000))


def test_transverse_momentum_has_the_end_point() -> None:
    muon, neutrino = two_body(PION, (MUON, 0.0), np.full(20_000, 100.0), np.random.default_rng(2))
    across = [d.momentum * np.hypot(d.slope_x, d.slope_y) for d in (muon, neutrino)]
    assert max(across[0].max(), across[1].max()) < 29.80e-3
    assert across[0].max() > 29.7e-3


def test_electron_of_a_kaon_takes_a_third_on_average() -> None:
    """Two nearly massless daughters and a pion: each of the two has less than the pion's share."""
    electron, pion, neutrino = three_body(
        KAON, (ELECTRON, NEUTRAL_PION, 0.0), np.full(20_000, 75.0), np.random.default_rng(3)
    )
    assert electron.momentum.mean() == pytest.approx(neutrino.momentum.mean(), rel=0.02)
    assert pion.momentum.mean() > electron.momentum.mean()
