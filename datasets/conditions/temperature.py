"""Gains at the temperature of a run: light of a crystal falls as it warms up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from datasets.conditions.channels import Names

__all__ = ["TEMPERATURE", "temperature_factors"]

TEMPERATURE = "temperature"  # name of the table
_COLUMNS = ("temperature", "reference", "slope")


def temperature_factors(
    rows: Mapping[str, Mapping[str, float]], names: Names, fail: Callable[[str, str], Exception]
) -> npt.NDArray[np.float64]:
    """
    Return by what gains [GeV / ADC] are multiplied, ``1 / (1 + slope (temperature - reference))``.

    Parameters
    ----------
    rows : mapping of detector to its temperature [degC], reference [degC] and slope [1/K]
        Slope: relative change of the light per kelvin, below 0 where it falls.
    names : Names
    fail : function
        Makes an error of the name of the table and what is wrong.

    Returns
    -------
    float64, shape (n_cells,)
        1 for detectors without a temperature.
    """
    factors = np.ones(len(names.labels))
    for detector, row in rows.items():
        lacking = [name for name in _COLUMNS if name not in row]
        if lacking:
            raise fail(TEMPERATURE, f"no {lacking[0]} of detector '{detector}'")
        light = 1.0 + row["slope"] * (row["temperature"] - row["reference"])
        if not light > 0:
            what = (
                f"detector '{detector}' has no light left at {row['temperature']:g} degC: slope "
                f"{row['slope']:g} per kelvin from {row['reference']:g} degC on"
            )
            raise fail(TEMPERATURE, what)
        factors[names.slices[detector]] = 1.0 / light
    return factors
