"""
Kill workers of a run again and again: no bin may change and no event be lost.

`python -m benchmarks.kill_workers FOLDER --events 1e6 --every 3` writes a sample of that size to FOLDER, runs
the invisible mode on it in peace, then once more while a random worker gets SIGKILL every 3 seconds on
average, and compares both runs. With `--command-every 60` the command itself is killed too, and resumed. Only
processes that this script started are killed.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import uproot

from na64.testing import P348Reco

_PER_FILE = 100_000  # events
_NOT_THERE = ("single_track", "track_momentum", "track_chi2", "track_angle", "hcal_r")


class Kills(NamedTuple):
    """How often which process was killed."""

    workers: int
    commands: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=float, default=1e6)
    parser.add_argument(
        "--every", type=float, default=3.0, help="seconds between kills of workers, on average"
    )
    parser.add_argument("--command-every", type=float, default=0.0, help="the same of the command; 0: never")
    parser.add_argument("--executor", choices=("futures", "dask"), default="futures")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--chunk-size", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sample = write_sample(options.folder, int(options.events))
    common = [
        "--executor",
        options.executor,
        "--workers",
        options.workers,
        "--chunk-size",
        options.chunk_size,
    ]
    start = time.perf_counter()
    peace, war = options.folder / "peace", options.folder / "war"
    for run in (peace, war):
        shutil.rmtree(run, ignore_errors=True)
    subprocess.run(_command(sample, peace, common), check=True, stdout=subprocess.DEVNULL)
    middle = time.perf_counter()
    kills = run_under_fire(_command(sample, war, [*common, "--resume"]), options)
    end = time.perf_counter()
    return report(peace, war, kills, (middle - start, end - middle))


def write_sample(folder: Path, n_events: int) -> Path:
    """Write files of p348reco events, those of the shipped sample over and over."""
    place = folder / f"sample_{n_events}"
    if place.is_dir():
        return place
    arrays = P348Reco().arrays
    n_there = len(arrays["run"])
    working = place.with_name(f"{place.name}.writing")
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir(parents=True)
    for number, first in enumerate(range(0, n_events, _PER_FILE)):
        index = np.arange(first, min(first + _PER_FILE, n_events)) % n_there
        with uproot.recreate(working / f"{number:04d}.root", compression=uproot.ZSTD(1)) as file:
            file.mktree("tree", {name: np.dtype((v.dtype, v.shape[1:])) for name, v in arrays.items()})
            for part in np.array_split(index, -(-len(index) // 10_000)):
                file["tree"].extend({name: values[part] for name, values in arrays.items()})
    working.rename(place)
    return place


def _command(sample: Path, output: Path, options: list[object]) -> list[str]:
    without = [word for cut in _NOT_THERE for word in ("--without-cut", cut)]
    words = [sys.executable, "-m", "na64", "run", "invisible", sample, "-o", output, *options, *without]
    return [str(word) for word in words]


def run_under_fire(command: list[str], options: argparse.Namespace) -> Kills:
    """Run a command to its end, kill its workers at random times, and resume it where it was killed."""
    rng, workers, commands = random.Random(options.seed), 0, 0
    while True:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        death = rng.expovariate(1 / options.command_every) if options.command_every else float("inf")
        begin = time.monotonic()
        while process.poll() is None:
            time.sleep(rng.expovariate(1 / options.every))
            if time.monotonic() - begin > death and process.poll() is None:
                process.kill()
                commands += 1
            elif kill_one(process.pid, rng):
                workers += 1
        if process.returncode >= 0:
            if process.returncode:
                sys.exit(f"the run ended with status {process.returncode}")
            return Kills(workers, commands)


def kill_one(parent: int, rng: random.Random) -> bool:
    """Kill one of the worker processes of a command, if it has any."""
    try:
        found = [p for p in psutil.Process(parent).children() if "spawn_main" in " ".join(p.cmdline())]
        if found:
            rng.choice(found).kill()
    except psutil.Error:
        return False
    return bool(found)


def report(peace: Path, war: Path, kills: Kills, seconds: tuple[float, float]) -> int:
    """Print what was killed and whether the runs are equal; return the exit status."""
    record = json.loads((war / "run.json").read_text())
    retries = sum(retry["retries"] for retry in record["retries"])
    told = subprocess.run(
        [sys.executable, "-m", "na64", "diff", str(peace), str(war)],
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"killed:  {kills.workers} workers, {kills.commands} commands")  # noqa: T201
    print(f"events:  {record['events']}")  # noqa: T201
    print(f"chunks:  {record['chunks']}, begun again {retries} times")  # noqa: T201
    print(f"seconds: {seconds[0]:.0f} in peace, {seconds[1]:.0f} under fire")  # noqa: T201
    print(told.stdout.strip().splitlines()[-1] if told.stdout else told.stderr)  # noqa: T201
    return int(told.returncode != 0 or record["events"]["lost"] > 0)


if __name__ == "__main__":
    sys.exit(main())
