"""Look for the best thresholds: one at a time, again and again, and the edges of the box together."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from selections.background.intervals import Interval
from selections.optimisation.config import BOX, OptimisationConfig
from selections.optimisation.problem import Problem, Scanned
from selections.optimisation.samples import Point

__all__ = ["Curve", "Halves", "Moves", "Optimum", "find_optimum", "moves_of", "scan", "search"]

Floats = npt.NDArray[np.float64]
Moves = Mapping[str, Floats]  # threshold -> values; several are tried in all combinations

_SWEEPS = 6
_FAINT = 100  # simulated signal events, and
_FEW = 10  # events of background, below which an optimum is a matter of chance
_SURE = 0.16  # share of replicas that may disagree


class Curve(NamedTuple):
    """A threshold, tried with all others at the best point."""

    name: str
    values: Floats
    scanned: Scanned
    optimum: Interval  # value at the best figure, and where 68% of the replicas have theirs
    alone: float  # gain of moving this threshold and no other; 1: none


class Halves(NamedTuple):
    """What a point that was chosen on one half of the events gains there, and on the other half."""

    chosen_on: float
    independent: float


class Optimum(NamedTuple):
    """What came of a search."""

    nominal: Scanned  # one point
    best: Scanned  # one point, with replicas
    curves: tuple[Curve, ...]
    box: Scanned | None  # all combinations of the edges, at the best point
    halves: Halves
    gain: Interval  # of the best point over the nominal one, and 68% of the replicas
    warnings: tuple[str, ...]

    @property
    def changes(self) -> dict[str, float]:
        """Return the thresholds that move."""
        old, new = self.nominal.points[0], self.best.points[0]
        return {name: value for name, value in new.items() if value != old[name]}


def moves_of(config: OptimisationConfig, start: Point) -> list[Moves]:
    """Return what is tried together: each threshold by itself, the edges of the box in all combinations."""
    single = [{name: _with(r.values, start[name])} for name, r in config.thresholds.items() if name in start]
    edges = {f"{BOX}.{c}": _with(r.values, start[f"{BOX}.{c}"]) for c, r in config.box.items()}
    return [*single, edges] if edges else list(single)


def _with(values: Floats, value: float) -> Floats:
    """Return values with one more, in order."""
    return np.unique(np.append(values, value))


def scan(problem: Problem, at: Point, moves: Moves, rng: np.random.Generator, n_replicas: int = 0) -> Scanned:
    """Judge all combinations of the values of some thresholds, the others staying where they are."""
    points = [{**at, **dict(zip(moves, values, strict=True))} for values in product(*moves.values())]
    return problem.judge(points, rng, n_replicas)


def search(
    problem: Problem,
    start: Point,
    moves: list[Moves],
    rng: np.random.Generator,
    *,
    n_replicas: int = 100,
    least_gain: float = 0.0,
) -> Point:
    """
    Move one threshold after the other to where the figure is best, until none moves.

    Parameters
    ----------
    problem : Problem
    start : Point
    moves : list of Moves
    rng : numpy.random.Generator
    n_replicas : int
    least_gain : float
        A threshold stays where it is if moving it gains less, or if 16% of the replicas see no gain.

    Returns
    -------
    Point
    """
    at = dict(start)
    for _ in range(_SWEEPS):
        before = dict(at)
        for move in moves:
            found = scan(problem, at, move, rng, n_replicas)
            here = next(i for i, p in enumerate(found.points) if all(p[n] == at[n] for n in move))
            best = int(found.best(list(move), at)[0])
            gains = found.figure[here] / found.figure[best]
            if gains[0] > 1 + least_gain and np.quantile(gains, _SURE) > 1:
                at = dict(found.points[best])
        if at == before:
            break
    return at


def find_optimum(
    problem: Problem,
    start: Point,
    config: OptimisationConfig,
    rng: np.random.Generator,
    *,
    n_replicas: int = 100,
) -> Optimum:
    """
    Find the best point, how well it is known, and whether it is more than a fluctuation.

    Parameters
    ----------
    problem : Problem
    start : Point
        The selection as it is.
    config : OptimisationConfig
        Thresholds that the point does not have are left out.
    rng : numpy.random.Generator
    n_replicas : int

    Returns
    -------
    Optimum
    """
    moves = moves_of(config, start)
    least = config.least_gain
    at = search(problem, start, moves, rng, n_replicas=n_replicas, least_gain=least)
    halves = _cross_check(problem, start, moves, rng, n_replicas, least)
    both = problem.judge([start, at], rng, n_replicas)
    ratio = both.figure[0] / both.figure[1]
    singles = [{name: values} for move in moves for name, values in move.items()]
    curves = tuple(_curve(problem, start, at, move, rng, n_replicas) for move in singles)
    box = next((move for move in moves if len(move) > 1), None)
    optimum = Optimum(
        problem.judge([start]),
        problem.judge([at], rng, n_replicas),
        curves,
        None if box is None else scan(problem, at, box, rng, n_replicas),
        halves,
        Interval(float(ratio[0]), *(float(q) for q in np.quantile(ratio, [_SURE, 1 - _SURE]))),
        (),
    )
    return optimum._replace(warnings=tuple(_warn(optimum, config)))


def _curve(
    problem: Problem, start: Point, at: Point, move: Moves, rng: np.random.Generator, n_replicas: int
) -> Curve:
    [(name, values)] = move.items()
    found = scan(problem, at, move, rng, n_replicas)
    optima = values[found.best([name], at)]
    low, high = (float(q) for q in np.quantile(optima, [_SURE, 1 - _SURE]))
    value = float(optima[0])
    alone = scan(problem, start, move, rng)
    here = int(np.flatnonzero(values == start[name])[0])
    gain = float(alone.figure[here, 0] / alone.figure[:, 0].min())
    return Curve(name, values, found, Interval(value, min(low, value), max(high, value)), gain)


def _cross_check(
    problem: Problem,
    start: Point,
    moves: list[Moves],
    rng: np.random.Generator,
    n_replicas: int,
    least_gain: float,
) -> Halves:
    """Choose on each half of the events, and judge on both; gains are geometric means."""
    halves = problem.halves(rng)
    own: list[float] = []
    others: list[float] = []
    for one, other in (halves, halves[::-1]):
        at = search(one, start, moves, rng, n_replicas=n_replicas, least_gain=least_gain)
        for half, gains in ((one, own), (other, others)):
            figure = half.judge([start, at]).figure[:, 0]
            gains.append(float(figure[0] / figure[1]))
    return Halves(float(np.sqrt(np.prod(own))), float(np.sqrt(np.prod(others))))


def _warn(optimum: Optimum, config: OptimisationConfig) -> list[str]:
    """Say where the optimum rests on little."""
    best, told = optimum.best, []
    fewest = int(best.signal_events.min())
    if fewest < _FAINT:
        told.append(f"only {fewest} simulated signal events pass at the best point; simulate more")
    events = sum(int(n[0]) for n in best.source_events.values())
    if events < _FEW:
        told.append(
            f"the background at the best point rests on {events} events; where a source has none left, half "
            f"an event is assumed"
        )
    bare = [name for name, n in best.source_events.items() if n[0] == 0]
    share = sum(float(best.sources[name].mean[0]) for name in bare) / max(
        float(best.background.mean[0]), 1e-30
    )
    if bare and share > 0.5:
        told.append(
            f"{share:.0%} of the background at the best point is of sources without an event there: "
            f"{', '.join(bare)}"
        )
    claimed, seen = optimum.halves.chosen_on - 1, optimum.halves.independent - 1
    if claimed > config.least_gain and seen < 0.5 * claimed:
        told.append(
            f"chosen on one half of the events the best point gains {claimed:.1%} there and {seen:+.1%} on "
            f"the other half: it follows fluctuations, and more events are needed"
        )
    told += [
        f"{curve.name} is best at {curve.optimum.value:g}, where the closed region ends; no larger box is "
        f"tried"
        for curve in optimum.curves
        if curve.name.startswith(f"{BOX}.") and curve.optimum.value == curve.values[-1]
    ]
    ranges = {**config.thresholds, **{f"{BOX}.{c}": r for c, r in config.box.items()}}
    told += [
        f"{name} = {value:g} is at the end of its scan; scan further, where that is possible"
        for name, value in optimum.changes.items()
        if value in (ranges[name].low, ranges[name].high)
    ]
    return told
