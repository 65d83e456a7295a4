"""Calorimeters, vetoes and tags: sections of cells, and what they are made of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from recon.geometry.readout import Digitizer
from recon.geometry.strict import Strict

__all__ = ["Detector", "Grid", "Matter", "Response", "Section"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid(Strict):
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
class Matter(Strict):
    """Equal layers of absorber and scintillator along z, or one block of scintillator or crystal."""

    active: str  # name in physics.materials: what the light comes from
    active_thickness: float  # [mm] per layer
    layers: int = 1
    absorber: str = ""  # name in physics.materials
    absorber_thickness: float = 0.0  # [mm] per layer, before the active part

    def __post_init__(self) -> None:
        if (
            self.layers < 1
            or not self.active_thickness > 0
            or (self.absorber_thickness > 0) != bool(self.absorber)
        ):
            msg = (
                f"matter needs layers >= 1, active_thickness > 0, an absorber with a thickness or neither, "
                f"got {self}"
            )
            raise ValueError(msg)

    @property
    def thickness(self) -> float:
        """Return the thickness of all layers [mm]."""
        return self.layers * (self.absorber_thickness + self.active_thickness)

    def __str__(self) -> str:
        active = f"{self.active_thickness:g} mm {self.active}"
        layer = f"({self.absorber_thickness:g} mm {self.absorber} + {active})" if self.absorber else active
        return f"{self.layers} x {layer}" if self.layers > 1 else layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(Strict):
    """One stretch of a detector along z with its own cells."""

    name: str
    z: float  # [mm] front face
    length: float  # [mm] along z
    centre: tuple[float, float]  # [mm] (x, y) of the grid's centre
    grid: Grid
    rotation: float = 0.0  # [rad] of the cells around z
    combine: Literal["sum", "geometric_mean"] = "sum"  # how cells make the section's energy
    time_offset: float = 0.0  # [ns] mean time of a prompt signal behind light from the origin
    matter: Matter | None = None  # what a particle meets; needed to simulate
    hole: tuple[float, float] = (0.0, 0.0)  # [mm] (x, y) width of a hole around the centre of the grid

    def __post_init__(self) -> None:
        if self.combine == "geometric_mean" and self.grid.n_cells != 2:
            msg = f"section '{self.name}': geometric_mean combines 2 cells, it has {self.grid.n_cells}"
            raise ValueError(msg)
        if self.matter is not None and self.matter.thickness > self.length * (1 + 1e-6):
            msg = (
                f"section '{self.name}' is {self.length:g} mm long, its matter ({self.matter}) takes "
                f"{self.matter.thickness:g} mm"
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(Strict):
    """
    How a deposit becomes a measured energy.

    The simulation uses `stochastic`, `light_yield` and `time_resolution` when it makes visible energies; the
    rest is applied to visible energies (level `simulated`) when they are read, or to digits when made.
    """

    sampling_fraction: float = 1.0  # visible / true energy at `reference_energy`
    reference_energy: float = 100.0  # [GeV]
    nonlinearity: float = 0.0  # relative change of the sampling fraction per unit of ln(E / reference)
    noise: float = 0.0  # [GeV] Gaussian per cell
    constant: float = 0.0  # Gaussian cell-to-cell spread, relative
    stochastic: float = 0.0  # [sqrt(GeV)] sampling fluctuation of a shower, sigma / E = stochastic / sqrt(E)
    light_yield: float = 0.0  # photoelectrons per GeV of visible energy; 0: no photo-statistics
    time_resolution: float = 0.0  # [ns] of a cell with a large signal
    resolving_time: float = 0.0  # [ns] within which two pulses of a cell are taken for one
    position_stochastic: float = 0.0  # [mm sqrt(GeV)] rms of a shower's x or y, see `position_error`
    position_constant: float = 0.0  # [mm] both 0: not known
    shower_depth: float = 0.0  # [mm] behind the front face where a shower of 1 GeV is seen, see `depth_of`
    shower_depth_growth: float = 0.0  # [mm] for each factor e of energy

    def __post_init__(self) -> None:
        positive = (self.sampling_fraction, self.reference_energy)
        times = (self.time_resolution, self.resolving_time)
        places = (self.position_stochastic, self.position_constant, self.shower_depth)
        others = (self.noise, self.constant, self.stochastic, self.light_yield, *times, *places)
        if not (all(v > 0 for v in positive) and all(v >= 0 for v in others)):
            msg = f"a response needs sampling_fraction, reference_energy > 0 and all else >= 0, got {self}"
            raise ValueError(msg)

    def depth_of(self, energy: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """
        Return how far behind the front face the position of a shower is that of its particle's line.

        ``shower_depth + shower_depth_growth ln(E / GeV)``: the maximum of a shower moves with ln E.

        Parameters
        ----------
        energy : float64, any shape [GeV]

        Returns
        -------
        float64, same shape [mm]
            NaN without energy.
        """
        at = np.asarray(energy, dtype=np.float64)
        return self.shower_depth + self.shower_depth_growth * np.log(np.where(at > 0, at, np.nan))

    def position_error(self, energy: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """
        Return the rms of a shower's x or y.

        ``position_stochastic / sqrt(E)`` and `position_constant` in quadrature.

        Parameters
        ----------
        energy : float64, any shape [GeV]

        Returns
        -------
        float64, same shape [mm]
            NaN without energy, and everywhere if the setup does not know the error.
        """
        at = np.asarray(energy, dtype=np.float64)
        if not max(self.position_stochastic, self.position_constant) > 0:
            return np.full(at.shape, np.nan)
        at = np.where(at > 0, at, np.nan)
        return np.sqrt(self.position_stochastic**2 / at + self.position_constant**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector(Strict):
    """A calorimeter, a veto or an SRD: sections in the order of the beam, or side by side."""

    name: str
    sections: tuple[Section, ...]
    time_window: tuple[float, float]  # [ns] (early, late) around the expected time
    in_beam: tuple[str, ...] = ()  # sections summed into the detector's energy; empty: all
    part: str = "section"  # what a section is called: module, panel
    pedestal: Literal["none", "detector", "section"] = "none"  # where measured zeros mean dead
    is_shielded: bool = False  # from synchrotron photons that pass beside the target
    is_target: bool = False  # takes every beam particle: an empty one is dead at any level
    is_electromagnetic: bool = False  # its scale is that of electrons, though it is not the target
    seed_energy: float = 0.5  # [GeV] least energy of a cluster's first cell, or of a shower with a shape
    beam_cell: tuple[int, int] | None = None  # (x, y) index of the cell that the beam points at
    response: Response = field(default_factory=Response)
    readout: Digitizer | None = None  # of each cell; needed to simulate raw digits and to read them

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
    def has_electron_scale(self) -> bool:
        """Return whether the sampling fraction is that of electron showers; else it is that of pions."""
        return self.is_target or self.is_electromagnetic

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
