"""Every derived column once: its name, type, unit and meaning.

Names are object_quantity. Unknown is NaN, or False in the `*_is_valid` flag of the object; never 0 or -999.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["COLUMNS", "Column", "column", "title"]

Kind = Literal["event", "parts", "list"]


@dataclass(frozen=True, slots=True)
class Column:
    """One derived quantity of an event."""

    name: str
    dtype: str  # numpy name
    unit: str  # "" where there is none
    meaning: str
    kind: Kind = "event"  # one value per event, one per detector part, or a jagged list

    @property
    def missing(self) -> str:
        """Return how an unknown value is written."""
        return "NaN" if self.dtype.startswith("float") else "see its is_valid flag"


def _detector(name: str, part: str, what: str, energy: str) -> list[Column]:
    """Return the columns that every cell detector has."""
    return [
        Column(f"{name}_energy", "float64", "GeV", energy),
        Column(f"{name}_{part}_energy", "float64", "GeV", f"in-time energy of each {what} {part}", "parts"),
        Column(f"{name}_out_of_time_energy", "float64", "GeV", f"{what} energy outside of its time window"),
        Column(f"{name}_pile_up_energy", "float64", "GeV", f"{what} pulses beside those of other columns"),
        Column(f"{name}_time", "float64", "ns", f"energy-weighted {what} time relative to the expected one"),
        Column(f"{name}_is_valid", "bool", "", f"the {what} measured: no NaN, not dead"),
    ]


_DECLARED = [
    Column("run", "int64", "", "run number"),
    Column("spill", "int64", "", "spill number in the run"),
    Column("event", "int64", "", "event number in the spill or file"),
    Column("weight", "float64", "", "weight of a simulated event"),
    Column("master_time", "float64", "ns", "reference time of the event, from the beam counters"),
    Column("trigger_is_physics", "bool", "", "the physics trigger (missing energy) fired"),
    Column("trigger_is_calibration", "bool", "", "a trigger without missing-energy condition fired"),
    Column("truth_pdg", "int64", "", "PDG code of the simulated beam particle"),
    Column("truth_momentum", "float64", "GeV", "momentum of the simulated beam particle"),
    Column("truth_x", "float64", "mm", "x where the simulated beam particle starts"),
    Column("truth_y", "float64", "mm", "y where the simulated beam particle starts"),
    Column("truth_beam_energy", "float64", "GeV", "nominal beam energy of the simulation"),
    Column("truth_process", "int64", "", "code of the simulated process (na64 processes lists them)"),
    Column("truth_missing_energy", "float64", "GeV", "energy carried away by what no detector can see"),
    *_detector("ecal", "section", "ECAL", "in-time energy of all ECAL sections"),
    Column("ps_energy", "float64", "GeV", "in-time energy of the preshower section of the ECAL"),
    Column("ecal_max_x", "int64", "", "x index of the ECAL cell with most energy (-1 without energy)"),
    Column("ecal_max_y", "int64", "", "y index of the ECAL cell with most energy (-1 without energy)"),
    Column("ecal_cell_distance", "float64", "", "cells between that cell and the one the beam points at"),
    Column("ecal_x", "float64", "mm", "shower position in x"),
    Column("ecal_y", "float64", "mm", "shower position in y"),
    Column(
        "ecal_shower_chi2", "float64", "", "lateral shape against the reference shower, per degree of freedom"
    ),
    Column("ecal_shower_is_valid", "bool", "", "shower position and shape are known"),
    Column("ecal_cluster_energy", "float64", "GeV", "energy of each ECAL cluster, brightest first", "list"),
    Column("ecal_cluster_x", "float64", "mm", "position of each ECAL cluster in x", "list"),
    Column("ecal_cluster_y", "float64", "mm", "position of each ECAL cluster in y", "list"),
    Column("ecal_cluster_size", "float64", "mm", "rms radius of each ECAL cluster", "list"),
    Column("ecal_cluster_time", "float64", "ns", "energy-weighted time of each ECAL cluster", "list"),
    Column("ecal_cluster_count", "int64", "", "number of ECAL clusters"),
    *_detector("hcal", "module", "HCAL", "in-time energy of the HCAL modules that stand in the beam"),
    Column(
        "hcal_r",
        "float64",
        "",
        "(E - E_central cells) / E of the HCAL modules in the beam; NaN below its seed energy",
    ),
    *_detector("veto", "panel", "VETO", "in-time energy of all VETO panels"),
    Column("veto_max_energy", "float64", "GeV", "in-time energy of the VETO panel with most"),
    *_detector("vhcal", "module", "VHCAL", "in-time energy of the VHCAL"),
    *_detector("srd", "module", "SRD", "in-time energy of all SRD modules"),
    Column("srd_is_tagged", "bool", "", "the SRD modules saw the synchrotron radiation of an electron"),
    Column("track_count", "int64", "", "incoming tracks found"),
    Column("track_momentum", "float64", "GeV", "momentum of the best incoming track"),
    Column("track_momentum_error", "float64", "GeV", "its standard error"),
    Column("track_chi2", "float64", "", "chi2 of the best incoming track, per degree of freedom"),
    Column("track_angle", "float64", "rad", "angle between the incoming track and the nominal beam"),
    Column("track_x", "float64", "mm", "x of the track at the first plane"),
    Column("track_y", "float64", "mm", "y of the track at the first plane"),
    Column("track_slope_x", "float64", "", "dx/dz of the track before the magnets"),
    Column("track_slope_y", "float64", "", "dy/dz of the track before the magnets"),
    Column("track_ecal_x", "float64", "mm", "x of the track extrapolated to the front of the ECAL"),
    Column("track_ecal_y", "float64", "mm", "y of the track extrapolated to the front of the ECAL"),
    Column("track_is_valid", "bool", "", "a track was fitted"),
    Column("track_is_overflow", "bool", "", "too many hits to look for tracks: none was fitted"),
]

COLUMNS: dict[str, Column] = {declared.name: declared for declared in _DECLARED}


def column(name: str) -> Column:
    """
    Return the declaration of a column.

    Raises
    ------
    KeyError
        If no column of that name is declared.
    """
    try:
        return COLUMNS[name]
    except KeyError:
        msg = f"no column '{name}' is declared in recon/columns.py"
        raise KeyError(msg) from None


def title(name: str) -> str:
    """Return meaning and unit of a column in one line, as written into files."""
    declared = column(name)
    return f"{declared.meaning} [{declared.unit}]" if declared.unit else declared.meaning
