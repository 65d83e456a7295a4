"""
Closure of `na64 calibrate --particle muon`: wrong gains of ECAL, HCAL and VETO are recovered in one call.

Makes beam and halo muons in raw digits with pile-up, and calibrates them from gains that are up to 20% wrong.

    python docs/examples/calibration_muons.py FOLDER

takes about two minutes on two cores; files that are there are not made again.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from calibration_closure import SETUP, na64

from datasets.conditions import ideal_conditions, load_conditions, write_conditions
from datasets.conditions.runs import RunRange
from datasets.setups import load_setup

DETECTORS = ("ecal", "hcal", "veto")
FILES = {"muon": 3000, "halo": 8000}  # events
SEED = 11


def make_files(folder: Path) -> list[Path]:
    """Simulate muons unless their files are there."""
    paths = []
    for process, n in FILES.items():
        paths.append(folder / f"{process}.root")
        if not paths[-1].exists():
            options = ("-n", n, "--seed", SEED, "--level", "raw", "--trigger", "none", "--pile-up")
            na64("simulate", SETUP, process, "-o", paths[-1], *options)
    return paths


def write_wrong_gains(folder: Path) -> None:
    """Write conditions whose gains are wrong by up to 20%."""
    setup, rng = load_setup(SETUP), np.random.default_rng(7)
    good = ideal_conditions(setup)
    wrong = dict(good.detectors)
    for name in DETECTORS:
        factor = rng.uniform(0.8, 1.2, wrong[name].n_cells)
        wrong[name] = replace(wrong[name], gain=wrong[name].gain * factor)
    conditions = replace(good, detectors=wrong)
    write_conditions(conditions, setup, folder / "wrong", RunRange.parse("0-..."), "calibration_muons.py")


def show_gains(calibrated: Path) -> None:
    """Print how well gains are recovered, section by section."""
    setup = load_setup(SETUP)
    true, found = ideal_conditions(setup), load_conditions(setup, 0, [calibrated])
    told = json.loads((calibrated / "calibration.json").read_text(encoding="utf-8"))["detectors"]
    heads = (
        "section",
        "cells with new gains",
        "muons in a cell, median",
        "mean",
        "rms",
        "largest",
        "median of errors",
        "rms of pulls",
    )
    print("\n| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for name in DETECTORS:
        detector, cells = setup.detectors[name], told[name]["cells"]
        away = found.detectors[name].gain / true.detectors[name].gain - 1.0
        error, events = (
            np.array([cell[key] for cell in cells], dtype=np.float64) for key in ("error", "events")
        )
        is_new = np.array([cell["flag"] == "new" for cell in cells])
        for i, section in enumerate(detector.sections):
            part = np.zeros(len(away), dtype=bool)
            part[detector.offsets[i] : detector.offsets[i + 1]] = True
            chosen = part & is_new
            counts = f"{np.count_nonzero(chosen)} of {np.count_nonzero(part)}"
            if not chosen.any():
                print(f"| {name.upper()} {section.name} | {counts} | | | | | | |")
                continue
            off = away[chosen]
            numbers = (off.mean(), off.std(), np.abs(off).max(), np.median(error[chosen]))
            text = " | ".join(f"{100 * number:.2f} %" for number in numbers)
            pull = np.sqrt(((off / error[chosen]) ** 2).mean())
            muons = int(np.median(events[chosen]))
            print(f"| {name.upper()} {section.name} | {counts} | {muons} | {text} | {pull:.2f} |")


def main() -> None:
    """Make, calibrate, measure."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    paths = make_files(folder)
    write_wrong_gains(folder)
    chosen = [part for name in DETECTORS for part in ("--detector", name)]
    options = ("--particle", "muon", *chosen, "--conditions", folder / "wrong", "--setup", SETUP)
    na64("calibrate", *paths, *options, "-o", folder / "calibrated", "--overwrite")
    show_gains(folder / "calibrated")


if __name__ == "__main__":
    main()
