"""From the deposits of a simulation to what the readout would have measured."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recon.geometry import Detector
from recon.noise import keyed_normal

__all__ = ["add_suppressed", "correct_nonlinearity", "measure_deposits", "measure_hits"]

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]

_LEAST_ENERGY = 0.1  # [GeV] below it the non-linearity is frozen: no measurement there


def measure_deposits(visible: Floats, detector: Detector, keys: Keys) -> Floats:
    """
    Turn visible energy per cell into measured energy per cell.

    The sampling fraction f(E) = f0 (1 + k ln(E / E_ref)) is taken at the energy of the whole detector; a
    relative cell-to-cell spread and an absolute noise follow.

    Parameters
    ----------
    visible : float64, shape (n_events, n_cells) [GeV]
        Energy in the scintillator.
    detector : Detector
        Its ``response`` holds f0, E_ref, k and the noise.
    keys : uint64, shape (n_events,)
        From `recon.noise.event_keys`.

    Returns
    -------
    float64, shape (n_events, n_cells) [GeV]
        NaN stays NaN.
    """
    response = detector.response
    cells = correct_nonlinearity(visible / response.sampling_fraction, detector)
    n_cells = cells.shape[1]
    if response.constant:
        cells = cells * (1.0 + response.constant * keyed_normal(keys, f"{detector.name} spread", n_cells))
    if response.noise:
        cells = cells + response.noise * keyed_normal(keys, f"{detector.name} noise", n_cells)
    return cells


def correct_nonlinearity(cells: Floats, detector: Detector) -> Floats:
    """
    Correct for the change of the sampling fraction with the energy, k ln(E / E_ref).

    Parameters
    ----------
    cells : float64, shape (n_events, n_cells) [GeV]
        Over the sampling fraction at the reference energy.
    detector : Detector

    Returns
    -------
    float64, shape (n_events, n_cells) [GeV]
        NaN stays NaN; one NaN cell makes all cells of its event NaN, where there is something to correct.
    """
    response = detector.response
    if not response.nonlinearity:
        return cells
    total = np.zeros(len(cells))
    for cell in range(cells.shape[1]):
        total += cells[:, cell]
    shift = np.log(np.maximum(total, _LEAST_ENERGY) / response.reference_energy)
    return np.asarray(cells / (1.0 + response.nonlinearity * shift)[:, None])


def add_suppressed(cells: Floats, seen: Floats, suppressed: Floats) -> Floats:
    """
    Share the energy of a shower in cells that were not read among those that were, by their energies.

    Cells below the threshold of the readout are missing from the sum. How much they have on average is a
    smooth function of the energy: many cells in the tail of a shower lie below a fixed threshold, and few
    more do when the shower grows. It is linear in the logarithm of the sum between the points, constant
    above the last one, and the same share of the sum below the first one.

    Parameters
    ----------
    cells : float64, shape (n_events, n_cells) [GeV]
    seen, suppressed : float64, shape (n_points,) [GeV]
        From conditions; ``seen`` rises.

    Returns
    -------
    float64, shape (n_events, n_cells) [GeV]
        NaN stays NaN; one NaN cell makes all cells of its event NaN.
    """
    total = np.zeros(len(cells))
    for cell in range(cells.shape[1]):
        total += cells[:, cell]
    more = np.interp(np.log(np.maximum(total, seen[0])), np.log(seen), suppressed)
    return np.asarray(cells * (1.0 + more / np.maximum(total, seen[0]))[:, None])


def measure_hits(
    position: Floats, offsets: npt.NDArray[np.int64], resolution: Floats, keys: Keys, stream: str
) -> Floats:
    """
    Blur true crossing positions with the resolution of their planes.

    Parameters
    ----------
    position : float64, shape (n_hits,) [mm]
    offsets : int64, shape (n_events + 1,)
    resolution : float64, shape (n_hits,) [mm]
    keys : uint64, shape (n_events,)
    stream : str
        "x" or "y".

    Returns
    -------
    float64, shape (n_hits,) [mm]
    """
    counts = np.diff(offsets)
    width = int(counts.max(initial=0))
    if width == 0:
        return position.copy()
    rank = np.arange(len(position)) - np.repeat(offsets[:-1], counts)
    normal = keyed_normal(keys, f"hits {stream}", width)
    return position + resolution * normal[np.repeat(np.arange(len(counts)), counts), rank]
