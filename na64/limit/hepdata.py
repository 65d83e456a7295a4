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
from limits.run_input import BinnedBackground
from limits.scan import Point, Problem
from limits.toys import BAND
from limits.visible_band import Band, Edges, VisibleSetup
from na64.limit.tables import has_y, y_of

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
    if has_y(problem):
        a, r = problem.settings.alpha_d, problem.settings.mass_ratio
        in_y: list[Column] = [(name, y_of(problem, values)) for name, values in columns]
        of_chi = qualifiers | {"alpha_D": a, "m_chi / m_A'": r}
        tables["limits_y.yaml"] = _Table(
            "Upper limits on y",
            "y = alpha_D epsilon^2 (m_chi / m_A')^4.",
            _curves("mass of chi", [r * mass for mass in masses], in_y, "y", of_chi),
        )
    efficiencies: list[Column] = [
        (run.name, [point.efficiency[index] for point in points]) for index, run in enumerate(problem.runs)
    ]
    tables["efficiency.yaml"] = _Table(
        "Efficiency of the signal",
        "Events in the signal box over those in which the boson takes more than the least missing energy.",
        _curves(f"mass of the {model.boson}", masses, efficiencies, "efficiency", {}),
    )
    if impacts:
        what = "Relative change of the upper limit when a nuisance is held one standard deviation off"
        which = "; mean expected limit where toys are drawn." if blinded else "."
        tables["impacts.yaml"] = _Table("Pulls and impacts", what + which, _impacts(impacts))
    return _files(_comment(problem), tables)


def _comment(problem: Problem) -> str:
    """Return what was measured, and of each run beam, exposure and background."""
    settings, words = problem.settings, [f"{problem.model.title}, {len(problem.runs)} run(s)."]
    for run in problem.runs:
        beam = f"{run.name} ({run.setup}): {run.beam.particle} of {run.beam.energy:g} GeV"
        seen = None if run.observed is None else sum(run.observed)
        words += _of_run(beam, run.exposure, f"missing energy above {run.least:g} GeV", run.background, seen)
    if has_y(problem):
        ratio = f"m_chi / m_A' = {settings.mass_ratio:.4g}"
        words.append(f"Dark matter: {settings.dark_matter}, alpha_D = {settings.alpha_d:g}, {ratio}.")
    if any(not run.is_muon for run in problem.runs):
        motion = "in motion" if settings.electron_motion else "at rest"
        resonance = f"with electrons {motion}" if settings.with_resonance else "left out"
        simulated = [run.beam.tracks is not None for run in problem.runs if not run.is_muon]
        of = "simulated showers" if all(simulated) else "the analytic form" if not any(simulated) else "both"
        words.append(f"Resonant production {resonance}; track length of {of}.")
    words.append(f"Error of the yield {100 * problem.yield_error:g}%; {problem.method} CLs.")
    return " ".join(words)


def _of_run(
    beam: str, exposure: float, condition: str, background: BinnedBackground, observed: int | None
) -> list[str]:
    total = sum(background.values)
    low, high = (total * factor for factor in background.own)
    bins = f" in {len(background.values)} bins" * (len(background.values) > 1)
    seen = "nothing opened" if observed is None else f"{observed} events seen"
    return [
        f"{beam}, {exposure:.4g} on target, {condition}, background {total:.3g} ({low:.3g} to {high:.3g}) "
        f"events{bins}, {seen}."
    ]


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
    words = [f"dark photon, A' -> e+ e-, {runs} run(s)."]
    for setup in setups:
        for count in setup.counts:
            beam = f"{count.name} ({setup.target.name}): e- of {setup.target.beam:g} GeV"
            least = f"A' above {setup.target.least:g} GeV"
            words += _of_run(beam, count.exposure, least, count.background, count.observed)
    efficiencies: list[Column] = [
        (setup.target.name, [setup.efficiency.at(band.mass, band.reference) for band in bands])
        for setup in setups
    ]
    of_signal = _Table(
        "Efficiency of the signal",
        "Events that pass all cuts over A' that decay between veto and counter; epsilon of most events.",
        _curves("mass of the A'", [band.mass for band in bands], efficiencies, "efficiency", {}),
    )
    return _files(" ".join(words), {"band.yaml": table, "efficiency.yaml": of_signal})


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
                **_qualified(qualifiers),
                "values": [{"value": _rounded(value)} for value in values],
            }
            for name, values in columns
        ],
    }


def _qualified(qualifiers: Mapping[str, Any]) -> dict[str, Any]:
    found = [{"name": word, "value": value} for word, value in qualifiers.items()]
    return {"qualifiers": found} if found else {}


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
