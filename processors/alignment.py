"""Alignment of the planes of one spectrometer, from the clean events of raw files that may be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt
from coffea import processor
from scipy.stats import chi2 as chi2_distribution

from datasets.conditions import Conditions
from datasets.config import ConfigError, nearest
from datasets.hits import HitArrays
from processors.analysis import AnalysisProcessor
from processors.planes import align_setup, leave_out, moves_of, plane_rows, restore_hits
from recon.alignment import (
    AlignmentConfig,
    AlignmentFit,
    AlignmentSums,
    accumulate,
    fitted_residuals,
    move_hits,
    solve,
    weights_of,
)
from recon.geometry import Beam, Setup, Spectrometer
from recon.track_model import linear_model, nominal_crossings

__all__ = [
    "Aligned",
    "CleanHits",
    "HitsProcessor",
    "align_planes",
    "clean_events",
    "common_conditions",
    "find_spectrometer",
]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_TAIL = 1e-4  # of good events above the final limit of chi2
_ROUGH = 5.0  # medians of chi2 that are let pass while planes are far off
_SETTLED = 0.02  # of its error: a parameter that moves less in a pass has arrived


class CleanHits(NamedTuple):
    """Hits of the events of a chunk that may be seen and have one hit in each plane."""

    n_shown: int
    # planes: those that are not left out
    hits_per_plane: npt.NDArray[np.int64]  # (n_planes, 3) shown events with no, one, several hits
    positions: Floats  # (n_clean, 2 n_planes) [mm] as if planes were where the setup says
    setup: Setup
    conditions: Conditions


class HitsProcessor(processor.ProcessorABC):
    """
    Return the hits of clean events, as `CleanHits`.

    Parameters
    ----------
    analysis : AnalysisProcessor
        Reconstructs, and says what an event needs to be shown.
    spectrometer : str
    without : sequence of str
        Planes whose hits are left out.
    """

    def __init__(self, analysis: AnalysisProcessor, spectrometer: str, without: Sequence[str] = ()) -> None:
        self.analysis = analysis
        self.spectrometer = spectrometer
        self.without = tuple(without)

    def process(self, events: ak.Array) -> CleanHits:
        """Reconstruct a chunk and return the hits of its clean events; of data the shown ones alone."""
        selected = self.analysis.select(
            events, need_base_of_simulation=False, with_details=True, is_to_calibrate=True
        )
        conditions, setup, details = selected.context.conditions, selected.context.setup, selected.details
        if conditions is None or details is None:
            msg = f"alignment needs raw digits; layout {selected.context.layout.name} has none"
            raise ConfigError(msg)
        spectrometer = find_spectrometer(setup, self.spectrometer)
        moves = moves_of(conditions.alignment, plane_rows(setup)[self.spectrometer])
        none, offsets = np.zeros(0), np.zeros(selected.n_events + 1, dtype=np.int64)
        nothing = HitArrays(none.astype(np.int64), none, none, offsets)
        hits = details.measured.hits.get(self.spectrometer, nothing)
        kept = [plane.name not in self.without for plane in spectrometer.planes]
        counts, positions = clean_events(restore_hits(hits, spectrometer, moves), kept)
        return CleanHits(selected.n_events, counts, positions, setup, conditions)

    def postprocess(self, accumulator: Any) -> Any:
        """Return the accumulator as it is."""
        return accumulator


def find_spectrometer(setup: Setup, name: str) -> Spectrometer:
    """
    Return a spectrometer of a setup.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in setup.spectrometers:
        hint = nearest(name, setup.spectrometers) or "."
        listed = ", ".join(setup.spectrometers) or "none"
        msg = f"setup {setup.name} has no spectrometer '{name}'{hint} Spectrometers: {listed}"
        raise ConfigError(msg)
    return setup.spectrometers[name]


def clean_events(hits: HitArrays, is_used: Sequence[bool]) -> tuple[npt.NDArray[np.int64], Floats]:
    """
    Take the events with exactly one hit in each plane that is used.

    Parameters
    ----------
    hits : HitArrays
        Of n_events.
    is_used : sequence of bool
        Of each plane of the spectrometer; n_planes of them are.

    Returns
    -------
    counts : int64, shape (n_planes, 3)
        Events with no, one, and several hits in each plane.
    positions : float64, shape (n_clean, 2 n_planes) [mm]
        x and y of the first plane, and so on.
    """
    used = np.array(is_used, dtype=bool)
    n_planes, number = int(np.count_nonzero(used)), np.cumsum(used) - 1
    good = np.isfinite(hits.x) & np.isfinite(hits.y) & used[hits.plane]
    n_events = len(hits.offsets) - 1
    event = np.repeat(np.arange(n_events), np.diff(hits.offsets))
    cell = (event * n_planes + number[hits.plane])[good]
    n_in_plane = np.bincount(cell, minlength=n_events * n_planes).reshape(n_events, n_planes)
    counts = np.stack([(n_in_plane == 0).sum(0), (n_in_plane == 1).sum(0), (n_in_plane > 1).sum(0)], axis=1)
    is_clean = (n_in_plane == 1).all(axis=1)
    position = np.full((n_events * n_planes, 2), np.nan)
    position[cell] = np.stack([hits.x[good], hits.y[good]], axis=1)
    return counts, position.reshape(n_events, 2 * n_planes)[is_clean]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """Where the planes of a spectrometer are, and what the tracks say before and after."""

    old: Floats  # (3, n_planes) [mm, mm, rad] dx, dy, rotation before
    fit: AlignmentFit
    sums: AlignmentSums  # of the last pass
    limit: float  # of chi2 in the last pass
    n_passes: int
    is_settled: bool  # no parameter moved in the last pass
    median_chi2: tuple[float, float]  # of the events used in the end, before and after
    expected_chi2: float  # median of good events
    residuals: tuple[Floats, Floats]  # (n_used, 2 n_planes) [mm] of fitted tracks, before and after

    @property
    def new(self) -> Floats:
        """Return dx, dy, rotation of the planes, (3, n_planes) [mm, mm, rad]."""
        return np.stack([self.fit.dx, self.fit.dy, self.fit.rotation])


class _Problem(NamedTuple):
    spectrometer: Spectrometer
    nominal: Floats  # (2 n_planes,) [mm]
    centre: Floats  # (2 n_planes,) [mm]
    weights: Floats


def align_planes(
    positions: Floats,
    setup: Setup,
    conditions: Conditions,
    name: str,
    config: AlignmentConfig,
    *,
    field_off: bool = False,
    passes: int = 10,
    without: Sequence[str] = (),
) -> Aligned:
    """
    Solve the displacements in several passes, each without the outliers of the one before.

    Parameters
    ----------
    positions : float64, shape (n_events, 2 n_planes) [mm]
        Of clean events, as if planes were where the setup says.
    setup : Setup
    conditions : Conditions
        Where the planes are believed to be; their dz stay.
    name : str
        Of the spectrometer.
    config : AlignmentConfig
        Counts the planes that are not left out.
    field_off : bool
        The magnets had no field.
    passes : int
        At most; the last one is that in which nothing moves any more.
    without : sequence of str
        Planes whose hits ``positions`` has not; their matter scatters all the same.

    Returns
    -------
    Aligned
    """
    everything = find_spectrometer(align_setup(setup, conditions.alignment), name)
    spectrometer = leave_out(everything, without)
    if field_off:
        magnets = tuple(replace(magnet, field=0.0) for magnet in spectrometer.magnets)
        spectrometer = replace(spectrometer, magnets=magnets)
    design, covariance = linear_model(spectrometer, setup.beam)
    problem = _make_problem(
        spectrometer, setup.beam, weights_of(design, covariance, setup.beam.momentum, config)
    )
    kept = [plane.name not in without for plane in everything.planes]
    old = moves_of(conditions.alignment, plane_rows(setup)[name])[:, kept]
    ndf = 2 * len(spectrometer.planes) - 4  # the momentum is that of the beam but for a narrow spread
    final, expected = (float(chi2_distribution.isf(p, ndf)) for p in (_TAIL, 0.5))
    moves, is_settled, n_passes = old, False, 0
    while n_passes < passes and not is_settled:
        n_passes += 1
        hits, chi2 = _measure(problem, positions, moves)
        limit = max(final, _ROUGH * float(np.median(chi2)))
        sums = accumulate(hits - problem.nominal, hits - problem.centre, problem.weights, limit)
        fit = solve(sums, moves, config)
        after = np.stack([fit.dx, fit.dy, fit.rotation])
        errors = np.stack([fit.dx_error, fit.dy_error, fit.rotation_error])
        is_settled = bool((np.abs(after - moves) <= _SETTLED * errors).all())
        moves = after
    hits, chi2 = _measure(problem, positions, moves)
    used = chi2 <= limit
    before, chi2_before = _measure(problem, positions[used], old)
    return Aligned(
        old=old,
        fit=fit,
        sums=sums,
        limit=limit,
        n_passes=n_passes,
        is_settled=is_settled,
        median_chi2=(float(np.median(chi2_before)), float(np.median(chi2[used]))),
        expected_chi2=expected,
        residuals=(
            fitted_residuals(before - problem.nominal, design, covariance),
            fitted_residuals(hits[used] - problem.nominal, design, covariance),
        ),
    )


def _make_problem(spectrometer: Spectrometer, beam: Beam, weights: Floats) -> _Problem:
    centre = np.array([plane.centre for plane in spectrometer.planes]).ravel()
    return _Problem(spectrometer, nominal_crossings(spectrometer, beam), centre, weights)


def _measure(problem: _Problem, positions: Floats, moves: Floats) -> tuple[Floats, Floats]:
    """Return moved hits (n_events, 2 n_planes) [mm] and chi2 (n_events,), infinite for what is no number."""
    planes = problem.spectrometer.planes
    plane = np.tile(np.arange(len(planes)), len(positions))
    x, y = move_hits(plane, positions[:, ::2].ravel(), positions[:, 1::2].ravel(), planes, moves)
    hits = np.stack([x, y], axis=1).reshape(positions.shape)
    away = hits - problem.nominal
    return hits, np.einsum("ei,ij,ej->e", away, problem.weights, away, optimize=True)


def common_conditions(chunks: Sequence[CleanHits]) -> tuple[Conditions, bool]:
    """
    Return the conditions of all chunks, and whether they are the same in all but the run.

    Raises
    ------
    ConfigError
        If the planes of the runs are not believed to be at the same places.
    """
    first = chunks[0].conditions
    for chunk in chunks:
        one, other = first.alignment, chunk.conditions.alignment
        if not all(
            np.array_equal(getattr(one, n), getattr(other, n)) for n in ("dx", "dy", "dz", "rotation")
        ):
            msg = (
                f"runs {first.run} and {chunk.conditions.run} have different alignments to start from, so "
                "their tracks do not add up; align them apart"
            )
            raise ConfigError(msg)
    return first, len({chunk.conditions.digest for chunk in chunks}) == 1
