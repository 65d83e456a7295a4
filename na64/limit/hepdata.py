"""
Limits as a submission to HEPData: submission.yaml, and a table each.

E. Maguire, L. Heinrich, G. Watt, J. Phys. Conf. Ser. 898 (2017) 102006.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import yaml

from limits.impacts import Impact
from limits.scan import Point, Problem
from limits.toys import BAND
from limits.visible_band import Band, Edges, VisibleSetup
from physics.dark_matter import yield_of_mixing

__all__ = ["hepdata", "hepdata_of_band"]

Column = tuple[str, Sequence[float | None]]

_PLACES = tuple(f"expected, {place:+d} sigma" if place else "expected, median" for place in BAND)


class _Table(NamedTuple):
    name: str
    description: str
    content: dict[str, Any]


def hepdata(problem: Problem, points: Sequence[Point], impacts: Sequence[Impact]) -> dict[str, str]:
    """Return the files of the limits on a coupling; blinded, without a column of the observed ones."""
    model, blinded = problem.model, all(point.observed is None for point in points)
    columns: list[Column] = [] if blinded else [("observed", [p.observed for p in points])]
    columns += [(name, [p.expected[index] for p in points]) for index, name in enumerate(_PLACES)]
    qualifiers = {
        "CL": f"{100 * problem.level:g}%",
        "particles on target": sum(run.exposure for run in problem.runs),
    }
    masses = [p.mass for p in points]
    tables = {
        "limits.yaml": _Table(
            f"Upper limits on {model.symbol}",
            f"Upper limits on {model.symbol} by CLs.",
            _curves(f"mass of the {model.boson}", masses, columns, model.symbol, qualifiers),
        )
    }
    if model.name == "invisible":
        a, r = problem.settings.alpha_d, problem.settings.mass_ratio
        in_y: list[Column] = [
            (name, [None if v is None else float(yield_of_mixing(v, a, r)) for v in values])
            for name, values in columns
        ]
        of_chi = qualifiers | {"alpha_D": a, "m_chi / m_A'": r}
        tables["limits_y.yaml"] = _Table(
            "Upper limits on y",
            "y = alpha_D epsilon^2 (m_chi / m_A')^4.",
            _curves("mass of chi", [r * mass for mass in masses], in_y, "y", of_chi),
        )
    if impacts:
        tables["impacts.yaml"] = _Table(
            "Pulls and impacts", "Relative change of the upper limit.", _impacts(impacts)
        )
    return _files(f"{model.title}, {len(problem.runs)} run(s)", tables)


def hepdata_of_band(setups: Sequence[VisibleSetup], bands: Sequence[Band], level: float) -> dict[str, str]:
    """
    Return the files of the band of visible decays; blinded, without columns of the observed edges.

    Parameters
    ----------
    setups : sequence of VisibleSetup
        Their particles on target are a qualifier each.
    bands : sequence of Band
    level : float
        Of confidence: 0.9.
    """
    seen = [band.observed for band in bands if band.observed is not None]
    kinds: list[tuple[str, Sequence[Edges]]] = [("observed", seen)] if seen else []
    kinds += [(name, [band.expected[index] for band in bands]) for index, name in enumerate(_PLACES)]
    columns: list[Column] = [
        (f"{name}, {end} edge", [getattr(edges, end) for edges in column])
        for name, column in kinds
        for end in Edges._fields
    ]
    exposures = {f"particles on target, {setup.target.name}": setup.exposure for setup in setups}
    qualifiers = {"CL": f"{100 * level:g}%", **exposures}
    table = _Table(
        "Excluded band of epsilon",
        "Edges of the band of epsilon that visible decays exclude by CLs; - where nothing is excluded.",
        _curves("mass of the A'", [band.mass for band in bands], columns, "epsilon", qualifiers),
    )
    runs = sum(len(setup.counts) for setup in setups)
    return _files(f"dark photon, A' -> e+ e-, {runs} run(s)", {"band.yaml": table})


def _files(comment: str, tables: Mapping[str, _Table]) -> dict[str, str]:
    documents: list[dict[str, Any]] = [{"comment": comment}]
    documents += [
        {
            "name": table.name,
            "description": table.description,
            "keywords": [{"name": "cmenergies", "values": []}],
            "data_file": file,
        }
        for file, table in tables.items()
    ]
    files = {name: yaml.safe_dump(table.content, sort_keys=False) for name, table in tables.items()}
    return {"submission.yaml": yaml.safe_dump_all(documents, sort_keys=False), **files}


def _curves(
    what: str,
    masses: Sequence[float],
    columns: Sequence[Column],
    symbol: str,
    qualifiers: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a table of columns against the mass [GeV], which is told in MeV."""
    return {
        "independent_variables": [
            {
                "header": {"name": what, "units": "MeV"},
                "values": [{"value": float(f"{1e3 * mass:.6g}")} for mass in masses],
            }
        ],
        "dependent_variables": [
            {
                "header": {"name": f"{symbol}, {name}"},
                "qualifiers": [{"name": word, "value": value} for word, value in qualifiers.items()],
                "values": [{"value": _rounded(value)} for value in values],
            }
            for name, values in columns
        ],
    }


def _rounded(value: float | None) -> float | str:
    return "-" if value is None or not np.isfinite(value) else float(f"{value:.4g}")


def _impacts(impacts: Sequence[Impact]) -> dict[str, Any]:
    columns = [("pull", "pull"), ("error of the pull", "error")]
    columns += [("change of the limit, down", "down"), ("change of the limit, up", "up")]
    return {
        "independent_variables": [
            {"header": {"name": "nuisance"}, "values": [{"value": i.name} for i in impacts]}
        ],
        "dependent_variables": [
            {"header": {"name": name}, "values": [{"value": _rounded(getattr(i, key))} for i in impacts]}
            for name, key in columns
        ],
    }
