"""The muon mode: cut-flow and plane of momentum behind the target and energy in all calorimeters."""

from __future__ import annotations

from typing import ClassVar

from processors.analysis import AnalysisProcessor
from processors.histograms import Axis, HistogramSpec

__all__ = ["MuonProcessor"]

_P1 = Axis("track_momentum", 80, 110.0, 210.0, "momentum before the target [GeV]")
_P2 = Axis("scattered_momentum", 110, 0.0, 220.0, "momentum behind the target [GeV]")
_ENERGY = Axis("calorimeter_energy", 121, -2.0, 240.0, "ECAL + VHCAL + HCAL energy [GeV]")
_MIP_CUTS = ("ecal_mip", "veto", "vhcal", "hcal_mip")


class MuonProcessor(AnalysisProcessor):
    """Search for a Z' of a muon in missing momentum; see `AnalysisProcessor` for the parameters."""

    analysis: ClassVar[str] = "muon"
    histograms: ClassVar[tuple[HistogramSpec, ...]] = (
        HistogramSpec("edep_plane_loose", (_P2, _ENERGY)),
        HistogramSpec("edep_plane_tracks", (_P2, _ENERGY), "final", _MIP_CUTS),
        HistogramSpec("edep_plane_final", (_P2, _ENERGY), "final"),
        HistogramSpec("momenta", (_P1, _P2)),
        HistogramSpec("track_momentum", (_P1,)),
        HistogramSpec("scattered_momentum", (_P2,)),
        HistogramSpec("scattered_momentum_final", (_P2,), "final"),
        HistogramSpec("calorimeter_energy", (_ENERGY,)),
        HistogramSpec("ecal_energy", (Axis("ecal_energy", 100, 0.0, 200.0, "ECAL energy [GeV]"),)),
        HistogramSpec("hcal_energy", (Axis("hcal_energy", 120, 0.0, 240.0, "HCAL energy [GeV]"),)),
        HistogramSpec("vhcal_energy", (Axis("vhcal_energy", 60, 0.0, 60.0, "VHCAL energy [GeV]"),)),
        HistogramSpec("veto_energy", (Axis("veto_energy", 60, 0.0, 120.0, "VETO energy [MeV]", 1e3),)),
        HistogramSpec("track_chi2", (Axis("track_chi2", 60, 0.0, 12.0, "MS1 χ²/ndf"),)),
        HistogramSpec("track_p_value", (Axis("track_p_value", 50, 0.0, 1.0, "MS1 probability"),)),
        HistogramSpec("scattered_p_value", (Axis("scattered_p_value", 50, 0.0, 1.0, "MS2 probability"),)),
        HistogramSpec("target_angle", (Axis("target_angle", 60, 0.0, 15.0, "angle in target [mrad]", 1e3),)),
        HistogramSpec("target_distance", (Axis("target_distance", 60, 0.0, 6.0, "distance in target [mm]"),)),
    )  # fmt: skip
