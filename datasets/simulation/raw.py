"""Digitise simulated events and write them as a decoder of raw events would: layout `raw`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uproot

from datasets.config import ConfigError
from datasets.simulation.counters import add_counters, sampling_phase
from datasets.simulation.generator import Block
from datasets.simulation.simulated import truth_columns
from datasets.simulation.straws import read_straws
from datasets.simulation.strips import planes_of, read_strips, strip_tables
from datasets.simulation.tree_writer import Container, TreeWriter
from datasets.simulation.turned import seen_by_planes
from datasets.simulation.waveforms import channel_labels, converter_tables, sample_light
from recon.geometry import Setup

__all__ = ["TRIGGER_BITS", "RawWriter", "check_readout", "digit_columns", "readout_metadata", "trigger_word"]

Arrays = dict[str, npt.NDArray[Any]]

TRIGGER_BITS = {"physics": 0, "beam": 1, "random": 2, "calibration": 3}  # of the trigger word


def trigger_word(**fired: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint32]:
    """
    Return the bit pattern of the triggers that fired.

    Parameters
    ----------
    **fired : bool, shape (n_events,)
        By the names of `TRIGGER_BITS`; the others did not fire.
    """
    bits = [flags.astype(np.uint32) << np.uint32(TRIGGER_BITS[name]) for name, flags in fired.items()]
    return np.asarray(np.bitwise_or.reduce(bits, axis=0), dtype=np.uint32)


def check_readout(setup: Setup) -> None:
    """
    Refuse a setup that does not say how its detectors and planes are read out.

    Raises
    ------
    ConfigError
        Names the first detector or plane without `readout`, or the numbers of samples that differ.
    """
    converter_tables(setup)
    strip_tables(setup)
    for plane in planes_of(setup):
        if plane.readout is None:
            msg = (
                f"setup {setup.name}: plane '{plane.name}' has no 'readout', so there are no raw digits of "
                f"it; add one, or simulate with --level simulated"
            )
            raise ConfigError(msg)


def digit_columns(
    block: Block, setup: Setup, rng: np.random.Generator, rotation: Sequence[float] = ()
) -> Arrays:
    """
    Return the digits of a block as they are written, and what the simulation knows of its events.

    Parameters
    ----------
    block : Block
    setup : Setup
    rng : numpy.random.Generator
        Of the digits alone, so that a seed makes the same events at all levels.
    rotation : sequence of float [rad]
        Of each plane around its centre, from x to y; empty: none is turned.

    Returns
    -------
    dict
        Rows sorted by event, with offsets of shape (n_events + 1,): `adc_offsets`, `adc_channel` (int32),
        `adc_samples` (uint16, (n, n_samples)); `apv_offsets`, `apv_detector`, `apv_channel`, `apv_samples`;
        `straw_offsets`, `straw_detector`, `straw_number`, `straw_time` [TDC counts]. A detector of `apv`
        and `straw` is 2 * plane + (0 for x, 1 for y), planes counted from 0. Truth as from `truth_columns`,
        with hits as `true_hit_*`.

    Raises
    ------
    ConfigError
        If a detector or a plane has no readout.
    """
    check_readout(setup)
    # so that the first events do not depend on how many follow
    of_cells, of_strips, of_straws, of_phase, of_counters = rng.spawn(5)
    light = add_counters(block, setup, of_counters)
    phase = sampling_phase(setup, block.n_events, of_phase)
    light = light._replace(time=light.time + phase[block.primary_event, None])
    adc = sample_light(light, block.primary_event, block.n_events, converter_tables(setup), of_cells)
    hits = seen_by_planes(block.hits, setup, rotation)
    apv = read_strips(hits, strip_tables(setup), of_strips)
    straw = read_straws(hits, setup, of_straws)
    columns = {f"adc_{name}": values for name, values in adc._asdict().items()}
    columns |= {f"apv_{name}": values for name, values in apv._asdict().items()}
    columns |= {f"straw_{name}": values for name, values in straw._asdict().items()}
    return columns | truth_columns(block, "true_hit")


def readout_metadata(setup: Setup) -> dict[str, list[str]]:
    """Return the names of channels (`ECAL0-2-3`) and of detectors of strips and straws (`MM1X`)."""
    detectors = [f"{plane.name}{axis}" for plane in planes_of(setup) for axis in "XY"]
    return {"channels": channel_labels(setup), "trackers": detectors}


class RawWriter(TreeWriter):
    """
    Write the tree `raw`, from `digit_columns` with `run`, `spill` and `event`.

    Parameters
    ----------
    path : Path
    metadata : dict
        Written as JSON beside the tree when the file is closed; values may be added until then.
    container : "rntuple" or "ttree"
        The samples of an event are a list of arrays of 32 in an RNTuple, one list after the other in a TTree.
    """

    def __init__(self, path: Path, metadata: dict[str, Any], container: Container = "rntuple") -> None:
        super().__init__(
            path,
            metadata,
            tree="raw",
            title="NA64 raw digits",
            container=container,
            n_buffered=8,
            compression=uproot.LZ4(1),  # read in little more than half the time of zstd: docs/performance.md
        )
