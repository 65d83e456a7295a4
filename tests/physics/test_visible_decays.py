"""Where an A' decays, against numbers worked out by hand and against drawn decays."""

import numpy as np
import pytest

from physics.visible_decays import decay_lengths, decay_share, mean_decay_share


def test_an_a_of_16_7_mev_and_50_gev_flies_16_cm() -> None:
    """Gamma = alpha eps^2 m / 3 = 3.66e-12 GeV: c tau = 0.0540 mm, times gamma = 2994."""
    assert decay_lengths(0.0167, 3e-4, 50.0) == pytest.approx(161.6, rel=2e-3)
    one, four = decay_lengths(0.0167, 3e-4, np.array([50.0, 50.0])), decay_lengths(0.0167, 1.5e-4, 50.0)
    assert four == pytest.approx(4 * one[0])


def test_shares_by_hand() -> None:
    share = decay_share([100.0, 100.0, 0.0, 1e9], 100.0, [200.0, np.inf, 300.0, 200.0])
    assert share == pytest.approx([np.exp(-1) - np.exp(-2), np.exp(-1), 0.0, 1e-7], rel=1e-4)


def test_stretches_add_up() -> None:
    parts = [decay_share(70.0, a, b) for a, b in ((10.0, 40.0), (40.0, 90.0))]
    assert sum(parts) == pytest.approx(decay_share(70.0, 10.0, 90.0))


def test_mean_share_is_that_of_drawn_decays() -> None:
    rng = np.random.default_rng(5)
    energy = rng.uniform(20.0, 90.0, 40_000)
    place = rng.exponential(decay_lengths(0.01, 3e-4, energy))
    seen = energy > 30.0
    inside = ((place > 200.0) & (place < 3000.0) & seen).mean()
    found = mean_decay_share(0.01, 3e-4, energy, 200.0, 3000.0, seen)
    assert found == pytest.approx(inside, abs=4 * np.sqrt(inside * (1 - inside) / 40_000))


@pytest.mark.parametrize(("mass", "epsilon"), [(0.0009, 1e-4), (0.01, 0.0)])
def test_what_does_not_decay_is_refused(mass: float, epsilon: float) -> None:
    with pytest.raises(ValueError, match=r"does not decay to e\+ e-"):
        decay_lengths(mass, epsilon, 50.0)
