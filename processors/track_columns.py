"""The columns of the tracks of one spectrometer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from datasets.hits import HitArrays
from recon.geometry import Setup
from recon.tracks import TrackHits, TrackList, best_tracks, find_all_tracks, first_of_each

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
    z = tuple(setup.detectors[name].sections[0].z for name in faces)
    for spectrometer, prefix in _PREFIXES.items():
        if spectrometer not in hits:
            continue
        found = find_all_tracks(
            TrackHits(*hits[spectrometer]), setup.spectrometers[spectrometer], setup.beam, faces=z
        )
        columns |= _best(found, prefix, setup)
        columns |= _several(found, "tracks" if prefix == "track" else f"{prefix}_tracks")
        for i, face in enumerate(faces, start=1):
            columns |= _at_face(found, i, f"{prefix}_{face}")
        if "ecal" in faces and "ecal_x" in showers:
            columns |= _match(found, 1 + faces.index("ecal"), f"{prefix}_ecal", showers)
    return columns


def _best(found: TrackList, prefix: str, setup: Setup) -> Columns:
    """Return the columns of the best track of each event."""
    best = best_tracks(found, setup.beam)
    first = {
        "p_value": found.p_value,
        "hits": (found.hits >= 0).sum(axis=1),
        "kink_pull": found.kink,
        "upstream_hits": found.n_upstream,
    }
    columns: Columns = {f"{prefix}_{name}": first_of_each(v, found.offsets) for name, v in first.items()}
    for name in ("count", "momentum", "momentum_error", "angle", "x", "y", "slope_x", "slope_y", "is_valid"):
        columns[f"{prefix}_{name}"] = getattr(best, name)
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
    }
    counts = np.diff(found.offsets)
    return {f"{prefix}_{name}": ak.unflatten(values, counts) for name, values in flat.items()}


def _at_face(found: TrackList, face: int, prefix: str) -> Columns:
    """Return where the best track meets a detector."""
    if found.face_state.shape[1] <= face:  # a spectrometer without planes
        return {}
    columns: Columns = {}
    for i, axis in enumerate(("x", "y")):
        columns[f"{prefix}_{axis}"] = first_of_each(found.face_state[:, face, i], found.offsets)
        variance = first_of_each(found.face_covariance[:, face, i, i], found.offsets)
        columns[f"{prefix}_{axis}_error"] = np.sqrt(variance)
    return columns


# Rms of the shower's position along x or y [mm] for 1 GeV and, beside it, at high energy
_SHOWER_STOCHASTIC, _SHOWER_CONSTANT = 8.0, 0.8


def _match(found: TrackList, face: int, prefix: str, showers: Mapping[str, Array]) -> Columns:
    """Return how far the shower is from the best track."""
    at = _at_face(found, face, "at")
    away = [showers[f"ecal_{axis}"] - at[f"at_{axis}"] for axis in ("x", "y")]
    energy = np.maximum(showers["ecal_energy"], 0.0)
    with np.errstate(divide="ignore"):
        shower = _SHOWER_STOCHASTIC**2 / energy + _SHOWER_CONSTANT**2
    pulls = [d**2 / (at[f"at_{axis}_error"] ** 2 + shower) for d, axis in zip(away, "xy", strict=True)]
    return {f"{prefix}_distance": np.hypot(*away), f"{prefix}_pull": np.sqrt(sum(pulls))}
