"""Hits of trackers from raw digits: strips of micromegas with pile-up, and straws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.event import EventHits
from datasets.simulation.straws import read_straws
from datasets.simulation.strips import planes_of, read_strips, strip_tables
from recon.geometry import Plane, Spectrometer, StrawReadout
from recon.straws import find_straw_hits, straw_table
from recon.strips import find_strip_hits, strip_table

N_EVENTS = 5000


def tracks(n_planes: int, first: int, n_tracks: int) -> EventHits:
    """Return tracks anywhere in all planes, the first of each event at the trigger's time."""
    rng = np.random.default_rng(1)
    shape = N_EVENTS, n_planes, n_tracks
    time = rng.uniform(-45.0, 45.0, shape)
    time[..., 0] = 0.0
    plane = np.broadcast_to(first + np.arange(n_planes)[:, None], shape).ravel().copy()
    centre = np.zeros(first + n_planes)
    if first == 0:
        centre = np.array([p.centre[0] for p in planes_of(load_setup("na64e_2018"))])
    x, y = rng.uniform(-35.0, 35.0, (2, plane.size))
    offsets = np.arange(N_EVENTS + 1) * n_planes * n_tracks
    return EventHits(offsets, plane, x + centre[plane], y, time.ravel())


@pytest.mark.parametrize("n_tracks", [1, 2])
def test_strips(benchmark: Any, n_tracks: int) -> None:
    setup = load_setup("na64e_2018")
    made = read_strips(tracks(4, 0, n_tracks), strip_tables(setup), np.random.default_rng(2))
    benchmark.extra_info["events"] = N_EVENTS
    hits, _ = benchmark(find_strip_hits, *made, strip_table(planes_of(setup)))
    assert len(hits.x) > 0.95 * 4 * n_tracks * N_EVENTS


def test_straws(benchmark: Any) -> None:
    setup = load_setup("na64e_2018")
    readout = StrawReadout(
        diameter=6.0, n_straws=16, max_drift_time=60.0, resolution=0.2, ionisations=3.0, tdc_period=1.0
    )
    planes = tuple(Plane(name=f"ST{i}", z=2e4 + i, readout=readout) for i in range(4))
    scattered = Spectrometer(name="scattered", planes=planes, magnets=())
    setup = replace(setup, spectrometers={**setup.spectrometers, "scattered": scattered})
    made = read_straws(tracks(4, 4, 1), setup, np.random.default_rng(2))
    benchmark.extra_info["events"] = N_EVENTS
    hits, _ = benchmark(find_straw_hits, *made, straw_table(planes_of(setup)))
    assert len(hits.x) > 0.98 * 4 * N_EVENTS
