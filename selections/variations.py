"""Systematic variations: other columns and other thresholds, evaluated after the one reconstruction."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import yaml
from pydantic import TypeAdapter, ValidationError

from recon.columns import COLUMNS
from selections.cut import Cut, Events
from selections.regions import Margin

__all__ = ["NOMINAL", "Variation", "VariationError", "parse_variations", "read_variations", "scaled_columns"]

NOMINAL = "nominal"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_OF_OTHER_NAME = {"ecal": ("ps_energy",)}  # energies of a detector whose name does not begin with its own


class VariationError(ValueError):
    """A variation is not one; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """
    One systematic variation: columns -> columns and cuts -> cuts.

    Only what is linear in an energy follows a scale: positions, times, shapes and chi2 stay as they are,
    since nothing is reconstructed again.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: str
    label: str = ""
    scale: Mapping[str, float] = field(default_factory=dict)  # column, or detector -> factor
    add: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # column -> {other: part of it}
    set: Mapping[str, float] = field(default_factory=dict)  # "cut.key" -> threshold
    multiply: Mapping[str, float] = field(default_factory=dict)  # "cut.key" -> factor of the threshold

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name == NOMINAL:
            msg = f"'{self.name}' is no name of a variation: small letters, digits and _, and not '{NOMINAL}'"
            raise VariationError(msg)
        parts = [part for others in self.add.values() for part in others.values()]
        numbers = [*self.scale.values(), *self.set.values(), *self.multiply.values(), *parts]
        if not numbers or not all(math.isfinite(number) for number in numbers):
            got = numbers or "nothing"
            msg = f"variation '{self.name}' must change something, by finite numbers; got {got}"
            raise VariationError(msg)
        if not all(factor > 0 for factor in self.scale.values()):
            msg = f"variation '{self.name}': factors of 'scale' must be above 0, got {dict(self.scale)}"
            raise VariationError(msg)

    @property
    def thresholds(self) -> tuple[str, ...]:
        """Return the thresholds that change, "cut.key" each."""
        return (*self.set, *self.multiply)

    @property
    def touched_cuts(self) -> frozenset[str]:
        """Return the cuts whose thresholds change."""
        return frozenset(name.partition(".")[0] for name in self.thresholds)

    def lacking(self, present: Events | frozenset[str]) -> list[str]:
        """Return the columns without which the variation would do nothing, and that are not there."""
        lacking = [name for name in self.scale if not any(c in present for c in scaled_columns(name))]
        pairs = [(column, *others) for column, others in self.add.items()]
        return lacking + [name for names in pairs for name in names if name not in present]

    def apply_columns(self, events: Events) -> dict[str, Any]:
        """
        Return the columns that change.

        Parameters
        ----------
        events : mapping of arrays, each of shape (n_events, ...)

        Returns
        -------
        dict of arrays
            Of the same shapes and units. What is added comes before the scale; an unknown part (NaN) makes
            the sum unknown, so that it passes no cut.
        """
        changed: dict[str, Any] = {}
        for name, others in self.add.items():
            values = events[name]
            for other, part in others.items():
                extra = part * events[other]
                values = values + (extra[:, np.newaxis] if values.ndim > extra.ndim else extra)
            changed[name] = values
        for group, factor in self.scale.items():
            for name in scaled_columns(group):
                if name in events:
                    changed[name] = changed.get(name, events[name]) * factor
        return changed

    def shift(self, column: str) -> Margin:
        """Return how far the variation moves a column at most; without a limit where it adds others to it."""
        factor = math.prod(f for group, f in self.scale.items() if column in scaled_columns(group))
        is_added = any(part != 0 for part in self.add.get(column, {}).values())
        return Margin(round(abs(factor - 1.0), 12), math.inf if is_added else 0.0)

    def apply_cuts(self, cuts: Sequence[Cut]) -> tuple[Cut, ...]:
        """Return the cuts with the thresholds of the variation."""
        return tuple(
            replace(cut, params=self._params(cut)) if cut.name in self.touched_cuts else cut for cut in cuts
        )

    def _params(self, cut: Cut) -> dict[str, float]:
        params = dict(cut.params)
        for key in params:
            params[key] = self.set.get(f"{cut.name}.{key}", params[key])
            params[key] *= self.multiply.get(f"{cut.name}.{key}", 1.0)
        return params


def scaled_columns(name: str) -> tuple[str, ...]:
    """
    Return the columns that a word of `scale` stands for.

    Parameters
    ----------
    name : str
        A column, or a detector (`ecal`, `track`): all its columns in GeV.

    Raises
    ------
    VariationError
        If there is no such column or detector, or the column is none of floating-point numbers.
    """
    if name in COLUMNS:
        if not COLUMNS[name].dtype.startswith("float"):
            msg = f"column '{name}' holds {COLUMNS[name].dtype}; only columns of float64 can be varied"
            raise VariationError(msg)
        return (name,)
    own = tuple(c for c, declared in COLUMNS.items() if declared.unit == "GeV" and c.startswith(f"{name}_"))
    if not own:
        detectors = {column.partition("_")[0] for column in COLUMNS if column.endswith("_energy")}
        close = difflib.get_close_matches(name, [*COLUMNS, *detectors], n=1)
        msg = f"'{name}' is no column and no detector{f'; did you mean {close[0]!r}?' if close else ''}"
        raise VariationError(msg)
    return own + _OF_OTHER_NAME.get(name, ())


def parse_variations(
    tree: Any, params: Mapping[str, Mapping[str, float]], where: str
) -> tuple[Variation, ...]:
    """
    Return the variations of a mapping from names to what they change.

    Parameters
    ----------
    tree : mapping
        As read from YAML.
    params : mapping
        Cut -> parameter -> value, of all cuts that an analysis knows.
    where : str
        File, for messages.

    Raises
    ------
    VariationError
        If a key, a column, a cut or a number is wrong.
    """
    if not isinstance(tree, Mapping):
        msg = f"{where}: expected a mapping from names of variations to what they change, got {tree!r}"
        raise VariationError(msg)
    found = []
    for name, spec in tree.items():
        if not isinstance(spec, Mapping):
            msg = f"{where}: variation '{name}' must be a mapping (scale, add, set, multiply), got {spec!r}"
            raise VariationError(msg)
        bare = {key: value for key, value in spec.items() if key != "source"}
        try:
            variation = TypeAdapter(Variation).validate_python({"name": name, **bare})
            _check(variation, params)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
            msg = f"{where}: variation '{name}': {faults}"
            raise VariationError(msg) from error
        except VariationError as error:
            msg = f"{where}: {error}"
            raise VariationError(msg) from error
        found.append(variation)
    return tuple(found)


def _check(variation: Variation, params: Mapping[str, Mapping[str, float]]) -> None:
    """Refuse a name that is nothing: the variation would be the nominal result."""
    names = [*variation.scale, *variation.add, *(other for part in variation.add.values() for other in part)]
    for name in names:
        scaled_columns(name)
    for name in (*variation.add, *(other for part in variation.add.values() for other in part)):
        if name not in COLUMNS or COLUMNS[name].kind == "list":
            msg = f"variation '{variation.name}': 'add' takes columns with numbers per event, not '{name}'"
            raise VariationError(msg)
    known = [f"{cut}.{key}" for cut, values in params.items() for key in values]
    for name in variation.thresholds:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            msg = f"variation '{variation.name}': there is no threshold '{name}'{hint}"
            raise VariationError(msg)


def read_variations(
    words: Sequence[str], declared: Sequence[Variation], params: Mapping[str, Mapping[str, float]]
) -> tuple[Variation, ...]:
    """
    Return the variations that a user asks for.

    Parameters
    ----------
    words : sequence of str
        Names of declared variations, "all", "none", or paths of YAML files with one's own.
    declared : sequence of Variation
    params : mapping
        As for `parse_variations`.

    Raises
    ------
    VariationError
        If a word is none of these, or a file cannot be read.
    """
    chosen: dict[str, Variation] = {}
    names = {variation.name: variation for variation in declared}
    for word in words:
        if word in names:
            found: Sequence[Variation] = (names[word],)
        elif word in {"all", "none"}:
            found = declared if word == "all" else ()
        elif word.endswith((".yaml", ".yml")):
            found = _read(Path(word), params)
        else:
            close = difflib.get_close_matches(word, names, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            msg = f"unknown variation '{word}'{hint} There are: {', '.join(names)}, all, none, or a YAML file"
            raise VariationError(msg)
        for variation in found:
            if chosen.get(variation.name, variation) != variation:
                msg = f"two different variations are called '{variation.name}'; give one another name"
                raise VariationError(msg)
            chosen[variation.name] = variation
    return tuple(chosen.values())


def _read(path: Path, params: Mapping[str, Mapping[str, float]]) -> tuple[Variation, ...]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        msg = f"cannot read the variations of {path}: {error}"
        raise VariationError(msg) from error
    return parse_variations(tree, params, str(path))
