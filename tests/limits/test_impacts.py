"""Pulls and impacts."""

import pytest

from limits.impacts import impacts
from limits.model import Nuisance, make_channel

YIELD = Nuisance("yield", 1 / 1.1, 1.1)


def test_a_held_yield_moves_the_limit_as_much_the_other_way() -> None:
    channel = make_channel("run", 1.0, (0, 0, 0), observed=0, errors=[YIELD])
    (found,) = impacts([channel], level=0.9, method="toys", n_toys=500, seed=1)
    assert (found.name, found.pull, found.error) == ("yield", pytest.approx(0, abs=1e-6), pytest.approx(1))
    assert (1 + found.down) / (1 + found.up) == pytest.approx(1.21, rel=1e-3)


@pytest.mark.parametrize(("seen", "sign"), [(14, 1), (None, 0)])
def test_more_events_than_expected_pull_the_background_up(seen: int | None, sign: int) -> None:
    """Of 8 +- 50%: the data know it better than the side band, so that its error is less than 1."""
    channel = make_channel("run", 1.0, (8.0, 5.0, 12.0), observed=seen)
    (found,) = impacts([channel], level=0.9, method="toys", n_toys=500, seed=1)
    assert found.pull * sign > 0.3 or (sign == 0 and abs(found.pull) < 1e-3)
    assert 0.4 < found.error < 0.9
    assert found.down != found.up
