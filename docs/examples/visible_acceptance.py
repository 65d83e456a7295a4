"""
Acceptance of the visible mode against mass and mixing of the A': simulated events against the formula.

    na64 simulate na64vis_2017 visible_dark_photon --set mass=0.0167 --set epsilon=3e-4 -n 20000 -o FILE
    python docs/examples/visible_acceptance.py REFERENCE FILE ...

The formula is exp(-L1 / L) - exp(-L2 / L) from the back of V2 to the front of S4, averaged over A' of the
process, times the efficiency by the energy of the A' that the first file has. In accepted events that energy
is the one of the ECAL. Mass and mixing of each file are read from it.
"""

import argparse
import operator
from functools import reduce
from typing import Any

import numpy as np

from datasets.setups import load_setup
from datasets.simulation.model import Particles
from datasets.simulation.processes.dark_photon import radiate
from datasets.simulation.stack import build_stack
from datasets.sources import find_inputs
from limits.visible import dense_target
from physics.visible_decays import decay_lengths, decay_share
from processors.result import AnalysisResult
from processors.runner import Execution, Request, prepare, run_items
from processors.visible import VisibleProcessor

N_DRAWN = 400_000  # A' of the formula
EDGES = np.arange(16.0, 167.0, 10.0)  # [GeV] of bins of energy; below lies the cut of the ECAL


class Nothing:
    """The sum of results that were all consumed."""

    def __add__(self, other: object) -> "Nothing":
        return self


def measure(path: str) -> tuple[str, dict[str, float], int, np.ndarray]:
    """Return setup and parameters of a file, the number of its A', and of those in the box by ECAL energy."""
    processor, found = VisibleProcessor(variations=("none",)), list[AnalysisResult]()
    prepared = prepare(Request(files=find_inputs([path])), processor, lambda *_: None)
    run_items(prepared, processor, Execution(), Nothing(), consume=lambda _, out: found.append(out))
    total = reduce(operator.add, found)
    (sample,) = total.samples.values()
    energies = total.histograms["edep_plane_final"].project("ecal_energy").values()
    fine = total.histograms["edep_plane_final"].axes["ecal_energy"].edges
    inside = np.histogram(0.5 * (fine[1:] + fine[:-1]), EDGES, weights=energies)[0]
    assert inside.sum() == sample.regions["signal_box"][1]
    parent: Any = prepared.probes[0].parent
    return parent["setup"], parent["processes"][0]["parameters"], sample.entries, inside


def expect(name: str, parameters: dict[str, float]) -> np.ndarray:
    """Return the part of all A' that decay between V2 and S4, by their energy."""
    setup = load_setup(name)
    stack = build_stack(setup)
    target, n = stack.target.sections[0], N_DRAWN
    beam = Particles(
        np.arange(n), np.full(n, 11), np.full(n, setup.beam.momentum), np.full(n, target.centre[0]),
        np.full(n, target.centre[1]), np.full(n, target.z), np.zeros(n), np.zeros(n),
    )  # fmt: skip
    _, dark = radiate(beam, stack, parameters, np.random.default_rng(3))
    volume, depth = dense_target(setup), dark.z - stack.target_z
    length = decay_lengths(parameters["mass"], parameters["epsilon"], dark.momentum)
    share = decay_share(length, volume.to_veto - depth, volume.to_end - depth)
    return np.histogram(dark.momentum, EDGES, weights=share)[0] / n


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("files", nargs="+")
    print("| mass [MeV] | epsilon | A' | in the box | simulated | formula | with efficiency | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    efficiency = None
    for path in parser.parse_args().files:
        name, parameters, n, inside = measure(path)
        formula, share = expect(name, parameters), inside.sum() / n
        if efficiency is None:
            efficiency = np.divide(inside / n, formula, out=np.zeros(len(formula)), where=formula > 0)
        folded = (formula * efficiency).sum()
        error = np.sqrt(share * (1 - share) / n) / folded
        print(
            f"| {1e3 * parameters['mass']:g} | {parameters['epsilon']:g} | {n} | {int(inside.sum())} | "
            f"{share:.4f} | {formula.sum():.4f} | {folded:.4f} | {share / folded:.3f} ± {error:.3f} |"
        )
    print("\nEfficiency by energy [GeV] of the first file:")
    for low, high, value in zip(EDGES[:-1], EDGES[1:], efficiency, strict=True):
        if value > 0:
            print(f"{low:g} to {high:g}: {value:.3f}")


if __name__ == "__main__":
    main()
