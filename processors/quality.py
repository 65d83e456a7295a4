"""Quality counters: how many digits and events are damaged, by name.

A counter of what a file or a channel does wrong (`of_entries`) comes from digits and validity alone, and
counts all entries of data. One that pulses and tracks decide could tell of closed events, and counts shown
events only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.digits import Digits
from recon.straws import StrawTable
from recon.strip_channels import StripTable
from recon.waveforms import Quality

__all__ = [
    "COUNTERS",
    "Count",
    "Counter",
    "Counts",
    "add_counts",
    "count_damage",
    "of_pulses",
    "of_trackers",
    "repeated",
]

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Counter(NamedTuple):
    """What a counter counts."""

    label: str
    of_entries: bool  # True: of all entries; False: on data of shown events only
    of_digits: bool = True  # False: it is said of an event as a whole


COUNTERS = {
    "waveform_is_short": Counter("waveform with another number of samples than the layout says", True),
    "waveform_is_all_zero": Counter("waveform of zeros", True),
    "waveform_is_all_saturated": Counter("waveform at full scale in all samples", True),
    "waveform_channel_is_unknown": Counter("waveform of a channel that no cell has", True),
    "waveform_channel_is_repeated": Counter("further waveform of a channel in one event", True),
    "waveform_is_noisy": Counter("waveform whose leading samples spread, or lie off the pedestal", False),
    "waveform_is_saturated": Counter("waveform with some samples at full scale, fitted to the others", False),
    "waveform_is_hidden": Counter(
        "waveform at full scale just before the event's pulse, which cannot be measured then", False
    ),
    "waveform_is_not_fitted": Counter("waveform that pulses do not explain", False),
    "strip_channel_is_unknown": Counter("strip digit of a plane or a channel that is not there", True),
    "strip_channel_is_repeated": Counter("further digit of a strip channel in one event", True),
    "straw_is_unknown": Counter("straw time of a plane or a straw that is not there", True),
    "spill_is_bad": Counter("event of a spill that the conditions call bad", True, False),
    "master_time_is_unknown": Counter("event without master time", True, False),
    "master_time_is_ambiguous": Counter(
        "event with two beam particles too close to tell which one fired the trigger", False, False
    ),
    "track_candidates_are_too_many": Counter("event with too many hits to look for tracks", False, False),
}


@dataclass(frozen=True, slots=True)
class Count:
    """How often something was found; exact, whatever the order of adding."""

    digits: int | None  # None: it is said of events, not of digits
    events: int  # with at least one

    def __add__(self, other: Count) -> Count:
        digits = None if self.digits is None or other.digits is None else self.digits + other.digits
        return Count(digits, self.events + other.events)


Counts = Mapping[str, Count]  # counter -> count, in the order of `COUNTERS`


def add_counts(one: Counts, other: Counts) -> dict[str, Count]:
    """Add counters by name; a counter that one of the two does not have stays that of the other."""
    total = {**one, **other, **{name: one[name] + other[name] for name in one.keys() & other.keys()}}
    return {name: total[name] for name in COUNTERS if name in total}


def count_damage(damage: Mapping[str, Ints], shown: Mask | None) -> dict[str, Count]:
    """
    Add up what was found in each event.

    Parameters
    ----------
    damage : mapping of counter to int64, shape (n_events,)
        Digits in each event; 0 or 1 for what is said of events.
    shown : bool, shape (n_events,), or None
        The events of data that may be seen; None: nothing is blinded.

    Returns
    -------
    dict of Count
        In the order of `COUNTERS`.
    """
    counts = {}
    for name, counter in COUNTERS.items():
        if name in damage:
            found = damage[name] if shown is None or counter.of_entries else damage[name][shown]
            digits = int(found.sum()) if counter.of_digits else None
            counts[name] = Count(digits, int(np.count_nonzero(found)))
    return counts


def of_pulses(quality: npt.NDArray[np.uint8], event: Ints, n_events: int) -> dict[str, Ints]:
    """
    Count in each event the waveforms that the pulse finder complains of.

    Parameters
    ----------
    quality : uint8, shape (n_waveforms,)
        Bits of `recon.waveforms.Quality`.
    event : int64, shape (n_waveforms,)
    n_events : int
    """
    bits = {
        "waveform_is_short": Quality.SHORT,
        "waveform_is_all_zero": Quality.ALL_ZERO,
        "waveform_is_all_saturated": Quality.ALL_SATURATED,
        "waveform_is_noisy": Quality.NOISY_BASELINE,
        "waveform_is_saturated": Quality.SATURATED,
        "waveform_is_not_fitted": Quality.BAD_FIT,
    }
    return {
        name: np.bincount(event[(quality & np.uint8(bit)) > 0], minlength=n_events)
        for name, bit in bits.items()
    }


def of_trackers(digits: Digits, strips: StripTable, straws: StrawTable, n_events: int) -> dict[str, Ints]:
    """
    Count in each event the digits of strips and straws that no plane has, and repeated strips.

    Parameters
    ----------
    digits : Digits
    strips : StripTable
    straws : StrawTable
        Both of all planes.
    n_events : int
    """
    damage: dict[str, Ints] = {}
    if digits.strips is not None:
        s = digits.strips
        event = np.repeat(np.arange(n_events), np.diff(s.offsets))
        known = _is_known(s.detector, s.channel, np.where(strips.n_strips > 0, strips.n_channels, 0))
        damage["strip_channel_is_unknown"] = np.bincount(event[~known], minlength=n_events)
        width = max(int(strips.n_channels.max(initial=0)), 1)
        key = (event * len(strips.n_channels) + s.detector) * width + s.channel
        damage["strip_channel_is_repeated"] = _repeats(key[known], event[known], n_events)
    if digits.straws is not None:
        t = digits.straws
        event = np.repeat(np.arange(n_events), np.diff(t.offsets))
        known = _is_known(t.detector, t.number, straws.n_straws)
        damage["straw_is_unknown"] = np.bincount(event[~known], minlength=n_events)
    return damage


def _is_known(row: Array, number: Array, n_there: Ints) -> Mask:
    """Return whether a plane has the channel, (n_digits,)."""
    inside = (row >= 0) & (row < len(n_there))
    limit = n_there[np.where(inside, row, 0)] if len(n_there) else np.zeros(len(row), dtype=np.int64)
    return np.asarray(inside & (number >= 0) & (number < limit))


def _repeats(key: Ints, event: Ints, n_events: int) -> Ints:
    """Count in each event the digits whose key came before."""
    _, first = np.unique(key, return_index=True)
    again = np.ones(len(key), dtype=bool)
    again[first] = False
    return np.bincount(event[again], minlength=n_events)


def repeated(event: Ints, channel: Ints, n_channels: int, n_events: int) -> tuple[Ints, Ints, Ints]:
    """
    Find the channels that stand more than once in an event.

    Parameters
    ----------
    event, channel : int64, shape (n_digits,)
    n_channels, n_events : int

    Returns
    -------
    events, channels : int64, shape (n_repeated,)
        The places that are not known.
    counts : int64, shape (n_events,)
        Further digits in each event.
    """
    found, counts = np.unique(event * n_channels + channel, return_counts=True)
    twice, more = found[counts > 1], counts[counts > 1] - 1
    where = twice // max(n_channels, 1)
    total = np.zeros(n_events, dtype=np.int64)
    np.add.at(total, where, more)
    return where, twice % max(n_channels, 1), total
