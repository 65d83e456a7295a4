"""Measure tracks of simulated raw files against the truth: Markdown tables and figures.

Make a file by `na64 simulate na64e_2018 muon --level raw --pile-up --trigger beam -o muons.root`, and run
`python docs/examples/tracking_closure.py figures na64e_2018 muons.root`. Muons, because electrons lose
momentum to synchrotron radiation in the magnets.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import awkward as ak
import matplotlib as mpl
import numpy as np
import uproot
from coffea.nanoevents import NanoEventsFactory
from scipy.stats import kstest

import processors  # noqa: F401  it gives compiled kernels their cache
from datasets.decode import decode
from datasets.schema import layout_of, schema_for
from datasets.setups import load_setup
from processors.digits import calibrate_digits, conditions_of
from recon.geometry import Setup
from recon.track_model import predicted_resolution
from recon.tracks import TrackHits, TrackList, describe_tracks, find_all_tracks

mpl.use("Agg")
import matplotlib.pyplot as plt

WRONG = 5.0  # standard errors of q/p, x or y of a track, or of x or y of a hit
HEAD = (
    "setup | events with hits | right track | wrong tracks | of another particle | with hits of another | of "
    "own hits | pull of q/p: mean | width | width of all | KS distance of the p-value"
)
HEAD_RESOLUTION = "setup | arms need not meet | arms meet | standard error of the fit | found minus true"


class Truth(NamedTuple):
    """Where the trigger particle crossed the planes."""

    at: np.ndarray  # [mm] (n_events, n_planes, 2) NaN without a hit
    start: np.ndarray  # [mm] (n_events, 2) at the first plane
    q_over_p: np.ndarray  # [1/GeV] (n_events,)


def half_width(values: np.ndarray) -> float:
    """Return half of the range of the central 68.27%."""
    low, high = np.percentile(values, [15.865, 84.135])
    return float(high - low) / 2


def read_truth(path: str, arrays: dict[str, np.ndarray], setup: Setup) -> Truth:
    """Return what is true; the trigger particle's hits have the time 0, but for rounding."""
    n_planes = len(setup.spectrometers["incoming"].planes)
    hits = uproot.open(path)["raw"].arrays([f"true_hit_{name}" for name in ("plane", "x", "y", "time")])
    event = np.repeat(np.arange(len(hits)), ak.num(hits.true_hit_plane))
    plane, x, y, time = (ak.to_numpy(ak.flatten(hits[name])) for name in hits.fields)
    own = (np.abs(time) < 1e-3) & (plane <= n_planes)
    at = np.full((len(hits), n_planes, 2), np.nan)
    at[event[own], plane[own] - 1] = np.stack([x, y], axis=1)[own]
    start = np.stack([arrays["truth_x"], arrays["truth_y"]], axis=1)
    return Truth(at, start, setup.beam.charge / arrays["truth_momentum"])


def compare(tracks: TrackList, hits: TrackHits, truth: Truth, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """Return pulls of q/p of the best tracks and whether they are right, (n_events,) each."""
    spectrometer, chosen = setup.spectrometers["incoming"], tracks.best >= 0
    details = describe_tracks(tracks, tracks.best[chosen], hits, spectrometer, setup.beam)
    error = np.sqrt(np.diagonal(details.covariance, axis1=1, axis2=2))
    found = tracks.state[tracks.best[chosen]]
    pull = np.full(len(chosen), np.nan)
    pull[chosen] = (found[:, 4] - truth.q_over_p[chosen]) / error[:, 4]
    away = np.full((len(chosen), 2), np.nan)
    away[chosen] = (found[:, :2] - truth.start[chosen]) / error[:, :2]
    return pull, (np.abs(pull) < WRONG) & (np.abs(away) < WRONG).all(axis=1)


def measure(name: str, path: str) -> tuple[str, str, np.ndarray, np.ndarray]:
    """Return the rows of one file, pulls of q/p and p-values."""
    setup = load_setup(name)
    spectrometer = setup.spectrometers["incoming"]
    events = NanoEventsFactory.from_root({path: "raw"}, schemaclass=schema_for("raw")).events()
    raw = decode(events, layout_of(events), setup)
    raw = raw._replace(digits=raw.digits._replace(waveforms=None))
    hits = TrackHits(*calibrate_digits(raw, setup, conditions_of(name, None, ())).hits["incoming"])
    truth = read_truth(path, raw.arrays, setup)
    tracks = find_all_tracks(hits, spectrometer, setup.beam)
    event = np.repeat(np.arange(raw.n_events), np.diff(hits.offsets))
    errors = np.stack([hits.x_error, hits.y_error], axis=1)
    away = (np.stack([hits.x, hits.y], axis=1) - truth.at[event, hits.plane]) / errors
    is_own = (np.abs(away) < WRONG).all(axis=1)
    seen = np.zeros(truth.at.shape[:2], dtype=bool)
    seen[event[is_own], hits.plane[is_own]] = True
    given = seen.sum(axis=1) >= spectrometer.min_planes
    pull, is_right = compare(tracks, hits, truth, setup)
    valid = tracks.best >= 0
    used = tracks.hits[tracks.best[valid & ~is_right]]
    own = np.append(is_own, False)[used].sum(axis=1)
    kinds = (own == 0, (own > 0) & (own < (used >= 0).sum(axis=1)), own == (used >= 0).sum(axis=1))
    good, p_value = pull[is_right], tracks.p_value[tracks.best[valid]]
    rate = is_right[given].mean()
    share = (valid & ~is_right).sum() / valid.sum()
    cells = (
        name,
        f"{given.sum()}",
        f"{100 * rate:.2f}% ± {100 * np.sqrt(rate * (1 - rate) / given.sum()):.2f}%",
        f"{100 * share:.2f}% ± {100 * np.sqrt(share / valid.sum()):.2f}%",
        *(f"{100 * kind.sum() / valid.sum():.2f}%" for kind in kinds),
        f"{good.mean():.3f} ± {good.std() / np.sqrt(len(good)):.3f}",
        f"{good.std():.3f} ± {good.std() / np.sqrt(2 * len(good)):.3f}",
        f"{pull[valid].std():.3f}",
        f"{kstest(p_value, 'uniform').statistic:.3f}",
    )
    whole = is_right & (tracks.hits[tracks.best] >= 0).all(axis=1)
    momentum = 1 / np.abs(tracks.state[tracks.best[whole], 4])
    relative = momentum * np.abs(truth.q_over_p[whole]) - 1
    error = tracks.q_over_p_error[tracks.best[whole]] * momentum
    resolution = (
        name,
        *(
            f"{100 * predicted_resolution(spectrometer, setup.beam, meet=meet):.3f}%"
            for meet in (False, True)
        ),
        f"{100 * np.median(error):.3f}%",
        f"{100 * half_width(relative):.3f}% ± {100 * half_width(relative) / np.sqrt(len(relative)):.3f}%",
    )
    return f"| {' | '.join(cells)} |", f"| {' | '.join(resolution)} |", pull[valid], p_value


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
    """Print the tables of pairs of setup and file, and write the figures."""
    rows: tuple[list[str], list[str]] = ([], [])
    for name, path in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
        *made, pull, p_value = measure(name, path)
        for table, row in zip(rows, made, strict=True):
            table.append(row)
        draw(name, pull, p_value, Path(sys.argv[1]))
    for head, table in zip((HEAD, HEAD_RESOLUTION), rows, strict=True):
        print(f"| {head} |\n|{'---|' * (head.count('|') + 1)}", *table, "", sep="\n")


if __name__ == "__main__":
    main()
