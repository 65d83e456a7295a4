"""Pulls and impacts."""

import pytest

from limits.impacts import impacts
from limits.model import Channel, Nuisance, make_channel, symmetric

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


def projection(background: float, n_bins: int) -> list[Channel]:
    """Return bins that share the nuisances of signal and background."""
    errors = (symmetric("yield", 0.1), symmetric("scale", 0.03))
    return [
        Channel(
            name=f"projection_{index}",
            signal=1.0 + index,
            background=background / (1.0 + index) ** 2,
            signal_nuisances=errors,
            background_nuisances=(Nuisance("background", 0.6, 1.8),),
        )
        for index in range(n_bins)
    ]


@pytest.mark.parametrize("n_bins", [1, 3])
def test_impacts_are_of_the_nuisance_and_not_of_other_toys(n_bins: int) -> None:
    """3% of the signal move the limit by 3% up and down, whichever toys they are."""
    for seed in (1, 2, 3, 4):
        found = impacts(projection(0.5, n_bins), level=0.9, method="toys", n_toys=4000, seed=seed)
        scale = next(one for one in found if one.name == "scale")
        assert scale.down == pytest.approx(0.03, abs=0.006)
        assert scale.up == pytest.approx(-0.03, abs=0.006)


def test_an_expected_limit_moves_with_the_background_and_does_not_jump() -> None:
    """The median count of 0.5 (0.3 to 0.9) is 0 or 1, and its limit 2.3 or 3.3 events."""
    found = impacts(projection(0.5, 1), level=0.9, method="toys", n_toys=4000, seed=1)
    background = next(one for one in found if one.name == "background")
    assert -0.2 < background.down < -0.02
    assert 0.02 < background.up < 0.2
