"""Read damaged ROOT files, and count what becomes of them: docs/running.md, "Damaged files"."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from na64.testing.damage import DAMAGES, anatomy_of, damage
from na64.testing.specimens import FORMATS, make_specimen
from na64.testing.trial import Limits, Trial, Verdict, catalogue_of, read_once, run_trials

_BATCH = 25  # files that are on the disk at once


def main() -> int:
    """Run; the exit status is 1 if a file did what it must not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000, help="damaged files to read")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for one file")
    parser.add_argument("--memory", type=float, default=1.0, help="GiB for one file")
    parser.add_argument("--format", choices=FORMATS, action="append", help="default: all")
    parser.add_argument("--damage", choices=DAMAGES, action="append", help="default: all")
    parser.add_argument("--keep", type=Path, help="folder for files that did what they must not")
    options = parser.parse_args()
    os.environ["NA64_CACHE_DIR"] = ""
    limits = Limits(seconds=options.timeout, memory=int(options.memory * 2**30))
    found = list(_run(options, limits))
    _show(found)
    return int(any(verdict.is_failure for _, verdict in found))


def _run(options: argparse.Namespace, limits: Limits) -> Iterator[tuple[Trial, Verdict]]:
    """Make damaged files in batches and read them."""
    rng = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        specimens = [make_specimen(form, folder) for form in options.format or FORMATS]
        intact = {specimen.name: read_once(specimen) for specimen in specimens}
        anatomies = [anatomy_of(specimen.path, specimen.tree) for specimen in specimens]
        kinds = options.damage or list(DAMAGES)
        console = Console(stderr=True)
        starts = range(0, options.files, _BATCH)
        for start in track(starts, "damaged files", console=console, disable=not sys.stderr.isatty()):
            trials = []
            for number in range(start, min(start + _BATCH, options.files)):
                at = number % len(specimens)
                kind = kinds[number // len(specimens) % len(kinds)]
                path = folder / f"damaged_{number}.root"
                path.write_bytes(damage(anatomies[at], kind, rng))
                listed = catalogue_of(specimens[at], path.name) if rng.random() < 0.2 else None
                trials.append(Trial(specimens[at], path, kind, listed))
            for trial, verdict in run_trials(trials, intact, limits):
                if verdict.is_failure:
                    print(f"{trial.specimen.name} {trial.damage}: {verdict} {trial.path.name}", flush=True)
                    if options.keep:
                        options.keep.mkdir(parents=True, exist_ok=True)
                        trial.path.rename(options.keep / f"{trial.specimen.name}_{trial.path.name}")
                trial.path.unlink(missing_ok=True)
                yield trial, verdict


def _show(found: list[tuple[Trial, Verdict]]) -> None:
    """Print a table of outcomes, and the worst of time and memory."""
    counts = Counter((trial.damage, verdict.outcome) for trial, verdict in found)
    outcomes = sorted({outcome for _, outcome in counts})
    table = Table("damage", *outcomes, "files")
    for kind in DAMAGES:
        row = [counts[kind, outcome] for outcome in outcomes]
        if sum(row):
            table.add_row(kind, *map(str, row), str(sum(row)))
    totals = [sum(counts[kind, outcome] for kind in DAMAGES) for outcome in outcomes]
    table.add_row("all", *map(str, totals), str(sum(totals)))
    console = Console(width=160)
    console.print(table)
    reasons = Counter(f"{v.outcome}: {v.detail[:90]}" for _, v in found if v.detail)
    for reason, count in reasons.most_common(60):
        console.print(f"{count:5d}  {reason}", markup=False, highlight=False)
    seconds, memory = (max(getattr(v, name) for _, v in found) for name in ("seconds", "memory"))
    console.print(f"longest {seconds:.1f} s, most memory for one file {memory:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
