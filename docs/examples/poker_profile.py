"""
The lateral profile of showers in POKER's crystals along the beam, from the parametrised simulation.

A sum of round Gaussians is fitted to the mean fractions of all crystals, for showers of 10 to 100 GeV at some
places of the middle crystal, as `processors/make_shower_profile.py` does it with Geant4.

    python docs/examples/poker_profile.py datasets/profiles/poker_crystals.yaml
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from datasets.setups import load_setup
from datasets.simulation.electromagnetic import deposit_electromagnetic
from datasets.simulation.model import Particles
from datasets.simulation.stack import build_stack
from processors import kernel_cache  # noqa: F401
from processors.make_shower_profile import profile_as_yaml
from recon.geometry import ShowerProfile
from recon.profile import cell_fractions

Floats = npt.NDArray[np.float64]

ENERGIES = (10.0, 30.0, 100.0)  # [GeV]
PER_POINT, POINTS = 200, 5  # showers of an energy at a place; places across half of a crystal
WIDTHS = (1.5, 5.0, 12.0, 25.0, 60.0)  # [mm] where the fit starts
SHARES = (0.35, 0.35, 0.2, 0.07, 0.03)
POSITRON = -11


def showers(x: float, y: float, energy: float, seed: int) -> Floats:
    """Return the fractions of the main crystals, (n, 9, 9), for showers at (x, y) [mm] from the middle."""
    stack = build_stack(load_setup("poker_pilot"))
    main = stack.target.sections[-1]
    n = PER_POINT
    full = [np.full(n, v) for v in (energy, main.centre[0] + x, main.centre[1] + y, stack.target_z, 0.0, 0.0)]
    deposits = np.zeros((n, stack.n_cells))
    particles = Particles(np.arange(n), np.full(n, POSITRON), *full)
    deposit_electromagnetic(particles, stack, np.random.default_rng(seed), deposits)
    cells = deposits[:, stack.columns[stack.target.name]][:, -main.grid.n_cells :]
    return np.asarray(cells / cells.sum(axis=1, keepdims=True)).reshape(n, *main.grid.shape)


def main(path: Path) -> None:
    """Fit and write the profile."""
    grid = load_setup("poker_pilot").detectors["ecal"].sections[-1].grid
    at_x, at_y = np.meshgrid(*grid.centres(), indexing="ij")
    places = np.linspace(0.0, 0.5 * grid.pitch[0], POINTS)
    groups = [
        (x, y, energy, showers(x, y, energy, 1000 * i + 10 * j + k))
        for i, x in enumerate(places)
        for j, y in enumerate(places[: i + 1])
        for k, energy in enumerate(ENERGIES)
    ]

    def profile_of(parameters: Floats) -> ShowerProfile:
        share = np.exp([*parameters[:4], 0.0])
        width = np.exp(parameters[4:])
        order = np.argsort(width)
        return ShowerProfile(
            name=path.stem,
            share=tuple((share / share.sum())[order].tolist()),
            width=tuple(width[order].tolist()),
            stochastic=0.1,
            constant=0.0,
            energy_range=(min(ENERGIES), max(ENERGIES)),
            source="",
        )

    def mean_of(profile: ShowerProfile, x: float, y: float) -> Floats:
        cells = cell_fractions(profile, at_x - x, at_y - y, grid.pitch)
        return np.asarray(cells / cells.sum())

    def residuals(parameters: Floats) -> Floats:
        profile = profile_of(parameters)
        pulls = [
            (f.mean(axis=0) - mean_of(profile, x, y)) / (0.01 * np.sqrt(f.mean(axis=0)) + 5e-4)
            for x, y, _, f in groups
        ]
        return np.concatenate(pulls, axis=None)

    start = np.log([*(s / SHARES[-1] for s in SHARES[:-1]), *WIDTHS])
    fit = least_squares(residuals, start, x_scale="jac")
    profile = profile_of(fit.x)
    # k^2 = mean square / (f (1 - f)) around the model in the cells that hold much, against 1 / E; behind nine
    # radiation lengths the profile depends on the energy, which the constant term has to cover
    rows = []
    for x, y, energy, f in groups:
        mean = mean_of(profile, x, y)
        much = mean > 0.02
        square = ((f - mean) ** 2).mean(axis=0)
        rows.append((1 / energy, float(np.median((square / (mean * (1 - mean)))[much]))))
    slope, offset = np.polyfit(*np.array(rows).T, 1)
    profile = replace(
        profile, stochastic=float(np.sqrt(max(slope, 1e-4))), constant=float(np.sqrt(max(offset, 0.0)))
    )
    worst = max(np.abs(f.mean(axis=0) - mean_of(profile, x, y)).max() for x, y, _, f in groups)
    write(path, profile, f"{len(groups)} points, largest difference of a mean fraction {100 * worst:.2f}%")


def write(path: Path, profile: ShowerProfile, quality: str) -> None:
    """Write the YAML file."""
    source = f"computed: docs/examples/poker_profile.py, of the parametrised simulation; {quality}"
    head = "# Written by `python docs/examples/poker_profile.py`. Widths in mm; see recon/profile.py.\n"
    path.write_text(head + profile_as_yaml(replace(profile, source=source)))
    print(path.read_text())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
