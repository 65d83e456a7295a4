"""What hadrons need of the volumes of a setup."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulation.stack import Stack

__all__ = ["HadronMedia", "hadron_media"]

Floats = npt.NDArray[np.float64]

_RESPONSE_RATIO = 1.36  # e/h of iron and plastic, P. Adragna et al. (ATLAS TileCal), NIM A 615 (2010) 158
_TARGET_RATIO = 1.0  # e/h of equal layers of lead and plastic: by the pion sample of Geant4
# Mean way of what a slow hadron becomes, in any direction [interaction lengths]: shorter where much of the
# matter is plastic, whose hydrogen stops neutrons.
_STOP = 1.0
_STOP_IN_TARGET = 0.2


class HadronMedia(NamedTuple):
    """What hadrons need of each volume, each of shape (n_volumes,)."""

    em_fraction: Floats  # visible per deposited energy, electromagnetic
    hadronic_fraction: Floats
    moliere: Floats  # [mm]
    variance: Floats  # [GeV] of the visible energy per visible GeV
    stop: Floats  # [mm] mean way of slow hadrons


def hadron_media(stack: Stack) -> HadronMedia:
    """Return what hadrons need of the volumes of a stack."""
    rows = []
    for v in stack.volumes:
        em = v.em_fraction
        ratio, stop = _RESPONSE_RATIO, _STOP
        if v.detector.has_electron_scale:
            ratio, stop = _TARGET_RATIO, _STOP_IN_TARGET
        rows.append(
            (
                em,
                em / (1.0 if v.absorber is None else ratio),
                v.material.moliere_radius,
                v.detector.response.stochastic**2 * em,
                v.material.pion_interaction_length * stop,
            )
        )
    return HadronMedia(*(np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)))
