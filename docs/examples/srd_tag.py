"""Measure the SRD tag on simulation: a Markdown table, and the curve of efficiency against mistag.

python docs/examples/srd_tag.py [FOLDER [PIONS]]
"""

import sys
from pathlib import Path

import numpy as np

import processors  # noqa: F401  it gives compiled kernels their cache
from datasets.setups import load_setup
from datasets.simulation.streams import stream
from datasets.simulation.tag import simulate_tag
from na64.plotting.style import ACCENT, COLOURS, label_axes, new_figure, styled, write_figure
from recon.srd import SrdTagConfig
from selections.background.tagging import Roc, TagCounts, count_tags, largest_threshold, roc
from selections.selection import load_selection

SETUP = "na64e_2018"
THRESHOLDS = np.arange(0.0, 3.01, 0.1) * 1e-3  # [GeV]
BATCH, ELECTRONS, PILE_UP = 50_000, 500_000, 1_000_000


def count(particle: str, n_events: int, config: SrdTagConfig, *, pile_up: bool = False) -> TagCounts:
    """Simulate beam particles in batches and count their tags."""
    total = TagCounts(0, np.zeros(len(THRESHOLDS), dtype=np.int64))
    for number in range(-(-n_events // BATCH)):
        rng = stream(1, f"srd_tag/{particle}/{pile_up}", number)
        modules = simulate_tag(load_setup(SETUP), particle, BATCH, rng, pile_up=pile_up)
        total = total.joined(count_tags(largest_threshold(modules, config), THRESHOLDS))
    return total


def print_table(clean: Roc, crowded: Roc, chosen: float) -> None:
    """Print rates with their 68% intervals at some thresholds."""
    print("| lower cut of a module | e- tagged | pi- tagged | pi- tagged, with pile-up |\n|---|---|---|---|")
    for index in range(0, len(THRESHOLDS), 1):
        low = THRESHOLDS[index]
        if round(low * 1e4) not in {2, 3, 5, 7, 10, 15, 20, 30}:
            continue
        mark = " (used)" if np.isclose(low, chosen) else ""
        cells = [
            f"{100 * clean.efficiency[index].value:.2f}%",
            *(
                f"{rate.value:.2e} ({rate.low:.2e} to {rate.high:.2e})"
                for rate in (clean.mistag[index], crowded.mistag[index])
            ),
        ]
        print(f"| {1e3 * low:.1f} MeV{mark} | {' | '.join(cells)} |")


@styled
def draw(clean: Roc, crowded: Roc, chosen: float, path: Path) -> None:
    """Draw mistag against efficiency."""
    axes = new_figure(8, 5.6).add_axes((0.12, 0.12, 0.84, 0.74))
    for curve, colour, name in (
        (clean, COLOURS[0], "pions alone"),
        (crowded, COLOURS[2], "with pile-up of the beam"),
    ):
        x = [100 * rate.value for rate in curve.efficiency]
        y, low, high = (np.array(v) for v in zip(*curve.mistag, strict=True))
        axes.fill_between(x, np.maximum(low, 1e-9), high, color=colour, alpha=0.25, lw=0)
        axes.plot(x, y, color=colour, label=name)
        index = int(np.argmin(np.abs(THRESHOLDS - chosen)))
        label = f"cut of the analysis, {1e3 * chosen:g} MeV" if curve is clean else None
        axes.plot(x[index], y[index], "o", color=colour, label=label)
    axes.axhline(1e-5, color=ACCENT, linestyle="--", label="the collaboration: 1e-5")
    axes.axvline(95, color="0.5", linestyle=":", label="95%")
    axes.set_yscale("log")
    axes.set(xlabel="electrons tagged [%]", ylabel="pions tagged", xlim=(70, 100), ylim=(1e-7, 1e-1))
    axes.legend(loc="lower right")
    label_axes(axes, "simulation", title="SRD tag: lower cut of the modules from 3 MeV to 0", right=SETUP)
    write_figure(axes.figure, path)


def main(folder: Path | None, pions: int) -> None:
    """Simulate, print and draw."""
    params = load_selection("invisible", SETUP, tuple(load_setup(SETUP).detectors)).params["srd"]
    config = SrdTagConfig(**params)
    electrons = count("beam", min(ELECTRONS, pions), config)
    alone = count("pi-", pions, config)
    clean = roc(THRESHOLDS, electrons, alone)
    crowded = roc(
        THRESHOLDS,
        count("beam", min(ELECTRONS, pions) // 5, config, pile_up=True),
        count("pi-", min(PILE_UP, pions), config, pile_up=True),
    )
    print_table(clean, crowded, params["module_low"])
    index = clean.at_efficiency(0.95)
    print(
        f"\n{alone.total:,} pions; at {100 * clean.efficiency[index].value:.2f}% efficiency "
        f"({1e3 * THRESHOLDS[index]:.1f} MeV) {alone.tagged[index]} are tagged, "
        f"{clean.mistag[index].value:.3g}"
    )
    if folder is not None:
        draw(clean, crowded, params["module_low"], folder / "srd_roc.png")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else None,
        int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000,
    )
