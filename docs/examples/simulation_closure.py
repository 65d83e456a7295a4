"""Compare the simulation with the Geant4 sample files: a Markdown table, and figures if a folder is named."""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

import processors  # noqa: F401  it gives compiled kernels their cache
from datasets.simulation.comparison import Comparison, compare, ecal_energy, hcal_energy
from datasets.simulation.validation import Sample, geant4_sample, simulated_beam, simulated_showers
from na64.plotting.style import COLOURS, label_axes, new_figure, styled, unit_of, write_figure

N = 20_000
BLACK, BLUE = "#222222", COLOURS[0]


def print_table() -> None:
    """Print every quantity of both simulations."""
    print("| sample | quantity | Geant4 | ours | tolerance |\n|---|---|---|---|---|")
    for c in compare():
        q = c.quantity
        mark = " (set by it)" if q.is_input else ""
        print(
            f"| {c.group} | {q.title}{mark} | {c.geant4:.4g} ± {c.geant4_error:.2g} {q.unit} | "
            f"{c.ours:.4g} {q.unit} | {q.tolerance:.2g} {q.unit} |"
        )


def overlay(axes: Axes, one: np.ndarray, other: np.ndarray, edges: np.ndarray, label: str) -> None:
    """Draw a spectrum of both, each to the area 1; points have statistical errors."""
    middle, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    counts = np.histogram(one, edges)[0]
    scale = 1 / (len(one) * width)
    seen = counts > 0
    height, error = (counts * scale)[seen], (np.sqrt(counts) * scale)[seen]
    axes.errorbar(middle[seen], height, error, fmt="o", ms=3, color=BLACK, label="Geant4")
    axes.stairs(np.histogram(other, edges)[0] / (len(other) * width), edges, color=BLUE, label="simulation")
    axes.set_xlabel(label)
    axes.set_ylabel(f"share of events per {unit_of(label)}")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    axes.legend()


@styled
def draw_showers(folder: Path) -> None:
    """Draw resolution, linearity, preshower share, and the lateral profile."""
    figure = new_figure(13, 9)
    axes = figure.subplots(2, 2)
    found: dict[str, list[Comparison]] = {}
    for c in compare():
        found.setdefault(c.quantity.title, []).append(c)
    energies = np.array([10.0, 20, 30, 50, 80, 100])
    curves = {
        "sigma / E": r"$\sigma_E / E$ [%]",
        "E / E beam": "$E_{ECAL}$ / beam energy",
        "preshower share": "preshower share [%]",
    }
    for ax, (title, label) in zip(axes.flat, curves.items(), strict=False):
        rows = found[title]
        ax.errorbar(
            energies,
            [r.geant4 for r in rows],
            [r.geant4_error for r in rows],
            fmt="o",
            color=BLACK,
            label="Geant4",
        )
        ax.plot(energies, [r.ours for r in rows], "s--", ms=5, color=BLUE, label="simulation")
        ax.set(xlabel="electron energy [GeV]", ylabel=label)
    axes[0, 0].plot(energies, 10 / np.sqrt(energies), color=COLOURS[1], label=r"$10\% / \sqrt{E}$")
    axes[0, 1].set_ylim(0.97, 1.03)
    draw_profile(axes[1, 1])
    for ax in axes.flat:
        ax.legend()
    label_axes(axes[0, 0], "simulation", title="Electrons on the middle of an ECAL cell")
    figure.tight_layout()
    write_figure(figure, folder / "simulation_ecal.png")


def draw_profile(axes: Axes) -> None:
    """Draw the share of a cell and its neighbour by the impact point."""
    scan = geant4_sample("electron_impact_scan")
    offsets = np.array([0.0, 5, 10, 15, 19])
    for (x, y), colour in (((3, 3), COLOURS[0]), ((4, 3), COLOURS[2]), ((2, 3), COLOURS[3])):
        shares = []
        for dx in offsets:
            geant4 = scan.select((scan.truth["x0"] == dx) & (scan.truth["y0"] == 0))
            samples = geant4, simulated_showers(np.full(4000, 100.0), float(dx), 0.0)
            shares.append([_share_of_cell(s, x, y) for s in samples])
        points, line = np.array(shares).T
        axes.plot(offsets, points, "o", color=colour)
        axes.plot(offsets, line, color=colour, label=f"cell ({x}, {y})")
    axes.set(
        xlabel="impact point from the middle of cell (3, 3) [mm]", ylabel="share of energy", yscale="log"
    )


def _share_of_cell(sample: Sample, x: int, y: int) -> float:
    grid = sample.grid("ecal")
    return float(np.mean(grid[:, x, y] / grid.sum(axis=(1, 2))))


@styled
def draw_hadrons(folder: Path) -> None:
    """Draw pions and muons in the calorimeters."""
    figure = new_figure(13, 9)
    axes = figure.subplots(2, 2)
    pions = geant4_sample("pions_100gev"), simulated_beam("hadron", N)
    muons = geant4_sample("muons_100gev"), simulated_beam("muon", N)
    quiet = [s.select(ecal_energy(s) < 1.0) for s in pions]
    overlay(
        axes[0, 0], *(ecal_energy(s) for s in pions), np.linspace(0, 110, 45), "$E_{ECAL}$ of pions [GeV]"
    )
    axes[0, 0].set_ylim(0, 0.03)
    sums = [ecal_energy(s) + hcal_energy(s) for s in pions]
    overlay(axes[0, 1], *sums, np.linspace(60, 130, 36), "$E_{ECAL} + E_{HCAL}$ of pions [GeV]")
    overlay(
        axes[1, 0],
        *(hcal_energy(s) for s in quiet),
        np.linspace(60, 130, 36),
        "$E_{HCAL}$ of pions that pass the ECAL [GeV]",
    )
    modules = [1e3 * s.sections("hcal")[:, 0] for s in muons]
    overlay(axes[1, 1], *modules, np.linspace(20, 150, 53), "visible energy of muons in an HCAL module [MeV]")
    label_axes(axes[0, 0], "simulation", title="Pions and muons of 100 GeV")
    figure.tight_layout()
    write_figure(figure, folder / "simulation_hadrons.png")


@styled
def draw_srd(folder: Path) -> None:
    """Draw the spectra of the SRD modules, and the dimuon band."""
    figure = new_figure(13, 9)
    axes = figure.subplots(2, 2)
    electrons = geant4_sample("electrons_100gev"), simulated_beam("electron", N)
    for i, ax in enumerate(axes.flat[:3]):
        spectra = [1e3 * s.sections("srd")[:, i] for s in electrons]
        overlay(ax, *spectra, np.linspace(0, 40, 41), f"visible energy in SRD module {i} [MeV]")
    pairs = [geant4_sample("dimuon_enriched"), simulated_beam("dimuon", N)]
    pairs[0] = pairs[0].select(pairs[0].truth["muons_behind_ecal"] >= 2)
    quiet = [s.select(ecal_energy(s) < 80.0) for s in pairs]
    overlay(
        axes[1, 1],
        *(hcal_energy(s) for s in quiet),
        np.linspace(0, 40, 21),
        "$E_{HCAL}$ of dimuons with $E_{ECAL}$ < 80 GeV [GeV]",
    )
    label_axes(axes[0, 0], "simulation", title="Electrons of 100 GeV in the SRD, and muon pairs")
    figure.tight_layout()
    write_figure(figure, folder / "simulation_srd.png")


def main() -> None:
    """Print the table; draw, if a folder is named."""
    print_table()
    for folder in map(Path, sys.argv[1:2]):
        draw_showers(folder)
        draw_hadrons(folder)
        draw_srd(folder)


if __name__ == "__main__":
    main()
