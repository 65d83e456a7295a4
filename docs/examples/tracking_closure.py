"""Measure tracks of simulated raw files against the truth: a Markdown table and figures.

Make a file by `na64 simulate na64e_2018 muon --level raw --pile-up --trigger beam -o muons.root`, and run
`python docs/examples/tracking_closure.py figures na64e_2018 muons.root`. Muons, because electrons lose
momentum to synchrotron radiation in the magnets.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from coffea.nanoevents import NanoEventsFactory
from scipy.stats import kstest

import processors  # noqa: F401  it gives compiled kernels their cache
from datasets.decode import decode
from datasets.schema import layout_of, schema_for
from datasets.setups import load_setup
from physics.scattering import scattering_angle
from processors.digits import calibrate_digits, conditions_of
from recon.geometry import Setup
from recon.tracks import TrackHits, best_tracks, find_all_tracks

mpl.use("Agg")
import matplotlib.pyplot as plt

WRONG = 5.0  # standard errors of q/p, or robust widths of the position
HEAD = (
    "setup | events with hits | efficiency | wrong tracks | pull of q/p: mean | width | robust width | "
    "width of all | sigma_p / p | by hand | KS distance of the p-value"
)


def half_width(values: np.ndarray) -> float:
    """Return half of the range of the central 68.27%."""
    low, high = np.percentile(values, [15.865, 84.135])
    return float(high - low) / 2


def by_hand(setup: Setup) -> float:
    """Return sigma_p / p of two arms of two planes each, the scatter between them added."""
    spectrometer, beam = setup.spectrometers["incoming"], setup.beam
    first = min(magnet.z for magnet in spectrometer.magnets)
    fine = [plane for plane in spectrometer.planes if plane.resolution < 0.2]
    arms = [[p for p in fine if (p.z < first) == is_before] for is_before in (True, False)]
    slopes = [
        (arm[0].resolution ** 2 + arm[-1].resolution ** 2) / (arm[-1].z - arm[0].z) ** 2 for arm in arms
    ]
    layers = [arms[0][-1].radiation_lengths, arms[1][0].radiation_lengths]
    layers += [thickness for _, thickness in spectrometer.window_radiation_lengths]
    scatter = [float(scattering_angle(beam.momentum, np.array(layer))) ** 2 for layer in layers]
    bend = 0.299792458 * abs(spectrometer.field_integral) / beam.momentum
    return float(np.sqrt(sum(slopes) + sum(scatter)) / bend)


def measure(name: str, path: str) -> tuple[str, np.ndarray, np.ndarray]:
    """Return the row of one file, pulls of q/p and p-values."""
    setup = load_setup(name)
    spectrometer = setup.spectrometers["incoming"]
    events = NanoEventsFactory.from_root({path: "raw"}, schemaclass=schema_for("raw")).events()
    raw = decode(events, layout_of(events), setup)
    raw = raw._replace(digits=raw.digits._replace(waveforms=None))
    hits = TrackHits(*calibrate_digits(raw, setup, conditions_of(name, None, ())).hits["incoming"])
    found = find_all_tracks(hits, spectrometer, setup.beam)
    best = best_tracks(found, setup.beam)
    shape = raw.n_events, len(spectrometer.planes)
    event = np.repeat(np.arange(shape[0]), np.diff(hits.offsets))
    is_hit = np.bincount(event * shape[1] + hits.plane, minlength=shape[0] * shape[1]).reshape(shape) > 0
    given = is_hit.sum(axis=1) >= spectrometer.min_planes
    true = raw.arrays
    pull = best.charge / best.momentum - setup.beam.charge / true["truth_momentum"]
    pull = pull * best.momentum**2 / best.momentum_error
    valid = best.is_valid
    is_right = valid & (np.abs(pull) < WRONG)
    for axis in ("x", "y"):
        away = getattr(best, axis) - true[f"truth_{axis}"]
        away = away - np.median(away[valid])
        is_right &= np.abs(away) < WRONG * half_width(away[valid])
    good, first = pull[is_right], found.offsets[:-1][is_right]
    p_value = found.p_value[first]
    cells = (
        name,
        f"{given.sum()}",
        f"{100 * valid[given].mean():.2f}%",
        f"{100 * (valid & ~is_right).sum() / valid.sum():.2f}%",
        f"{good.mean():.3f} ± {good.std() / np.sqrt(len(good)):.3f}",
        f"{good.std():.3f} ± {good.std() / np.sqrt(2 * len(good)):.3f}",
        f"{half_width(pull[valid]):.3f}",
        f"{pull[valid].std():.3f}",
        f"{100 * np.median((best.momentum_error / best.momentum)[is_right]):.3f}%",
        f"{100 * by_hand(setup):.3f}%",
        f"{kstest(p_value, 'uniform').statistic:.3f}",
    )
    return f"| {' | '.join(cells)} |", pull[valid], p_value


def draw(name: str, pull: np.ndarray, p_value: np.ndarray, folder: Path) -> None:
    """Draw pulls and p-values of one setup."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    edges = np.linspace(-6, 6, 61)
    middle = (edges[1:] + edges[:-1]) / 2
    left.hist(np.clip(pull, -5.99, 5.99), edges, histtype="step", label=f"{name}, ends include all beyond")
    left.plot(middle, len(pull) * 0.2 * np.exp(-(middle**2) / 2) / np.sqrt(2 * np.pi), label="unit Gaussian")
    left.set(xlabel="(q/p found - true) / standard error", ylabel="tracks", yscale="log", ylim=(0.5, None))
    left.legend(fontsize="small", loc="lower center")
    right.hist(p_value, 20, range=(0, 1), histtype="step")
    right.axhline(len(p_value) / 20, color="C1", label="flat")
    right.set(xlabel="p-value of the chi2", ylabel="tracks", ylim=(0, None))
    right.legend(fontsize="small")
    figure.savefig(folder / f"tracking_{name}.png", dpi=110)


def main() -> None:
    """Print the table of pairs of setup and file, and write the figures."""
    print(f"| {HEAD} |\n|{'---|' * (HEAD.count('|') + 1)}")
    for name, path in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
        row, pull, p_value = measure(name, path)
        print(row)
        draw(name, pull, p_value, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
