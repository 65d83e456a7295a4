"""Closure of the side-band estimate: a Markdown table of coverage, and figures of coverage and pulls.

python docs/examples/background_closure.py [FOLDER [EXPERIMENTS]]
"""

import sys
from pathlib import Path

import numpy as np

from na64.plotting.style import ACCENT, COLOURS, INK, label_axes, new_figure, styled, write_figure
from selections.background.closure import Closure, Truth, run_closure
from selections.background.config import load_background
from selections.cutflow import clopper_pearson

EXPECTED = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 3.0, 5.0)
SLOPES = {"side_band_a": (0.1, 0.15), "side_band_c": (0.0, 0.15)}  # [1/GeV]
BANDS = {name: band.fit for name, band in load_background("invisible").side_bands.items()}


def closures(n_experiments: int) -> dict[tuple[str, float], list[Closure]]:
    """Run the pseudo-experiments of the nominal shape."""
    found: dict[tuple[str, float], list[Closure]] = {}
    for number, (band, slope) in enumerate((b, s) for b, slopes in SLOPES.items() for s in slopes):
        rng = np.random.default_rng([1, number])
        found[band, slope] = [
            run_closure(BANDS[band], Truth(BANDS[band].shape, slope, expected), n_experiments, rng)
            for expected in EXPECTED
        ]
    return found


def print_tables(found: dict[tuple[str, float], list[Closure]], n_experiments: int) -> None:
    """Print coverage by expected events, and that of other shapes."""
    print(f"{n_experiments} pseudo-experiments each\n")
    print(
        "| side band | slope [1/GeV] | expected | in the fit | coverage | with shapes | pull: median, 68% |"
    )
    print("|---|---|---|---|---|---|---|")
    for (band, slope), rows in found.items():
        for row in rows:
            print(line(band, slope, row))
    print("\n| side band | true shape | expected | in the fit | coverage | all errors |")
    print(f"|{'---|' * 6}")
    for number, (band, config) in enumerate(BANDS.items()):
        for other in config.other_shapes:
            for expected in (0.1, 0.5, 2.0):
                rng = np.random.default_rng([2, number])
                row = run_closure(config, Truth(other, SLOPES[band][1], expected), n_experiments, rng)
                print(
                    f"| {band} | {other.name} | {expected:g} | {row.side_band:.1f} | {row.coverage:.1%} | "
                    f"{row.coverage_with_model:.1%} |"
                )


def line(band: str, slope: float, row: Closure) -> str:
    """Return a row of the table."""
    low, middle, high = np.percentile(row.pulls, [15.87, 50, 84.13])
    return (
        f"| {band} | {slope:g} | {row.truth.expected:g} | {row.side_band:.1f} | {row.coverage:.1%} | "
        f"{row.coverage_with_model:.1%} | {middle:.2f}, {low:.2f} to {high:.2f} |"
    )


@styled
def draw(found: dict[tuple[str, float], list[Closure]], path: Path) -> None:
    """Draw coverage against expected events, and pulls."""
    figure = new_figure(13, 5.4)
    axes, pulls = figure.subplots(1, 2)
    for index, ((band, slope), rows) in enumerate(found.items()):
        rates = [clopper_pearson(int(row.covers.sum()), len(row.covers)) for row in rows]
        value, low, high = (100 * np.array(numbers) for numbers in zip(*rates, strict=True))
        x = np.array(EXPECTED) * (1 + 0.03 * (index - 1.5))
        name = f"{band.replace('_', ' ')}, slope {slope:g} / GeV"
        look = {"fmt": "o", "ms": 4, "color": COLOURS[index], "label": name}
        axes.errorbar(x, value, [value - low, high - value], **look)
    axes.axhline(68.27, color=INK, linestyle=":")
    axes.axhspan(63, 80, color="0.9", zorder=0, label="63% to 80%")
    axes.set(xscale="log", xlabel="expected events in the closed region", ylabel="coverage [%]")
    axes.set_ylim(40, 115)
    axes.legend(loc="upper right")
    edges = np.linspace(-5, 5, 41)
    for index, ((band, slope), rows) in enumerate(found.items()):
        values = np.concatenate([row.pulls for row in rows if row.truth.expected >= 0.5])
        counts = np.histogram(np.clip(values, -4.99, 4.99), edges)[0] / len(values) / np.diff(edges)
        pulls.stairs(counts, edges, color=COLOURS[index], label=f"{band.replace('_', ' ')}, {slope:g} / GeV")
    x = np.linspace(-5, 5, 200)
    pulls.plot(x, np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi), color=ACCENT, linestyle="--", label="normal")
    pulls.set(xlabel="(estimate − truth) / error towards the truth, 0.5 to 5 events", ylabel="density")
    pulls.set_xlim(-5, 5)
    pulls.set_ylim(0, 0.75)
    pulls.legend(loc="upper right")
    label_axes(axes, "pseudo-experiments", title="Coverage of the 68% interval of the side-band estimate")
    label_axes(pulls, "pseudo-experiments", title="Pulls; the outermost bins hold all that lies beyond")
    figure.tight_layout()
    write_figure(figure, path)


if __name__ == "__main__":
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    results = closures(number)
    print_tables(results, number)
    if len(sys.argv) > 1:
        draw(results, Path(sys.argv[1]) / "background_closure.png")
