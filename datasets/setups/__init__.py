"""Detector setups: one YAML each, with the source of every number."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from datasets.config import ConfigError, build, choose, read_yaml, split_sources
from recon.geometry import Setup

__all__ = ["load_setup", "setup_names"]

_FOLDER = Path(__file__).parent


def setup_names() -> list[str]:
    """Return the names of the setups that come with the project."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


@cache
def load_setup(name: str) -> Setup:
    """
    Load a setup by its name or by the path of a YAML file.

    Parameters
    ----------
    name : str
        One of `setup_names`, or a path that ends in `.yaml`.

    Returns
    -------
    Setup
        With `sources`: the source of each of its numbers, by dotted path.

    Raises
    ------
    ConfigError
        If the name is not known, a key is missing or not known, or a number has no source.
    """
    path = choose(_FOLDER, name, "setup")
    try:
        tree, sources = split_sources(_expand(_read(path)))
    except ConfigError as error:
        msg = f"setup file {path.name}: {error}"
        raise ConfigError(msg) from error
    homeless = [where for where, source in sources.items() if not source]
    if homeless:
        msg = (
            f"setup file {path.name}: no source for {', '.join(homeless[:5])}"
            f"{' and more' if len(homeless) > 5 else ''}; write 'source: published: REFERENCE' or "
            f"'source: assumed' beside the number or above it"
        )
        raise ConfigError(msg)
    return replace(build(Setup, tree, f"setup file {path.name}"), sources=sources)


def _read(path: Path) -> Any:
    """Read a setup file; one that `extends` another says what differs from it."""
    tree = read_yaml(path)
    if not isinstance(tree, dict) or "extends" not in tree:
        return tree
    other = tree.pop("extends")
    return _merge(_read(choose(_FOLDER, other, "setup")), tree, "")


def _merge(base: Any, changes: Any, where: str) -> Any:
    """
    Return a tree with changes: mappings key by key, lists whole.

    Of a list of named things, `without: [NAME]` leaves some out and `changed: {NAME: ...}` changes some.
    """
    if isinstance(base, list) and isinstance(changes, dict) and set(changes) <= {"without", "changed"}:
        names = [member.get("name") for member in base if isinstance(member, dict)]
        for key, wanted in changes.items():
            unknown = [name for name in wanted if name not in names]
            if unknown:
                msg = f"{where}.{key} names '{unknown[0]}', there are {', '.join(map(str, names))}"
                raise ConfigError(msg)
        gone, changed = changes.get("without", ()), changes.get("changed", {})
        return [
            _merge(member, changed.get(member["name"], {}), f"{where}.{member['name']}")
            for member in base
            if member["name"] not in gone
        ]
    if not (isinstance(base, dict) and isinstance(changes, dict)) or "value" in changes:
        return changes
    merged = {
        key: _merge(base.get(key), value, f"{where}.{key}".lstrip(".")) for key, value in changes.items()
    }
    return {**base, **merged}


def _expand(tree: object) -> object:
    """Give detectors and spectrometers the name of their key, so that it is written once."""
    if not isinstance(tree, dict):
        msg = "a setup file must hold a mapping"
        raise ConfigError(msg)
    for group in ("detectors", "spectrometers"):
        members = tree.get(group)
        if isinstance(members, dict):
            tree[group] = {key: _named(group, key, value) for key, value in members.items()}
    return tree


def _named(group: str, key: str, value: object) -> object:
    if key == "source":
        return value
    if not isinstance(value, dict) or value.get("name", key) != key:
        msg = f"{group}.{key} must be a mapping that describes '{key}' under no other name, got {value!r:.60}"
        raise ConfigError(msg)
    return {"name": key, **value}
