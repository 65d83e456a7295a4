"""Particles on target of what was read: of data by the catalogue, of simulation by its own metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from datasets.conditions.catalogue import Catalogue
from datasets.conditions.exposure import exposure
from datasets.config import ConfigError
from datasets.probe import Probe
from processors.digits import conditions_of
from processors.runner import Account, Loss, Prepared

__all__ = ["compare", "describe_exposure", "exposure_line", "exposure_rows"]

_SUMS = ("eot_input", "eot_used", "eot_lost")


def compare(catalogue: Catalogue, prepared: Prepared) -> Prepared:
    """
    Compare what the catalogue says of the files with what was found.

    Returns
    -------
    Prepared
        Files that cannot be read have the number of entries that the catalogue says.

    Raises
    ------
    ConfigError
        If a file has another size or number of entries than the catalogue says, or its layout cannot tell
        which events are of a bad spill.
    """
    for probe in prepared.probes:
        if probe.kind != "simulation" and probe.layout.level != "columns":
            _check(catalogue, probe)
    losses = []
    for loss in prepared.losses:
        found = catalogue.find(loss.file)
        known = found[1].entries if found is not None and loss.entries is None else loss.entries
        losses.append(Loss(loss.file, known, loss.reason))
    return replace(prepared, losses=tuple(losses))


def _check(catalogue: Catalogue, probe: Probe) -> None:
    """Refuse a data file that is not that of the catalogue: its particles would be counted wrongly."""
    found = catalogue.find(probe.file.path, probe.size)
    if found is None:
        return
    run, file = found
    if file.entries is not None and file.entries != probe.tree.entries:
        msg = (
            f"{probe.file.path} has {probe.tree.entries} entries, the catalogue says {file.entries}: it is "
            f"cut short or another version of the file"
        )
        raise ConfigError(msg)
    if run.bad_spills and not {"run", "spill"} <= probe.quantities:
        msg = (
            f"{probe.file.path}: spills {', '.join(map(str, run.bad_spills[:5]))} of run {run.run} are bad, "
            f"and layout {probe.layout.name} gives no run and spill to leave their events out"
        )
        raise ConfigError(msg)


def describe_exposure(
    catalogue: Catalogue, prepared: Prepared, account: Account, conditions: Sequence[str] = ()
) -> dict[str, Any]:
    """
    Add up particles on target; a function of files, spills and losses, never of what events hold.

    Parameters
    ----------
    catalogue : Catalogue
    prepared : Prepared
    account : Account
        What was lost on the way.
    conditions : sequence of str
        Tables of the user, whose bad spills count as lost.

    Returns
    -------
    dict
        `eot_input`, `eot_used`, `eot_lost`, `eot_live`, `unknown`, `source` and `reason`; None is not known,
        and `reason` then says why.
    """
    kinds = {probe.kind for probe in prepared.probes}
    if len(kinds) > 1:
        return _nothing(f"{' and '.join(sorted(kinds))} are in one run, whose particles do not add up")
    lost = {loss.file for loss in account.losses}
    if any(probe.layout.level == "columns" for probe in prepared.probes):
        found = _of_parts([dict(p.parent.get("exposure") or {}) for p in prepared.probes], prepared, lost)
        return found | {"source": "the files that the columns were made of"}
    if kinds == {"simulation"}:
        parts = [dict.fromkeys(("eot_input", "eot_used"), p.parent.get("eot")) for p in prepared.probes]
        return _of_parts([part | {"eot_lost": 0} for part in parts], prepared, lost) | {
            "source": "equivalent particles on target, by the metadata of the files"
        }
    inputs = [probe.file.path for probe in prepared.probes] + [loss.file for loss in prepared.losses]
    added = exposure(catalogue, inputs, lost, _bad_spills(catalogue, prepared, conditions)).as_dict()
    unknown = added["unknown"]
    reason = f"not known: {', '.join(unknown[:3])}{' and others' * (len(unknown) > 3)}" if unknown else None
    return added | {"source": "run catalogue", "reason": reason}


def _bad_spills(
    catalogue: Catalogue, prepared: Prepared, conditions: Sequence[str]
) -> Mapping[int, list[int]]:
    """Return the spills that the conditions call bad, by run, of raw files in the catalogue."""
    bad = {}
    for probe in prepared.probes:
        found = catalogue.find(probe.file.path)
        if probe.layout.level == "raw" and found is not None:
            run = found[0].run
            bad[run] = conditions_of(prepared.setup, run, tuple(conditions)).bad_spills.tolist()
    return bad


def _of_parts(parts: Sequence[Mapping[str, Any]], prepared: Prepared, lost: set[str]) -> dict[str, Any]:
    """Add up what files say of themselves; a file of which something was lost is lost."""
    sums: dict[str, Any] = dict.fromkeys(_SUMS, 0)
    unknown = [loss.file for loss in prepared.losses]
    for probe, part in zip(prepared.probes, parts, strict=True):
        if any(part.get(name) is None for name in _SUMS):
            unknown.append(probe.file.path)
            continue
        is_lost = probe.file.path in lost
        sums["eot_input"] += part["eot_input"]
        sums["eot_used"] += 0 if is_lost else part["eot_used"]
        sums["eot_lost"] += part["eot_input"] if is_lost else part["eot_lost"]
    if unknown:
        return _nothing(f"no metadata say the particles on target of {unknown[0]}") | {"unknown": unknown}
    return {**sums, "eot_live": None, "unknown": [], "source": None, "reason": None}


def _nothing(reason: str) -> dict[str, Any]:
    empty = dict.fromkeys((*_SUMS, "eot_live"))
    return {**empty, "unknown": [], "source": None, "reason": reason}


def exposure_line(found: Mapping[str, Any]) -> str:
    """Return the exposure in one line."""
    if all(found.get(name) is None for name in _SUMS):
        return f"exposure: {found.get('reason') or 'not known'}"
    if any(found.get(name) is None for name in _SUMS):
        known = ", ".join(f"{found[k]:.4g} {k[4:]}" for k in _SUMS if found.get(k))
        return (
            f"exposure: particles on target {found.get('reason') or 'not known'}{f' ({known})' * bool(known)}"
        )
    given, used, lost = (f"{found[name]:.4g}" for name in _SUMS)
    return f"exposure: {given} particles on target = {used} used + {lost} lost"


def exposure_rows(exposure: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what is known of the particles on target as pairs of words and values."""
    names = {"input": "in the input", "used": "used", "lost": "lost", "live": "while the readout was live"}
    known = {text: exposure.get(f"eot_{key}") for key, text in names.items()}
    rows: list[tuple[str, Any]] = [
        (f"particles on target, {text}", f"{value:.4g}") for text, value in known.items() if value is not None
    ]
    if known["used"] is None:
        rows = [("particles on target", "not known"), *(row for row in rows if row[1] != "0")]
        rows.append(("why", str(exposure.get("reason") or "–").removeprefix("not known: ")))
    elif exposure.get("source"):
        rows.append(("particles on target, by", exposure["source"]))
    unknown = exposure.get("unknown") or []
    return [*rows, *([("files of unknown exposure", unknown)] if len(unknown) > 1 else [])]
