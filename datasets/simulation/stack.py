"""All sections of a setup as flat tables that compiled loops can walk through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from physics.materials import Material, blend, material
from recon.geometry import Detector, Section, Setup

__all__ = ["PION_RESPONSE", "Stack", "Tables", "Volume", "build_stack", "cell_at", "tables_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# pi/e at 100 GeV of iron and plastic: set by the energy that the even events of the Geant4 pions leave in
# the HCAL.
PION_RESPONSE = 0.81
_COUNTS = ("n_x", "n_y", "first_cell", "layers")


class Tables(NamedTuple):
    """Numbers of all volumes, sorted by z; all arrays have the shape (n_volumes,)."""

    z: Floats  # [mm] front face
    length: Floats  # [mm] of the matter along z
    centre_x: Floats  # [mm]
    centre_y: Floats  # [mm]
    n_x: Ints
    n_y: Ints
    pitch_x: Floats  # [mm]
    pitch_y: Floats  # [mm]
    hole_x: Floats  # [mm] full width of the hole around the centre; 0: none
    hole_y: Floats  # [mm]
    first_cell: Ints  # index of the volume's first cell in a row of deposits
    radiation_length: Floats  # [mm] of the blend
    pion_length: Floats  # [mm] pion interaction length
    nuclear_length: Floats  # [mm] nucleon interaction length
    critical_energy: Floats  # [GeV]
    visible_ionisation: Floats  # [GeV/mm] visible energy of a minimum-ionising particle (mean dE/dx)
    ionisation: Floats  # [GeV/mm] total energy loss of a minimum-ionising particle
    layers: Ints
    absorber_thickness: Floats  # [mm] per layer
    active_thickness: Floats  # [mm] per layer


@dataclass(frozen=True, slots=True)
class Volume:
    """One section with its matter."""

    detector: Detector
    section: Section
    material: Material  # blend of absorber and active part
    active: Material
    absorber: Material | None
    first_cell: int

    @property
    def active_share(self) -> float:
        """Return which part of the thickness is active."""
        assert self.section.matter is not None
        return self.section.matter.layers * self.section.matter.active_thickness / self.length

    @property
    def em_fraction(self) -> float:
        """
        Return the visible part of the energy that an electromagnetic shower deposits.

        The sampling fraction of the target is that of electrons, of other calorimeters that of pions unless
        the setup says that they are electromagnetic.
        """
        fraction = self.detector.response.sampling_fraction
        if self.absorber is None or self.detector.has_electron_scale:
            return fraction
        return fraction / PION_RESPONSE if fraction < 1.0 else self.active_share_of_ionisation

    @property
    def active_share_of_ionisation(self) -> float:
        """Return the visible part of the energy loss of a minimum-ionising particle."""
        return self.active.minimum_ionisation * self.active_share / self.material.minimum_ionisation

    @property
    def length(self) -> float:
        """Return the thickness of the matter [mm]; it begins at the front face of the section."""
        assert self.section.matter is not None
        return self.section.matter.thickness


@dataclass(frozen=True, slots=True)
class Stack:
    """The volumes of a setup, and where each detector's cells lie in a row of deposits."""

    volumes: tuple[Volume, ...]  # sorted by z
    columns: Mapping[str, slice]  # detector -> its cells
    n_cells: int  # of all detectors together
    tables: Tables
    target: Detector  # that takes the beam

    def index(self, detector: str) -> Ints:
        """Return which volumes belong to a detector, in the order of z."""
        return np.array(
            [i for i, v in enumerate(self.volumes) if v.detector.name == detector], dtype=np.int64
        )

    @property
    def target_z(self) -> float:
        """Return the front face of the target [mm]."""
        return min(section.z for section in self.target.sections)


def build_stack(setup: Setup) -> Stack:
    """
    Lay out all detectors of a setup.

    Raises
    ------
    ValueError
        If a section says nothing of its matter, or no detector is the target.
    """
    volumes, columns, start = [], {}, 0
    for detector in setup.detectors.values():
        columns[detector.name] = slice(start, start + detector.n_cells)
        for section, offset in zip(detector.sections, detector.offsets[:-1], strict=True):
            if section.matter is None:
                msg = (
                    f"setup {setup.name}: section '{section.name}' of {detector.name} cannot be simulated: "
                    f"it has no 'matter'"
                )
                raise ValueError(msg)
            active = material(section.matter.active)
            layer = [(active, section.matter.active_thickness)]
            if section.matter.absorber:
                layer.insert(0, (material(section.matter.absorber), section.matter.absorber_thickness))
            absorber = layer[0][0] if section.matter.absorber else None
            volumes.append(Volume(detector, section, blend(layer), active, absorber, start + int(offset)))
        start += detector.n_cells
    targets = [d for d in setup.detectors.values() if d.is_target]
    if len(targets) != 1:
        msg = f"setup {setup.name} cannot be simulated: one detector must have is_target, {len(targets)} have"
        raise ValueError(msg)
    volumes.sort(key=lambda v: v.section.z)
    return Stack(tuple(volumes), columns, start, tables_of(volumes), targets[0])


def tables_of(volumes: Sequence[Volume]) -> Tables:
    """Return volumes, sorted by z, as tables."""
    rows = []
    for v in volumes:
        s, m = v.section, v.material
        assert s.matter is not None
        visible = v.active.minimum_ionisation * v.active_share
        rows.append((
            s.z, v.length, *s.centre, *s.grid.shape, *s.grid.pitch, *s.hole, v.first_cell, m.radiation_length,
            m.pion_interaction_length, m.nuclear_interaction_length, m.critical_energy, visible,
            m.minimum_ionisation, s.matter.layers, s.matter.absorber_thickness, s.matter.active_thickness,
        ))  # fmt: skip
    columns: list[Any] = [
        np.array(column, np.int64 if name in _COUNTS else np.float64)
        for name, column in zip(Tables._fields, zip(*rows, strict=True), strict=True)
    ]
    return Tables(*columns)


@numba.njit(cache=True)
def cell_at(tables: Tables, volume: int, x: float, y: float) -> int:
    """Return the cell of a volume at (x, y) [mm], as index in a row of deposits; -1 beside or in its hole."""
    along, across = x - tables.centre_x[volume], y - tables.centre_y[volume]
    if 2 * abs(along) < tables.hole_x[volume] and 2 * abs(across) < tables.hole_y[volume]:
        return -1
    n_x, n_y = tables.n_x[volume], tables.n_y[volume]
    i = int(np.floor(along / tables.pitch_x[volume] + 0.5 * n_x))
    j = int(np.floor(across / tables.pitch_y[volume] + 0.5 * n_y))
    if i < 0 or j < 0 or i >= n_x or j >= n_y:
        return -1
    return int(tables.first_cell[volume] + i * n_y + j)
