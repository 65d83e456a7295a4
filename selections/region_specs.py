"""Regions as the YAML of a selection describes them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from selections.errors import SelectionError, nearest
from selections.regions import Limit, Region
from selections.tag_and_probe import TagAndProbe

__all__ = ["read_regions", "read_tag_and_probe"]


def read_regions(
    specs: Mapping[str, Mapping[str, Any]], own: Mapping[str, Mapping[str, Limit]], setup: str
) -> list[Region]:
    """
    Return regions with the limits of a setup.

    Parameters
    ----------
    specs : mapping of name to what the YAML says of the region
    own : mapping of name to limits
        That replace those of the region, column by column.
    setup : str
        For the message.

    Raises
    ------
    SelectionError
        If a region is none, or ``own`` names another one.
    """
    for name in own:
        if name not in specs:
            msg = f"setup_regions.{setup}.{name} is no region{nearest(name, specs)}"
            raise SelectionError(msg)
    return [
        _region(name, {**spec, "limits": {**spec.get("limits", {}), **own.get(name, {})}})
        for name, spec in specs.items()
    ]


@cache
def _region_adapter() -> TypeAdapter[Region]:
    """Return the one adapter: to make it takes as long as to process a thousand events."""
    return TypeAdapter(Region)


def _region(name: str, spec: Mapping[str, Any]) -> Region:
    try:
        return _region_adapter().validate_python({"name": name, **spec})
    except ValidationError as error:
        msg = f"region '{name}': {_faults(error)}"
        raise SelectionError(msg) from error


def read_tag_and_probe(spec: Mapping[str, Any] | None) -> TagAndProbe | None:
    """
    Return how the tag of beam particles is probed, None where nothing is said of it.

    Raises
    ------
    SelectionError
        If what is said is wrong.
    """
    if spec is None:
        return None
    probes = {name: _region(name, region) for name, region in spec.get("probes", {}).items()}
    regions = {name: _region(name, spec.get(name, {})) for name in ("beam", "side_band")}
    try:
        return TypeAdapter(TagAndProbe).validate_python({**spec, **regions, "probes": probes})
    except ValidationError as error:
        msg = f"tag_and_probe: {_faults(error)}"
        raise SelectionError(msg) from error


def _faults(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
