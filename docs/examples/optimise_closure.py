"""Is the best threshold where it should be? Toys with a known optimum, a Markdown table.

python docs/examples/optimise_closure.py [--toys N]

Signal grows like x with a threshold x, background like x^4 up to 8 events; both are simulated events, few or
many. The true optimum is that of the same figure without fluctuations.
"""

import argparse

import numpy as np

from selections.cut import Cut
from selections.optimisation.config import OptimisationConfig, Range
from selections.optimisation.limit import expected_limit
from selections.optimisation.problem import Problem, Signal, Simulated
from selections.optimisation.samples import Sample
from selections.optimisation.search import find_optimum

BACKGROUND, POWER = 8.0, 4
CUT = Cut(
    name="q", label="q < {limit}", columns=("q",), keep=lambda q, *, limit: q < limit, params={"limit": 1.0}
)
CONFIG = OptimisationConfig(
    level=0.9, least_gain=0.005, thresholds={"q.limit": Range(low=0.1, high=1.0, steps=91)}, box={}
)


def true_figure(x: float) -> float:
    """Return the expected limit over the efficiency of a threshold."""
    return expected_limit(BACKGROUND * x**POWER) / x


def make_toy(events: int, rng: np.random.Generator) -> Problem:
    """Draw so many events of signal, and as many of background."""
    signal = Sample("signal", {"q": rng.random(events)}, np.ones(events))
    weight = BACKGROUND / events
    background = Sample("background", {"q": rng.random(events) ** (1 / POWER)}, np.full(events, weight))
    return Problem(
        cuts=(CUT,),
        box_columns=(),
        signals=(Signal(signal, float(events)),),
        simulated=(Simulated("background", "background", background, 1.0, 0.0, weight),),
    )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--toys", type=int, default=60)
    toys = parser.parse_args().toys
    grid = np.linspace(0.1, 1.0, 181)
    figures = np.array([true_figure(x) for x in grid])
    best = grid[figures.argmin()]
    print(f"true optimum {best:.3f}, true gain {100 * (true_figure(1.0) / figures.min() - 1):.1f}%\n")
    print(
        "| events | best threshold: mean ± rms | in the 68% interval | gain, own half | independent half "
        "| true gain of what was chosen |"
    )
    print("|---|---|---|---|---|---|")
    for events in (100, 300, 1000, 5000):
        rows = []
        for seed in range(toys):
            rng = np.random.default_rng([events, seed])
            problem = make_toy(events, rng)
            found = find_optimum(problem, problem.start({}), CONFIG, rng, n_replicas=60)
            low, high = found.curves[0].optimum[1:]
            x = found.best.points[0]["q.limit"]
            gain = true_figure(1.0) / true_figure(x)
            rows.append((found.curves[0].optimum.value, low <= best <= high, *found.halves, gain))
        value, inside, own, other, true = np.array(rows).T
        percent = " | ".join(f"{100 * (g.mean() - 1):+.1f}%" for g in (own, other, true))
        print(f"| {events} | {value.mean():.3f} ± {value.std():.3f} | {inside.mean():.0%} | {percent} |")


if __name__ == "__main__":
    main()
