"""
The exact tree level of e Z -> e Z A' beside the improved Weizsaecker-Williams approximation and its factor K.

    python docs/examples/exact_cross_section.py --shower
    python docs/examples/exact_cross_section.py --energy 60 --above 50
    python docs/examples/exact_cross_section.py --target 74 183.84

First cross sections [pb] for epsilon = 1e-4: approximate (IWW), exact with the elastic form factor and its
change with fewer nodes; K = IWW over exact, beside that of `physics.dark_photon`, with the elastic form
factor and with both. Then the spectrum of x = E_A' / E, exact and approximate: its mean and the share above
an energy. With `--shower` also the A' above that energy of a whole shower, exact (both form factors) over
those of `limits.yields`.
"""

import argparse
from functools import partial

import numpy as np

from limits.yields import share_above as limits_share
from physics.dark_photon import bremsstrahlung_section, share_density, tree_level_factor
from physics.exact_bremsstrahlung import Grid, elastic_form_factor, exact_grid, full_form_factor, share_above
from physics.shower_tracks import electron_track_lengths, secondary_positron_track_density

EPSILON = 1e-4
FEW = (20, 26, 16)  # nodes, beside the default


def approximate(mass: float, energy: float) -> Grid:
    """Return the spectrum of the approximation on 4000 points."""
    edges = 1 - np.geomspace(1 - mass / energy, 1e-9, 4001)
    x = 0.5 * (edges[1:] + edges[:-1])
    return Grid(x, share_density(x, 1 - x, mass, energy) * np.diff(edges))


def mean(grid: Grid) -> float:
    """Return the mean x."""
    return float(np.average(grid.x, weights=grid.weight))


def shower_ratio(mass: float, beam: float, least: float, z: float, a: float) -> float:
    """Return the A' above an energy, exact over approximate, of the electrons and positrons of a shower."""
    at = least + (beam - least) * np.array([0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0])
    charge = partial(full_form_factor, z=z, a=a)
    ratio = []
    for energy in at:
        grid = exact_grid(mass, energy, EPSILON, z, a, form_factor=charge, nodes=(16, 24, 32))
        x = least / energy
        width = min(0.05, 0.5 * (1 - x))
        made = grid.weight.sum() * share_above(grid, x, width)
        expected = bremsstrahlung_section(mass, energy, EPSILON, z, a)
        ratio.append(made / (expected * share_above(approximate(mass, energy), x, width)))
    energy = beam - (beam - max(least, mass)) * np.geomspace(1e-6, 0.999, 200)[::-1]
    rate = np.array(
        [bremsstrahlung_section(mass, e, EPSILON, z, a) * limits_share(mass, e, least) for e in energy]
    )
    primary = -np.diff(electron_track_lengths(beam, energy), append=0.0)
    secondary = 2 * secondary_positron_track_density(beam, energy) * np.gradient(energy)
    return float(np.average(np.interp(energy, at, ratio), weights=rate * (primary + secondary)))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--masses", type=float, nargs="+", default=[1, 10, 100, 200, 400, 900], metavar="MEV")
    parser.add_argument("--energy", type=float, default=100.0, help="of the electron [GeV]")
    parser.add_argument("--above", type=float, default=50.0, help="energy of the A' [GeV]")
    parser.add_argument("--target", type=float, nargs=2, default=[82.0, 207.0], metavar=("Z", "A"))
    parser.add_argument("--shower", action="store_true")
    options = parser.parse_args()
    z, a = options.target
    energy, x = options.energy, options.above / options.energy
    elastic, both = (partial(factor, z=z, a=a) for factor in (elastic_form_factor, full_form_factor))
    spectra = []
    print(
        "| mass [MeV] | IWW [pb] | exact [pb] | change | K exact | K table | over | K with inelastic | over |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for mass in (m * 1e-3 for m in options.masses):
        factor = tree_level_factor(mass, energy)
        iww = bremsstrahlung_section(mass, energy, EPSILON, z, a) * factor
        few = exact_grid(mass, energy, EPSILON, z, a, form_factor=elastic, nodes=FEW).weight.sum()
        grid = exact_grid(mass, energy, EPSILON, z, a, form_factor=elastic)
        full = exact_grid(mass, energy, EPSILON, z, a, form_factor=both)
        spectra.append((mass, grid, approximate(mass, energy)))
        exact = grid.weight.sum()
        of_both = iww / full.weight.sum()
        print(
            f"| {mass * 1e3:g} | {iww:.5g} | {exact:.5g} | {few / exact - 1:+.0e} | {iww / exact:.4f} | "
            f"{factor:.4f} | {iww / exact / factor:.3f} | {of_both:.4f} | {of_both / factor:.3f} |"
        )
    print(f"\n| mass [MeV] | mean x | of IWW | share above {options.above:g} GeV | of IWW |")
    print("|---|---|---|---|---|")
    for mass, grid, iww in spectra:
        shares = f"{share_above(grid, x):.3f} | {share_above(iww, x):.3f}"
        print(f"| {mass * 1e3:g} | {mean(grid):.3f} | {mean(iww):.3f} | {shares} |")
    if options.shower:
        print("\n| mass [MeV] | yield of a shower, exact over that of the pipeline |\n|---|---|")
        for mass, *_ in spectra:
            print(f"| {mass * 1e3:g} | {shower_ratio(mass, energy, options.above, z, a):.3f} |")


if __name__ == "__main__":
    main()
