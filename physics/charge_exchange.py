"""
Charge exchange of pions on nuclei: pi- A -> pi0, eta, eta', ... and a neutron.

The parametrisation of V. Lyubovitskij as Geant4's G4ChargeExchangeXS has it::

    sigma = Z^(2/3 - 0.041 ln Z) A x^-p (1 + g) / c,    x = s / 10 GeV^2,
    g = g0 + g1 ln x,    c = c0 + c1 ln x [1/GeV^2]

with s of the pion and a proton at rest. The last factor is the integral over the momentum transfer t of
``(1 + g c |t|) exp(-c |t|)``, which Geant4 draws t from.

Warning: it gives eta'/eta = 0.03 at 50 GeV, where measurements have about 0.5, so that the 1.37 microbarn of
the eta' may be a typing error (a later version of Geant4 has 59.4 there, and other numbers for the rest). Use
the eta' to test programs, not to derive a limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["MESONS", "NUCLEON", "Meson", "exchange_section", "mandelstam_s", "sample_transfers"]

Floats = npt.NDArray[np.float64]

PION = 0.13957039  # [GeV] PDG 2024
NUCLEON = 0.93827209  # [GeV] the proton's
_SCALE = 10.0  # [GeV^2]
_MICROBARN = 1e-30  # [cm2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meson:
    """Coefficients of the neutral meson that the pion becomes."""

    scale: float  # [microbarn]
    power: float
    slope: tuple[float, float]  # c0, c1 [1/GeV^2]
    dip: tuple[float, float]  # g0, g1


MESONS: dict[str, Meson] = {
    "pi0": Meson(scale=430.0, power=1.04, slope=(12.7, 1.57), dip=(2.55, -0.23)),
    "eta": Meson(scale=36.0, power=1.26, slope=(6.0, 1.6), dip=(4.6, -0.5)),
    "eta'": Meson(scale=1.37, power=1.35, slope=(6.84, 1.7), dip=(3.7, 0.0)),
    "omega": Meson(scale=2.0, power=0.94, slope=(6.5, 1.23), dip=(5.5, 0.0)),
    "f2": Meson(scale=60.0, power=0.94, slope=(8.0, 2.6), dip=(4.6, -2.0)),
}


def mandelstam_s(momentum: npt.ArrayLike) -> Floats:
    """Return s [GeV^2] of a pion of a momentum [GeV] and a nucleon at rest."""
    energy = np.hypot(np.asarray(momentum, dtype=np.float64), PION)
    return np.asarray(PION**2 + NUCLEON**2 + 2.0 * energy * NUCLEON)


def exchange_section(meson: str, momentum: npt.ArrayLike, z: float) -> Floats:
    """
    Return the cross section of charge exchange per nucleus.

    Parameters
    ----------
    meson : str
        One of `MESONS`; of the eta' see the warning above.
    momentum : float64 [GeV]
        Of the pion; the parametrisation is meant for some GeV and more.
    z : float
        Of the nucleus.

    Returns
    -------
    float64, shape of ``momentum`` [cm2]

    Raises
    ------
    KeyError
        If there is no such meson.
    """
    dip, slope = _shape(meson, momentum)
    x = mandelstam_s(momentum) / _SCALE
    size = z ** (2.0 / 3.0 - 0.041 * np.log(z))
    kind = MESONS[meson]
    return np.asarray(_MICROBARN * size * kind.scale * x**-kind.power * (1.0 + dip) / slope)


def sample_transfers(meson: str, momentum: Floats, rng: np.random.Generator) -> Floats:
    """
    Draw momentum transfers: ``dN/d|t| ~ (1 + g c |t|) exp(-c |t|)``.

    Parameters
    ----------
    meson : str
    momentum : float64, shape (n,) [GeV]
        Of the pions.
    rng : numpy.random.Generator

    Returns
    -------
    float64, shape (n,) [GeV^2]
        |t|; the recoil neutron has the kinetic energy |t| / 2 M.
    """
    dip, slope = _shape(meson, momentum)
    n = len(momentum)
    is_second = rng.random(n) * (1.0 + dip) > 1.0  # c |t| exp(-c |t|) is the sum of two exponentials
    return np.asarray((rng.exponential(size=n) + is_second * rng.exponential(size=n)) / slope)


def _shape(meson: str, momentum: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return g and c [1/GeV^2]."""
    log_x = np.log(mandelstam_s(momentum) / _SCALE)
    (c0, c1), (g0, g1) = MESONS[meson].slope, MESONS[meson].dip
    return g0 + g1 * log_x, c0 + c1 * log_x
