"""The options of `na64 limit` and how their words are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from na64.errors import UserError
from na64.limit.data import Assumed

__all__ = [
    "LimitOptions", "masses_of_grid", "named_numbers", "notes_of", "numbers", "parse_assumed", "parse_moment",
]  # fmt: skip


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
    words = text.split(":")
    try:
        if len(words) == 3:
            low, high, count = float(words[0]), float(words[1]), int(words[2])
            masses = [low, high] if count < 2 else [float(m) for m in np.geomspace(low, high, count)]
        else:
            masses, count = [float(word) for word in text.split(",")], 0
    except ValueError as error:
        msg = f"--grid is LOW:HIGH:N in MeV, or masses between commas, got '{text}'"
        raise UserError(msg) from error
    if len(words) == 3 and count < 2:
        if masses[0] != masses[1] or count < 1:
            msg = f"--grid LOW:HIGH:N takes an N of 2 or more, since both ends are among them, got '{text}'"
            raise UserError(msg)
        masses = masses[:1]
    if not masses or not np.isfinite(masses).all() or masses[0] <= 0 or (np.diff(masses) <= 0).any():
        msg = f"--grid needs masses above 0 that rise, LOW:HIGH:N in MeV or between commas, got '{text}'"
        raise UserError(msg)
    return [float(f"{1e-3 * mass:.9g}") for mass in masses]


def numbers(option: str, text: str) -> list[float]:
    """Return numbers between commas; none for an empty text."""
    found = _finite(text, ",")
    if found is None:
        msg = f"{option} takes numbers between commas, got '{text}'"
        raise UserError(msg)
    return found


def _finite(text: str, mark: str) -> list[float] | None:
    """Return the numbers between marks; None if one is not a finite number."""
    try:
        found = [float(word) for word in text.split(mark) if word.strip()]
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None


def named_numbers(option: str, words: Sequence[str], form: str) -> dict[str, float]:
    """
    Return numbers of NAME=NUMBER, or of NUMBER under an empty name.

    Parameters
    ----------
    option : str
        As it is called on the command line.
    words : sequence of str
    form : str
        Of a word, for messages, as the help has it: "[RUN=]NUMBER".

    Raises
    ------
    UserError
        If a word has another form, its number is not above 0, or a name is there twice.
    """
    found: dict[str, float] = {}
    for word in words:
        name, _, number = word.rpartition("=")
        values = _finite(number, ",")
        if values is None or len(values) != 1 or values[0] <= 0:
            msg = f"{option} is {form} with a number above 0, got '{word}'"
            raise UserError(msg)
        if name in found:
            whose = f" of {name}" if name else ""
            msg = f"{option}{whose} is given twice, {found[name]:g} and {values[0]:g}; give one"
            raise UserError(msg)
        found[name] = values[0]
    return found


def parse_assumed(text: str | None) -> Assumed | None:
    """Return the background of VALUE or VALUE:LOW:HIGH."""
    if text is None:
        return None
    values = _finite(text, ":") or []
    value, low, high = values * 3 if len(values) == 1 else values if len(values) == 3 else [-1.0] * 3
    if not 0 <= low <= value <= high:
        msg = (
            f"--assume-background is EVENTS or EVENTS:LOW:HIGH with 0 <= LOW <= EVENTS <= HIGH, got '{text}'"
        )
        raise UserError(msg)
    return Assumed(value, low, high)


def parse_moment(text: str | None) -> tuple[float, float] | None:
    """Return value and error of VALUE:ERROR."""
    if text is None:
        return None
    values = _finite(text, ":") or []
    if len(values) != 2 or values[1] < 0:
        msg = f"--moment is VALUE:ERROR with an error of 0 or more, got '{text}'"
        raise UserError(msg)
    return values[0], values[1]


def notes_of(options: LimitOptions) -> list[str]:
    """Return what a reader must know of values that no input names."""
    notes = []
    if options.projection and options.assume_background is None:
        notes.append("no background is assumed, since --assume-background does not say more")
    if options.model == "invisible" and options.alpha_d > 1:
        notes.append(
            f"alpha_D = {options.alpha_d:g} is above 1, where the coupling of dark matter is not perturbative"
        )
    return notes
