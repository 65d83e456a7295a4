"""The drawing of a beam line: every element at its place, and assumed numbers told apart."""

from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from datasets.setups import load_setup, setup_names
from na64.plotting.beamline import beam_path, draw_beam_line, draw_setup, elements_of, source_counts, spread
from na64.plotting.style import STYLE
from recon.geometry import Beam, Detector, Grid, Magnet, Plane, Section, Setup, Spectrometer


def make_section(name: str, z: float, x: float, rotation: float = 0.0) -> Section:
    grid = Grid(shape=(2, 3), pitch=(10.0, 20.0))
    return Section(name=name, z=z, length=400.0, centre=(x, 5.0), grid=grid, rotation=rotation)


def make_setup(**changes: object) -> Setup:
    magnet = Magnet(name="bend", z=1000.0, length=2000.0, field=-1.5)
    plane = Plane(name="MM1", z=500.0, centre=(0.0, 1.0), size=(80.0, 60.0))
    members = {"name": "incoming", "planes": (plane,), "magnets": (magnet,)}
    sections = (make_section("front", 5000.0, -30.0), make_section("back", 5400.0, -30.0))
    values: dict[str, object] = {
        "name": "toy",
        "title": "a toy",
        "beam": Beam(particle="e-", momentum=100.0, charge=-1),
        "detectors": {
            "ecal": Detector(name="ecal", sections=sections, time_window=(-1.0, 1.0), is_target=True)
        },
        "spectrometers": {"incoming": Spectrometer(**members), "again": Spectrometer(**members)},
        "sources": {
            "detectors.ecal.sections[0].z": "published: a paper",
            "detectors.ecal.sections[1].z": "published: a paper",
            "detectors.ecal.sections[1].length": "assumed",
            "spectrometers.incoming.magnets[0].z": "geant4: a file",
            "spectrometers.incoming.planes[0].z": "assumed",
        },
    }
    return Setup(**(values | changes))  # type: ignore[arg-type]


def box(axes: Axes, name: str) -> Rectangle:
    (found,) = [a for a in axes.get_children() if isinstance(a, Rectangle) and a.get_gid() == name]
    return found


def test_elements_are_where_the_setup_says() -> None:
    found = {element.name: element for element in elements_of(make_setup())}
    assert list(found) == ["MM1", "bend", "front", "back"]
    assert (found["MM1"].z, found["MM1"].x, found["MM1"].y) == ((500, 500), (-40, 40), (-29, 31))
    assert (found["front"].z, found["front"].x, found["front"].y) == ((5000, 5400), (-40, -20), (-25, 35))
    assert found["bend"].z == (1000, 3000)


def test_turned_cells_need_more_room() -> None:
    turned = Detector(
        name="ecal", sections=(make_section("front", 0.0, 0.0, np.pi / 2),), time_window=(-1.0, 1.0)
    )
    (element,) = elements_of(make_setup(detectors={"ecal": turned}, spectrometers={}))
    assert element.x == pytest.approx((-30, 30))
    assert element.y == pytest.approx((-5, 15))


def test_any_assumed_number_makes_an_element_assumed() -> None:
    assumed = {element.name: element.is_assumed for element in elements_of(make_setup())}
    assert assumed == {"MM1": True, "bend": False, "front": False, "back": True}
    assert all(element.is_assumed for element in elements_of(make_setup(sources={})))
    assert source_counts(make_setup()) == {"published": 2, "assumed": 2, "geant4": 1}


def test_beam_bends_in_the_magnet_only() -> None:
    z = np.array([0.0, 1000.0, 3000.0, 4000.0, 5000.0])
    x, y = beam_path(make_setup(), z)
    angle = -0.299792458 * 1.5 * 2.0 / 100.0  # small: 0.3 B L / p, an electron in a field along -y
    assert x[:2].tolist() == [0, 0]
    assert np.diff(x[2:]) == pytest.approx([1000 * angle] * 2, rel=1e-4)
    assert x[2] == pytest.approx(1000 * angle, rel=1e-4)
    assert y.tolist() == [0] * 5


def test_beam_meets_the_planes_of_the_geant4_sample() -> None:
    setup = load_setup("geant4_sample")
    planes = setup.spectrometers["incoming"].planes
    x, _ = beam_path(setup, np.array([plane.z for plane in planes]))
    assert x == pytest.approx([plane.centre[0] for plane in planes], abs=0.2)


def test_beam_goes_straight_without_magnets() -> None:
    setup = make_setup(spectrometers={}, beam=Beam(particle="mu-", momentum=160.0, direction=(1e-3, -2e-3)))
    x, y = beam_path(setup, np.array([-1000.0, 2000.0]))
    assert x == pytest.approx([-1.0, 2.0])
    assert y == pytest.approx([2.0, -4.0])


def test_boxes_are_drawn_to_scale_and_assumed_ones_hatched() -> None:
    above, side = draw_beam_line(make_setup()).axes
    front, back = box(above, "front"), box(above, "back")
    assert (front.get_x(), front.get_width()) == pytest.approx((5.0, 0.4))
    assert (front.get_y(), front.get_height()) == pytest.approx((-40, 20))
    assert (box(side, "front").get_y(), box(side, "front").get_height()) == pytest.approx((-25, 60))
    assert front.get_hatch() is None
    assert back.get_hatch() is not None


def test_the_drawing_explains_itself() -> None:
    above, side = draw_beam_line(make_setup()).axes
    assert {"MM1", "bend", "ecal front", "ecal back"} <= {text.get_text() for text in above.texts}
    legend = [text.get_text() for text in side.get_legend().get_texts()]
    assert legend[:3] == ["magnet", "tracker plane", "ecal"]
    assert "place or size assumed" in legend
    note = side.texts[-1].get_text()
    assert "2 published, 2 assumed, 1 geant4" in note
    assert "assumed place or size: 2 of 4" in note
    assert "3 T m" in note


@pytest.mark.parametrize("name", setup_names())
def test_names_in_the_drawing_do_not_overlap(name: str) -> None:
    setup = load_setup(name)
    figure = draw_beam_line(setup)
    above = figure.axes[0]
    labels = [text for text in above.texts if text.get_rotation() == 90]
    drawn = ", ".join(text.get_text() for text in labels)
    assert all(element.name in drawn for element in elements_of(setup))
    with mpl.rc_context(STYLE):  # "sans-serif" is another font elsewhere
        figure.canvas.draw()
        frame = above.get_window_extent()
        boxes = sorted((text.get_window_extent() for text in labels), key=lambda extent: extent.x0)
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
    assert all(frame.x0 < extent.x0 and extent.x1 < frame.x1 and extent.y1 < frame.y1 for extent in boxes)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=12), st.floats(0.1, 5))
def test_spread_keeps_order_and_distance(places: list[float], distance: float) -> None:
    wanted = np.sort(places)
    found = spread(wanted, distance)
    assert (np.diff(found) >= distance - 1e-9).all()
    assert found.mean() == pytest.approx(wanted.mean(), abs=1e-9)
    if (np.diff(wanted) >= distance).all():
        assert found == pytest.approx(wanted)


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_drawings_are_equal_for_equal_setups(ending: str, tmp_path: Path) -> None:
    first, second = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    draw_setup(make_setup(), first)
    draw_setup(make_setup(), second)
    assert first.stat().st_size > 1000
    assert first.read_bytes() == second.read_bytes()


def test_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end with one of \.png, \.pdf, \.svg"):
        draw_setup(make_setup(), tmp_path / "a.docx")
