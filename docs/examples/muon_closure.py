"""
Momenta of muons against the truth and against the formula, from simulated files read by `na64 reco`.

    na64 simulate na64mu_2022 beam_muon -n 15000 --trigger beam -o muons.root
    na64 reco muons.root --analysis muon -o muons_reco.root
    python docs/examples/muon_closure.py muons_reco.root [signal_reco.root]

The formula: x of the planes is a line that bends by theta = 0.2998 B L / p in the middle of the magnets.
Least squares of its three parameters give sigma(theta) / theta = sigma(p) / p, without scattering.
"""

import sys

import numpy as np
import uproot

from datasets.setups import load_setup
from recon.geometry import Setup

LOSS = 0.55  # [GeV] median loss of a muon before the second spectrometer
COLUMNS = [
    f"{prefix}_{name}"
    for prefix in ("track", "scattered")
    for name in ("momentum", "momentum_error", "plane_hits")
] + ["truth_momentum", "truth_missing_energy", "target_pull", "track_chi2", "scattered_chi2"]


def formula(setup: Setup, name: str, momentum: float) -> float:
    """Return sigma(p) / p of hits in all planes."""
    spectrometer = setup.spectrometers[name]
    first, last = spectrometer.magnets[0], spectrometer.magnets[-1]
    middle = 0.5 * (first.z + last.z + last.length)
    z = np.array([plane.z for plane in spectrometer.planes]) - middle
    weight = np.array([plane.resolution for plane in spectrometer.planes]) ** -2
    design = np.stack([np.ones_like(z), z, np.maximum(z, 0.0)], axis=1)
    covariance = np.linalg.inv(design.T @ (weight[:, None] * design))
    return float(np.sqrt(covariance[2, 2]) / (0.299792458 * abs(spectrometer.field_integral) / momentum))


def width(values: np.ndarray) -> float:
    """Return half of the central 68%."""
    low, high = np.nanpercentile(values, [15.87, 84.13])
    return float(high - low) / 2


def row(label: str, found: np.ndarray, error: np.ndarray, true: np.ndarray, expected: float) -> str:
    """Return a row: the resolution in 1/p beside the fit's own errors and the formula."""
    relative = (1 / found - 1 / true) * true
    pull = (1 / found - 1 / true) * found**2 / error
    good = np.isfinite(found)
    percent = [100 * v for v in (width(relative[good]), np.nanmedian(error / found), expected)]
    cells = (
        label, good.sum(), *(f"{v:.2f}%" for v in percent), f"{100 * np.nanmedian(relative):+.2f}%",
        f"{width(pull[good]):.2f}",
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Print the tables."""
    setup = load_setup("na64mu_2022")
    columns = uproot.open(sys.argv[1])["events"].arrays(COLUMNS, library="np")
    single = (columns["track_plane_hits"] <= 1) & (columns["scattered_plane_hits"] <= 1)
    true = columns["truth_momentum"][single]
    print("| muons | tracks | resolution | error of the fit | formula | bias | width of the pull |")
    print("|---" * 7 + "|")
    for name, prefix, loss in (("incoming", "track", 0.0), ("scattered", "scattered", LOSS)):
        found, error = (columns[f"{prefix}_{what}"][single] for what in ("momentum", "momentum_error"))
        print(row(f"{name}, 160 GeV", found, error, true - loss, formula(setup, name, 160.0)))
    if len(sys.argv) > 2:
        signal = uproot.open(sys.argv[2])["events"].arrays(COLUMNS, library="np")
        behind = signal["truth_momentum"] - signal["truth_missing_energy"] - LOSS
        for low, high in ((15, 30), (30, 50), (50, 80)):
            kept = (behind > low) & (behind < high) & (signal["scattered_plane_hits"] <= 1)
            found, error = (signal[f"scattered_{what}"][kept] for what in ("momentum", "momentum_error"))
            middle = float(np.median(behind[kept]))
            label = f"scattered, {low} to {high} GeV"
            print(row(label, found, error, behind[kept], formula(setup, "scattered", middle)))
    p1 = columns["track_momentum"][single]
    n, kept = np.isfinite(p1).sum(), ((p1 > 135) & (p1 < 185)).sum()
    print(f"\n[135, 185] GeV keeps {100 * kept / n:.2f}% of {n} beam muons")


if __name__ == "__main__":
    main()
