"""The hadron mode: cut-flow and (E_ECAL, E_HCAL) plane of a pion beam."""

from __future__ import annotations

from typing import ClassVar

from processors.analysis import AnalysisProcessor
from processors.histograms import Axis, HistogramSpec

__all__ = ["HadronProcessor"]

_ECAL = Axis("ecal_energy", 125, 0.0, 62.5, "ECAL energy [GeV]")
_HCAL = Axis("hcal_energy", 132, -1.0, 65.0, "HCAL energy [GeV]")
_QUIET = ("preshower", "veto", "vhcal")


class HadronProcessor(AnalysisProcessor):
    """Search for invisible decays of neutral mesons; see `AnalysisProcessor` for the parameters."""

    analysis: ClassVar[str] = "hadron"
    histograms: ClassVar[tuple[HistogramSpec, ...]] = (
        HistogramSpec("edep_plane_loose", (_ECAL, _HCAL)),
        HistogramSpec("edep_plane_tracks", (_ECAL, _HCAL), "final", _QUIET),
        HistogramSpec("edep_plane_final", (_ECAL, _HCAL), "final"),
        HistogramSpec("edep_plane_veto", (_ECAL, _HCAL), "final", ("veto",)),  # what crosses the target
        HistogramSpec("ecal_energy", (_ECAL,)),
        HistogramSpec("hcal_energy", (_HCAL,)),
        HistogramSpec("ecal_energy_mip", (Axis("ecal_energy", 100, 0.0, 2.5, "ECAL energy [GeV]"),)),
        HistogramSpec("ps_energy", (Axis("ps_energy", 80, 0.0, 400.0, "preshower energy [MeV]", 1e3),)),
        HistogramSpec("srd_energy", (Axis("srd_energy", 60, 0.0, 15.0, "SRD energy [MeV]", 1e3),)),
        HistogramSpec("veto_energy", (Axis("veto_energy", 60, 0.0, 120.0, "VETO energy [MeV]", 1e3),)),
        HistogramSpec("vhcal_energy", (Axis("vhcal_energy", 60, 0.0, 30.0, "VHCAL energy [GeV]"),)),
        HistogramSpec("track_momentum", (Axis("track_momentum", 80, 40.0, 60.0, "track momentum [GeV]"),)),
        HistogramSpec("track_chi2", (Axis("track_chi2", 60, 0.0, 12.0, "track χ²/ndf"),)),
    )
