"""The beam line of a setup, drawn to scale from above and from the side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import NullLocator

from na64.plotting import style
from recon.geometry import Magnet, Plane, Section, Setup
from recon.nominal import nominal_beam

__all__ = ["Element", "beam_path", "draw_beam_line", "draw_setup", "elements_of", "source_counts", "spread"]

View = Literal["x", "y"]
_VIEWS: tuple[View, View] = ("x", "y")
_BEAM = "#e76300"

_COLOURS = {  # detectors that every analysis has keep their colour; others take what is left
    "magnet": "#c9c9cf",
    "plane": "#222222",
    "srd": "#832db6",
    "ecal": "#3f90da",
    "veto": "#bd1f01",
    "vhcal": "#b9ac70",
    "hcal": "#ffa90e",
    "wcal": "#92dadd",
}
_MAGNET_HALF_WIDTH = 200.0  # [mm] of the drawing: setups do not say how wide a yoke is
_MARGIN = 600.0  # [mm] of beam line before the first and behind the last element


class Element(NamedTuple):
    """A box of the beam line."""

    name: str  # of the section, plane or magnet
    group: str  # detector, or "plane" or "magnet"
    z: tuple[float, float]  # [mm]
    x: tuple[float, float]  # [mm]
    y: tuple[float, float]  # [mm]
    is_assumed: bool  # any number of its place or size


def elements_of(setup: Setup) -> list[Element]:
    """Return magnets, planes and detector sections of a setup in the order of the beam."""
    found = [*_spectrometer_elements(setup)]
    for key, detector in setup.detectors.items():
        for index, section in enumerate(detector.sections):
            path = f"detectors.{key}.sections[{index}]"
            found.append(_of_section(section, key, _is_assumed(setup.sources, path)))
    return sorted(found, key=lambda element: (element.z, element.name))


def _spectrometer_elements(setup: Setup) -> Iterator[Element]:
    """Give each magnet and plane once, also where two spectrometers share it."""
    seen: set[Magnet | Plane] = set()
    for key, spectrometer in setup.spectrometers.items():
        members: list[tuple[str, Magnet | Plane]] = [
            *((f"magnets[{i}]", magnet) for i, magnet in enumerate(spectrometer.magnets)),
            *((f"planes[{i}]", plane) for i, plane in enumerate(spectrometer.planes)),
        ]
        for where, member in members:
            if member not in seen:
                seen.add(member)
                yield _of_member(member, _is_assumed(setup.sources, f"spectrometers.{key}.{where}"))


def _of_member(member: Magnet | Plane, is_assumed: bool) -> Element:
    if isinstance(member, Magnet):
        wide = (-_MAGNET_HALF_WIDTH, _MAGNET_HALF_WIDTH)
        return Element(member.name, "magnet", (member.z, member.z + member.length), wide, wide, is_assumed)
    x, y = (_span(centre, size) for centre, size in zip(member.centre, member.size, strict=True))
    return Element(member.name, "plane", (member.z, member.z), x, y, is_assumed)


def _of_section(section: Section, detector: str, is_assumed: bool) -> Element:
    """Return the frame of a section, turned cells included."""
    width, height = (n * pitch for n, pitch in zip(section.grid.shape, section.grid.pitch, strict=True))
    cos, sin = abs(np.cos(section.rotation)), abs(np.sin(section.rotation))
    x = _span(section.centre[0], width * cos + height * sin)
    y = _span(section.centre[1], width * sin + height * cos)
    return Element(section.name, detector, (section.z, section.z + section.length), x, y, is_assumed)


def _span(centre: float, size: float) -> tuple[float, float]:
    return float(centre - 0.5 * size), float(centre + 0.5 * size)


def _is_assumed(sources: Mapping[str, str], path: str) -> bool:
    """Return whether any number of an element is assumed, or has no source at all."""
    found = [source for key, source in sources.items() if key.startswith(f"{path}.")]
    return not found or any(source.startswith("assumed") for source in found)


def source_counts(setup: Setup) -> dict[str, int]:
    """Return how many numbers of a setup are published, assumed and so on, the most frequent first."""
    return dict(Counter(source.partition(":")[0] for source in setup.sources.values()).most_common())


def beam_path(setup: Setup, z: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], ...]:
    """
    Follow the nominal beam particle through the magnets.

    Parameters
    ----------
    setup : Setup
        The beam crosses x = y = 0 where the first magnet starts, or at z = 0 without magnets.
    z : float64, shape (n,) [mm]

    Returns
    -------
    (x, y) : float64, shape (n,) each [mm]
    """
    ends = [nominal_beam(setup, float(place)) for place in z]
    return np.array([end.x[0] for end in ends]), np.array([end.y[0] for end in ends])


@style.styled
def draw_beam_line(setup: Setup) -> Figure:
    """
    Draw a setup from above and from the side, each axis to scale.

    Parameters
    ----------
    setup : Setup

    Returns
    -------
    matplotlib Figure, not saved
        Its axes: view from above (z, x), view from the side (z, y).
    """
    elements, colours = elements_of(setup), _colours(setup)
    figure = style.new_figure(14, 9.5)
    above, side = figure.add_axes((0.06, 0.52, 0.92, 0.4)), figure.add_axes((0.06, 0.23, 0.92, 0.22))
    low = min(element.z[0] for element in elements) - _MARGIN
    high = max(element.z[1] for element in elements) + _MARGIN
    target = min((s.z for d in setup.detectors.values() if d.is_target for s in d.sections), default=high)
    z = np.union1d(np.linspace(low, high, 400), [target])
    for axes, view, path in zip((above, side), _VIEWS, beam_path(setup, z), strict=True):
        for element in elements:
            axes.add_artist(_shape(element, view, colours[element.group]))
        for part, line in ((z <= target, "-"), (z >= target, (0, (1, 1.5)))):
            axes.plot(1e-3 * z[part], path[part], color=_BEAM, linewidth=1.8, linestyle=line, zorder=4)
        axes.axhline(0, color="0.4", linewidth=0.9, linestyle=":", zorder=0)
        reach = [edge for element in elements for edge in getattr(element, view)]
        axes.set(
            xlim=(1e-3 * low, 1e-3 * high), ylim=(min(reach) - 60, max(reach) + 60), ylabel=f"{view} [mm]"
        )
    side.set_xlabel("z [m]")
    _name_elements(above, elements)
    side.annotate("from the side (z, y)", (0, 1), (0, 5), **style.OVER_AXES, fontstyle="italic")
    ratios = [_enlargement(axes) for axes in (above, side)]
    _explain(side, setup, elements, colours, _note(setup, elements, ratios))
    return style.label_axes(above, "from above (z, x)", title=style.pretty(setup.title), right=setup.name)


def _colours(setup: Setup) -> dict[str, str]:
    """Return the colour of each group of elements."""
    spare = (colour for colour in style.COLOURS if colour not in {*_COLOURS.values(), _BEAM})
    groups = ["magnet", "plane", *setup.detectors]
    return {group: _COLOURS.get(group) or next(spare, "#717581") for group in groups}


def _shape(element: Element, view: View, colour: str) -> Artist:
    """Return an element as a box, a plane as a line; hatched and dashed if a number of it is assumed."""
    low, high = getattr(element, view)
    z, length = 1e-3 * element.z[0], 1e-3 * (element.z[1] - element.z[0])
    line = (0, (2.5, 1.2)) if element.is_assumed else "-"
    look: Any = {"linestyle": line, "gid": element.name}
    if length == 0:
        look["linestyle"] = (0, (1.2, 0.6)) if element.is_assumed else "-"
        return Line2D([z, z], [low, high], color=colour, linewidth=2.2, **look)
    look |= {"hatch": "////" if element.is_assumed else None, "linewidth": 1.0}
    face = to_rgba(colour, 0.35 if element.is_assumed else 0.75)
    order = 1 if element.group == "magnet" else 2
    return Rectangle((z, low), length, high - low, fc=face, ec=colour, zorder=order, **look)


def _name_elements(axes: Axes, elements: Sequence[Element]) -> None:
    """Write the names in a row over the view from above, with a line to each element."""
    columns: dict[tuple[str, tuple[float, float]], list[Element]] = {}
    for element in elements:
        columns.setdefault((element.group, element.z), []).append(element)
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    heights = [high + part * (high - low) for part in (0.02, 0.12, 0.14, 0.75)]  # knee, foot, text, frame
    ticks = [tick for tick in axes.get_yticks() if low < tick < high]
    axes.set(ylim=(low, heights[3]), yticks=ticks)
    axes.yaxis.set_minor_locator(NullLocator())
    wanted = np.array([5e-4 * sum(z) for _, z in columns])
    distance, number = 0.021 * (right - left), np.arange(len(wanted))
    placed = np.minimum(spread(wanted, distance), right - distance * (len(wanted) - 0.4 - number))
    placed = np.maximum(placed, left + distance * (number + 0.6))
    for members, z, at in zip(columns.values(), wanted, placed, strict=True):
        top = max(member.x[1] for member in members)
        axes.plot([z, z, at], [top, *heights[:2]], color="0.6", linewidth=0.7, zorder=1)
        names = ", ".join(map(_full_name, members))
        axes.text(at, heights[2], names, rotation=90, ha="center", va="bottom", fontsize=10)


def _full_name(element: Element) -> str:
    """Return the name of an element, with its detector where the name does not say it."""
    is_clear = element.group in {"magnet", "plane"} or element.name.startswith(element.group)
    return element.name if is_clear else f"{element.group} {element.name}"


def _enlargement(axes: Axes) -> float:
    """Return how many times longer a mm is drawn along the vertical axis than along z."""
    (width, height), (x0, x1), (y0, y1) = axes.bbox.size, axes.get_xlim(), axes.get_ylim()
    return float(height / (y1 - y0) / (1e-3 * width / (x1 - x0)))


def spread(wanted: npt.NDArray[np.float64], distance: float) -> npt.NDArray[np.float64]:
    """
    Move sorted places apart to a least distance, each group of neighbours around its own middle.

    Parameters
    ----------
    wanted : float64, shape (n,)
        Rising.
    distance : float

    Returns
    -------
    float64, shape (n,)
    """
    blocks: list[list[float]] = []  # each with its members' wanted places, less the room of those before
    for index, place in enumerate(wanted):
        blocks.append([float(place) - index * distance])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    shifted = (
        np.concatenate([np.full(len(block), np.mean(block)) for block in blocks]) if blocks else np.zeros(0)
    )
    return shifted + distance * np.arange(len(wanted))


def _explain(
    axes: Axes, setup: Setup, elements: Sequence[Element], colours: Mapping[str, str], note: str
) -> None:
    """Write the legend, and a note below it."""
    used = [group for group in colours if any(element.group == group for element in elements)]
    handles: list[Any] = [
        Line2D([], [], color=colours[g], linewidth=2.2, label="tracker plane")
        if g == "plane"
        else Patch(fc=to_rgba(colours[g], 0.75), ec=colours[g], label=g)
        for g in used
    ]
    beam = f"nominal beam, {setup.beam.particle} {setup.beam.momentum:g} GeV"
    handles.append(Line2D([], [], color=_BEAM, label=f"{beam}, dotted behind the target"))
    handles.append(Line2D([], [], color="0.4", linewidth=0.9, linestyle=":", label="x = 0, y = 0"))
    if any(element.is_assumed for element in elements):
        handles.append(Patch(fc="0.9", ec="0.4", hatch="////", linestyle="--", label="place or size assumed"))
    place: Any = {"loc": "upper left", "bbox_to_anchor": (0, -0.24), "borderaxespad": 0, "borderpad": 0}
    axes.legend(handles=handles, ncol=-(-len(handles) // 2), **place)
    look: Any = {"fontsize": 10, "color": "0.25", "linespacing": 1.6, "va": "top"}
    axes.annotate(note, (0, 0), (0, -88), **style.OVER_AXES, **look)


def _note(setup: Setup, elements: Sequence[Element], ratios: Sequence[float]) -> str:
    """Say where the numbers come from and what the scales are."""
    counts = [f"{number} {source or 'without source'}" for source, number in source_counts(setup).items()]
    assumed = sum(element.is_assumed for element in elements)
    bending = [f"{s.name} {abs(s.field_integral):.3g} T m" for s in setup.spectrometers.values() if s.magnets]
    lines = [
        f"Sources of the numbers of this setup: {', '.join(counts) or 'none given'}. "
        f"Elements with an assumed place or size: {assumed} of {len(elements)}.",
        f"Each axis is to scale; a length along x is drawn {ratios[0]:.3g} times, "
        f"along y {ratios[1]:.3g} times as long as along z.",
    ]
    if bending:
        lines.append(
            f"Field integral of the spectrometers: {', '.join(bending)}. How wide the magnets are "
            f"(±{_MAGNET_HALF_WIDTH:g} mm) is of the drawing only."
        )
    return "\n".join(lines)


def draw_setup(setup: Setup, path: Path) -> None:
    """
    Draw the beam line of a setup into a file.

    Parameters
    ----------
    setup : Setup
    path : Path
        PNG, PDF or SVG by its ending.

    Raises
    ------
    ValueError
        If the ending is another one.
    """
    style.write_figure(draw_beam_line(setup), path)
