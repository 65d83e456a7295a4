"""Properties of the materials that detectors are made of, and of stacks of thin layers of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MATERIALS", "Material", "blend", "elements_of", "material"]

_SCALE_ENERGY = 21.2e-3  # [GeV] E_s = m_e c^2 sqrt(4 pi / alpha), PDG 2024, eq. (34.39)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """
    A homogeneous material, or the average of thin layers.

    Numbers of elements and compounds: PDG, "Atomic and nuclear properties of materials", 2024. `z` and `a` of
    compounds are averages by mass.
    """

    name: str
    z: float  # atomic number
    a: float  # [g/mol]
    z_over_a: float  # [mol/g] electrons per mass
    density: float  # [g/cm3]
    radiation_length: float  # [mm]
    nuclear_interaction_length: float  # [mm] of nucleons
    pion_interaction_length: float  # [mm]
    critical_energy: float  # [GeV] of electrons
    minimum_ionisation: float  # [GeV/mm] dE/dx of a minimum-ionising particle

    @property
    def moliere_radius(self) -> float:
        """Return E_s X0 / E_c [mm] (PDG 2024, eq. (34.38))."""
        return self.radiation_length * _SCALE_ENERGY / self.critical_energy


def _tabulated(
    name: str,
    z: float,
    a: float,
    z_over_a: float,
    density: float,
    lengths: tuple[float, float, float],
    critical: float,
    dedx: float,
) -> Material:
    """Make a material from lengths in g/cm2, critical energy in MeV and dE/dx in MeV cm2/g, as tabulated."""
    x0, nuclear, pion = (length / density * 10.0 for length in lengths)
    return Material(
        name=name,
        z=z,
        a=a,
        z_over_a=z_over_a,
        density=density,
        radiation_length=x0,
        nuclear_interaction_length=nuclear,
        pion_interaction_length=pion,
        critical_energy=critical * 1e-3,
        minimum_ionisation=dedx * density * 1e-4,
    )


MATERIALS: dict[str, Material] = {
    found.name: found
    for found in (
        _tabulated("lead", 82, 207.2, 0.39575, 11.350, (6.37, 199.6, 226.2), 7.43, 1.122),
        _tabulated("iron", 26, 55.845, 0.46557, 7.874, (13.84, 132.1, 160.8), 21.68, 1.451),
        _tabulated("copper", 29, 63.546, 0.45636, 8.960, (12.86, 137.3, 165.9), 19.42, 1.403),
        _tabulated("tungsten", 74, 183.84, 0.40252, 19.300, (6.76, 191.9, 218.7), 7.97, 1.145),
        _tabulated("polystyrene", 5.62, 11.16, 0.53768, 1.060, (43.79, 81.7, 113.7), 93.11, 1.936),
        _tabulated("PbWO4", 68.4, 170.9, 0.41315, 8.300, (7.39, 168.3, 197.3), 9.64, 1.229),
    )
}


_COMPOUNDS = {  # Z, A [g/mol] and share of the mass of each element
    "polystyrene": ((6.0, 12.011, 0.922582), (1.0, 1.008, 0.077418)),
    "PbWO4": ((82.0, 207.2, 0.455347), (74.0, 183.84, 0.404011), (8.0, 15.999, 0.140642)),
}


def elements_of(material: Material) -> tuple[tuple[float, float, float], ...]:
    """Return Z, A [g/mol] and the share of the mass of each element of a tabulated material."""
    return _COMPOUNDS.get(material.name, ((material.z, material.a, 1.0),))


def material(name: str) -> Material:
    """
    Return a material by name.

    Raises
    ------
    ValueError
        If it is not tabulated; the message lists those that are.
    """
    try:
        return MATERIALS[name]
    except KeyError:
        msg = f"no material '{name}' is tabulated; known: {', '.join(MATERIALS)}"
        raise ValueError(msg) from None


def blend(layers: Sequence[tuple[Material, float]]) -> Material:
    """
    Average thin layers into one material.

    Inverse lengths add by thickness, the critical energy by radiation lengths: ``E_c = X0 sum(t_i E_c,i /
    X0_i) / T`` (G. Grindhammer, S. Peters, arXiv:hep-ex/0001020, sec. 2), so that the Moliere radius follows.

    Parameters
    ----------
    layers : sequence of (Material, float)
        Thickness of each [mm].

    Raises
    ------
    ValueError
        If there is no layer, or none of positive thickness.
    """
    total = math.fsum(t for _, t in layers)
    if not total > 0:
        msg = f"a stack of layers needs a thickness above 0, got {total}"
        raise ValueError(msg)
    mass = math.fsum(m.density * t for m, t in layers)
    x0 = total / math.fsum(t / m.radiation_length for m, t in layers)
    return Material(
        name=" + ".join(f"{t:g} mm {m.name}" for m, t in layers),
        z=math.fsum(m.z * m.density * t for m, t in layers) / mass,
        a=math.fsum(m.a * m.density * t for m, t in layers) / mass,
        z_over_a=math.fsum(m.z_over_a * m.density * t for m, t in layers) / mass,
        density=mass / total,
        radiation_length=x0,
        nuclear_interaction_length=total / math.fsum(t / m.nuclear_interaction_length for m, t in layers),
        pion_interaction_length=total / math.fsum(t / m.pion_interaction_length for m, t in layers),
        critical_energy=x0 * math.fsum(t * m.critical_energy / m.radiation_length for m, t in layers) / total,
        minimum_ionisation=math.fsum(m.minimum_ionisation * t for m, t in layers) / total,
    )
