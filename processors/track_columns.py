"""The columns of the tracks of one spectrometer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from datasets.hits import HitArrays
from recon.geometry import Beam, Detector, Setup
from recon.nominal import beam_before
from recon.pairs import find_pairs
from recon.target_match import TargetTrack, match_tracks, target_matter
from recon.track_details import TrackDetails
from recon.tracks import (
    TrackConfig,
    TrackHits,
    TrackList,
    best_tracks,
    describe_tracks,
    find_all_tracks,
    of_best,
)

__all__ = [
    "PREFIXES", "columns_of_spectrometer", "deciding_spectrometers", "pair_columns", "plane_hits",
    "track_columns",
]  # fmt: skip

Array = npt.NDArray[Any]
Columns = dict[str, Array]

PREFIXES = {"incoming": "track", "scattered": "scattered"}  # of the columns of each spectrometer
_DECAY = "decay"  # spectrometer without a magnet, behind a decay volume
_FACES = ("srd", "ecal", "hcal")


def track_columns(hits: Mapping[str, HitArrays], setup: Setup, known: Mapping[str, Array]) -> Columns:
    """
    Return the columns of the tracks of all spectrometers that have columns.

    Parameters
    ----------
    hits : mapping of spectrometer to HitArrays
    setup : Setup
    known : mapping
        Columns that are there: with `ecal_x` and `ecal_y` [mm] (n_events,) showers are matched. Tracks whose
        momentum is there already are not looked for.
    """
    columns: Columns = {}
    for spectrometer, prefix in PREFIXES.items():
        if spectrometer not in hits:
            continue
        columns |= plane_hits(hits[spectrometer], setup, spectrometer)
        if f"{prefix}_momentum" not in known:
            columns |= columns_of_spectrometer(hits[spectrometer], setup, spectrometer, known)
    if _DECAY in hits:
        columns |= pair_columns(hits[_DECAY], setup, known)
    return columns | _match_in_target({**known, **columns}, setup)


def pair_columns(hits: HitArrays, setup: Setup, known: Mapping[str, Array]) -> Columns:
    """
    Return the columns of straight tracks behind a decay volume.

    Parameters
    ----------
    hits : HitArrays
    setup : Setup
    known : mapping
        With `ecal_energy` [GeV] (n_events,) where the mass of the pair is to be known.
    """
    pairs = find_pairs(hits.plane, hits.x, hits.y, hits.offsets, setup.spectrometers[_DECAY])
    columns = {
        f"{_DECAY}_plane_hits": _most_hits(hits, len(setup.spectrometers[_DECAY].planes)),
        f"{_DECAY}_track_count": pairs.count,
    }
    for name in ("angle", "vertex_z", "distance", "is_valid"):
        columns[f"{_DECAY}_{name}"] = getattr(pairs, name)
    if "ecal_energy" in known:
        columns[f"{_DECAY}_mass"] = 0.5 * known["ecal_energy"] * pairs.angle
    return columns


def deciding_spectrometers(names: Iterable[str]) -> tuple[str, ...]:
    """Return the spectrometers whose tracks are needed for columns of these names."""
    names = tuple(names)
    of_both = any(name.startswith("target_") for name in names)
    return tuple(
        spectrometer
        for spectrometer, prefix in PREFIXES.items()
        if of_both or any(name.startswith((f"{prefix}_", f"{prefix}s_")) for name in names)
    )


def plane_hits(hits: HitArrays, setup: Setup, spectrometer: str) -> Columns:
    """Return the largest number of hits that a plane has in each event."""
    most = _most_hits(hits, len(setup.spectrometers[spectrometer].planes))
    return {f"{PREFIXES[spectrometer]}_plane_hits": most}


def _most_hits(hits: HitArrays, n_planes: int) -> Array:
    n_events = len(hits.offsets) - 1
    event = np.repeat(np.arange(n_events), np.diff(hits.offsets))
    counts = np.bincount(event * n_planes + hits.plane, minlength=n_events * n_planes)
    return np.asarray(counts.reshape(n_events, n_planes).max(axis=1, initial=0).astype(np.float64))


def columns_of_spectrometer(
    found: HitArrays, setup: Setup, name: str, showers: Mapping[str, Array]
) -> Columns:
    """
    Return the columns of the tracks of one spectrometer.

    Parameters
    ----------
    found : HitArrays
    setup : Setup
    name : str
        Of the spectrometer.
    showers : mapping
        With `ecal_x` and `ecal_y` [mm] (n_events,) where showers are matched.
    """
    spectrometer, config, prefix = setup.spectrometers[name], TrackConfig(), PREFIXES[name]
    hits, beam = TrackHits(*found), beam_before(setup, spectrometer)
    places = {face: setup.detectors[face].sections[0].z for face in _FACES if face in setup.detectors}
    target = _target_of(setup)
    if target is not None:
        places["target"] = target_matter(target)[0]
    tracks = find_all_tracks(hits, spectrometer, beam, config)
    has_one = tracks.best >= 0
    best = tracks.best[has_one]
    details = describe_tracks(tracks, best, hits, spectrometer, beam, config, tuple(places.values()))
    columns = _best(tracks, prefix, beam)
    columns |= _several(tracks, "tracks" if prefix == "track" else f"{prefix}_tracks")
    columns[f"{prefix}_kink_pull"] = _spread(details.kink, has_one)
    columns[f"{prefix}_is_kinked"] = columns[f"{prefix}_kink_pull"] > config.kink_pull
    if spectrometer.planes:  # else nothing says where its tracks would go
        columns |= _extrapolated(details, has_one, list(places), prefix, setup, showers)
    return columns


def _target_of(setup: Setup) -> Detector | None:
    """Return the target of a setup with a spectrometer on either side of it."""
    targets = [detector for detector in setup.detectors.values() if detector.is_target]
    return targets[0] if targets and set(PREFIXES) <= set(setup.spectrometers) else None


def _extrapolated(
    details: TrackDetails,
    has_one: Array,
    faces: list[str],
    prefix: str,
    setup: Setup,
    showers: Mapping[str, Array],
) -> Columns:
    """Return where the best tracks meet detectors, and how far from the shower."""
    columns: Columns = {}
    for i, face in enumerate(faces, start=1):
        columns |= _at_face(details, has_one, i, f"{prefix}_{face}")
        if face == "target":
            for j, axis in enumerate(("x", "y"), start=2):
                columns[f"{prefix}_target_slope_{axis}"] = _spread(details.face_state[:, i, j], has_one)
    if "ecal" in faces and "ecal_x" in showers:
        place = 1 + faces.index("ecal")
        slopes = {axis: _spread(details.face_state[:, place, i], has_one) for i, axis in ((2, "x"), (3, "y"))}
        at_ecal = _at_face(details, has_one, place, "at")
        columns |= _match(at_ecal, slopes, f"{prefix}_ecal", setup.detectors["ecal"], showers)
    return columns


def _match_in_target(columns: Mapping[str, Array], setup: Setup) -> Columns:
    """Return how the best tracks of both spectrometers meet in the target."""
    target = _target_of(setup)
    needed = [f"{prefix}_target_x" for prefix in PREFIXES.values()]
    if target is None or not set(needed) <= columns.keys():
        return {}
    before, after = (
        TargetTrack(*(columns[f"{prefix}_target_{name}"] for name in TargetTrack._fields))
        for prefix in PREFIXES.values()
    )
    match = match_tracks(before, after, columns["scattered_momentum"], target)
    return {f"target_{name}": values for name, values in match._asdict().items()}


def _spread(values: Array, has_one: Array) -> Array:
    """Return values of events with a track for all events, NaN elsewhere."""
    every = np.full(len(has_one), np.nan)
    every[has_one] = values
    return every


def _best(found: TrackList, prefix: str, beam: Beam) -> Columns:
    """Return the columns of the best track of each event."""
    best = best_tracks(found, beam)
    first = {
        "p_value": found.p_value,
        "hits": (found.hits >= 0).sum(axis=1),
        "upstream_hits": found.n_upstream,
        "time": found.time,
        "time_error": found.time_error,
    }
    columns: Columns = {f"{prefix}_{name}": of_best(v, found) for name, v in first.items()}
    for name in ("count", "momentum", "momentum_error", "angle", "x", "y", "slope_x", "slope_y"):
        columns[f"{prefix}_{name}"] = getattr(best, name)
    event = np.repeat(np.arange(len(best.count)), best.count)
    columns[f"{prefix}_in_time_count"] = np.bincount(event[found.is_in_time], minlength=len(best.count))
    columns[f"{prefix}_is_valid"], columns[f"{prefix}_is_overflow"] = best.is_valid, best.is_overflow
    reduced = np.full(len(best.chi2), np.nan)
    np.divide(best.chi2, best.ndf, out=reduced, where=best.ndf > 0)
    columns[f"{prefix}_chi2"] = reduced
    return columns


def _several(found: TrackList, prefix: str) -> Columns:
    """Return the lists of all tracks of each event."""
    flat = {
        "momentum": 1 / np.abs(found.state[:, 4]),
        "chi2": found.chi2 / found.ndf,
        "p_value": found.p_value,
        "hits": (found.hits >= 0).sum(axis=1).astype(np.float64),
        "x": found.state[:, 0],
        "y": found.state[:, 1],
        "slope_x": found.state[:, 2],
        "slope_y": found.state[:, 3],
        "time": found.time,
    }
    counts = np.diff(found.offsets)
    return {f"{prefix}_{name}": ak.unflatten(values, counts) for name, values in flat.items()}


def _at_face(details: TrackDetails, has_one: Array, face: int, prefix: str) -> Columns:
    """Return where the best track meets a detector."""
    columns: Columns = {}
    for i, axis in enumerate(("x", "y")):
        columns[f"{prefix}_{axis}"] = _spread(details.face_state[:, face, i], has_one)
        error = np.sqrt(details.face_covariance[:, face, i, i])
        columns[f"{prefix}_{axis}_error"] = _spread(error, has_one)
    return columns


def _match(
    at: Columns, slopes: Columns, prefix: str, ecal: Detector, showers: Mapping[str, Array]
) -> Columns:
    """Return how far the shower is from the best track at its depth, and that in standard errors."""
    energy, response = showers["ecal_energy"], ecal.response
    depth, shower = response.depth_of(energy), response.position_error(energy) ** 2
    away = [showers[f"ecal_{axis}"] - at[f"at_{axis}"] - depth * slopes[axis] for axis in "xy"]
    pulls = [d**2 / (at[f"at_{axis}_error"] ** 2 + shower) for d, axis in zip(away, "xy", strict=True)]
    return {f"{prefix}_distance": np.hypot(*away), f"{prefix}_pull": np.sqrt(sum(pulls))}
