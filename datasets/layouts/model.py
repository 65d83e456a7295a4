"""What a layout file may say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from datasets.layouts.digit_branches import DigitBranches
from datasets.layouts.source import UNITS, Source, Sparse, Strict
from recon.columns import COLUMNS
from recon.geometry import Setup

__all__ = ["Collection", "Hits", "Layout", "detector_of"]

_EVENT_QUANTITIES = (
    "run", "spill", "event", "weight", "master_time", "trigger_is_physics", "trigger_is_calibration",
    "trigger_word",
)  # fmt: skip
_DETECTORS = ("counters", "ecal", "hcal", "s4", "srd", "v2", "veto", "vhcal", "wcal", "wcat")
_OF_DETECTORS = ("_cell_energy", "_cell_time", "_section_energy")
_TRACKS = ("track_momentum",)  # of a fit that another program made

Collection = Mapping[str, str]  # field -> branch, all jagged alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits(Strict):
    """Tracker hits: a collection with a plane number, or one pair of branches per plane."""

    collection: str = ""
    plane: str = "plane"  # fields of the collection
    x: str = "x"
    y: str = "y"
    pdg: str = ""  # field of the particle code: neutral particles leave no hit
    names: Mapping[int, str] = field(default_factory=dict)
    """plane number -> plane of the setup; empty: counted from 1 over all planes of the setup"""
    planes: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # plane -> (x branch, y branch)
    beam: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """plane -> where the nominal beam meets it in the frame of the file [mm]; empty: that of the setup"""
    unit: str = "mm"
    are_true: bool = False  # exact crossings, to be blurred by the resolution of the plane

    def __post_init__(self) -> None:
        if bool(self.collection) == bool(self.planes):
            msg = "hits come either from a 'collection' (with 'names') or from 'planes'"
            raise ValueError(msg)
        if self.beam and set(self.beam) != set(self.planes):
            msg = f"'beam' of hits must name all planes, got {sorted(self.beam)} for {sorted(self.planes)}"
            raise ValueError(msg)
        if self.unit not in UNITS:
            msg = f"unknown unit '{self.unit}' of hits; known: {', '.join(UNITS)}"
            raise ValueError(msg)

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields of the collection that are read."""
        return (self.plane, self.x, self.y, *((self.pdg,) if self.pdg else ()))

    @property
    def factor(self) -> float:
        """Return the factor to mm."""
        return UNITS[self.unit]

    def branches(self, setup: Setup | None = None) -> tuple[str, ...]:
        """Return the branches read, without those of the collection: of a setup's planes, if any is here."""
        spectrometers = () if setup is None else setup.spectrometers.values()
        known = {plane.name for spectrometer in spectrometers for plane in spectrometer.planes}
        pairs = [pair for name, pair in self.planes.items() if name in known] or self.planes.values()
        return tuple(branch for pair in pairs for branch in pair)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout(Strict):
    """How the events of one kind of ROOT file are laid out."""

    name: str
    title: str
    level: Literal["raw", "simulated", "reconstructed", "columns"]
    tree: str
    quantities: Mapping[str, Source] = field(default_factory=dict)
    truth: Mapping[str, Source] = field(default_factory=dict)  # columns that only a simulation has
    collections: Mapping[str, Collection] = field(default_factory=dict)
    hits: Hits | None = None
    digits: DigitBranches | None = None  # of level raw
    identity: tuple[str, ...] = ()  # quantities or truth that tell events apart
    signature: tuple[str, ...] = ()  # branches that give the layout away; empty: all of them
    setup: str | None = None  # of all such files; None: by run number
    zeros: Literal["dead", "empty"] = "dead"  # what an exact zero in all cells means
    deposits: Literal["measured", "visible"] = "measured"  # energies as read
    time_of_flight: bool = False  # times count from the origin of z; else from the master time

    def __post_init__(self) -> None:
        if self.deposits == "visible" and self.level != "simulated":
            msg = f"'deposits: visible' is for level simulated, not {self.level}: measured energies are final"
            raise ValueError(msg)
        if (self.digits is not None) != (self.level == "raw"):
            msg = f"'digits' are what level raw holds, and no other: the level is {self.level}"
            raise ValueError(msg)
        self._check_names(self.quantities, _quantity_names(), "quantity")
        self._check_names(self.truth, {c for c in COLUMNS if c.startswith("truth_")}, "truth column")
        for name, source in self.sources():
            if isinstance(source, Sparse):
                self._check_fields(f"'{name}' reads", source.collection, source.fields)
        if self.hits is not None and self.hits.collection:
            self._check_fields("hits read", self.hits.collection, self.hits.fields)
        groundless = [name for name in self.truth if not self.branches_of(name)]
        if groundless:
            msg = (
                f"truth column {', '.join(groundless)} reads no branch: truth must come from branches, since "
                f"they are what tells a simulation from data"
            )
            raise ValueError(msg)

    def _check_fields(self, who: str, collection: str, fields: tuple[str, ...]) -> None:
        if collection not in self.collections:
            msg = f"{who} collection '{collection}'; declared: {list(self.collections)}"
            raise ValueError(msg)
        unknown = [field for field in fields if field not in self.collections[collection]]
        if unknown:
            known = ", ".join(self.collections[collection])
            msg = f"{who} field '{unknown[0]}' of collection '{collection}', which has {known}"
            raise ValueError(msg)

    def _check_names(self, given: Mapping[str, Source], valid: set[str], what: str) -> None:
        unknown = sorted(set(given) - valid)
        if unknown:
            msg = f"unknown {what} {', '.join(unknown)}; known: {', '.join(sorted(valid))}"
            raise ValueError(msg)

    def sources(self) -> Iterator[tuple[str, Source]]:
        """Iterate over quantities, then truth."""
        yield from self.quantities.items()
        yield from self.truth.items()

    def digit_kinds(self) -> dict[str, tuple[str, ...]]:
        """Return the kinds of digits (waveforms, strips, straws) with their branches."""
        return {} if self.digits is None else self.digits.kinds()

    def branches_of(self, name: str, setup: Setup | None = None) -> tuple[str, ...]:
        """
        Return all branches that a quantity, a truth column, "hits" or a kind of digits needs.

        Hits that have branches by plane need those of the planes of a setup, where one is given.
        """
        if name == "hits":
            if self.hits is None:
                return ()
            return self.hits.branches(setup) or tuple(self.collections[self.hits.collection].values())
        if name in self.digit_kinds():
            return self.digit_kinds()[name]
        source = self.quantities[name] if name in self.quantities else self.truth[name]
        if isinstance(source, Sparse):
            fields = self.collections[source.collection]
            return tuple(branch for key, branch in fields.items() if key in source.fields)
        return source.branches()

    def branches(self, setup: Setup | None = None) -> tuple[str, ...]:
        """Return every branch that the layout names, once; of the detectors and planes of a setup alone."""
        quantities = [
            name
            for name, _ in self.sources()
            if setup is None or (detector := detector_of(name)) is None or detector in setup.detectors
        ]
        names = [*quantities, *(["hits"] if self.hits else []), *self.digit_kinds()]
        return tuple(dict.fromkeys(branch for name in names for branch in self.branches_of(name, setup)))


def detector_of(name: str) -> str | None:
    """Return the name of the detector that a quantity belongs to: "ecal" of `ecal_cell_energy`."""
    return next((name.removesuffix(suffix) for suffix in _OF_DETECTORS if name.endswith(suffix)), None)


def _quantity_names() -> set[str]:
    """Return the names a quantity may have."""
    cells = {f"{d}{suffix}" for d in _DETECTORS for suffix in _OF_DETECTORS}
    return {*_EVENT_QUANTITIES, *_TRACKS, *cells}
