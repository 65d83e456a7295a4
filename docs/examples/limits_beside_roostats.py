"""
Upper limits of this project's toys beside those of RooStats: a Markdown table.

    python -m venv rootenv && rootenv/bin/pip install --pre ROOT
    python docs/examples/limits_beside_roostats.py --root-python rootenv/bin/python [--toys N]

ROOT needs an environment of its own, and `roostats_side.py` runs in it. Both sides get the same models,
as workspaces. Limits are the mean of ten seeds, with its error from their spread, and agree within three
errors of their difference. The exit status says whether all do.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limits.model import Channel, Nuisance, make_channel, workspace
from limits.upper import upper_limits

LEAST_TOYS = 500
LEVEL, SEEDS, ERRORS = 0.90, tuple(range(1, 11)), 3.0
YIELD = (Nuisance("yield", 1 / 1.1, 1.1),)
WIDE = (Nuisance("yield", 1 / 1.5, 1.5),)
CASES = {
    "0 seen, no background": [make_channel("run", 1.0, (0.0, 0.0, 0.0), observed=0)],
    "3 seen, background 1": [make_channel("run", 1.0, (1.0, 1.0, 1.0), observed=3)],
    "0 seen, no background, yield 10%": [
        make_channel("run", 1.0, (0.0, 0.0, 0.0), observed=0, errors=YIELD),
    ],
    "3 seen, background 1 (0.7 to 1.4), yield 10%": [
        make_channel("run", 1.0, (1.0, 0.7, 1.4), observed=3, errors=YIELD),
    ],
    "3 seen, background 1 (0.4 to 2.5), yield 50%": [
        make_channel("run", 1.0, (1.0, 0.4, 2.5), observed=3, errors=WIDE),
    ],
    "two runs: 1 and 0 seen, background 0.5 and 0.4 (0.3 to 0.8, 0.2 to 0.7), yield 10%": [
        make_channel("first", 1.0, (0.5, 0.3, 0.8), observed=1, errors=YIELD),
        make_channel("second", 2.0, (0.4, 0.2, 0.7), observed=0, errors=YIELD),
    ],
}


def ours(channels: list[Channel], toys: int) -> list[float | None]:
    """Return the limits of every seed."""
    return [
        upper_limits(channels, level=LEVEL, method="toys", n_toys=toys, seed=seed).observed for seed in SEEDS
    ]


def mean(limits: Sequence[float | None]) -> tuple[float, float]:
    """Return the mean of several seeds and its error."""
    values = np.array(limits, dtype=np.float64)
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def theirs(root_python: str, toys: int) -> dict[str, Any]:
    """Return what the interpreter with ROOT answers."""
    models = [workspace(channels, [float(c.observed or 0) for c in channels]) for channels in CASES.values()]
    asked = {"level": LEVEL, "toys": toys, "seeds": SEEDS, "workspaces": models}
    side = Path(__file__).with_name("roostats_side.py")
    try:
        done = subprocess.run(
            [root_python, str(side)], input=json.dumps(asked), capture_output=True, text=True, check=True
        )
    except OSError as error:
        sys.exit(f"--root-python {root_python} cannot be started: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"{side.name} failed with {root_python}; it needs ROOT with RooStats "
            f"(pip install --pre ROOT in an environment of its own):\n{error.stderr.strip()}"
        )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> int:
    """Print the table, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--root-python", required=True, help="an interpreter that can import ROOT")
    parser.add_argument("--toys", type=int, default=2000, help="of each strength and seed")
    options = parser.parse_args()
    if options.toys < LEAST_TOYS:
        parser.error(f"--toys {options.toys}: with fewer than {LEAST_TOYS} scans may find no limit")
    answer = theirs(options.root_python, options.toys)
    toys = f"{len(SEEDS)} times {options.toys} toys"
    print(f"Upper limits at {LEVEL:.0%} (CLs), {toys}, ROOT {answer['version']}\n")
    print("| model | here | RooStats | difference / error | |")
    print("|---|---|---|---|---|")
    agreed = []
    for (title, channels), found in zip(CASES.items(), answer["limits"], strict=True):
        (here, here_error), (there, there_error) = mean(ours(channels, options.toys)), mean(found)
        pull = (here - there) / np.hypot(here_error, there_error)
        agreed.append(bool(abs(pull) < ERRORS))
        print(
            f"| {title} | {here:.3f} ± {here_error:.3f} | {there:.3f} ± {there_error:.3f} | {pull:+.1f} | "
            f"{'agree' if agreed[-1] else '**differ**'} |"
        )
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
