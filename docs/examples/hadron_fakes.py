"""
What looks like a pion that vanishes, by its name in the simulation, after each cut of the hadron mode.

    na64 simulate na64h_2022 PROCESS -n 5000 --trigger physics -o PROCESS.root         # of each process
    na64 run hadron PROCESS=PROCESS.root ... -o runs/hadron
    python docs/examples/hadron_fakes.py runs/hadron

Only the run directory is read. Of each process: events after each cut, those in the signal box, those there
if the VETO is not asked, and how many there are per pion on target, at most (Poisson, 68%): counted, and as a
product of what the VETO misses and what is in the box without it, which takes both for independent.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from na64.run.simulated import Simulation, simulations_of
from na64.run.stored import StoredRun, read_run
from selections.background.intervals import poisson_interval
from selections.cutflow import Efficiency, clopper_pearson
from selections.regions import Region
from selections.selection import load_selection

CROSSING = ("late_pion", "muon", "pion_decay")  # one charged particle crosses the target and the VETO
NO_PRODUCT = ("exchange", "invisible", "beam_electron")  # neutral particles or none behind the target


def counts_of(run: StoredRun, name: str) -> dict[str, int]:
    """Return the events of a dataset after each cut in order."""
    return {cut["name"]: cut["in_order"] for cut in run.datasets[name]["cuts"]}


def missed(run: StoredRun, names: Sequence[str]) -> Efficiency:
    """Return the share of events that the VETO lets pass, of several processes together."""
    counts = [counts_of(run, name) for name in names if name in run.datasets]
    return clopper_pearson(*(sum(count[cut] for count in counts) for cut in ("veto", "preshower")))


def row(run: StoredRun, made: Simulation, box: Region, cuts: list[str]) -> str:
    """Return one line of the table."""
    counts, name = counts_of(run, made.dataset), made.process
    seen, without = (
        round(made.sum_of(plane, box).total) for plane in ("edep_plane_final", "edep_plane_veto")
    )
    counted, product = poisson_interval(seen).high / made.eot, ""
    if not name.startswith(NO_PRODUCT):
        veto = missed(run, CROSSING if name in CROSSING else [made.dataset]).high
        product = f"{poisson_interval(without).high / made.eot * veto:.2g}"
    cells = [f"`{name}`", f"{made.eot:.3g}", *(counts[cut] for cut in cuts), without, seen]
    return "| " + " | ".join(map(str, [*cells, f"{counted:.2g}", product])) + " |"


def main() -> None:
    """Print one table with a line for each process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    options = parser.parse_args()
    run = read_run(options.run)
    selection = load_selection(run.record["analysis"], run.record["setup"], ())
    found = simulations_of([run], run)
    cuts = [cut for cut in counts_of(run, found[0].dataset) if cut not in selection.base.cuts]
    print(f"| process | pions | {' | '.join(cuts)} | box without VETO | box | counted < | product < |")
    print("|---" * (len(cuts) + 6) + "|")
    for made in found:
        print(row(run, made, selection.signal_box, cuts))
    veto = missed(run, CROSSING)
    print(f"\nVETO misses {veto.value:.2g} ({veto.low:.2g} to {veto.high:.2g}) of what crosses the target")


if __name__ == "__main__":
    main()
