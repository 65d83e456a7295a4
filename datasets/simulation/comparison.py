"""What is compared between the Geant4 samples and our simulation, and how far apart the two may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulation.validation import Sample, geant4_sample, simulated_beam, simulated_showers

__all__ = ["Comparison", "Quantity", "compare", "ecal_energy", "hcal_energy"]

Floats = npt.NDArray[np.float64]

_SIMULATED = 20_000  # events of ours beside some hundred of Geant4
_RESAMPLES = 40


class Quantity(NamedTuple):
    """One number of a sample."""

    title: str
    unit: str
    measure: Callable[[Sample], float]
    tolerance: float  # in the unit
    is_input: bool = False  # a parameter of ours was set by this number of the same sample


class Comparison(NamedTuple):
    """One number in both simulations."""

    group: str
    quantity: Quantity
    geant4: float
    geant4_error: float  # statistical, by resampling
    ours: float


def ecal_energy(sample: Sample) -> Floats:
    """Return the visible energy of the ECAL over its sampling fraction [GeV]."""
    return sample.energy("ecal") / sample.setup.detectors["ecal"].response.sampling_fraction


def hcal_energy(sample: Sample) -> Floats:
    """Return the visible energy of the HCAL over its sampling fraction [GeV]."""
    return sample.energy("hcal") / sample.setup.detectors["hcal"].response.sampling_fraction


def compare() -> Iterator[Comparison]:
    """Iterate over all comparisons, group by group."""
    for group, geant4, ours, quantities in _groups():
        for quantity in quantities:
            rng = np.random.default_rng(1)
            n = len(geant4.energy("ecal"))
            spread = [quantity.measure(geant4.select(rng.integers(0, n, n))) for _ in range(_RESAMPLES)]
            yield Comparison(
                group, quantity, quantity.measure(geant4), float(np.std(spread)), quantity.measure(ours)
            )


def _groups() -> Iterator[tuple[str, Sample, Sample, list[Quantity]]]:
    scan = geant4_sample("electron_energy_scan")
    for energy in (10.0, 20.0, 30.0, 50.0, 80.0, 100.0):
        geant4 = scan.select(scan.truth["beam_e"] == energy)
        ours = simulated_showers(np.full(_SIMULATED, energy), 0.0, 0.0)
        yield f"e- of {energy:g} GeV, middle of a cell", geant4, ours, _shower(energy)
    impact = geant4_sample("electron_impact_scan")
    for dx, dy in ((0, 0), (10, 0), (10, 10), (15, 0), (19, 0), (19, 19)):
        geant4 = impact.select((impact.truth["x0"] == dx) & (impact.truth["y0"] == dy))
        ours = simulated_showers(np.full(_SIMULATED, 100.0), dx, dy)
        yield f"e- of 100 GeV, {dx} and {dy} mm from the middle", geant4, ours, _lateral()
    electrons = geant4_sample("electrons_100gev"), simulated_beam("electron", _SIMULATED)
    yield "e- in the beam line", *electrons, _line()
    yield "mu-", geant4_sample("muons_100gev"), simulated_beam("muon", _SIMULATED), _muon()
    pions = geant4_sample("pions_100gev"), simulated_beam("hadron", _SIMULATED)
    yield "pi-", *pions, _pion()
    quiet = tuple(s.select(ecal_energy(s) < 1.0) for s in pions)
    yield "pi- with E_ECAL < 1 GeV", quiet[0], quiet[1], _quiet_pion()
    pairs = geant4_sample("dimuon_enriched"), simulated_beam("dimuon", _SIMULATED)
    geant4 = pairs[0].select((pairs[0].truth["muons_behind_ecal"] >= 2) & (ecal_energy(pairs[0]) < 80.0))
    ours = pairs[1].select(ecal_energy(pairs[1]) < 80.0)
    yield "dimuons with E_ECAL < 80 GeV", geant4, ours, _dimuon()


def _percentile(of: Callable[[Sample], Floats], rank: float, scale: float = 1.0) -> Callable[[Sample], float]:
    return lambda sample: float(np.percentile(of(sample), rank)) * scale


def _share_of(mask: Any) -> float:
    """Return a share of events [%]."""
    return 100 * float(mask.mean())


def _shower(energy: float) -> list[Quantity]:
    def resolution(sample: Sample) -> float:
        return 100 * float(ecal_energy(sample).std() / ecal_energy(sample).mean())

    is_input = energy == 10.0  # the depth scale of the showers
    return [
        Quantity("E / E beam", "", lambda s: float(ecal_energy(s).mean()) / energy, 0.01),
        Quantity("sigma / E", "%", resolution, 2.5 / energy**0.5),
        Quantity("preshower share", "%", lambda s: 100 * float(_share(s).mean()), 8 / energy**0.5, is_input),
        Quantity("preshower share, rms", "%", lambda s: 100 * float(_share(s).std()), 0.4 * 22 / energy**0.5),
    ]  # fmt: skip


def _share(sample: Sample) -> Floats:
    return np.asarray(sample.sections("ecal")[:, 0] / sample.energy("ecal"))


def _cell(x: int, y: int) -> Callable[[Sample], float]:
    def measure(sample: Sample) -> float:
        grid = sample.grid("ecal")
        return 100 * float(np.mean(grid[:, x, y] / grid.sum(axis=(1, 2))))

    return measure


def _lateral() -> list[Quantity]:
    return [
        Quantity("cell (3,3)", "%", _cell(3, 3), 3.0),
        Quantity("cell (4,3)", "%", _cell(4, 3), 2.5),
        Quantity("cell (2,3)", "%", _cell(2, 3), 0.5),
        Quantity("cell (4,4)", "%", _cell(4, 4), 1.5),
    ]


def _module(detector: str, index: int) -> Callable[[Sample], Floats]:
    return lambda sample: sample.sections(detector)[:, index]


def _line() -> list[Quantity]:
    def tagged(sample: Sample) -> float:
        return _share_of(np.all(sample.sections("srd") > 1e-3, axis=1))

    modules = [
        Quantity(
            f"SRD module {i}, percentile {rank}", "MeV", _percentile(_module("srd", i), rank, 1e3), width
        )
        for i in range(3)
        for rank, width in ((25, 1.0), (50, 1.2), (75, 2.0), (95, 4.0))
    ]
    return [
        *modules,
        Quantity("all modules above 1 MeV", "%", tagged, 7.0),
        Quantity("E_ECAL, median", "GeV", _percentile(ecal_energy, 50), 1.0),
        Quantity("E_ECAL < 80 GeV", "%", lambda s: _share_of(ecal_energy(s) < 80), 0.9, is_input=True),
        Quantity("E_HCAL, percentile 90", "GeV", _percentile(hcal_energy, 90), 0.07),
    ]  # fmt: skip


def _muon() -> list[Quantity]:
    return [
        Quantity("ECAL, median", "MeV", _percentile(lambda s: s.energy("ecal"), 50, 1e3), 6.0),
        Quantity("preshower, median", "MeV", _percentile(_module("ecal", 0), 50, 1e3), 0.5),
        *(
            Quantity(f"HCAL module {i}, median", "MeV", _percentile(_module("hcal", i), 50, 1e3), 4.0)
            for i in range(4)
        ),
        Quantity("HCAL module 0, percentile 10", "MeV", _percentile(_module("hcal", 0), 10, 1e3), 3.0),
        Quantity("HCAL module 0, percentile 90", "MeV", _percentile(_module("hcal", 0), 90, 1e3), 14.0),
        Quantity("VETO panel 1, median", "MeV", _percentile(_module("veto", 1), 50, 1e3), 1.0),
    ]


def _off_axis(sample: Sample) -> Floats:
    grid = sample.grid("hcal")
    total = grid.sum(axis=(1, 2))
    fraction = sample.setup.detectors["hcal"].response.sampling_fraction
    loud = total > 5.0 * fraction
    return np.asarray(1.0 - grid[loud, 1, 1] / total[loud])


def _pion() -> list[Quantity]:
    def whole(sample: Sample) -> Floats:
        return ecal_energy(sample) + hcal_energy(sample)

    return [
        Quantity("E_ECAL < 1 GeV", "%", lambda s: _share_of(ecal_energy(s) < 1), 6.0),
        *(
            Quantity(f"E_ECAL, percentile {rank}", "GeV", _percentile(ecal_energy, rank), 6.0)
            for rank in (50, 75, 90)
        ),
        *(
            Quantity(f"E_ECAL + E_HCAL, percentile {rank}", "GeV", _percentile(whole, rank), 4.0, rank == 50)
            for rank in (5, 25, 50, 75, 95)
        ),
        Quantity("HCAL R, median", "", _percentile(_off_axis, 50), 0.08),
        Quantity("VETO, median", "MeV", _percentile(lambda s: s.energy("veto"), 50, 1e3), 300.0),
        Quantity("SRD sum above 1 MeV", "%", lambda s: _share_of(s.energy("srd") > 1e-3), 0.8, is_input=True),
    ]  # fmt: skip


def _quiet_pion() -> list[Quantity]:
    return [
        Quantity("E_HCAL, median", "GeV", _percentile(hcal_energy, 50), 4.0, is_input=True),
        Quantity("E_HCAL, percentile 16", "GeV", _percentile(hcal_energy, 16), 6.0),
        Quantity("E_HCAL, percentile 84", "GeV", _percentile(hcal_energy, 84), 4.0),
        Quantity("HCAL R, median", "", _percentile(_off_axis, 50), 0.04, is_input=True),
        Quantity("HCAL module 1, mean", "GeV", lambda s: float(s.sections("hcal")[:, 1].mean()) / 0.024, 2.0),
    ]


def _dimuon() -> list[Quantity]:
    return [
        *(
            Quantity(
                f"HCAL modules 0 to 2, percentile {rank}", "GeV", _percentile(_beam_modules, rank), width
            )
            for rank, width in ((25, 1.5), (50, 1.5), (75, 2.0))
        ),
        Quantity("HCAL module 0, median", "GeV", _percentile(_module("hcal", 0), 50, 1 / 0.024), 0.55),
        Quantity("HCAL module 2, median", "GeV", _percentile(_module("hcal", 2), 50, 1 / 0.024), 0.55),
    ]


def _beam_modules(sample: Sample) -> Floats:
    fraction = sample.setup.detectors["hcal"].response.sampling_fraction
    return np.asarray(sample.sections("hcal")[:, :3].sum(axis=1) / fraction)
