"""Every derived column once: its name, type, unit and meaning.

Names are object_quantity. Unknown is NaN, or False in the `*_is_valid` flag of the object; never 0 or -999.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["COLUMNS", "SUMS", "Column", "column", "title"]

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
        Column(f"{name}_{part}_mips", "float64", "", "that energy over the one of a fast muon", "parts"),
        Column(f"{name}_out_of_time_energy", "float64", "GeV", f"{what} energy outside of its time window"),
        Column(f"{name}_pile_up_energy", "float64", "GeV", f"{what} pulses beside those of other columns"),
        Column(f"{name}_time", "float64", "ns", f"energy-weighted {what} time relative to the expected one"),
        Column(f"{name}_is_valid", "bool", "", f"the {what} measured: no NaN, not dead"),
    ]


def _tracks(name: str, which: str) -> list[Column]:
    """Return the columns of the tracks of one spectrometer."""
    several = "tracks" if name == "track" else f"{name}_tracks"
    best = f"the best {which} track in time"
    columns = [
        Column(f"{name}_count", "int64", "", f"{which} tracks found"),
        Column(f"{name}_in_time_count", "int64", "", f"{which} tracks that may be the trigger particle's"),
        Column(f"{name}_momentum", "float64", "GeV", f"momentum of {best}"),
        Column(f"{name}_momentum_error", "float64", "GeV", f"standard error of the momentum of {best}"),
        Column(f"{name}_chi2", "float64", "", f"chi2 of {best}, per degree of freedom"),
        Column(f"{name}_p_value", "float64", "", f"probability of a larger chi2 of {best}"),
        Column(f"{name}_hits", "float64", "", f"hits of {best}"),
        Column(f"{name}_angle", "float64", "rad", f"angle between {best} and the nominal beam"),
        Column(f"{name}_x", "float64", "mm", f"x of {best} at the first plane"),
        Column(f"{name}_y", "float64", "mm", f"y of {best} at the first plane"),
        Column(f"{name}_slope_x", "float64", "", f"dx/dz of {best} at the first plane"),
        Column(f"{name}_slope_y", "float64", "", f"dy/dz of {best} at the first plane"),
        Column(f"{name}_kink_pull", "float64", "", f"largest pull of a change of slope of {best} in a plane"),
        Column(
            f"{name}_is_kinked", "bool", "", f"that pull is above 5: {best} scatters more than matter does"
        ),
        Column(f"{name}_time", "float64", "ns", f"time of {best} after the trigger particle's"),
        Column(f"{name}_time_error", "float64", "ns", f"standard error of the time of {best}"),
        Column(
            f"{name}_plane_hits", "float64", "", f"largest number of hits in a plane of the {which} tracks"
        ),
        Column(f"{name}_upstream_hits", "float64", "", f"hits before the magnets that are not of {best}"),
        Column(f"{name}_is_valid", "bool", "", f"{best} was fitted"),
        Column(f"{name}_is_overflow", "bool", "", "too many hits to look for tracks: none was fitted"),
    ]
    faces = {face: f"front of the {face.upper()}" for face in ("srd", "ecal", "hcal")}
    for face, place in {**faces, "target": "middle of the target"}.items():
        for axis in ("x", "y"):
            at = f"{axis} of {best} at the {place}"
            columns.append(Column(f"{name}_{face}_{axis}", "float64", "mm", at))
            columns.append(Column(f"{name}_{face}_{axis}_error", "float64", "mm", f"standard error of {at}"))
    columns += [
        Column(f"{name}_target_slope_x", "float64", "", f"dx/dz of {best} at the middle of the target"),
        Column(f"{name}_target_slope_y", "float64", "", f"dy/dz of {best} at the middle of the target"),
        Column(f"{name}_ecal_distance", "float64", "mm", f"between {best} and the shower, at its depth"),
        Column(f"{name}_ecal_pull", "float64", "", "that distance over its standard error"),
    ]
    for quantity, unit, meaning in (
        ("momentum", "GeV", "momentum"),
        ("chi2", "", "chi2 per degree of freedom"),
        ("p_value", "", "probability of a larger chi2"),
        ("hits", "", "number of hits"),
        ("x", "mm", "x at the first plane"),
        ("y", "mm", "y at the first plane"),
        ("slope_x", "", "dx/dz at the first plane"),
        ("slope_y", "", "dy/dz at the first plane"),
        ("time", "ns", "time after the trigger particle's"),
    ):
        text = f"{meaning} of each {which} track, those in time first, then best first"
        columns.append(Column(f"{several}_{quantity}", "float64", unit, text, "list"))
    return columns


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
    *_detector("wcal", "section", "WCAL", "in-time energy of all WCAL sections"),
    *_detector("wcat", "counter", "W-catcher", "in-time energy of the W-catcher"),
    *_detector("v2", "counter", "V2", "in-time energy of the veto behind the WCAL"),
    *_detector("s4", "counter", "S4", "in-time energy of the counter behind the decay volume"),
    *_detector("counters", "counter", "counter", "in-time energy of all trigger counters"),
    Column("calorimeter_energy", "float64", "GeV", "in-time energy of ECAL, VHCAL and HCAL together"),
    Column("electromagnetic_energy", "float64", "GeV", "in-time energy of WCAL and ECAL together"),
    Column("srd_is_tagged", "bool", "", "the SRD modules saw the synchrotron radiation of an electron"),
    *_tracks("track", "incoming"),
    *_tracks("scattered", "scattered"),
    Column("target_distance", "float64", "mm", "between incoming and scattered track in the target"),
    Column("target_pull", "float64", "", "that distance over its standard error"),
    Column("target_angle", "float64", "rad", "between incoming and scattered track"),
    Column("decay_plane_hits", "float64", "", "largest number of hits in a plane behind the decay volume"),
    Column("decay_track_count", "int64", "", "straight tracks behind the decay volume"),
    Column("decay_angle", "float64", "rad", "between the two best tracks behind the decay volume"),
    Column("decay_vertex_z", "float64", "mm", "where these two are closest"),
    Column("decay_distance", "float64", "mm", "between these two where they are closest"),
    Column("decay_mass", "float64", "GeV", "E_ECAL times half their angle: least mass if E is shared evenly"),
    Column("decay_is_valid", "bool", "", "there are two straight tracks behind the decay volume"),
]

# A column that is the sum of others: in their plane, limits on it are diagonals
SUMS: dict[str, tuple[str, ...]] = {"electromagnetic_energy": ("wcal_energy", "ecal_energy")}

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
