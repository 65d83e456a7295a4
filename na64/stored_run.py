"""Read run directories again: what was run, how many events passed, and histograms."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hist
import numpy as np
import uhi.io.json

from na64.errors import UserError
from na64.record import RUN_VERSION
from selections.background.plane import Plane

__all__ = ["StoredRun", "read_run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run directory that was read."""

    path: Path
    run: dict[str, Any]  # run.json
    datasets: dict[str, dict[str, Any]]  # of cutflow.json
    histograms: dict[str, Any]  # by name, as in UHI
    digest: str  # SHA-256 of cutflow.json and histograms.json: all numbers that are read of it

    @property
    def kinds(self) -> set[str]:
        """Return the kinds of its datasets."""
        return {dataset["kind"] for dataset in self.datasets.values()}

    @property
    def state(self) -> str:
        """Return the blinding state."""
        return str(self.run["blinding"]["state"])

    def inputs_of(self, dataset: str) -> list[dict[str, Any]]:
        """Return what run.json says of the files of a dataset."""
        return [source for source in self.run["inputs"] if source["dataset"] == dataset]

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
        found = hist.Hist(self.histograms[name])
        x, y = found.axes[2:]
        shape = (x.size + 2, y.size + 2)
        values, variances = np.zeros(shape), np.zeros(shape)
        for dataset in datasets or list(self.datasets):
            if dataset in list(found.axes["dataset"]):
                part: Any = found[dataset, "nominal", ...]
                values += part.values(flow=True)
                variances += part.variances(flow=True)
        return Plane((x.name, y.name), (np.asarray(x.edges), np.asarray(y.edges)), values, variances)


def read_run(path: Path) -> StoredRun:
    """
    Read a run directory.

    Raises
    ------
    UserError
        If it is none, lacks a file, or was written by another version of the format.
    """
    content, digest = {}, hashlib.sha256()
    for name in ("run.json", "cutflow.json", "histograms.json"):
        try:
            hook = uhi.io.json.object_hook if name == "histograms.json" else None
            text = (path / name).read_text(encoding="utf-8")
            content[name] = json.loads(text, object_hook=hook)
            if name != "run.json":  # it holds the seconds that the run took
                digest.update(text.encode())
        except FileNotFoundError as error:
            msg = f"{path} is not a run directory: it has no {name}. `na64 run` writes one"
            raise UserError(msg) from error
        except (ValueError, OSError) as error:
            msg = f"cannot read {path / name}: {error}"
            raise UserError(msg) from error
    if content["run.json"].get("version") != RUN_VERSION:
        msg = (
            f"{path} has version {content['run.json'].get('version')} of the run directory, and this program "
            f"reads version {RUN_VERSION}; run `na64 run` again"
        )
        raise UserError(msg)
    return StoredRun(
        path=path,
        run=content["run.json"],
        datasets=content["cutflow.json"]["datasets"],
        histograms=content["histograms.json"],
        digest=digest.hexdigest(),
    )
