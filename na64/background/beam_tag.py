"""The SRD tag measured on a run of the beam: what such a run must be, and what it tells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from na64.errors import UserError
from na64.run.stored import StoredRun
from selections.background.beam_tag import BeamTag, measure_beam_tag
from selections.tag_and_probe import ProbeCounts

__all__ = ["beam_tag_json", "beam_tag_markdown", "beam_tag_rows", "beam_tag_title", "tag_of_beam"]


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
        if beam.record[what] != data.record[what]:
            values = f"{data.record[what]} and {beam.record[what]}"
            msg = f"{data.path} and {beam.path} have different {what}: {values}"
            raise UserError(msg)
    one, two = (run.record["selection"]["params"].get("srd") for run in (data, beam))
    if one != two:
        msg = f"{data.path} and {beam.path} have different thresholds of cut srd: {one} and {two}"
        raise UserError(msg)
    tables = [dataset.get("tag_and_probe") for dataset in beam.datasets.values()]
    if not tables or not all(tables):
        msg = (
            f"{beam.path} does not tell who is tagged: run `na64 run {beam.record['analysis']} FILES "
            f"--without-cut srd` on calibration triggers, or on a simulated beam"
        )
        raise UserError(msg)
    counts = [ProbeCounts.of_table(table) for table in tables if table]
    try:
        return measure_beam_tag(ProbeCounts(counts[0].names, np.sum([part.sums for part in counts], axis=0)))
    except ValueError as error:
        msg = f"{beam.path}: {error}"
        raise UserError(msg) from error


_LABELS = {
    "efficiency": "electrons tagged",
    "mistag": "hadrons tagged",
    "side_band_electrons": "electrons in the side band",
    "side_band_hadrons": "hadrons in the side band",
    "side_band_beam": "beam in the side band",
    "contamination": "hadrons in the beam, from the side band",
    "untagged": "hadrons in the beam, from those without a tag",
}


def beam_tag_json(tag: BeamTag, beam: StoredRun) -> dict[str, Any]:
    """Return plain values for background.json."""
    shares = {
        "efficiency": tag.efficiency,
        "mistag": tag.mistag,
        "side_band_electrons": tag.side_band[1],
        "side_band_hadrons": tag.side_band[2],
        "side_band_beam": tag.side_band[0],
        "contamination": tag.contamination,
        "untagged": tag.untagged,
    }
    return {
        "run": str(beam.path),
        "kinds": sorted(beam.kinds),
        "events": dict(zip(("beam", "electron", "hadron"), tag.events, strict=True)),
        **{name: value._asdict() for name, value in shares.items()},
    }


def beam_tag_rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Return what, share and interval [%] of each number of `beam_tag_json`, as text."""
    return [[label, *_percent(found[name])] for name, label in _LABELS.items()]


def beam_tag_title(found: Mapping[str, Any]) -> str:
    """Return what the numbers of `beam_tag_json` are of."""
    n = found["events"]
    return (
        f"SRD tag of {n['beam']} particles of the beam ({n['electron']} electron and {n['hadron']} hadron "
        f"probes; {found['run']}, {', '.join(found['kinds'])})"
    )


def beam_tag_markdown(found: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table of `beam_tag_json`."""
    lines = ["", f"## {beam_tag_title(found)}", "", "| what | share | 68% interval |", "|---|---|---|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in beam_tag_rows(found))]


def _percent(interval: Mapping[str, float]) -> tuple[str, str]:
    """Return a share and its ends in percent, with two digits of the error."""
    value, low, high = (100 * interval[key] for key in ("value", "low", "high"))
    size = max(value - low, high - value)
    digits = max(0, 1 - math.floor(math.log10(size))) if size > 0 else 2
    return f"{value:.{digits}f}%", f"{low:.{digits}f} to {high:.{digits}f}%"
