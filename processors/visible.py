"""The visible mode: cut-flow and plane of the energies in the target and behind the decay volume."""

from __future__ import annotations

from typing import ClassVar

from processors.analysis import AnalysisProcessor
from processors.histograms import Axis, HistogramSpec

__all__ = ["VisibleProcessor"]

_WCAL = Axis("wcal_energy", 90, 0.0, 180.0, "WCAL energy [GeV]")
_ECAL = Axis("ecal_energy", 92, -4.0, 180.0, "ECAL energy [GeV]")
_SUM = Axis("electromagnetic_energy", 100, 0.0, 200.0, "WCAL + ECAL [GeV]")
_V2 = Axis("v2_energy", 22, -0.00064, 0.0064, "V2 energy [GeV]")
_COUNT = Axis("decay_track_count", 6, -0.5, 5.5, "tracks behind the decay volume")
_ANGLE = Axis("decay_angle", 60, 0.0, 6.0, "opening angle [mrad]", 1e3)
_VERTEX = Axis("decay_vertex_z", 80, 17.5, 25.5, "vertex z [m]", 1e-3)
_MASS = Axis("decay_mass", 60, 0.0, 120.0, "E θ / 2 [MeV]", 1e3)
_OF_THE_PAIR = ("ecal_energy", "s4", "veto", "hcal", "beam_cell", "ecal_shape", "decay_hits")


class VisibleProcessor(AnalysisProcessor):
    """Search for A' -> e+ e- behind a dense target; see `AnalysisProcessor` for the parameters."""

    analysis: ClassVar[str] = "visible"
    histograms: ClassVar[tuple[HistogramSpec, ...]] = (
        HistogramSpec("edep_plane_loose", (_WCAL, _ECAL)),
        HistogramSpec("edep_plane_neutral", (_WCAL, _ECAL), region="neutral"),
        HistogramSpec("edep_plane_charged", (_WCAL, _ECAL), region="charged"),
        HistogramSpec("edep_plane_control", (_WCAL, _ECAL), "final", _OF_THE_PAIR, region="control"),
        HistogramSpec("edep_plane_final", (_WCAL, _ECAL), "final"),
        HistogramSpec("plane_sum", (_SUM, _V2), "final", ("v2",)),
        HistogramSpec("wcal_energy", (_WCAL,)),
        HistogramSpec("ecal_energy", (_ECAL,)),
        HistogramSpec("electromagnetic_energy", (_SUM,)),
        HistogramSpec("v2_energy", (_V2,)),
        HistogramSpec("s4_energy", (Axis("s4_energy", 60, 0.0, 6.0, "S4 energy [MeV]", 1e3),)),
        HistogramSpec("hcal_energy", (Axis("hcal_energy", 121, -1.0, 120.0, "HCAL energy [GeV]"),)),
        HistogramSpec("srd_energy", (Axis("srd_energy", 80, 0.0, 400.0, "SRD energy [MeV]", 1e3),)),
        HistogramSpec("track_momentum", (Axis("track_momentum", 100, 70.0, 170.0, "track momentum [GeV]"),)),
        HistogramSpec("ecal_shower_chi2", (Axis("ecal_shower_chi2", 60, 0.0, 15.0, "ECAL shower χ²/ndf"),)),
        HistogramSpec("decay_track_count_final", (_COUNT,), "final"),
        HistogramSpec("decay_angle_final", (_ANGLE,), "final"),
        HistogramSpec("decay_vertex_final", (_VERTEX,), "final"),
        HistogramSpec("decay_mass_final", (_MASS,), "final"),
    )  # fmt: skip
