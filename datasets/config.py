"""Read YAML with the source of every number beside it, and turn it into frozen dataclasses."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

__all__ = ["ConfigError", "build", "choose", "nearest", "read_yaml", "split_sources"]

T = TypeVar("T")
_TABLE = 16  # a longer list of numbers is one table with one source


class ConfigError(ValueError):
    """A configuration file or a name in it is wrong; the text says what, where and what to do."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, to which 1e30 is a number too, as it is in YAML 1.2."""


_Loader.yaml_implicit_resolvers = dict(yaml.SafeLoader.yaml_implicit_resolvers)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d[\d_]*(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return the question to ask after a typo, or nothing where no valid name is close."""
    close = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


def read_yaml(path: Path) -> Any:
    """
    Read a YAML file.

    Raises
    ------
    ConfigError
        If the file is not there, not readable or not YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read {path}: {error}"
        raise ConfigError(msg) from error
    except yaml.YAMLError as error:
        msg = f"{path} is not valid YAML: {' '.join(str(error).split())}"
        raise ConfigError(msg) from error


def choose(folder: Path, name: str, what: str) -> Path:
    """
    Find the YAML file of a name that we ship, or of a path that a user gives.

    Raises
    ------
    ConfigError
        If there is neither; the message lists the names that we ship.
    """
    shipped = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if name in shipped:
        return shipped[name]
    path = Path(name).expanduser()
    if path.suffix in {".yaml", ".yml"}:
        if path.is_file():
            return path
        msg = f"{what} file {name} is not there"
        raise ConfigError(msg)
    msg = (
        f"unknown {what} '{name}'{nearest(name, shipped) or '.'} Known: {', '.join(shipped)}; "
        f"or give the path of a YAML file of your own."
    )
    raise ConfigError(msg)


def split_sources(tree: Any, inherited: str = "", path: str = "") -> tuple[Any, dict[str, str]]:
    """
    Take the `source` keys out of a tree and note for each number where it comes from.

    A mapping may hold `source: TEXT`, valid for all numbers below it, and a number may be written as
    `{value: NUMBER, source: TEXT}`. A list of more than 16 numbers is a table and counts as one number.

    Returns
    -------
    (tree without sources, mapping from the dotted path of each number to its source)
    """
    if isinstance(tree, Mapping):
        source = str(tree["source"] or "").strip() if "source" in tree else inherited
        if "value" in tree and set(tree) <= {"value", "source"}:
            return split_sources(tree["value"], source, path)
        bare: dict[str, Any] = {}
        found: dict[str, str] = {}
        for key, value in tree.items():
            if key != "source":
                bare[key], below = split_sources(value, source, f"{path}.{key}" if path else str(key))
                found |= below
        return bare, found
    if isinstance(tree, list) and len(tree) > _TABLE and all(type(value) in {int, float} for value in tree):
        return tree, {path: inherited}
    if isinstance(tree, list):
        pairs = [split_sources(value, inherited, f"{path}[{i}]") for i, value in enumerate(tree)]
        return [bare for bare, _ in pairs], {k: v for _, below in pairs for k, v in below.items()}
    if isinstance(tree, int | float) and not isinstance(tree, bool):
        return tree, {path: inherited}
    return tree, {}


def build(kind: type[T], tree: Any, where: str) -> T:
    """
    Validate a tree into a dataclass.

    Raises
    ------
    ConfigError
        In one paragraph: which key of which file is wrong, and why.
    """
    try:
        text = json.dumps(tree, default=str)
        return TypeAdapter(kind).validate_json(
            text, strict=True
        )  # JSON: lists are tuples, "1e-2" is no number
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc']) or 'the file'}: {fault['msg']}"
            f" (got {_short(fault.get('input'))})"
            for fault in error.errors()
        ]
        msg = f"{where}: {'; '.join(faults[:6])}{'; ...' if len(faults) > 6 else ''}"
        raise ConfigError(msg) from error


def _short(value: Any) -> str:
    """Return a value in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
