"""The shape of hadronic showers: how much of the energy lies off the beam axis."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recon.geometry import Detector

__all__ = ["off_axis_ratio"]

Floats = npt.NDArray[np.float64]


def off_axis_ratio(cells: Floats, detector: Detector) -> Floats:
    """
    Compute R = (E - E_central) / E over the modules in the beam.

    Parameters
    ----------
    cells : float64, shape (n_events, n_cells) [GeV]
    detector : Detector
        The central cells of a module are those around its own centre: one where the number of cells is
        odd, two in each direction where it is even.

    Returns
    -------
    float64, shape (n_events,)
        NaN where E is not above ``detector.seed_energy`` or not finite: an HCAL with nothing but noise has no
        shape.
    """
    total, central = np.zeros(len(cells)), np.zeros(len(cells))
    for used, (section, view) in zip(detector.is_in_beam, detector.views(cells), strict=True):
        if not used:
            continue
        n_x, n_y = section.grid.shape
        for x in {(n_x - 1) // 2, n_x // 2}:
            for y in {(n_y - 1) // 2, n_y // 2}:
                central += view[:, x, y]
        for column in view.reshape(len(view), section.grid.n_cells).T:
            total += column
    ratio = np.full(len(cells), np.nan)
    np.divide(total - central, total, out=ratio, where=total > detector.seed_energy)
    return ratio
