"""Kernels of the reconstruction alone, on 20 000 events of the Geant4 sample."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coffea.nanoevents import NanoEventsFactory

import datasets
from datasets.decode import decode
from datasets.schema import layout_of, schema_for
from datasets.setups import load_setup
from processors.invisible import InvisibleProcessor
from processors.reconstruction import Measured, ReconstructionConfig, complete, measure
from recon.srd import SrdTagConfig
from recon.tracks import find_tracks

N_EVENTS = 20_000


@pytest.fixture(scope="module")
def measured() -> Measured:
    path = Path(datasets.__file__).parent / "samples" / "geant4" / "electrons_100gev.root"
    events = NanoEventsFactory.from_root({str(path): "sim"}, schemaclass=schema_for("geant4_sim")).events()
    setup = load_setup("geant4_sample")
    tag = InvisibleProcessor().selection_for(setup).params["srd"]
    config = ReconstructionConfig(srd=SrdTagConfig(**tag))
    few = measure(decode(events, layout_of(events), setup), layout_of(events), setup, config)
    return _repeat(few, N_EVENTS)


def _repeat(few: Measured, n_events: int) -> Measured:
    """Return the events over and over."""
    index = np.arange(n_events) % few.n_events
    hits = few.hits["incoming"]
    counts = np.diff(hits.offsets)[index]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    first = hits.offsets[:-1][index] - offsets[:-1]
    hit = np.arange(offsets[-1]) + np.repeat(first, counts)
    return Measured(
        n_events,
        {name: values[index] for name, values in few.columns.items()},
        {name: values[index] for name, values in few.cells.items()},
        {name: values[index] for name, values in few.times.items()},
        {"incoming": type(hits)(hits.plane[hit], hits.x[hit], hits.y[hit], offsets)},
    )


def test_tracks(benchmark: Any, measured: Measured) -> None:
    setup, hits = load_setup("geant4_sample"), measured.hits["incoming"]
    benchmark.extra_info["events"] = N_EVENTS
    tracks = benchmark(
        find_tracks, hits.plane, hits.x, hits.y, hits.offsets, setup.spectrometers["incoming"], setup.beam
    )
    assert tracks.is_valid.mean() > 0.9


def test_showers_clusters_and_tracks(benchmark: Any, measured: Measured) -> None:
    benchmark.extra_info["events"] = N_EVENTS
    columns = benchmark(complete, measured, load_setup("geant4_sample"))
    assert len(columns["ecal_x"]) == N_EVENTS
