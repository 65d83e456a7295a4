r"""
The A' of e+ e- -> gamma A' in a shower, beside those that `na64 limit` counts.

    python docs/examples/associated_yield.py na64e_2016 na64pos_2022 --least 50
"""

from __future__ import annotations

import argparse

import numpy as np

from datasets.setups import load_setup
from limits.run_input import Beam
from limits.yields import bremsstrahlung_yield, resonant_yield
from na64.limit.signals import beam_of
from physics.associated_annihilation import associated_section
from physics.shower_tracks import electron_track_lengths, secondary_positron_track_density

ALPHA_D, RATIO = 0.1, 1 / 3
SQUARE_CM = 1e-36  # of a picobarn


def associated_yield(beam: Beam, mass: float, least: float) -> float:
    """Return the A' per beam particle that take at least an energy [GeV], for epsilon = 1."""
    energy = beam.energy - (beam.energy - least) * np.geomspace(1e-6, 1, 2000)[::-1]
    electrons = SQUARE_CM * sum(n.electrons for n in beam.nuclei)
    rate = electrons * associated_section(energy, mass, 1.0, np.minimum(least / energy, 1.0))
    made = float(np.trapezoid(rate * secondary_positron_track_density(beam.energy, energy), energy))
    if beam.particle == "e+":
        above = electron_track_lengths(beam.energy, energy)
        made += float(rate[-1] * above[-1] - (0.5 * (rate[1:] + rate[:-1]) * np.diff(above)).sum())
    return made


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("setups", nargs="+")
    parser.add_argument("--least", type=float, default=50.0, help="missing energy [GeV]")
    parser.add_argument(
        "--masses", type=float, nargs="+", default=[10, 50, 100, 150, 200, 250, 300], metavar="MEV"
    )
    options = parser.parse_args()
    print("| setup | mass [MeV] | gamma A' / bremsstrahlung | / all counted |\n|---|---|---|---|")
    for name in options.setups:
        beam = beam_of(load_setup(name))
        for mass in (1e-3 * m for m in options.masses):
            key = (beam.nuclei, beam.energy, mass, options.least)
            radiated = bremsstrahlung_yield(*key).total
            resonant = resonant_yield(
                *key, alpha_d=ALPHA_D, mass_ratio=RATIO, is_positron=beam.particle == "e+"
            ).total
            made = associated_yield(beam, mass, options.least)
            print(f"| {name} | {1e3 * mass:g} | {made / radiated:.4f} | {made / (radiated + resonant):.4f} |")


if __name__ == "__main__":
    main()
