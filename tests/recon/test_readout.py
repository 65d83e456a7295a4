"""Readouts: what they refuse, the shape of a pulse, strips and channels, drift times there and back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.geometry import Digitizer, StrawReadout, StripReadout

NAN = float("nan")


def digitizer(**changes: Any) -> Digitizer:
    values = {"pedestal": 50.0, "noise": 1.0, "gain": 300.0, "rise_time": 15.0, "fall_time": 30.0}
    return Digitizer(**{**values, "trigger_sample": 12.0, "threshold": 6.0, **changes})


def strips(**changes: Any) -> StripReadout:
    values = {"pitch": 0.25, "n_strips": 6, "n_channels": 3, "channel_of_strip": (0, 1, 2, 0, 2, 1)}
    shaping = {"latency": 10.0, "shaping_time": 75.0, "cluster_width": 0.25}
    return StripReadout(**{**values, **shaping, "gain": 600.0, "noise": 4.0, "threshold": 16.0, **changes})


def straws(**changes: Any) -> StrawReadout:
    values = {"diameter": 6.0, "n_straws": 4, "max_drift_time": 60.0, "resolution": 0.2}
    return StrawReadout(**{**values, "ionisations": 3.0, "tdc_period": 1.0, **changes})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"n_samples": 31}, "even n_samples.*got 31", id="odd"),
        pytest.param({"n_samples": 0}, "even n_samples", id="no-samples"),
        pytest.param({"gain": 0.0}, r"gain > 0 \(got 0\)", id="no-gain"),
        pytest.param({"noise": -1.0}, r"noise >= 0 \(got -1\)", id="negative-noise"),
        pytest.param({"noise": NAN}, r"noise >= 0 \(got nan\)", id="nan-noise"),
        pytest.param({"threshold": 0.0}, "threshold > 0", id="no-threshold"),
        pytest.param({"rise_time": 30.0}, "rise_time < fall_time, got 30 and 30 ns", id="no-rise"),
        pytest.param({"saturation": 55}, "saturation < 65536, got 50 [+] 6 and 55", id="always-saturated"),
        pytest.param({"saturation": 70_000}, "saturation < 65536", id="more-than-16-bit"),
        pytest.param({"trigger_sample": 32.0}, r"trigger_sample must lie in \[0, 32\), got 32", id="late"),
        pytest.param({"trigger_sample": NAN}, "trigger_sample must lie in", id="nan-trigger"),
    ],
)
def test_senseless_digitizer_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        digitizer(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"pitch": 0.0}, "pitch > 0", id="no-pitch"),
        pytest.param({"cross_talk": -0.1}, "cross_talk >= 0", id="negative-cross-talk"),
        pytest.param({"latency": NAN}, "finite latency", id="nan-latency"),
        pytest.param({"saturation": 10}, "threshold < saturation", id="threshold-too-high"),
        pytest.param({"channel_of_strip": ()}, "6 strips on 3 channels need channel_of_strip", id="no-map"),
        pytest.param({"channel_of_strip": (0, 1)}, "lists 2 strips, n_strips is 6", id="short-map"),
        pytest.param({"n_channels": 2}, "names channel 2, channels are 0 to 1", id="unknown-channel"),
        pytest.param({"dead_strips": ((), (6,))}, "names strip 6, strips are 0 to 5", id="no-such-strip"),
    ],
)
def test_senseless_strips_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        strips(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"diameter": -6.0}, r"diameter > 0 \(got -6\)", id="negative-diameter"),
        pytest.param({"ionisations": 0.0}, "ionisations > 0", id="no-gas"),
        pytest.param({"resolution": NAN}, "resolution >= 0", id="nan-resolution"),
        pytest.param({"drift_slowing": 1.1}, "drift_slowing <= 1", id="backwards"),
        pytest.param({"time_zero": NAN}, "finite time_zero", id="nan-zero"),
    ],
)
def test_senseless_straws_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        straws(**change)


@pytest.mark.parametrize(("rise", "fall"), [(15.0, 30.0), (2.0, 50.0), (29.0, 30.0)])
def test_peak_time_is_where_the_pulse_is_highest(rise: float, fall: float) -> None:
    time = np.linspace(0.0, 100.0, 100_001)
    highest = time[np.argmax(np.exp(-time / fall) - np.exp(-time / rise))]
    assert digitizer(rise_time=rise, fall_time=fall).peak_time == pytest.approx(highest, abs=1.5e-3)


def test_strips_are_centred_and_have_their_channels() -> None:
    assert strips().centres.tolist() == [-0.625, -0.375, -0.125, 0.125, 0.375, 0.625]
    assert strips().channels.tolist() == [0, 1, 2, 0, 2, 1]
    assert strips(channel_of_strip=(), n_channels=6).channels.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_readout_can_be_a_key() -> None:
    """Planes are put into sets and dictionaries; two readouts of the same numbers are one."""
    assert len({strips(), strips(), strips(dead_strips=((1,), ())), digitizer(), straws()}) == 4


def test_layers_of_straws_are_half_a_diameter_apart() -> None:
    wires = straws().wires
    assert wires.tolist() == [-10.5, -7.5, -4.5, -1.5, 1.5, 4.5, 7.5, 10.5]
    assert (wires[1::2] - wires[::2] == 3.0).all()
    assert (np.diff(wires[::2]) == 6.0).all()


def test_drift_times_by_hand() -> None:
    """At half the radius: 30 ns if linear, 15 if all of it is quadratic, half way between for 0.5."""
    distance = [0.0, 1.5, 3.0]
    assert straws().drift_time(distance).tolist() == [0.0, 30.0, 60.0]
    assert straws(drift_slowing=1.0).drift_time(distance).tolist() == [0.0, 15.0, 60.0]
    assert straws(drift_slowing=0.5).drift_time(distance).tolist() == [0.0, 22.5, 60.0]


@given(distance=st.floats(0.0, 3.0), slowing=st.floats(0.0, 1.0))
def test_drift_distance_is_the_inverse(distance: float, slowing: float) -> None:
    readout = straws(drift_slowing=slowing)
    assert readout.drift_distance(readout.drift_time(distance)) == pytest.approx(distance, abs=1e-6)


def test_times_outside_of_the_drift_are_wire_and_wall() -> None:
    assert straws(drift_slowing=0.3).drift_distance([-5.0, 0.0, 60.0, 80.0]).tolist() == [0.0, 0.0, 3.0, 3.0]
