"""The catalogue of runs: which files there are, what they hold, and how many particles met the target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

from datasets.config import ConfigError, build, nearest, read_yaml, split_sources
from datasets.periods import load_periods

__all__ = ["Catalogue", "FileDigest", "FileRecord", "Quality", "RunRecord", "SpillRecord", "load_catalogue"]

_FILE = Path(__file__).parent / "tables" / "catalogue.yaml"

Quality = Literal["good", "bad", "unknown"]


class _Record:
    """Base of what is read from the catalogue: other keys are errors."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


def _check(who: str, *, counts: dict[str, int | None], fraction: float | None = None) -> None:
    """Refuse numbers that count nothing; None is not known."""
    for name, count in counts.items():
        if count is not None and count < 0:
            msg = f"{who}: {name} must not be negative, got {count}; write null for what is not known"
            raise ValueError(msg)
    if fraction is not None and not 0 <= fraction <= 1:
        msg = f"{who}: live_fraction must lie in [0, 1], got {fraction:g}; write null if it is not known"
        raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest(_Record):
    """What the bytes of a file are known by."""

    algorithm: Literal["sha256"]
    value: str  # hexadecimal
    scope: Literal["full", "quick"]  # quick: of size, uuid and both ends

    def __post_init__(self) -> None:
        if len(self.value) != 64 or not set(self.value) <= set("0123456789abcdef"):
            msg = f"a SHA-256 has 64 hexadecimal digits in lower case, got '{self.value}'"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpillRecord(_Record):
    """One spill of a file."""

    spill: int
    eot: int | None = None  # particles on target; null: not known
    live_fraction: float | None = None  # null: that of the run
    quality: Quality | None = None  # null: that of the run

    def __post_init__(self) -> None:
        who = f"spill {self.spill}"
        _check(who, counts={"spill": self.spill, "eot": self.eot}, fraction=self.live_fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord(_Record):
    """One file of a run; a spill lies in one file only."""

    path: str  # files are known by its last part
    size: int | None = None  # [bytes]
    digest: FileDigest | None = None
    entries: int | None = None
    eot: int | None = None  # of the whole file, where it is not known per spill
    spills: tuple[SpillRecord, ...] = ()

    def __post_init__(self) -> None:
        who = f"file '{self.path}'"
        _check(who, counts={"size": self.size, "entries": self.entries, "eot": self.eot})
        if self.eot is not None and self.spills:
            msg = f"{who} has 'eot' and 'spills': particles would be counted twice; keep the spills"
            raise ValueError(msg)

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(_Record):
    """One run."""

    run: int
    period: str  # of `datasets/periods.yaml`
    kind: Literal["data", "calibration"]
    trigger: Literal["physics", "beam", "random", "calibration", "mixed"]
    quality: Quality
    prescale: int | None = None  # one of so many triggers was recorded; null: not known
    live_fraction: float | None = None  # null: not known
    comment: str = ""
    files: tuple[FileRecord, ...] = ()

    def __post_init__(self) -> None:
        who = f"run {self.run}"
        _check(who, counts={"run": self.run}, fraction=self.live_fraction)
        if self.prescale is not None and self.prescale < 1:
            msg = f"{who}: prescale must be at least 1, got {self.prescale}; write null if it is not known"
            raise ValueError(msg)
        seen: dict[int, str] = {}
        for file in self.files:
            for spill in file.spills:
                if spill.spill in seen:
                    msg = (
                        f"{who}: spill {spill.spill} stands in '{seen[spill.spill]}' and in '{file.path}': "
                        f"its particles would be counted twice; a spill belongs to one file"
                    )
                    raise ValueError(msg)
                seen[spill.spill] = file.path

    @property
    def eot(self) -> int | None:
        """Return the particles on target; None if those of any part are not known."""
        counts = [count for file in self.files for count in _counts(file)]
        known = [count for count in counts if count is not None]
        return sum(known) if counts and len(known) == len(counts) else None

    @property
    def bad_spills(self) -> tuple[int, ...]:
        """Return the spills of bad quality, rising."""
        spills = (spill for file in self.files for spill in file.spills)
        return tuple(sorted(spill.spill for spill in spills if self.quality_of(spill) == "bad"))

    def quality_of(self, spill: SpillRecord) -> Quality:
        """Return the quality of a spill: bad in a bad run, else its own, else that of the run."""
        return "bad" if self.quality == "bad" else spill.quality or self.quality


def _counts(file: FileRecord) -> list[int | None]:
    return [spill.eot for spill in file.spills] or [file.eot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue(_Record):
    """Runs in rising order."""

    runs: tuple[RunRecord, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        numbers = [record.run for record in self.runs]
        again = next((run for run in numbers if numbers.count(run) > 1), None)
        if again is not None:
            msg = f"run {again} stands twice; list all of its files in one entry"
            raise ValueError(msg)
        owner: dict[str, int] = {}
        for record, file in self.files():
            if file.name in owner:
                msg = (
                    f"file '{file.name}' stands in run {owner[file.name]} and in run {record.run}: files are "
                    f"known by their names, its particles would be counted twice"
                )
                raise ValueError(msg)
            owner[file.name] = record.run

    def files(self) -> Iterator[tuple[RunRecord, FileRecord]]:
        """Iterate over all files with their runs."""
        for record in self.runs:
            for file in record.files:
                yield record, file

    def run(self, run: int) -> RunRecord | None:
        """Return a run, None if it is not listed."""
        return next((record for record in self.runs if record.run == run), None)

    def bad_spills(self) -> dict[int, tuple[int, ...] | None]:
        """Return the bad spills of the runs that have some; None: all of a bad run."""
        found = {r.run: None if r.quality == "bad" else r.bad_spills for r in self.runs}
        return {run: spills for run, spills in found.items() if spills != ()}

    def find(self, path: str, size: int | None = None) -> tuple[RunRecord, FileRecord] | None:
        """
        Return the entry of a file.

        Parameters
        ----------
        path : str
            Path or URL; its last part is what counts.
        size : int, optional
            [bytes] of the file that was found there.

        Returns
        -------
        (RunRecord, FileRecord), or None if the file is not listed

        Raises
        ------
        ConfigError
            If the file has another size than the catalogue says.
        """
        name = PurePosixPath(path).name
        found = next(((record, file) for record, file in self.files() if file.name == name), None)
        expected = found[1].size if found is not None else None
        if size is not None and expected is not None and size != expected:
            msg = (
                f"{path} has {size} bytes, the catalogue says {expected}: it is cut short or another version "
                f"of the file"
            )
            raise ConfigError(msg)
        return found


def load_catalogue(path: Path | None = None) -> Catalogue:
    """
    Load a catalogue.

    Parameters
    ----------
    path : Path, optional
        YAML file; by default the one that comes with the project.

    Raises
    ------
    ConfigError
        If a key is wrong, anything would be counted twice, or a run does not fit its period.
    """
    path = path or _FILE
    tree, _ = split_sources(read_yaml(path))
    catalogue = build(Catalogue, tree, str(path))
    periods = {period.name: period for period in load_periods()}
    for record in catalogue.runs:
        where = f"{path}: run {record.run}"
        if record.period not in periods:
            hint = nearest(record.period, periods) or "."
            msg = f"{where}: unknown period '{record.period}'{hint} Periods: {', '.join(periods)}"
            raise ConfigError(msg)
        period = periods[record.period]
        if not period.covers(record.run):
            msg = f"{where}: period '{period.name}' covers runs {[list(runs) for runs in period.runs]} only"
            raise ConfigError(msg)
        if period.kind == "calibration" and record.kind == "data":
            msg = f"{where}: kind is 'data' and period '{period.name}' is calibration"
            raise ConfigError(msg)
    ordered = tuple(sorted(catalogue.runs, key=lambda record: record.run))
    return Catalogue(runs=ordered)
