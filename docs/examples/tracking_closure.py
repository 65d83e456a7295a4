"""Measure tracks of simulated raw files against the truth: one Markdown row per file.

Make a file by `na64 simulate na64e_2018 muon --level raw --pile-up --trigger beam -o muons.root`, and run
`python docs/examples/tracking_closure.py na64e_2018 muons.root`. Muons, because electrons lose momentum to
synchrotron radiation in the magnets.
"""

import sys

import numpy as np
from coffea.nanoevents import NanoEventsFactory
from scipy.stats import kstest

import processors  # noqa: F401  it gives compiled kernels their cache
from datasets.decode import decode
from datasets.schema import layout_of, schema_for
from datasets.setups import load_setup
from processors.digits import calibrate_digits, conditions_of
from recon.tracks import TrackHits, best_tracks, find_all_tracks

WRONG = 5.0  # standard errors of q/p
HEAD = (
    "setup | events | efficiency given hits | wrong tracks | pull of q/p, mean | width | sigma_p / p | "
    "KS distance of the p-value"
)


def measure(name: str, path: str) -> str:
    """Return the row of one file."""
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
    truth = raw.arrays["truth_momentum"]
    pull = (best.charge / best.momentum - setup.beam.charge / truth) * best.momentum**2 / best.momentum_error
    valid = best.is_valid
    is_right = valid & (np.abs(pull) < WRONG)
    good, first = pull[is_right], found.offsets[:-1][is_right]
    cells = (
        name,
        f"{raw.n_events}",
        f"{100 * valid[given].mean():.2f}%",
        f"{100 * (valid & ~is_right).sum() / valid.sum():.2f}%",
        f"{good.mean():.3f} ± {good.std() / np.sqrt(len(good)):.3f}",
        f"{good.std():.3f} ± {good.std() / np.sqrt(2 * len(good)):.3f}",
        f"{100 * np.median((best.momentum_error / best.momentum)[is_right]):.3f}%",
        f"{kstest(found.p_value[first], 'uniform').statistic:.3f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table of pairs of setup and file."""
    print(f"| {HEAD} |\n|{'---|' * (HEAD.count('|') + 1)}")
    for name, path in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        print(measure(name, path))


if __name__ == "__main__":
    main()
