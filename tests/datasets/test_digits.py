"""Raw digits of files: ROOT's own form, the forms of uproot, and what does not fit together."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from datasets.config import ConfigError
from datasets.decode import decode
from datasets.digits import Digits, select_digits
from datasets.layouts import Layout, load_layout
from datasets.probe import probe_file
from datasets.reader import ReadError
from datasets.setups import load_setup
from datasets.sources import InputFile
from recon.geometry import Setup

# Fifty events that ROOT 6.40 wrote (data/make_raw_root.C), and the sums that ROOT made of its branches.
BY_ROOT = Path(__file__).parents[1] / "data" / "raw_root.root"
SUMS = {"adc_channel": 49966, "adc_samples": 2904764, "apv_detector": 7997, "apv_channel": 70754}

MINE = """
level: raw
digits:
  waveforms: {channel: c, samples: s, n_samples: 4}
  strips: {detector: d, channel: c, samples: t, n_samples: 2}
  straws: {detector: d, number: c, time: d}
"""
COUNTS = [2, 0, 1]
CHANNEL = ak.unflatten(np.array([5, 7, 5], dtype=np.int32), COUNTS)
SAMPLES = np.arange(12, dtype=np.uint16).reshape(3, 4)


@pytest.fixture
def read(
    write: Callable[..., Path],
    make_layout: Callable[[str], Layout],
    open_events: Callable[..., ak.Array],
    setup: Setup,
) -> Callable[..., Digits]:
    """Return: write columns, read them with the layout above."""

    def read_columns(columns: Mapping[str, Any], container: str = "TTree", text: str = MINE) -> Digits:
        layout = make_layout(text)
        return decode(open_events(write(columns, container), layout), layout, setup).digits

    return read_columns


@pytest.fixture
def by_root(open_events: Callable[..., ak.Array]) -> Digits:
    layout = load_layout("raw")
    return decode(open_events(BY_ROOT, layout), layout, load_setup("na64e_2018")).digits


def test_the_form_of_root_is_recognised() -> None:
    probe = probe_file(InputFile(path=str(BY_ROOT), dataset="sample"), setup="na64e_2018")
    assert (probe.layout.name, probe.tree.type, probe.tree.entries) == ("raw", "TTree", 50)
    assert {"waveforms", "strips", "run", "spill", "event"} == probe.quantities
    assert probe.kind == "data"


def test_the_form_of_root_has_the_sums_of_root(by_root: Digits) -> None:
    waveforms, strips, straws, _ = by_root
    assert waveforms is not None
    assert strips is not None
    assert straws is None
    assert waveforms.samples.shape == (1002, 32)
    assert strips.samples.shape == (2309, 3)
    found = {"adc_channel": waveforms.channel, "adc_samples": waveforms.samples}
    found |= {"apv_detector": strips.detector, "apv_channel": strips.channel}
    assert {name: int(values.sum(dtype=np.int64)) for name, values in found.items()} == SUMS
    assert int(strips.samples.sum(dtype=np.int64)) == 958381
    assert waveforms.offsets[-1] == 1002
    assert len(waveforms.offsets) == 51


def test_one_event_of_root_in_its_order(by_root: Digits) -> None:
    """As `TTree::Draw` shows them: the first channel of event 7 is an SRD pulse, its sixth strip channel."""
    waveforms, strips, _, _ = by_root
    assert waveforms is not None
    assert strips is not None
    first = waveforms.offsets[7]
    pulse = [255, 286, 244, 201, 155, 127, 102, 87, 75, 69, 63, 63]
    assert waveforms.channel[first] == 0
    assert waveforms.samples[first, 13:25].tolist() == pulse
    sixth = strips.offsets[7] + 5
    assert (strips.detector[sixth], strips.channel[sixth]) == (0, 9)
    assert strips.samples[sixth].tolist() == [43, 102, 115]


@pytest.mark.parametrize(
    ("container", "form"), [("TTree", "flat"), ("RNTuple", "flat"), ("RNTuple", "nested")]
)
def test_samples_one_after_the_other_or_nested(
    read: Callable[..., Digits], container: str, form: str
) -> None:
    rows = ak.from_numpy(SAMPLES, regulararray=True)
    samples = ak.unflatten(rows, COUNTS) if form == "nested" else ak.unflatten(SAMPLES.ravel(), [8, 0, 4])
    waveforms, strips, straws, _ = read({"c": CHANNEL, "s": samples}, container)
    assert strips is straws is None
    assert waveforms is not None
    assert waveforms.offsets.tolist() == [0, 2, 2, 3]
    assert waveforms.channel.tolist() == [5, 7, 5]
    assert waveforms.samples.tolist() == SAMPLES.tolist()
    assert (waveforms.channel.dtype, waveforms.samples.dtype) == (np.int32, np.uint16)


def test_lists_of_lists_of_any_length_are_read_where_the_lengths_fit(read: Callable[..., Digits]) -> None:
    lists = ak.Array([[[0, 1, 2, 3], [4, 5, 6, 7]], [], [[8, 9, 10, 11]]])
    waveforms = read({"c": CHANNEL, "s": ak.values_astype(lists, np.uint16)}, "RNTuple").waveforms
    assert waveforms is not None
    assert waveforms.samples.tolist() == SAMPLES.tolist()
    other = ak.values_astype(ak.Array([[[0, 1, 2], [4, 5]], [], [[8, 9, 10]]]), np.uint16)
    with pytest.raises(ReadError, match="'s' has not the 4 samples per channel of its layout"):
        read({"c": CHANNEL, "s": other}, "RNTuple")


def test_a_waveform_of_another_length_is_set_aside(read: Callable[..., Digits]) -> None:
    ragged = ak.values_astype(ak.Array([[[0, 1, 2], [4, 5, 6, 7]], [], [[8, 9, 10, 11]]]), np.uint16)
    waveforms, _, _, short = read({"c": CHANNEL, "s": ragged}, "RNTuple")
    assert waveforms is not None
    assert short is not None
    assert waveforms.offsets.tolist() == [0, 1, 1, 2]
    assert waveforms.channel.tolist() == [7, 5]
    assert waveforms.samples.tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert (short.offsets.tolist(), short.channel.tolist()) == ([0, 1, 1, 1], [5])
    kept = select_digits(Digits(waveforms, short=short), np.array([False, True, True]))
    assert kept.short is not None
    assert kept.short.channel.tolist() == []


@pytest.mark.parametrize(("container", "form"), [("TTree", "flat"), ("RNTuple", "nested")])
def test_of_an_event_with_too_few_samples_no_waveform_is_known(
    read: Callable[..., Digits], container: str, form: str
) -> None:
    flat = ak.unflatten(SAMPLES.ravel()[[0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]], [7, 0, 4])
    rows = ak.unflatten(ak.from_numpy(SAMPLES, regulararray=True)[1:], [1, 0, 1])
    samples = flat if form == "flat" else rows
    waveforms, _, _, short = read({"c": CHANNEL, "s": samples}, container)
    assert waveforms is not None
    assert short is not None
    assert (waveforms.offsets.tolist(), waveforms.samples.tolist()) == ([0, 0, 0, 1], [[8, 9, 10, 11]])
    assert (short.offsets.tolist(), short.channel.tolist()) == ([0, 2, 2, 2], [5, 7])


def test_samples_that_fit_no_channel_are_refused(read: Callable[..., Digits]) -> None:
    with pytest.raises(ReadError, match="'s' has not as many rows as 'c' asks for, first in entry 1"):
        read({"c": ak.unflatten(CHANNEL[[0, 2]][0], [0, 2, 0]), "s": ak.unflatten(SAMPLES[0], [0, 0, 4])})


def test_strips_and_straws_need_a_detector_each(read: Callable[..., Digits], container: str) -> None:
    good = ak.unflatten(np.array([1, 2, 3], dtype=np.int32), COUNTS)
    pairs = ak.unflatten(np.arange(6, dtype=np.uint16), [4, 0, 2])
    _, strips, straws, _ = read({"c": CHANNEL, "d": good, "t": pairs}, container)
    assert strips is not None
    assert straws is not None
    assert (strips.detector.tolist(), strips.samples.tolist()) == ([1, 2, 3], [[0, 1], [2, 3], [4, 5]])
    assert (straws.number.tolist(), straws.time.tolist()) == ([5, 7, 5], [1, 2, 3])
    bad = ak.unflatten(np.array([1, 2, 3], dtype=np.int32), [1, 1, 1])
    with pytest.raises(ReadError, match="'d' has not as many rows as 'c' asks for, first in entry 0"):
        read({"c": CHANNEL, "d": bad, "t": pairs}, container)


def test_a_chunk_without_digits(read: Callable[..., Digits]) -> None:
    none = ak.unflatten(np.zeros(0, dtype=np.int32), [0, 0])
    waveforms = read({"c": none, "s": ak.values_astype(none, np.uint16)}).waveforms
    assert waveforms is not None
    assert waveforms.samples.shape == (0, 4)
    assert waveforms.offsets.tolist() == [0, 0, 0]


def test_selection_of_absent_digits_is_absent() -> None:
    assert select_digits(Digits(), np.array([True, False])) == Digits()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(MINE.replace("level: raw", "level: reconstructed"), "no other", id="level"),
        pytest.param("level: raw", "'digits' are what level raw holds", id="no-digits"),
        pytest.param(MINE.replace("n_samples: 4", "n_samples: 0"), "at least 1, got 0", id="no-samples"),
        pytest.param(MINE.replace("strips: {detector: d, ", "strips: {"), "'detector'", id="no-detector"),
        pytest.param(
            MINE.replace("waveforms: {", "waveforms: {detector: d, "), "no 'detector'", id="detector"
        ),
        pytest.param(MINE.replace("number: c, ", ""), "number", id="no-number"),
    ],
)
def test_senseless_layouts_are_refused(make_layout: Callable[[str], Layout], text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_layout(text)


def test_branches_of_digits_are_those_of_the_layout() -> None:
    layout = load_layout("raw")
    assert layout.branches_of("waveforms") == ("adc_channel", "adc_samples")
    assert layout.branches_of("strips") == ("apv_detector", "apv_channel", "apv_samples")
    assert {"straw_detector", "straw_number", "straw_time"} <= set(layout.branches())
