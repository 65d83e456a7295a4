"""The page of one event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from na64.display.calorimeters import draw_front, draw_parts, mark_ecal
from na64.display.line import draw_views, hits_of
from na64.display.planes import draw_plane
from na64.display.scale import CMAP, energy_norm
from na64.display.verdicts import draw_verdicts
from na64.display.waveforms import draw_waveforms
from na64.plotting import style
from processors.pick import Picked
from recon.geometry import Detector

__all__ = ["draw_event", "heading", "write_pages"]

Floats = npt.NDArray[np.float64]

_WIDTH, _HEIGHT = 18.0, 12.2  # [inch]
_WAVEFORMS = 2.4  # [inch] height of their row
_LEFT, _RIGHT = 0.8, 12.6  # [inch] of the drawings; the cuts stand to the right of them
_FRONTS = ("ecal", "hcal")  # drawn cell by cell; others as bars
_BEHIND = (("E_ECAL + E_VHCAL + E_HCAL", "calorimeter_energy", "GeV"), ("p_2", "scattered_momentum", "GeV"))
_BARS = 4  # panels of bars that have room beside the calorimeters
_LIMITS = {  # thresholds on each part
    "srd": ("module_low", "module_high"),
    **dict.fromkeys(("veto", "wcat", "v2"), ("limit",)),
}


class _Page:
    """A figure on which axes are placed in inches from its upper left corner."""

    def __init__(self, height: float) -> None:
        self.height = height
        self.figure = style.new_figure(_WIDTH, height)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        place = (
            left / _WIDTH,
            1 - (top + height) / self.height,
            width / _WIDTH,
            height / self.height,
        )
        return self.figure.add_axes(place)

    def row(self, n: int, top: float, height: float, n_drawn: int) -> list[Axes]:
        """Return the first ``n_drawn`` of n axes side by side, none wider than it is high."""
        pitch = (_RIGHT - _LEFT) / n
        width = min(pitch - 0.45, height)
        return [self.axes(_LEFT + i * pitch, top, width, height) for i in range(n_drawn)]


@style.styled
def draw_event(picked: Picked, file: str, *, waveforms: bool = False) -> Figure:
    """
    Draw an event.

    Parameters
    ----------
    picked : Picked
    file : str
        Name of the file, for the heading.
    waveforms : bool
        Add the waveforms of the hottest cells, of raw digits.

    Returns
    -------
    matplotlib Figure, not saved
    """
    bottom = _HEIGHT + _more_height(picked)
    page = _Page(bottom + (_WAVEFORMS if waveforms else 0.0))
    norm = energy_norm(_energies(picked))
    above, side = page.axes(_LEFT, 1.1, 11.8, 3.1), page.axes(_LEFT, 4.3, 11.8, 1.6)
    title, numbers = heading(picked, file)
    style.label_axes(above, _kind(picked), title=title, right=numbers)  # draws what is there: nothing yet
    for axes, view in ((above, "from above (z, x)"), (side, "from the side (z, y)")):
        axes.annotate(view, (0.99, 0), (0, 6), ha="right", fontstyle="italic", **style.OVER_AXES)
    draw_views(above, side, picked, norm)
    above.set_xticklabels([])
    above.legend(loc="lower left", fontsize=9, ncol=5, frameon=True, framealpha=0.8, edgecolor="none")
    _draw_planes(page, picked, 6.85)
    _draw_fronts(page, picked, norm, 8.75)
    draw_verdicts(page.axes(13.1, 1.0, 4.8, _HEIGHT - 1.3), picked)
    if waveforms:
        draw_waveforms(page.row(6, bottom + 0.1, 1.6, n_drawn=6), picked)
    return page.figure


def _more_height(picked: Picked) -> float:
    """Return what the page needs below for panels of bars [inch]."""
    others = [name for name in picked.context.setup.detectors if name not in _FRONTS]
    return 0.97 * max(len(others) - _BARS, 0)


def _energies(picked: Picked) -> list[Floats]:
    """Return all energies that are drawn in colour."""
    detectors = picked.context.setup.detectors
    parts = [picked.columns.get(f"{name}_{detector.part}_energy") for name, detector in detectors.items()]
    return [*picked.measured.cells.values(), *(part for part in parts if part is not None)]


@style.styled
def write_pages(figures: Iterable[Figure], path: Path) -> None:
    """Write figures as pages of a PDF, one in memory at a time."""
    with PdfPages(path, metadata=style.METADATA[".pdf"]) as pages:
        for figure in figures:
            pages.savefig(figure)
            figure.clear()


def heading(picked: Picked, file: str) -> tuple[str, str]:
    """Return what identifies an event, and its main numbers."""
    columns, setup = picked.columns, picked.context.setup
    identity = [f"{name} {int(columns[name][0])}" for name in ("run", "spill", "event") if name in columns]
    wanted = (
        *((("E_WCAL", "wcal_energy", "GeV"),) if "wcal" in setup.detectors else ()),
        ("E_ECAL", "ecal_energy", "GeV"),
        ("E_HCAL", "hcal_energy", "GeV"),
        ("p", "track_momentum", "GeV"),
        ("χ²/ndf", "track_chi2", ""),
        *(() if "scattered" not in setup.spectrometers else _BEHIND),
    )
    numbers = [f"{style.pretty(text)} {_number(picked, name, unit)}" for text, name, unit in wanted]
    return ", ".join([f"{file}, entry {picked.entry}", *identity, setup.name]), ",  ".join(numbers)


def _number(picked: Picked, name: str, unit: str) -> str:
    if name not in picked.columns:
        return "not in file"
    value = float(picked.columns[name][0])
    return "unknown" if np.isnan(value) else f"{value:.4g} {unit}".rstrip()


def _kind(picked: Picked) -> str:
    is_closed = picked.context.blinding.state == "closed"
    return "data, a shown event" if is_closed else picked.context.kind


def _draw_planes(page: _Page, picked: Picked, top: float) -> None:
    """Draw the tracker planes of all spectrometers in a row."""
    spectrometers = picked.context.setup.spectrometers
    names = [(name, i) for name, s in spectrometers.items() for i in range(len(s.planes))]
    hits = {name: hits_of(picked, name) for name in spectrometers}
    row = page.row(max(len(names), 7), top, 1.25, n_drawn=len(names))
    for axes, (name, index) in zip(row, names, strict=True):
        draw_plane(axes, picked, name, index, hits[name])


def _draw_fronts(page: _Page, picked: Picked, norm: LogNorm, top: float) -> None:
    """Draw front views of ECAL and HCAL, a scale of colours, and all other detectors as bars."""
    detectors = picked.context.setup.detectors
    left = _LEFT
    for name, size, gap in (("ecal", 2.45, 0.45), ("hcal", 1.1, 0.4)):
        if name not in detectors:
            continue
        detector = detectors[name]
        sections = range(len(detector.sections))
        if size > 2 and len(sections) > 2:  # many layers before the main part
            left = _draw_sections(page, picked, detector, norm, (left, top, 1.0, 0.45), sections[:-1])
            sections = sections[-1:]
        left = _draw_sections(page, picked, detector, norm, (left, top, size, gap), sections)
    bar = page.axes(left, top, 0.15, 2.6)
    colours = page.figure.colorbar(ScalarMappable(norm, colormaps[CMAP]), cax=bar)
    colours.set_label("energy in the line of sight [GeV]", fontsize=10)
    bar.tick_params(labelsize=8)
    others = [detector for name, detector in detectors.items() if name not in _FRONTS]
    height = (2.9 + _more_height(picked)) / max(len(others), 1)
    left += 1.75
    for index, detector in enumerate(others):
        axes = page.axes(left, top + index * height, _RIGHT - left, height - 0.5)
        draw_parts(axes, picked, detector, _limits(picked, detector.name))


def _draw_sections(
    page: _Page,
    picked: Picked,
    detector: Detector,
    norm: LogNorm,
    place: tuple[float, float, float, float],
    sections: Sequence[int],
) -> float:
    """Draw sections of a detector, small ones in two rows; return where the next panel starts."""
    left, top, size, gap = place
    n_rows = 2 if size < 2 else 1
    for at, index in enumerate(sections):
        column, row = divmod(at, n_rows)
        axes = page.axes(left + column * (size + gap), top + row * (size + gap), size, size)
        draw_front(axes, picked, detector, index, norm)
        if detector.name == "ecal" and n_rows == 1:
            mark_ecal(axes, picked)
    return left + -(-len(sections) // n_rows) * (size + gap)


def _limits(picked: Picked, name: str) -> Sequence[float]:
    """Return the thresholds of the cut that is called like a detector on each of its parts."""
    params = picked.context.selection.params.get(name, {})
    return [params[key] for key in _LIMITS.get(name, ()) if key in params]
