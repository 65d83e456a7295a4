"""
Charge exchanges of the hadron mode, counted in two ways against the formula of physics/charge_exchange.py.

    na64 simulate na64h_2022 mixture --mixture charge_exchange -n 20000 --no-pile-up -o exchange.root
    python docs/examples/charge_exchange_yield.py --pions 1000000 exchange.root

First pions are followed layer by layer through lead and plastic, with the momentum that each has left, which
the yields of the processes leave out; charge exchange is made 3000 times as frequent. Then the events of a
file are counted by process: the formula gives their shares. Errors are those of the counts.
"""

import argparse

import numpy as np
import uproot

from datasets.setups import load_setup
from datasets.simulation.processes import PROCESSES
from datasets.simulation.stack import Stack, build_stack
from physics.charge_exchange import exchange_section
from physics.materials import Material, elements_of

MESONS = {"pi0": "invisible_pi0", "eta": "invisible_eta", "eta'": "invisible_eta_prime"}
BIAS = 3000.0
AVOGADRO = 6.02214076e23


def section_per_volume(matter: Material, meson: str, momentum: np.ndarray) -> np.ndarray:
    """Return exchanges per millimetre of a material, by momentum [GeV]."""
    return sum(
        0.1 * matter.density * share * AVOGADRO / a * exchange_section(meson, momentum, z)
        for z, a, share in elements_of(matter)
    )


def layers_of(stack: Stack) -> list[tuple[Material, float]]:
    """Return the layers of the target in the order of the beam, with their thickness [mm]."""
    layers = []
    for volume in (stack.volumes[i] for i in stack.index(stack.target.name)):
        matter = volume.section.matter
        pair = [(volume.absorber, matter.absorber_thickness), (volume.active, matter.active_thickness)]
        layers += pair * matter.layers
    return layers


def follow(n: int, rng: np.random.Generator) -> dict[str, int]:
    """Count the exchanges of n pions, which go on as if nothing had happened: they are rare in nature."""
    setup = load_setup("na64h_2022")
    momentum = setup.beam.momentum * (1 + setup.beam.spread * np.clip(rng.standard_normal(n), -3, 3))
    counts = dict.fromkeys(MESONS, 0)
    for matter, thickness in layers_of(build_stack(setup)):
        for meson in MESONS:
            chance = BIAS * section_per_volume(matter, meson, momentum) * thickness
            counts[meson] += int((rng.random(len(momentum)) < chance).sum())
        survives = rng.random(len(momentum)) < np.exp(-thickness / matter.pion_interaction_length)
        momentum = momentum[survives] - matter.minimum_ionisation * thickness
    return counts


def row(meson: str, counted: int, expected: float) -> str:
    """Return one line of a table."""
    error = np.sqrt(counted) / expected
    ratio = counted / expected
    return f"| {meson} | {counted} | {expected:.1f} | {ratio:.3f} ± {error:.3f} |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?")
    parser.add_argument("--pions", type=int, default=1_000_000)
    options = parser.parse_args()
    setup = load_setup("na64h_2022")
    processes = {meson: PROCESSES[name] for meson, name in MESONS.items()}
    rates = {meson: kind.rate(setup, kind.parameters).value for meson, kind in processes.items()}
    share = setup.beam.share_of("pi-")
    print(f"{options.pions} pions layer by layer, exchange times {BIAS:g}")
    print("| meson | counted | formula | ratio |\n|---|---|---|---|")
    for meson, count in follow(options.pions, np.random.default_rng(1)).items():
        print(row(meson, count, options.pions * BIAS * rates[meson] / share))
    if options.file:
        with uproot.open(options.file) as file:
            codes = file["simulated"]["truth_process"].array(library="np")
        print(f"\n{len(codes)} events of {options.file}")
        print("| meson | counted | formula | ratio |\n|---|---|---|---|")
        for meson, kind in processes.items():
            expected = len(codes) * rates[meson] / sum(rates.values())
            print(row(meson, int((codes == kind.code).sum()), expected))


if __name__ == "__main__":
    main()
