"""Results of processors as plain values, which can be compared and searched."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import awkward as ak
import cloudpickle
import numpy as np
from hist import Hist

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """Return a result as nested lists, mappings and numbers, which can be compared and searched."""
    if isinstance(value, Hist):
        axes = [str(axis) for axis in value.axes]
        return {"axes": axes, "values": _flow(value), "variances": _flow(value, "variances")}
    if isinstance(value, np.ndarray | np.generic | ak.Array):
        return value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, set | frozenset):
        return [plain(part) for part in sorted(value, key=repr)]
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if value is None or isinstance(value, str | bytes | int | float | complex):
        return value
    return cloudpickle.dumps(value)


def _flow(histogram: Hist[Any], what: str = "values") -> Any:
    found = getattr(histogram, what)(flow=True)
    return None if found is None else np.asarray(found).tolist()
