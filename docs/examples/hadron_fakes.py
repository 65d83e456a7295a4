"""
What looks like a pion that vanishes, by its name in the simulation, after each cut of the hadron mode.

    na64 simulate na64h_2022 PROCESS -n 5000 --trigger physics -o PROCESS.root         # of each process
    na64 run hadron PROCESS=PROCESS.root ... -o runs/hadron
    python docs/examples/hadron_fakes.py runs/hadron

Only the run directory is read. Of each process: events after each cut, those in the signal box, those there if
the VETO is not asked, and how many of these are there per pion on target, at most (Poisson, 68%): counted, and
as a product with the inefficiency of the VETO for particles that cross the target.
"""

import argparse
from pathlib import Path

from na64.background import Simulation, simulations_of
from na64.stored_run import StoredRun, read_run
from selections.background.intervals import poisson_interval
from selections.cutflow import clopper_pearson
from selections.regions import Region
from selections.selection import load_selection

CROSSING = ("late_pion", "muon", "pion_decay")  # one charged particle crosses the target and the VETO
NO_PRODUCT = ("exchange", "invisible", "beam_electron")  # nothing that the VETO could see, or a shower


def counts_of(run: StoredRun, name: str) -> dict[str, int]:
    """Return the events of a dataset after each cut in order."""
    return {cut["name"]: cut["in_order"] for cut in run.datasets[name]["cuts"]}


def miss(run: StoredRun) -> tuple[int, int, float]:
    """Return how many particles the VETO misses, of how many, and the upper end of their share."""
    counts = [counts_of(run, name) for name in CROSSING if name in run.datasets]
    missed, total = (sum(count[cut] for count in counts) for cut in ("veto", "preshower"))
    return missed, total, float(clopper_pearson(missed, total)[1]) if total else 1.0


def row(run: StoredRun, made: Simulation, box: Region, cuts: list[str], inefficiency: float) -> str:
    """Return one line of the table."""
    counts = counts_of(run, made.dataset)
    seen, without = (
        round(made.sum_of(plane, box).total) for plane in ("edep_plane_final", "edep_plane_veto")
    )
    most = poisson_interval(seen).high / made.eot
    product = f"{poisson_interval(without).high / made.eot * inefficiency:.2g}"
    if made.process.startswith(NO_PRODUCT):
        product = ""
    cells = [f"`{made.process}`", f"{made.eot:.3g}", *(counts[cut] for cut in cuts), without, seen]
    return "| " + " | ".join(map(str, [*cells, f"{most:.2g}", product])) + " |"


def main() -> None:
    """Print one table with a line for each process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    options = parser.parse_args()
    run = read_run(options.run)
    selection = load_selection(run.record["analysis"], run.record["setup"], ())
    found = simulations_of([run], run)
    cuts = [cut for cut in counts_of(run, found[0].dataset) if cut not in selection.base.cuts]
    missed, total, inefficiency = miss(run)
    print(f"| process | pions | {' | '.join(cuts)} | box without VETO | box | counted < | product < |")
    print("|---" * (len(cuts) + 6) + "|")
    for made in found:
        print(row(run, made, selection.signal_box, cuts, inefficiency))
    print(f"\nVETO: {missed} of {total} particles that cross the target, below {inefficiency:.2g} at 68%")


if __name__ == "__main__":
    main()
