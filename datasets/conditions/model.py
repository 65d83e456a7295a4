"""What holds for one run: calibration of all cells, alignment of all planes, and what is bad."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = [
    "Alignment",
    "CellConditions",
    "Conditions",
    "SourceFile",
    "Suppression",
    "digest_of_all",
    "frozen",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)


class SourceFile(NamedTuple):
    """A file of conditions."""

    path: str
    digest: str  # SHA-256 of its bytes


class Suppression(NamedTuple):
    """What showers have in cells below the threshold of the readout, by what they have in the others."""

    seen: Floats  # [GeV] (n_points,) sum of the cells that were read; rising
    suppressed: Floats  # [GeV] (n_points,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellConditions:
    """
    Conditions of the cells of a detector, in the order of the setup: sections, x slow, y fast.

    A bad cell may have no calibration: it is NaN there, and -1 in ``channel``. All arrays are read-only.

    Parameters
    ----------
    gain : float64, shape (n_cells,) [GeV / ADC]
        True energy per ADC count at the maximum of a pulse.
    time_offset : float64, shape (n_cells,) [ns]
        From the first sample to the start of a pulse of the trigger particle.
    pedestal : float64, shape (n_cells, 2) [ADC]
        Baselines of even and of odd samples.
    noise : float64, shape (n_cells,) [ADC]
        Rms of a sample.
    is_bad : bool, shape (n_cells,)
    channel : int64, shape (n_cells,)
        Number in raw files.
    led_factor : float64, shape (n_spills, n_cells)
        By which energies are multiplied, for each of `Conditions.led_spills`; 1 for cells without light
        pulses, NaN where a cell that has them was not measured in that spill.
    has_led : bool, shape (n_cells,)
    """

    gain: Floats
    time_offset: Floats
    pedestal: Floats
    noise: Floats
    is_bad: Mask
    channel: Ints
    led_factor: Floats
    has_led: Mask

    @property
    def n_cells(self) -> int:
        """Return the number of cells."""
        return len(self.gain)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alignment:
    """
    Where the planes are, against the setup; in the order in which hits count the planes.

    Parameters
    ----------
    planes : tuple of str
    dx, dy, dz : float64, shape (n_planes,) [mm]
        Added to the plane's centre and z.
    rotation : float64, shape (n_planes,) [rad]
        Around z, from x to y.
    """

    planes: tuple[str, ...]
    dx: Floats
    dy: Floats
    dz: Floats
    rotation: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conditions:
    """
    All conditions of one run.

    Parameters
    ----------
    setup : str
    run : int or None
        None: ideal conditions, which hold for any run.
    detectors : mapping of CellConditions
        In the order of the setup.
    alignment : Alignment
    led_spills : int64, shape (n_spills,)
        Rising.
    bad_spills : int64, shape (n_bad,)
        Rising.
    files : tuple of SourceFile
        All that were read, in the order in which they override each other.
    suppression : mapping of Suppression
        By detector; one that is not there is not corrected.
    """

    setup: str
    run: int | None
    detectors: Mapping[str, CellConditions]
    alignment: Alignment
    led_spills: Ints
    bad_spills: Ints
    files: tuple[SourceFile, ...] = ()
    suppression: Mapping[str, Suppression] = field(default_factory=dict)

    @property
    def cells(self) -> CellConditions:
        """Return the conditions of the cells of all detectors in one row, as raw digits count them."""
        parts = list(self.detectors.values())
        return CellConditions(
            **{
                column.name: frozen(
                    np.concatenate(
                        [getattr(part, column.name) for part in parts],
                        axis=1 if column.name == "led_factor" else 0,
                    )
                )
                for column in fields(CellConditions)
            }
        )

    @property
    def digest(self) -> str:
        """Return the SHA-256 of all values, whatever files and comments they came with."""
        hasher = hashlib.sha256(f"conditions 1 {self.setup}".encode())
        for name, cells in self.detectors.items():
            hasher.update(f" {name}".encode())
            for column in fields(CellConditions):
                _update(hasher, column.name, getattr(cells, column.name))
        hasher.update(" ".join(self.alignment.planes).encode())
        for name in ("dx", "dy", "dz", "rotation"):
            _update(hasher, name, getattr(self.alignment, name))
        _update(hasher, "led_spills", self.led_spills)
        _update(hasher, "bad_spills", self.bad_spills)
        for detector, curve in sorted(self.suppression.items()):
            _update(hasher, f"{detector} seen", curve.seen)
            _update(hasher, f"{detector} suppressed", curve.suppressed)
        return hasher.hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Return what `run.json` says of them."""
        files = [file._asdict() for file in self.files]
        return {"setup": self.setup, "run": self.run, "digest": self.digest, "files": files}

    def is_bad_spill(self, spill: npt.NDArray[np.integer]) -> Mask:
        """
        Tell which events lie in a bad spill.

        Parameters
        ----------
        spill : int, shape (n_events,)

        Returns
        -------
        bool, shape (n_events,)
        """
        return np.isin(spill, self.bad_spills)

    def led_factors(self, detector: str, spill: npt.NDArray[np.integer]) -> Floats:
        """
        Return the factor for each cell of a detector in each event.

        Parameters
        ----------
        detector : str
        spill : int, shape (n_events,)

        Returns
        -------
        float64, shape (n_events, n_cells)
            1 for cells without light pulses; NaN where the factor of that spill is not known.
        """
        cells = self.detectors[detector]
        rows = np.vstack([cells.led_factor, np.where(cells.has_led, np.nan, 1.0)])
        at = np.searchsorted(self.led_spills, spill)
        found = at < len(self.led_spills)
        found[found] = self.led_spills[at[found]] == np.asarray(spill)[found]
        return np.asarray(rows[np.where(found, at, len(self.led_spills))])

    def cell_of_channel(self, channel: npt.NDArray[np.integer]) -> Ints:
        """
        Return the place in the row of all cells of each number of the readout.

        Parameters
        ----------
        channel : int, shape (n_digits,)

        Returns
        -------
        int64, shape (n_digits,)
            -1 where no cell has that number.
        """
        numbers = np.concatenate([part.channel for part in self.detectors.values()])
        known = np.flatnonzero(numbers >= 0)
        order = known[np.argsort(numbers[known], kind="stable")]
        at = np.minimum(np.searchsorted(numbers[order], channel), max(len(order) - 1, 0))
        if not len(order):
            return np.full(np.shape(channel), -1, dtype=np.int64)
        return np.where(numbers[order][at] == channel, order[at], -1)


def frozen(values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Return an array that cannot be written to."""
    values.setflags(write=False)
    return values


def _update(hasher: hashlib._Hash, name: str, values: npt.NDArray[np.generic]) -> None:
    plain = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    hasher.update(f" {name} {plain.dtype.str} {plain.shape} ".encode())
    hasher.update(plain.tobytes())


def digest_of_all(conditions: Iterable[Conditions]) -> str:
    """Return one SHA-256 for the conditions of several runs, in whatever order they come."""
    lines = sorted({f"{one.setup} {'' if one.run is None else one.run} {one.digest}" for one in conditions})
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
