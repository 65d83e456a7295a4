"""The options of `na64 limit` and how their words are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from na64.errors import UserError
from na64.limit.data import Assumed

__all__ = ["LimitOptions", "masses_of_grid", "named_numbers", "numbers", "parse_assumed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOptions:
    """The options of `na64 limit`."""

    output: Path
    grid: str  # LOW:HIGH:N in MeV
    runs: tuple[Path, ...] = ()
    background: tuple[Path, ...] = ()
    signal: tuple[Path, ...] = ()
    model: str = "invisible"
    toys: int = 10_000
    level: float = 0.90
    method: str = "auto"
    seed: int = 1
    eot: tuple[str, ...] = ()
    projection: tuple[str, ...] = ()  # EOT or, of visible decays, SETUP=EOT
    setup: str | None = None  # of visible decays
    assume_efficiency: float = 0.6  # of visible decays, without signals
    assume_background: str | None = None
    yield_error: float = 0.1
    dimuon_correction: bool = False
    alpha_d: float = 0.1
    mass_ratio: float = 1 / 3
    dark_matter: str = "dirac"
    without_resonance: bool = False
    electron_motion: bool = False
    track_length: tuple[Path, ...] = ()
    bins: str = ""
    extrapolate: bool = False
    overlay: tuple[str, ...] = ()
    moment: str | None = None  # VALUE:ERROR
    impacts_at: float | None = None  # [MeV]
    project: float | None = None
    executor: str | None = None
    workers: str | None = None
    cluster: str | None = None
    resume: bool = False
    overwrite: bool = False


def masses_of_grid(text: str) -> list[float]:
    """
    Return masses [GeV], evenly spaced in their logarithm, of LOW:HIGH:N in MeV, or those between commas.

    Raises
    ------
    UserError
        If that is not what the text says.
    """
    listed = text.split(",")
    words = text.split(":")
    try:
        if len(words) == 3:
            masses = [float(m) for m in np.geomspace(float(words[0]), float(words[1]), int(words[2]))]
        else:
            masses = [float(word) for word in listed]
    except ValueError as error:
        msg = f"--grid is LOW:HIGH:N in MeV, or masses between commas, got '{text}'"
        raise UserError(msg) from error
    if not masses or not np.isfinite(masses).all() or masses[0] <= 0 or (np.diff(masses) <= 0).any():
        msg = f"--grid needs masses above 0 that rise, LOW:HIGH:N in MeV or between commas, got '{text}'"
        raise UserError(msg)
    return [float(f"{1e-3 * mass:.9g}") for mass in masses]


def numbers(option: str, text: str) -> list[float]:
    """Return numbers between commas; none for an empty text."""
    try:
        found = [float(word) for word in text.split(",") if word.strip()]
    except ValueError as error:
        msg = f"{option} takes numbers between commas, got '{text}'"
        raise UserError(msg) from error
    if not np.isfinite(found).all():
        msg = f"{option} takes finite numbers, got '{text}'"
        raise UserError(msg)
    return found


def named_numbers(option: str, words: Sequence[str]) -> dict[str, float]:
    """Return numbers of NAME=NUMBER, or of NUMBER under an empty name."""
    found: dict[str, float] = {}
    for word in words:
        name, _, number = word.rpartition("=")
        values = numbers(option, number)
        if len(values) != 1 or values[0] <= 0 or name in found:
            msg = f"{option} is RUN=NUMBER with a number above 0, once per run, got '{word}'"
            raise UserError(msg)
        found[name] = values[0]
    return found


def parse_assumed(text: str | None) -> Assumed | None:
    """Return the background of VALUE or VALUE:LOW:HIGH."""
    if text is None:
        return None
    values = numbers("--assume-background", text.replace(":", ","))
    value, low, high = values if len(values) == 3 else (*values[:1], *values[:1], *values[:1])
    if len(values) not in {1, 3} or not 0 <= low <= value <= high:
        msg = (
            f"--assume-background is EVENTS or EVENTS:LOW:HIGH with 0 <= LOW <= EVENTS <= HIGH, got '{text}'"
        )
        raise UserError(msg)
    return Assumed(value, low, high)
