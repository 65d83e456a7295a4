"""Size and reading speed of waveforms by suppression, encoding, compression, cluster size and container.

    python -m benchmarks.formats [FILE] [--events N] [--repeats N]

Each variant is written by uproot and read back to the array (n_waveforms, 32) that the reconstruction takes,
undoing the encoding included. Variants run in turns; the time is the median of the ratios to the first one,
from files in the page cache, so that it is the time of the processor alone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
import uproot
from numba import njit

from benchmarks.raw_chain import SETUP, events_of, seconds_of, simulate
from datasets.digits import Waveforms, read_waveforms
from datasets.layouts import load_layout
from datasets.reader import EventReader
from datasets.setups import load_setup
from datasets.simulation.waveforms import channel_pedestals

Samples = npt.NDArray[np.uint16]
_COMPRESSIONS = {
    "none": None,
    "lz4-1": uproot.LZ4(1),
    "lz4-9": uproot.LZ4(9),
    "zstd-1": uproot.ZSTD(1),
    "zstd-5": uproot.ZSTD(5),
    "zstd-9": uproot.ZSTD(9),
    "zlib-1": uproot.ZLIB(1),
    "zlib-6": uproot.ZLIB(6),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How waveforms are written."""

    suppressed: bool = True  # only the channels with a pulse
    encoding: str = "nested"  # nested: lists of arrays of 32; flat; bytes; differences
    compression: str = "zstd-1"
    cluster: int = 8192  # [events]
    container: str = "rntuple"


def variants() -> Iterator[Variant]:
    """Yield what is compared: one thing changed at a time, and the likely best ones together."""
    yield Variant()
    yield Variant(suppressed=False)
    for encoding in ("flat", "bytes", "differences"):
        yield Variant(encoding=encoding)
    for compression in _COMPRESSIONS:
        if compression != "zstd-1":
            yield Variant(compression=compression)
    for cluster in (1024, 2048, 4096, 16384):
        yield Variant(cluster=cluster)
    yield Variant(encoding="flat", container="ttree")
    yield Variant(encoding="flat", container="ttree", compression="lz4-1")
    yield Variant(encoding="bytes", compression="lz4-1")
    yield Variant(encoding="differences", compression="lz4-1")
    yield Variant(encoding="bytes", compression="zstd-5")


def differences(samples: Samples) -> Samples:
    """Return the change from the last sample of the same converter, small numbers of either sign first."""
    change = samples.astype(np.int32)
    change[:, 2:] -= samples[:, :-2]
    return ((change << 1) ^ (change >> 31)).astype(np.uint16)


@njit(cache=True)
def add_up(coded: Samples) -> Samples:
    """Undo `differences`."""
    samples = np.empty_like(coded)
    for i in range(len(coded)):
        for k in range(coded.shape[1]):
            code = np.int32(coded[i, k])
            value = (code >> 1) ^ -(code & 1)
            samples[i, k] = value + (samples[i, k - 2] if k > 1 else 0)
    return samples


@njit(cache=True)
def join_bytes(low: npt.NDArray[np.uint8], high: npt.NDArray[np.uint8]) -> Samples:
    """Put two bytes together."""
    joined = np.empty(len(low), np.uint16)
    for i in range(len(low)):
        joined[i] = np.uint16(low[i]) | (np.uint16(high[i]) << np.uint16(8))
    return joined


def columns_of(digits: Waveforms, variant: Variant) -> dict[str, Any]:
    """Return the columns of a variant."""
    counts, samples = np.diff(digits.offsets), digits.samples
    columns: dict[str, Any] = {"adc_channel": ak.unflatten(digits.channel, counts)}
    if variant.encoding == "nested":
        columns["adc_samples"] = ak.unflatten(ak.from_numpy(samples, regulararray=True), counts)
        return columns
    if variant.encoding == "flat":
        return columns | {"adc_samples": ak.unflatten(samples.ravel(), 32 * counts)}
    coded = (differences(samples) if variant.encoding == "differences" else samples).ravel()
    parts = {"adc_low": coded & 0xFF, "adc_high": coded >> 8}
    return columns | {n: ak.unflatten(v.astype(np.uint8), 32 * counts) for n, v in parts.items()}


def write(path: Path, digits: Waveforms, variant: Variant) -> None:
    """Write a variant, a cluster (or a basket of each branch) at a time."""
    columns, n_events = columns_of(digits, variant), len(digits.offsets) - 1
    with uproot.recreate(path, compression=_COMPRESSIONS[variant.compression]) as file:
        tree: Any = None
        for first in range(0, n_events, variant.cluster):
            data = {name: values[first : first + variant.cluster] for name, values in columns.items()}
            if tree is None and variant.container == "rntuple":
                tree = file.mkrntuple("raw", data)
                continue
            if tree is None:
                tree = file.mktree("raw", {name: ak.type(v).content for name, v in columns.items()})
            tree.extend(data)


def read(path: Path, variant: Variant) -> Samples:
    """Read a variant."""
    with uproot.open(path) as file:
        tree = file["raw"]
        names = [name for name in tree.keys() if name.startswith("adc_")]  # noqa: SIM118
        arrays = tree.arrays(names)
    flat = {name: ak.to_numpy(ak.flatten(arrays[name], axis=None)) for name in names if name != "adc_channel"}
    if variant.encoding in ("nested", "flat"):
        return np.asarray(flat["adc_samples"]).reshape(-1, 32)
    coded = join_bytes(flat["adc_low"], flat["adc_high"]).reshape(-1, 32)
    return add_up(coded) if variant.encoding == "differences" else coded


def everything(digits: Waveforms, rng: np.random.Generator) -> Waveforms:
    """Return all channels of each event, those that were suppressed with their noise of 1 ADC."""
    pedestal, n_events = channel_pedestals(load_setup(SETUP)), len(digits.offsets) - 1
    n_channels = len(pedestal)
    noise = rng.standard_normal((n_events * n_channels, 32), dtype=np.float32)
    samples = np.clip(np.rint(noise + np.tile(pedestal, (n_events, 16))), 0, 4095).astype(np.uint16)
    event = np.repeat(np.arange(n_events), np.diff(digits.offsets))
    samples[event * n_channels + digits.channel] = digits.samples
    channel = np.tile(np.arange(n_channels, dtype=np.int32), n_events)
    return Waveforms(n_channels * np.arange(n_events + 1), channel, samples)


def first_events(digits: Waveforms, n: int) -> Waveforms:
    """Return the first events."""
    stop = digits.offsets[min(n, len(digits.offsets) - 1)]
    return Waveforms(digits.offsets[: n + 1], digits.channel[:stop], digits.samples[:stop])


def load(path: Path) -> Waveforms:
    """Return the waveforms of a raw file."""
    digits = load_layout("raw").digits
    if digits is None or digits.waveforms is None:
        raise AssertionError(path)
    return read_waveforms(EventReader(events_of(path)), digits.waveforms)


def main() -> None:
    """Write all variants, read them in turns, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="a raw file of na64e_2018; default: simulated now")
    parser.add_argument("--events", type=int, default=16_384)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.file is None:
            simulate(folder / "raw.root", options.events, "rntuple")
        digits = first_events(load(options.file or folder / "raw.root"), options.events)
        compared: list[tuple[Variant, Path, int]] = []
        for number, variant in enumerate(variants()):
            given = digits if variant.suppressed else first_events(digits, options.events // 8)
            given = given if variant.suppressed else everything(given, np.random.default_rng(1))
            path = folder / f"{number}.root"
            write(path, given, variant)
            if not np.array_equal(read(path, variant), given.samples):
                sys.exit(f"{variant} does not read back equal")
            compared.append((variant, path, len(given.offsets) - 1))
        show(compared, options.repeats)


def show(compared: list[tuple[Variant, Path, int]], repeats: int) -> None:
    """Read in turns, forwards and backwards, and print bytes and times per event."""
    taken: list[list[float]] = [[] for _ in compared]
    for repeat in range(repeats):
        for number in range(len(compared))[:: 1 if repeat % 2 else -1]:
            variant, path, n_events = compared[number]
            taken[number].append(seconds_of(lambda v=variant, p=path: read(p, v)) / n_events)  # type: ignore[misc]
    out = sys.stdout.write
    out("| channels | encoding | compression | events per cluster | container | bytes/event | time |\n")
    out("|---|---|---|---|---|---|---|\n")
    for (variant, path, n_events), seconds in zip(compared, taken, strict=True):
        ratio = statistics.median(s / first for s, first in zip(seconds, taken[0], strict=True))
        channels = "with a pulse" if variant.suppressed else "all"
        out(
            f"| {channels} | {variant.encoding} | {variant.compression} | {variant.cluster} | "
            f"{variant.container} | {path.stat().st_size / n_events:.0f} | {ratio:.2f} |\n"
        )
    out(f"time 1: {1e6 * statistics.median(taken[0]):.2f} us/event\n")


if __name__ == "__main__":
    main()
