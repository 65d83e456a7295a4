"""
Acceptance of the visible mode against mass and mixing of the A': simulated events against the formula.

    na64 simulate na64vis_2017 visible_dark_photon --set mass=0.0167 --set epsilon=3e-4 -n 20000 -o FILE
    python docs/examples/visible_acceptance.py REFERENCE FILE ...

The formula is exp(-L1 / L) - exp(-L2 / L) from the back of V2 to the front of S4, averaged over A' of the
process that have more than the least energy in the ECAL, times one efficiency: that of the first file. Mass
and mixing of each file are read from it.
"""

import argparse
from typing import Any

import numpy as np

from datasets.setups import load_setup
from datasets.simulation.model import Particles
from datasets.simulation.processes.dark_photon import radiate
from datasets.simulation.stack import build_stack
from datasets.sources import find_inputs
from physics.visible_decays import mean_decay_share
from processors.result import AnalysisResult
from processors.runner import Execution, Request, prepare, run_items
from processors.visible import VisibleProcessor

N_DRAWN = 200_000  # A' of the formula


class Nothing:
    """The sum of results that were all consumed."""

    def __add__(self, other: object) -> "Nothing":
        return self


def measure(path: str) -> tuple[str, dict[str, float], int, int]:
    """Return setup and parameters of a file, the number of its A', and of those in the signal box."""
    processor, found = VisibleProcessor(variations=("none",)), list[AnalysisResult]()
    prepared = prepare(Request(files=find_inputs([path])), processor, lambda *_: None)
    run_items(prepared, processor, Execution(), Nothing(), consume=lambda _, out: found.append(out))
    samples = [sample for result in found for sample in result.samples.values()]
    parent: Any = prepared.probes[0].parent
    inside = sum(sample.regions["signal_box"][1] or 0 for sample in samples)
    process = parent["processes"][0]
    return parent["setup"], process["parameters"], sum(sample.entries for sample in samples), inside


def expect(name: str, parameters: dict[str, float]) -> float:
    """Return the part of all A' that have the energy of the cut and decay between V2 and S4."""
    setup = load_setup(name)
    stack, least = build_stack(setup), VisibleProcessor().selection_for(setup).params["ecal_energy"]["low"]
    target, n = stack.target.sections[0], N_DRAWN
    beam = Particles(
        np.arange(n), np.full(n, 11), np.full(n, setup.beam.momentum), np.full(n, target.centre[0]),
        np.full(n, target.centre[1]), np.full(n, target.z), np.zeros(n), np.zeros(n),
    )  # fmt: skip
    _, dark = radiate(beam, stack, parameters, np.random.default_rng(3))
    veto, counter = setup.detectors["v2"].sections[0], setup.detectors["s4"].sections[0]
    begin, end = veto.z + veto.length - dark.z, counter.z - dark.z
    mass, epsilon = parameters["mass"], parameters["epsilon"]
    return mean_decay_share(mass, epsilon, dark.momentum, begin, end, dark.momentum > least)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("files", nargs="+")
    print("| mass [MeV] | epsilon | A' | in the box | simulated | formula x efficiency | ratio |")
    print("|---|---|---|---|---|---|---|")
    efficiency = None
    for path in parser.parse_args().files:
        name, parameters, n, inside = measure(path)
        formula, share = expect(name, parameters), inside / n
        efficiency = share / formula if efficiency is None else efficiency
        error = np.sqrt(share * (1 - share) / n) / (formula * efficiency)
        print(
            f"| {1e3 * parameters['mass']:g} | {parameters['epsilon']:g} | {n} | {inside} | {share:.4f} | "
            f"{formula * efficiency:.4f} | {share / formula / efficiency:.3f} ± {error:.3f} |"
        )
    print(f"\nEfficiency of the first file: {efficiency:.3f}")


if __name__ == "__main__":
    main()
