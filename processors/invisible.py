"""The invisible mode: cut-flow and (E_ECAL, E_HCAL) plane of an electron beam."""

from __future__ import annotations

from typing import ClassVar

from processors.analysis import AnalysisProcessor
from processors.histograms import Axis, HistogramSpec

__all__ = ["InvisibleProcessor"]

_ECAL = Axis("ecal_energy", 120, 0.0, 120.0, "ECAL energy [GeV]")
_HCAL = Axis("hcal_energy", 121, -1.0, 120.0, "HCAL energy [GeV]")


class InvisibleProcessor(AnalysisProcessor):
    """Search for A' -> invisible in missing energy; see `AnalysisProcessor` for the parameters."""

    analysis: ClassVar[str] = "invisible"
    histograms: ClassVar[tuple[HistogramSpec, ...]] = (
        HistogramSpec("edep_plane_loose", (_ECAL, _HCAL)),
        HistogramSpec("edep_plane_final", (_ECAL, _HCAL), "final"),
        HistogramSpec("edep_plane_dimuon", (_ECAL, _HCAL), "final", ("veto",)),  # muons cross the VETO
        HistogramSpec("ecal_energy", (_ECAL,)),
        HistogramSpec("hcal_energy", (_HCAL,)),
        HistogramSpec("ps_energy", (Axis("ps_energy", 80, 0.0, 20.0, "preshower energy [GeV]"),)),
        HistogramSpec("srd_energy", (Axis("srd_energy", 75, 0.0, 150.0, "SRD energy [MeV]", 1e3),)),
        HistogramSpec("veto_energy", (Axis("veto_energy", 60, 0.0, 120.0, "VETO energy [MeV]", 1e3),)),
        HistogramSpec("track_momentum", (Axis("track_momentum", 80, 80.0, 120.0, "track momentum [GeV]"),)),
        HistogramSpec("track_chi2", (Axis("track_chi2", 60, 0.0, 12.0, "track χ²/ndf"),)),
        HistogramSpec("ecal_shower_chi2", (Axis("ecal_shower_chi2", 60, 0.0, 15.0, "ECAL shower χ²/ndf"),)),
        HistogramSpec("ecal_time", (Axis("ecal_time", 80, -20.0, 20.0, "ECAL time [ns]"),)),
        HistogramSpec("hcal_time", (Axis("hcal_time", 80, -20.0, 60.0, "HCAL time [ns]"),)),
        HistogramSpec("veto_time", (Axis("veto_time", 80, -20.0, 30.0, "VETO time [ns]"),)),
        HistogramSpec("srd_time", (Axis("srd_time", 80, -20.0, 20.0, "SRD time [ns]"),)),
        HistogramSpec(
            "beam_spot",
            (
                Axis("ecal_x", 120, -480.0, -240.0, "shower x [mm]"),
                Axis("ecal_y", 120, -140.0, 100.0, "shower y [mm]"),
            ),
        ),
    )
