"""The figures: everything at its place, nothing but the histograms, equal files for equal results."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hist import Hist
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle

from na64.plotting import style
from na64.plotting.plots import draw_plane, draw_spectrum, groups_of, kept_window, plot_run, region_polygon
from processors.histograms import Axis, HistogramSpec, fill
from processors.result import AnalysisResult, Sample
from selections.blinding import Blinding
from selections.cut import Cut, Plot
from selections.cutflow import count
from selections.opening import Opening
from selections.regions import Region
from selections.selection import load_selection

ECAL = Axis("ecal_energy", 12, 0.0, 120.0, "ECAL energy [GeV]")
HCAL = Axis("hcal_energy", 121, -1.0, 120.0, "HCAL energy [GeV]")
MOMENTUM = Axis("track_momentum", 80, 80.0, 120.0, "track momentum [GeV]")
BOX = Region(
    name="signal_box", label="signal box", limits={"ecal_energy": (None, 50.0), "hcal_energy": (None, 1.0)}
)
SIDE_A = Region(
    name="side_band_a", label="A", limits={"ecal_energy": (50.0, None), "hcal_energy": (None, 1.0)}
)
AREA_II = Region(
    name="area_ii",
    label="II",
    limits={"hcal_energy": (17.0, None)},
    sum_of=("ecal_energy", "hcal_energy"),
    sum_limit=(80.0, 120.0),
)
FRAME = (0.0, 120.0, -1.0, 120.0)
CLOSED = Blinding.of_period("a-period", {"invisible": BOX.limits})


def make_cut(name: str, params: dict[str, float], marks: tuple[str, ...] = (), scale: float = 1.0) -> Cut:
    plot = Plot(column=name, bins=80, low=80, high=120, label=f"{name} [GeV]", marks=marks, scale=scale)
    return Cut(name=name, label=f"{name} of {{{next(iter(params))}}}", columns=(name,), keep=np.isfinite,
               params=params, plot=plot)  # fmt: skip


TRACK = make_cut("track_momentum", {"centre": 100.0, "half_width": 3.0})
SELECTION = replace(
    load_selection("invisible", "geant4_sample", ()), cuts=(TRACK,), signal_box=BOX, regions=(SIDE_A, AREA_II)
)


def make_sample(kind: Any, blinding: Blinding) -> Sample:
    one = np.ones(1, dtype=bool)
    flow = count(["base"], ["base requirement"], [], one, np.ones(1), (1, 1.0, 1.0))
    return Sample(kind=kind, setup="a-setup", blinding=blinding, entries=1, cutflow=flow)


def fill_plane(dataset: str, points: list[tuple[float, float]], weight: float = 1.0, **more: Any) -> Hist:
    x, y = np.array(points).reshape(-1, 2).T
    mask, weights = np.ones(len(x), dtype=bool), np.full(len(x), weight)
    columns = {"ecal_energy": x, "hcal_energy": y}
    return fill(HistogramSpec("plane", (ECAL, HCAL)), columns, mask, weights, dataset=dataset, **more)


def fill_momentum(dataset: str, values: list[float], weight: float = 1.0, **more: Any) -> Hist:
    mask, weights = np.ones(len(values), dtype=bool), np.full(len(values), weight)
    columns = {"track_momentum": np.array(values)}
    return fill(HistogramSpec("spectrum", (MOMENTUM,)), columns, mask, weights, dataset=dataset, **more)


def simulated(*names: str, **histograms: Hist) -> AnalysisResult:
    samples = {name: make_sample("simulation", Blinding.none()) for name in names}
    return AnalysisResult(samples=samples, histograms=histograms)


def blinded(*names: str, **histograms: Hist) -> AnalysisResult:
    return AnalysisResult(
        samples={name: make_sample("data", CLOSED) for name in names}, histograms=histograms
    )


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def patch(axes: Axes, gid: str) -> Polygon:
    (found,) = [p for p in axes.patches if isinstance(p, Polygon) and p.get_gid() == gid]
    return found


def legend_of(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize(
    ("cut", "window"),
    [
        pytest.param(TRACK, (97.0, 103.0), id="around-a-centre"),
        pytest.param(make_cut("veto", {"limit": 0.01}, ("limit",), 1e3), (-np.inf, 10.0), id="upper-scaled"),
        pytest.param(make_cut("ps", {"low": 0.5, "high": 30.0}, ("low", "high")), (0.5, 30.0), id="both"),
        pytest.param(
            make_cut("srd", {"a": 1, "sum_low": 0.5}, ("sum_low",), 1e3), (500.0, np.inf), id="lower-scaled"
        ),
        pytest.param(make_cut("tracks", {"count": 1.0}), (0.5, 1.5), id="count"),
        pytest.param(make_cut("cells", {"distance": 0.0}), (-np.inf, 0.5), id="distance"),
        pytest.param(make_cut("other", {"shape": 2.0}), None, id="no-threshold"),
        pytest.param(Cut(name="bare", label="bare", columns=(), keep=np.isfinite), None, id="no-plot"),
    ],
)
def test_kept_window(cut: Cut, window: tuple[float, float] | None) -> None:
    assert kept_window(cut) == window


@pytest.mark.parametrize(
    ("region", "corners"),
    [
        pytest.param(BOX, {(0, -1), (50, -1), (50, 1), (0, 1)}, id="open-below-ends-at-the-frame"),
        pytest.param(SIDE_A, {(50, -1), (120, -1), (120, 1), (50, 1)}, id="open-to-the-right"),
        pytest.param(AREA_II, {(63, 17), (103, 17), (0, 120), (0, 80)}, id="diagonal-band"),
        pytest.param(Region(name="far", limits={"ecal_energy": (200.0, None)}), set(), id="outside"),
    ],
)
def test_region_polygon(region: Region, corners: set[tuple[float, float]]) -> None:
    found = region_polygon(region, "ecal_energy", "hcal_energy", FRAME)
    assert found.shape[1] == 2
    assert {tuple(corner) for corner in found.round(9)} == corners


def test_thresholds_stand_where_the_cut_is_and_shade_the_outside() -> None:
    result = simulated("mc", spectrum=fill_momentum("mc", [100.0]))
    axes = draw_spectrum(result.histograms["spectrum"], groups_of(result)[0], cut=TRACK).axes[0]
    lines = [line.get_xdata() for line in axes.lines if line.get_linestyle() == "--"]
    assert [tuple(np.unique(x)) for x in lines] == [(97.0,), (103.0,)]
    shades = [p for p in axes.patches if isinstance(p, Rectangle)]
    spans = [(p.get_x(), p.get_x() + p.get_width()) for p in shades]
    assert spans == [(80.0, 97.0), (103.0, 120.0)]
    assert axes.get_xlim() == (80.0, 120.0)


def test_threshold_beyond_the_axis_is_said() -> None:
    result = simulated("mc", spectrum=fill_momentum("mc", [100.0]))
    cut = make_cut("track_momentum", {"low": 90.0, "high": 300.0}, ("low", "high"))
    axes = draw_spectrum(result.histograms["spectrum"], groups_of(result)[0], cut=cut).axes[0]
    assert "threshold at 300 off scale" in legend_of(axes)


def test_spectrum_names_datasets_counts_and_what_is_off_scale() -> None:
    parts = fill_momentum("a", [100.0, 101.0, 500.0]) + fill_momentum("b", [10.0])
    result = simulated("a", "b", "nothing", spectrum=parts)
    axes = draw_spectrum(parts, groups_of(result)[0], title="a title").axes[0]
    assert legend_of(axes) == ["a (3)", "b (1)", "nothing (0)"]
    assert "off scale: 1 below, 1 above" in texts(axes)
    assert "a title" in texts(axes)
    assert axes.get_xlabel() == "track momentum [GeV]"
    assert axes.get_ylabel() == "events / (0.5 GeV)"


def test_only_the_nominal_variation_is_drawn() -> None:
    parts = fill_momentum("a", [100.0]) + fill_momentum("a", [110.0, 111.0], variation="up")
    result = simulated("a", spectrum=parts)
    assert legend_of(draw_spectrum(parts, groups_of(result)[0]).axes[0]) == ["a (1)"]


def test_weights_are_said() -> None:
    parts = fill_momentum("a", [100.0, 100.0], weight=0.25)
    axes = draw_spectrum(parts, groups_of(simulated("a", spectrum=parts))[0]).axes[0]
    assert axes.get_ylabel() == "weighted events / (0.5 GeV)"
    assert legend_of(axes) == ["a (weighted 0.5)"]


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        pytest.param([100.0] * 100 + [110.0], "log", id="wide-range"),
        pytest.param([100.0] * 3 + [110.0], "linear", id="narrow-range"),
        pytest.param([500.0], "linear", id="only-overflow"),
    ],
)
def test_count_axis_is_logarithmic_where_useful(values: list[float], scale: str) -> None:
    parts = fill_momentum("a", values)
    axes = draw_spectrum(parts, groups_of(simulated("a", spectrum=parts))[0]).axes[0]
    assert axes.get_yscale() == scale
    highest = parts["a", "nominal", ...].values().max()
    assert axes.get_ylim()[1] > highest


def test_large_counts_leave_the_label_alone() -> None:
    parts = fill_momentum("a", [100.0, 101.0], weight=1e7)
    figure = draw_spectrum(parts, groups_of(simulated("a", spectrum=parts))[0])
    figure.canvas.draw()
    assert figure.axes[0].yaxis.get_offset_text().get_text() == ""


def test_closed_region_is_hatched_and_named_on_data() -> None:
    result = blinded("run", plane=fill_plane("run", [(100.0, 0.5), (45.0, 3.5)]))
    (group,) = groups_of(result)
    axes = draw_plane(result.histograms["plane"], group, SELECTION).axes[0]
    box = patch(axes, "box_invisible")
    assert box.get_hatch() == "xx"
    assert {tuple(corner) for corner in box.get_xy()} == {(0, -1), (50, -1), (50, 1), (0, 1)}
    assert "blinded" in texts(axes)
    assert "signal box" not in texts(axes)
    assert any("data, blinded" in text for text in texts(axes))


def test_signal_box_is_shaded_and_named_on_simulation() -> None:
    result = simulated("mc", plane=fill_plane("mc", [(100.0, 0.5)]))
    axes = draw_plane(result.histograms["plane"], groups_of(result)[0], SELECTION).axes[0]
    assert patch(axes, "box_signal_box").get_hatch() is None
    assert "signal box" in texts(axes)
    assert "blinded" not in texts(axes)
    assert any("simulation" in text for text in texts(axes))


def test_opened_data_are_labelled_so() -> None:
    opening = Opening(
        periods=(CLOSED.period,), regions=("invisible",), who=("A",), when="2026-11-24", why="x", frozen="0"
    )
    opened = make_sample("data", CLOSED.opened(opening))
    result = AnalysisResult(samples={"run": opened})
    (group,) = groups_of(result)
    assert (group.label, group.closed) == ("data, UNBLINDED", ())
    assert group.origin.endswith("; statement of 2026-11-24")


def test_plane_draws_the_contents_of_the_bins() -> None:
    plane = fill_plane("a", [(100.0, 0.5), (100.0, 0.5), (45.0, 3.5)]) + fill_plane("b", [(5.0, 100.2)])
    result = simulated("a", "b", plane=plane)
    axes = draw_plane(plane, groups_of(result)[0], SELECTION).axes[0]
    (mesh,) = axes.collections
    filled = np.ma.filled(mesh.get_array(), 0).reshape(121, 12)
    assert {(int(i), int(j)): filled[j, i] for j, i in np.argwhere(filled)} == {
        (10, 1): 2,
        (4, 4): 1,
        (0, 101): 1,
    }


def test_regions_are_labelled_inside_themselves() -> None:
    result = simulated("mc", plane=fill_plane("mc", [(100.0, 0.5)]))
    axes = draw_plane(result.histograms["plane"], groups_of(result)[0], SELECTION).axes[0]
    for region in (SIDE_A, AREA_II, BOX):
        (text,) = [text for text in axes.texts if text.get_text() == region.label]
        x, y = text.get_position()
        assert region.contains({"ecal_energy": np.array([x]), "hcal_energy": np.array([y])}).all(), (
            region.name
        )


@pytest.mark.parametrize("place", [(0.0, 0.0), (1.0, 0.5), (0.01, 0.99), (0.5, 0.5)])
def test_words_stay_inside_the_frame(place: tuple[float, float]) -> None:
    axes = style.new_figure(6, 4).add_axes((0.2, 0.2, 0.6, 0.6))
    style.add_text(axes, "signal box", *place)
    (word,) = axes.texts
    box, frame = word.get_window_extent(), axes.get_window_extent()
    assert (box.min > frame.min).all()
    assert (box.max < frame.max).all()
    if place == (0.5, 0.5):
        assert word.get_position() == pytest.approx(place)


def test_below_the_box_edge_the_scale_is_five_times_larger() -> None:
    result = simulated("mc", plane=fill_plane("mc", [(100.0, 0.5)]))
    axes = draw_plane(result.histograms["plane"], groups_of(result)[0], SELECTION).axes[0]
    heights = axes.transData.transform([(0, y) for y in (-1, 0, 1, 2, 50, 51)])[:, 1]
    unit = heights[3] - heights[2]
    assert np.diff(heights)[[0, 1, 4]] == pytest.approx([5 * unit, 5 * unit, unit])
    assert "scale of y ×5 below 1 GeV" in texts(axes)


def test_datasets_are_told_apart_by_colour() -> None:
    plane = fill_plane("a", [(100.0, 0.5)]) + fill_plane("b", [(55.0, 10.5), (65.0, 10.5)])
    result = simulated("a", "b", plane=plane)
    (group,) = groups_of(result)
    axes = draw_plane(plane, group, SELECTION, by_dataset=True).axes[0]
    assert legend_of(axes) == ["a (1)", "b (2)"]
    assert [len(dots.get_offsets()) for dots in axes.collections] == [1, 2]
    colours = [tuple(dots.get_facecolor()[0][:3]) for dots in axes.collections]
    assert colours == [mpl.colors.to_rgb(group.colours[name][0]) for name in ("a", "b")]


def test_kinds_never_share_a_figure(tmp_path: Path) -> None:
    plane = fill_plane("mc", [(45.0, 0.5)]) + fill_plane("run", [(100.0, 0.5)] * 2)
    samples = {"mc": make_sample("simulation", Blinding.none()), "run": make_sample("data", CLOSED)}
    result = AnalysisResult(samples=samples, histograms={"edep_plane_loose": plane})
    names = [figure.name for figure in plot_run(result, SELECTION, tmp_path)]
    assert names == ["edep_plane_loose_data", "edep_plane_loose_simulation"]
    for group, total in zip(groups_of(result), (2, 1), strict=True):
        (mesh,) = draw_plane(plane, group, SELECTION).axes[0].collections
        assert mesh.get_array().sum() == total


def test_files_are_equal_for_equal_results(tmp_path: Path) -> None:
    histograms = {
        "edep_plane_loose": fill_plane("run", [(100.0, 0.5)]),
        "nminus1_track_momentum": fill_momentum("run", [100.0, 97.0]),
    }
    first, second = (plot_run(blinded("run", **histograms), SELECTION, tmp_path / name) for name in "ab")
    assert [figure.name for figure in first] == ["edep_plane_loose", "nminus1_track_momentum"]
    assert first[1].title == "all cuts but track_momentum of 100"
    for one, other in zip(first, second, strict=True):
        assert one.png.read_bytes().startswith(b"\x89PNG")
        assert one.pdf.read_bytes().startswith(b"%PDF")
        assert one.png.read_bytes() == other.png.read_bytes()
        assert one.pdf.read_bytes() == other.pdf.read_bytes()
        assert b"CreationDate" not in one.pdf.read_bytes()


def test_empty_histograms_say_so(tmp_path: Path) -> None:
    plane, spectrum = fill_plane("mc", []), fill_momentum("mc", [])
    result = simulated("mc", "other", edep_plane_final=plane, nminus1_track_momentum=spectrum)
    (group,) = groups_of(result)
    assert "no events" in texts(draw_plane(plane, group, SELECTION).axes[0])
    assert "no events" in texts(draw_spectrum(spectrum, group, cut=TRACK).axes[0])
    told: list[tuple[str, int, int]] = []
    figures = plot_run(result, SELECTION, tmp_path / "new", lambda *step: told.append(step))
    names = ["edep_plane_final", "edep_plane_final_by_dataset", "nminus1_track_momentum"]
    assert [figure.name for figure in figures] == names
    assert told[-1] == ("drawing figures", 3, 3)


def test_a_run_without_events_has_no_figures(tmp_path: Path) -> None:
    assert plot_run(AnalysisResult(), SELECTION, tmp_path) == []


def test_matplotlib_is_left_as_it_was(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    plot_run(simulated("mc", track_momentum=fill_momentum("mc", [100.0])), SELECTION, tmp_path)
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []
