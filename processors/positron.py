"""The positron mode: cut-flow, plane of missing energy and E_HCAL, and the spectrum of the bump search."""

from __future__ import annotations

from typing import ClassVar

from processors.analysis import AnalysisProcessor
from processors.histograms import Axis, HistogramSpec

__all__ = ["PositronProcessor"]

_MISSING = Axis("missing_energy", 120, -20.0, 100.0, "missing energy [GeV]")
_HCAL = Axis("hcal_energy", 121, -1.0, 120.0, "HCAL energy [GeV]")


class PositronProcessor(AnalysisProcessor):
    """Search for A' of positrons in missing energy; see `AnalysisProcessor` for the parameters."""

    analysis: ClassVar[str] = "positron"
    histograms: ClassVar[tuple[HistogramSpec, ...]] = (
        HistogramSpec("edep_plane_loose", (_MISSING, _HCAL)),
        HistogramSpec("edep_plane_final", (_MISSING, _HCAL), "final"),
        HistogramSpec("edep_plane_dimuon", (_MISSING, _HCAL), "final", ("veto",)),  # muons cross the VETO
        HistogramSpec("missing_energy", (_MISSING,)),
        HistogramSpec("missing_energy_final", (_MISSING,), "final"),
        HistogramSpec("ecal_energy", (Axis("ecal_energy", 120, 0.0, 120.0, "ECAL energy [GeV]"),)),
        HistogramSpec("hcal_energy", (_HCAL,)),
        HistogramSpec("ps_energy", (Axis("ps_energy", 100, 0.0, 100.0, "preshower energy [GeV]"),)),
        HistogramSpec("srd_energy", (Axis("srd_energy", 75, 0.0, 150.0, "SRD energy [MeV]", 1e3),)),
        HistogramSpec("veto_energy", (Axis("veto_energy", 60, 0.0, 120.0, "VETO energy [MeV]", 1e3),)),
        HistogramSpec("track_momentum", (Axis("track_momentum", 80, 40.0, 120.0, "track momentum [GeV]"),)),
        HistogramSpec("track_chi2", (Axis("track_chi2", 60, 0.0, 12.0, "track χ²/ndf"),)),
        HistogramSpec("ecal_shower_chi2", (Axis("ecal_shower_chi2", 60, 0.0, 15.0, "ECAL shower χ²/ndf"),)),
        HistogramSpec("ecal_time", (Axis("ecal_time", 80, -20.0, 20.0, "ECAL time [ns]"),)),
        HistogramSpec("srd_time", (Axis("srd_time", 80, -20.0, 20.0, "SRD time [ns]"),)),
    )
