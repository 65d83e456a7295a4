"""The background estimate as Markdown, LaTeX and plain values for JSON."""

from __future__ import annotations

import math
from typing import Any

from na64.background.beam_tag import beam_tag_json, beam_tag_markdown, beam_tag_rows
from na64.background.contamination import rescaling_json, rescaling_text
from na64.background.estimate import Background, SideBandFit
from na64.run.record import versions
from na64.run.tables import latex
from selections.background.config import load_background
from selections.background.extrapolation import Fit
from selections.background.intervals import Interval
from selections.background.sources import Estimate

__all__ = ["background_json", "background_latex", "background_markdown"]

_VERSION = 1  # of background.json and the names in it
Errors = tuple[float, float]


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.2g}"


def _digits(errors: Errors) -> int:
    """Return decimals that show two digits of the larger error."""
    size = max(errors)
    return max(0, 1 - math.floor(math.log10(size))) if size > 0 else 2


def _cells(estimate: Estimate) -> tuple[str, Errors, Errors, int]:
    """Return value, statistical and systematic errors, and decimals."""
    statistical, systematic = estimate.statistical.errors, estimate.systematic
    digits = min(_digits((max(statistical), max(systematic))), 6)
    return _number(estimate.statistical.value, digits), statistical, systematic, digits


def _rows(background: Background) -> list[Estimate]:
    counted = [e for e in background.estimates if e.source.in_total]
    compared = [e for e in background.estimates if not e.source.in_total]
    return [*counted, background.total, *compared]


def _state(background: Background) -> str:
    exposure = "" if background.eot is None else f", {background.eot:.3g} particles on target"
    run = background.data.record
    return f"{run['analysis']}, {run['setup']}, data {background.data.state}{exposure}"


def background_markdown(background: Background) -> str:
    """Return the table with its notes."""
    lines = [
        f"# Expected background ({_state(background)})",
        "",
        "| source | events | statistical | systematic | 68% interval | method |",
        "|---|---|---|---|---|---|",
    ]
    for estimate in _rows(background):
        value, statistical, systematic, digits = _cells(estimate)
        low, high = (_number(end, digits) for end in estimate.interval[1:])
        name = (
            estimate.source.label if estimate.source.in_total else f"*{estimate.source.label}* (comparison)"
        )
        name = f"**{name}**" if estimate is background.total else name
        errors = " | ".join(
            f"−{_number(down, digits)} +{_number(up, digits)}" for down, up in (statistical, systematic)
        )
        lines.append(f"| {name} | {value} | {errors} | {low} to {high} | {estimate.method} |")
        if estimate is background.total and background.observed is not None:
            lines.append(f"| **observed in the signal box** | {background.observed} | | | | opened data |")
    lines += ["", "Comparisons are not in the total: a side band holds them already.", ""]
    for estimate in _rows(background):
        parts = ", ".join(f"{n} −{d:.2g} +{u:.2g}" for n, (d, u) in estimate.systematics.items())
        if parts and estimate is not background.total:
            lines.append(f"* systematic errors of {estimate.source.label}: {parts}")
    lines += [f"* {_fit_text(band)}" for band in background.side_bands]
    hadrons = None if background.hadrons is None else rescaling_text(background.hadrons)
    lines += [f"* {text}" for text in (_benchmark_text(background), hadrons, *background.notes) if text]
    if background.beam is not None and background.tag is not None:
        lines += beam_tag_markdown(beam_tag_json(background.tag, background.beam))
    return "\n".join([*lines, ""])


def _fit_text(band: SideBandFit) -> str:
    low, high = band.found.area
    fit = band.found.nominal
    slope = (
        "no slope"
        if fit.events == 0
        else (f"slope {fit.slope:.3g} ({fit.slope_low:.3g} to {fit.slope_high:.3g}) / GeV")
    )
    return f"{band.name}: {fit.events} events, {slope}; fit ranges give {low:.3g} to {high:.3g}"


def _benchmark_text(background: Background) -> str:
    found = background.benchmark
    if found is None:
        return ""
    text = (
        f"dimuons: {found.observed} events in area I, {found.predicted:.4g} dimuons and "
        f"{found.others:.3g} others expected"
    )
    if found.ratio is None:
        return text
    down, up = found.ratio.errors
    return f"{text}; data/simulation {found.ratio.value:.3f} −{down:.3f} +{up:.3f}"


def background_latex(background: Background) -> str:
    """Return the table for `booktabs`."""
    lines = [
        rf"% {_state(background)}",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"source & events & 68\% interval \\",
        r"\midrule",
    ]
    for estimate in _rows(background):
        value, statistical, systematic, digits = _cells(estimate)
        errors = "".join(
            rf"\,{{}}_{{-{_number(down, digits)}}}^{{+{_number(up, digits)}}}\,\mathrm{{({name})}}"
            for name, (down, up) in (("stat", statistical), ("syst", systematic))
        )
        low, high = (_number(end, digits) for end in estimate.interval[1:])
        if estimate is background.total:
            lines.append(r"\midrule")
        lines.append(rf"{latex(estimate.source.label)} & ${value}{errors}$ & ${low}$ to ${high}$ \\")
        if estimate is background.total and background.observed is not None:
            lines.append(rf"observed in the signal box & ${background.observed}$ & \\")
        if estimate is background.total and estimate is not _rows(background)[-1]:
            lines += [r"\midrule", r"\multicolumn{3}{l}{\emph{comparisons, not in the total}} \\"]
    lines += [*_benchmark_latex(background), *_tag_latex(background)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _benchmark_latex(background: Background) -> list[str]:
    """Return the row of the dimuon ratio."""
    found = background.benchmark
    if found is None or found.ratio is None:
        return []
    value, low, high = found.ratio
    ratio = rf"${value:.3f}_{{-{value - low:.3f}}}^{{+{high - value:.3f}}}$"
    label = f"dimuons, data/simulation ({found.observed} events of data)"
    return [r"\midrule", rf"{latex(label)} & {ratio} & ${low:.3f}$ to ${high:.3f}$ \\"]


def _tag_latex(background: Background) -> list[str]:
    """Return the rows of the SRD tag, in percent."""
    if background.beam is None or background.tag is None:
        return []
    rows = beam_tag_rows(beam_tag_json(background.tag, background.beam))
    lines = [rf"{latex(label)} & {latex(share)} & {latex(interval)} \\" for label, share, interval in rows]
    if background.hadrons is not None:
        simulated = f"{100 * background.hadrons.simulated:.3f}%"
        lines.append(rf"hadrons in the simulated beam & {latex(simulated)} & \\")
    return [r"\midrule", r"\multicolumn{3}{l}{\emph{SRD tag}} \\", *lines]


def _interval(interval: Interval) -> dict[str, float]:
    return interval._asdict()


def _estimate(estimate: Estimate) -> dict[str, Any]:
    down, up = estimate.systematic
    return {
        "name": estimate.source.name,
        "label": estimate.source.label,
        "in_total": estimate.source.in_total,
        "method": estimate.method,
        "expected": estimate.statistical.value,
        "statistical": _interval(estimate.statistical),
        "systematic": {"down": down, "up": up},
        "systematics": {n: {"down": d, "up": u} for n, (d, u) in estimate.systematics.items()},
        "interval": _interval(estimate.interval),
    }


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "window": list(fit.window),
        "shape": fit.shape.name,
        "offset": fit.shape.offset,
        "events": fit.events,
        "slope": fit.slope if fit.events else None,
        "slope_low": fit.slope_low,
        "slope_high": fit.slope_high,
        "expected": _interval(fit.expected),
    }


def _inputs(background: Background) -> list[dict[str, Any]]:
    """Return the run directories that were read, each with its digests and those of its files."""
    beam = [] if background.beam is None else [("beam", background.beam)]
    used = [("data", background.data), *(("simulation", run) for run in background.simulations), *beam]
    return [
        {
            "role": role,
            "path": str(stored.path),
            "digest": stored.digest,
            "identity": stored.record.get("identity", {}),
            "files": [
                {key: source.get(key) for key in ("path", "dataset", "digest", "verified", "entries")}
                for source in stored.record["inputs"]
            ],
        }
        for role, stored in used
    ]


def _of_benchmark(analysis: str) -> dict[str, Any]:
    """Return where the ratio was measured, and by how much its prediction may be wrong (relative)."""
    config = load_background(analysis)
    wanted = config.benchmark
    if wanted is None:
        return {}
    source = config.simulated.get(config.source_of(wanted.process) or "")
    systematics = {} if source is None else dict(source.systematics)
    return {"process": wanted.process, "region": wanted.region, "systematics": systematics}


def background_json(background: Background) -> dict[str, Any]:
    """Return the content of background.json."""
    run, found = background.data.record, background.benchmark
    return {
        "version": _VERSION,
        "analysis": run["analysis"],
        "setup": run["setup"],
        "data": str(background.data.path),
        "blinding": {"state": background.data.state, "digest": run["blinding"]["digest"]},
        "selection": {"digest": run["selection"]["digest"]},
        "eot": background.eot,
        "sources": [_estimate(estimate) for estimate in background.estimates],
        "total": _estimate(background.total),
        "observed": background.observed,
        "side_bands": {
            band.name: {
                "nominal": _fit(band.found.nominal),
                "fit_ranges": [_fit(fit) for fit in band.found.variations],
                "shapes": [_fit(fit) for fit in band.found.models],
                "area": list(band.found.area),
                "interval_without_shape": _interval(band.found.interval),
            }
            for band in background.side_bands
        },
        "benchmark": None
        if found is None
        else {
            "observed": found.observed,
            "others": found.others,
            "predicted": found.predicted,
            "ratio": None if found.ratio is None else _interval(found.ratio),
            **_of_benchmark(run["analysis"]),
        },
        "srd_tag": None
        if background.beam is None or background.tag is None
        else beam_tag_json(background.tag, background.beam),
        "contamination": None if background.hadrons is None else rescaling_json(background.hadrons),
        "inputs": _inputs(background),
        "notes": list(background.notes),
        "versions": versions(),
    }
