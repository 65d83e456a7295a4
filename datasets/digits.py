"""Raw digits of a file as flat arrays, whatever container and program wrote them."""

from __future__ import annotations

from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt
from awkward.contents import Content

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
    offsets, channel = _lists(reader.field(raw_field(source.channel)), np.int32)
    lists = reader.field(raw_field(source.samples))
    is_whole, fits, content = _find_whole(lists, offsets, source.n_samples)
    if len(is_whole) and not is_whole.any():
        _samples(reader, source, offsets)  # says what does not fit
    event = np.repeat(np.arange(len(fits)), np.diff(offsets))
    if not (is_whole.all() and fits.all()):
        rows = ak.flatten(lists[fits])
        content = ak.to_layout(rows if lists.ndim == 2 else ak.flatten(rows[is_whole[fits[event]]]))
    samples = np.asarray(ak.to_numpy(content), dtype=np.uint16).reshape(-1, source.n_samples)
    return (
        Waveforms(_starts(event[is_whole], len(fits)), channel[is_whole], samples),
        ShortWaveforms(_starts(event[~is_whole], len(fits)), channel[~is_whole]),
    )


def _find_whole(
    lists: ak.Array, channel: Ints, n_samples: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Content]:
    """
    Return what is there of the samples of channels with the given offsets.

    Which waveforms have all samples, (n_digits,); which events as many lists as channels; all samples.
    """
    counts = np.diff(channel)
    outer, content = _open(ak.to_layout(lists))
    there = np.diff(outer)
    if lists.ndim == 2:
        fits = there == counts * n_samples
        return np.repeat(fits, counts), fits, content
    fits = there == counts
    inner, content = _open(content)
    is_whole = np.repeat(fits, counts)
    is_whole[is_whole] = np.diff(inner)[np.repeat(fits, there)] == n_samples
    return is_whole, fits, content


def _starts(event: Array, n_events: int) -> Ints:
    """Return the offsets of digits sorted by event."""
    return np.concatenate([[0], np.cumsum(np.bincount(event, minlength=n_events))]).astype(np.int64)


def read_strips(reader: EventReader, source: SampleBranches) -> StripDigits:
    """Read the samples of strips; parameters and errors as for `read_waveforms`."""
    offsets, channel = _lists(reader.field(raw_field(source.channel)), np.int32)
    detector = _like(reader, source.detector, offsets, source.channel)
    return StripDigits(offsets, detector, channel, _samples(reader, source, offsets))


def read_straws(reader: EventReader, source: StrawBranches) -> StrawDigits:
    """
    Read the times of straws.

    Raises
    ------
    ReadError
        If a branch cannot be read, or the branches have different lengths.
    """
    offsets, number = _lists(reader.field(raw_field(source.number)), np.int32)
    detector, time = (
        _like(reader, branch, offsets, source.number) for branch in (source.detector, source.time)
    )
    return StrawDigits(offsets, number=number, detector=detector, time=time)


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


def _open(layout: Content) -> tuple[Ints, Content]:
    """Return offsets that begin with 0 and the content of lists, without copying what follows each other."""
    if layout.is_numpy:
        layout = layout.to_RegularArray()
    lists = layout.to_ListOffsetArray64(True)
    offsets = np.asarray(lists.offsets.data, dtype=np.int64)
    return offsets, lists.content[: int(offsets[-1])]


def _lists(array: ak.Array, kind: Any) -> tuple[Ints, Array]:
    """Return offsets and numbers of one list per event."""
    offsets, content = _open(ak.to_layout(array))
    return offsets, np.asarray(ak.to_numpy(content), dtype=kind)


def _like(reader: EventReader, branch: str, other: Ints, name: str) -> Array:
    """Read a branch that has as many numbers in each event as another one, whose offsets are given."""
    offsets, values = _lists(reader.field(raw_field(branch)), np.int32)
    _check_counts(branch, np.diff(offsets), name, np.diff(other))
    return values


def _samples(reader: EventReader, source: SampleBranches, channel: Ints) -> npt.NDArray[np.uint16]:
    """Read samples as (n_digits, n_samples), for channels of the given offsets."""
    lists = reader.field(raw_field(source.samples))
    offsets, content = _open(ak.to_layout(lists))
    wanted = np.diff(channel)
    if lists.ndim == 2:
        _check_counts(source.samples, np.diff(offsets), source.channel, wanted * source.n_samples)
    else:
        _check_counts(source.samples, np.diff(offsets), source.channel, wanted)
        inner, content = _open(content)
        wrong = np.flatnonzero(np.diff(inner) != source.n_samples)
        if len(wrong):
            msg = f"'{source.samples}' has not the {source.n_samples} samples per channel of its layout"
            raise ReadError(msg)
    return np.asarray(ak.to_numpy(content), dtype=np.uint16).reshape(-1, source.n_samples)


def _check_counts(branch: str, counts: Array, other: str, wanted: Array) -> None:
    wrong = np.flatnonzero(counts != wanted)
    if len(wrong):
        msg = f"'{branch}' has not as many rows as '{other}' asks for, first in entry {wrong[0]} of the chunk"
        raise ReadError(msg)
