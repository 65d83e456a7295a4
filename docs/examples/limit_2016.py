"""Compare limits on epsilon with a published curve: signal runs, an exposure, no background and no event.

    python docs/examples/limit_2016.py CURVE.csv 4.3e10 RUN...

CURVE.csv has mass [GeV] and epsilon; each RUN is a run directory of `na64 simulate SETUP dark_photon --set
mass=M --trigger physics` for one mass.
"""

import sys
from pathlib import Path

import numpy as np

from datasets.setups import load_setup
from datasets.simulation.processes.target import target_of
from limits.model import Nuisance, make_channel
from limits.upper import upper_limits
from limits.yields import bremsstrahlung_yield
from na64.stored_run import read_run

YIELD_ERROR = 1.1  # dimuons predicted over measured: 10%, arXiv:2207.09979
LEAST = 50.0  # [GeV] missing


def main(curve: str, exposure: float, runs: list[str]) -> None:
    """Print the table."""
    lines = [line for line in Path(curve).read_text().splitlines() if line[:1].isdigit()]
    published = np.array([[float(word) for word in line.split(",")[:2]] for line in lines])
    print("mass [MeV]  events  efficiency       length [X0]  N90    epsilon    published  ratio")
    for path in runs:
        run = read_run(Path(path))
        (name,) = run.datasets
        parent = run.inputs_of(name)[0]["parent"]
        setup = load_setup(run.record["setup"])
        mass = parent["processes"][0]["parameters"]["mass"]
        every, made = (
            bremsstrahlung_yield(target_of(setup), setup.beam.momentum, mass, least) for least in (0.0, LEAST)
        )
        passed = next(r["events"] for r in run.datasets[name]["regions"] if r["name"] == "signal_box")
        above = made.primary / every.primary  # of the simulated signal events, those above the missing energy
        efficiency, error = passed / parent["attempts"] / above, 1 / np.sqrt(passed)
        errors = (
            Nuisance("yield", 1 / YIELD_ERROR, YIELD_ERROR),
            Nuisance("efficiency", 1 / (1 + error), 1 + error),
        )
        limit = upper_limits([make_channel("run", 1.0, (0, 0, 0), observed=0, errors=errors)]).observed
        epsilon = np.sqrt(limit / (exposure * made.total * efficiency))
        at = np.exp(np.interp(np.log(mass), *np.log(published.T)))
        print(
            f"{1e3 * mass:10g}  {passed:6d}  {efficiency:.3f} ± {efficiency * error:.3f}  "
            f"{made.track_length:11.3f}  {limit:.3f}  {epsilon:.2e}   {at:.2e}   {epsilon / at:.3f}"
        )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
