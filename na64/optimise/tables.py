"""An optimisation as Markdown, as options of `na64 run`, and as plain values for JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from na64.optimise.task import Reference, Task
from na64.run.record import versions
from selections.background.intervals import Interval
from selections.optimisation.problem import Scanned
from selections.optimisation.search import Optimum

__all__ = ["apply_options", "figure_name", "optimise_json", "optimise_markdown"]

_VERSION = 1  # of optimise.json and the names in it


def figure_name(task: Task) -> str:
    """Return what is made small."""
    if task.problem.figure == "punzi":
        return "signal events for a discovery (Punzi, 3 sigma)"
    return f"expected {task.problem.level:.0%} CL upper limit on signal events"


def apply_options(optimum: Optimum) -> str:
    """Return the options of `na64 run` that apply the best point; empty where nothing moves."""
    return " ".join(f"--set {name}={value:g}" for name, value in optimum.changes.items())


def _state(task: Task) -> str:
    data = "no data" if task.data is None else f"data {task.data.state}"
    exposure = "" if task.eot is None else f", {task.eot:.3g} particles on target"
    return f"{task.selection.analysis}, {task.setup}, {data}{exposure}"


def _percent(gain: float) -> str:
    return f"{100 * (gain - 1):+.1f}%"


def optimise_markdown(task: Task, optimum: Optimum) -> str:
    """Return the tables with their warnings."""
    lines = [f"# Best thresholds ({_state(task)})", ""]
    lines += [f"**Warning:** {text}." for text in optimum.warnings]
    lines += [""] * bool(optimum.warnings)
    lines += [_verdict(task, optimum), "", *_summary(task, optimum), "", *_thresholds(optimum), ""]
    lines += [
        "Gains are ratios of figures of merit, the worse over the better. *Alone*: gain of moving this "
        "threshold and no other. *If moved back*: loss at the best point. The "
        "interval holds the best value of 68% of the replicas of all samples, the other thresholds being at "
        "the best point.",
        "",
        *_sources(task, optimum),
        "",
    ]
    lines += [f"* {text}" for text in task.notes]
    return "\n".join(lines).rstrip() + "\n"


def _verdict(task: Task, optimum: Optimum) -> str:
    if not optimum.changes:
        return "No threshold moves: none gains more than its statistical uncertainty allows."
    halves, gain = optimum.halves, optimum.gain
    return (
        f"The best point gains {_percent(gain.value)} in the {figure_name(task)} (68%: "
        f"{_percent(gain.low)} to {_percent(gain.high)}). Chosen on one half of the events, the gain is "
        f"{_percent(halves.chosen_on)} there and **{_percent(halves.independent)} on the independent "
        f"half**. To apply it:\n\n"
        f"    na64 run {task.selection.analysis} INPUTS -o DIR {apply_options(optimum)}"
    )


def _summary(task: Task, optimum: Optimum) -> list[str]:
    rows = [
        ("figure of merit: " + figure_name(task), [f"{s.figure[0, 0]:.4g}" for s in _both(optimum)]),
        ("expected background", [_known(s) for s in _both(optimum)]),
    ]
    for index, signal in enumerate(task.signals):
        name = f"efficiency of {_signal_name(signal)}"
        rows.append((name, [f"{s.efficiency[index, 0]:.4f}" for s in _both(optimum)]))
        if (limits := _epsilon(task, optimum, index)) is not None:
            rows.append((f"expected limit on epsilon, {_signal_name(signal)}", [f"{x:.3g}" for x in limits]))
    lines = ["| | as it is | best point |", "|---|---|---|"]
    return lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows]


def _both(optimum: Optimum) -> tuple[Scanned, Scanned]:
    return optimum.nominal, optimum.best


def _known(scanned: Scanned) -> str:
    return f"{scanned.background.mean[0]:.3g} ± {math.sqrt(scanned.background.variance[0]):.2g}"


def _signal_name(signal: Reference) -> str:
    mass = signal.parameters.get("mass")
    return signal.name if mass is None else f"{signal.name} ({mass:g} GeV)"


def _epsilon(task: Task, optimum: Optimum, index: int) -> tuple[float, float] | None:
    """Return the mixing that the limit on one signal stands for: its yield grows like the square."""
    signal = task.signals[index]
    if task.problem.figure != "limit" or not signal.expected:
        return None
    found = []
    for scanned in _both(optimum):
        average = math.exp(sum(math.log(e) for e in scanned.efficiency[:, 0]) / len(scanned.efficiency))
        events = scanned.figure[0, 0] * average / scanned.efficiency[index, 0]
        found.append(signal.parameters["epsilon"] * math.sqrt(events / signal.expected))
    return found[0], found[1]


def _thresholds(optimum: Optimum) -> list[str]:
    start, best = optimum.nominal.points[0], optimum.best.points[0]
    lines = [
        "| threshold | as it is | best point | best value, 68% interval | alone | if moved back |",
        "|---|---|---|---|---|---|",
    ]
    for curve in optimum.curves:
        old, new = start[curve.name], best[curve.name]
        figure = curve.scanned.figure[:, 0]
        places = {float(value): index for index, value in enumerate(curve.values)}
        back = "" if old == new else _percent(figure[places[new]] / figure[places[old]])
        moved = f"**{new:g}**" if old != new else "stays"
        value, low, high = curve.optimum
        lines.append(
            f"| {curve.name} | {old:g} | {moved} | {value:g} ({low:g} to {high:g}) | {_percent(curve.alone)} "
            f"| {back} |"
        )
    return lines


def _sources(task: Task, optimum: Optimum) -> list[str]:
    problem = task.problem
    labels = {s.name: s.label for s in problem.simulated} | {b.name: b.label for b in problem.bands}
    lines = [
        "| background | as it is | best point | events behind it |",
        "|---|---|---|---|",
    ]
    for name, label in labels.items():
        cells = [
            f"{s.sources[name].mean[0]:.3g} ± {math.sqrt(s.sources[name].variance[0]):.2g}"
            for s in _both(optimum)
        ]
        events = [f"{s.source_events[name][0]}" for s in _both(optimum)]
        lines.append(f"| {label} ({name}) | {' | '.join(cells)} | {' → '.join(events)} |")
    return lines


def _interval(interval: Interval) -> dict[str, float]:
    return interval._asdict()


def _point(task: Task, scanned: Scanned) -> dict[str, Any]:
    return {
        "thresholds": {name: float(value) for name, value in scanned.points[0].items()},
        "figure": float(scanned.figure[0, 0]),
        "background": float(scanned.background.mean[0]),
        "background_error": math.sqrt(scanned.background.variance[0]),
        "efficiency": {s.name: float(e) for s, e in zip(task.signals, scanned.efficiency[:, 0], strict=True)},
        "signal_events": {
            s.name: int(n) for s, n in zip(task.signals, scanned.signal_events[:, 0], strict=True)
        },
        "sources": {
            name: {
                "mean": float(known.mean[0]),
                "error": math.sqrt(known.variance[0]),
                "events": int(scanned.source_events[name][0]),
            }
            for name, known in scanned.sources.items()
        },
    }


def _finite(values: npt.NDArray[np.float64]) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]


def optimise_json(task: Task, optimum: Optimum, seed: int) -> dict[str, Any]:
    """Return the content of optimise.json."""
    epsilon = [_epsilon(task, optimum, index) for index in range(len(task.signals))]
    return {
        "version": _VERSION,
        "analysis": task.selection.analysis,
        "setup": task.setup,
        "runs": {kind: list(paths) for kind, paths in task.runs.items()},
        "blinding": None
        if task.data is None
        else {"state": task.data.state, "digest": task.data.record["blinding"]["digest"]},
        "eot": task.eot,
        "figure": {"name": task.problem.figure, "label": figure_name(task), "level": task.problem.level},
        "seed": seed,
        "replicas": optimum.best.figure.shape[1] - 1,
        "nominal": _point(task, optimum.nominal),
        "best": _point(task, optimum.best),
        "changes": {name: float(value) for name, value in optimum.changes.items()},
        "options": apply_options(optimum),
        "gain": _interval(optimum.gain),
        "gain_on_own_half": optimum.halves.chosen_on,
        "gain_on_independent_half": optimum.halves.independent,
        "epsilon": {
            signal.name: {"nominal": pair[0], "best": pair[1]}
            for signal, pair in zip(task.signals, epsilon, strict=True)
            if pair is not None
        },
        "scans": [
            {
                "name": curve.name,
                "values": [float(value) for value in curve.values],
                "figure": _finite(curve.scanned.figure[:, 0]),
                "background": _finite(curve.scanned.background.mean),
                "efficiency": _finite(curve.scanned.efficiency.mean(axis=0)),
                "optimum": _interval(curve.optimum),
                "gain_alone": curve.alone,
            }
            for curve in optimum.curves
        ],
        "box": None
        if optimum.box is None
        else [
            {**{n: float(v) for n, v in point.items() if n.startswith("signal_box.")}, "figure": figure}
            for point, figure in zip(optimum.box.points, _finite(optimum.box.figure[:, 0]), strict=True)
        ],
        "warnings": list(optimum.warnings),
        "notes": list(task.notes),
        "versions": versions(),
    }
