"""Run directories of data for a limit: which background and signals are theirs, and their exposure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from limits.run_input import BinnedBackground
from na64.errors import UserError
from na64.run.alike import require_alike
from na64.run.stored import StoredRun, events_in_box, exposure_of, read_json

__all__ = ["Assumed", "DataRuns", "Estimate", "OneRun", "background_of", "read_data", "source_of"]

Floats = npt.NDArray[np.float64]

_LEAST_FACTOR = 0.05  # as `limits.model.make_channel` has it


class Assumed(NamedTuple):
    """A background that the user names."""

    value: float
    low: float
    high: float


class Estimate(NamedTuple):
    """What `na64 background` left."""

    path: Path
    content: Mapping[str, Any]
    key: tuple[str, ...]


class OneRun(NamedTuple):
    """A run of data, and what belongs to it."""

    name: str
    run: StoredRun
    exposure: float  # particles on target
    estimate: Estimate | None
    observed: int | None  # events in the signal box; None: closed


class DataRuns(NamedTuple):
    """All runs of a limit."""

    runs: tuple[OneRun, ...]
    state: str  # "closed" or "open"
    sources: tuple[Mapping[str, Any], ...]  # directories that were read, with their digests


def read_data(
    runs: Sequence[StoredRun],
    backgrounds: Sequence[Path],
    signals: Sequence[StoredRun],
    *,
    eot: Mapping[str, float],
    assumed: Assumed | None,
) -> DataRuns:
    """
    Find the background, the signals and the exposure of each run.

    Backgrounds belong to the run whose files they name with the same digests and selection; signals to runs
    of the same analysis, setup, thresholds and box.

    Parameters
    ----------
    runs : sequence of StoredRun
        Of data.
    backgrounds : sequence of Path
        Directories of `na64 background`.
    signals : sequence of StoredRun
        Of simulated signal.
    eot : mapping of float
        Particles on target by name of a run, where neither the run nor its background says.
    assumed : Assumed, optional
        The background of runs without an estimate.

    Raises
    ------
    UserError
        If something is lacking, double, or does not belong together.
    """
    names = _names(runs)
    strange = sorted(set(eot) - {*names, ""})
    if strange:
        msg = f"--eot names '{strange[0]}', which is no run; the runs are: {', '.join(names)}"
        raise UserError(msg)
    estimates = [_estimate(path) for path in backgrounds]
    found = []
    for name, run in zip(names, runs, strict=True):
        _require_signals(run, signals)
        found.append(_one(name, run, _estimate_of(run, estimates), eot, assumed))
    used = {one.estimate.path for one in found if one.estimate}
    for estimate in estimates:
        if estimate.path not in used:
            msg = f"{estimate.path} was estimated of other data or another selection than any of the --runs"
            raise UserError(msg)
    states = {run.state for run in runs}
    if len(states) > 1:
        msg = f"the runs mix {' and '.join(sorted(states))} data; a limit is of one kind"
        raise UserError(msg)
    sources = [source_of("data", run) for run in runs]
    sources += [{"role": "background", "path": str(estimate.path)} for estimate in estimates]
    return DataRuns(tuple(found), states.pop(), tuple(sources))


def source_of(role: str, run: StoredRun) -> dict[str, Any]:
    """Return what `limits.json` says of a directory that was read."""
    return {"role": role, "path": str(run.path), "digest": run.digest, "setup": run.record["setup"]}


def _names(runs: Sequence[StoredRun]) -> list[str]:
    names = [run.path.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [f"{run.path.resolve().parent.name}_{name}" for run, name in zip(runs, names, strict=True)]
    if len(set(names)) < len(names):
        msg = f"runs are told apart by the names of their directories, which are: {', '.join(names)}"
        raise UserError(msg)
    return names


def _digests(files: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted(str((file.get("digest") or {}).get("value")) for file in files))


def _key(run: StoredRun) -> tuple[str, ...]:
    return (str(run.record["selection"]["digest"]), *_digests(run.record["inputs"]))


def _estimate(path: Path) -> Estimate:
    content = read_json(path / "background.json", "background estimate of `na64 background`")
    try:
        data = next(part for part in content["inputs"] if part["role"] == "data")
        key = (str(content["selection"]["digest"]), *_digests(data["files"]))
    except (KeyError, StopIteration) as error:
        msg = f"{path} does not say of which data it is; run `na64 background` again with this version"
        raise UserError(msg) from error
    return Estimate(path, content, key)


def _estimate_of(run: StoredRun, estimates: Sequence[Estimate]) -> Estimate | None:
    fitting = [estimate for estimate in estimates if estimate.key == _key(run)]
    if len(fitting) > 1:
        paths = " and ".join(str(estimate.path) for estimate in fitting)
        msg = f"{paths} are both estimates of {run.path}; give one"
        raise UserError(msg)
    return fitting[0] if fitting else None


def _require_signals(run: StoredRun, signals: Sequence[StoredRun]) -> None:
    same = [signal for signal in signals if signal.record["setup"] == run.record["setup"]]
    if not same:
        there = ", ".join(sorted({str(signal.record["setup"]) for signal in signals})) or "none"
        msg = (
            f"{run.path} is of setup {run.record['setup']}, and there are signals of: {there}; give --signal"
        )
        raise UserError(msg)
    for signal in same:
        require_alike(run, signal)
        lacking = [set(one.record["without_cuts"]) for one in (run, signal)]
        if lacking[0] != lacking[1]:
            cuts = ", ".join(sorted(lacking[0] ^ lacking[1]))
            msg = f"one of {run.path} and {signal.path} was run without the cut {cuts}, the other with it"
            raise UserError(msg)


def _one(
    name: str, run: StoredRun, estimate: Estimate | None, eot: Mapping[str, float], assumed: Assumed | None
) -> OneRun:
    if run.kinds != {"data"}:
        msg = f"{run.path} must hold data alone, and holds {', '.join(sorted(run.kinds)) or 'nothing'}"
        raise UserError(msg)
    observed = events_in_box(run)
    told = eot.get(name, eot.get(""))
    if told is None and estimate is not None and run.record["exposure"].get("eot_used") is None:
        told = estimate.content.get("eot")
    exposure = exposure_of(run, told, needed=True)
    assert exposure is not None
    if estimate is None and assumed is None:
        msg = (
            f"{run.path} has no background; give --background DIR of `na64 background`, or "
            f"--assume-background"
        )
        raise UserError(msg)
    return OneRun(name, run, exposure, estimate, observed)


class _Total(NamedTuple):
    value: float
    own: tuple[float, float]  # ends of the interval of the run's own errors
    shared: tuple[float, float]  # relative, down and up, of the extrapolation


def _assumed_total(assumed: Assumed | None) -> _Total:
    value, low, high = assumed or Assumed(0.0, 0.0, 0.0)
    return _Total(value, (low, high), (0.0, 0.0))


def _estimated_total(estimate: Estimate) -> _Total:
    total = estimate.content["total"]
    value = float(total["expected"])
    own = total["statistical"]
    errors = total["systematic"]
    relative = (errors["down"] / value, errors["up"] / value) if value > 0 else (0.0, 0.0)
    high = own["high"] if value > 0 else total["interval"]["high"]
    return _Total(value, (float(own["low"]), float(high)), (float(relative[0]), float(relative[1])))


def background_of(estimate: Estimate | None, assumed: Assumed | None, shares: Floats) -> BinnedBackground:
    """
    Divide a background; nothing with an upper end stands as half of it within a factor of 2.

    Parameters
    ----------
    estimate : Estimate, optional
    assumed : Assumed, optional
        Where there is no estimate; no background without either.
    shares : float64, shape (n_bins,)
        Of the bins, 1 in all.
    """
    value, (low, high), (down, up) = (
        _assumed_total(assumed) if estimate is None else _estimated_total(estimate)
    )
    if value == 0 < high:
        value, low = 0.5 * high, 0.25 * high
    own = (max(low / value, _LEAST_FACTOR), high / value) if value > 0 else (1.0, 1.0)
    return BinnedBackground(
        values=tuple(float(value * share) for share in shares),
        own=own,
        shared=(max(1.0 - down, _LEAST_FACTOR), 1.0 + up),
    )
