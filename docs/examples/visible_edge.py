"""
What the published upper edge of visible decays of 2017 would need, one number at a time.

    python docs/examples/visible_edge.py

Of 5.4e10 electrons and an efficiency of 0.6: events at both published edges, where 2.3 are expected to be;
the way from the front of the WCAL to the back of V2, or the energy that must be left in the WCAL, with which
2.3 would be at the upper one; and the events at the best epsilon.
"""

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from datasets.setups import load_setup
from limits.visible import DenseTarget, dense_target, visible_yield
from na64.limit.curves import read_curve

EXPOSURE, EFFICIENCY, EVENTS = 5.4e10, 0.6, float(np.log(10))
MASSES = (0.0015, 0.003, 0.005, 0.010, 0.0167, 0.020)  # [GeV]


def solve(target: DenseTarget, mass: float, epsilon: float, name: str, most: float) -> float:
    """Return the value of a number of the target at which the limit is met, from its own up to `most`."""

    def excess(value: float) -> float:
        shift = value - target.to_veto if name == "to_veto" else 0.0
        changed = replace(target, **{name: value, "to_end": target.to_end + shift})
        return EXPOSURE * EFFICIENCY * visible_yield(changed, mass, epsilon) - EVENTS

    return float(brentq(excess, getattr(target, name), most))


def main() -> None:
    """Print a table."""
    target, curve = dense_target(load_setup("na64vis_2017")), read_curve("na64_visible_2017")
    print("| mass [MeV] | at lower edge | at upper edge | at the best | V2 [mm] | left [GeV] |")
    print("|---|---|---|---|---|---|")
    for mass in MASSES:
        edges = curve.at(mass), curve.upper_at(mass)
        scan = [*edges, *np.geomspace(1e-5, 1e-2, 200)]
        low, high, *rest = (EXPOSURE * EFFICIENCY * visible_yield(target, mass, float(e)) for e in scan)
        length = solve(target, mass, edges[1], "to_veto", 2000.0)
        left = solve(target, mass, edges[1], "left", target.beam - target.least)
        print(f"| {1e3 * mass:g} | {low:.2f} | {high:.3g} | {max(rest):.3g} | {length:.0f} | {left:.1f} |")


if __name__ == "__main__":
    main()
