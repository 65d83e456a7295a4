"""What a process is: which beam particle it starts from, where it steps in, and how often it happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulation.model import Particles, Shower
from datasets.simulation.stack import Stack
from physics.particles import like_charged
from recon.geometry import Setup

__all__ = ["Process", "Yield"]

Floats = npt.NDArray[np.float64]
Parameters = Mapping[str, float]
UpstreamPlace = Callable[[Particles, Setup, Parameters, np.random.Generator], Floats]
UpstreamAct = Callable[[Particles, Setup, Parameters, np.random.Generator], Shower]
TargetAct = Callable[[Particles, Stack, Parameters, np.random.Generator], Shower]


class Yield(NamedTuple):
    """How often a process happens."""

    value: float  # per beam particle on target
    source: str  # published, computed or assumed: where the number comes from


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """
    One kind of event.

    The trigger particle flies to the plane that `place` returns, `upstream` replaces it by what it becomes
    there, and all that reaches the front face of the target passes through `target`. A function that is None
    leaves the particles as they are.
    """

    name: str  # as on the command line
    code: int  # value of the branch truth_process
    title: str
    source: str  # reference of the model
    particle: str = (
        "beam"  # "beam", or the name of a particle that comes with it ("p", "pi-": pi+ in a beam of e+)
    )
    rate: Callable[[Setup, Parameters], Yield]
    parameters: Parameters = field(default_factory=dict)  # that a user may set, with their defaults
    units: Mapping[str, str] = field(default_factory=dict)  # of the parameters
    is_halo: bool = False  # the particle flies around the beam
    follower: tuple[str, str] | None = (
        None  # parameters: another beam particle comes between these times [ns]
    )
    is_signal: bool = False  # not in a natural mixture
    place: UpstreamPlace | None = None  # z [mm] per particle where it happens
    upstream: UpstreamAct | None = None
    target: TargetAct | None = None

    def particle_of(self, setup: Setup) -> str:
        """Return the trigger particle in the beam of a setup: pions and muons have the charge of the beam."""
        return like_charged(self.particle, setup.beam.charge)
