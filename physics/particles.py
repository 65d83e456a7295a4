"""Masses, charges and lifetimes of the particles that cross the experiment, by PDG code."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from particle import Particle

__all__ = ["antiparticles", "charge_of", "decay_length_of", "like_charged", "mass_of", "pdg_of"]

Codes = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=256)
def _look_up(code: int) -> tuple[float, float, float]:
    """Return mass [GeV], charge [e] and c tau [mm] (infinite when stable) of one PDG code."""
    found = Particle.from_pdgid(code)
    mass = 0.0 if found.mass is None else found.mass * 1e-3
    length = np.inf if found.ctau is None else float(found.ctau)
    return mass, float(found.charge or 0.0), length


def _table(pdg: npt.ArrayLike, which: int) -> Floats:
    codes = np.asarray(pdg, dtype=np.int64)
    unique, inverse = np.unique(codes, return_inverse=True)
    values = np.array([_look_up(int(code))[which] for code in unique], dtype=np.float64)
    return np.asarray(values[inverse].reshape(codes.shape))


@lru_cache(maxsize=256)
def pdg_of(name: str) -> int:
    """
    Return the PDG code of a particle by the usual name ("e-", "mu+", "pi-", "K0L", "n", "gamma").

    Raises
    ------
    ValueError
        If no particle has that name.
    """
    aliases = {"K0L": "K(L)0", "K0S": "K(S)0"}
    try:
        return int(Particle.from_name(aliases.get(name, name)).pdgid)
    except Exception as error:
        msg = f"no particle is called '{name}'; names are like e-, e+, mu-, pi-, K+, p, n, K0L, gamma"
        raise ValueError(msg) from error


def like_charged(name: str, charge: int) -> str:
    """Return the name of a charged particle or of its antiparticle: "pi-" is "pi+" of a positive charge."""
    return name[:-1] + ("+" if charge > 0 else "-") if name.endswith(("+", "-")) else name


def antiparticles(pdg: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the codes of the antiparticles, same shape as ``pdg``; a photon is its own."""
    codes = np.asarray(pdg, dtype=np.int64)
    unique, inverse = np.unique(codes, return_inverse=True)
    other = np.array([int(Particle.from_pdgid(int(code)).invert().pdgid) for code in unique], dtype=np.int64)
    return np.asarray(other[inverse].reshape(codes.shape))


def mass_of(pdg: npt.ArrayLike) -> Floats:
    """Return masses [GeV] (PDG, by the package `particle`), same shape as ``pdg``."""
    return _table(pdg, 0)


def charge_of(pdg: npt.ArrayLike) -> Floats:
    """Return charges [e], same shape as ``pdg``."""
    return _table(pdg, 1)


def decay_length_of(pdg: npt.ArrayLike) -> Floats:
    """Return c tau [mm], infinite for stable particles, same shape as ``pdg``."""
    return _table(pdg, 2)
