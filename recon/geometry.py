"""The detector model: frozen descriptions that every room of the project speaks in.

Coordinates are the experiment's: z along the incoming beam, y up, x to complete a right-handed frame.
Lengths in mm, times in ns, energies in GeV, fields in tesla, angles in rad.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "Beam",
    "Detector",
    "Grid",
    "Magnet",
    "Plane",
    "Response",
    "Section",
    "Setup",
    "ShowerProfile",
    "Spectrometer",
]


class _Strict:
    """Base of the model: a reader of files must refuse keys that are not declared here."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid(_Strict):
    """Cells of one section, counted from low x and low y."""

    shape: tuple[int, int]  # (n_x, n_y)
    pitch: tuple[float, float]  # [mm] (x, y)

    def __post_init__(self) -> None:
        if min(self.shape) < 1 or not all(0 < pitch < math.inf for pitch in self.pitch):
            msg = f"a grid needs at least 1 x 1 cells of positive pitch, got {self.shape}, {self.pitch}"
            raise ValueError(msg)

    @property
    def n_cells(self) -> int:
        """Return the number of cells."""
        return self.shape[0] * self.shape[1]

    def centres(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the cell centres relative to the grid's own centre, (n_x,) and (n_y,) [mm]."""
        x, y = (
            (np.arange(n, dtype=np.float64) - 0.5 * (n - 1)) * pitch
            for n, pitch in zip(self.shape, self.pitch, strict=True)
        )
        return x, y


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(_Strict):
    """One stretch of a detector along z with its own cells."""

    name: str
    z: float  # [mm] front face
    length: float  # [mm] along z
    centre: tuple[float, float]  # [mm] (x, y) of the grid's centre
    grid: Grid
    rotation: float = 0.0  # [rad] of the cells around z
    combine: Literal["sum", "geometric_mean"] = "sum"  # how cells make the section's energy
    time_offset: float = 0.0  # [ns] mean time of a prompt signal behind light from the origin
    material: str = ""  # for drawings and tables: "150 x (1.5 mm Pb + 1.5 mm Sc)"

    def __post_init__(self) -> None:
        if self.combine == "geometric_mean" and self.grid.n_cells != 2:
            msg = f"section '{self.name}': geometric_mean combines 2 cells, it has {self.grid.n_cells}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(_Strict):
    """How a simulated deposit becomes a measured energy: applied to level `simulated` only."""

    sampling_fraction: float = 1.0  # visible / true energy at `reference_energy`
    reference_energy: float = 100.0  # [GeV]
    nonlinearity: float = 0.0  # relative change of the sampling fraction per unit of ln(E / reference)
    noise: float = 0.0  # [GeV] Gaussian per cell
    constant: float = 0.0  # Gaussian cell-to-cell spread, relative

    def __post_init__(self) -> None:
        positive = (self.sampling_fraction, self.reference_energy)
        if not (all(v > 0 for v in positive) and self.noise >= 0 and self.constant >= 0):
            msg = f"a response needs sampling_fraction, reference_energy > 0; noise, constant >= 0: {self}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector(_Strict):
    """A calorimeter, a veto or an SRD: sections in the order of the beam, or side by side."""

    name: str
    sections: tuple[Section, ...]
    time_window: tuple[float, float]  # [ns] (early, late) around the expected time
    in_beam: tuple[str, ...] = ()  # sections summed into the detector's energy; empty: all
    part: str = "section"  # what a section is called: module, panel
    pedestal: Literal["none", "detector", "section"] = "none"  # where measured zeros mean dead
    is_target: bool = False  # takes every beam particle: an empty one is dead at any level
    seed_energy: float = 0.5  # [GeV] least energy of a cluster's first cell, or of a shower with a shape
    beam_cell: tuple[int, int] | None = None  # (x, y) index of the cell that the beam points at
    response: Response = field(default_factory=Response)

    def __post_init__(self) -> None:
        names = [section.name for section in self.sections]
        if not names or len(set(names)) < len(names):
            msg = f"detector '{self.name}' needs sections of different names, got {names}"
            raise ValueError(msg)
        unknown = set(self.in_beam) - set(names)
        if unknown:
            msg = f"detector '{self.name}': in_beam names {sorted(unknown)}, its sections are {names}"
            raise ValueError(msg)
        if self.beam_cell is not None and not all(
            0 <= at < n for at, n in zip(self.beam_cell, self.sections[-1].grid.shape, strict=True)
        ):
            msg = f"detector '{self.name}': beam_cell {self.beam_cell} is outside of its grid"
            raise ValueError(msg)
        if not self.time_window[0] < self.time_window[1]:
            msg = f"detector '{self.name}': time_window must rise, got {self.time_window}"
            raise ValueError(msg)

    @property
    def n_cells(self) -> int:
        """Return the number of cells of all sections."""
        return sum(section.grid.n_cells for section in self.sections)

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Return where each section starts in the flat cell axis, (n_sections + 1,)."""
        return np.cumsum([0, *(section.grid.n_cells for section in self.sections)])

    @property
    def is_in_beam(self) -> npt.NDArray[np.bool_]:
        """Return which sections count into the detector's energy, (n_sections,)."""
        return np.array([not self.in_beam or s.name in self.in_beam for s in self.sections])

    def section(self, name: str) -> Section:
        """Return the section called ``name``."""
        for section in self.sections:
            if section.name == name:
                return section
        msg = f"detector '{self.name}' has no section '{name}'; it has {[s.name for s in self.sections]}"
        raise KeyError(msg)

    def views(self, cells: npt.NDArray[Any]) -> Iterator[tuple[Section, npt.NDArray[Any]]]:
        """
        Iterate over the sections of a flat cell array.

        Parameters
        ----------
        cells : any dtype, shape (n_events, n_cells)
            One value per cell: sections in order, x slow and y fast within each.

        Yields
        ------
        Section, ndarray of shape (n_events, n_x, n_y)
            Views, not copies.

        Raises
        ------
        ValueError
            If there are more or fewer cells than the detector has.
        """
        if cells.shape[1:] != (self.n_cells,):
            msg = f"detector '{self.name}' has {self.n_cells} cells, the array has the shape {cells.shape}"
            raise ValueError(msg)
        for section, start, stop in zip(self.sections, self.offsets[:-1], self.offsets[1:], strict=True):
            yield section, cells[:, start:stop].reshape(len(cells), *section.grid.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowerProfile(_Strict):
    """
    Mean and fluctuation of the lateral energy density of showers, as a sum of round Gaussians.

    The density around the shower axis is ``sum_i share_i exp(-r^2 / 2 width_i^2) / (2 pi width_i^2)``. Its
    integral over a cell is a product of error functions per component: the cumulative method of A. A. Lednev
    (Nucl. Instrum. Meth. A 366 (1995) 292) with Gaussians in place of his terms of r^-3. On the Geant4 scans
    of ``ecal_geant4`` (756 cells) five Gaussians have chi2 = 850, two or three positive terms of r^-3, whose
    tails are too long, 18500. If terms may be subtracted, three have 980 and four 780, but their density is
    negative beyond 22 and 26 cm, inside of the grid. No change is seen from 10 to 100 GeV, so one set of
    parameters holds for all energies (widths go with the Moliere radius: G. Grindhammer, S. Peters,
    arXiv:hep-ex/0001020).
    """

    name: str
    share: tuple[float, ...]  # of the energy in each component; positive, sums to 1
    width: tuple[float, ...]  # [mm] of each component
    stochastic: float  # [sqrt(GeV)] relative rms is hypot(stochastic / sqrt(E), constant)
    constant: float
    energy_range: tuple[float, float]  # [GeV] of the showers that the numbers come from
    source: str

    def __post_init__(self) -> None:
        if len(self.share) != len(self.width) or not all(v > 0 for v in (*self.share, *self.width)):
            msg = (
                f"profile '{self.name}' needs as many shares as widths, all of them above 0, "
                f"got {self.share} and {self.width}"
            )
            raise ValueError(msg)
        if not abs(sum(self.share) - 1) < 1e-6:
            msg = f"profile '{self.name}': the shares must add up to 1, got {sum(self.share)}"
            raise ValueError(msg)
        if not self.stochastic > 0 or not self.constant >= 0:
            msg = (
                f"profile '{self.name}' needs stochastic > 0 and constant >= 0, "
                f"got {self.stochastic} and {self.constant}"
            )
            raise ValueError(msg)
        if not 0 < self.energy_range[0] <= self.energy_range[1]:
            msg = f"profile '{self.name}': energy_range must be above 0 and rise, got {self.energy_range}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane(_Strict):
    """A tracker station that measures x and y at one z."""

    name: str
    z: float  # [mm]
    centre: tuple[float, float] = (0.0, 0.0)  # [mm]
    size: tuple[float, float] = (80.0, 80.0)  # [mm] active area
    resolution: float = 0.1  # [mm] per coordinate
    radiation_lengths: float = 0.0  # material crossed, in X0

    def __post_init__(self) -> None:
        if not (self.resolution > 0 and self.radiation_lengths >= 0):
            msg = f"plane '{self.name}' needs resolution > 0 and radiation_lengths >= 0, got {self}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Magnet(_Strict):
    """A dipole with a vertical field that is constant between two planes."""

    name: str
    z: float  # [mm] entrance
    length: float  # [mm]
    field: float  # [T] along +y


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrometer(_Strict):
    """Named planes around named magnets."""

    name: str
    planes: tuple[Plane, ...]
    magnets: tuple[Magnet, ...]
    window_radiation_lengths: tuple[tuple[float, float], ...] = ()  # [(z mm, X0)] passive matter
    min_planes: int = 4  # a track needs hits in so many

    @property
    def field_integral(self) -> float:
        """Return the bending power [T m]."""
        return sum(magnet.field * magnet.length for magnet in self.magnets) * 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam(_Strict):
    """The particle that the beam line is tuned for."""

    particle: str  # "e-", "e+", "mu-", "pi-"
    momentum: float  # [GeV]
    spread: float = 0.01  # relative
    charge: int = -1
    direction: tuple[float, float] = (0.0, 0.0)  # nominal (dx/dz, dy/dz) before the magnets

    def __post_init__(self) -> None:
        if not (self.momentum > 0 and self.spread >= 0 and self.charge != 0):
            msg = f"a beam needs momentum > 0, spread >= 0 and a charge, got {self}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup(_Strict):
    """One detector configuration and where its numbers come from."""

    name: str
    title: str
    beam: Beam
    detectors: Mapping[str, Detector]
    spectrometers: Mapping[str, Spectrometer]
    runs: tuple[tuple[int, int], ...] = ()  # inclusive ranges
    shower_profile: str = ""  # name of the reference lateral profile of the ECAL
    sources: Mapping[str, str] = field(default_factory=dict)  # path of a number -> its source

    def covers(self, run: int) -> bool:
        """Return whether ``run`` lies in one of the run ranges."""
        return any(first <= run <= last for first, last in self.runs)
