"""Displace planes in a simulation, align them, and compare with the truth: Markdown tables, and a figure.

python docs/examples/alignment_closure.py FOLDER [EVENTS [SETUP_PROCESS ...]]
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import uproot
import yaml

import processors  # noqa: F401  it gives compiled kernels their cache
from datasets import setups
from datasets.conditions import ideal_conditions, write_conditions
from datasets.conditions.runs import RunRange
from datasets.setups import load_setup
from na64.commands.align import AlignOptions, write_alignment
from na64.commands.reco import RecoOptions, write_columns
from na64.commands.simulate import SimulateOptions, write_simulation

Moves = dict[str, tuple[float, float, float]]

# Where planes really are against the setup [mm, mm, mrad]; the first and the last are those of reference.
MICROMEGAS: Moves = {"MM2": (0.6, -0.4, 4.0), "MM3": (-0.5, 0.7, -6.0)}
TRUTH: dict[tuple[str, str], Moves] = {
    ("na64e_2018", "muon"): MICROMEGAS,
    ("na64e_2018", "electron"): MICROMEGAS,
    ("na64e_2018 without field", "muon"): MICROMEGAS,
    ("na64e_2022", "muon"): {**MICROMEGAS, "ST11": (1.2, 0.3, 10.0), "ST12": (-0.8, -0.9, -8.0)},
}


def straight_setup(name: str, folder: Path) -> Path:
    """Write a copy of a setup without field, its planes and counters in the straight beam."""
    tree: dict[str, Any] = yaml.safe_load((Path(setups.__file__).parent / f"{name}.yaml").read_text())
    incoming = tree["spectrometers"]["incoming"]
    for part in (*incoming["planes"], *tree["counters"]["sections"]):
        part["centre"] = [0.0, 0.0]
    for magnet in incoming["magnets"]:
        magnet["field"] = 0.0
    path = folder / f"{name}_straight.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def true_tables(setup_name: str, moves: Moves, folder: Path) -> Path:
    """Write conditions that say where the planes are."""
    setup = load_setup(setup_name)
    ideal = ideal_conditions(setup)
    dx, dy, turn = np.array([moves.get(plane, (0.0, 0.0, 0.0)) for plane in ideal.alignment.planes]).T
    alignment = replace(ideal.alignment, dx=dx, dy=dy, rotation=1e-3 * turn)
    write_conditions(replace(ideal, alignment=alignment), setup, folder, RunRange(0), "displaced on purpose")
    return folder


def columns_of(raw: Path, setup: str, tables: Path | None, output: Path) -> dict[str, np.ndarray]:
    """Reconstruct a file and return the columns of its tracks."""
    conditions = () if tables is None else (str(tables),)
    write_columns(
        RecoOptions(inputs=(str(raw),), setup=setup, output=output, conditions=conditions, overwrite=True)
    )
    with uproot.open(output) as file:
        names = ["track_momentum", "track_chi2", "track_is_valid"]
        return dict(file["events"].arrays(names, library="np"))


def planes_rows(case: str, moves: Moves, tables: Path) -> list[str]:
    """Return the numbers that were found beside the true ones, in rows."""
    rows = []
    record = json.loads((tables / "alignment.json").read_text())
    for plane, numbers in record["planes"].items():
        true = moves.get(plane, (0.0, 0.0, 0.0))
        for parameter, value in zip(("dx", "dy", "rotation"), true, strict=True):
            if numbers[parameter]["error"] is not None:
                scale, unit = (1e3, "mrad") if parameter == "rotation" else (1.0, "mm")
                new, error = (scale * numbers[parameter][name] for name in ("new", "error"))
                rows.append(
                    f"| {case} | {plane} | {parameter} [{unit}] | {value:.3f} | "
                    f"{new:.3f} ± {error:.3f} | {(new - value) / error:+.2f} |"
                )
    return rows


def track_row(case: str, kind: str, found: dict[str, np.ndarray]) -> str:
    """Return the share of events with a track, momentum and chi2, in one row."""
    valid = found["track_is_valid"].astype(bool)
    momentum, chi2 = found["track_momentum"][valid], found["track_chi2"][valid]
    low, middle, high = np.percentile(momentum, [16, 50, 84]) if len(momentum) else [np.nan] * 3
    error = 1.25 * 0.5 * (high - low) / np.sqrt(max(len(momentum), 1))
    return (
        f"| {case} | {kind} | {100 * valid.mean():.1f}% | {middle:.3f} ± {error:.3f} | "
        f"{0.5 * (high - low):.2f} | {np.median(chi2) if len(chi2) else np.nan:.2f} |"
    )


def run(name: str, process: str, moves: Moves, n: int, folder: Path) -> tuple[list[str], list[str]]:
    """Simulate, align and reconstruct; return rows of both tables."""
    stem = f"{name.replace(' ', '_')}_{process}"
    raw, tables = folder / f"{stem}.root", folder / f"{stem}_tables"
    is_straight, base = " " in name, name.partition(" ")[0]
    setup = str(straight_setup(base, folder)) if is_straight else base
    truth = true_tables(setup, moves, folder / f"{stem}_truth")
    write_simulation(
        SimulateOptions(
            setup=setup,
            process=process,
            n_events=n,
            output=raw,
            level="raw",
            alignment=(str(truth / "alignment.txt"),),
            workers=1,
            overwrite=True,
        )
    )
    write_alignment(AlignOptions(inputs=(str(raw),), setup=setup, output=tables, overwrite=True))
    case = f"{name}, {process}s"
    if is_straight:  # nothing bends: there is no momentum
        return planes_rows(case, moves, tables), []
    tracks = [
        track_row(case, kind, columns_of(raw, setup, conditions, folder / f"{stem}_columns.root"))
        for kind, conditions in (("setup", None), ("aligned", tables), ("true planes", truth))
    ]
    return planes_rows(case, moves, tables), tracks


def main() -> None:
    """Print both tables."""
    folder, n = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    folder.mkdir(parents=True, exist_ok=True)
    planes: list[str] = []
    tracks: list[str] = []
    for (name, process), moves in TRUTH.items():
        if len(sys.argv) <= 3 or f"{name}_{process}".replace(" ", "_") in sys.argv[3:]:
            of_planes, of_tracks = run(name, process, moves, n, folder)
            planes += of_planes
            tracks += of_tracks
    print("\n| | plane | | true | found | pull |\n|---|---|---|---|---|---|", *planes, sep="\n")
    print(
        "\n| | planes | with a track | median p [GeV] | half width of 68% [GeV] | median chi2/ndf |",
        "|---|---|---|---|---|---|",
        *tracks,
        sep="\n",
    )


if __name__ == "__main__":
    main()
