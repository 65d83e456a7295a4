"""Straws: which ones a track crosses, drift times by hand, the side of the wire, silent walls."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from datasets.digits import StrawDigits
from datasets.setups import load_setup
from datasets.simulation.event import EventHits
from datasets.simulation.straws import read_straws
from recon.geometry import Plane, Setup, Spectrometer, StrawReadout

REAL = load_setup("na64e_2018")
EVERYWHERE = 1e6  # ionisations per mm: no straw is silent


def readout(**changes: Any) -> StrawReadout:
    """Return two layers of four straws: wires at -10.5, -7.5, ... 10.5 mm, 20 ns per mm, 2 counts per ns."""
    values = {"diameter": 6.0, "n_straws": 4, "max_drift_time": 60.0, "resolution": 0.0}
    return StrawReadout(
        **{**values, "ionisations": EVERYWHERE, "tdc_period": 0.5, "time_zero": 100.0, **changes}
    )


def setup_of(straws: StrawReadout, centre: tuple[float, float] = (0.0, 0.0)) -> Setup:
    """Return the micromegas of 2018 with a plane of straws behind them: number 4."""
    incoming = REAL.spectrometers["incoming"]
    behind = Spectrometer(
        name="scattered", planes=(Plane(name="ST1", z=2e4, centre=centre, readout=straws),), magnets=()
    )
    return replace(REAL, spectrometers={"incoming": incoming, "scattered": behind})


def hits(x: Any, y: Any, time: Any = None, *, one_event: bool = False, plane: int = 4) -> EventHits:
    """Return one hit in each event, or all in one."""
    n = len(x)
    offsets = np.array([0, n]) if one_event else np.arange(n + 1)
    when = np.zeros(n) if time is None else np.array(time, dtype=np.float64)
    return EventHits(offsets, np.full(n, plane), np.array(x, np.float64), np.array(y, np.float64), when)


def read(setup: Setup, found: EventHits, seed: int = 1) -> StrawDigits:
    return read_straws(found, setup, np.random.default_rng(seed))


def rows(digits: StrawDigits) -> list[tuple[int, int, int]]:
    return list(zip(digits.detector.tolist(), digits.number.tolist(), digits.time.tolist(), strict=True))


def test_a_track_crosses_one_straw_of_each_layer() -> None:
    """x = 0.5 has wires at 1.5 and -1.5 mm: 20 and 40 ns; y = 8 at 7.5 and 10.5 mm: 10 and 50 ns."""
    digits = read(setup_of(readout()), hits([0.5], [8.0]))
    assert rows(digits) == [(8, 3, 280), (8, 4, 240), (9, 6, 220), (9, 7, 300)]
    assert {values.dtype for values in digits[1:]} == {np.dtype(np.int32)}
    assert digits.offsets.tolist() == [0, 4]


def test_the_other_side_of_the_wire_shows_in_the_other_layer() -> None:
    left, right = (rows(read(setup_of(readout()), hits([x], [99.0]))) for x in (-0.5, 0.5))
    assert left == [(8, 3, 240), (8, 4, 280)]
    assert right == [(8, 3, 280), (8, 4, 240)]


def test_times_and_slowing_and_the_centre_of_the_plane() -> None:
    """1.5 mm is half of the radius: 60 (0.5 / 2 + 0.5 / 4) = 22.5 ns; 7 ns late, 200 mm beside."""
    setup = setup_of(readout(drift_slowing=0.5), centre=(-200.0, 0.0))
    assert rows(read(setup, hits([-200.0], [99.0], [7.0]))) == [(8, 3, 259), (8, 4, 259)]


def test_at_the_edge_there_is_one_layer_and_beyond_none() -> None:
    """The first layer ends at 10.5 mm, the second at 13.5 mm."""
    digits = read(setup_of(readout()), hits([11.0, 13.6, -13.0], [99.0] * 3))
    assert rows(digits) == [(8, 7, 220), (8, 0, 300)]
    assert digits.offsets.tolist() == [0, 1, 1, 2]


def test_of_two_hits_a_straw_gives_the_first() -> None:
    digits = read(setup_of(readout()), hits([0.5, 1.0], [99.0] * 2, [0.0, 20.0], one_event=True))
    assert rows(digits) == [(8, 3, 280), (8, 4, 240)]
    early = read(setup_of(readout()), hits([0.5, 1.0], [99.0] * 2, [0.0, -20.0], one_event=True))
    assert rows(early) == [(8, 3, 260), (8, 4, 180)]


def test_planes_with_strips_have_no_straws() -> None:
    digits = read(setup_of(readout()), hits([0.5], [0.5], plane=3))
    assert digits.offsets.tolist() == [0, 0]
    assert len(read(REAL, hits([0.5], [0.5], plane=3)).number) == 0


def test_near_the_wall_a_straw_may_be_silent() -> None:
    """2.9 mm from the wire the way through a straw is 1.536 mm; 0.1 mm from it, 5.997 mm."""
    n = 5000
    digits = read(setup_of(readout(ionisations=0.5)), hits([4.4] * n, [99.0] * n))
    for number, chord in ((4, 2 * np.sqrt(9.0 - 2.9**2)), (5, 2 * np.sqrt(9.0 - 0.1**2))):
        seen = np.count_nonzero(digits.number == number) / n
        assert seen == pytest.approx(1 - np.exp(-0.5 * chord), abs=5 * np.sqrt(0.25 / n))


def test_both_layers_give_the_position_and_its_side() -> None:
    """Of the four ways to put a track beside two wires, the one on which both agree is where it was."""
    n, straws = 2000, readout(n_straws=12, resolution=0.2, drift_slowing=0.4)
    x = np.random.default_rng(5).uniform(-30.0, 30.0, n)
    digits = read(setup_of(straws), hits(x, [99.0] * n))
    assert (np.diff(digits.offsets) == 2).all()
    distance = straws.drift_distance(digits.time * straws.tdc_period - straws.time_zero).reshape(n, 2)
    wire = straws.wires[digits.number].reshape(n, 2)
    sides = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    positions = wire[:, None] + sides * distance[:, None]  # (n, 4, 2)
    best = np.abs(np.diff(positions, axis=2)[..., 0]).argmin(axis=1)
    error = positions[np.arange(n), best].mean(axis=1) - x
    assert np.mean(np.abs(error) < 0.5) > 0.97
    assert error.std() == pytest.approx(0.2 / np.sqrt(2.0), rel=0.15)


def test_through_the_wire_no_time_is_before_zero() -> None:
    """The distance measured is not negative: 0.15 mm sqrt(2 / pi) on average, 2.4 ns."""
    n = 4000
    digits = read(setup_of(readout(resolution=0.15)), hits([1.5] * n, [99.0] * n))
    drift = digits.time[digits.number == 4] * 0.5 - 100.0
    assert drift.min() >= 0.0
    assert drift.mean() == pytest.approx(20.0 * 0.15 * np.sqrt(2 / np.pi), abs=5 * 2.0 / np.sqrt(n))


def test_the_resolution_is_that_of_the_distance() -> None:
    """1.5 mm from both wires, far from wire and wall."""
    n, straws = 4000, readout(resolution=0.15)
    digits = read(setup_of(straws), hits([0.0] * n, [99.0] * n))
    distance = straws.drift_distance(digits.time * straws.tdc_period - straws.time_zero)
    assert distance.mean() == pytest.approx(1.5, abs=5 * 0.15 / np.sqrt(2 * n))
    assert distance.std() == pytest.approx(0.15, rel=0.05)
