"""Mixtures: shares of processes, and weights that undo them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.config import ConfigError
from datasets.simulation.mixture import (
    Component,
    Mixture,
    Sampling,
    load_mixture,
    mixture_names,
    pick,
    shares,
)
from datasets.simulation.process import Yield


def mixture(fractions: Mapping[str, float | None]) -> Mixture:
    components = tuple(Component(process=name, fraction=value) for name, value in fractions.items())
    return Mixture(name="mine", title="made up", components=components)


def share(fractions: Mapping[str, float | None], *yields: float) -> Sampling:
    return shares(mixture(fractions), [Yield(value, "made up") for value in yields])


@pytest.mark.parametrize(
    ("fractions", "yields", "expected", "weights"),
    [
        pytest.param([None], [1e-5], [1.0], [1.0], id="alone"),
        pytest.param([1.0], [0.3], [1.0], [1.0], id="alone-with-its-fraction"),
        pytest.param([None, None], [0.9, 0.1], [0.9, 0.1], [1.0, 1.0], id="natural"),
        pytest.param([None, None], [3e-4, 1e-4], [0.75, 0.25], [1.0, 1.0], id="yields-need-not-add-up"),
        # half of the events for one of a thousand
        pytest.param([None, 0.5], [0.999, 0.001], [0.5, 0.5], [1.998, 0.002], id="a-rare-one-enriched"),
        # 0.6 is left: two thirds and one third of it
        pytest.param([None, 0.4, None], [2.0, 1.0, 1.0], [0.4, 0.4, 0.2], [1.25, 0.625, 1.25], id="mixed"),
        pytest.param([0.25, 0.75], [1.0, 1.0], [0.25, 0.75], [2.0, 2 / 3], id="all-given"),
    ],
)
def test_shares_by_hand(
    fractions: list[float | None], yields: list[float], expected: list[float], weights: list[float]
) -> None:
    sampling = share({f"p{i}": value for i, value in enumerate(fractions)}, *yields)
    assert sampling.fractions == pytest.approx(np.array(expected))
    assert sampling.weights == pytest.approx(np.array(weights))


@given(
    rows=st.lists(st.tuples(st.floats(1e-8, 1.0), st.none() | st.floats(0.01, 0.09)), min_size=2, max_size=9)
)
def test_a_weighted_sample_is_a_natural_one(rows: list[tuple[float, float | None]]) -> None:
    """Fraction times weight is the share by yield, and the mean weight is 1."""
    yields = np.array([value for value, _ in rows])
    fractions: dict[str, float | None] = {f"p{i}": given for i, (_, given) in enumerate(rows)}
    fractions["p0"] = None
    sampling = share(fractions, *yields)
    assert sampling.fractions.sum() == pytest.approx(1.0)
    assert sampling.fractions * sampling.weights == pytest.approx(yields / yields.sum())
    natural = [value is None for value in fractions.values()]
    assert np.ptp(sampling.weights[natural]) == pytest.approx(0.0, abs=1e-9 * sampling.weights.max())


@pytest.mark.parametrize(
    ("fractions", "yields", "message"),
    [
        ({"a": 0.5, "b": 0.4}, (1.0, 1.0), "fractions add up to 0.9"),
        ({"a": 0.5, "b": 0.6}, (1.0, 1.0), "fractions add up to 1.1"),
        ({"a": 0.5, "b": 0.5, "c": None}, (1.0, 1.0, 1.0), "must leave something for the components without"),
        ({"a": 0.5}, (1.0,), "fractions add up to 0.5"),
        ({"a": None, "b": None}, (1.0, 0.0), "mixture mine: b never happens in this setup"),
        ({"a": None, "b": 0.5}, (1.0, np.nan), "b never happens"),
    ],
)
def test_impossible_shares_are_refused(
    fractions: dict[str, float | None], yields: tuple[float, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        share(fractions, *yields)


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1, np.nan])
def test_a_fraction_is_a_part(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction of dimuon must be above 0 and at most 1"):
        Component(process="dimuon", fraction=fraction)


@pytest.mark.parametrize("prescale", [0.0, 0.5, np.nan])
def test_a_prescale_is_at_least_one(prescale: float) -> None:
    with pytest.raises(ValueError, match="prescale of dimuon must be 1 or more"):
        Component(process="dimuon", prescale=prescale)


def test_a_mixture_has_components() -> None:
    with pytest.raises(ValueError, match="mixture empty has no components"):
        Mixture(name="empty", title="", components=())


def test_picks_follow_the_fractions() -> None:
    n, fractions = 100_000, np.array([0.7, 0.001, 0.299])
    index = pick(Sampling(fractions, np.ones(3)), n, np.random.default_rng(1))
    seen = np.bincount(index, minlength=3) / n
    assert (abs(seen - fractions) < 5 * np.sqrt(fractions / n)).all()
    assert index.dtype == np.int64


@settings(max_examples=30)
@given(fraction=st.floats(0.01, 0.99), seed=st.integers(0, 1000))
def test_a_weighted_count_is_the_natural_one(fraction: float, seed: int) -> None:
    """Whatever part of 4000 events is the enriched process, its weighted part is that by yield, 0.2."""
    sampling = share({"a": None, "b": fraction}, 0.8, 0.2)
    index = pick(sampling, 4000, np.random.default_rng(seed))
    weight = sampling.weights[index]
    error = np.sqrt((weight**2).sum()) / 4000
    assert weight[index == 1].sum() / 4000 == pytest.approx(0.2, abs=6 * error + 1e-3)


def test_one_component_is_always_picked() -> None:
    assert (pick(Sampling(np.ones(1), np.ones(1)), 50, np.random.default_rng(1)) == 0).all()


def test_mixtures_that_come_with_the_project_load() -> None:
    assert "default" in mixture_names()
    for name in mixture_names():
        found = load_mixture(name)
        assert found.name == name
        assert len(found.components) > 1


def test_unknown_mixture_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown mixture 'defualt'; did you mean 'default'"):
        load_mixture("defualt")
    with pytest.raises(ConfigError, match=r"mixture file nowhere\.yaml is not there"):
        load_mixture("nowhere.yaml")


def test_a_mixture_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\ntitle: half signal\ntrigger: none\ncomponents:\n"
        "  - {process: electron, prescale: 10.0}\n"
        "  - {process: dimuon, fraction: 0.5, parameters: {least_energy: 9.0}}\n"
    )
    found = load_mixture(str(path))
    assert [c.process for c in found.components] == ["electron", "dimuon"]
    assert (found.trigger, found.components[0].prescale, found.components[1].fraction) == ("none", 10.0, 0.5)
    path.write_text("name: mine\ntitle: t\ncomponents:\n  - {proces: electron}\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml.*proces"):
        load_mixture(str(path))
