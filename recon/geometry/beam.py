"""The beam and the trigger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recon.geometry.strict import Strict

__all__ = ["Beam", "Counter", "Trigger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam(Strict):
    """The particle that the beam line is tuned for, what comes with it, and how often."""

    particle: str  # "e-", "e+", "mu-", "pi-"
    momentum: float  # [GeV]
    spread: float = 0.01  # relative
    charge: int = -1
    direction: tuple[float, float] = (0.0, 0.0)  # nominal (dx/dz, dy/dz) before the magnets
    spot: tuple[float, float] = (0.0, 0.0)  # [mm] rms in x and y at the first plane, or at `focus`
    divergence: tuple[float, float] = (0.0, 0.0)  # [rad] rms in x and y there
    focus: float | None = None  # [mm] z, behind the magnets, that the beam line brings all momenta to
    contamination: Mapping[str, float] = field(default_factory=dict)  # particle -> per beam particle
    halo: float = 0.0  # muons around the beam per beam particle
    halo_size: tuple[float, float] = (0.0, 0.0)  # [mm] rms in x and y
    intensity: float = 0.0  # particles per spill
    spill_length: float = 4.8  # [s]
    window: tuple[float, float] = (-150.0, 250.0)  # [ns] that is read out around the trigger particle
    ripple: float = 0.0  # relative amplitude of the intensity at the mains frequency
    ripple_frequency: float = 50.0  # [Hz]

    def __post_init__(self) -> None:
        positive = (
            *self.spot,
            *self.divergence,
            self.halo,
            *self.halo_size,
            self.intensity,
            self.spill_length,
        )
        if not (all(v >= 0 for v in (*positive, *self.contamination.values())) and 0 <= self.ripple <= 1):
            msg = (
                f"sizes, fractions and intensity of a beam must not be negative, ripple at most 1, got {self}"
            )
            raise ValueError(msg)
        if not (self.momentum > 0 and self.spread >= 0 and self.charge != 0):
            msg = f"a beam needs momentum > 0, spread >= 0 and a charge, got {self}"
            raise ValueError(msg)

    def share_of(self, particle: str) -> float:
        """Return the share of a kind of particle; of the beam's own it is what contamination leaves."""
        if particle == self.particle:
            return 1.0 - sum(self.contamination.values())
        return self.contamination.get(particle, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter(Strict):
    """A scintillation counter between magnets and target that the trigger particle must cross."""

    name: str
    z: float  # [mm]
    centre: tuple[float, float] = (0.0, 0.0)  # [mm]
    size: tuple[float, float] = (40.0, 40.0)  # [mm] full width in x and y

    def __post_init__(self) -> None:
        if not min(self.size) > 0:
            msg = f"counter '{self.name}' needs a size above 0, got {self.size}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger(Strict):
    """The physics trigger: counters that fire, and windows of energy seen by the trigger electronics."""

    limits: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """column (`ecal_energy`, `ps_energy`, `s4_energy` of a section) -> (low, high) [GeV], null: open"""
    beam_limits: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """likewise, of what the beam trigger asks for too"""
    counters: tuple[Counter, ...] = ()
    per_spill: int = 0  # events recorded in a spill; 0: not known

    def __post_init__(self) -> None:
        wrong = [
            k
            for k, (low, high) in (*self.limits.items(), *self.beam_limits.items())
            if low is not None and high is not None and low >= high
        ]
        if wrong:
            msg = f"the trigger's limits of {', '.join(wrong)} must rise"
            raise ValueError(msg)

    def __str__(self) -> str:
        words = [f"{counter.name} fires" for counter in self.counters]
        for column, (low, high) in (*self.beam_limits.items(), *self.limits.items()):
            ends = [f"> {low:g} GeV"] if low is not None else []
            ends += [f"< {high:g} GeV"] if high is not None else []
            words.append(f"{column} {' and '.join(ends)}")
        return ", ".join(words)
