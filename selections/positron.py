"""The positron mode: the cuts of electrons, and one that ECAL and SRD speak of the same particle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from selections import invisible
from selections.cut import Cut, Mask, Plot

__all__ = ["build_cuts", "declared_cuts", "needed_detector"]

Floats = npt.NDArray[np.float64]
Params = Mapping[str, Mapping[str, float]]

needed_detector = invisible.needed_detector


def _one_particle(ecal_time: Floats, srd_time: Floats, *, limit: float) -> Mask:
    near: Mask = np.abs(ecal_time - srd_time) < limit
    return near


def build_cuts(params: Params) -> tuple[Cut, ...]:
    """
    Return the cuts of the positron mode in order.

    Parameters
    ----------
    params : mapping from the name of a cut to its parameters
        A cut that is not named there is left out.
    """
    return tuple(
        Cut(**{**cut, "params": params[name]}) for name, cut in declared_cuts().items() if name in params
    )


def declared_cuts() -> dict[str, dict[str, Any]]:
    """Return all cuts without their parameters, by name."""
    cuts: dict[str, dict[str, Any]] = {}
    for name, cut in invisible.declared_cuts().items():
        cuts[name] = dict(cut)
        if name == "srd":
            cuts["one_particle"] = _same_time()
    momentum = cuts["track_momentum"]
    momentum["plot"] = replace(momentum["plot"], low=40.0, high=120.0)  # beams of 70 and 100 GeV
    return cuts


def _same_time() -> dict[str, Any]:
    """Return the cut against a proton that fires the trigger and a positron that comes later."""
    return {
        "name": "one_particle",
        "label": "ECAL and SRD within {limit} ns",
        "columns": ("ecal_time", "srd_time"),
        "valid": ("ecal_is_valid", "srd_is_valid"),
        "keep": _one_particle,
        "plot": Plot(column="srd_time", bins=80, low=-20, high=20, label="SRD time [ns]"),
    }
