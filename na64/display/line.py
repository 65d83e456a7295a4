"""An event on the beam line, from above and from the side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator

from na64.display.scale import CMAP, LEAST_ENERGY, ZScale, hatched
from na64.plotting import style
from na64.plotting.beamline import Element, beam_path, elements_of
from processors.pick import Picked
from processors.track_columns import PREFIXES
from recon.field import State, propagate
from recon.geometry import Section, Setup, Spectrometer

__all__ = ["BEAM", "TRACK", "Hits", "draw_views", "hits_of", "track_at"]

Floats = npt.NDArray[np.float64]
BEAM, TRACK = "#e76300", "#bd1f01"
_NEAR = 10.0  # [resolution of the plane] within which a hit is marked as the track's
_MARGIN = 40.0  # [mm]


class Hits(NamedTuple):
    """The hits in time of one event."""

    plane: npt.NDArray[np.int64]  # (n_hits,)
    x: Floats  # [mm] (n_hits,)
    y: Floats  # [mm] (n_hits,)
    is_near: npt.NDArray[np.bool_]  # (n_hits,) near the track


def track_at(picked: Picked, spectrometer: Spectrometer, z: npt.ArrayLike) -> tuple[Floats, Floats]:
    """
    Follow the track of an event by the exact motion through the field.

    Parameters
    ----------
    picked : Picked
    spectrometer : Spectrometer
    z : float64, shape (n,) [mm]

    Returns
    -------
    (x, y) : float64, shape (n,) each [mm]
        NaN without a track. Matter on the way is left out.
    """
    columns, beam = picked.columns, picked.context.aligned_setup.beam
    prefix = PREFIXES.get(spectrometer.name, spectrometer.name)
    places = np.atleast_1d(np.asarray(z, dtype=np.float64))
    names = [f"{prefix}_{name}" for name in ("x", "y", "slope_x", "slope_y", "momentum")]
    if not all(name in columns for name in names) or not columns[f"{prefix}_is_valid"][0]:
        return np.full(len(places), np.nan), np.full(len(places), np.nan)
    x, y, slope_x, slope_y, momentum = (np.asarray(columns[name], dtype=np.float64) for name in names)
    start = State(x, y, slope_x, slope_y, beam.charge / momentum)
    ends = [propagate(start, spectrometer.planes[0].z, float(at), spectrometer.magnets) for at in places]
    return np.array([end.x[0] for end in ends]), np.array([end.y[0] for end in ends])


def hits_of(picked: Picked, name: str) -> Hits | None:
    """Return the hits of a spectrometer; None where the file has no hits."""
    found = picked.measured.hits.get(name)
    if found is None:
        return None
    planes = picked.context.aligned_setup.spectrometers[name].planes
    at = track_at(picked, picked.context.aligned_setup.spectrometers[name], [plane.z for plane in planes])
    reach = _NEAR * np.array([plane.resolution for plane in planes])[found.plane]
    with np.errstate(invalid="ignore"):
        near = np.hypot(found.x - at[0][found.plane], found.y - at[1][found.plane]) < reach
    return Hits(found.plane, found.x, found.y, near)


def draw_views(above: Axes, side: Axes, picked: Picked, norm: LogNorm) -> None:
    """
    Draw the beam line from above into some axes and from the side into others.

    Parameters
    ----------
    above, side : Axes
    picked : Picked
    norm : LogNorm
        Colours of energies [GeV].
    """
    setup = picked.context.aligned_setup
    elements = elements_of(setup)
    scale = ZScale(edge for element in elements for edge in element.z)
    for index, axes in enumerate((above, side)):
        for element in elements:
            if element.group in {"magnet", "plane"}:
                _draw_member(axes, element, index, scale)
        for patch in _cell_boxes(picked, index, scale, norm):
            axes.add_patch(patch)
        _draw_paths(axes, picked, index, scale)
        reach = [edge for e in elements if e.group != "magnet" for edge in (e.x, e.y)[index]]
        axes.set(xlim=(scale(-np.inf) - 8, scale(np.inf) + 4), ylabel=f"{'xy'[index]} [mm]")
        axes.set_ylim(min(reach) - _MARGIN, max(reach) + _MARGIN)
        ticks = scale.ticks(16)
        axes.set_xticks(scale(ticks), [f"{1e-3 * tick:.4g}" for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    side.set_xlabel("z [m], each stretch drawn in the root of its length", fontsize=11)
    _name_groups(above, setup, elements, scale)


def _draw_member(axes: Axes, element: Element, view: int, scale: ZScale) -> None:
    """Draw a magnet or a plane."""
    (start, stop), (low, high) = scale(element.z), (element.x, element.y)[view]
    if element.group == "plane":
        axes.plot([start, start], [low, high], color="0.45", linewidth=1.2, gid=element.name)
    else:
        axes.add_patch(
            Rectangle((start, low), stop - start, high - low, fc="0.9", ec="0.75", gid=element.name)
        )


def _cell_boxes(picked: Picked, view: int, scale: ZScale, norm: LogNorm) -> Iterator[Any]:
    """Iterate over patches: the cells of all sections summed along the line of sight."""
    for name, detector in picked.context.aligned_setup.detectors.items():
        cells = picked.measured.cells.get(name)
        sums = picked.columns.get(f"{name}_{detector.part}_energy")
        for index, section in enumerate(detector.sections):
            values: Floats = np.full(1, np.nan)
            if cells is not None and section.rotation == 0:
                grid = list(detector.views(cells))[index][1][0]
                values = grid.sum(axis=1 - view)
            elif sums is not None:
                values = sums[0, index : index + 1].astype(np.float64)
            yield from _boxes(section, values, view, scale, norm)


def _boxes(section: Section, values: Floats, view: int, scale: ZScale, norm: LogNorm) -> Iterator[Any]:
    size = section.grid.shape[view] * section.grid.pitch[view]
    start, stop = scale([section.z, section.z + section.length])
    height = size / len(values)
    for index, value in enumerate(values):
        low = section.centre[view] - 0.5 * size + index * height
        if np.isnan(value):
            corners = [(start, low), (stop, low), (stop, low + height), (start, low + height)]
            yield hatched(corners, f"{section.name} unknown")
            continue
        colour = colormaps[CMAP](norm(value)) if value > LEAST_ENERGY else "white"
        yield Rectangle(
            (start, low), stop - start, height, fc=colour, ec="0.6", linewidth=0.5, gid=section.name
        )


def _draw_paths(axes: Axes, picked: Picked, view: int, scale: ZScale) -> None:
    """Draw nominal beam, track and hits."""
    setup = picked.context.aligned_setup
    fine = np.interp(np.linspace(0, 1, 300), np.linspace(0, 1, len(scale.edges)), scale.edges)
    path = beam_path(setup, fine)[view]
    axes.plot(scale(fine), path, color=BEAM, linewidth=0.9, linestyle=":", label="nominal beam")
    for name, spectrometer in setup.spectrometers.items():
        if name in PREFIXES:
            _draw_track(axes, picked, spectrometer, fine, view, scale)
        hits = hits_of(picked, name)
        if hits is None:
            continue
        z = scale(np.array([plane.z for plane in spectrometer.planes]))[hits.plane]
        place = (hits.x, hits.y)[view]
        look: Any = {"s": 26, "zorder": 5, "linewidth": 1.0}
        look |= {"ec": style.INK}
        axes.scatter(z, place, fc="none", label="hit in time", gid="hits", **look)
        near = hits.is_near
        if near.any():
            axes.scatter(z[near], place[near], fc=TRACK, label="hit near the track", gid="track hits", **look)


def _draw_track(
    axes: Axes, picked: Picked, spectrometer: Spectrometer, fine: Floats, view: int, scale: ZScale
) -> None:
    """Draw a track between its planes, and its extrapolation to the target or from it on."""
    ends = [s.z for d in picked.context.aligned_setup.detectors.values() if d.is_target for s in d.sections]
    first, last = spectrometer.planes[0].z, spectrometer.planes[-1].z
    target = min(ends, default=last)
    begin, end = min(first, target), last if target < first else target
    z = np.union1d(fine[(fine >= begin) & (fine <= end)], [first, last, target])
    path = track_at(picked, spectrometer, z)[view]
    if np.isnan(path).all():
        known = f"{PREFIXES[spectrometer.name]}_is_valid" in picked.columns
        told = "no track" if known else "no track: not in this file"
        axes.text(
            0.01,
            0.15 if spectrometer.name == "incoming" else 0.07,
            told,
            transform=axes.transAxes,
            color=TRACK,
            fontsize=12,
            gid="no track",
        )
        return
    look: Any = {"color": TRACK, "linewidth": 1.5, "zorder": 4}
    inside = (z >= first) & (z <= last)
    outside = ~inside | (z == (first if target < first else last))
    axes.plot(scale(z[inside]), path[inside], label="track", gid="track", **look)
    axes.plot(
        scale(z[outside]),
        path[outside],
        linestyle="--",
        label="extrapolated",
        gid="extrapolated",
        **look,
    )


def _name_groups(axes: Axes, setup: Setup, elements: list[Element], scale: ZScale) -> None:
    """Write the name of each detector, and of planes and magnets, over the view."""
    placed = -np.inf
    groups = {name: [e for e in elements if e.group == name] for name in setup.detectors}
    spots = [
        (float(np.mean(scale([min(e.z[0] for e in es), max(e.z[1] for e in es)]))), name.upper())
        for name, es in groups.items()
    ]
    spots += [(float(np.mean(scale(e.z))), e.name) for e in elements if e.group in {"magnet", "plane"}]
    left, right = axes.get_xlim()
    for at, name in sorted(spots):
        level = 0.02 if at - placed > 0.045 * (right - left) else 0.1
        placed = at if level == 0.02 else -np.inf
        axes.annotate(
            name, (at, 1), (0, -12 if level == 0.02 else -25), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", fontsize=9,
        )  # fmt: skip
