"""A selection: the cuts of an analysis with the numbers of a setup and the user's changes."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import yaml
from pydantic import TypeAdapter, ValidationError

from selections.blinding import BlindingError
from selections.cut import Cut, build_cuts
from selections.errors import SelectionError, nearest
from selections.region_specs import read_regions, read_tag_and_probe
from selections.regions import Limit, Region
from selections.tag_and_probe import TagAndProbe
from selections.variations import Variation, VariationError, parse_variations, read_variations

__all__ = [
    "ANALYSES",
    "Base",
    "Selection",
    "SelectionError",
    "Signal",
    "choose_variations",
    "load_selection",
]

ANALYSES = ("invisible", "muon", "visible", "hadron")
_FOLDER = Path(__file__).parent
_BOX = "signal_box"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What an event needs to be shown at all."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    columns: tuple[str, ...]  # finite
    valid: tuple[str, ...]  # True
    trigger: str  # True on data; calibration has another
    cuts: tuple[str, ...]
    plausible: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # column -> [low, high]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Of which simulated events the efficiency for a signal is taken."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    processes: tuple[int, ...] = ()  # codes of `truth_process`
    missing_energy: float = 0.0  # [GeV] of the truth; less is no signal in the box


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What a selection YAML may say, without its sources."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    analysis: str
    base: Base
    default: Mapping[str, Mapping[str, float]]
    signal_box: Mapping[str, Any]
    regions: Mapping[str, Mapping[str, Any]]
    setups: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    setup_regions: Mapping[str, Mapping[str, Mapping[str, Limit]]] = field(default_factory=dict)
    signal: Signal = field(default_factory=Signal)
    variations: Mapping[str, Any] = field(default_factory=dict)
    tag_and_probe: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Cuts in order, base requirement and regions, ready to be applied."""

    analysis: str
    setup: str
    base: Base
    cuts: tuple[Cut, ...]
    signal_box: Region
    regions: tuple[Region, ...]
    params: Mapping[str, Mapping[str, float]]  # of all cuts of the analysis, also those left out
    without: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()  # "cut.key=value" as the user set them
    signal: Signal = field(default_factory=Signal)
    variations: tuple[Variation, ...] = ()
    tag_and_probe: TagAndProbe | None = None

    def cut(self, name: str) -> Cut:
        """Return the cut called ``name``."""
        for cut in self.cuts:
            if cut.name == name:
                return cut
        names = [cut.name for cut in self.cuts]
        msg = f"unknown cut '{name}'{nearest(name, names)} Cuts of {self.analysis}: {', '.join(names)}"
        raise SelectionError(msg)

    @property
    def base_cuts(self) -> tuple[Cut, ...]:
        """Return the cuts that the base holds."""
        return tuple(cut for cut in self.cuts if cut.name in self.base.cuts)

    @property
    def base_columns(self) -> tuple[str, ...]:
        """Return the columns and flags without which nobody can tell whether an event may be seen."""
        of_cuts = [name for cut in self.base_cuts for name in (*cut.needs, *cut.optional)]
        return tuple(dict.fromkeys((*self.base.columns, *self.base.valid, *of_cuts)))

    def require_untouched_base(self) -> None:
        """
        Refuse a changed base on closed data.

        Raises
        ------
        BlindingError
            If a base cut was changed or left out: the difference of two such runs would tell about
            closed events.
        """
        touched = {*self.without, *(change.partition(".")[0] for change in self.changed)}
        names = [name for name in self.base.cuts if name in touched]
        if names:
            msg = (
                f"cut {', '.join(names)} belongs to the base requirement of the blinding; it cannot "
                f"be changed or left out on closed data. Study it on simulation, or on calibration data"
            )
            raise BlindingError(msg)

    def needs(self, present: frozenset[str] | set[str]) -> dict[str, list[str]]:
        """Return for "base" and each cut the columns that are needed and not present."""
        base = (*self.base.columns, *self.base.valid, self.base.trigger)
        lacking = {"base": [c for c in base if c not in present]}
        for cut in self.cuts:
            lacking[cut.name] = [name for name in cut.needs if name not in present]
        return {name: columns for name, columns in lacking.items() if columns}

    def digest(self) -> str:
        """Return the digest of everything that decides which event passes."""
        content = {
            "analysis": self.analysis,
            "cuts": {cut.name: dict(cut.params) for cut in self.cuts},
            "base": [
                self.base.columns,
                self.base.valid,
                self.base.trigger,
                self.base.cuts,
                dict(self.base.plausible),
            ],
            "signal_box": [
                {k: list(v) for k, v in sorted(self.signal_box.limits.items())},
                list(self.signal_box.sum_of),
                list(self.signal_box.sum_limit),
            ],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_selection(
    analysis: str,
    setup: str,
    detectors: Sequence[str],
    *,
    changes: Sequence[str] = (),
    without: Sequence[str] = (),
    variations: Sequence[Variation] | None = None,
) -> Selection:
    """
    Load the selection of an analysis for a setup.

    Parameters
    ----------
    analysis : str
        One of `ANALYSES`.
    setup : str
        Name of the setup; numbers under `setups` and `setup_regions` of the YAML override the default ones.
    detectors : sequence of str
        Detectors that the setup has: a cut on an absent one does not exist.
    changes : sequence of str
        "CUT.KEY=VALUE" each; "signal_box.COLUMN=VALUE" moves the upper edge of the box.
    without : sequence of str
        Names of cuts to leave out.
    variations : sequence of Variation, optional
        By default those that the YAML declares.

    Raises
    ------
    SelectionError
        If a name is unknown (the nearest valid one is given) or a value is not a number.
    """
    module, content = _load_file(analysis)
    params = _merge(content, setup)
    for cut in module.CUTS:
        if cut.detector not in (None, *detectors):
            params.pop(cut.name)
    box, *regions = _regions_of(content, setup)
    for change in changes:
        if change.partition(".")[0] == _BOX:
            box = _resize(box, change)
        else:
            _apply(params, change)
    for name in without:
        if name not in params:
            msg = f"unknown cut '{name}'{nearest(name, params)} Cuts of {analysis}: {', '.join(params)}"
            raise SelectionError(msg)
    kept = {name: values for name, values in params.items() if name not in without}
    return Selection(
        analysis=analysis,
        setup=setup,
        base=content.base,
        cuts=build_cuts(module.CUTS, kept),
        signal_box=box,
        regions=tuple(regions),
        params=params,
        without=tuple(dict.fromkeys(without)),
        changed=tuple(changes),
        signal=content.signal,
        variations=_declared_variations(analysis) if variations is None else tuple(variations),
        tag_and_probe=read_tag_and_probe(content.tag_and_probe),
    )


def choose_variations(analysis: str, words: Sequence[str]) -> tuple[Variation, ...] | None:
    """
    Return the systematic variations that a user asks for, None without a word.

    Parameters
    ----------
    analysis : str
    words : sequence of str
        Names of declared variations, "all", "none", or paths of YAML files.

    Raises
    ------
    SelectionError
        If a word is none of these.
    """
    if not words:
        return None
    _, content = _load_file(analysis)
    try:
        return read_variations(words, _declared_variations(analysis), content.default)
    except VariationError as error:
        raise SelectionError(str(error)) from error


@cache
def _declared_variations(analysis: str) -> tuple[Variation, ...]:
    _, content = _load_file(analysis)
    try:
        return parse_variations(content.variations, content.default, f"{analysis}.yaml")
    except VariationError as error:
        raise SelectionError(str(error)) from error


@cache
def _load_file(analysis: str) -> tuple[ModuleType, _File]:
    if analysis not in ANALYSES:
        msg = f"unknown analysis '{analysis}'{nearest(analysis, ANALYSES)} Analyses: {', '.join(ANALYSES)}"
        raise SelectionError(msg)
    path = _FOLDER / f"{analysis}.yaml"
    tree = without_sources(yaml.safe_load(path.read_text(encoding="utf-8")))
    try:
        content = TypeAdapter(_File).validate_python(tree)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
        msg = f"{path.name}: {faults}"
        raise SelectionError(msg) from error
    module = importlib.import_module(f"selections.{analysis}")
    _check_names(content, module.CUTS, path.name)
    return module, content


def _check_names(content: _File, declared: Sequence[Cut], where: str) -> None:
    """Refuse a file whose cuts or parameters are not those of the module: a typo would drop a cut."""
    expected = {cut.name: _parameters(cut.keep) for cut in declared}
    given = {name: set(values) for name, values in content.default.items()}
    for name in (*(given.keys() - expected.keys()), *(expected.keys() - given.keys())):
        fault = "is not given" if name in expected else f"is unknown{nearest(name, expected)}"
        msg = f"{where}: cut '{name}' under 'default' {fault}"
        raise SelectionError(msg)
    for name, keys in given.items():
        if keys != expected[name]:
            wrong = ", ".join(sorted(keys ^ expected[name]))
            msg = f"{where}: parameters of cut '{name}' must be {sorted(expected[name])}; see {wrong}"
            raise SelectionError(msg)
    for setup, cuts in content.setups.items():
        for name, values in cuts.items():
            unknown = sorted(set(values) - expected.get(name, set()))
            if name not in expected or unknown:
                msg = f"{where}: setups.{setup}.{'.'.join([name, *unknown[:1]])} is no cut or parameter"
                raise SelectionError(msg)
    for name in content.base.cuts:
        if name not in expected:
            msg = f"{where}: base names the cut '{name}', which is unknown{nearest(name, expected)}"
            raise SelectionError(msg)
    for name in ("", *content.setup_regions):
        _regions_of(content, name)
    probed = read_tag_and_probe(content.tag_and_probe)
    if probed is not None and probed.cut not in expected:
        msg = f"{where}: tag_and_probe names the cut '{probed.cut}', which is unknown"
        raise SelectionError(msg)


def _parameters(keep: Callable[..., Any]) -> set[str]:
    """Return the names of the parameters that a condition takes from YAML."""
    kinds = inspect.signature(keep).parameters.values()
    return {parameter.name for parameter in kinds if parameter.kind is inspect.Parameter.KEYWORD_ONLY}


def without_sources(tree: Any) -> Any:
    """Return a tree without its `source` keys."""
    if isinstance(tree, Mapping):
        if "value" in tree and set(tree) <= {"value", "source"}:
            return tree["value"]
        return {key: without_sources(value) for key, value in tree.items() if key != "source"}
    return [without_sources(value) for value in tree] if isinstance(tree, list) else tree


def _merge(content: _File, setup: str) -> dict[str, dict[str, float]]:
    """Return the parameters of all cuts for one setup."""
    params = {name: dict(values) for name, values in content.default.items()}
    for name, values in content.setups.get(setup, {}).items():
        params[name] |= values
    return params


def _apply(params: dict[str, dict[str, float]], change: str) -> None:
    """Change one parameter as "CUT.KEY=VALUE" says."""
    target, equals, text = change.partition("=")
    name, dot, key = target.partition(".")
    if not (equals and dot):
        msg = f"'{change}' is not of the form CUT.KEY=VALUE, for example track_momentum.half_width=5"
        raise SelectionError(msg)
    if name not in params:
        msg = f"unknown cut '{name}'{nearest(name, params)} Cuts: {', '.join(params)}"
        raise SelectionError(msg)
    if key not in params[name]:
        there = ", ".join(params[name])
        msg = f"cut '{name}' has no parameter '{key}'{nearest(key, params[name])} It has: {there}"
        raise SelectionError(msg)
    try:
        params[name][key] = _finite(text)
    except ValueError:
        msg = f"'{change}': '{text}' is not a number"
        raise SelectionError(msg) from None


def _resize(box: Region, change: str) -> Region:
    """Move one upper edge of the signal box as "signal_box.COLUMN=VALUE" says."""
    target, _, text = change.partition("=")
    column = target.partition(".")[2]
    if column not in box.limits:
        there = ", ".join(box.limits)
        msg = f"the signal box has no edge '{column}'{nearest(column, box.limits)} It has: {there}"
        raise SelectionError(msg)
    try:
        return replace(box, limits={**box.limits, column: (box.limits[column][0], _finite(text))})
    except ValueError as error:
        msg = f"'{change}': the upper edge of the box must be a number above the lower one ({error})"
        raise SelectionError(msg) from None


def _regions_of(content: _File, setup: str) -> list[Region]:
    """Return the signal box and the regions with the limits of a setup."""
    specs = {_BOX: content.signal_box, **content.regions}
    return read_regions(specs, content.setup_regions.get(setup, {}), setup)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
