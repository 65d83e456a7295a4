"""Tables of an exclusion curve: text, CSV and JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from limits.impacts import Impact
from limits.scan import Point, Problem
from na64.limit.curves import Curve
from na64.run.record import versions
from physics.dark_matter import yield_of_mixing

__all__ = [
    "BAND_NAMES",
    "has_y",
    "impacts_csv",
    "limits_csv",
    "limits_json",
    "limits_text",
    "ratios_text",
    "thinned",
    "word_of",
    "y_of",
]

T = TypeVar("T")

_VERSION = 1
_SHOWN = 9  # ratios of a line
BAND_NAMES = ("minus_2_sigma", "minus_1_sigma", "median", "plus_1_sigma", "plus_2_sigma")


def limits_csv(problem: Problem, points: Sequence[Point]) -> str:
    """Return one row per mass; of invisible decays the limits on y are behind those on epsilon."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    runs = [run.name for run in problem.runs]
    writer.writerow(
        ["mass_GeV", f"{problem.model.symbol}_observed"]
        + [f"{problem.model.symbol}_expected_{band}" for band in BAND_NAMES]
        + ["signal_events_at_limit", "track_length_X0", "resonant_share"]
        + [f"efficiency_{run}" for run in runs]
        + ["method"]
        + (
            ["m_chi_GeV", "y_observed", *(f"y_expected_{band}" for band in BAND_NAMES)]
            if has_y(problem)
            else []
        )
    )
    for p in points:
        numbers = [p.observed, *p.expected, p.events, p.track_length, p.resonant, *p.efficiency]
        of_chi = [problem.settings.mass_ratio * p.mass, *y_of(problem, [p.observed, *p.expected])]
        in_y = [word_of(n) for n in of_chi] if has_y(problem) else []
        writer.writerow([f"{p.mass:.9g}", *(word_of(n) for n in numbers), p.method, *in_y])
    return text.getvalue()


def has_y(problem: Problem) -> bool:
    """Return whether limits are also on y, of dark matter that a dark photon decays to."""
    return problem.model.name == "invisible"


def y_of(problem: Problem, couplings: Sequence[float | None]) -> list[float | None]:
    """Return y of epsilons, for the dark sector of a problem; None where there is none."""
    settings = problem.settings
    return [
        None if value is None else float(yield_of_mixing(value, settings.alpha_d, settings.mass_ratio))
        for value in couplings
    ]


def word_of(number: float | None) -> str:
    """Return a number of a CSV; nothing where it is not known."""
    return "" if number is None or not math.isfinite(number) else f"{number:.6g}"


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def limits_json(
    problem: Problem,
    points: Sequence[Point],
    *,
    state: str,
    sources: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
    impacts: Sequence[Impact],
    impacts_at: float,
) -> dict[str, Any]:
    """Return the content of limits.json."""
    settings = problem.settings
    return {
        "version": _VERSION,
        "model": problem.model.name,
        "coupling": problem.model.symbol,
        "level": problem.level,
        "blinding": {"state": state},
        "settings": {
            "alpha_d": settings.alpha_d,
            "mass_ratio": settings.mass_ratio,
            "dark_matter": settings.dark_matter,
            "with_resonance": settings.with_resonance,
            "electron_motion": settings.electron_motion,
            "yield_error": problem.yield_error,
            "toys": problem.n_toys,
            "seed": problem.seed,
        },
        "runs": [
            {
                "name": run.name,
                "setup": run.setup,
                "eot": run.exposure,
                "missing_energy": run.least,
                "background": list(run.background.values),
                "background_factors": {"own": run.background.own, "extrapolation": run.background.shared},
                "observed": None if run.observed is None else list(run.observed),
                "dimuon_correction": run.correction[0],
                "track_length": None if run.beam.tracks is None else run.beam.tracks.digest,
            }
            for run in problem.runs
        ],
        "points": [
            {name: _number(value) for name, value in point._asdict().items()}
            | {"expected": dict(zip(BAND_NAMES, map(_number, point.expected), strict=True))}
            for point in points
        ],
        "impacts": {"mass": impacts_at, "nuisances": [one._asdict() for one in impacts]},
        "inputs": [dict(source) for source in sources],
        "notes": list(notes),
        "versions": versions(),
    }


def impacts_csv(impacts: Sequence[Impact]) -> str:
    """Return one row per nuisance."""
    rows = ["nuisance,pull,error,limit_change_down,limit_change_up"]
    rows += [f"{i.name},{i.pull:.4f},{i.error:.4f},{i.down:.5f},{i.up:.5f}" for i in impacts]
    return "\n".join(rows) + "\n"


def limits_text(
    problem: Problem, points: Sequence[Point], state: str, notes: Sequence[str], impacts: Sequence[Impact]
) -> str:
    """Return what the terminal shows."""
    model = problem.model
    kind = {"closed": "blinded: expected limits only", "open": "open data", "projection": "projection"}[state]
    lines = [f"{model.title}: {100 * problem.level:g}% CL upper limits on {model.symbol} ({kind})", ""]
    for run in problem.runs:
        seen = ", blinded" * (state == "closed")
        seen = seen if run.observed is None else f", {sum(run.observed)} events seen"
        low, high = (sum(run.background.values) * f for f in run.background.own)
        bins = f", {len(run.background.values)} bins of missing energy" * (len(run.background.values) > 1)
        lines.append(
            f"  {run.name} ({run.setup}): {run.exposure:.3g} particles on target, background "
            f"{sum(run.background.values):.3g} ({low:.3g} to {high:.3g}){seen}{bins}"
        )
    lines += ["", "  mass [MeV]    observed    expected    -1 to +1 sigma         efficiency  length [X0]"]
    for p in points:
        observed = "-" if p.observed is None else f"{p.observed:.3e}"
        length = f"{p.track_length:.3f}" if math.isfinite(p.track_length) else "-"
        lines.append(
            f"  {1e3 * p.mass:10.4g}  {observed:>10}  {p.expected[2]:10.3e}  {p.expected[1]:.3e} to "
            f"{p.expected[3]:.3e}  {p.efficiency[0]:9.3f}  {length:>11}"
        )
    if impacts:
        blinded = any(run.observed is None for run in problem.runs)
        which = "mean expected limit" if blinded and problem.method != "asymptotic" else "limit"
        width = max(20, *(len(i.name) for i in impacts))
        lines += ["", f"  {'nuisance':<{width}} pull         {which} moves by (down, up)"]
        lines += [
            f"  {i.name:<{width}} {i.pull:+.2f} ± {i.error:.2f}  {100 * i.down:+6.1f}% {100 * i.up:+6.1f}%"
            for i in impacts
        ]
    lines += [f"  note: {note}" for note in notes]
    return "\n".join(lines) + "\n"


def ratios_text(points: Sequence[Point], curves: Sequence[Curve]) -> str:
    """Return our limit over published ones, at our masses within theirs."""
    lines = []
    for curve in curves:
        found = [(p.mass, p.best / curve.at(p.mass)) for p in points if math.isfinite(curve.at(p.mass))]
        found = thinned(found)
        if found:
            text = ", ".join(f"{ratio:.3f} at {1e3 * mass:.4g}" for mass, ratio in found)
            lines.append(f"  over {curve.label}: {text} MeV")
    return "".join(line + "\n" for line in lines)


def thinned(values: Sequence[T]) -> list[T]:
    """Return at most nine of many values, the first and the last among them."""
    chosen = np.unique(np.linspace(0, len(values) - 1, min(_SHOWN, len(values))).round().astype(int))
    return [values[int(index)] for index in chosen]
