"""Figures of an exclusion curve, as they are published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from limits.impacts import Impact
from limits.scan import Point, Problem
from limits.signal import Settings
from na64.limit.curves import Curve
from na64.plotting import style
from physics.anomalous_moment import coupling_of_moment
from physics.dark_matter import yield_of_mixing
from physics.relic import DarkMatter, relic_yield

__all__ = ["BAND_COLOURS", "LABELS", "Extras", "draw_limit", "fill_area", "finite", "plot_limits", "y_axis"]

Floats = npt.NDArray[np.float64]

BAND_COLOURS = ("#8fd694", "#ffe08a")  # within 1 and 2 standard deviations
_RELICS: tuple[tuple[tuple[DarkMatter, ...], str, str], ...] = (
    (("scalar",), "relic: scalar", "-"),
    (("majorana",), "relic: Majorana", "--"),
    (("dirac", "pseudo-dirac"), "relic: Dirac, pseudo-Dirac", ":"),  # one line: the same density
)
_OVERLAYS = (2, 6, 9, 7, 8, 1)  # colours of published curves; those of the relics are 3 to 5
_BAR = 14  # [points] width of what is drawn of one mass alone
_LIGHTEST = 0.6  # [MeV] chi of a relic: its formulas end at the electron's mass
LABELS = {"closed": "data, blinded", "open": "data", "projection": "projection"}


class Extras(NamedTuple):
    """What is drawn beside the limit."""

    curves: Sequence[Curve] = ()
    moment: tuple[float, float] | None = None  # of the muon, value and error, as the user gives it
    projection: Sequence[tuple[float, float, float]] = ()  # particles on target, limit, without background
    projected_mass: float = float("nan")  # [GeV]


class _Axis(NamedTuple):
    """How the mass and the coupling become the axes of a figure."""

    mass: float  # factor
    power: float  # of the coupling
    factor: float
    x: str
    y: str


def plot_limits(
    problem: Problem, points: Sequence[Point], impacts: Sequence[Impact], state: str, extras: Extras, to: Path
) -> list[Path]:
    """
    Draw all figures of a scan into a folder, as PNG and PDF.

    Returns
    -------
    list of Path
        The PNG files.
    """
    to.mkdir(parents=True, exist_ok=True)
    label = LABELS[state]
    model = problem.model
    plain = _Axis(1e3, 1.0, 1.0, f"$m_{{{model.boson}}}$ [MeV]", model.mathematical)
    figures = [("limit", draw_limit(problem, points, plain, label, extras))]
    if model.name == "invisible":
        figures.append(("limit_y", draw_limit(problem, points, y_axis(problem.settings), label, extras)))
    if impacts:
        figures.append(("impacts", draw_impacts(impacts, label)))
    if extras.projection:
        figures.append(("projection", draw_projection(problem, extras)))
    return [style.save_figure(figure, to, name)[0] for name, figure in figures]


def y_axis(settings: Settings) -> _Axis:
    """Return the axes of y against the mass of chi."""
    a, r = settings.alpha_d, settings.mass_ratio
    words = r"$m_\chi$ [MeV]", r"$y = \alpha_D\, \varepsilon^2\, (m_\chi / m_{A'})^4$"
    return _Axis(1e3 * r, 2.0, float(yield_of_mixing(1.0, a, r)), *words)


def finite(x: Floats, *ys: Floats) -> tuple[Floats, ...]:
    """Return the elements of arrays of one shape, (n,), where all of them are finite."""
    kept = np.isfinite(np.stack([x, *ys])).all(axis=0)
    return tuple(v[kept] for v in (x, *ys))


def fill_area(axes: Axes, x: Floats, bottom: Floats, top: Floats, **look: Any) -> None:
    """Fill between two lines, arrays of shape (n,); of one place alone, where nothing has a width, a bar."""
    if len(x) == 1:
        axes.vlines(x, bottom, top, **{**look, "lw": _BAR})
    else:
        axes.fill_between(x, bottom, top, **look)


@style.styled
def draw_limit(problem: Problem, points: Sequence[Point], axis: _Axis, label: str, extras: Extras) -> Figure:
    """
    Draw the limit against the mass, with the expected band and published curves.

    Returns
    -------
    matplotlib Figure, not saved
    """
    axes = style.new_figure(8, 6.4).add_axes((0.14, 0.13, 0.82, 0.75))
    mass = axis.mass * np.array([p.mass for p in points])

    def shown(coupling: Any) -> Floats:
        return np.asarray(axis.factor * np.array(coupling, dtype=np.float64) ** axis.power)

    bands = shown([p.expected for p in points])
    marker = "o" if len(points) == 1 else ""
    for low, high, colour, name in ((0, 4, BAND_COLOURS[1], "2"), (1, 3, BAND_COLOURS[0], "1")):
        x, bottom, top = finite(mass, bands[:, low], bands[:, high])
        if (top > 1.001 * bottom).any():  # without a background there is no band
            fill_area(axes, x, bottom, top, color=colour, lw=0, label=f"expected ± {name} s.d.")
    axes.plot(*finite(mass, bands[:, 2]), color=style.INK, ls="--", marker=marker, label="expected, median")
    if any(p.observed is not None for p in points):
        seen = shown([np.nan if p.observed is None else p.observed for p in points])
        axes.plot(*finite(mass, seen), color=style.INK, lw=2.2, marker=marker, label="observed")
    wider = 1.2 if len(points) == 1 else 1.0
    for index, curve in enumerate(extras.curves):
        x, y = axis.mass * curve.mass, shown(curve.lower)
        colour = style.COLOURS[_OVERLAYS[index % len(_OVERLAYS)]]
        inside = (x >= mass.min() / wider) & (x <= mass.max() * wider)
        axes.plot(x[inside], y[inside], color=colour, ls="-.", label=curve.label)
    if axis.power == 2.0:
        _draw_relics(axes, mass.min() / wider, mass.max() * wider, problem.settings)
    if problem.model.name == "lmu-ltau" and extras.moment is not None:
        _draw_moment(axes, np.array([p.mass for p in points]), extras.moment)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(mass.min() / wider, mass.max() * wider)
    bottom_end, top_end = axes.get_ylim()
    axes.set_ylim(bottom_end, top_end * (top_end / bottom_end) ** 0.05)
    axes.set_xlabel(axis.x)
    axes.set_ylabel(axis.y)
    axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="0.8", fancybox=False)
    exposure = sum(run.exposure for run in problem.runs)
    what = "MOT" if problem.runs[0].is_muon else "EOT"
    style.add_note(axes, _remark(problem))
    return style.label_axes(
        axes,
        label,
        title=f"{style_title(problem.model.title)}, {100 * problem.level:g}% CL",
        right=f"{exposure:.3g} {what}",
    )


def style_title(text: str) -> str:
    """Return a title with the signs that mathematicians use."""
    return text.replace("B - L", "B − L").replace("L_mu - L_tau", r"$L_\mu - L_\tau$")


def _remark(problem: Problem) -> str:
    settings = problem.settings
    if problem.model.name != "invisible":
        return f"method: CLs, {problem.n_toys} toys where counts are small"
    resonance = "with" if settings.with_resonance else "without"
    return (
        f"{settings.dark_matter.title()}, alpha_D = {settings.alpha_d:g}, "
        f"m_chi / m_A' = {settings.mass_ratio:.3g}, {resonance} resonant production"
    )


def _draw_relics(axes: Axes, low: float, high: float, settings: Settings) -> None:
    """Draw the lines between two masses of chi [MeV], as far as chi is heavier than the electron."""
    low, ratio = max(low, _LIGHTEST), settings.mass_ratio
    if low >= high or ratio >= 0.49:
        return
    grid = np.geomspace(low, high, 150)
    for index, (kinds, name, line) in enumerate(_RELICS):
        y = [relic_yield(1e-3 * float(m), ratio, kinds[0]) for m in grid]
        width, mark = (3.0, " (of this limit)") if settings.dark_matter in kinds else (1.5, "")
        axes.plot(grid, y, color=style.COLOURS[3 + index], ls=line, lw=width, label=name + mark)


def _draw_moment(axes: Axes, mass: Floats, moment: tuple[float, float]) -> None:
    value, error = moment
    low, high = (
        np.array([coupling_of_moment(float(m), max(value + side * 2 * error, 0.0)) for m in mass])
        for side in (-1, 1)
    )
    look: Any = {"color": style.COLOURS[3], "alpha": 0.3, "lw": 0}
    axes.fill_between(1e3 * mass, low, high, label=r"$\Delta a_\mu$ as given, ± 2 s.d.", **look)


@style.styled
def draw_impacts(impacts: Sequence[Impact], label: str) -> Figure:
    """
    Draw what each nuisance does to the limit, and where it is pulled.

    Returns
    -------
    matplotlib Figure, not saved
    """
    figure = style.new_figure(9, 1.9 + 0.45 * len(impacts))
    bottom, top = 0.8 / figure.get_figheight(), 1 - 0.7 / figure.get_figheight()
    left = figure.add_axes((0.26, bottom, 0.33, top - bottom))
    right = figure.add_axes((0.64, bottom, 0.33, top - bottom), sharey=left)
    for place, one in enumerate(impacts):
        for value, colour in ((one.down, style.COLOURS[0]), (one.up, style.COLOURS[6])):
            left.barh(place, 100 * value, color=colour, alpha=0.8)
        right.errorbar(one.pull, place, xerr=one.error, fmt="o", ms=5, color=style.INK)
    for axes in (left, right):
        axes.axvline(0.0, color="0.6", lw=0.8, zorder=0)
        axes.tick_params(axis="y", length=0)
        axes.minorticks_off()
    left.set_yticks(range(len(impacts)), [one.name for one in impacts], fontsize=10)
    left.set_ylim(len(impacts) - 0.4, -0.6)
    right.tick_params(labelleft=False)
    right.set_xlim(-2.2, 2.2)
    which = "limit" if label == LABELS["open"] else "expected limit"
    left.set_xlabel(f"change of the {which} [%]")
    right.set_xlabel("pull [s.d.]")
    style.label_axes(left, label, title="blue: held one deviation down, orange: up")
    return figure


@style.styled
def draw_projection(problem: Problem, extras: Extras) -> Figure:
    """
    Draw the median limit at one mass against the exposure.

    Returns
    -------
    matplotlib Figure, not saved
    """
    axes = style.new_figure(7.5, 5.6).add_axes((0.15, 0.14, 0.8, 0.73))
    eot, limit, empty = np.array(extras.projection, dtype=np.float64).T
    axes.plot(eot, limit, "o-", color=style.COLOURS[0], label="background grows with the exposure")
    axes.plot(eot, empty, "s", color=style.COLOURS[1], label="no background")
    axes.plot(eot, empty[0] * np.sqrt(eot[0] / eot), "--", color="0.5", label="exposure to the power −1/2")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("muons on target" if problem.runs[0].is_muon else "particles on target")
    axes.set_ylabel(f"{problem.model.mathematical}, median expected limit")
    axes.legend(loc="upper right")
    mass = f"$m_{{{problem.model.boson}}}$ = {1e3 * extras.projected_mass:.4g} MeV"
    return style.label_axes(axes, "projection", right=mass)
