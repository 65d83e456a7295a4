"""
Expected background of the muon mode per muon on target, from simulation, with the arithmetic of each source.

    na64 simulate na64mu_2022 PROCESS -n 4000 --trigger physics -o PROCESS.root     # of each process
    na64 simulate na64mu_2022 beam_muon -n 15000 --trigger beam -o beam_muon.root
    python docs/examples/muon_background.py --muons 1000000 *.root

A source is counted in the box first. Beside that stands a product of efficiencies: of cuts on tracks and
on energies, which know nothing of each other (upper ends of 68% where nothing is left). Where the energy that
a muon loses is seen they do: there the spectrum of energies of slow muons is extrapolated to the box. The
tail of the momentum is that of muons flown through the second spectrometer alone, extrapolated in curvature,
in which errors of hits are errors of the fit.
"""

import argparse
from typing import NamedTuple

import awkward as ak
import numpy as np
from coffea.processor import ProcessorABC

from datasets.setups import load_setup
from datasets.simulation.beamline import transport
from datasets.simulation.knock_on import displace_hits
from datasets.simulation.model import Particles
from datasets.sources import find_inputs
from processors.muon import MuonProcessor
from processors.runner import Execution, Request, prepare, run_items
from recon.geometry import Setup
from recon.nominal import beam_before
from recon.tracks import find_tracks
from selections.background.config import load_background
from selections.background.extrapolation import ExtrapolationConfig, Shape, Spectrum, extrapolate
from selections.background.intervals import poisson_interval
from selections.cut import passes

TRACKS = ("single_hits", "track_momentum", "scattered_chi2", "target_match")
ENERGIES = ("ecal_mip", "veto", "vhcal", "hcal_mip")
TAIL = ExtrapolationConfig(  # of 25 - 1000 GeV / p2: 12.5 is 80 GeV, 17.3 is 130 GeV, the core is at 18.75
    closed=(0.0, 12.5),
    fit=(12.5, 17.0),
    fit_variations=((12.5, 16.5), (12.5, 17.25)),
    slope=(0.0, 20.0),
    shape=Shape(name="exponential"),
)


class Flags(NamedTuple):
    """What is known of each event that meets the base requirement."""

    n_all: int
    scattered: np.ndarray  # S4 and Smu fired
    slow: np.ndarray  # p2 in the box
    tracks: np.ndarray  # passes the cuts on tracks
    energies: np.ndarray  # passes those on energies, and the sum is in the box
    energy: np.ndarray  # [GeV] the sum


class FlagsProcessor(ProcessorABC):
    """Return `Flags` of a chunk."""

    def __init__(self) -> None:
        self.analysis = MuonProcessor(variations=("none",))

    def process(self, events: ak.Array) -> Flags:
        """Apply the cuts one by one."""
        selected = self.analysis.select(events)
        cuts, columns, n = selected.context.selection, selected.columns, selected.n_events
        box, base = cuts.signal_box.limits, selected.base
        mask = {cut.name: passes(cut, columns, n)[base] for cut in cuts.cuts}
        slow = (columns["scattered_momentum"] < box["scattered_momentum"][1])[base]
        energy = columns["calorimeter_energy"][base]
        small = energy < box["calorimeter_energy"][1]
        tracks, energies = (np.logical_and.reduce([mask[c] for c in group]) for group in (TRACKS, ENERGIES))
        return Flags(selected.entries, mask["scattered"], slow, tracks, energies & small, energy)

    def postprocess(self, accumulator: Flags) -> Flags:
        """Return the accumulator as it is."""
        return accumulator


class Nothing:
    """The sum of results that were all consumed."""

    def __add__(self, other: object) -> "Nothing":
        return self


def read(path: str) -> tuple[str, float, Flags]:
    """Return process, muons on target and flags of a file."""
    prepared = prepare(Request(files=find_inputs([path])), None, lambda *_: None)
    chunks: list[Flags] = []
    run_items(prepared, FlagsProcessor(), Execution(), Nothing(), consume=lambda _, out: chunks.append(out))
    parent = prepared.probes[0].parent
    joined = [np.concatenate(column) for column in list(zip(*chunks, strict=True))[1:]]
    flags = Flags(sum(chunk.n_all for chunk in chunks), *joined)
    return parent["processes"][0]["name"], float(parent["eot"]), flags


def source_row(name: str, eot: float, flags: Flags) -> str:
    """Return what a source is expected to leave in the box, counted and as a product."""
    triggered = flags.scattered
    n = max(int(triggered.sum()), 1)
    a = int((triggered & flags.tracks & flags.slow).sum())
    b = int((triggered & flags.energies).sum())
    both = int((triggered & flags.tracks & flags.slow & flags.energies).sum())
    counted = poisson_interval(both).scaled(1 / eot)
    product, most = a * b / n / eot, poisson_interval(a).high * poisson_interval(b).high / n / eot
    cells = (
        name, f"{eot:.3g}", n, f"{n / eot:.2g}", f"{a} / {n}", f"{b} / {n}", f"{product:.2g} (< {most:.2g})",
        both, f"{counted.value:.2g} (< {counted.high:.2g})",
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def energy_row(name: str, eot: float, flags: Flags) -> str:
    """Return what the spectrum of energies of slow muons leaves in the box."""
    slow = flags.energy[flags.scattered & flags.tracks & flags.slow]
    edges = np.arange(0.0, 242.0, 2.0)
    counts = np.histogram(slow, edges)[0]
    found = extrapolate(Spectrum(edges, counts), load_background("muon").side_bands["side_band_c"].fit)
    fit, most = found.nominal, max(found.area[1], found.nominal.expected.high)
    lowest = f"{slow.min():.0f} GeV" if len(slow) else "none"
    return (
        f"{name}: {len(slow)} slow muons with {lowest} or more; {fit.events} in the fit, "
        f"slope {fit.slope:.3f} per GeV; {fit.expected.value:.2g} (< {most:.2g}) in the box of "
        f"{eot:.3g} MOT: {fit.expected.value / eot:.2g} (< {most / eot:.2g}) per MOT"
    )


def fly(setup: Setup, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return momenta of beam muons by the second spectrometer, those that pass the cut on chi2 [GeV]."""
    spectrometer = setup.spectrometers["scattered"]
    beam = beam_before(setup, spectrometer)
    z, end = spectrometer.planes[0].z - 10.0, spectrometer.planes[-1].z + 10.0
    x, y = (
        at + size * rng.standard_normal(n) for at, size in zip((-235.4, 0.0), setup.beam.spot, strict=True)
    )
    momentum = setup.beam.momentum * (1 + setup.beam.spread * np.clip(rng.standard_normal(n), -3, 3))
    slopes = 1e-3 * rng.standard_normal((2, n))  # of the beam, and of scattering in the target
    rows = np.arange(n)
    muons = Particles(rows, np.full(n, 13), momentum, x, y, np.full(n, z), *slopes)
    hits = displace_hits(transport(muons, setup, rng, end).hits, setup, rng)
    first = len(setup.spectrometers["incoming"].planes)
    resolution = np.array([plane.resolution for plane in spectrometer.planes])[hits.plane - first]
    order = np.lexsort((hits.plane, hits.primary))
    noise = resolution * rng.standard_normal((2, len(order)))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(hits.primary, minlength=n))])
    found = find_tracks(
        (hits.plane - first)[order], (hits.x + noise[0])[order], (hits.y + noise[1])[order], offsets,
        spectrometer, beam,
    )  # fmt: skip
    with np.errstate(invalid="ignore"):
        good = found.is_valid & (found.chi2 < 3.0 * found.ndf)
    return found.momentum[good]


def tail_rows(setup: Setup, n_muons: int, seen: float) -> list[str]:
    """Return what the tail of the momentum is expected to leave in the box, per muon on target."""
    rng, counts = np.random.default_rng(1), np.zeros(100, dtype=np.int64)
    edges = np.linspace(0.0, 25.0, 101)
    for _ in range(0, n_muons, 100_000):
        counts += np.histogram(25.0 - 1000.0 / fly(setup, 100_000, rng), edges)[0]
    found = extrapolate(Spectrum(edges, counts), TAIL)
    fit, inside = found.nominal, int(counts[edges[:-1] < 12.5].sum())
    expected = (
        [e.expected for e in (fit, *found.variations)] if hasattr(found, "variations") else [fit.expected]
    )
    low, high = min(e.low for e in expected), max(e.high for e in expected)
    per_muon = [value / n_muons * seen for value in (fit.expected.value, low, high)]
    return [
        f"{n_muons} muons: {fit.events} with p2 of 80 to 125 GeV, slope {fit.slope:.2f} per 1/TeV; "
        f"{inside} below 80 GeV, {fit.expected.value:.2g} ({low:.2g} to {high:.2g}) expected there",
        f"per muon: {fit.expected.value / n_muons:.2g} x {seen:.2g} (S4 and Smu fire) = {per_muon[0]:.2g} "
        f"({per_muon[1]:.2g} to {per_muon[2]:.2g})",
    ]


def main() -> None:
    """Print the table of sources and the arithmetic of the tail."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--muons", type=int, default=1_000_000)
    options = parser.parse_args()
    print("| process | MOT | triggered | per MOT | tracks, p2 < 80 | energies | product | in box | per MOT |")
    print("|---|---|---|---|---|---|---|---|---|")
    seen, energies = 1.0, []
    for path in options.files:
        name, eot, flags = read(path)
        if name == "beam_muon":
            seen = max(flags.scattered.sum(), 1) / len(flags.scattered)
        print(source_row(name, eot, flags), flush=True)
        if name == "muon_nuclear":
            energies.append(energy_row(name, eot, flags))
    print("\n" + "\n".join(energies + tail_rows(load_setup("na64mu_2022"), options.muons, seen)))


if __name__ == "__main__":
    main()
