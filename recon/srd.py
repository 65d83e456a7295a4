"""The synchrotron-radiation tag: which events are electrons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["SrdTagConfig", "tag_electrons"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SrdTagConfig:
    """What a synchrotron-radiation signal looks like."""

    module_low: float  # [GeV] every module is above
    module_high: float  # [GeV] all modules but one are below
    sum_low: float  # [GeV] window of the sum
    sum_high: float  # [GeV]

    def __post_init__(self) -> None:
        if not (self.module_low < self.module_high and self.sum_low < self.sum_high):
            msg = f"SRD windows must rise: low < high for module and sum, got {self}"
            raise ValueError(msg)


def tag_electrons(modules: npt.NDArray[np.float64], config: SrdTagConfig) -> npt.NDArray[np.bool_]:
    """
    Tag events whose SRD modules saw synchrotron radiation.

    Every module must be above the lower cut and all but one below the upper cut, since one module
    may catch a delta ray or a conversion; the sum must lie in its window.

    Parameters
    ----------
    modules : float64, shape (n_events, n_modules) [GeV]
    config : SrdTagConfig

    Returns
    -------
    bool, shape (n_events,)
        False wherever a module is NaN.
    """
    above = modules > config.module_low
    below = modules < config.module_high
    total = np.zeros(len(modules))
    for module in range(modules.shape[1]):
        total += modules[:, module]
    in_window = (total > config.sum_low) & (total < config.sum_high)
    n_below = np.count_nonzero(above & below, axis=1)
    tagged: npt.NDArray[np.bool_] = above.all(axis=1) & (n_below >= modules.shape[1] - 1) & in_window
    return tagged
