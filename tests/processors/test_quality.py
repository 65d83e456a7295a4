"""Counters add up exactly, in any order, and those of pulses count shown events of data only."""

import numpy as np
import pytest

from processors.quality import COUNTERS, Count, add_counts, count_damage, repeated

DAMAGE = {
    "waveform_is_all_zero": np.array([2, 0, 1]),
    "waveform_is_noisy": np.array([3, 4, 0]),
    "spill_is_bad": np.array([0, 1, 1]),
}


def test_events_and_digits() -> None:
    assert count_damage(DAMAGE, None) == {
        "waveform_is_all_zero": Count(3, 2),
        "waveform_is_noisy": Count(7, 2),
        "spill_is_bad": Count(None, 2),
    }


def test_what_pulses_decide_is_counted_of_shown_events_only() -> None:
    shown = np.array([True, False, False])
    counts = count_damage(DAMAGE, shown)
    assert counts["waveform_is_noisy"] == Count(3, 1)
    assert counts["waveform_is_all_zero"] == Count(3, 2)
    other = {**DAMAGE, "waveform_is_noisy": np.array([3, 0, 9])}
    assert count_damage(other, shown) == counts


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_parts_add_up_to_the_whole(order: tuple[int, ...]) -> None:
    total: dict[str, Count] = {}
    for event in order:
        total = add_counts(total, count_damage({k: v[[event]] for k, v in DAMAGE.items()}, None))
    assert total == count_damage(DAMAGE, None)
    assert list(total) == [name for name in COUNTERS if name in DAMAGE]


def test_repeated_channels() -> None:
    event, channel = np.array([0, 0, 0, 1, 1]), np.array([4, 4, 4, 4, 2])
    events, channels, counts = repeated(event, channel, 5, 2)
    assert (events.tolist(), channels.tolist(), counts.tolist()) == ([0], [4], [2, 0])
