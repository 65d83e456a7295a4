"""Print how well the reconstruction does on the Geant4 sample files, as a Markdown table."""

from pathlib import Path

import numpy as np
from coffea.nanoevents import NanoEventsFactory

import datasets
from datasets.schema import schema_for
from processors.invisible import InvisibleProcessor

GEANT4 = Path(datasets.__file__).parent / "samples" / "geant4"


def columns(name: str) -> dict[str, np.ndarray]:
    """Reconstruct one sample file."""
    events = NanoEventsFactory.from_root(
        {str(GEANT4 / f"{name}.root"): "sim"}, schemaclass=schema_for("geant4_sim")
    ).events()
    return dict(InvisibleProcessor().select(events).columns)


def half_width(values: np.ndarray) -> float:
    """Return half of the central 68.27%."""
    low, high = np.nanpercentile(values, [15.87, 84.13])
    return float(high - low) / 2


def row(what: str, value: str) -> None:
    """Print one line of the table."""
    print(f"| {what} | {value} |")


def main() -> None:
    """Print the table."""
    print("| quantity | measured |\n|---|---|")
    scan = columns("electron_energy_scan")
    for energy in (10.0, 20.0, 30.0, 50.0, 80.0, 100.0):
        found = scan["ecal_energy"][scan["truth_momentum"] == energy]
        error = 1.25 * np.std(found) / np.sqrt(len(found))
        row(
            f"ECAL, e- of {energy:g} GeV: median, half width",
            f"{np.median(found):.2f} ± {error:.2f} GeV, {100 * half_width(found) / energy:.1f}%",
        )
    beam = columns("electrons_100gev")["ecal_energy"]
    row("ECAL, e- of 100 GeV through the beam line: median", f"{np.nanmedian(beam):.2f} GeV")
    impact = columns("electron_impact_scan")
    for offset in (0.0, 10.0, 19.0):
        chosen = impact["truth_x"] == offset
        away = impact["ecal_x"][chosen] - np.median(impact["ecal_x"][impact["truth_x"] == 0]) - offset
        row(
            f"ECAL position, {offset:g} mm from the cell centre: bias, half width",
            f"{np.median(away):+.2f} mm, {half_width(away):.2f} mm",
        )
    row("exactly one ECAL cluster, impact scan", f"{100 * np.mean(impact['ecal_cluster_count'] == 1):.1f}%")
    for name, label in (("electrons", "e-"), ("pions", "pi-"), ("muons", "mu-")):
        found = columns(f"{name}_100gev")
        ratio = found["track_momentum"] / found["truth_momentum"]
        pull = (found["track_momentum"] - found["truth_momentum"]) / found["track_momentum_error"]
        row(
            f"momentum, {label}: median p / p_true, half width, pull width",
            f"{np.nanmedian(ratio):.4f}, {100 * half_width(ratio):.2f}%, {half_width(pull):.2f}",
        )
        row(f"exactly one track, {label}", f"{100 * np.mean(found['track_count'] == 1):.1f}%")
        row(f"SRD tag, {label}", f"{100 * np.mean(found['srd_is_tagged']):.1f}%")
        loud = found["ecal_energy"] > 10
        chi2 = found["ecal_shower_chi2"][loud]
        if loud.any():
            row(f"ECAL shower chi2/ndf < 5, {label} above 10 GeV", f"{100 * np.mean(chi2 < 5):.1f}%")
        row(f"HCAL energy, {label}: median", f"{np.median(found['hcal_energy']):.2f} GeV")


if __name__ == "__main__":
    main()
