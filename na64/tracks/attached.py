"""Give the runs of a limit the tables of track lengths that belong to their beams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from limits.model import ModelError
from limits.run_input import RunInput
from limits.track_table import TrackTable, read_tracks
from na64.errors import UserError

__all__ = ["Attached", "attach_tracks"]

_FILE = "tracks.json"


class Attached(NamedTuple):
    """Runs with their tables, and what a reader must know of these."""

    runs: tuple[RunInput, ...]
    sources: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]


def attach_tracks(runs: Sequence[RunInput], paths: Sequence[Path]) -> Attached:
    """
    Read tables and give each to the runs of its target and beam.

    Parameters
    ----------
    runs : sequence of RunInput
    paths : sequence of Path
        Tables of `na64 tracks`, or its directories; none: the runs come back as they are.

    Raises
    ------
    ModelError
        If a file is no table, or none fits a run.
    UserError
        If two fit, or one fits no run.
    """
    if not paths:
        return Attached(tuple(runs), (), ())
    files = [path / _FILE if path.is_dir() else path for path in paths]
    tables = {path: read_tracks(path) for path in files}
    found: list[RunInput] = []
    used: dict[Path, list[str]] = {}
    for run in runs:
        path = _fitting(run, tables)
        used.setdefault(path, []).append(f"track_length_{run.setup}")
        found.append(replace(run, beam=run.beam._replace(tracks=tables[path])))
    for path in files:
        if path not in used:
            msg = f"--track-length {path} is of no beam and target of the runs; leave it out"
            raise UserError(msg)
    sources = tuple(
        {"role": "track length", "path": str(path), "digest": table.digest, "setup": table.setup}
        for path, table in tables.items()
    )
    notes = tuple(
        f"track length of {table.showers:,} simulated showers of {table.setup}; their statistics are the "
        f"nuisance {' and '.join(dict.fromkeys(used[path]))}"
        for path, table in tables.items()
    )
    return Attached(tuple(found), sources, notes)


def _fitting(run: RunInput, tables: dict[Path, TrackTable]) -> Path:
    """Return the one table of a run's target and beam."""
    faults: list[ModelError] = []
    fitting = []
    for path, table in tables.items():
        try:
            table.require(run.beam.particle, run.beam.energy, run.beam.nuclei, run.name)
        except ModelError as fault:
            faults.append(fault)
        else:
            fitting.append(path)
    if len(fitting) > 1:
        msg = f"--track-length {fitting[0]} and {fitting[1]} both fit {run.name}; give one"
        raise UserError(msg)
    if not fitting:
        raise faults[0]
    return fitting[0]
