"""The SRD tag measured on a run of the beam: what such a run must be, and what it tells."""

from __future__ import annotations

from typing import Any

import numpy as np

from na64.errors import UserError
from na64.stored_run import StoredRun
from selections.background.beam_tag import BeamTag, measure_beam_tag
from selections.background.intervals import Interval
from selections.tag_and_probe import ProbeCounts

__all__ = ["beam_tag_json", "beam_tag_markdown", "tag_of_beam"]


def tag_of_beam(beam: StoredRun, data: StoredRun) -> BeamTag:
    """
    Measure the SRD tag on a run of calibration triggers or of a simulated beam.

    Parameters
    ----------
    beam : StoredRun
        Run without the cut on the tag.
    data : StoredRun
        Whose setup and thresholds it must have.

    Raises
    ------
    UserError
        If the run is another one, or tells nothing of the tag.
    """
    if "data" in beam.kinds:
        msg = f"{beam.path} holds data, which are shown with a tag only; --beam takes calibration triggers"
        raise UserError(msg)
    for what in ("analysis", "setup"):
        if beam.run[what] != data.run[what]:
            msg = f"{data.path} and {beam.path} have different {what}: {data.run[what]} and {beam.run[what]}"
            raise UserError(msg)
    one, two = (run.run["selection"]["params"].get("srd") for run in (data, beam))
    if one != two:
        msg = f"{data.path} and {beam.path} have different thresholds of cut srd: {one} and {two}"
        raise UserError(msg)
    tables = [dataset.get("tag_and_probe") for dataset in beam.datasets.values()]
    if not tables or not all(tables):
        msg = (
            f"{beam.path} does not tell who is tagged: run `na64 run {beam.run['analysis']} FILES "
            f"--without-cut srd` on calibration triggers, or on a simulated beam"
        )
        raise UserError(msg)
    counts = [ProbeCounts.of_table(table) for table in tables if table]
    try:
        return measure_beam_tag(ProbeCounts(counts[0].names, np.sum([part.sums for part in counts], axis=0)))
    except ValueError as error:
        msg = f"{beam.path}: {error}"
        raise UserError(msg) from error


def _rows(tag: BeamTag) -> list[tuple[str, str, Interval, str]]:
    beam, electrons, hadrons = tag.events
    return [
        ("efficiency", "electrons tagged", tag.efficiency, f"{electrons} electron probes"),
        ("mistag", "hadrons tagged, accidentals among them", tag.mistag, f"{hadrons} hadron probes"),
        ("side_band_electrons", "electrons in the side band", tag.side_band[1], ""),
        ("side_band_hadrons", "hadrons in the side band", tag.side_band[2], ""),
        ("side_band_beam", "beam in the side band", tag.side_band[0], f"{beam} particles"),
        ("contamination", "**particles that are no electrons, from the side band**", tag.contamination, ""),
        ("untagged", "the same, from those without a tag", tag.untagged, ""),
    ]


def _percent(value: Interval) -> str:
    down, up = (100 * error for error in value.errors)
    return f"{100 * value.value:.3g}% −{down:.2g} +{up:.2g}"


def beam_tag_markdown(tag: BeamTag, beam: StoredRun) -> list[str]:
    """Return the lines of a table."""
    kinds = ", ".join(sorted(beam.kinds))
    lines = [
        "",
        f"## SRD tag of the beam ({beam.path}, {kinds})",
        "",
        "| what | share | of |",
        "|---|---|---|",
    ]
    return [*lines, *(f"| {label} | {_percent(value)} | {of} |" for _, label, value, of in _rows(tag))]


def beam_tag_json(tag: BeamTag, beam: StoredRun) -> dict[str, Any]:
    """Return plain values for background.json."""
    events = dict(zip(("beam", "electron", "hadron"), tag.events, strict=True))
    shares = {name: value._asdict() for name, _, value, _ in _rows(tag)}
    return {"run": str(beam.path), "kinds": sorted(beam.kinds), "events": events, **shares}
