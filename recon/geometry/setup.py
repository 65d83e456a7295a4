"""One detector configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recon.geometry.beam import Beam, Trigger
from recon.geometry.detector import Detector
from recon.geometry.spectrometer import Spectrometer
from recon.geometry.strict import Strict

__all__ = ["Setup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup(Strict):
    """One detector configuration and where its numbers come from."""

    name: str
    title: str
    beam: Beam
    detectors: Mapping[str, Detector]
    spectrometers: Mapping[str, Spectrometer]
    counters: Detector | None = None  # S0, S1, ...: crossed by every beam particle, they give the master time
    trigger: Trigger = field(default_factory=Trigger)
    runs: tuple[tuple[int, int], ...] = ()  # inclusive ranges
    shower_profile: str = ""  # name of the reference lateral profile of the ECAL
    sources: Mapping[str, str] = field(default_factory=dict)  # path of a number -> its source

    def __post_init__(self) -> None:
        if self.counters is not None and self.counters.name in self.detectors:
            msg = f"setup {self.name}: counters and a detector have the name '{self.counters.name}'"
            raise ValueError(msg)

    @property
    def read_out(self) -> Mapping[str, Detector]:
        """Return what sampling converters read, in the order of channels: detectors, then beam counters."""
        counters = {} if self.counters is None else {self.counters.name: self.counters}
        return {**self.detectors, **counters}

    def covers(self, run: int) -> bool:
        """Return whether ``run`` lies in one of the run ranges."""
        return any(first <= run <= last for first, last in self.runs)
