"""The bump search as text and JSON."""

from __future__ import annotations

import math
from typing import Any

from limits.bump import Bump
from na64.bump.search import BumpSearch

__all__ = ["bump_json", "bump_text"]

_WIDTHS = (6, 6, 5, 14, 7, 16, 8)  # of the columns


def bump_text(search: BumpSearch) -> str:
    """Return the table of masses and the result in words."""
    heads = ("mass", "peak", "width", "window", "events", "expected", "p-value")
    units = ("[MeV]", "[GeV]", "[GeV]", "[GeV]", "", "", "local")
    lines = [
        "  ".join(f"{word:>{n}}" for word, n in zip(row, _WIDTHS, strict=True)) for row in (heads, units)
    ]
    lines += [_line(bump) for bump in search.scan.bumps]
    return "\n".join([*lines, "", *_words(search)]) + "\n"


def _line(bump: Bump) -> str:
    window = f"{bump.window[0]:.1f} .. {bump.window[1]:.1f}"
    start = f"{1e3 * bump.mass:6.1f}  {bump.peak:6.1f}  {bump.width:5.1f}  {window:>14}"
    if bump.observed is None:
        return f"{start}  {'closed, or no side bands':>35}"
    return f"{start}  {bump.observed:7d}  {bump.expected:8.3g} ± {bump.error:5.2g}  {bump.p_value:8.2g}"


def _words(search: BumpSearch) -> list[str]:
    scan, edges = search.scan, search.spectrum.edges
    words = [
        f"{search.spectrum.counts.sum()} events from {edges[0]:g} to {edges[-1]:g} GeV of missing energy"
    ]
    words += [f"closed: {low:g} to {high:g} GeV" for low, high in search.closed]
    if scan.best is None:
        return [*words, "no mass can be tested"]
    best = scan.best
    words.append(
        f"smallest local p-value: {best.p_value:.2g} at {1e3 * best.mass:.1f} MeV ({best.peak:.1f} GeV)"
    )
    if scan.n_toys:
        words.append(
            f"as small a one anywhere, without a signal: {scan.global_p:.3g} ± {scan.global_p_error:.1g} "
            f"({scan.n_toys} toys; trials factor {scan.global_p / max(best.p_value, 1e-300):.3g})"
        )
    return words


def bump_json(search: BumpSearch) -> dict[str, Any]:
    """Return everything as plain values."""
    scan = search.scan
    return {
        "version": 1,
        "run": search.run.digest,
        "analysis": search.run.record["analysis"],
        "setup": search.run.record["setup"],
        "blinding": search.run.state,
        "closed": [list(stretch) for stretch in search.closed],
        "options": search.options._asdict(),
        "edges": search.spectrum.edges.tolist(),
        "counts": [
            int(n) if seen else None
            for n, seen in zip(search.spectrum.counts, search.spectrum.is_open, strict=True)
        ],
        "masses": [_plain(bump) for bump in scan.bumps],
        "best": None if scan.best is None else _plain(scan.best),
        "global_p": _number(scan.global_p),
        "global_p_error": _number(scan.global_p_error),
        "n_toys": scan.n_toys,
    }


def _plain(bump: Bump) -> dict[str, Any]:
    found = bump._asdict()
    numbers = {name: _number(found[name]) for name in ("expected", "error", "p_value")}
    return {**found, **numbers, "window": list(bump.window)}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
