"""What a run was: the content of run.json."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from datasets.periods import Period, load_periods
from na64 import __version__
from na64.run.tables import quality_json
from processors.environment import PACKAGES
from processors.result import AnalysisResult
from processors.rooms import source_digest
from processors.runner import Account, Prepared
from selections.blinding import State
from selections.selection import Selection

__all__ = ["RUN_VERSION", "RunRecord", "describe_inputs", "describe_run", "run_notes", "versions"]

RUN_VERSION = 1  # of run.json and the names in it


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Everything that a run directory tells of."""

    result: AnalysisResult
    account: Account
    prepared: Prepared
    selection: Selection
    exposure: Mapping[str, Any]  # from `na64.run.exposure.describe_exposure`
    options: Mapping[str, Any]
    identity: Mapping[str, str | None] = field(default_factory=dict)  # digests, see `na64.run.identity`
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """Return what is to be said of the result and of its files, in order."""
        return sorted({*self.result.notes, *run_notes(self.prepared)})


def run_notes(prepared: Prepared) -> list[str]:
    """Say of which files the run lies outside of their data-taking period, so that none of it is shown."""
    periods = {period.name: period for period in load_periods()}
    found: dict[tuple[int, str], list[str]] = {}
    for probe in prepared.probes:
        period = periods.get(probe.period.name) if probe.period is not None else None
        if period is None or probe.run is None or not period.runs or period.covers(probe.run):
            continue
        found.setdefault((probe.run, period.name), []).append(probe.file.path)
    return [_run_note(run, periods[name], paths) for (run, name), paths in found.items()]


def _run_note(run: int, period: Period, paths: list[str]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    ranges = ", ".join(f"{first} to {last}" for first, last in period.runs)
    return (
        f"{paths[0]}{more}: run {run} lies outside of period {period.name} (runs {ranges}), so its events "
        f"are not shown. Simulated files have run 0: leave --kind data out, or write them with a run of the "
        f"period to read them as pseudo-data"
    )


def describe_run(record: RunRecord) -> dict[str, Any]:
    """Return the content of run.json."""
    account, prepared = record.account, record.prepared
    return {
        "version": RUN_VERSION,
        "analysis": record.selection.analysis,
        "setup": prepared.setup,
        "events": {
            "input": account.processed + account.lost,
            "processed": account.processed,
            "lost": account.lost,
            "unknown_files": account.unknown_files,
        },
        "losses": [asdict(loss) for loss in account.losses],
        "chunks": {
            "total": account.chunks,
            "retried": len(account.retries),
            "resumed_events": account.resumed,
        },
        "retries": [retry._asdict() | {"retries": len(retry.reasons)} for retry in account.retries],
        "exposure": dict(record.exposure),
        "quality": {
            name: quality_json(sample.quality) for name, sample in sorted(record.result.samples.items())
        },
        "blinding": _blinding(record.result),
        "inputs": describe_inputs(prepared),
        "seconds": {name: round(value, 3) for name, value in record.seconds.items()},
        "versions": versions(),
        "git": _git(),
        "without_cuts": list(record.selection.without),
        "changed_cuts": list(record.selection.changed),
        "selection": {
            "digest": record.selection.digest(),
            "params": record.selection.params,
            "signal_box": {name: list(limit) for name, limit in record.selection.signal_box.limits.items()},
        },
        "identity": dict(record.identity),
        "variations": _variations(record),
        "options": {name: _plain(value) for name, value in record.options.items()},
        "notes": record.notes,
    }


def _variations(record: RunRecord) -> list[dict[str, Any]]:
    """Return the systematic variations that were computed, with all that they change."""
    used = {name for sample in record.result.samples.values() for name in sample.variations}
    return [asdict(variation) for variation in record.selection.variations if variation.name in used]


def _blinding(result: AnalysisResult) -> dict[str, Any]:
    """Return the blinding of the run: open if any of its samples is, else closed if any is."""
    states = {sample.blinding.state: sample.blinding for sample in result.samples.values()}
    order: tuple[State, ...] = ("open", "closed")
    state: State = next((s for s in order if s in states), "not applicable")
    blinding = states.get(state)
    if blinding is None:
        return {"state": state, "region": {}, "digest": None}
    closed = {name: s.blinding for name, s in sorted(result.samples.items()) if s.blinding.closed}
    guard = {name: one.guard_table() for name, one in closed.items() if one.guard_table()}
    told: dict[str, Any] = {
        "state": state,
        "region": {name: one.region_table() for name, one in closed.items()},
        "guard": guard,
        "digest": blinding.digest(),
    }
    if blinding.opening is not None:
        opened = [name for name, s in sorted(result.samples.items()) if s.blinding.state == "open"]
        told |= {"opened": opened, "mark": blinding.opening.mark, "statement": blinding.opening.table()}
    return told


def describe_inputs(prepared: Prepared) -> list[dict[str, Any]]:
    """Return what is known of each input file."""
    return [
        {
            "path": probe.file.path,
            "kind": probe.kind,
            "size": probe.size,
            "digest": asdict(probe.digest),
            "verified": probe.verified,
            "entries": probe.tree.entries,
            "dataset": probe.file.dataset,
            "layout": probe.layout.name,
            "tree": probe.tree.name,
            "uuid": probe.uuid,
            "period": probe.period.name if probe.period is not None else None,
            **({"parent": dict(probe.parent)} if probe.parent else {}),
        }
        for probe in prepared.probes
    ]


def versions() -> dict[str, str]:
    """Return the versions that made the result, with the digest of our own sources."""
    found = {name: metadata.version(name) for name in PACKAGES}
    return {"na64": __version__, "sources": source_digest(), "python": platform.python_version(), **found}


def _git() -> dict[str, Any] | None:
    """Return commit and state of the checkout that the code runs from, None outside of one."""
    home = Path(__file__).parents[1]

    def ask(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(home), *arguments], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "changed": bool(ask("status", "--porcelain", "--", "."))}
    except (OSError, subprocess.SubprocessError):
        return None


def _plain(value: Any) -> Any:
    """Return a value that JSON knows."""
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value
