"""The columns of the tracks of one spectrometer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from datasets.hits import HitArrays
from recon.geometry import Detector, Setup
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

__all__ = ["track_columns"]

Array = npt.NDArray[Any]
Columns = dict[str, Array]

_PREFIXES = {"incoming": "track", "scattered": "scattered"}  # of the columns of each spectrometer
_FACES = ("srd", "ecal", "hcal")


def track_columns(hits: Mapping[str, HitArrays], setup: Setup, showers: Mapping[str, Array]) -> Columns:
    """
    Return the columns of the tracks of all spectrometers that have columns.

    Parameters
    ----------
    hits : mapping of spectrometer to HitArrays
    setup : Setup
    showers : mapping
        With `ecal_x` and `ecal_y` [mm] (n_events,) where showers are matched.
    """
    columns: Columns = {}
    faces = [name for name in _FACES if name in setup.detectors]
    for spectrometer, prefix in _PREFIXES.items():
        if spectrometer not in hits:
            continue
        columns |= _of_one(TrackHits(*hits[spectrometer]), spectrometer, prefix, setup, faces, showers)
    return columns


def _of_one(
    hits: TrackHits, name: str, prefix: str, setup: Setup, faces: list[str], showers: Mapping[str, Array]
) -> Columns:
    """Return the columns of one spectrometer."""
    spectrometer, config = setup.spectrometers[name], TrackConfig()
    z = tuple(setup.detectors[face].sections[0].z for face in faces)
    found = find_all_tracks(hits, spectrometer, setup.beam, config)
    has_one = found.best >= 0
    best = found.best[has_one]
    details = describe_tracks(found, best, hits, spectrometer, setup.beam, config, z)
    columns = _best(found, prefix, setup)
    columns |= _several(found, "tracks" if prefix == "track" else f"{prefix}_tracks")
    columns[f"{prefix}_kink_pull"] = _spread(details.kink, has_one)
    columns[f"{prefix}_is_kinked"] = columns[f"{prefix}_kink_pull"] > config.kink_pull
    if not spectrometer.planes:  # nothing says where its tracks would go
        return columns
    for i, face in enumerate(faces, start=1):
        columns |= _at_face(details, has_one, i, f"{prefix}_{face}")
    if "ecal" in faces and "ecal_x" in showers:
        face = 1 + faces.index("ecal")
        slopes = {axis: _spread(details.face_state[:, face, i], has_one) for i, axis in ((2, "x"), (3, "y"))}
        at_ecal = _at_face(details, has_one, face, "at")
        columns |= _match(at_ecal, slopes, f"{prefix}_ecal", setup.detectors["ecal"], showers)
    return columns


def _spread(values: Array, has_one: Array) -> Array:
    """Return values of events with a track for all events, NaN elsewhere."""
    every = np.full(len(has_one), np.nan)
    every[has_one] = values
    return every


def _best(found: TrackList, prefix: str, setup: Setup) -> Columns:
    """Return the columns of the best track of each event."""
    best = best_tracks(found, setup.beam)
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
