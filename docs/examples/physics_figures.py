r"""
Draw the cross sections, spectra, widths and relic lines of `physics/`.

    python docs/examples/physics_figures.py docs/images

Figures are of lead and of epsilon = 1e-4, as the table of the exact cross section is.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from na64.plotting import style
from physics import dark_photon_table as table
from physics.associated_annihilation import associated_section
from physics.boson_decays import (
    b_minus_l_invisible_share,
    b_minus_l_width,
    coupling_of_epsilon,
    l_mu_tau_epsilon,
    l_mu_tau_width,
    neutrino_width,
)
from physics.dark_matter import (
    annihilation_in_motion,
    pseudo_dirac_width,
    scalar_annihilation_section,
    scalar_width,
)
from physics.dark_photon import (
    angle_density,
    annihilation_section,
    bremsstrahlung_section,
    invisible_width,
    share_density,
    tree_level_factor,
    visible_width,
)
from physics.muon_boson import boson_section
from physics.relic import DarkMatter, relic_yield

Floats = npt.NDArray[np.float64]

Z, A, EPSILON = table.Z, table.A, table.EPSILON
ALPHA_D, RATIO = 0.1, 1 / 3
THIRD, L_MU_TAU = r"$m_\chi = m_{A'}/3$", r"$L_\mu - L_\tau$"
MASSES = np.geomspace(1e-3, 1.0, 200)  # [GeV]
LEFT, RIGHT = (0.1, 0.13, 0.37, 0.78), (0.59, 0.13, 0.37, 0.78)


def panels(titles: tuple[str, str]) -> list[Axes]:
    """Return two axes side by side."""
    figure = style.new_figure(13, 5.6)
    both = [figure.add_axes(place) for place in (LEFT, RIGHT)]
    for axes, title in zip(both, titles, strict=True):
        axes.set_title(title, fontsize=13, loc="left")
    return both


def finish(axes: Axes, x: str, y: str, *, scales: str = "log log", place: str = "best") -> None:
    """Set scales, words and the legend."""
    axes.set(xlabel=x, ylabel=y)
    axes.set_xscale(scales.split()[0])
    axes.set_yscale(scales.split()[1])
    axes.legend(fontsize=10, loc=place)


def bremsstrahlung() -> list[Axes]:
    """Draw the total cross section of e Z -> e Z A' beside the table, and K."""
    both = panels(
        ("e$^-$ Pb → e$^-$ Pb A', ε = 1e-4", "K: improved Weizsäcker-Williams over exact tree level")
    )
    mass, *sections = np.array(table.SECTIONS).T
    for colour, energy in zip(style.COLOURS, (20.0, 60.0, 100.0, 150.0), strict=False):
        exact = np.array([bremsstrahlung_section(m, energy, EPSILON, Z, A) for m in MASSES])
        factor = np.array([tree_level_factor(m, energy) for m in MASSES])
        both[0].plot(1e3 * MASSES, exact, color=colour, label=f"{energy:g} GeV")
        both[0].plot(1e3 * MASSES, exact * factor, ":", color=colour, linewidth=1)
        both[1].plot(1e3 * MASSES, factor, color=colour, label=f"{energy:g} GeV")
    for energy, section in zip(table.ENERGIES, sections, strict=True):
        colour = style.COLOURS[1 if energy < 80 else 2]
        both[0].plot(mass, section, "o", color=colour, markersize=4, label=f"table, {energy:g} GeV")
    both[0].plot([], [], ":", color="0.3", label="improved Weizsäcker-Williams")
    finish(both[0], "mass of A' [MeV]", "cross section [pb]")
    finish(both[1], "mass of A' [MeV]", "K", scales="log linear")
    return both


def spectra() -> list[Axes]:
    """Draw the energy and the angle of a radiated A'."""
    energy = 100.0
    both = panels(("Energy of A' of 100 GeV electrons", "Angle of A' that take 90% of 100 GeV"))
    for colour, mass in zip(style.COLOURS, (0.001, 0.01, 0.1, 0.5), strict=False):
        rest = np.geomspace(1 - mass / energy, 1e-7, 4000)
        density = share_density(1 - rest, rest, mass, energy)
        total = -np.trapezoid(density, rest)
        both[0].plot(rest, density * rest / total, color=colour, label=f"{1e3 * mass:g} MeV")
        angle = np.geomspace(1e-7, 0.1, 800)
        angular = angle_density(angle, 0.9, mass, energy)
        both[1].plot(
            angle, angle * angular / np.trapezoid(angular, angle), color=colour, label=f"{1e3 * mass:g} MeV"
        )
    finish(both[0], "1 − x, x = E(A') / E", "(1 − x) / σ  dσ/dx", scales="log linear")
    finish(both[1], "angle [rad]", "θ / σ  dσ/dθ", scales="log linear")
    return both


def annihilation() -> list[Axes]:
    """Draw e+ e- -> A' -> chi chi, with electrons at rest and in motion, and e+ e- -> gamma A'."""
    both = panels(
        (
            f"e$^+$ Pb, ε = 1e-4, $\\alpha_D$ = {ALPHA_D:g}, A' of 250 MeV",
            "e$^+$ Pb → γ A' of 100 GeV positrons, ε = 1e-4",
        )
    )
    energy, key = np.linspace(20.0, 100.0, 1500), (0.25, EPSILON, ALPHA_D, RATIO)
    for label, look, section in (
        ("Dirac, electrons at rest", "-", annihilation_section(energy, *key)),
        ("Dirac, electrons of 30 keV", "--", annihilation_in_motion(energy, 3e-5, *key)),
        ("scalar, electrons at rest", "-.", scalar_annihilation_section(energy, *key)),
        ("γ A'", ":", associated_section(energy, 0.25, EPSILON)),
    ):
        both[0].plot(energy, np.where(section > 0, Z * section, np.nan), look, label=label)
    finish(both[0], "energy of the positron [GeV]", "cross section of Z electrons [pb]", scales="linear log")
    masses = MASSES[MASSES < 0.32]
    for least in (0.0, 0.5):
        section = Z * np.array([float(associated_section(100.0, m, EPSILON, least)) for m in masses])
        both[1].plot(1e3 * masses, np.where(section > 0, section, np.nan), label=f"γ A' with x > {least:g}")
    radiated = [bremsstrahlung_section(m, 100.0, EPSILON, Z, A) for m in masses]
    both[1].plot(1e3 * masses, radiated, "k--", label="bremsstrahlung of A'")
    finish(both[1], "mass of A' [MeV]", "cross section per atom [pb]")
    return both


def widths() -> list[Axes]:
    """Draw widths of a dark photon, and what becomes of B - L and L_mu - L_tau bosons."""
    both = panels(
        (f"Widths of A', ε = 1e-4, $\\alpha_D$ = {ALPHA_D:g}, {THIRD}", "Share of invisible decays")
    )
    for label, width in (
        ("e$^+$e$^-$, times 1e8", lambda m: 1e8 * visible_width(m, EPSILON)),
        ("Dirac", lambda m: invisible_width(m, ALPHA_D, RATIO)),
        (r"pseudo-Dirac, $\Delta = m_{A'}/10$", lambda m: pseudo_dirac_width(m, ALPHA_D, 0.3 * m, 0.4 * m)),
        ("scalar", lambda m: scalar_width(m, ALPHA_D, RATIO)),
    ):
        both[0].plot(1e3 * MASSES, [width(m) / m for m in MASSES], label=label)
    finish(both[0], "mass of A' [MeV]", "Γ / m")
    both[1].plot(1e3 * MASSES, [b_minus_l_invisible_share(m) for m in MASSES], label="B − L")
    shares = [neutrino_width(m, 1.0, 2) / l_mu_tau_width(m, 1.0) for m in MASSES]
    both[1].plot(1e3 * MASSES, shares, label=L_MU_TAU)
    both[1].set_ylim(0, 1.1)
    finish(both[1], "mass of Z' [MeV]", "to neutrinos", scales="log linear", place="lower left")
    return both


def bosons() -> list[Axes]:
    """Draw couplings of one width or one rate, and muon bremsstrahlung."""
    both = panels(("Widths of Z' for g = 1e-4", "μ$^-$ Pb → μ$^-$ Pb Z' of 160 GeV muons, g = 1e-4"))
    both[0].plot(1e3 * MASSES, [b_minus_l_width(m, 1e-4) for m in MASSES], label="B − L")
    both[0].plot(1e3 * MASSES, [l_mu_tau_width(m, 1e-4) for m in MASSES], label=L_MU_TAU)
    finish(both[0], "mass of Z' [MeV]", "Γ [GeV]")
    both[1].plot(1e3 * MASSES, [boson_section(m, 160.0, 1e-4, Z, A) for m in MASSES], label="of muons")
    loop = l_mu_tau_epsilon(1e-4)
    of_electrons = [bremsstrahlung_section(m, 160.0, loop, Z, A) for m in MASSES]
    both[1].plot(1e3 * MASSES, of_electrons, "--", label=f"{L_MU_TAU} of 160 GeV electrons, by the loop")
    both_couple = 1e-4 / coupling_of_epsilon(1.0)
    of_electrons = [bremsstrahlung_section(m, 160.0, both_couple, Z, A) for m in MASSES]
    both[1].plot(1e3 * MASSES, of_electrons, ":", label="B − L of 160 GeV electrons")
    finish(both[1], "mass of Z' [MeV]", "cross section [pb]")
    return both


def relics() -> list[Axes]:
    """Draw y of the observed density of dark matter, of three mass ratios."""
    both = panels((f"y of the observed density, {THIRD}", "Dirac and pseudo-Dirac, by the ratio of masses"))
    masses = np.geomspace(1e-3, 0.3, 100)
    kinds: tuple[tuple[DarkMatter, str, str], ...] = (
        ("scalar", "scalar", "-"),
        ("majorana", "Majorana", "--"),
        ("dirac", "Dirac, pseudo-Dirac (the same)", ":"),
    )
    for kind, name, look in kinds:
        both[0].plot(1e3 * masses, [relic_yield(m, RATIO, kind) for m in masses], look, label=name)
    for ratio in (0.25, 1 / 3, 0.45):
        line = [relic_yield(m, ratio, "dirac") for m in masses]
        both[1].plot(1e3 * masses, line, label=rf"$m_\chi / m_{{A'}}$ = {ratio:.2f}")
    for axes in both:
        finish(axes, "mass of χ [MeV]", "y")
    return both


@style.styled
def main(folder: Path) -> None:
    """Write six figures into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (bremsstrahlung, spectra, annihilation, widths, bosons, relics):
        path = folder / f"physics_{draw.__name__}.png"
        style.write_figure(style.figure_of(draw()[0]), path)
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2 or (Path(sys.argv[1]).exists() and not Path(sys.argv[1]).is_dir()):
        sys.exit(f"{__doc__}\nGive a folder, got: {' '.join(sys.argv[1:]) or 'nothing'}")
    main(Path(sys.argv[1]))
