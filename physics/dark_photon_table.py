"""
Exact tree-level cross sections of e Pb -> e Pb A': the data of `physics.dark_photon`.

S. Gninenko, D. Kirpichnikov, M. Kirsanov, N. Krasnikov, Phys. Lett. B 782 (2018) 406, as tabulated with the
public code DMG4 (A. Celentano et al., Comput. Phys. Commun. 269 (2021) 108129; good to 0.5%).
"""

from __future__ import annotations

__all__ = ["ENERGIES", "EPSILON", "SECTIONS", "A", "Z"]

Z, A = 82.0, 207.0
EPSILON = 1e-4
ENERGIES = (60.0, 100.0)  # [GeV] of the electron
SECTIONS = (  # mass [MeV], cross section [pb] at 60 GeV, at 100 GeV
    (1, 212418, 212418),
    (2, 91179.7, 91284.1),
    (4, 34968.3, 35071.7),
    (6, 18983, 19084.3),
    (8, 12061.8, 12160.6),
    (10, 8390.31, 8486.3),
    (20, 2540.82, 2620.75),
    (30, 1192.78, 1257.65),
    (50, 425.523, 466.909),
    (70, 205.593, 231.863),
    (100, 91.5764, 106.04),
    (200, 16.9238, 20.7077),
    (300, 5.76344, 7.37425),
    (400, 2.54108, 3.39178),
    (500, 1.29251, 1.79844),
    (700, 0.426409, 0.645211),
    (900, 0.169236, 0.279257),
    (1000, 0.1112, 0.191974),
)
