"""The figures of a run, drawn from its histograms and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import mplhep as hep
import numpy as np
import numpy.typing as npt
from hist import Hist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Polygon

from na64.plotting import bins, style
from na64.plotting.geometry import deepest_place, elsewhere, is_of_box, kept_window, region_polygon
from processors.result import AnalysisResult, Sample
from selections.background.intervals import poisson_limits
from selections.cut import Cut
from selections.regions import Region
from selections.selection import Selection

__all__ = [
    "Figure",
    "Group",
    "draw_plane",
    "draw_spectrum",
    "groups_of",
    "kept_window",
    "plot_run",
    "region_polygon",
]

Progress = Callable[[str, int, int], None]  # what, done, total
AnyHist = Hist[Any]

_MAGNIFIED = 5.0  # the publications draw the signal box so much higher than it is


class Figure(NamedTuple):
    """A figure on disk."""

    name: str
    title: str
    png: Path
    pdf: Path
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Datasets that may share a figure: of one kind, and all closed or all open."""

    kind: str
    state: str
    samples: Mapping[str, Sample]
    colours: Mapping[str, tuple[str, str]]  # dataset -> colour, line style: the same in all figures

    @property
    def label(self) -> str:
        """Return what the events are, for the label of a figure."""
        if self.kind == "data":
            return {"closed": "data, blinded", "open": "data, UNBLINDED"}.get(self.state, "data")
        return "calibration data" if self.kind == "calibration" else self.kind

    @property
    def suffix(self) -> str:
        """Return the end of file names where a run has several groups."""
        return f"open_{self.kind}" if self.state == "open" else self.kind

    @property
    def origin(self) -> str:
        """Return periods, or setups where there is no period, and the statement that opened the data."""
        places = ", ".join(sorted({s.blinding.period or s.setup for s in self.samples.values()}))
        dates = sorted({s.blinding.opening.when for s in self.samples.values() if s.blinding.opening})
        return f"{places}; statement of {', '.join(dates)}" if dates else places

    @property
    def mark(self) -> str:
        """Return the statements that opened the data, if any did."""
        openings = [s.blinding.opening for s in self.samples.values()]
        return "; ".join(sorted({opening.mark for opening in openings if opening is not None}))

    @property
    def closed(self) -> tuple[Region, ...]:
        """Return the closed regions of all samples, margins included: what is withheld."""
        blindings = [s.blinding for s in self.samples.values()]
        return tuple({repr(region): region for b in blindings for region in b.withheld}.values())


def groups_of(result: AnalysisResult) -> list[Group]:
    """Return the datasets of a result, parted by kind and blinding state."""
    colours = {name: style.colour_of(index) for index, name in enumerate(sorted(result.samples))}
    members: dict[tuple[str, str], dict[str, Sample]] = {}
    for name, sample in sorted(result.samples.items()):
        members.setdefault((sample.kind, sample.blinding.state), {})[name] = sample
    return [
        Group(kind=kind, state=state, samples=part, colours=colours)
        for (kind, state), part in sorted(members.items(), key=lambda item: item[0])
    ]


def plot_run(
    result: AnalysisResult, selection: Selection, folder: Path, progress: Progress | None = None
) -> list[Figure]:
    """
    Draw all histograms of a result, for each kind of events apart.

    Parameters
    ----------
    result : AnalysisResult
    selection : Selection
        Whose regions and thresholds are drawn.
    folder : Path
        Is made if it is not there; holds a PNG and a PDF of each figure afterwards.
    progress : callable, optional

    Returns
    -------
    list of Figure
        Planes, N-1 histograms in the order of the cuts, other spectra; names end with the kind of events
        where there are several.
    """
    folder.mkdir(parents=True, exist_ok=True)
    groups = groups_of(result)
    names = sorted(result.histograms, key=lambda n: _place(n, result.histograms[n], selection))
    plans = [
        (name, group, by_dataset)
        for name in names
        for group in groups
        for by_dataset in (False, True)[
            : 1 + (_is_plane(name, result.histograms[name]) and len(group.samples) > 1)
        ]
    ]
    figures = []
    for done, (name, group, by_dataset) in enumerate(plans):
        histogram, cut = result.histograms[name], _cut_of(name, selection)
        full = f"{name}{'_by_dataset' * by_dataset}{f'_{group.suffix}' * (len(groups) > 1)}"
        title = _title(name, histogram, cut)
        if len(histogram.axes) == 4:
            drawn = draw_plane(histogram, group, selection, title=title, by_dataset=by_dataset)
        else:
            drawn = draw_spectrum(histogram, group, cut=cut, title=title)
        files = style.save_figure(drawn, folder, full)
        figures.append(Figure(full, title, *files, _caption(name, histogram, group, cut)))
        if progress is not None:
            progress("drawing figures", done + 1, len(plans))
    return figures


def _divisions(name: str, histogram: AnyHist, group: Group) -> tuple[bool, ...]:
    """Return whether to draw all datasets together and, of a plane, also apart."""
    return (False, True) if _is_plane(name, histogram) and len(group.samples) > 1 else (False,)


def _cut_of(name: str, selection: Selection) -> Cut | None:
    """Return the cut that an N-1 histogram leaves out."""
    return next((cut for cut in selection.cuts if name == f"nminus1_{cut.name}"), None)


def _is_plane(name: str, histogram: AnyHist) -> bool:
    """Return whether a histogram is a plane of the signal box rather than a map or a spectrum."""
    return len(histogram.axes) == 4 and "plane" in name


def _place(name: str, histogram: AnyHist, selection: Selection) -> tuple[int, int, str]:
    """Return the key that puts figures in the order of the report."""
    if _is_plane(name, histogram):
        return (0, int(name.endswith("_final")), name)
    cut = _cut_of(name, selection)
    return (2, 0, name) if cut is None else (1, selection.cuts.index(cut), name)


def _title(name: str, histogram: AnyHist, cut: Cut | None) -> str:
    if cut is not None:
        return f"all cuts but {cut.describe()}"
    stages = {
        "final": "after all cuts",
        "dimuon": "after all cuts but the VETO",
        "tracks": "after the cuts on tracks",
        "neutral": "after the base requirement, V2 quiet",
        "charged": "after the base requirement, V2 fired",
        "control": "after the cuts on beam and target, V2 and S4 quiet",
        "sum": "after all cuts but that on V2",
    }
    stage = stages.get(name.rpartition("_")[2], "after the base requirement")
    what = " against ".join(axis.label.partition("[")[0].strip() for axis in reversed(histogram.axes[2:]))
    return f"{what}, {stage}"


def _caption(name: str, histogram: AnyHist, group: Group, cut: Cut | None) -> str:
    """Say how many events a figure shows, and what is marked in it."""
    label = f"Data, {group.mark}" if group.mark else group.label.capitalize()
    text = f"{label}: {_count(_of(histogram, group.samples))} events."
    if cut is not None and kept_window(cut) is not None:
        text += " Values outside of the threshold are shaded."
    if group.closed and _is_plane(name, histogram):
        axes = {axis.name for axis in histogram.axes[2:]}
        where = {elsewhere(region, axes) for region in group.closed}
        text += f" The hatched region is closed: its events are withheld{', '.join(sorted(where))}."
    return text


def _of(histogram: AnyHist, datasets: Iterable[str]) -> AnyHist:
    """Return the nominal histogram summed over datasets, without the category axes."""
    total = Hist(*histogram.axes[2:], storage=histogram.storage_type())
    known, variations = (list(histogram.axes[name]) for name in ("dataset", "variation"))
    for name in datasets:
        if name in known and "nominal" in variations:
            total = total + histogram[name, "nominal", ...]
    return total


def _values(histogram: AnyHist, *, flow: bool = False) -> npt.NDArray[np.float64]:
    return np.asarray(histogram.values(flow=flow), dtype=np.float64)


def _has_weights(histogram: AnyHist) -> bool:
    return not np.allclose(_values(histogram, flow=True), np.asarray(histogram.variances(flow=True)))


def _count(histogram: AnyHist) -> str:
    """Return the number of entries, flow included, or the sum of weights."""
    total = float(_values(histogram, flow=True).sum())
    return f"weighted {total:.4g}" if _has_weights(histogram) else f"{total:,.0f}"


def _off_scale(histogram: AnyHist) -> str:
    """Say how many entries lie outside of the axes, if any."""
    values = _values(histogram, flow=True)
    parts = [("outside", values.sum() - _values(histogram).sum())]
    if values.ndim == 1:
        parts = [("below", values[0]), ("above", values[-1])]
    form = ",.3g" if _has_weights(histogram) else ",.0f"
    found = ", ".join(f"{number:{form}} {side}" for side, number in parts if number)
    return f"off scale: {found}" if found else ""


@style.styled
def draw_spectrum(histogram: AnyHist, group: Group, *, cut: Cut | None = None, title: str = "") -> Drawing:
    """
    Draw a one-dimensional histogram of all datasets of a group.

    Parameters
    ----------
    histogram : Hist
        Axes: dataset, variation, and the quantity.
    group : Group
    cut : Cut, optional
        Whose thresholds are marked, the removed side shaded.
    title : str

    Returns
    -------
    matplotlib Figure, not saved
    """
    axes = style.new_figure(8, 5.6).add_axes((0.11, 0.12, 0.85, 0.74))
    axis = histogram.axes[2]
    axes.set_xlim(axis.edges[0], axis.edges[-1])
    parts = {name: _of(histogram, [name]) for name in group.samples}
    for name, part in parts.items():
        colour, line = group.colours[name]
        look: Any = {"color": colour, "linestyle": line, "label": f"{name} ({_count(part)})"}
        if _values(part).any():
            if group.kind == "simulation":
                errors = np.sqrt(np.asarray(part.variances())) if len(parts) == 1 else False
                hep.histplot(part, ax=axes, histtype="step", flow="none", yerr=errors, **look)
            else:
                _draw_counts(axes, part, look | ({"color": style.INK} if len(parts) == 1 else {}))
        else:
            axes.plot([], [], **look)
    window = kept_window(cut) if cut is not None else None
    if window is not None:
        style.add_window(axes, *window)
    bins.scale_counts(axes, np.concatenate([np.zeros(1), *map(_values, parts.values())]))
    axes.set_xlabel(style.pretty(axis.label))
    axes.set_ylabel(style.count_label([axis], weighted=any(map(_has_weights, parts.values()))))
    return _annotate(axes, _of(histogram, parts), group, title)


def _draw_counts(axes: Axes, part: AnyHist, look: Mapping[str, Any]) -> None:
    """Draw counts as points with the intervals of their means, as the publications draw data."""
    counts, filled = _values(part), _values(part) > 0
    errors = np.abs(np.stack(poisson_limits(counts)) - counts)[:, filled]
    width = 0.5 * np.diff(part.axes[0].edges)[filled]
    points: Any = {"fmt": "o", "ms": 3.5, "lw": 1.0, **{k: v for k, v in look.items() if k != "linestyle"}}
    axes.errorbar(part.axes[0].centers[filled], counts[filled], errors, width, **points)


def _annotate(axes: Axes, total: AnyHist, group: Group, title: str, note: str = "") -> Drawing:
    """Write label, title and what cannot be seen; return the whole figure."""
    style.add_note(axes, "; ".join(filter(None, [note, _off_scale(total)])))
    if not _values(total).any():
        style.add_note(axes, "no events", large=True)
    return style.label_axes(axes, group.label, title=style.pretty(title), right=group.origin)


@style.styled
def draw_plane(
    histogram: AnyHist, group: Group, selection: Selection, *, title: str = "", by_dataset: bool = False
) -> Drawing:
    """
    Draw a two-dimensional histogram of all datasets of a group.

    On the plane of the signal box, the regions are drawn too, and y is stretched below the upper limit of the
    box, so that it looks as in the publications and all events stay at their true place.

    Parameters
    ----------
    histogram : Hist
        Axes: dataset, variation, x and y.
    group : Group
    selection : Selection
    title : str
    by_dataset : bool
        Tell datasets apart by colour instead of adding them up.

    Returns
    -------
    matplotlib Figure, not saved
    """
    width = 7.0 if by_dataset else 8.0  # the difference is the colour bar
    axes = style.new_figure(width, 7).add_axes((0.9 / width, 0.1, 5.75 / width, 0.79))
    x, y = histogram.axes[2:]
    total, note = _of(histogram, group.samples), ""
    axes.set(xlim=(x.edges[0], x.edges[-1]), ylim=(y.edges[0], y.edges[-1]), xlabel=x.label, ylabel=y.label)
    is_regional = is_of_box({x.name, y.name}, selection.signal_box)
    limit = selection.signal_box.limits.get(y.name, (None, None))[1] if is_regional else None
    if limit is not None and max(0.0, y.edges[0]) < limit < 0.1 * y.edges[-1]:
        note = bins.stretch_below(axes, limit, _MAGNIFIED, style.unit_of(y.label))
    if by_dataset:
        parts = {name: _of(histogram, [name]) for name in group.samples}
        named = {f"{name} ({_count(part)})": _values(part) for name, part in parts.items()}
        bins.scatter_bins(axes, (x.centers, y.centers), named, [group.colours[name][0] for name in parts])
    else:
        label = style.count_label([x, y], weighted=_has_weights(total))
        bins.colour_map(axes, (x.edges, y.edges), _values(total), label)
    if is_regional:
        axes.set(xlabel=style.energy_label(x), ylabel=style.energy_label(y))
        _draw_regions(axes, selection, group, total)
    return _annotate(axes, total, group, title, note)


def _draw_regions(axes: Axes, selection: Selection, group: Group, total: AnyHist) -> None:
    """Draw side bands, areas and the signal box, and hatch what is closed."""
    x, y = (axis.name for axis in total.axes)
    bounds = (*axes.get_xlim(), *axes.get_ylim())
    closed = group.closed
    boxes = (*closed, *[selection.signal_box] * (not closed or group.state == "open"))
    drawn = [region for region in selection.regions if set(region.columns) <= {x, y}]
    for region in drawn:
        corners = region_polygon(region, x, y, bounds)
        if not len(corners):
            continue
        line = (0, (6, 2, 1, 2)) if region.sum_of else (0, (5, 3))
        axes.add_patch(Polygon(corners, gid=region.name, fill=False, ec=style.INK, ls=line, lw=1.1))
        others = [other for other in (*drawn, *boxes) if other is not region]
        style.add_text(axes, region.label or region.name, *_free_place(axes, region, others, total))
    for region in boxes:
        corners = region_polygon(region, x, y, bounds)
        if not len(corners):
            continue
        is_closed = region in closed
        look: Any = {"hatch": "xx", "fc": "none"} if is_closed else {"fc": (0.5, 0.5, 0.5, 0.35)}
        axes.add_patch(Polygon(corners, gid=f"box_{region.name}", ec=style.ACCENT, lw=1.3, **look))
        word = f"blinded{elsewhere(region, {x, y})}" if is_closed else region.label or region.name
        style.add_text(axes, word, *(0.5 * (corners.min(axis=0) + corners.max(axis=0))), colour=style.ACCENT)


def _free_place(axes: Axes, region: Region, others: Sequence[Region], total: AnyHist) -> tuple[float, float]:
    """Return the place for a region's label: deep inside, away from other regions, legend and events."""
    x, y = total.axes
    legend = axes.get_legend()
    low, high = [np.inf, np.inf], [-np.inf, -np.inf]
    if legend is not None:
        low, high = axes.transData.inverted().transform(legend.get_window_extent().get_points())

    def masks(px: npt.NDArray[np.float64], py: npt.NDArray[np.float64]) -> list[npt.NDArray[np.bool_]]:
        points = {x.name: px, y.name: py}
        inside = region.contains(points)
        covered = (px > low[0]) & (px < high[0]) & (py > low[1]) & (py < high[1])
        alone = inside & ~covered & ~np.logical_or.reduce([other.contains(points) for other in others])
        return [alone & (_values(total)[x.index(px), y.index(py)] <= 0), alone, inside]

    return deepest_place(axes, masks)
