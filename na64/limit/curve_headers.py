"""What the header of a published curve says of its columns: which mass, in which unit, and which coupling."""

from __future__ import annotations

import re
from typing import NamedTuple

from na64.errors import UserError

__all__ = ["MassColumn", "coupling_of", "mass_of"]

_UNITS = {  # in GeV, as they are written, in capitals or in small letters alone: meV is no MeV
    word: value
    for unit, value in (("eV", 1e-9), ("keV", 1e-6), ("MeV", 1e-3), ("GeV", 1.0), ("TeV", 1e3))
    for word in (unit, unit.lower(), unit.upper())
}
_BOSONS = {
    "m",
    "mass",
    "ma",
    "maprime",
    "massa",
    "mdarkphoton",
    "darkphotonmass",
    "mv",
    "mx",
    "mz",
    "mzprime",
    "massz",
}
_DARK_MATTER = {
    "mchi",
    "mχ",
    "masschi",
    "chimass",
    "mdm",
    "dmmass",
    "massdm",
    "mdarkmatter",
    "darkmattermass",
}
_COUPLINGS = {
    "epsilon": {"eps", "epsilon", "varepsilon", "ε", "mixing", "kineticmixing"},
    "epsilon^2": {"eps2", "epsilon2", "varepsilon2", "ε2", "ε²"},
    "y": {"y"},
    "g_B-L": {"gbl", "gb"},
    "g_mu": {"gmu", "gμ", "gmutau", "gμτ", "glmultau"},
    "g": {"g"},
    "": {""},
}
_ASIDE = {  # words of a column that name no coupling
    "limit", "limits", "lower", "upper", "low", "high", "edge", "bound", "value", "coupling", "observed",
    "expected", "obs", "exp", "median", "excluded", "published", "min", "max", "cl", "90", "90%", "95", "95%",
    "90cl", "95cl", "cl90", "cl95", "90%cl", "95%cl", "-", "1",
}  # fmt: skip
_BRACKETS = re.compile(r"[\[(]([^\])]*)[\])]\s*$")
_SIGNS = re.compile(r"[\s_{}()^\\$'′*.−-]")  # noqa: RUF001 (primes and a minus sign)


class MassColumn(NamedTuple):
    """The first column of a curve."""

    is_dark_matter: bool  # the mass of chi, not that of the boson
    unit: float  # [GeV]
    is_plain: bool  # "mass": it does not say whose


def mass_of(cell: str, where: str) -> MassColumn:
    """
    Return which mass a column holds: `m_A'`, `mass` or `m_chi`, with `[MeV]`, `_MeV` or nothing for GeV.

    Parameters
    ----------
    cell : str
        Of the header.
    where : str
        The file, for messages.

    Raises
    ------
    UserError
        If the name or the unit is not known.
    """
    name, unit = _divide(cell)
    if _bare(cell) in _BOSONS | _DARK_MATTER:  # as m(A'), whose brackets hold no unit
        name, unit = cell, None
    words = [word for word in re.split(r"[\s_/]+", name) if word]
    if unit is None and len(words) > 1 and words[-1] in _UNITS:
        unit = words.pop()
    word = _bare("".join(words))
    if word not in _BOSONS | _DARK_MATTER:
        msg = (
            f"{where}: '{cell.strip()}' of the header is no mass; call the first column mass_GeV, m_A'_GeV "
            f"or m_chi_GeV"
        )
        raise UserError(msg)
    unit = "GeV" if unit is None else re.sub(r"/c\^?[2²]$", "", unit)
    if unit not in _UNITS:
        msg = (
            f"{where}: '{cell.strip()}' of the header has the unit '{unit}'; known are eV, keV, MeV, GeV, TeV"
        )
        raise UserError(msg)
    return MassColumn(word in _DARK_MATTER, _UNITS[unit], word in {"m", "mass"})


def coupling_of(cell: str, where: str) -> str:
    """
    Return which coupling a column holds: "epsilon", "epsilon^2", "y", "g_B-L", "g_mu", "g", or "" for none.

    Words like lower, upper, limit, expected or 90% CL are left aside.

    Parameters
    ----------
    cell, where : str
        As for `mass_of`.

    Raises
    ------
    UserError
        If another coupling is named, or one with a unit or a factor.
    """
    name, inside = _divide(cell)
    words = re.split(r"[\s_/]+", name.lower())
    beside = [word for word in re.split(r"[\s_/]+", (inside or "").lower()) if word and word not in _ASIDE]
    bare = _bare("".join(word for word in words if word not in _ASIDE))
    for known, spellings in _COUPLINGS.items():
        if bare in spellings and not beside:
            return known
    msg = (
        f"{where}: '{cell.strip()}' of the header is no coupling that is known; call it epsilon, epsilon^2, "
        f"y, g_B-L or g_mu, without a unit, or limit if it is that of --model"
    )
    raise UserError(msg)


def _divide(cell: str) -> tuple[str, str | None]:
    """Return what stands before brackets at the end of a cell, and what stands in them."""
    found = _BRACKETS.search(cell)
    return (cell.strip(), None) if found is None else (cell[: found.start()].strip(), found[1].strip())


def _bare(word: str) -> str:
    """Return small letters and digits alone, as m_{A'} and mA are the same."""
    return _SIGNS.sub("", word).lower()
