"""Particles on target of what was read: used, lost, and not known."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from datasets.conditions.catalogue import Catalogue, FileRecord, RunRecord
from datasets.config import ConfigError

__all__ = ["Exposure", "exposure"]


class Exposure(NamedTuple):
    """Particles on target; None: not known, because it is not known of a part."""

    eot_input: int | None  # of all files that were given = used + lost
    eot_used: int | None
    eot_lost: int | None  # in bad spills and lost files
    eot_live: (
        float | None
    )  # of the used ones, those that the trigger could record: x live fraction / prescale
    unknown: tuple[str, ...] = ()  # the parts of which something is not known

    def as_dict(self) -> dict[str, Any]:
        """Return the values for `run.json`."""
        return {**self._asdict(), "unknown": list(self.unknown)}


class _Part(NamedTuple):
    """A spill, or a file whose spills are not listed."""

    name: str
    eot: int | None
    is_lost: bool | None  # None: in part, but not known which
    live: float | None  # live fraction / prescale


def exposure(
    catalogue: Catalogue,
    inputs: Iterable[str],
    lost: Iterable[str] = (),
    bad_spills: Mapping[int, Collection[int]] | None = None,
) -> Exposure:
    """
    Add up the particles on target of files.

    A bad spill and a lost file take their particles with them. A file counts once, however often and under
    whatever paths it is given; so does a spill that is bad in a file that is lost. What is not known makes
    the sums that it belongs to None, and no others.

    Parameters
    ----------
    catalogue : Catalogue
    inputs : iterable of str
        Paths of all files that were given, known by their names.
    lost : iterable of str
        Those of them that could not be read, or not to the end.
    bad_spills : mapping of run to spills, optional
        Bad by the conditions (`Conditions.bad_spills`), beside those of bad quality in the catalogue.

    Returns
    -------
    Exposure

    Raises
    ------
    ConfigError
        If a lost file is not one of the inputs.
    """
    names = dict.fromkeys(PurePosixPath(path).name for path in inputs)
    gone = {PurePosixPath(path).name for path in lost}
    strange = sorted(gone - set(names))
    if strange:
        msg = f"'{strange[0]}' is listed as lost and is not one of the input files"
        raise ConfigError(msg)
    parts: list[_Part] = []
    for name in names:
        found = catalogue.find(name)
        if found is None:
            parts.append(_Part(f"{name} (not in the catalogue)", None, name in gone, None))
        else:
            parts += _parts(*found, is_lost=name in gone, bad=(bad_spills or {}).get(found[0].run, ()))
    return _add(parts)


def _parts(record: RunRecord, file: FileRecord, *, is_lost: bool, bad: Collection[int]) -> Iterator[_Part]:
    """Yield the spills of a file, or the file if they are not listed."""
    scale = None if record.prescale is None else 1.0 / record.prescale
    if not file.spills:
        gone = True if is_lost or record.quality == "bad" else None if bad else False
        yield _Part(file.name, file.eot, gone, _times(record.live_fraction, scale))
    for spill in file.spills:
        is_bad = record.quality_of(spill) == "bad" or spill.spill in bad
        live = record.live_fraction if spill.live_fraction is None else spill.live_fraction
        name = f"run {record.run}, spill {spill.spill}"
        yield _Part(name, spill.eot, is_lost or is_bad, _times(live, scale))


def _times(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left * right


def _add(parts: list[_Part]) -> Exposure:
    used = [part for part in parts if part.is_lost is not True]
    live = [_times(part.eot, part.live) if part.is_lost is False else None for part in used]
    known = [value for value in live if value is not None]
    unknown = [p.name for p in parts if p.eot is None or p.is_lost is None]
    unknown += [part.name for part, value in zip(used, live, strict=True) if value is None]
    return Exposure(
        _sum(part.eot for part in parts),
        _sum(part.eot if part.is_lost is False else None for part in used),
        _sum(part.eot if part.is_lost else None for part in parts if part.is_lost is not False),
        math.fsum(known) if len(known) == len(live) else None,
        tuple(dict.fromkeys(unknown)),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    """Return the sum, None if one of them is not known."""
    listed = list(counts)
    known = [count for count in listed if count is not None]
    return sum(known) if len(known) == len(listed) else None
