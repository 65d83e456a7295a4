"""Published curves to lay over ours: CSV files of the user's, or those that come with the project."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

import limits
from datasets.config import nearest
from na64.errors import UserError
from physics.dark_matter import mixing_of_yield

__all__ = ["Curve", "published_curves", "read_curve"]

Floats = npt.NDArray[np.float64]


class Curve(NamedTuple):
    """A published limit: an upper one, or a band with both edges."""

    label: str
    mass: Floats  # [GeV] rising
    lower: Floats
    upper: Floats | None

    def at(self, mass: float) -> float:
        """Return the lower edge at a mass [GeV], straight in logarithms; NaN beyond the curve."""
        if not self.mass[0] * (1 - 1e-9) <= mass <= self.mass[-1] * (1 + 1e-9):
            return float("nan")
        return float(np.exp(np.interp(np.log(mass), np.log(self.mass), np.log(self.lower))))

    def upper_at(self, mass: float) -> float:
        """Return the upper edge; NaN where there is none."""
        if self.upper is None or not self.mass[0] <= mass <= self.mass[-1]:
            return float("nan")
        return float(np.exp(np.interp(np.log(mass), np.log(self.mass), np.log(self.upper))))


def published_curves() -> dict[str, Path]:
    """Return the curves that come with the project, by name."""
    folder = Path(limits.__file__).parent / "published"
    return {path.stem: path for path in sorted(folder.glob("*.csv"))}


def read_curve(word: str, dark_sector: tuple[float, float] | None = None) -> Curve:
    """
    Read a curve: a name of `published_curves`, or a path, with ":LABEL" behind it if wished.

    The file has a header and two or three columns: mass [GeV], limit (or lower edge), upper edge; lines that
    begin with # are left out. If the header calls the second column y, the file holds m_chi [GeV] and
    y = alpha_D epsilon^2 (m_chi / m_A')^4, and is turned into m_A' and epsilon.

    Parameters
    ----------
    word : str
    dark_sector : (float, float), optional
        alpha_D and m_chi / m_A' of a curve of y; without them such a curve is refused.

    Raises
    ------
    UserError
        If there is no such file, a line is not of numbers above 0 with rising masses, or a curve of y does
        not belong to the model.
    """
    name, _, label = word.partition(":")
    known = published_curves()
    path = known.get(name) or Path(name)
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    except OSError as error:
        hint = nearest(name, known) or "."
        msg = f"no curve '{name}' ({error.strerror or error}){hint} Shipped curves: {', '.join(known)}"
        raise UserError(msg) from error
    content = [row for row in csv.reader(lines) if row]
    try:
        rows = [[float(word) for word in row] for row in content[1:]]
        table = np.array(rows, dtype=np.float64)
    except ValueError as error:
        msg = (
            f"{path} is no curve: {error}; it needs a header, then mass [GeV], limit and, if any, upper edge"
        )
        raise UserError(msg) from error
    is_good = table.ndim == 2 and table.shape[0] > 1 and table.shape[1] in {2, 3} and bool((table > 0).all())
    if not is_good or (np.diff(table[:, 0]) <= 0).any():
        msg = f"{path} is no curve: it needs two or three columns of numbers above 0, and rising masses"
        raise UserError(msg)
    if [name.strip().lower() for name in content[0]][1:] == ["y"]:
        if dark_sector is None:
            msg = f"{path} is a curve of y against m_chi, which only the model 'invisible' has; leave it out"
            raise UserError(msg)
        alpha_d, mass_ratio = dark_sector
        mixing = mixing_of_yield(table[:, 1], alpha_d, mass_ratio)
        return Curve(label or path.stem, table[:, 0] / mass_ratio, mixing, None)
    upper = table[:, 2] if table.shape[1] == 3 else None
    return Curve(label or path.stem, table[:, 0], table[:, 1], upper)
