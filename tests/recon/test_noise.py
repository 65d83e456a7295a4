"""Tests of random numbers that belong to an event: reproducible, independent, of the right shape."""

from statistics import NormalDist
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recon.noise import event_keys, keyed_normal, keyed_uniform

N = 40_000
CONSECUTIVE = event_keys([np.full(N, 7), np.arange(N)], seed=1)  # run and event, as in a real file


@settings(deadline=None, max_examples=30)
@given(order=st.permutations(range(8)), n_values=st.integers(1, 5))
def test_numbers_do_not_depend_on_the_order(order: list[int], n_values: int) -> None:
    run, event = np.arange(8) // 4, np.arange(8) % 4
    here = keyed_normal(event_keys([run, event], 3), "ecal", n_values)
    there = keyed_normal(event_keys([run[order], event[order]], 3), "ecal", n_values)
    assert np.array_equal(there, here[order])


@settings(deadline=None, max_examples=30)
@given(start=st.integers(0, 1000), length=st.integers(0, 70))
def test_numbers_do_not_depend_on_the_neighbours(start: int, length: int) -> None:
    identity = [np.arange(1100.0)]
    whole = keyed_normal(event_keys(identity, 3), "ecal", 3)
    part = keyed_normal(event_keys([values[start : start + length] for values in identity], 3), "ecal", 3)
    assert np.array_equal(part, whole[start : start + length])


def test_first_numbers_do_not_depend_on_how_many_follow() -> None:
    assert np.array_equal(
        keyed_uniform(CONSECUTIVE, "hits x", 2), keyed_uniform(CONSECUTIVE, "hits x", 9)[:, :2]
    )


def test_type_of_the_identity_does_not_matter() -> None:
    """One file stores a run as int32, its skim as int64: the smearing stays."""
    keys = [event_keys([np.arange(5, dtype=kind)], 1).tolist() for kind in (np.int32, np.int64, np.float64)]
    assert keys[0] == keys[1] == keys[2]


GAMMA, FULL = 0x9E3779B97F4A7C15, 2**64 - 1


def mix(value: int) -> int:
    """Return the SplitMix64 finaliser, in plain integers."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & FULL
    value = (value ^ value >> 27) * 0x94D049BB133111EB & FULL
    return value ^ value >> 31


def test_keys_of_today_are_those_of_tomorrow() -> None:
    """Smearing is part of a published result: a change here moves physics numbers."""
    bits = [int(np.float64(number).view(np.uint64)) for number in (12, 0.1)]
    first = mix((5 * GAMMA + bits[0] + GAMMA) & FULL)
    second = mix((first * GAMMA + bits[1] + GAMMA) & FULL)
    assert event_keys([np.array([12]), np.array([0.1])], 5).tolist() == [second]


def test_numbers_of_today_are_those_of_tomorrow() -> None:
    key, salt = 1234567890123456789, crc32(b"ecal noise")
    bits = [mix((mix(key) + (n + (salt << 32)) * GAMMA) & FULL) for n in (1, 2, 3)]
    uniform = [((word >> 11) + 0.5) * 2.0**-53 for word in bits]
    assert keyed_uniform(np.array([key], dtype=np.uint64), "ecal noise", 3).tolist() == [uniform]


def test_normal_is_the_quantile_of_the_uniform() -> None:
    uniform, normal = (draw(CONSECUTIVE[:50], "ecal", 2) for draw in (keyed_uniform, keyed_normal))
    expected = [NormalDist().inv_cdf(u) for u in uniform.ravel()]
    assert normal.ravel().tolist() == pytest.approx(expected, rel=1e-9)


def test_large_numbers_tell_events_apart() -> None:
    """A time stamp or an event number needs more digits than a single-precision float has."""
    first, second = event_keys([np.array([2**40, 2**40 + 1])], 1)
    assert first != second


def test_finaliser_is_splitmix64() -> None:
    """First value of the reference generator for state 0: the mix of one golden step."""
    key = event_keys([np.array([0.0])], 0)
    assert key.tolist() == [0xE220A8397B1DCDAF]


@pytest.mark.parametrize(
    ("identity", "seed"),
    [
        pytest.param([[1, 1], [5, 6]], 2, id="another-seed"),
        pytest.param([[2, 2], [5, 6]], 1, id="another-run"),
        pytest.param([[1, 1], [6, 7]], 1, id="another-event"),
        pytest.param([[5, 6], [1, 1]], 1, id="order-of-quantities"),
        pytest.param([[1, 1]], 1, id="fewer-quantities"),
    ],
)
def test_another_identity_gives_other_keys(identity: list[list[int]], seed: int) -> None:
    keys = event_keys([np.array([1, 1]), np.array([5, 6])], 1)
    others = event_keys([np.array(values) for values in identity], seed)
    assert (keys != others).all()


def test_another_stream_gives_other_numbers() -> None:
    assert (keyed_uniform(CONSECUTIVE, "ecal noise", 2) != keyed_uniform(CONSECUTIVE, "hcal noise", 2)).all()


def test_no_key_comes_twice() -> None:
    run, event = np.meshgrid(np.arange(200), np.arange(1000))
    keys = [event_keys([run.ravel(), event.ravel()], seed) for seed in (0, 1)]
    assert len(np.unique(np.concatenate(keys))) == 400_000


def test_empty_identity_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least one identifying quantity.*'identity' in the layout"):
        event_keys([], 1)


def test_no_events_no_numbers() -> None:
    assert keyed_normal(event_keys([np.empty(0)], 1), "ecal", 4).shape == (0, 4)


# --- distributions: the numbers are fixed, so that these tests pass or fail for good ---------------------


@pytest.mark.parametrize("value", range(3))
def test_uniform_over_events(value: int) -> None:
    assert stats.kstest(keyed_uniform(CONSECUTIVE, "ecal", 3)[:, value], "uniform").pvalue > 0.01


def test_uniform_over_values_of_an_event() -> None:
    assert stats.kstest(keyed_uniform(CONSECUTIVE[:1], "ecal", N)[0], "uniform").pvalue > 0.01


def test_uniform_over_seeds() -> None:
    numbers = [keyed_uniform(event_keys([np.array([1])], seed), "ecal", 1)[0, 0] for seed in range(2000)]
    assert stats.kstest(numbers, "uniform").pvalue > 0.01


def test_uniform_over_streams() -> None:
    numbers = [keyed_uniform(CONSECUTIVE[:1], f"stream {i}", 1)[0, 0] for i in range(2000)]
    assert stats.kstest(numbers, "uniform").pvalue > 0.01


def test_uniform_is_open() -> None:
    numbers = keyed_uniform(CONSECUTIVE, "ecal", 10)
    assert numbers.min() > 0
    assert numbers.max() < 1


@pytest.mark.parametrize("value", range(3))
def test_normal_over_events(value: int) -> None:
    assert stats.kstest(keyed_normal(CONSECUTIVE, "ecal", 3)[:, value], "norm").pvalue > 0.01


def test_normal_has_tails() -> None:
    """KS is blind there: of 400 000 numbers 1080 lie beyond three standard deviations."""
    beyond = np.count_nonzero(np.abs(keyed_normal(CONSECUTIVE, "ecal", 10)) > 3)
    assert beyond == pytest.approx(10 * N * 2 * stats.norm.sf(3), abs=4 * np.sqrt(1080))


# Five standard deviations of a correlation coefficient of N independent pairs.
LIMIT = 5 / np.sqrt(N)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


@pytest.mark.parametrize("lag", [1, 2, 3, 8, 1024])
def test_consecutive_events_are_independent(lag: int) -> None:
    numbers = keyed_uniform(CONSECUTIVE, "ecal", 1)[:, 0]
    assert abs(correlation(numbers[:-lag], numbers[lag:])) < LIMIT


@pytest.mark.parametrize("lag", [1, 2, 3, 8])
def test_consecutive_values_are_independent(lag: int) -> None:
    numbers = keyed_uniform(CONSECUTIVE, "ecal", 9)
    assert abs(correlation(numbers[:, 0], numbers[:, lag])) < LIMIT


@pytest.mark.parametrize("lag", [1, 2, 36])
def test_consecutive_values_of_one_event_are_independent(lag: int) -> None:
    numbers = keyed_uniform(CONSECUTIVE[:1], "ecal", N)[0]
    assert abs(correlation(numbers[:-lag], numbers[lag:])) < LIMIT


def test_streams_are_independent() -> None:
    first, second = (keyed_uniform(CONSECUTIVE, stream, 1)[:, 0] for stream in ("hits x", "hits y"))
    assert abs(correlation(first, second)) < LIMIT


def test_seeds_are_independent() -> None:
    events = [np.full(N, 7), np.arange(N)]
    first, second = (keyed_uniform(event_keys(events, seed), "ecal", 1)[:, 0] for seed in (1, 2))
    assert abs(correlation(first, second)) < LIMIT


def test_numbers_do_not_follow_the_identity() -> None:
    """A number that rose with the event number would make a trend along the file."""
    assert abs(correlation(np.arange(N), keyed_uniform(CONSECUTIVE, "ecal", 1)[:, 0])) < LIMIT
