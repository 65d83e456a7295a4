"""Tests of the detector model: what it refuses, and how it cuts a flat cell axis into sections."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from recon.geometry import (
    Beam,
    Counter,
    Detector,
    Grid,
    Magnet,
    Matter,
    Plane,
    Response,
    Section,
    Setup,
    Spectrometer,
    Trigger,
)

NAN = float("nan")


def section(name: str = "main", shape: tuple[int, int] = (2, 3), **changes: Any) -> Section:
    grid = Grid(shape=shape, pitch=(10.0, 20.0))
    return Section(**{"name": name, "z": 0.0, "length": 1.0, "centre": (5.0, 6.0), "grid": grid, **changes})


def detector(*sections: Section, **changes: Any) -> Detector:
    return Detector(**{"name": "ecal", "sections": sections, "time_window": (-10.0, 10.0), **changes})


TWO = detector(section("preshower", (2, 3)), section("main", (4, 1)))


@pytest.mark.parametrize(
    ("shape", "pitch"),
    [
        pytest.param((0, 3), (1.0, 1.0), id="no-columns"),
        pytest.param((3, -1), (1.0, 1.0), id="negative-rows"),
        pytest.param((3, 3), (0.0, 1.0), id="no-pitch"),
        pytest.param((3, 3), (1.0, -2.0), id="negative-pitch"),
        pytest.param((3, 3), (NAN, 1.0), id="nan-pitch-first"),
        pytest.param((3, 3), (1.0, NAN), id="nan-pitch-last"),
    ],
)
def test_senseless_grid_is_refused(shape: tuple[int, int], pitch: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="grid needs at least 1 x 1 cells of positive pitch"):
        Grid(shape=shape, pitch=pitch)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"sampling_fraction": 0.0}, id="no-light"),
        pytest.param({"sampling_fraction": -0.1}, id="negative-light"),
        pytest.param({"noise": -1e-3}, id="negative-noise"),
        pytest.param({"constant": -1e-3}, id="negative-spread"),
        pytest.param({"noise": NAN}, id="nan-noise"),
        pytest.param({"sampling_fraction": NAN}, id="nan-light"),
        pytest.param({"reference_energy": 0.0}, id="no-reference"),
    ],
)
def test_senseless_response_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        Response(**change)


@pytest.mark.parametrize(
    ("names", "change", "message"),
    [
        pytest.param([], {}, "ecal.*sections", id="no-sections"),
        pytest.param(["a", "a"], {}, r"sections of different names, got \['a', 'a'\]", id="same-name-twice"),
        pytest.param(["a", "b"], {"in_beam": ("c",)}, r"in_beam names \['c'\].*\['a', 'b'\]", id="not-there"),
        pytest.param(["a"], {"time_window": (5.0, -5.0)}, "time_window must rise", id="falling-window"),
        pytest.param(["a"], {"time_window": (5.0, 5.0)}, "time_window must rise", id="empty-window"),
        pytest.param(["a"], {"time_window": (NAN, 5.0)}, "time_window must rise", id="nan-window"),
    ],
)
def test_senseless_detector_is_refused(names: list[str], change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        detector(*(section(name) for name in names), **change)


@pytest.mark.parametrize(
    "change", [{"momentum": 0.0}, {"momentum": NAN}, {"charge": 0}, {"spread": -0.1}], ids=str
)
def test_senseless_beam_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a beam needs momentum > 0"):
        Beam(**{"particle": "e-", "momentum": 100.0, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"spot": (-1.0, 1.0)},
        {"divergence": (NAN, 0.0)},
        {"contamination": {"pi-": -0.1}},
        {"halo": -0.1},
        {"intensity": -1.0},
        {"ripple": 1.1},
    ],
    ids=str,
)
def test_senseless_beam_profile_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        Beam(**{"particle": "e-", "momentum": 100.0, **change})


def test_a_trigger_in_words() -> None:
    counter = Counter(name="S3", z=18400.0)
    limits = {"ecal_energy": (None, 80.0), "ps_energy": (0.3, 30.0)}
    trigger = Trigger(limits=limits, counters=(counter,))
    assert str(trigger) == "S3 fires, ecal_energy < 80 GeV, ps_energy > 0.3 GeV and < 30 GeV"


def test_a_counter_without_size_is_refused() -> None:
    with pytest.raises(ValueError, match="counter 'S3' needs a size above 0"):
        Counter(name="S3", z=0.0, size=(0.0, 10.0))


def test_a_trigger_window_must_rise() -> None:
    with pytest.raises(ValueError, match="limits of ecal_energy must rise"):
        Trigger(limits={"ecal_energy": (80.0, 10.0), "ps_energy": (0.3, None)})


@pytest.mark.parametrize(
    "change",
    [
        {"layers": 0},
        {"active_thickness": 0.0},
        {"active_thickness": NAN},
        {"absorber": "lead"},
        {"absorber_thickness": 1.0},
    ],
    ids=str,
)
def test_senseless_matter_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="matter needs layers >= 1"):
        Matter(**{"active": "polystyrene", "active_thickness": 1.0, **change})


def test_thickness_and_words_of_matter_by_hand() -> None:
    block = Matter(active="PbWO4", active_thickness=220.0)
    stack = Matter(
        layers=16, absorber="lead", absorber_thickness=1.5, active="polystyrene", active_thickness=1.25
    )
    assert (block.thickness, str(block)) == (220.0, "220 mm PbWO4")
    assert (stack.thickness, str(stack)) == (44.0, "16 x (1.5 mm lead + 1.25 mm polystyrene)")


def test_matter_must_fit_into_its_section() -> None:
    section(length=50.0, matter=Matter(active="polystyrene", active_thickness=50.0))
    with pytest.raises(ValueError, match=r"50 mm long, its matter \(51 mm polystyrene\) takes 51 mm"):
        section(length=50.0, matter=Matter(active="polystyrene", active_thickness=51.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"efficiency": 0.0}, "efficiency"),
        ({"efficiency": 1.01}, "efficiency"),
        ({"time_window": (5.0, 5.0)}, "time_window must rise"),
    ],
    ids=str,
)
def test_senseless_plane_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plane(name="MM1", z=0.0, **change)


def test_panel_of_three_photomultipliers_is_refused() -> None:
    """The rule takes the least and the most of two: a third one would be lost in silence."""
    with pytest.raises(ValueError, match="geometric_mean"):
        section(shape=(1, 3), combine="geometric_mean")


def test_undeclared_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="colour"):
        TypeAdapter(Grid).validate_python({"shape": [1, 1], "pitch": [1.0, 1.0], "colour": "red"})


def test_unknown_section_is_named_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"ecal.*'rear'.*\['preshower', 'main'\]"):
        TWO.section("rear")


def test_section_by_name() -> None:
    assert TWO.section("main").grid.shape == (4, 1)


def test_offsets_by_hand() -> None:
    assert TWO.offsets.tolist() == [0, 6, 10]
    assert TWO.n_cells == 10


@pytest.mark.parametrize(
    ("shape", "x", "y"),
    [
        pytest.param((1, 1), [0], [0], id="one-cell"),
        pytest.param((3, 2), [-10, 0, 10], [-10, 10], id="odd-and-even"),
        pytest.param((4, 3), [-15, -5, 5, 15], [-20, 0, 20], id="even-and-odd"),
    ],
)
def test_centres_by_hand(shape: tuple[int, int], x: list[float], y: list[float]) -> None:
    found = Grid(shape=shape, pitch=(10.0, 20.0)).centres()
    assert [axis.tolist() for axis in found] == [x, y]


@pytest.mark.parametrize(
    ("in_beam", "expected"),
    [
        pytest.param((), [True, True], id="none-named-is-all"),
        pytest.param(("main",), [False, True], id="one-named"),
        pytest.param(("main", "preshower"), [True, True], id="both-in-any-order"),
    ],
)
def test_sections_in_beam(in_beam: tuple[str, ...], expected: list[bool]) -> None:
    assert detector(*TWO.sections, in_beam=in_beam).is_in_beam.tolist() == expected


def test_views_by_hand() -> None:
    """Sections in order, x slow and y fast within each."""
    cells = np.arange(20.0).reshape(2, 10)
    (first, preshower), (second, main) = TWO.views(cells)
    assert (first.name, second.name) == ("preshower", "main")
    assert preshower[1].tolist() == [[10, 11, 12], [13, 14, 15]]
    assert main[1].tolist() == [[16], [17], [18], [19]]


def test_views_are_no_copies() -> None:
    cells = np.zeros((1, 10))
    for _, view in TWO.views(cells):
        view += 1
    assert cells.tolist() == [[1.0] * 10]


@pytest.mark.parametrize("n_cells", [9, 11], ids=["too-few", "too-many"])
def test_views_of_another_number_of_cells_are_refused(n_cells: int) -> None:
    """A cell that belongs to no section would be lost in silence."""
    with pytest.raises(ValueError, match=r"cells|reshape"):
        list(TWO.views(np.ones((3, n_cells))))


@settings(deadline=None, max_examples=30)
@given(shapes=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=4))
def test_views_hold_each_cell_once(shapes: list[tuple[int, int]]) -> None:
    model = detector(*(section(f"s{i}", shape) for i, shape in enumerate(shapes)))
    cells = np.arange(2.0 * model.n_cells).reshape(2, -1)
    views = [view for _, view in model.views(cells)]
    assert [view.shape[1:] for view in views] == shapes
    assert np.concatenate([view.reshape(2, -1) for view in views], axis=1).tolist() == cells.tolist()


def test_field_integral_adds_magnets() -> None:
    magnets = (
        Magnet(name="a", z=0.0, length=2000.0, field=-1.75),
        Magnet(name="b", z=3000.0, length=500.0, field=1.0),
    )
    spectrometer = Spectrometer(name="incoming", planes=(Plane(name="mm1", z=0.0),), magnets=magnets)
    assert spectrometer.field_integral == pytest.approx(-3.0)


@pytest.mark.parametrize(
    ("run", "covered"),
    [(99, False), (100, True), (200, True), (201, False), (300, True), (301, False)],
)
def test_run_ranges_include_both_ends(run: int, covered: bool) -> None:
    setup = Setup(
        name="s",
        title="",
        beam=Beam(particle="e-", momentum=100.0),
        detectors={},
        spectrometers={},
        runs=((100, 200), (300, 300)),
    )
    assert setup.covers(run) is covered
