"""Published curves to lay over ours: CSV files of the user's, or those that come with the project."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

import limits
from datasets.config import nearest
from na64.errors import UserError
from na64.limit.curve_headers import coupling_of, mass_of
from physics.boson_decays import coupling_of_epsilon, l_mu_tau_epsilon
from physics.dark_matter import mixing_of_yield

__all__ = ["Curve", "notes_on", "published_curves", "read_curve"]

Floats = npt.NDArray[np.float64]

# Couplings of models
_OWN = {"invisible": "epsilon", "visible": "epsilon", "b-l": "g_B-L", "lmu-ltau": "g_mu"}
_PER_EPSILON = {"epsilon": 1.0, "g_B-L": coupling_of_epsilon(1.0), "g_mu": 1 / l_mu_tau_epsilon(1.0)}
_COLUMNS = "a header, then mass, limit and, if any, upper edge, between commas"


class Curve(NamedTuple):
    """A published limit: an upper one, or a band with both edges."""

    label: str
    mass: Floats  # [GeV] rising
    lower: Floats
    upper: Floats | None
    notes: tuple[str, ...] = ()  # that a reader must know

    def at(self, mass: float) -> float:
        """Return the lower edge at a mass [GeV], straight in logarithms; NaN beyond the curve."""
        if not self.mass[0] * (1 - 1e-9) <= mass <= self.mass[-1] * (1 + 1e-9):
            return float("nan")
        return float(np.exp(np.interp(np.log(mass), np.log(self.mass), np.log(self.lower))))

    def upper_at(self, mass: float) -> float:
        """Return the upper edge; NaN where there is none."""
        if self.upper is None or not np.isfinite(self.at(mass)):
            return float("nan")
        return float(np.exp(np.interp(np.log(mass), np.log(self.mass), np.log(self.upper))))


def published_curves() -> dict[str, Path]:
    """Return the curves that come with the project, by name."""
    folder = Path(limits.__file__).parent / "published"
    return {path.stem: path for path in sorted(folder.glob("*.csv"))}


def read_curve(word: str, dark_sector: tuple[float, float] | None = None, model: str = "invisible") -> Curve:
    """
    Read a curve: a name of `published_curves`, or a path, with ":LABEL" behind it if wished.

    The file has a header and two or three columns between commas: mass, limit (or lower edge), upper edge.
    Other lines that begin with # are left out; one directly above the numbers is the header if there is no
    other. The header decides what the columns are (`na64.limit.curve_headers`): m_A' or m_chi, in GeV or its
    unit; epsilon, epsilon^2, y = alpha_D epsilon^2 (m_chi / m_A')^4, g_B-L or g_mu. These are turned into the
    coupling of the model by what electrons radiate: g_B-L = e epsilon, g_mu by the loop of muons and taus.
    A header that names no coupling (limit, lower, upper, ...) is of the model's own.

    Parameters
    ----------
    word : str
    dark_sector : (float, float), optional
        alpha_D and m_chi / m_A' of a curve of y or of m_chi; without them such a curve is refused.
    model : str
        One of `limits.signal.MODELS`, or "visible", whose edges only epsilon has.

    Raises
    ------
    UserError
        If there is no such file, the header is not understood, a line is not of numbers above 0 with rising
        masses, or the curve is of a coupling that the model does not have.
    """
    name, _, label = word.partition(":")
    path = published_curves().get(name) or Path(name)
    header, table = _read_table(path, _lines_of(path, name))
    mass = mass_of(header[0], str(path))
    kind = _kind_of(header[1:], path) or _OWN[model]
    if kind == "y" and mass.is_plain:
        msg = f"{path}: '{header[0]}' does not say whose mass it is; y takes m_chi or m_A' in the header"
        raise UserError(msg)
    if (kind == "y" or mass.is_dark_matter) and dark_sector is None:
        what = "y" if kind == "y" else "m_chi"
        msg = f"{path} is a curve of {what}, which only the model 'invisible' has; leave it out"
        raise UserError(msg)
    turn = _turning(kind, model, dark_sector, path)
    lower, *upper = (turn(column) for column in table.T[1:])
    if upper and (upper[0] < lower).any():
        msg = f"{path}: the upper edge, which is the third column, lies below the second"
        raise UserError(msg)
    to_boson = mass.unit / (dark_sector[1] if mass.is_dark_matter and dark_sector is not None else 1.0)
    label, own = label or path.stem, _OWN[model]
    notes: tuple[str, ...] = ()
    if "g_" in kind + own and kind not in {own, "g"}:
        notes = (f"{label} is of {kind}, turned into {own} by what electrons radiate alone, without decays",)
    return Curve(label, table[:, 0] * to_boson, lower, upper[0] if upper else None, notes)


def notes_on(curves: Sequence[Curve], masses: Sequence[float], *, is_band: bool) -> list[str]:
    """
    Return what a reader must know of curves beside a limit.

    Parameters
    ----------
    curves : sequence of Curve
    masses : sequence of float [GeV]
        Of the grid.
    is_band : bool
        Whether the limit is a band of visible decays.
    """
    notes: list[str] = []
    for curve in curves:
        notes += curve.notes
        if is_band and curve.upper is None:
            notes.append(
                f"{curve.label} has no upper edge, as limits of invisible decays have none; its lower one "
                f"alone is compared"
            )
        if not is_band and curve.upper is not None:
            notes.append(
                f"{curve.label} has an upper edge, as bands of visible decays do; its lower one alone is "
                f"compared"
            )
        if not any(np.isfinite(curve.at(mass)) for mass in masses):
            low, high = 1e3 * curve.mass[0], 1e3 * curve.mass[-1]
            notes.append(
                f"{curve.label} is known from {low:.4g} to {high:.4g} MeV, where --grid has no mass: nothing "
                f"is compared"
            )
    return notes


def _kind_of(cells: Sequence[str], path: Path) -> str:
    """Return the coupling that the header names; an empty word if it names none."""
    kinds = {kind for cell in cells if (kind := coupling_of(cell, str(path)))}
    if len(kinds) > 1:
        msg = f"{path}: the columns are of {' and '.join(sorted(kinds))}; a curve is of one coupling"
        raise UserError(msg)
    return kinds.pop() if kinds else ""


def _turning(
    kind: str, model: str, dark_sector: tuple[float, float] | None, path: Path
) -> Callable[[Floats], Floats]:
    """Return what turns a coupling into that of the model."""
    own = _OWN[model]
    if kind == own or (kind == "g" and own.startswith("g_")):
        return lambda values: values
    if kind == "g" or (model == "visible" and kind not in {"epsilon", "epsilon^2"}):
        msg = f"{path} is of {kind}, and --model {model} is of {own}; leave it out"
        raise UserError(msg)
    factor = _PER_EPSILON[own]
    if kind == "epsilon^2":
        return lambda values: np.sqrt(values) * factor
    if kind == "y" and dark_sector is not None:
        alpha_d, mass_ratio = dark_sector
        return lambda values: mixing_of_yield(values, alpha_d, mass_ratio) * factor
    factor /= _PER_EPSILON[kind]
    return lambda values: values * factor


def _lines_of(path: Path, name: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        known = published_curves()
        hint = nearest(name, known) or "."
        msg = f"no curve '{name}' ({error.strerror or error}){hint} Shipped curves: {', '.join(known)}"
        raise UserError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path} is no curve: it is no text in UTF-8; it needs {_COLUMNS}"
        raise UserError(msg) from error


def _read_table(path: Path, lines: Sequence[str]) -> tuple[list[str], Floats]:
    """Return the header, two or three cells, and the numbers, (n, 2) or (n, 3)."""
    rows = [(number, _cells(line)) for number, line in enumerate(lines, 1) if _is_content(line)]
    header: list[str] = []
    if rows and not any(map(_is_number, rows[0][1])):
        header = rows.pop(0)[1]
    elif rows and rows[0][0] > 1 and (above := lines[rows[0][0] - 2].strip()).startswith("#"):
        words = _cells(above.lstrip("# ") or "-")
        header = words if len(words) == len(rows[0][1]) else []
    if len(header) not in {2, 3} or any(map(_is_number, header)):
        msg = (
            f"{path} has no header of two or three columns between commas; begin it with a line such as "
            f"mass_GeV,epsilon or m_chi_MeV,y"
        )
        raise UserError(msg)
    for number, cells in rows:
        if len(cells) != len(header) or not all(map(_is_number, cells)):
            msg = (
                f"{path} is no curve: line {number} is '{','.join(cells)}', not {len(header)} numbers; it "
                f"needs {_COLUMNS}"
            )
            raise UserError(msg)
    table = np.array([[float(cell) for cell in cells] for _, cells in rows], dtype=np.float64)
    is_good = len(table) > 1 and bool((np.isfinite(table) & (table > 0)).all())
    if not is_good or (np.diff(table[:, 0]) <= 0).any():
        msg = f"{path} is no curve: it needs two rows or more of numbers above 0, and rising masses"
        raise UserError(msg)
    return header, table


def _is_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line]))]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
