"""Raw digits of a file as flat arrays, whatever container and program wrote them."""

from __future__ import annotations

from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt

from datasets.layouts.digit_branches import DigitBranches, SampleBranches, StrawBranches
from datasets.reader import EventReader, ReadError, raw_field

__all__ = [
    "Digits",
    "ShortWaveforms",
    "StrawDigits",
    "StripDigits",
    "Waveforms",
    "read_digits",
    "read_straws",
    "read_strips",
    "read_waveforms",
    "select_digits",
]

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]


class Waveforms(NamedTuple):
    """Samples of the converters, sorted by event."""

    offsets: Ints  # (n_events + 1,)
    channel: Int32s  # (n_digits,) index in the row of all cells of the setup
    samples: npt.NDArray[np.uint16]  # (n_digits, n_samples) [ADC]


class ShortWaveforms(NamedTuple):
    """Channels whose waveforms have another number of samples than they should, sorted by event."""

    offsets: Ints  # (n_events + 1,)
    channel: Int32s  # (n_digits,)


class StripDigits(NamedTuple):
    """Samples of strips, sorted by event."""

    offsets: Ints  # (n_events + 1,)
    detector: Int32s  # (n_digits,) 2 * plane + (0 for x, 1 for y), planes of all spectrometers counted from 0
    channel: Int32s  # (n_digits,)
    samples: npt.NDArray[np.uint16]  # (n_digits, n_samples) [ADC] above the pedestal


class StrawDigits(NamedTuple):
    """Times of straws, sorted by event."""

    offsets: Ints  # (n_events + 1,)
    detector: Int32s  # (n_digits,) as for strips
    number: Int32s  # (n_digits,) straw, of both layers by position
    time: Int32s  # (n_digits,) [TDC counts]


class Digits(NamedTuple):
    """All raw digits of a stretch of events; None: the file has no such branches."""

    waveforms: Waveforms | None = None
    strips: StripDigits | None = None
    straws: StrawDigits | None = None
    short: ShortWaveforms | None = None


def read_digits(reader: EventReader, source: DigitBranches) -> Digits:
    """
    Read all digits that a file has.

    Parameters
    ----------
    reader : EventReader
    source : DigitBranches
        Of the layout.

    Raises
    ------
    ReadError
        If a branch cannot be read or does not fit the others.
    """
    there = {
        name
        for name, branches in source.kinds().items()
        if all(reader.has(raw_field(branch)) for branch in branches)
    }
    waveforms, short = (
        read_waveforms(reader, source.waveforms)
        if source.waveforms and "waveforms" in there
        else (None, None)
    )
    return Digits(
        waveforms,
        read_strips(reader, source.strips) if source.strips and "strips" in there else None,
        read_straws(reader, source.straws) if source.straws and "straws" in there else None,
        short,
    )


def read_waveforms(reader: EventReader, source: SampleBranches) -> tuple[Waveforms, ShortWaveforms]:
    """
    Read waveforms, and set aside those that are damaged.

    Parameters
    ----------
    reader : EventReader
    source : SampleBranches
        The samples of an event may be nested (`samples[n][32]` of ROOT, a list of arrays of an RNTuple) or
        follow each other in one list (a TTree of uproot).

    Returns
    -------
    Waveforms
        With all of their samples.
    ShortWaveforms
        The other channels. Where samples follow each other in one list that is too short or too long, nobody
        can tell whose are missing: all channels of that event.

    Raises
    ------
    ReadError
        If a branch cannot be read, or no waveform at all has the number of samples that the layout says.
    """
    channel = reader.field(raw_field(source.channel))
    lists = reader.field(raw_field(source.samples))
    numbers, counts = _flat(channel, np.int32), ak.to_numpy(ak.num(channel))
    is_whole, fits = _find_whole(lists, counts, source.n_samples)
    if len(is_whole) and not is_whole.any():
        _samples(reader, source, channel)  # says what does not fit
    event = np.repeat(np.arange(len(counts)), counts)
    if is_whole.all() and fits.all():
        samples = _flat(lists, np.uint16)
    else:
        rows = ak.flatten(lists[fits])
        samples = _flat(rows if lists.ndim == 2 else rows[is_whole[fits[event]]], np.uint16)
    return (
        Waveforms(
            _starts(event[is_whole], len(counts)), numbers[is_whole], samples.reshape(-1, source.n_samples)
        ),
        ShortWaveforms(_starts(event[~is_whole], len(counts)), numbers[~is_whole]),
    )


def _find_whole(
    lists: ak.Array, counts: Array, n_samples: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which waveforms have all samples, (n_digits,), and which events as many lists as channels."""
    there = ak.to_numpy(ak.num(lists))
    if lists.ndim == 2:
        fits = there == counts * n_samples
        return np.repeat(fits, counts), fits
    fits = there == counts
    is_whole = np.repeat(fits, counts)
    is_whole[is_whole] = ak.to_numpy(ak.flatten(ak.num(lists[fits], axis=2))) == n_samples
    return is_whole, fits


def _starts(event: Array, n_events: int) -> Ints:
    """Return the offsets of digits sorted by event."""
    return np.concatenate([[0], np.cumsum(np.bincount(event, minlength=n_events))]).astype(np.int64)


def read_strips(reader: EventReader, source: SampleBranches) -> StripDigits:
    """Read the samples of strips; parameters and errors as for `read_waveforms`."""
    channel = reader.field(raw_field(source.channel))
    detector = _like(reader, source.detector, channel, source.channel)
    return StripDigits(
        _offsets(channel), detector, _flat(channel, np.int32), _samples(reader, source, channel)
    )


def read_straws(reader: EventReader, source: StrawBranches) -> StrawDigits:
    """
    Read the times of straws.

    Raises
    ------
    ReadError
        If a branch cannot be read, or the branches have different lengths.
    """
    number = reader.field(raw_field(source.number))
    detector, time = (
        _like(reader, branch, number, source.number) for branch in (source.detector, source.time)
    )
    return StrawDigits(_offsets(number), detector, _flat(number, np.int32), time)


def select_digits(digits: Digits, mask: npt.NDArray[np.bool_]) -> Digits:
    """Return the digits of the events where ``mask``, shape (n_events,), is True."""
    waveforms, strips, straws, short = digits
    return Digits(
        None if waveforms is None else Waveforms(*_select(waveforms, mask)),
        None if strips is None else StripDigits(*_select(strips, mask)),
        None if straws is None else StrawDigits(*_select(straws, mask)),
        None if short is None else ShortWaveforms(*_select(short, mask)),
    )


def _select(table: tuple[Any, ...], mask: npt.NDArray[np.bool_]) -> list[Any]:
    """Return offsets and rows of the events of a mask."""
    offsets, *rows = table
    counts = np.diff(offsets)
    kept = np.repeat(mask, counts)
    return [
        np.concatenate([[0], np.cumsum(counts[mask])]).astype(np.int64),
        *(values[kept] for values in rows),
    ]


def _offsets(lists: ak.Array) -> Ints:
    counts = ak.to_numpy(ak.num(lists))
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _flat(lists: ak.Array, kind: Any) -> Array:
    return np.asarray(ak.to_numpy(ak.flatten(lists, axis=None)), dtype=kind)


def _like(reader: EventReader, branch: str, other: ak.Array, name: str) -> Array:
    """Read a branch that has as many numbers in each event as another one."""
    lists = reader.field(raw_field(branch))
    _check_counts(branch, ak.to_numpy(ak.num(lists)), name, ak.to_numpy(ak.num(other)))
    return _flat(lists, np.int32)


def _samples(reader: EventReader, source: SampleBranches, channel: ak.Array) -> npt.NDArray[np.uint16]:
    """Read samples as (n_digits, n_samples)."""
    lists = reader.field(raw_field(source.samples))
    counts, wanted = ak.to_numpy(ak.num(lists)), ak.to_numpy(ak.num(channel))
    if lists.ndim == 2:
        _check_counts(source.samples, counts, source.channel, wanted * source.n_samples)
    else:
        _check_counts(source.samples, counts, source.channel, wanted)
        lengths = np.unique(ak.to_numpy(ak.flatten(ak.num(lists, axis=2))))
        if lengths.tolist() not in ([], [source.n_samples]):
            found = ", ".join(map(str, lengths[:5]))
            msg = f"'{source.samples}' has {found} samples per channel, its layout says {source.n_samples}"
            raise ReadError(msg)
    return _flat(lists, np.uint16).reshape(-1, source.n_samples)


def _check_counts(branch: str, counts: Array, other: str, wanted: Array) -> None:
    wrong = np.flatnonzero(counts != wanted)
    if len(wrong):
        at = int(wrong[0])
        msg = f"'{branch}' has {counts[at]} rows in event {at} of the chunk, '{other}' asks for {wanted[at]}"
        raise ReadError(msg)
