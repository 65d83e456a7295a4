"""The cut-flow as text, CSV, LaTeX and plain values for JSON."""

from __future__ import annotations

import csv
import io
from typing import Any

from processors.quality import COUNTERS, Counts
from processors.result import AnalysisResult, Sample

__all__ = [
    "blinding_words",
    "cutflow_csv",
    "cutflow_json",
    "cutflow_latex",
    "cutflow_text",
    "latex",
    "quality_json",
    "quality_text",
]

_COLUMNS = (
    "name",
    "in_order",
    "in_order_error",
    "alone",
    "all_but_one",
    "efficiency",
    "efficiency_low",
    "efficiency_high",
)
_LATEX = {
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "±": r"$\pm$",
    "<": "$<$",
    ">": "$>$",
    "χ²": r"$\chi^2$",
}


_LEGEND = (
    "alone: events that pass this cut, whatever the others say; all but: that pass all cuts but this one\n"
    "(of data both among those shown); efficiency: of the row before, with its 68.27% interval\n"
)


def _is_weighted(sample: Sample) -> bool:
    """Return whether the weights of a sample say more than its counts."""
    return sample.kind == "simulation" and bool((sample.cutflow.sums != sample.cutflow.counts).any())


def blinding_words(sample: Sample) -> str:
    """Return the state of the blinding, or the mark of what was opened."""
    opening = sample.blinding.opening
    return f"blinding {sample.blinding.state}" if opening is None else opening.mark


def cutflow_json(result: AnalysisResult) -> dict[str, Any]:
    """Return the content of cutflow.json."""
    return {
        "datasets": {
            name: {
                "period": sample.blinding.period or None,
                "kind": sample.kind,
                "blinding": blinding_words(sample),
                "cuts": sample.cutflow.rows(weighted=sample.kind == "simulation"),
                "regions": [
                    {"name": region, "label": label, "events": count}
                    for region, (label, count) in sample.regions.items()
                ],
                **({} if sample.probes is None else {"tag_and_probe": sample.probes.table()}),
                **_variations_json(sample),
            }
            for name, sample in sorted(result.samples.items())
        }
    }


def _variations_json(sample: Sample) -> dict[str, Any]:
    """Return the cut-flow of each variation to the signal box, nothing where there are none."""
    if not sample.variations:
        return {}
    weighted = sample.kind == "simulation"
    parts = [
        {"name": name, "label": label, "cuts": flow.rows(weighted=weighted)}
        for name, (label, flow) in sample.variations.items()
    ]
    return {"variations": parts}


def cutflow_text(result: AnalysisResult) -> str:
    """Return the table of each dataset in fixed-width text."""
    samples = sorted(result.samples.items())
    return "\n".join([*(_sample_text(name, sample) for name, sample in samples), *[_LEGEND] * bool(samples)])


def _sample_text(name: str, sample: Sample) -> str:
    state = f", {blinding_words(sample)}" if sample.kind == "data" else ""
    place = f", period {sample.blinding.period}" if sample.blinding.period else ""
    lines = [f"{name} ({sample.kind}{place}{state})"]
    width = max(len(label) for label in sample.cutflow.labels)
    weighted = _is_weighted(sample)
    header = (
        f"  {'cut':<14}  {'requirement':<{width}}  {'events':>9} {'alone':>9} {'all but':>9}"
        f"  {'efficiency':>10}  {'68% interval':>15}"
    )
    lines.append(header + (f"  {'weighted':>20}" if weighted else ""))
    for row in sample.cutflow.rows(weighted=True):
        eff, low, high = row["efficiency"], row["efficiency_low"], row["efficiency_high"]
        rate = "-" if eff is None else f"{eff:.4f}"
        interval = "-" if eff is None else f"{low:.4f}..{high:.4f}"
        line = (
            f"  {row['name']:<14}  {row['label']:<{width}}  {row['in_order']:>9} {row['alone']:>9} "
            f"{row['all_but_one']:>9}  {rate:>10}  {interval:>15}"
        )
        if weighted:
            line += f"  {row['in_order_weighted']:>10.4g} ± {row['in_order_weighted_error']:<7.2g}"
        lines.append(line)
    for region, (label, count) in sample.regions.items():
        lines.append(
            f"  region {region} ({label}): {'blinded' if count is None else f'{count} events after all cuts'}"
        )
    return "\n".join(lines) + "\n"


def cutflow_csv(result: AnalysisResult) -> str:
    """Return all tables as one CSV, a row per dataset and cut."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    extra = ("in_order_weighted", "in_order_weighted_error")
    writer.writerow(["dataset", "kind", *_COLUMNS, *extra, "label", "blinding"])
    for name, sample in sorted(result.samples.items()):
        for row in sample.cutflow.rows(weighted=True):
            values = ["" if row[key] is None else row[key] for key in (*_COLUMNS, *extra)]
            writer.writerow([name, sample.kind, *values, row["label"], blinding_words(sample)])
    return text.getvalue()


def cutflow_latex(result: AnalysisResult) -> str:
    """Return one LaTeX table per dataset, for `booktabs`."""
    return "\n".join(_sample_latex(name, sample) for name, sample in sorted(result.samples.items()))


def _sample_latex(name: str, sample: Sample) -> str:
    opening = sample.blinding.opening
    kind = sample.kind if opening is None else f"{sample.kind}, UNBLINDED"
    lines = [
        *([f"% {opening.mark}"] if opening is not None else []),
        r"\begin{tabular}{lrrrr}",
        r"\toprule",
        rf"{latex(name)} ({kind}) & events & alone & all but one & efficiency [\%] \\",
        r"\midrule",
    ]
    for row in sample.cutflow.rows(weighted=False):
        eff, low, high = row["efficiency"], row["efficiency_low"], row["efficiency_high"]
        rate = (
            "--"
            if eff is None
            else f"${100 * eff:.2f}_{{-{100 * (eff - low):.2f}}}^{{+{100 * (high - eff):.2f}}}$"
        )
        counts = " & ".join(str(row[key]) for key in ("in_order", "alone", "all_but_one"))
        lines.append(rf"{latex(row['label'])} & {counts} & {rate} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def latex(text: str) -> str:
    """Return text with the characters escaped that LaTeX takes for commands."""
    for plain, escaped in _LATEX.items():
        text = text.replace(plain, escaped)
    return text


def quality_json(counts: Counts) -> dict[str, dict[str, int | None]]:
    """Return the quality counters of raw digits for run.json, those that counted nothing too."""
    return {name: {"digits": count.digits, "events": count.events} for name, count in counts.items()}


def quality_text(name: str, counts: Counts) -> str:
    """Return a short table of the quality counters that counted something; empty if none did."""
    found = {key: count for key, count in counts.items() if count.events}
    if not found:
        return ""
    width = max(map(len, found))
    lines = [f"{name}: damaged digits and events", f"  {'counter':<{width}}  {'digits':>9} {'events':>9}"]
    for key, count in found.items():
        digits = "-" if count.digits is None else count.digits
        lines.append(f"  {key:<{width}}  {digits:>9} {count.events:>9}  {COUNTERS[key].label}")
    return "\n".join(lines) + "\n"
