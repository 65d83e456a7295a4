"""The report of a run: one HTML page that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from na64.plotting.plots import Figure
from na64.report.style import STYLE
from na64.run.exposure import exposure_rows
from processors.quality import COUNTERS
from processors.result import AnalysisResult, Sample
from selections.selection import Selection

__all__ = ["figures_html", "render_report", "replace_section", "table_html", "write_report"]

_STATES = {  # of the blinding -> what is written above the report
    "closed": (
        "Data, blinded",
        "Events in the closed region are withheld: they are counted together with those that fail the base "
        "requirement, and nothing else is made of them. Closed:",
    ),
    "open": ("UNBLINDED", "A closed region has been opened by a statement. Still closed:"),
    "not applicable": ("Nothing is blinded", "There are no physics data in this run."),
}
_NO_BACKGROUND = (
    "<p>Not estimated for this page: <code>na64 background</code>, then <code>na64 report</code>.</p>"
)


def write_report(
    path: Path,
    run: Mapping[str, Any],
    result: AnalysisResult,
    selection: Selection,
    figures: Sequence[Figure],
) -> None:
    """
    Write the report of a run.

    Parameters
    ----------
    path : Path
    run : mapping
        The content of run.json.
    result : AnalysisResult
    selection : Selection
    figures : sequence of Figure
        Their PNG files are put into the page.
    """
    path.write_text(render_report(run, result, selection, figures), encoding="utf-8")


def render_report(
    run: Mapping[str, Any], result: AnalysisResult, selection: Selection, figures: Sequence[Figure]
) -> str:
    """Return the report as HTML; see `write_report`."""
    planes = [figure for figure in figures if "plane" in figure.name]
    margins = [figure for figure in figures if figure.name.startswith("nminus1_")]
    shifts = [figure for figure in figures if figure.name.startswith("efficiency_shifts")]
    others = [figure for figure in figures if figure not in (*planes, *margins, *shifts)]
    sections = {
        "summary": ("Summary", _summary(run)),
        "cutflow": ("Cut-flow", _cutflows(result)),
        "planes": ("Planes, before and after the cuts", _planes(planes)),
        "background": ("Expected background", _NO_BACKGROUND),
        "thresholds": ("Cuts and N-1 distributions", _thresholds(selection) + figures_html(margins)),
        "spectra": ("Other spectra", figures_html(others)),
        **({"systematics": ("Systematic variations", figures_html(shifts))} if shifts else {}),
        "provenance": ("Provenance", _provenance(run)),
    }
    kinds = ", ".join(sorted({sample.kind for sample in result.samples.values()})) or "no events"
    title = f"NA64 {run.get('analysis', '')}: {run.get('setup', '')}"
    links = "".join(f'<a href="#{key}">{escape(head)}</a>' for key, (head, _) in sections.items())
    body = "".join(_section(key, head, text) for key, (head, text) in sections.items())
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n"
        f"<h1>NA64 {_text(run.get('analysis'))} "
        f"<small>{_text(run.get('setup'))} · {escape(kinds)}</small></h1>\n"
        f"{_blinding(run.get('blinding') or {})}\n{_facts(run, result)}\n"
        f'<nav aria-label="Sections">{links}</nav>\n</header>\n'
        f"<main>\n{body}</main>\n</body>\n</html>\n"
    )


def _section(key: str, head: str, text: str) -> str:
    """Return a section between marks, by which `replace_section` finds it in a page."""
    return (
        f'<!-- {key} --><section aria-labelledby="{key}"><h2 id="{key}">{escape(head)}</h2>\n'
        f"{text}\n</section><!-- end of {key} -->\n"
    )


def replace_section(page: str, key: str, head: str, text: str) -> str:
    """
    Put a new text into a section of a report.

    Parameters
    ----------
    page : str
        HTML of `render_report`.
    key, head, text : str
        Name of the section, its title, and its content as HTML.

    Raises
    ------
    ValueError
        If the page has no such section.
    """
    before, start, rest = page.partition(f"<!-- {key} -->")
    _, end, after = rest.partition(f"<!-- end of {key} -->\n")
    if not (start and end):
        msg = f"the page has no section '{key}'; it was written by an older version: run `na64 run` again"
        raise ValueError(msg)
    return before + _section(key, head, text) + after


def _facts(run: Mapping[str, Any], result: AnalysisResult) -> str:
    """Return in one line what was looked at: setup, period, exposure, events."""
    exposure, events = run.get("exposure") or {}, run.get("events") or {}
    eot, lost = exposure.get("eot_used"), events.get("lost")
    periods = sorted({s.blinding.period for s in result.samples.values() if s.blinding.period})
    facts = {
        "setup": run.get("setup"),
        "period": ", ".join(periods) or None,
        "particles on target": "not known" if eot is None else f"{eot:.4g}",
        "entries processed": events.get("processed"),
        "entries lost": lost or None,
        "files": len(run.get("inputs") or []),
    }
    items = (f"<div><dt>{name}</dt><dd>{_text(v)}</dd></div>" for name, v in facts.items() if v is not None)
    return f'<dl class="facts">{"".join(items)}</dl>'


def _planes(planes: Sequence[Figure]) -> str:
    """Return the plane before the cuts beside that after them, of each kind of events, then the others."""
    named = {figure.name: figure for figure in planes}
    ordered = []
    for name in named:
        before, after = name.replace("_final", "_loose"), name.replace("_loose", "_final")
        if before != after and before in named and after in named:
            ordered += [named[before], named[after]]
    pairs = list(dict.fromkeys(ordered))
    others = [figure for figure in planes if figure not in pairs]
    return figures_html([*pairs, *others])


def _blinding(blinding: Mapping[str, Any]) -> str:
    """Say what is withheld."""
    state = str(blinding.get("state", "not applicable"))
    head, text = _STATES.get(state, (state, ""))
    if state == "open":
        head = str(blinding.get("mark", head))
        text = text if blinding.get("region") else "A closed region has been opened by a statement."
    listed = "".join(
        f"<li>{line}</li>" for line in dict.fromkeys(_region_lines(blinding.get("region") or {}))
    )
    guards = _guard_lines(blinding.get("guard") or {})
    margins = f"<p>Withheld with a margin around it: {guards}</p>" if guards else ""
    digest = f"<p>Digest <code>{_text(blinding['digest'])}</code></p>" if blinding.get("digest") else ""
    return (
        f'<div class="blinding {escape(state.replace(" ", "-"))}"><strong>{escape(head)}</strong>'
        f"<p>{escape(text)}</p>{f'<ul>{listed}</ul>' * bool(listed)}{margins}"
        f"{_statement(blinding.get('statement') or {}, blinding.get('opened') or [])}{digest}</div>"
    )


def _statement(statement: Mapping[str, Any], opened: Sequence[str]) -> str:
    """Return who opened what, when and why."""
    if not statement:
        return ""
    rows = [("opened datasets", list(opened)), *((key, statement[key]) for key in statement)]
    return _pairs(rows)


def _guard_lines(guard: Mapping[str, Any]) -> str:
    """Return the margins of all datasets in one line."""
    lines = [
        f"{column} ± {100 * margin['relative']:g}% ± {margin['absolute']:g}"
        for margins in guard.values()
        for column, margin in margins.items()
    ]
    return escape(", ".join(dict.fromkeys(lines)))


def _region_lines(region: Any, name: str = "") -> Iterable[str]:
    """Give each closed region of a nested mapping as one line: datasets, then regions, then columns."""
    if not isinstance(region, Mapping):
        yield _text(region)
    elif any(isinstance(value, list | tuple) for value in region.values()):
        limits = " and ".join(_limits(column, *limit) for column, limit in region.items())
        yield f"{escape(name)}: {limits}"
    else:
        for key, value in region.items():
            yield from _region_lines(value, f"{name}, {key}" if name else str(key))


def _limits(column: str, low: float | None, high: float | None) -> str:
    left = "" if low is None else f"{low:g} ≤ "
    right = "" if high is None else f" < {high:g}"
    return escape(f"{left}{column}{right}{' GeV' if column.endswith('_energy') else ''}")


def _summary(run: Mapping[str, Any]) -> str:
    """Return events, losses, exposure, and what deviates from the selection as published."""
    events = run.get("events") or {}
    names = {"input": "events in the input", "processed": "processed", "lost": "lost"}
    if events.get("unknown_files"):
        names["unknown_files"] = "lost files whose number of events is not known"
    rows = [(text, events.get(key)) for key, text in names.items()]
    rows += exposure_rows(run.get("exposure") or {})
    left_out, changed = run.get("without_cuts") or [], run.get("changed_cuts") or []
    rows.append(("cuts left out by options", ", ".join(left_out) or "none"))
    rows.append(("thresholds changed by options", ", ".join(changed) or "none"))
    notes = "".join(f"<li>{_text(note)}</li>" for note in run.get("notes") or [])
    return (
        _pairs(rows)
        + _losses(run.get("losses") or [])
        + _quality(run.get("quality") or {})
        + (f"<h3>Notes</h3><ul>{notes}</ul>" if notes else "")
    )


def _losses(losses: Sequence[Mapping[str, Any]]) -> str:
    if not losses:
        return "<p>No event was lost.</p>"
    rows = [
        [loss.get("file"), "unknown" if loss.get("entries") is None else loss["entries"], loss.get("reason")]
        for loss in losses
    ]
    return f'<div class="loss"><h3>Losses</h3>{table_html(["file", "entries", "reason"], rows)}</div>'


def _quality(quality: Mapping[str, Any]) -> str:
    """Return what was damaged in the raw digits of each dataset."""
    rows = [
        [dataset, name, COUNTERS[name].label, count["digits"], count["events"]]
        for dataset, counts in quality.items()
        for name, count in counts.items()
        if count["events"]
    ]
    if not rows:
        return "<p>No digit was found damaged.</p>" if any(quality.values()) else ""
    head = ["dataset", "counter", "what it counts", "digits", "events"]
    return f"<h3>Damaged digits and events</h3>{table_html(head, rows, text=3)}"


def _cutflows(result: AnalysisResult) -> str:
    if not result.samples:
        return "<p>No events.</p>"
    return "".join(_cutflow(name, sample) for name, sample in sorted(result.samples.items()))


def _cutflow(name: str, sample: Sample) -> str:
    """Return the cut-flow of one dataset, with the events in its regions."""
    flow = sample.cutflow
    weighted = sample.kind == "simulation" and not np.array_equal(flow.sums, flow.counts)
    head = ["cut", "requirement", "in order", "±", "efficiency [%]", "68% interval", "alone", "all but one"]
    rows = []
    for row in flow.rows(weighted=weighted):
        cells = [
            row["name"],
            row["label"],
            row["in_order"],
            f"{row['in_order_error']:.3g}",
            *_efficiency(row),
        ]
        cells += [row["alone"], row["all_but_one"]]
        if weighted:
            keys = ("in_order", "alone", "all_but_one")
            cells += [f"{row[f'{k}_weighted']:.5g} ± {row[f'{k}_weighted_error']:.2g}" for k in keys]
        rows.append(cells)
    head += ["weighted: in order", "alone", "all but one"] * weighted
    about = ", ".join(filter(None, [sample.kind, sample.setup, sample.blinding.period]))
    return (
        f"<h3>{escape(name)} <small>{escape(about)}; {sample.entries:,} entries</small></h3>"
        f"{table_html(head, rows, text=2)}{_regions(sample)}"
    )


def _efficiency(row: Mapping[str, Any]) -> tuple[str, str]:
    if row["efficiency"] is None or row["name"] == "all":  # nothing comes before all
        return "–", "–"
    value, low, high = (100 * row[key] for key in ("efficiency", "efficiency_low", "efficiency_high"))
    return f"{value:.2f}", f"{low:.2f} – {high:.2f}"


def _regions(sample: Sample) -> str:
    """Return how many events are in the regions after all cuts; a closed region has no number."""
    rows = [
        [name, label, "blinded" if events is None else events]
        for name, (label, events) in sample.regions.items()
    ]
    return table_html(["region", "label", "events after all cuts"], rows, text=2) if rows else ""


def _thresholds(selection: Selection) -> str:
    changed = {change.partition("=")[0] for change in selection.changed}
    rows = []
    for cut in selection.cuts:
        params = [
            f"{key} = {value:g}{' (changed)' if f'{cut.name}.{key}' in changed else ''}"
            for key, value in cut.params.items()
        ]
        place = "base requirement" if cut.name in selection.base.cuts else ""
        rows.append([cut.name, cut.describe(), ", ".join(params), place])
    return table_html(["cut", "requirement", "parameters [GeV, mm, ns, rad]", "part of"], rows, text=4)


def figures_html(figures: Sequence[Figure]) -> str:
    """Return figures, two in a row where there is room, with their PNG files in the page."""
    if not figures:
        return "<p>No figures.</p>"
    return f'<div class="figures">{"".join(map(_figure, figures))}</div>'


def _figure(figure: Figure) -> str:
    content = base64.b64encode(figure.png.read_bytes()).decode("ascii")
    return (
        f'<figure id="{escape(figure.name)}"><img alt="{escape(f"{figure.title}. {figure.caption}")}" '
        f'src="data:image/png;base64,{content}"><figcaption><code>{escape(figure.name)}</code> '
        f"{escape(figure.caption)}</figcaption></figure>\n"
    )


def _provenance(run: Mapping[str, Any]) -> str:
    """Return inputs, versions and times."""
    head = ["input", "dataset", "kind", "entries", "bytes", "digest", "algorithm, scope", "verified"]
    rows = []
    for entry in run.get("inputs") or []:
        cells = [entry.get(key) for key in ("path", "dataset", "kind", "entries", "size")]
        digest = entry.get("digest")
        parts = digest if isinstance(digest, Mapping) else {"value": digest}
        scope = " ".join(str(parts[key]) for key in ("algorithm", "scope") if parts.get(key))
        rows.append([*cells, parts.get("value"), scope, bool(entry.get("verified"))])
    found = [table_html(head, rows)] if rows else ["<p>No inputs.</p>"]
    times = {name: f"{value} s" for name, value in (run.get("seconds") or {}).items()}
    shown = {key: run.get(key) for key in ("versions", "git", "options", "selection", "identity")}
    for key, value in {**shown, "times": times or None}.items():
        if value is not None:
            content = _pairs(_flat(value).items()) if isinstance(value, Mapping) else f"<p>{_text(value)}</p>"
            found.append(f"<h3>{escape(key.capitalize())}</h3>{content}")
    return "".join(found) + f"<p>run.json version {_text(run.get('version'))}</p>"


def _flat(tree: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings by dotted path."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        where = f"{path}.{key}" if path else str(key)
        leaves |= _flat(value, where) if isinstance(value, Mapping) else {where: value}
    return leaves


def _pairs(rows: Iterable[tuple[str, Any]]) -> str:
    body = "".join(f"<tr><th>{escape(str(key))}</th>{_cell(value)}</tr>" for key, value in rows)
    return f'<div class="scroll"><table><tbody>{body}</tbody></table></div>'


def table_html(head: Sequence[str], rows: Sequence[Sequence[Any]], *, text: int = 0) -> str:
    """Return a table; ``text`` columns are words, of the others those that hold numbers stand right."""
    right = [index >= text > 0 or all(type(row[index]) is int for row in rows) for index in range(len(head))]
    marks = [' class="n"' if is_right else "" for is_right in right]
    top = "".join(f"<th{mark}>{escape(name)}</th>" for name, mark in zip(head, marks, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell(value, right=r) for value, r in zip(row, right, strict=True))}</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: Any, *, right: bool = False) -> str:
    is_code = isinstance(value, str) and len(value) >= 40 and " " not in value.strip()
    mark = ' class="n"' if right else ' class="code"' if is_code else ""
    return f"<td{mark}>{_text(value)}</td>"


def _text(value: Any) -> str:
    """Return a value as escaped text; unknown is a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    return escape(str(value))
