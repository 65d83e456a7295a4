"""Efficiencies cut by cut, with what systematic variations move: from the plain values of cutflow.json."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from na64.run.tables import latex
from selections.cutflow import clopper_pearson
from selections.variations import NOMINAL

__all__ = [
    "ALL",
    "Factor",
    "Table",
    "efficiency_csv",
    "efficiency_json",
    "efficiency_latex",
    "efficiency_tables",
    "efficiency_text",
    "intensity_csv",
    "intensity_latex",
    "intensity_text",
    "spread",
]

ALL = "all"


class Factor(NamedTuple):
    """An efficiency with its 68% interval, and what it becomes in each variation."""

    name: str
    label: str
    value: float
    low: float
    high: float
    varied: Mapping[str, float]

    def shift(self, variation: str) -> float:
        """Return the relative change in a variation; NaN where a value is 0 or not known."""
        return self.varied.get(variation, np.nan) / self.value - 1 if self.value > 0 else np.nan


class Table(NamedTuple):
    """The efficiencies of one dataset."""

    dataset: str
    kind: str
    of: str  # what the efficiencies are taken of
    events: int  # of them
    factors: tuple[Factor, ...]  # cut by cut
    products: tuple[Factor, ...]  # all but the missing energy (simulation), all
    variations: Mapping[str, str]  # name -> label, without the nominal one
    corrections: tuple[Factor, ...] = ()  # what the product is multiplied by, and the result

    @property
    def rows(self) -> tuple[Factor, ...]:
        """Return all rows from top to bottom."""
        return (*self.factors, *self.products, *self.corrections)


def efficiency_tables(cutflow: Mapping[str, Any]) -> list[Table]:
    """
    Return the efficiencies of all datasets that have them.

    Parameters
    ----------
    cutflow : mapping
        The content of cutflow.json.
    """
    datasets = cutflow["datasets"].items()
    return [_table(name, entry) for name, entry in datasets if entry.get("variations")]


def _table(dataset: str, entry: Mapping[str, Any]) -> Table:
    flows = {part["name"]: part for part in entry["variations"]}
    nominal = flows[NOMINAL]["cuts"]
    last = len(nominal) - 1
    steps = [(i - 1, i, nominal[i]["name"], nominal[i]["label"]) for i in range(2, last + 1)]
    products = [(1, last, ALL, "all cuts together")]
    if entry["kind"] == "simulation":
        name = nominal[last]["name"]
        products.insert(0, (1, last - 1, f"all_but_{name}", f"all cuts but {nominal[last]['label']}"))
    return Table(
        dataset=dataset,
        kind=entry["kind"],
        of=nominal[1]["label"],
        events=nominal[1]["in_order"],
        factors=tuple(_factor(flows, *step) for step in steps),
        products=tuple(_factor(flows, *product) for product in products),
        variations={name: part["label"] for name, part in flows.items() if name != NOMINAL},
    )


def _factor(flows: Mapping[str, Any], before: int, after: int, name: str, label: str) -> Factor:
    """Return the part of the events of one row that is left in another."""
    rows = flows[NOMINAL]["cuts"]
    value, low, high = _interval(rows[before], rows[after])
    varied = {
        variation: _interval(part["cuts"][before], part["cuts"][after])[0]
        for variation, part in flows.items()
        if variation != NOMINAL
    }
    return Factor(name, label, value, low, high, varied)


def _interval(total: Mapping[str, Any], passed: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return an efficiency and its interval: Clopper-Pearson of counts, or by the moments of the weights."""
    weighted = [row.get("in_order_weighted", row["in_order"]) for row in (total, passed)]
    if weighted == [total["in_order"], passed["in_order"]]:
        exact = clopper_pearson(passed["in_order"], total["in_order"])
        return exact.value, exact.low, exact.high
    if not weighted[0]:
        return (np.nan, np.nan, np.nan)
    value = weighted[1] / weighted[0]
    squares = [row["in_order_weighted_error"] ** 2 for row in (total, passed)]
    error = np.sqrt(max((1 - 2 * value) * squares[1] + value**2 * squares[0], 0.0)) / weighted[0]
    return value, max(0.0, value - error), min(1.0, value + error)


def spread(factor: Factor) -> tuple[float, float]:
    """Return the shifts of all variations in quadrature: (sum of those down, sum of those up), relative."""
    shifts = np.array([factor.shift(name) for name in factor.varied])
    shifts = shifts[np.isfinite(shifts)]
    down, up = shifts[shifts < 0], shifts[shifts > 0]
    return float(np.sqrt((down**2).sum())), float(np.sqrt((up**2).sum()))


def efficiency_json(tables: Sequence[Table]) -> dict[str, Any]:
    """Return the tables as plain values."""
    return {"datasets": {table.dataset: _plain(table) for table in tables}}


def _plain(table: Table) -> dict[str, Any]:
    def part(factor: Factor) -> dict[str, Any]:
        numbers = {key: _number(getattr(factor, key)) for key in ("value", "low", "high")}
        shifts = {name: _number(factor.shift(name)) for name in factor.varied}
        return {"name": factor.name, "label": factor.label, **numbers, "shifts": shifts}

    return {
        "kind": table.kind,
        "of": table.of,
        "events": table.events,
        "factors": [part(factor) for factor in table.factors],
        "products": [part(factor) for factor in table.products],
        **({"corrections": [part(factor) for factor in table.corrections]} if table.corrections else {}),
        "variations": dict(table.variations),
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def efficiency_text(tables: Sequence[Table]) -> str:
    """Return the tables in fixed-width text: variations are lettered columns, named below."""
    return "\n".join(map(_text, tables))


def _text(table: Table) -> str:
    letters = dict(zip(table.variations, _letters(), strict=False))
    lines = [f"{table.dataset} ({table.kind}): efficiencies [%] of {table.events} events ({table.of})"]
    if letters:
        lines[0] += ", and their shifts [%] in each variation"
    rows = table.rows
    width, first = max(len(factor.label) for factor in rows), max(len(factor.name) for factor in rows)
    columns = "".join(f" {letter:>6}" for letter in letters.values())
    lines.append(
        f"  {'cut':<{first}} {'requirement':<{width}} {'efficiency':>10} {'68% interval':>14}{columns}"
    )
    for factor in rows:
        value = f"{100 * factor.value:.2f}"
        interval = f"{100 * factor.low:.2f}..{100 * factor.high:.2f}"
        shifts = "".join(f" {100 * factor.shift(name):>+6.2f}" for name in letters if factor.varied)
        lines.append(f"  {factor.name:<{first}} {factor.label:<{width}} {value:>10} {interval:>14}{shifts}")
    if letters:
        for factor in table.products:
            down, up = spread(factor)
            lines.append(f"  {factor.name}: shifts in quadrature -{100 * down:.2f}% +{100 * up:.2f}%")
    lines += [f"  {letter}: {name} ({table.variations[name]})" for name, letter in letters.items()]
    return "\n".join(lines) + "\n"


def _letters() -> list[str]:
    alphabet = [chr(ord("A") + index) for index in range(26)]
    return alphabet + [f"{one}{two}" for one in alphabet for two in alphabet]


def efficiency_csv(cutflow: Mapping[str, Any]) -> str:
    """Return the cut-flow of each variation as one CSV, a row per dataset, variation and cut."""
    keys = ("in_order", "alone", "all_but_one", "efficiency", "efficiency_low", "efficiency_high")
    extra = ("in_order_weighted", "in_order_weighted_error")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["dataset", "kind", "variation", "name", *keys, *extra, "label"])
    for dataset, entry in cutflow["datasets"].items():
        for part in entry.get("variations", ()):
            for row in part["cuts"]:
                values = ["" if row.get(key) is None else row[key] for key in (*keys, *extra)]
                writer.writerow([dataset, entry["kind"], part["name"], row["name"], *values, row["label"]])
    return text.getvalue()


def efficiency_latex(tables: Sequence[Table]) -> str:
    """Return one LaTeX table per dataset, for `booktabs`: cuts down, then the shifts of the products."""
    return "\n".join(map(_latex_table, tables))


def _latex_table(table: Table) -> str:
    lines = [
        r"\begin{tabular}{lr}",
        r"\toprule",
        rf"{latex(table.dataset)} ({table.kind}) & efficiency [\%] \\",
        r"\midrule",
        *(rf"{latex(f.label)} & {_latex_value(f)} \\" for f in table.factors),
        r"\midrule",
        *(rf"{latex(f.label)} & {_latex_value(f)} \\" for f in (*table.products, *table.corrections)),
    ]
    if table.variations:
        main = table.products[0]
        lines += [r"\midrule", rf"shift of: {latex(main.label)} & [\%] \\"]
        lines += [
            rf"\quad {latex(label)} & ${100 * main.shift(name):+.2f}$ \\"
            for name, label in table.variations.items()
        ]
        down, up = spread(main)
        lines.append(rf"\quad in quadrature & $_{{-{100 * down:.2f}}}^{{+{100 * up:.2f}}}$ \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _latex_value(factor: Factor) -> str:
    if not np.isfinite(factor.value):
        return "--"
    down, up = 100 * (factor.value - factor.low), 100 * (factor.high - factor.value)
    return f"${100 * factor.value:.2f}_{{-{down:.2f}}}^{{+{up:.2f}}}$"


def _side_by_side(points: Mapping[float, Table]) -> list[list[Factor]]:
    """Return for each factor and product its values in rising intensity."""
    rows = [table.rows for table in points.values()]
    return [list(row) for row in zip(*rows, strict=True)]


def intensity_text(points: Mapping[float, Table]) -> str:
    """Return efficiencies side by side, an intensity per column, in fixed-width text."""
    rows = _side_by_side(points)
    width = max(len(row[0].label) for row in rows)
    head = "".join(f" {value:>14.3g}" for value in points)
    events = "".join(f" {table.events:>14}" for table in points.values())
    lines = [
        f"efficiencies [%] by beam particles per spill ({next(iter(points.values())).of})",
        f"  {'requirement':<{width}}{head}",
        f"  {'events':<{width}}{events}",
    ]
    for row in rows:
        cells = "".join(f" {100 * f.value:>7.2f} ± {100 * (f.high - f.low) / 2:4.2f}" for f in row)
        lines.append(f"  {row[0].label:<{width}}{cells}")
    return "\n".join(lines) + "\n"


def intensity_csv(points: Mapping[float, Table]) -> str:
    """Return the efficiencies as CSV, a row per intensity and factor."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["intensity", "name", "value", "low", "high", "label"])
    for value, table in points.items():
        for factor in table.rows:
            writer.writerow([value, factor.name, factor.value, factor.low, factor.high, factor.label])
    return text.getvalue()


def intensity_latex(points: Mapping[float, Table]) -> str:
    """Return the efficiencies as LaTeX table, an intensity per column, for `booktabs`."""
    rows = _side_by_side(points)
    head = " & ".join(f"${value / 1e6:g} \\times 10^6$" for value in points)
    lines = [rf"\begin{{tabular}}{{l{'r' * len(points)}}}", r"\toprule"]
    lines += [rf"efficiency [\%] by particles per spill & {head} \\", r"\midrule"]
    n_factors = len(next(iter(points.values())).factors)
    for index, row in enumerate(rows):
        if index == n_factors:
            lines.append(r"\midrule")
        lines.append(rf"{latex(row[0].label)} & {' & '.join(map(_latex_value, row))} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])
