"""
Yields with a table of track lengths and with electrons in motion, beside those without.

    na64 tracks na64e_2016 -n 1000000 --threshold 5 -o runs/tracks
    python docs/examples/track_length.py runs/tracks/tracks.json
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from datasets.setups import load_setup
from limits.track_table import TrackTable, read_tracks
from limits.yields import Yield, bremsstrahlung_yield, resonant_yield
from na64.limit.signals import beam_of

LEAST = 50.0  # [GeV] missing energy
NARROW = 1e-4  # alpha_D
RADIATED = (0.001, 0.01, 0.1, 0.4)  # [GeV]
RESONANT = (0.2, 0.22, 0.24, 0.266, 0.3, 0.32)
SCANNED = np.arange(0.19, 0.38, 0.002)


def main(path: Path) -> None:
    """Print the numbers of docs/limits.md."""
    table = read_tracks(path)
    beam = beam_of(load_setup(table.setup))

    def radiated(mass: float, tracks: TrackTable | None) -> Yield:
        return bremsstrahlung_yield(beam.nuclei, beam.energy, mass, LEAST, tracks)

    def resonance(mass: float, alpha_d: float, *, moves: bool, tracks: TrackTable | None = table) -> float:
        atoms = beam.atoms if moves else ()
        found = resonant_yield(
            beam.nuclei,
            beam.energy,
            mass,
            LEAST,
            alpha_d=alpha_d,
            mass_ratio=1 / 3,
            is_positron=beam.particle == "e+",
            tracks=tracks,
            atoms=atoms,
        )
        return found.total

    print("mass [MeV], effective track length [X0] analytic, from the table, its error, ratio, epsilon over")
    for mass in RADIATED:
        form, found = radiated(mass, None), radiated(mass, table)
        ratio, error = found.total / form.total, found.error / found.per_length
        print(
            f"{1e3 * mass:6.0f}  {form.track_length:.3f}  {found.track_length:.3f} ± {error:.4f}  "
            f"{ratio:.3f}  {ratio**-0.5:.3f}"
        )
    print("mass [MeV], alpha_D: resonance from the table over analytic, epsilon over; moving over at rest,")
    print("epsilon over; at rest and moving over bremsstrahlung")
    for mass in RESONANT:
        for alpha_d in (0.1, NARROW):
            form = resonance(mass, alpha_d, moves=False, tracks=None)
            rest, moving = (resonance(mass, alpha_d, moves=moves) for moves in (False, True))
            before, now = radiated(mass, None).total, radiated(mass, table).total
            print(
                f"{1e3 * mass:6.0f} {alpha_d:g}: {rest / form:.2f} "
                f"{((before + form) / (now + rest)) ** 0.5:.3f}; {moving / rest:.2f} "
                f"{((now + rest) / (now + moving)) ** 0.5:.3f}; {rest / now:.3f} {moving / now:.3f}"
            )
    for moves in (False, True):
        ratio = np.array(
            [resonance(m, NARROW, moves=moves) / radiated(m, table).total for m in map(float, SCANNED)]
        )
        for least in (0.05, 1.0):
            over = 1e3 * SCANNED[ratio > least]
            words = f"{'moving' if moves else 'at rest'}, narrow resonance above {least:g} of bremsstrahlung"
            print(f"{words}: {over[0]:.0f} to {over[-1]:.0f} MeV")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
