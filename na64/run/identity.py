"""What a run is: a digest of each part that decides its result; freezing keeps them, opening compares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from datasets.conditions import read_tables
from datasets.periods import period_of_setup
from datasets.profiles import load_profile
from datasets.setups import load_setup
from na64.run.record import describe_inputs
from processors.analysis import AnalysisProcessor
from processors.rooms import source_digest
from processors.runner import Prepared
from processors.withholding import blinding_of

__all__ = ["PARTS", "digest_of", "identify"]

PARTS = {  # key of `identity` in run.json -> what it is called
    "selection": "the selection (cuts, thresholds, base requirement, signal box)",
    "reconstruction": "the reconstruction (setup, shower profile, layouts, seed)",
    "conditions": "the tables of conditions",
    "sources": "the sources (code and configuration that come with it)",
    "regions": "the closed regions of the periods",
    "input_digest": "the list of inputs",
}


def identify(processor: AnalysisProcessor, prepared: Prepared) -> dict[str, str | None]:
    """
    Return the digest of each part that decides the result of a run, before any event is read.

    Parameters
    ----------
    processor : AnalysisProcessor
    prepared : Prepared

    Returns
    -------
    dict
        By the keys of `PARTS`; None for conditions where there are no raw digits.
    """
    setup = load_setup(prepared.setup)
    layouts = {probe.layout.name: asdict(probe.layout) for probe in prepared.probes}
    profile = asdict(load_profile(setup.shower_profile)) if setup.shower_profile else None
    is_raw = any(probe.layout.level == "raw" for probe in prepared.probes)
    tables = [file.digest for file in read_tables(setup, processor.conditions)] if is_raw else None
    return {
        "selection": processor.selection_for(setup).digest(),
        "reconstruction": digest_of([asdict(setup), profile, layouts, processor.seed]),
        "conditions": None if tables is None else digest_of(tables),
        "sources": source_digest(),
        "regions": digest_of(_regions(prepared)),
        "input_digest": digest_of([_input(entry) for entry in describe_inputs(prepared)]),
    }


def digest_of(content: Any) -> str:
    """Return the SHA-256 of plain values, whatever the order of their keys."""
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _regions(prepared: Prepared) -> dict[str, Any]:
    """Return what is closed on the data among the inputs, as if nothing were open."""
    data = [probe for probe in prepared.probes if probe.kind == "data"]
    periods = [probe.period or period_of_setup(prepared.setup) for probe in data]
    return {period.name: blinding_of(period).digest() for period in periods}


def _input(entry: Mapping[str, Any]) -> list[Any]:
    """Return what makes an input what it is, wherever it lies."""
    return [
        entry["dataset"],
        entry["kind"],
        entry["period"],
        entry["entries"],
        entry["tree"],
        entry["digest"],
    ]
