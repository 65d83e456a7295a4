"""The section of a report that holds the expected background."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from na64.background.beam_tag import beam_tag_rows, beam_tag_title
from na64.errors import UserError
from na64.plotting.plots import Figure
from na64.report.page import figures_html, replace_section, table_html

__all__ = ["add_background", "read_background"]


_CAPTIONS = {"sources": "Events expected in the signal box, source by source."}


def read_background(folder: Path, run: Mapping[str, Any]) -> dict[str, Any]:
    """
    Read what `na64 background` wrote, if it belongs to a run.

    Parameters
    ----------
    folder : Path
        Directory of `na64 background`.
    run : mapping
        The content of run.json.

    Raises
    ------
    UserError
        If the directory is none, or its estimate was made with another selection, setup or blinding.
    """
    try:
        found: dict[str, Any] = json.loads((folder / "background.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{folder} holds no estimate that can be read ({error}); `na64 background RUN -o DIR` makes one"
        raise UserError(msg) from error
    same = {
        "analysis": (found["analysis"], run["analysis"]),
        "setup": (found["setup"], run["setup"]),
        "blinding": (found["blinding"]["state"], run["blinding"]["state"]),
        "closed region": (found["blinding"]["digest"], run["blinding"]["digest"]),
        "selection": (found["selection"]["digest"], run["selection"]["digest"]),
    }
    for what, (one, two) in same.items():
        if one != two:
            msg = (
                f"{folder} was estimated with another {what} ({one}) than the run has ({two}); run "
                f"`na64 background` again with this run directory"
            )
            raise UserError(msg)
    return found


def add_background(page: str, folder: Path, run: Mapping[str, Any]) -> str:
    """
    Return a report with the background table and its figures in it.

    Parameters
    ----------
    page : str
        HTML of the report.
    folder : Path
        Directory of `na64 background`; its figures are put into the page.
    run : mapping
        The content of run.json.

    Raises
    ------
    UserError
        As `read_background`, or if the page is of an older version.
    """
    found = read_background(folder, run)
    try:
        return replace_section(page, "background", "Expected background", _content(found, folder))
    except ValueError as error:
        raise UserError(str(error)) from error


def _content(found: Mapping[str, Any], folder: Path) -> str:
    """Return table, notes and figures."""
    counted = [source for source in found["sources"] if source["in_total"]]
    compared = [source for source in found["sources"] if not source["in_total"]]
    head = ["source", "method", "events", "statistical", "systematic", "68% interval"]
    rows = [_row(source) for source in (*counted, found["total"])]
    rows += [_row(source, " (comparison, not in the total)") for source in compared]
    eot = "" if found["eot"] is None else f", scaled to {found['eot']:.4g} particles on target"
    notes = "".join(f"<li>{escape(note)}</li>" for note in found["notes"])
    return (
        f"<p>Events expected in the signal box, from the run directory <code>{escape(found['data'])}</code>"
        f"{eot}.</p>{table_html(head, rows, text=2)}{f'<ul>{notes}</ul>' * bool(notes)}{_tag(found)}"
        f"{_figures(folder)}"
    )


def _tag(found: Mapping[str, Any]) -> str:
    """Return the table of the SRD tag, where a run of the beam was given."""
    tag = found.get("srd_tag")
    if not tag:
        return ""
    table = table_html(["what", "share", "68% interval"], beam_tag_rows(tag), text=1)
    return f"<h3>{escape(beam_tag_title(tag))}</h3>{table}"


def _row(source: Mapping[str, Any], remark: str = "") -> list[str]:
    """Return a line of the table."""
    statistical, systematic, both = (source[key] for key in ("statistical", "systematic", "interval"))
    value = source["expected"]
    return [
        f"{source['label']}{remark}",
        source["method"],
        f"{value:.3g}",
        f"−{value - statistical['low']:.2g} +{statistical['high'] - value:.2g}",
        f"−{systematic['down']:.2g} +{systematic['up']:.2g}",
        f"{both['low']:.3g} – {both['high']:.3g}",
    ]


def _figures(folder: Path) -> str:
    """Return the figures of the estimate."""
    paths = sorted((folder / "plots").glob("*.png"))
    figures = [
        Figure(f"background_{path.stem}", f"background: {path.stem.replace('_', ' ')}", path,
               path.with_suffix(".pdf"), _CAPTIONS.get(path.stem, "Spectrum beside the box, and its fit."))
        for path in paths
    ]  # fmt: skip
    return figures_html(figures) if figures else ""
