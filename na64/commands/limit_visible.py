"""The band of visible decays, of `na64 limit --model visible`: by its yield, without run directories."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence

import typer

from limits.model import Nuisance, make_channel
from limits.upper import upper_limits
from limits.visible import WCAL_2017, Band, visible_band
from na64.errors import UserError
from na64.limit_curves import Curve
from na64.limit_options import LimitOptions, parse_assumed
from na64.limit_plots import plot_visible
from na64.outputs import replace_path
from na64.record import versions

__all__ = ["write_band"]


def write_band(options: LimitOptions, masses: Sequence[float], curves: Sequence[Curve]) -> int:
    """
    Write the band that an exposure excludes if nothing but the background is seen.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    UserError
        If there are run directories, which this model does not read, or no exposure.
    """
    if options.runs or options.background or options.signal or options.projection is None:
        msg = (
            "--model visible is a projection from the yield in a tungsten calorimeter: give --projection "
            "with the particles on target, and no run directories"
        )
        raise UserError(msg)
    assumed = parse_assumed(options.assume_background)
    errors = [Nuisance("yield", 1 / (1 + options.yield_error), 1 + options.yield_error)]
    channel = make_channel("visible", 1.0, assumed or (0.0, 0.0, 0.0), errors=errors)
    limit = upper_limits([channel], level=options.level, n_toys=options.toys, seed=options.seed)
    events = limit.expected[2]
    bands = [visible_band(WCAL_2017, mass, options.projection, events) for mass in masses]
    text = _text(options, bands, events, curves)
    partial = options.output.with_name(f".{options.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        (partial / "limits.txt").write_text(text, encoding="utf-8")
        (partial / "limits.csv").write_text(_csv(bands), encoding="utf-8")
        content = {
            "version": 1,
            "model": "visible",
            "level": options.level,
            "eot": options.projection,
            "events": events,
            "target": {name: getattr(WCAL_2017, name) for name in WCAL_2017.__dataclass_fields__},
            "points": [
                {k: v if math.isfinite(v) else None for k, v in band._asdict().items()} for band in bands
            ],
            "versions": versions(),
        }
        (partial / "limits.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        plot_visible(bands, options.projection, curves, partial / "plots")
        replace_path(partial, options.output, overwrite=options.overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    typer.echo(text, nl=False)
    typer.echo(f"tables and figures: {options.output}")
    return 0


def _csv(bands: Sequence[Band]) -> str:
    rows = [f"{b.mass:.9g},{b.lower:.6g},{b.upper:.6g},{b.most:.6g}".replace("nan", "") for b in bands]
    return "\n".join(["mass_GeV,eps_lower,eps_upper,events_at_best", *rows]) + "\n"


def _text(options: LimitOptions, bands: Sequence[Band], events: float, curves: Sequence[Curve]) -> str:
    lines = [
        f"A' -> e+ e-: epsilon excluded at {100 * options.level:g}% CL by {options.projection:.3g} electrons",
        f"  {events:.3f} events; {WCAL_2017.source}",
        "",
        "  mass [MeV]       from          to   events at best",
    ]
    for band in bands:
        ends = f"{band.lower:10.3e}  {band.upper:10.3e}" if math.isfinite(band.lower) else f"{'nothing':>22}"
        lines.append(f"  {1e3 * band.mass:10.4g} {ends}  {band.most:14.3g}")
    for curve in curves:
        ratios = [(b.mass, b.lower / curve.at(b.mass), b.upper / curve.upper_at(b.mass)) for b in bands]
        found = [
            f"{low:.3f} and {high:.3f} at {1e3 * mass:.4g}"
            for mass, low, high in ratios
            if math.isfinite(low)
        ]
        if found:
            lines.append(f"  lower and upper edge over {curve.label}: {', '.join(found)} MeV")
    return "\n".join(lines) + "\n"
