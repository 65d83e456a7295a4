"""Tables of a band of visible decays: text, CSV and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from limits.toys import BAND
from limits.visible_band import Band, Count, Edges
from na64.limit.curves import Curve
from na64.limit.options import LimitOptions
from na64.limit.tables import BAND_NAMES, thinned, word_of
from na64.limit.visible import VisibleInputs
from na64.run.record import versions

__all__ = ["band_csv", "band_json", "band_text", "middle"]

_VERSION = 1
_SIDES = tuple(index for index, place in enumerate(BAND) if place)  # of the band, all but its median
_KINDS = {"closed": "blinded: expected band only", "open": "open data", "projection": "projection"}


def band_csv(bands: Sequence[Band]) -> str:
    """
    Return one row per mass; fields are empty where nothing is excluded, or the data are blinded.

    The expected edges are those of the median; others are named by their place, after what is seen.
    """
    sides = [f"expected_{BAND_NAMES[place]}" for place in _SIDES]
    rows = [["mass_GeV", *_heads("expected", "observed"), "events_at_best", *_heads(*sides), "eps_at_best"]]
    for band in bands:
        seen = band.observed or (math.nan, math.nan)
        beside = [end for place in _SIDES for end in band.expected[place]]
        numbers = [*band.median, *seen, band.most, *beside, band.reference]
        rows.append([f"{band.mass:.9g}", *map(word_of, numbers)])
    return "".join(",".join(row) + "\n" for row in rows)


def _heads(*names: str) -> list[str]:
    return [f"eps_{name}_{end}" for name in names for end in Edges._fields]


def band_json(inputs: VisibleInputs, bands: Sequence[Band], options: LimitOptions) -> dict[str, Any]:
    """Return the content of limits.json; the reference of a point is the best epsilon."""
    chosen = middle(bands)
    return {
        "version": _VERSION,
        "model": "visible",
        "coupling": "epsilon",
        "level": options.level,
        "blinding": {"state": inputs.state},
        "settings": {"yield_error": options.yield_error, "toys": options.toys, "seed": options.seed},
        "setups": [
            {
                "name": setup.target.name,
                "target": {name: getattr(setup.target, name) for name in ("to_veto", "to_end", "least")},
                "efficiency": [list(point) for point in setup.efficiency.points],
                "efficiency_error": setup.efficiency.error,
                "efficiency_shifts": {
                    name: getattr(setup.efficiency, name) for name in ("scale", "selection")
                },
                "runs": [
                    {
                        "name": count.name,
                        "eot": count.exposure,
                        "background": list(count.background.values),
                        "background_factors": {
                            "own": count.background.own,
                            "extrapolation": count.background.shared,
                        },
                        "observed": count.observed,
                    }
                    for count in setup.counts
                ],
            }
            for setup in inputs.setups
        ],
        "points": [
            {
                "mass": band.mass,
                "expected": _edges(band.median),
                "expected_band": dict(zip(BAND_NAMES, map(_edges, band.expected), strict=True)),
                "observed": None if band.observed is None else _edges(band.observed),
                "events_at_best": band.most,
                "reference": band.reference,
                "shares": list(band.shares),
            }
            for band in bands
        ],
        "workspace": {"mass": chosen.mass, "reference": chosen.reference, "events": list(chosen.events)},
        "inputs": [dict(source) for source in inputs.sources],
        "notes": list(inputs.notes),
        "versions": versions(),
    }


def middle(bands: Sequence[Band]) -> Band:
    """Return the band at the middle of the masses, in their logarithm: that of the workspace."""
    wanted = math.log(bands[0].mass * bands[-1].mass) / 2
    return min(bands, key=lambda band: abs(math.log(band.mass) - wanted))


def _edges(edges: Edges) -> dict[str, float | None]:
    return {name: end if math.isfinite(end) else None for name, end in edges._asdict().items()}


def band_text(inputs: VisibleInputs, bands: Sequence[Band], level: float, curves: Sequence[Curve]) -> str:
    """Return what the terminal shows."""
    lines = [f"A' -> e+ e-: epsilon excluded at {100 * level:g}% CL ({_KINDS[inputs.state]})", ""]
    lines += [_line(count, setup.target.name) for setup in inputs.setups for count in setup.counts]
    is_open = any(band.observed is not None for band in bands)
    head = "  mass [MeV]  expected from          to" + "  observed from          to" * is_open
    lines += ["", head + "   events at best"]
    for band in bands:
        parts = [band.median, *([band.observed] if band.observed is not None else [])]
        lines.append(f"  {1e3 * band.mass:10.4g}" + "".join(map(_range, parts)) + f"  {band.most:14.3g}")
    for curve in curves:
        for kind in ("expected", "observed")[: 1 + is_open]:
            found = thinned([row for band in bands if (row := _ratio(band, kind, curve)) is not None])
            edges = "lower edge" if curve.upper is None else "lower and upper edge"
            text = ", ".join(f"{_both(*ratios)} at {1e3 * mass:.4g}" for mass, *ratios in found)
            if found:
                lines.append(f"  {kind} {edges} over {curve.label}: {text} MeV")
    lines += [f"  note: {note}" for note in inputs.notes]
    return "\n".join(lines) + "\n"


def _line(count: Count, setup: str) -> str:
    (value,) = count.background.values
    low, high = (value * factor for factor in count.background.own)
    seen = "" if count.observed is None else f", {count.observed} events seen"
    return (
        f"  {count.name} ({setup}): {count.exposure:.3g} particles on target, background {value:.3g} "
        f"({low:.3g} to {high:.3g}){seen}"
    )


def _range(edges: Edges) -> str:
    if not math.isfinite(edges.lower):
        return f"{'nothing':>27}"
    return f"  {edges.lower:13.3e}  {edges.upper:10.3e}"


def _both(low: float, high: float) -> str:
    return f"{low:.3f} and {high:.3f}" if math.isfinite(high) else f"{low:.3f}"


def _ratio(band: Band, kind: str, curve: Curve) -> tuple[float, float, float] | None:
    """Return mass and both edges over those of a curve, where both have them."""
    edges = band.observed if kind == "observed" else band.median
    if edges is None:
        return None
    ratios = edges.lower / curve.at(band.mass), edges.upper / curve.upper_at(band.mass)
    return (band.mass, *ratios) if math.isfinite(ratios[0]) else None
