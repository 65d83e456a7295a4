"""
POKER's energy resolution and linearity, recovered from raw waveforms.

    python docs/examples/poker_resolution.py FOLDER [N]

For each beam energy positrons are simulated as raw digits (`na64 simulate --level raw`), magnets scaled
with the energy, reconstructed (`na64 reco`), and compared with the true momentum. sigma / E is half of the
central 68% of the events within 5 sigma; sigma / E = a / sqrt(E) (+) b is fitted to all energies. Files that
are there are not made again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import uproot
import yaml
from scipy.optimize import curve_fit

SETUP, ENERGIES = "poker_pilot", (5.0, 10.0, 20.0, 40.0, 70.0, 100.0)  # [GeV]
FIELD = 1.75  # [T] at 100 GeV
AIM = (0.025, 0.005)


def na64(*arguments: object) -> None:
    """Run the command."""
    subprocess.run(
        [sys.executable, "-m", "na64", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL
    )


def make(folder: Path, energy: float, n: int) -> Path:
    """Simulate and reconstruct positrons of one energy, and return the file of columns."""
    name = f"poker_{energy:g}"
    columns = folder / f"{name}_columns.root"
    if columns.exists():
        return columns
    field = {"value": FIELD * energy / 100.0, "source": "assumed"}
    changes = {
        "extends": SETUP,
        "name": name,
        "beam": {"momentum": {"value": energy, "source": "assumed"}},
        "spectrometers": {
            "incoming": {"magnets": {"changed": {m: {"field": field} for m in ("MBPL1", "MBPL2")}}}
        },
    }
    setup, raw = folder / f"{name}.yaml", folder / f"{name}_raw.root"
    setup.write_text(yaml.safe_dump(changes), encoding="utf-8")
    na64("simulate", setup, "electron", "-n", n, "--level", "raw", "--no-pile-up", "-o", raw)
    na64("reco", raw, "--setup", setup, "--analysis", "positron", "-o", columns)
    return columns


def main(folder: Path, n: int) -> None:
    """Print the table and the fit."""
    rows = []
    print("| E [GeV] | positrons | E_ECAL / E | sigma / E | 2.5% / sqrt(E) (+) 0.5% |")
    print("|---|---|---|---|---|")
    for energy in ENERGIES:
        with uproot.open(make(folder, energy, n)) as file:
            found = file["events"].arrays(["ecal_energy", "truth_momentum"], library="np")
        ratio = found["ecal_energy"] / found["truth_momentum"]
        ratio = ratio[np.isfinite(ratio)]
        aim = float(np.hypot(AIM[0] / np.sqrt(energy), AIM[1]))
        # an electron that radiated before the magnets comes with less: not the resolution of the calorimeter
        core = ratio[np.abs(ratio - np.median(ratio)) < 5 * aim]
        low, middle, high = np.percentile(core, [15.87, 50.0, 84.13])
        sigma = 0.5 * (high - low) / middle
        rows.append((energy, sigma, sigma / np.sqrt(len(core))))
        error = 1.25 * sigma / np.sqrt(len(core))
        linear = f"{middle:.4f} ± {error:.4f}"
        print(f"| {energy:g} | {len(core)} | {linear} | {100 * sigma:.3f} % | {100 * aim:.3f} % |")

    at, sigma, error = np.array(rows).T
    fit, covariance = curve_fit(lambda e, a, b: np.hypot(a / np.sqrt(e), b), at, sigma, AIM, error)
    errors = np.sqrt(np.diag(covariance))
    print(
        f"\nfit: ({100 * fit[0]:.2f} ± {100 * errors[0]:.2f})% / sqrt(E) (+) "
        f"({100 * abs(fit[1]):.2f} ± {100 * errors[1]:.2f})%"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000)
