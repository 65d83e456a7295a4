"""
Track length of the electrons and positrons of showers by energy and depth, as a file.

A JSON object: what was simulated (target, beam, showers, seed), edges, mean track length [X0] per beam
particle with its error from shower to shower, and the means of batches of showers, of which errors of sums
over energies are made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from limits.model import ModelError

__all__ = ["KINDS", "TrackTable", "read_tracks", "write_tracks"]

Floats = npt.NDArray[np.float64]

KINDS = ("beam", "electron", "positron")  # rows: the beam particle, and those of pairs
_VERSION = 1
_CLOSE = 1e-3  # relative, of energies and densities that are the same


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TrackTable:
    """Mean track lengths per beam particle; two tables are equal if all numbers are."""

    setup: str
    material: str
    nuclei: tuple[tuple[float, float, float], ...]  # Z, A and nuclei [1/cm2] per X0, as of `Beam`
    particle: str
    energy: float  # [GeV] of the beam
    showers: int
    seed: int
    energies: Floats  # (n + 1,) [GeV] edges; the last is the beam's energy
    depths: Floats  # (m + 1,) [X0] edges
    lengths: Floats  # (3, n, m) [X0]
    errors: Floats  # (3, n, m) [X0]
    batches: Floats  # (n_batches, 3, n) [X0] means of parts of the showers, all depths together
    balance: tuple[float, float, float]  # [GeV] lost on the tracks, left below the first energy, and behind
    versions: Mapping[str, str]

    def content(self) -> dict[str, Any]:
        """Return what stands in the file."""
        return {
            "version": _VERSION,
            "what": "mean track length per beam particle [X0] in bins of energy [GeV] and depth [X0]",
            "setup": self.setup,
            "target": {"material": self.material, "nuclei": [list(row) for row in self.nuclei]},
            "beam": {"particle": self.particle, "energy": self.energy},
            "showers": self.showers,
            "seed": self.seed,
            "versions": dict(self.versions),
            "energy_balance": list(self.balance),
            "energies": self.energies.tolist(),
            "depths": self.depths.tolist(),
            "lengths": dict(zip(KINDS, self.lengths.tolist(), strict=True)),
            "errors": dict(zip(KINDS, self.errors.tolist(), strict=True)),
            "batches": {kind: self.batches[:, row].tolist() for row, kind in enumerate(KINDS)},
        }

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the content."""
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        """Compare all numbers."""
        return isinstance(other, TrackTable) and self.content() == other.content()

    def __hash__(self) -> int:
        """Return a hash of a few of them."""
        return hash((self.setup, self.energy, self.showers, self.seed, float(self.lengths.sum())))

    def __repr__(self) -> str:
        """Name the table, not its numbers."""
        return f"TrackTable({self.digest})"

    @property
    def least(self) -> float:
        """Return the energy [GeV] down to which tracks were followed."""
        return float(self.energies[0])

    def above(self, kinds: Sequence[str]) -> Callable[[npt.ArrayLike], Floats]:
        """
        Return a function of energies [GeV], (n,): the track length above them [X0], (n_batches, n).

        Between edges by monotonic cubics in ln(ln(E0 / E)), in which it is smooth up to the beam's energy;
        between the last edge and the beam straight in ln(E0 / E).

        Parameters
        ----------
        kinds : sequence of str
            Of `KINDS`, added up.
        """
        rows = [KINDS.index(kind) for kind in kinds]
        above = self.batches[:, rows].sum(axis=1)[:, ::-1].cumsum(axis=1)[:, ::-1]  # at the first n edges
        loss = np.log(self.energy / self.energies[:-1])
        curve = PchipInterpolator(np.log(loss[::-1]), above[:, ::-1], axis=1, extrapolate=False)

        def lengths(energy: npt.ArrayLike) -> Floats:
            at = np.log(self.energy / np.asarray(energy, dtype=np.float64))
            if (at > loss[0] * (1 + _CLOSE)).any():
                msg = (
                    f"tracks of {self.setup} were followed down to {self.least:g} GeV, and the limit needs "
                    f"them from {np.min(energy):g} GeV on: make them with a lower --threshold"
                )
                raise ModelError(msg)
            inside = curve(np.log(np.clip(at, loss[-1], loss[0])))
            return np.asarray(inside * np.clip(at / loss[-1], 0.0, 1.0))

        return lengths

    def require(self, particle: str, energy: float, nuclei: Sequence[Sequence[float]], name: str) -> None:
        """
        Refuse a beam and target of which the table is not.

        Parameters
        ----------
        particle : str
        energy : float [GeV]
        nuclei : sequence of sequence of float
            Z, A and nuclei [1/cm2] per X0 of each kind, and more.
        name : str
            What they are of.

        Raises
        ------
        ModelError
            Saying what differs.
        """
        if particle != self.particle or abs(energy / self.energy - 1) > _CLOSE:
            msg = (
                f"the track lengths are of {self.energy:g} GeV {self.particle} ({self.setup}), the beam of "
                f"{name} is of {energy:g} GeV {particle}: make them by `na64 tracks` with that setup"
            )
            raise ModelError(msg)
        mine = np.array(self.nuclei)
        theirs = np.array([nucleus[:3] for nucleus in nuclei])
        if mine.shape != theirs.shape or not np.allclose(mine, theirs, rtol=_CLOSE, atol=0.0):
            msg = (
                f"the track lengths are of a target of {self.material} ({self.setup}), whose nuclei are not "
                f"those of the target of {name}: make them by `na64 tracks` with that setup"
            )
            raise ModelError(msg)


def write_tracks(table: TrackTable, path: Path) -> None:
    """Write a table."""
    path.write_text(json.dumps(table.content()) + "\n", encoding="utf-8")


def read_tracks(path: Path) -> TrackTable:
    """
    Read a table.

    Raises
    ------
    ModelError
        If the file is not there, or holds no whole table of this version.
    """
    again = "give a tracks.json of `na64 tracks`"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"cannot read track lengths from {path} ({error}); {again}"
        raise ModelError(msg) from error
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        found = content.get("version") if isinstance(content, dict) else None
        msg = f"{path} is no table of track lengths of version {_VERSION} (its version: {found}); {again}"
        raise ModelError(msg)
    try:
        table = _table(content)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{path} is no whole table of track lengths ({type(error).__name__}: {error}); {again}"
        raise ModelError(msg) from error
    fault = _fault(table)
    if fault:
        msg = f"{path}: {fault}; {again}"
        raise ModelError(msg)
    return table


def _table(content: Mapping[str, Any]) -> TrackTable:
    def rows(name: str) -> Floats:
        return np.array([content[name][kind] for kind in KINDS], dtype=np.float64)

    first, second, third = (float(value) for value in content["energy_balance"])
    return TrackTable(
        setup=str(content["setup"]),
        material=str(content["target"]["material"]),
        nuclei=tuple((float(z), float(a), float(n)) for z, a, n in content["target"]["nuclei"]),
        particle=str(content["beam"]["particle"]),
        energy=float(content["beam"]["energy"]),
        showers=int(content["showers"]),
        seed=int(content["seed"]),
        energies=np.array(content["energies"], dtype=np.float64),
        depths=np.array(content["depths"], dtype=np.float64),
        lengths=rows("lengths"),
        errors=rows("errors"),
        batches=rows("batches").transpose(1, 0, 2),
        balance=(first, second, third),
        versions={str(key): str(value) for key, value in content["versions"].items()},
    )


def _fault(table: TrackTable) -> str | None:
    """Return what is wrong with the numbers of a table."""
    n, m = len(table.energies) - 1, len(table.depths) - 1
    for name, found, shape in (
        ("lengths", table.lengths.shape, (3, n, m)),
        ("errors", table.errors.shape, (3, n, m)),
        ("batches", table.batches.shape, (len(table.batches), 3, n)),
    ):
        if found != shape or n < 2 or m < 1 or len(table.batches) < 2:
            return f"{name} have the shape {found}, for {n} energies and {m} depths expected {shape}"
    for name, edges in (("energies", table.energies), ("depths", table.depths)):
        if not np.isfinite(edges).all() or (np.diff(edges) <= 0).any() or edges[0] < 0:
            return f"{name} do not rise from 0 or more"
    for name, values in (("lengths", table.lengths), ("errors", table.errors), ("batches", table.batches)):
        if not np.isfinite(values).all() or (values < 0).any():
            return f"{name} are not all numbers of at least 0"
    if abs(table.energies[-1] / table.energy - 1) > _CLOSE or table.energies[0] <= 0:
        ends = f"{table.energies[0]:g} to {table.energies[-1]:g} GeV"
        return f"energies run from {ends}, not from above 0 to the beam's {table.energy:g} GeV"
    both = table.lengths.sum(axis=2), table.batches.mean(axis=0)
    if not np.allclose(*both, rtol=1e-3, atol=1e-9):
        return "batches do not average to the lengths"
    return None
