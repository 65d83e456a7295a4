"""The ratio of dimuons in data and simulation, as a correction of signal efficiencies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from na64.efficiency.tables import Factor, Table
from na64.errors import UserError
from na64.run.stored import read_json
from selections.background.intervals import Interval

__all__ = ["Correction", "correct", "correction_json", "correction_line", "read_correction"]


class Correction(NamedTuple):
    """By what signal efficiencies of the simulation are multiplied."""

    ratio: Interval  # dimuons, data over simulation, with all errors
    statistical: Interval
    systematics: Mapping[str, float]  # name -> relative error
    observed: int  # events of the data in the region
    region: str
    data: str  # run directory of the data
    state: str  # of their blinding
    folder: str  # of `na64 background`
    setup: str
    analysis: str
    digest: str  # of the selection


def read_correction(folder: Path) -> Correction:
    """
    Read the dimuon ratio that `na64 background` measured.

    Parameters
    ----------
    folder : Path
        Directory of `na64 background`.

    Raises
    ------
    UserError
        If it is none, is of an earlier version, or has no ratio.
    """
    found = read_json(folder / "background.json", "directory of `na64 background`")
    benchmark = found.get("benchmark")
    if benchmark is None or benchmark.get("ratio") is None:
        what = "has no dimuons in area I" if benchmark else "was made without a simulation of dimuons"
        msg = (
            f"{folder} {what}, so there is no ratio to correct by: run `na64 background DATA --simulation "
            f"RUN_OF_DIMUONS --eot NUMBER`, with data that have some"
        )
        raise UserError(msg)
    if "systematics" not in benchmark:
        msg = f"{folder} was made by an earlier version; run `na64 background` again with --overwrite"
        raise UserError(msg)
    statistical = Interval(*(float(benchmark["ratio"][key]) for key in Interval._fields))
    return Correction(
        ratio=_with_systematics(statistical, benchmark["systematics"]),
        statistical=statistical,
        systematics=benchmark["systematics"],
        observed=benchmark["observed"],
        region=benchmark["region"],
        data=found["data"],
        state=found["blinding"]["state"],
        folder=str(folder),
        setup=found["setup"],
        analysis=found["analysis"],
        digest=found["selection"]["digest"],
    )


def _with_systematics(ratio: Interval, systematics: Mapping[str, float]) -> Interval:
    more = math.hypot(*systematics.values()) * ratio.value
    down, up = (math.hypot(error, more) for error in ratio.errors)
    return Interval(ratio.value, max(0.0, ratio.value - down), ratio.value + up)


def correct(table: Table, correction: Correction, record: Mapping[str, Any], run: Path) -> Table:
    """
    Return a table with the ratio, and with the product of all cuts but the missing energy times it.

    The relative errors of both are joined in quadrature. Shifts of the variations are those of the signal:
    what they do to dimuons too would cancel in the ratio.

    Parameters
    ----------
    table : Table
        Of a simulated signal.
    correction : Correction
    record : mapping
        The content of run.json.
    run : Path
        For messages.

    Raises
    ------
    UserError
        If run and estimate have another setup, analysis or selection.
    """
    for what, one, two in (
        ("setup", correction.setup, record["setup"]),
        ("analysis", correction.analysis, record["analysis"]),
        ("selection", correction.digest, record["selection"]["digest"]),
    ):
        if one != two:
            msg = (
                f"{correction.folder} was estimated with another {what} ({one}) than {run} has ({two}); run "
                f"data, dimuons and signal with the same cuts"
            )
            raise UserError(msg)
    main, ratio = table.products[0], correction.ratio
    label = f"data/simulation of dimuons ({correction.region})"
    value = main.value * ratio.value
    parts = [
        math.hypot(_relative(main.value, one), _relative(ratio.value, two))
        for one, two in zip((main.value - main.low, main.high - main.value), ratio.errors, strict=True)
    ]
    rows = (
        Factor("dimuon_ratio", label, *ratio, {}),
        Factor(
            f"{main.name}_corrected",
            f"{main.label}, corrected",
            value,
            max(0.0, value * (1 - parts[0])),
            value * (1 + parts[1]),
            {name: varied * ratio.value for name, varied in main.varied.items()},
        ),
    )
    return table._replace(corrections=rows)


def _relative(value: float, error: float) -> float:
    return error / value if value > 0 else math.nan


def correction_line(correction: Correction) -> str:
    """Return where the ratio comes from, for people."""
    down, up = correction.statistical.errors
    named = "".join(
        f" ± {size * correction.ratio.value:.3f} ({n})" for n, size in correction.systematics.items()
    )
    return (
        f"data/simulation of dimuons {correction.ratio.value:.3f} −{down:.3f} +{up:.3f} (statistical){named}"
        f": {correction.observed} events in {correction.region} of {correction.data}, data "
        f"{correction.state} ({correction.folder})"
    )


def correction_json(correction: Correction) -> dict[str, Any]:
    """Return plain values."""
    plain = correction._asdict()
    return (
        plain
        | {name: plain[name]._asdict() for name in ("ratio", "statistical")}
        | {"systematics": dict(correction.systematics)}
    )
