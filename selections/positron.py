"""The positron mode: the cuts of electrons, and one that ECAL and SRD speak of the same particle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from selections import invisible
from selections.cut import Cut, Mask, Plot

__all__ = ["CUTS"]

Floats = npt.NDArray[np.float64]


def _same_time(ecal_time: Floats, srd_time: Floats, *, limit: float) -> Mask:
    near: Mask = np.abs(ecal_time - srd_time) < limit
    return near


_ONE_PARTICLE = Cut(  # not a proton that fires the trigger, and the tag of a positron that comes later
    name="one_particle",
    label="ECAL and SRD within {limit} ns",
    columns=("ecal_time", "srd_time"),
    valid=("ecal_is_valid", "srd_is_valid"),
    keep=_same_time,
    plot=Plot("srd_time", 80, -20, 20, "SRD time [ns]"),
)
_PLOTS = {  # where the beam has 70 GeV, or a preshower of crystals
    "track_momentum": Plot("track_momentum", 80, 40, 120, "track momentum [GeV]"),
    "preshower": Plot("ps_energy", 100, 0, 100, "preshower energy [GeV]", marks=("low", "high")),
}


def _of_positrons() -> tuple[Cut, ...]:
    """Return the cuts of electrons with our plots, ours behind the tag."""
    cuts = []
    for cut in invisible.CUTS:
        cuts.append(replace(cut, plot=_PLOTS.get(cut.name, cut.plot)))
        if cut.name == "srd":
            cuts.append(_ONE_PARTICLE)
    return tuple(cuts)


CUTS: tuple[Cut, ...] = _of_positrons()
