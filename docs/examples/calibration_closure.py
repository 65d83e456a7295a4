"""
Closure of `na64 calibrate`: wrong gains are recovered, energies are linear, resolution stays.

Makes electrons in raw digits with pile-up, each cell of the ECAL in the beam in turn and runs of four
energies, calibrates them from gains that are wrong by up to 20%, and reconstructs other runs with the new
conditions.

    python docs/examples/calibration_closure.py FOLDER

takes about 20 minutes on two cores; files that are there are not made again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import uproot
import yaml

import datasets
from datasets.conditions import ideal_conditions, load_conditions, write_conditions
from datasets.conditions.runs import RunRange
from datasets.setups import load_setup
from processors.calibration import RATIO_EDGES
from recon.muon_peak import amplitude_noise
from recon.response import correct_nonlinearity
from recon.spectra import count_values, measure_peaks, quantile

SETUP = "na64e_2018"
PITCH, BEAM_CELL, N_CELLS = 38.2, 3, 6
PER_CELL, PER_ENERGY, PER_TEST = 2500, 2500, 4096
CALIBRATED = (20, 50, 100, 150)  # [GeV]
TESTED = (10, 20, 30, 50, 80, 100, 120, 150)  # [GeV]
Floats = npt.NDArray[np.float64]


def na64(*arguments: object) -> None:
    """Run the command."""
    subprocess.run([sys.executable, "-m", "na64", *map(str, arguments)], check=True)


def write_setup(path: Path, energy: float = 100.0, shift: tuple[float, float] = (0.0, 0.0)) -> Path:
    """Write the setup with another beam energy, the magnets scaled with it, or the ECAL moved [mm]."""
    source = Path(datasets.__file__).parent / "setups" / f"{SETUP}.yaml"
    content = yaml.safe_load(source.read_text(encoding="utf-8"))
    content["beam"]["momentum"]["value"] = energy
    for magnet in content["spectrometers"]["incoming"]["magnets"]:
        magnet["field"] *= energy / 100.0
    for section in content["detectors"]["ecal"]["sections"]:
        section["centre"] = [at + by for at, by in zip(section["centre"], shift, strict=True)]
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def make(folder: Path, name: str, n: int, seed: int, level: str = "raw", **changes: object) -> Path:
    """Simulate electrons unless the file is there."""
    path = folder / f"{name}.root"
    if not path.exists():
        setup = write_setup(folder / f"{name}.yaml", **changes)  # type: ignore[arg-type]
        options = ("-n", n, "--seed", seed, "--level", level, "--trigger", "none", "--pile-up")
        na64("simulate", setup, "electron", "-o", path, *options)
    return path


def make_files(folder: Path) -> None:
    """Make all files."""
    for x in range(N_CELLS):
        for y in range(N_CELLS):
            shift = (-(x - BEAM_CELL) * PITCH, -(y - BEAM_CELL) * PITCH)
            make(folder, f"scan_{x}_{y}", PER_CELL, 100 + N_CELLS * x + y, shift=shift)
    for energy in CALIBRATED:
        make(folder, f"cal_{energy}", PER_ENERGY, 2000 + TESTED.index(energy), energy=float(energy))
    for i, energy in enumerate(TESTED):
        make(folder, f"lin_{energy}", PER_TEST, 1000 + i, energy=float(energy))
        make(folder, f"true_{energy}", PER_TEST, 1000 + i, "simulated", energy=float(energy))


def write_wrong_gains(folder: Path) -> Floats:
    """Write conditions whose ECAL gains are wrong; return the factors, (n_cells,)."""
    setup = load_setup(SETUP)
    good = ideal_conditions(setup)
    wrong = np.random.default_rng(7).uniform(0.8, 1.2, good.detectors["ecal"].n_cells)
    ecal = replace(good.detectors["ecal"], gain=good.detectors["ecal"].gain * wrong)
    conditions = replace(good, detectors={**good.detectors, "ecal": ecal})
    write_conditions(conditions, setup, folder / "wrong", RunRange.parse("0-..."), "calibration_closure.py")
    return wrong


def calibrate(folder: Path) -> Path:
    """Calibrate from the wrong gains."""
    output = folder / "calibrated"
    inputs = [
        f"scan={folder}/scan_*.root",
        *(f"e{energy}={folder}/cal_{energy}.root" for energy in CALIBRATED),
    ]
    energies = [part for energy in CALIBRATED for part in ("--energy", f"e{energy}={energy}")]
    options = ("--setup", SETUP, "--conditions", folder / "wrong", "-o", output, "--overwrite")
    na64("calibrate", *inputs, *energies, *options)
    return output


def show_gains(calibrated: Path) -> None:
    """Print how well gains are recovered."""
    setup = load_setup(SETUP)
    true = ideal_conditions(setup).detectors["ecal"].gain
    found = load_conditions(setup, 0, [calibrated]).detectors["ecal"].gain
    cells = json.loads((calibrated / "calibration.json").read_text(encoding="utf-8"))["cells"]
    error = np.array([cell["error"] for cell in cells])
    away, n = found / true - 1.0, N_CELLS * N_CELLS
    print("\n| cells | mean | rms | largest | median of errors | rms of pulls |\n|---|---|---|---|---|---|")
    for name, part in (("preshower", slice(0, n)), ("main part", slice(n, 2 * n))):
        pull = away[part] / error[part]
        numbers = (away[part].mean(), away[part].std(), np.abs(away[part]).max(), np.median(error[part]))
        text = " | ".join(f"{100 * number:.2f} %" for number in numbers)
        print(f"| {name} | {text} | {np.sqrt((pull**2).mean()):.2f} |")


def peak(values: Floats) -> tuple[float, float, float]:
    """Return median and its error, and sigma within 3 sigma over the mean."""
    counts = count_values(np.zeros(len(values), dtype=np.int64), values, 1, RATIO_EDGES)
    found = measure_peaks(counts, RATIO_EDGES)
    median = float(quantile(counts, RATIO_EDGES, 0.5)[0])
    return median, float(np.sqrt(np.pi / 2) * found.error[0]), float(found.sigma[0] / found.mean[0])


def show_energies(folder: Path, calibrated: Path) -> None:
    """Print linearity and resolution."""
    heads = (
        "energy [GeV]",
        "electrons",
        "sum / energy",
        "sigma",
        "light",
        "ratio",
        "intrinsic",
        "ratio",
        "by threshold alone",
    )
    print("\n| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for energy in TESTED:
        columns = folder / f"columns_{energy}.root"
        options = ("--setup", SETUP, "--conditions", calibrated, "-o", columns, "--overwrite")
        na64("reco", folder / f"lin_{energy}.root", *options)
        names = ["ecal_energy", "ecal_pile_up_energy", "ecal_out_of_time_energy", "hcal_energy"]
        events = uproot.open(columns)["events"].arrays(names, library="np")
        others = events["ecal_pile_up_energy"] + events["ecal_out_of_time_energy"]
        clean = (others < 1.0) & (events["hcal_energy"] < 2.0)
        sums = true_sums(folder / f"true_{energy}.root")
        median, error, sigma = peak(events["ecal_energy"][clean] / energy)
        light, noisy, limit = (peak(values[clean] / energy)[2] for values in sums)
        text = f"{median:.4f} ± {error:.4f} | {100 * sigma:.3f} % | {100 * light:.3f} %"
        both = f"{sigma / light:.3f} | {100 * noisy:.3f} % | {sigma / noisy:.3f} | {limit / light:.3f}"
        print(f"| {energy} | {clean.sum()} | {text} | {both} |")


def true_sums(path: Path) -> tuple[Floats, Floats, Floats]:
    """
    Return the true sum of cells [GeV], that with noise, and that of cells above the threshold of the readout.

    The noise is that of the fitted amplitudes of all cells, read without zero suppression: light and noise
    are what the detector with its electronics can do (intrinsic).
    """
    detector = load_setup(SETUP).detectors["ecal"]
    cells = uproot.open(path)["simulated"]["ecal_cell_energy"].array(library="np")
    visible = np.stack(list(cells)).astype(np.float64).reshape(len(cells), -1)
    assert detector.readout is not None
    above = np.where(visible > detector.readout.threshold / detector.readout.gain, visible, 0.0)
    below = (visible - above).sum(axis=1).mean() / visible.shape[1]
    noise = amplitude_noise(detector.readout) / detector.readout.gain
    noisy = visible + noise * np.random.default_rng(1).standard_normal(visible.shape)
    true, seen, read = (
        correct_nonlinearity(of / detector.response.sampling_fraction, detector).sum(axis=1)
        for of in (visible, noisy, above + below)
    )
    return true, seen, read


def main() -> None:
    """Make, calibrate, measure."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    make_files(folder)
    write_wrong_gains(folder)
    calibrated = calibrate(folder)
    show_gains(calibrated)
    show_energies(folder, calibrated)


if __name__ == "__main__":
    main()
