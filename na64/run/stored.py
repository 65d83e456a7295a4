"""Read run directories again: what was run, how many events passed, histograms and events."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hist
import numpy as np
import uhi.io.json

from na64.errors import UserError
from na64.run.event_file import EventList, read_events
from na64.run.record import RUN_VERSION
from selections.background.plane import Plane

__all__ = ["StoredRun", "events_in_box", "exposure_of", "read_json", "read_record", "read_run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run directory that was read."""

    path: Path
    record: dict[str, Any]  # run.json
    datasets: dict[str, dict[str, Any]]  # of cutflow.json
    histograms: dict[str, hist.Hist[Any]]  # by name
    digest: str  # SHA-256 of cutflow.json and histograms.json: all numbers that are read of it

    @property
    def kinds(self) -> set[str]:
        """Return the kinds of its datasets."""
        return {dataset["kind"] for dataset in self.datasets.values()}

    @property
    def state(self) -> str:
        """Return the blinding state."""
        return str(self.record["blinding"]["state"])

    def events(self) -> EventList | None:
        """Return which shown events pass which cuts, where the run kept them."""
        return read_events(self.path / "events.parquet")

    def inputs_of(self, dataset: str) -> list[dict[str, Any]]:
        """Return what run.json says of the files of a dataset."""
        return [source for source in self.record["inputs"] if source["dataset"] == dataset]

    def plane(self, name: str, datasets: list[str] | None = None) -> Plane:
        """
        Return a two-dimensional histogram, summed over datasets.

        Raises
        ------
        UserError
            If the run has no histogram of that name, naming those that it has.
        """
        if name not in self.histograms:
            there = ", ".join(sorted(self.histograms)) or "none"
            msg = (
                f"{self.path} has no histogram '{name}'; run `na64 run` again with this version, and with a "
                f"layout that gives its columns. It has: {there}"
            )
            raise UserError(msg)
        found = self.histograms[name]
        x, y = found.axes[2:]
        shape = (x.size + 2, y.size + 2)
        values, variances = np.zeros(shape), np.zeros(shape)
        for dataset in datasets or list(self.datasets):
            if dataset in list(found.axes["dataset"]):
                part: Any = found[dataset, "nominal", ...]
                values += part.values(flow=True)
                variances += part.variances(flow=True)
        return Plane((x.name, y.name), (np.asarray(x.edges), np.asarray(y.edges)), values, variances)


def read_json(
    path: Path,
    what: str = "run directory of `na64 run`",
    hook: Callable[[dict[str, Any]], Any] | None = None,
) -> dict[str, Any]:
    """
    Read a JSON file that a command left.

    Parameters
    ----------
    path : Path
    what : str
        What the file belongs to, for messages.
    hook : callable, optional
        Makes objects of mappings.

    Raises
    ------
    UserError
        If it is not there, or no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_hook=hook)
    except OSError as error:
        msg = f"{path.parent} is no {what}: cannot read {path.name} ({error.strerror or error})"
        raise UserError(msg) from error
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{path} is damaged: {error}"
        raise UserError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path} is no file of a {what}: it holds no JSON object"
        raise UserError(msg)
    return content


def read_record(path: Path) -> dict[str, Any]:
    """
    Read run.json of a run directory.

    Raises
    ------
    UserError
        If there is none, or it was written by another version of the format.
    """
    record = read_json(path / "run.json")
    if record.get("version") != RUN_VERSION:
        msg = (
            f"{path} has version {record.get('version')} of the run directory, and this program reads "
            f"version {RUN_VERSION}; run `na64 run` again"
        )
        raise UserError(msg)
    return record


def read_run(path: Path) -> StoredRun:
    """
    Read a run directory.

    Raises
    ------
    UserError
        If it is none, lacks a file, or was written by another version of the format.
    """
    record = read_record(path)
    datasets = read_json(path / "cutflow.json")["datasets"]
    content = read_json(path / "histograms.json", hook=uhi.io.json.object_hook)
    try:
        histograms = {name: hist.Hist(one) for name, one in content.items()}
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{path / 'histograms.json'} is damaged: {error}"
        raise UserError(msg) from error
    digest = hashlib.sha256()
    for name in ("cutflow.json", "histograms.json"):  # run.json holds the seconds that the run took
        digest.update((path / name).read_bytes())
    return StoredRun(
        path=path, record=record, datasets=datasets, histograms=histograms, digest=digest.hexdigest()
    )


def events_in_box(run: StoredRun) -> int | None:
    """
    Return the events of opened data in the signal box, or None of closed data.

    Raises
    ------
    UserError
        If a part of opened data is still closed: nothing of it is in the box, which looks empty.
    """
    if run.state != "open":
        return None
    found: dict[str, Any] = {}
    for name, dataset in run.datasets.items():
        boxes = [row["events"] for row in dataset.get("regions", ()) if row["name"] == "signal_box"]
        found[name] = boxes[0] if boxes else None
    closed = [name for name, events in found.items() if events is None]
    if closed:
        msg = (
            f"{run.path} was opened, but the signal box of {', '.join(closed)} is closed; run open and "
            f"closed data apart"
        )
        raise UserError(msg)
    return sum(int(events) for events in found.values())


def exposure_of(data: StoredRun, eot: float | None, *, needed: bool) -> float | None:
    """
    Return the particles on target of a run of data.

    Raises
    ------
    UserError
        If two numbers contradict each other, or one is needed and there is none.
    """
    known = data.record["exposure"].get("eot_used")
    if known and eot is not None and eot != known:
        msg = f"{data.path} has {known:g} particles on target; --eot {eot:g} says otherwise"
        raise UserError(msg)
    if known is None and eot is None and needed:
        msg = (
            f"{data.path} does not know its particles on target, to which simulation is scaled; give --eot "
            f"NUMBER, or enter its runs into the catalogue"
        )
        raise UserError(msg)
    return float(known) if known else eot
