"""From branches to arrays in our units and shapes, with answers worked out by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from datasets.config import ConfigError
from datasets.decode import HitArrays, Quantities, ReadError, available, decode, select_events
from datasets.layouts import Layout, load_layout
from datasets.setups import load_setup
from recon.geometry import Setup

Decode = Callable[..., Quantities]
Open = Callable[..., ak.Array]
LIGHT = 299.792458  # [mm/ns]

# Cell (section, x, y) of the small setup holds 100 section + 10 x + y.
CELLS = np.array([100 * s + 10 * x + y for s in range(2) for x in range(2) for y in range(3)], dtype=float)
CELLS_X_FASTEST = np.array(
    [100 * s + 10 * x + y for s in range(2) for y in range(3) for x in range(2)], dtype=float
)


# --- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        pytest.param("unit: MeV", [1500.0, 0.0], [1.5, 0.0], id="MeV"),
        pytest.param("unit: keV", [2e6, 0.0], [2.0, 0.0], id="keV"),
        pytest.param("unit: GeV, scale: 0.5", [3.0, 0.0], [1.5, 0.0], id="scale"),
        pytest.param("missing: [-999.0]", [1.0, -999.0], [1.0, np.nan], id="missing"),
        pytest.param("unit: MeV, missing: [-999.0, 0.0]", [-999.0, 0.0], [np.nan, np.nan], id="two-markers"),
        pytest.param("unit: MeV, missing: [-1.0]", [-1000.0, -1.0], [-1.0, np.nan], id="marker-before-unit"),
        pytest.param("", [np.nan, np.inf], [np.nan, np.inf], id="nan-stays"),
    ],
)
def test_number(
    decode_file: Decode, container: str, options: str, values: list[float], expected: list[float]
) -> None:
    found = decode_file(
        {"w": np.array(values)}, f"quantities: {{weight: {{branch: w, {options}}}}}", container
    )
    assert found.arrays["weight"] == pytest.approx(np.array(expected), nan_ok=True)


@pytest.mark.parametrize("marker", [-999.0, -999.9, 1e30], ids=["exact", "not-exact", "large"])
def test_marker_is_found_in_a_float32_branch(decode_file: Decode, marker: float) -> None:
    columns = {"w": np.array([1.0, marker], dtype=np.float32)}
    found = decode_file(columns, f"quantities: {{weight: {{branch: w, missing: [{marker!r}]}}}}")
    assert np.isnan(found.arrays["weight"]).tolist() == [False, True]


@pytest.mark.parametrize("dtype", ["uint32", "int32", "int64", "uint64"])
def test_whole_numbers_stay_whole(decode_file: Decode, dtype: str) -> None:
    found = decode_file({"r": np.array([3661, 7], dtype=dtype)}, "quantities: {run: {branch: r}}")
    assert found.arrays["run"].dtype == np.int64
    assert found.arrays["run"].tolist() == [3661, 7]


def test_whole_numbers_with_a_unit_or_a_marker_become_real(decode_file: Decode) -> None:
    columns = {"e": np.array([[1500, 2], [-1, 0]], dtype=np.int32)}
    found = decode_file(columns, "quantities: {srd_cell_energy: {branch: e, unit: MeV, missing: [-1.0]}}")
    expected = np.array([[1.5, 0.002], [np.nan, 0.0]])
    assert found.arrays["srd_cell_energy"] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{every: [a, b]}", [True, False, False, False], id="every"),
        pytest.param("{any: [a, b]}", [True, True, True, False], id="any"),
        pytest.param("{every: [b]}", [True, False, True, False], id="one"),
        pytest.param("{branch: a}", [True, True, False, False], id="branch"),
        pytest.param("{constant: true}", [True] * 4, id="constant"),
    ],
)
def test_flag(decode_file: Decode, container: str, text: str, expected: list[bool]) -> None:
    columns = {"a": np.array([True, True, False, False]), "b": np.array([True, False, True, False])}
    flag = decode_file(columns, f"quantities: {{trigger_is_physics: {text}}}", container).arrays[
        "trigger_is_physics"
    ]
    assert flag.dtype == np.bool_
    assert flag.tolist() == expected


def test_flags_of_counts(decode_file: Decode) -> None:
    columns = {"a": np.array([0, 2, 1], dtype=np.int32), "b": np.array([1, 1, 0], dtype=np.int32)}
    found = decode_file(columns, "quantities: {trigger_is_physics: {every: [a, b]}}")
    assert found.arrays["trigger_is_physics"].tolist() == [False, True, False]


def test_constant_number(decode_file: Decode) -> None:
    found = decode_file({"w": np.zeros(3)}, "quantities: {weight: {constant: 2.5}, run: {constant: 3661}}")
    assert found.arrays["weight"].tolist() == [2.5] * 3
    assert found.arrays["run"].tolist() == [3661] * 3
    assert found.arrays["run"].dtype == np.int64


def test_absent_branch_is_an_absent_quantity(decode_file: Decode) -> None:
    text = (
        "quantities: {run: {branch: r}, spill: {branch: gone}, trigger_is_physics: {any: [r, gone]},"
        " srd_section_energy: {stack: [r, gone]}}"
    )
    assert set(decode_file({"r": np.arange(2)}, text).arrays) == {"run"}


def test_jagged_branch_is_no_number(decode_file: Decode) -> None:
    columns = {"t": ak.Array([[1.0], [2.0, 3.0]])}
    with pytest.raises((ReadError, ConfigError), match="t"):
        decode_file(columns, "quantities: {master_time: {branch: t}}")


# --- cells -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "options"),
    [
        pytest.param(CELLS.reshape(2, 2, 3), "", id="array-section-x-y"),
        pytest.param(CELLS, "", id="flat"),
        pytest.param(CELLS, "shape: [2, 2, 3]", id="flat-with-shape"),
        pytest.param(CELLS_X_FASTEST, "shape: [2, 2, 3], fastest: x", id="flat-x-fastest"),
        pytest.param(CELLS[::-1].copy(), "take: [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]", id="take-reorders"),
        pytest.param(np.append(CELLS, -5.0), "take: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]", id="take-drops"),
    ],
)
def test_cells_come_section_by_section_y_fastest(
    decode_file: Decode, container: str, cells: np.ndarray, options: str
) -> None:
    columns = {"c": np.stack([cells, 2 * cells])}
    text = f"quantities: {{ecal_cell_energy: {{branch: c, unit: MeV, {options}}}}}"
    found = decode_file(columns, text, container).arrays["ecal_cell_energy"]
    assert found.shape == (2, 12)
    assert found == pytest.approx(np.stack([CELLS, 2 * CELLS]) * 1e-3)


def test_views_of_the_setup_see_cell_x_y(decode_file: Decode, setup: Setup) -> None:
    text = "quantities: {ecal_cell_energy: {branch: c, shape: [2, 2, 3], fastest: x}}"
    cells = decode_file({"c": CELLS_X_FASTEST[None]}, text).arrays["ecal_cell_energy"]
    for s, (_, view) in enumerate(setup.detectors["ecal"].views(cells)):
        assert all(view[0, x, y] == 100 * s + 10 * x + y for x in range(2) for y in range(3))


@pytest.mark.parametrize("fastest", ["x", "y"])
def test_vectors_of_one_length_are_cells(decode_file: Decode, fastest: str) -> None:
    cells = CELLS if fastest == "y" else CELLS_X_FASTEST
    columns = {"c": ak.Array([list(cells), list(3 * cells)])}
    text = f"quantities: {{ecal_cell_energy: {{branch: c, shape: [2, 2, 3], fastest: {fastest}}}}}"
    assert (decode_file(columns, text).arrays["ecal_cell_energy"] == [CELLS, 3 * CELLS]).all()


def test_stack_is_one_value_per_section(decode_file: Decode, container: str) -> None:
    columns = {"s0": np.array([1.0, 2.0]), "s1": np.array([3.0, -1.0])}
    text = "quantities: {srd_section_energy: {stack: [s1, s0], unit: MeV, missing: [-1.0]}}"
    found = decode_file(columns, text, container).arrays["srd_section_energy"]
    assert found == pytest.approx(np.array([[3e-3, 1e-3], [np.nan, 2e-3]]), nan_ok=True)


def test_detector_that_the_setup_lacks_is_left_out(decode_file: Decode) -> None:
    found = decode_file({"c": np.zeros((2, 9))}, "quantities: {vhcal_cell_energy: {branch: c}}")
    assert dict(found.arrays) == {}
    assert found.n_events == 2


@pytest.mark.parametrize(
    ("name", "n_values", "expected"),
    [
        pytest.param("ecal_cell_energy", 11, 12, id="too-few"),
        pytest.param("ecal_cell_energy", 24, 12, id="too-many"),
        pytest.param("ecal_cell_time", 11, 12, id="times"),
        pytest.param("ecal_section_energy", 3, 2, id="sections"),
    ],
)
def test_wrong_number_of_cells_names_the_detector(
    decode_file: Decode, name: str, n_values: int, expected: int
) -> None:
    message = rf"'{name}' has {n_values} values per event, detector 'ecal' .*{expected}.*--setup or --layout"
    with pytest.raises(ConfigError, match=message):
        decode_file({"c": np.zeros((2, n_values))}, f"quantities: {{{name}: {{branch: c}}}}")


def test_wrong_number_of_cells_names_the_setup(decode_file: Decode) -> None:
    with pytest.raises(ConfigError, match=r"setup.*'small'|'small'.*setup"):
        decode_file({"c": np.zeros((2, 11))}, "quantities: {ecal_cell_energy: {branch: c}}")


def test_cells_in_another_shape_than_the_grid_are_refused(decode_file: Decode) -> None:
    with pytest.raises(ConfigError, match="ecal"):
        decode_file({"c": np.zeros((2, 2, 3, 2))}, "quantities: {ecal_cell_energy: {branch: c}}")


def test_branch_that_is_not_as_its_layout_says(decode_file: Decode) -> None:
    text = "quantities: {ecal_cell_energy: {branch: c, shape: [2, 2, 3], fastest: x}}"
    with pytest.raises(ReadError, match=r"'c' has 13 values, its layout says \(2, 2, 3\)"):
        decode_file({"c": np.zeros((2, 13))}, text)


def test_unequal_numbers_of_cells_are_a_read_error(decode_file: Decode) -> None:
    columns = {"c": ak.Array([[0.0] * 12, [0.0] * 11])}
    with pytest.raises(ReadError, match="'c' should hold the same number of cells in each event"):
        decode_file(columns, "quantities: {ecal_cell_energy: {branch: c}}")


def test_take_beyond_the_branch_is_told(decode_file: Decode) -> None:
    with pytest.raises((ReadError, ConfigError), match="c"):
        decode_file({"c": np.zeros((2, 2))}, "quantities: {srd_cell_energy: {branch: c, take: [0, 2]}}")


@pytest.mark.parametrize(
    "columns", [{"c": np.zeros((0, 12))}, {"c": np.zeros((0, 2, 2, 3))}], ids=["flat", "3d"]
)
def test_no_events_of_arrays(decode_file: Decode, columns: dict[str, Any]) -> None:
    found = decode_file(columns, "quantities: {ecal_cell_energy: {branch: c}}")
    assert found.n_events == 0
    assert found.arrays["ecal_cell_energy"].shape == (0, 12)


@pytest.mark.parametrize(
    "options", ["", ", shape: [2, 2, 3], fastest: x", ", take: [11, 1]"], ids=["plain", "x-fastest", "take"]
)
def test_no_events_of_vectors(
    write: Callable[..., Path],
    make_layout: Callable[[str], Layout],
    open_events: Open,
    setup: Setup,
    options: str,
) -> None:
    name = "srd_cell_energy" if "take" in options else "ecal_cell_energy"
    layout = make_layout(f"quantities: {{{name}: {{branch: c{options}}}}}")
    path = write({"c": ak.Array([[0.0] * 12])})
    found = decode(open_events(path, layout, entry_start=0, entry_stop=0), layout, setup)
    assert found.n_events == 0
    assert found.arrays[name].shape == (0, 2 if "take" in options else 12)


# --- listed cells ----------------------------------------------------------------------------------

SPARSE = """
collections:
  d: {det: det, section: s, x: x, y: y, e: e, t: t}
quantities:
  ecal_cell_energy: {collection: d, where: {det: 1}, value: e, unit: MeV}
  ecal_cell_time: {collection: d, where: {det: 1}, value: t, weight: e, unit: ns}
"""


def listed(*events: list[tuple[int, int, int, int, float, float]]) -> dict[str, ak.Array]:
    """Return columns of events that list (detector, section, x, y, energy, time)."""
    names = ("det", "s", "x", "y", "e", "t")
    flat = list(zip(*[row for event in events for row in event], strict=True)) or [()] * len(names)
    kinds = (np.int32,) * 4 + (np.float64,) * 2
    counts = np.array([len(event) for event in events], dtype=np.int64)
    return {
        name: ak.unflatten(np.array(values, dtype=kind), counts)
        for name, values, kind in zip(names, flat, kinds, strict=True)
    }


def test_listed_cells_add_up(decode_file: Decode, container: str) -> None:
    columns = listed(
        [
            (1, 0, 1, 2, 100.0, 2.0),
            (1, 1, 0, 0, 40.0, 7.0),
            (1, 0, 1, 2, 300.0, 6.0),
            (0, 0, 1, 2, 999.0, 99.0),
        ],
        [],
        [(1, 1, 1, 2, 5.0, 1.0)],
    )
    found = decode_file(columns, SPARSE, container).arrays
    energy = np.zeros((3, 12))
    energy[0, 5], energy[0, 6], energy[2, 11] = 0.4, 0.04, 0.005  # 0*6 + 1*3 + 2; 6 + 0; 6 + 1*3 + 2
    assert found["ecal_cell_energy"] == pytest.approx(energy)
    time = np.full((3, 12), np.nan)
    time[0, 5], time[0, 6], time[2, 11] = 5.0, 3.0, -3.0  # (100*2 + 300*6) / 400; offset 4 ns of section 1
    assert found["ecal_cell_time"] == pytest.approx(time, nan_ok=True)


def test_order_of_listed_cells_does_not_matter(decode_file: Decode) -> None:
    rows = [(1, i % 2, i % 2, i % 3, float(i + 1), float(i)) for i in range(12)]
    one, two = (decode_file(listed(r), SPARSE).arrays for r in (rows, rows[::-1]))
    for name, values in one.items():
        assert values == pytest.approx(two[name], nan_ok=True), name


def test_other_detectors_leave_the_cells_empty(decode_file: Decode) -> None:
    found = decode_file(listed([(0, 0, 0, 0, 1.0, 1.0)], [(9, 9, 9, 9, 1.0, 1.0)]), SPARSE).arrays
    assert not found["ecal_cell_energy"].any()
    assert np.isnan(found["ecal_cell_time"]).all()


def test_cell_without_energy_has_no_time(decode_file: Decode) -> None:
    found = decode_file(listed([(1, 0, 0, 0, 0.0, 3.0)]), SPARSE).arrays
    assert np.isnan(found["ecal_cell_time"]).all()


@pytest.mark.parametrize(
    "cell", [(2, 0, 0), (-1, 0, 0), (0, 2, 0), (0, -1, 0), (0, 0, 3), (1, 0, -1)], ids=lambda cell: str(cell)
)
def test_cell_that_the_detector_lacks_is_a_read_error(
    decode_file: Decode, cell: tuple[int, int, int]
) -> None:
    good = (1, 0, 0, 0, 1.0, 0.0)
    with pytest.raises(ReadError, match=r"'d' lists cells that detector 'ecal' .*does not have"):
        decode_file(listed([good], [good, (1, *cell, 1.0, 0.0)]), SPARSE)


@pytest.mark.parametrize("columns", [listed(), listed([], [])], ids=["no-events", "empty-events"])
def test_nothing_listed(decode_file: Decode, columns: dict[str, ak.Array]) -> None:
    found = decode_file(columns, SPARSE)
    assert found.arrays["ecal_cell_energy"].shape == (found.n_events, 12)
    assert not found.arrays["ecal_cell_energy"].any()


def test_collection_of_one_detector_needs_no_selection(decode_file: Decode) -> None:
    text = SPARSE.replace("where: {det: 1}", "where: {}")
    found = decode_file(listed([(1, 0, 0, 0, 1000.0, 3.0), (7, 1, 1, 2, 2000.0, 3.0)]), text).arrays
    assert found["ecal_cell_energy"][0, [0, 11]].tolist() == [1.0, 2.0]


def test_collection_without_times_gives_energies(decode_file: Decode) -> None:
    columns = listed([(1, 0, 0, 0, 1000.0, 3.0)])
    del columns["t"]
    found = decode_file(columns, SPARSE).arrays
    assert set(found) == {"ecal_cell_energy"}
    assert found["ecal_cell_energy"][0, 0] == 1.0


# --- times -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "master", "first", "second"),
    [
        pytest.param("", None, 10.0, 6.0, id="absolute"),
        pytest.param("", [200.0, np.nan], -190.0, -194.0, id="master-time"),
        pytest.param("time_of_flight: true", None, 10.0 - 3000 / LIGHT, 6.0 - 6000 / LIGHT, id="flight"),
        pytest.param(
            "time_of_flight: true",
            [2.0, np.nan],
            8.0 - 3000 / LIGHT,
            4.0 - 6000 / LIGHT,
            id="flight-and-master",
        ),
    ],
)
def test_times_are_relative(
    decode_file: Decode, extra: str, master: list[float] | None, first: float, second: float
) -> None:
    columns = {"t": np.full((2, 12), 10.0)}
    text = "quantities: {ecal_cell_time: {branch: t, unit: ns}%s}\n%s"
    if master is not None:
        columns["m"] = np.array(master)
    found = decode_file(columns, text % (", master_time: {branch: m, unit: ns}" if master else "", extra))
    time = found.arrays["ecal_cell_time"]
    assert time[0] == pytest.approx([first] * 6 + [second] * 6)
    assert np.isnan(time[1]).all() == (master is not None)  # no master time, no time


# --- hits ------------------------------------------------------------------------------------------

COLLECTED = """
collections: {c: {plane: p, x: px, y: py, pdg: pdg}}
hits: {collection: c, pdg: pdg, names: {1: MM1, 2: MM2, 5: GEM1}, unit: cm}
"""


def test_hits_of_a_collection(decode_file: Decode, container: str) -> None:
    columns = {
        "p": ak.Array([[2, 1, 2, 5], [], [1, 1, 7]]),
        "px": ak.Array([[1.0, 2.0, 3.0, 4.0], [], [5.0, 6.0, 7.0]]),
        "py": ak.Array([[-1.0, -2.0, -3.0, -4.0], [], [-5.0, -6.0, -7.0]]),
        "pdg": ak.Array([[11, -11, 22, 11], [], [2112, 13, 13]]),
    }
    hits = decode_file(columns, COLLECTED, container).hits["incoming"]
    assert hits.offsets.tolist() == [0, 2, 2, 3]  # no photon, no neutron, no plane 5 (not in the setup) or 7
    assert hits.plane.tolist() == [1, 0, 0]
    assert hits.x.tolist() == [10.0, 20.0, 60.0]  # mm
    assert hits.y.tolist() == [-10.0, -20.0, -60.0]


@pytest.mark.parametrize(
    ("pdg", "is_seen"),
    [
        *((pdg, True) for pdg in (11, -11, 13, 211, -2212, 321)),
        *((pdg, False) for pdg in (22, 2112, -2112, 12, -14, 130, 111)),
    ],
)
def test_neutral_particles_leave_no_hit(decode_file: Decode, pdg: int, is_seen: bool) -> None:
    columns = {"p": [[1]], "px": [[0.0]], "py": [[0.0]], "pdg": [[pdg]]}
    hits = decode_file({name: ak.Array(values) for name, values in columns.items()}, COLLECTED).hits[
        "incoming"
    ]
    assert len(hits.x) == is_seen


def test_hits_of_branches_by_plane(decode_file: Decode, container: str) -> None:
    columns = {
        "x1": ak.Array([[1.0, 2.0], [3.0], []]),
        "y1": ak.Array([[4.0], [5.0, 6.0], [7.0]]),
        "x2": ak.Array([[8.0], [], [9.0, 10.0]]),
        "y2": ak.Array([[11.0], [], [12.0, 13.0]]),
    }
    text = "hits: {planes: {MM2: [x2, y2], MM1: [x1, y1], GEM1: [x1, y2]}}"
    hits = decode_file(columns, text, container).hits["incoming"]
    assert hits.offsets.tolist() == [0, 2, 3, 5]
    rows = list(zip(hits.plane.tolist(), hits.x.tolist(), hits.y.tolist(), strict=True))
    assert sorted(rows[:2]) == [(0, 1.0, 4.0), (1, 8.0, 11.0)]
    assert rows[2:3] == [(0, 3.0, 5.0)]
    assert sorted(rows[3:]) == [(1, 9.0, 12.0), (1, 10.0, 13.0)]


def test_planes_that_the_setup_lacks_give_no_hits(decode_file: Decode) -> None:
    columns = {"x": ak.Array([[1.0], []]), "y": ak.Array([[1.0], []])}
    hits = decode_file(columns, "hits: {planes: {GEM1: [x, y]}}").hits["incoming"]
    assert len(hits.x) == 0
    assert hits.offsets.tolist() == [0, 0, 0]


def test_planes_that_the_setup_lacks_need_no_branches(decode_file: Decode) -> None:
    columns = {"x": ak.Array([[1.0], []]), "y": ak.Array([[2.0], []])}
    hits = decode_file(columns, "hits: {planes: {MM1: [x, y], GEM1: [gone, lost]}}").hits["incoming"]
    assert hits.x.tolist() == [1.0]
    assert hits.offsets.tolist() == [0, 1, 1]


def test_no_events_have_no_hits(decode_file: Decode) -> None:
    none = ak.unflatten(np.zeros(0), np.zeros(0, dtype=np.int64))
    hits = decode_file({"x": none, "y": none}, "hits: {planes: {MM1: [x, y]}}").hits["incoming"]
    assert hits.offsets.tolist() == [0]


def test_absent_hit_branches_are_no_hits_at_all(decode_file: Decode) -> None:
    columns = {"x": ak.Array([[1.0], []])}
    assert decode_file(columns, "hits: {planes: {MM1: [x, gone]}}").hits == {}


# --- choosing --------------------------------------------------------------------------------------


def test_select_events() -> None:
    hits = HitArrays(np.array([0, 1, 1, 0]), np.arange(4.0), -np.arange(4.0), np.array([0, 1, 1, 3, 4]))
    jagged = ak.Array([[1], [], [2, 3], [4]])
    whole = Quantities(4, {"a": np.arange(8).reshape(4, 2), "j": jagged}, {"incoming": hits})
    part = select_events(whole, np.array([False, True, True, False]))
    assert part.n_events == 2
    assert part.arrays["a"].tolist() == [[2, 3], [4, 5]]
    assert part.arrays["j"].to_list() == [[], [2, 3]]
    assert part.hits["incoming"].offsets.tolist() == [0, 0, 2]
    assert part.hits["incoming"].x.tolist() == [1.0, 2.0]
    assert part.hits["incoming"].plane.tolist() == [1, 1]


@pytest.mark.parametrize("kept", [True, False], ids=["all", "none"])
def test_select_all_or_none(kept: bool) -> None:
    hits = HitArrays(np.array([0, 1]), np.zeros(2), np.zeros(2), np.array([0, 1, 2]))
    part = select_events(Quantities(2, {"a": np.arange(2)}, {"incoming": hits}), np.full(2, kept))
    assert (part.n_events, len(part.arrays["a"]), len(part.hits["incoming"].x)) == (
        (2,) * 3 if kept else (0,) * 3
    )
    assert part.hits["incoming"].offsets.tolist() == ([0, 1, 2] if kept else [0])


def test_available() -> None:
    layout = load_layout("geant4_sim")
    branches = set(layout.branches())
    every = {*layout.quantities, *layout.truth, "hits"}
    assert available(layout, branches) == every
    times = {f"{d}_cell_time" for d in ("srd", "ecal", "veto", "hcal")}
    assert every - available(layout, branches - {"hit_t"}) == times
    assert every - available(layout, branches - {"trk_pdg"}) == {"hits"}
    assert available(load_layout("columns"), {"ecal_energy", "mine"}) == {"ecal_energy"}


# --- files of others -------------------------------------------------------------------------------


def test_p348reco_sums_are_its_own(samples: Path, open_events: Open) -> None:
    path, layout = samples / "p348reco_tree.root", load_layout("p348reco")
    found = decode(open_events(path, layout), layout, load_setup("na64e_2018"))
    with uproot.open(path) as file:
        own = file["tree"].arrays(
            ["ecal0", "ecal1", "ecalTotal", "hcal0", "hcal3", "srdTotal", "SRD_ene", "masterTime"],
            library="np",
        )
    sections = found.arrays["ecal_cell_energy"].reshape(-1, 2, 36).sum(axis=2)
    assert found.n_events == 2250
    assert sections[:, 0] == pytest.approx(own["ecal0"], rel=1e-9, abs=1e-9)
    assert sections[:, 1] == pytest.approx(own["ecal1"], rel=1e-9, abs=1e-9)
    assert sections.sum(axis=1) == pytest.approx(own["ecalTotal"], rel=1e-9, abs=1e-9)
    assert found.arrays["hcal_section_energy"][:, [0, 3]] == pytest.approx(
        np.stack([own["hcal0"], own["hcal3"]], axis=1)
    )
    srd = found.arrays["srd_cell_energy"]
    assert srd.shape == (2250, 3)
    assert srd.sum(axis=1) == pytest.approx(own["srdTotal"], rel=1e-9, abs=1e-12)
    assert (found.arrays["run"] == 3661).all()


def test_p348reco_times_are_around_the_master_time(samples: Path, open_events: Open) -> None:
    layout, setup = load_layout("p348reco"), load_setup("na64e_2018")
    found = decode(open_events(samples / "p348reco_tree.root", layout), layout, setup).arrays
    assert found["master_time"] == pytest.approx(200.0, abs=10)
    assert np.median(found["ecal_cell_time"]) == pytest.approx(0.0, abs=5)


def test_ana_tree_sums_are_its_own(samples: Path, open_events: Open, muon_setup: Setup) -> None:
    path, layout = samples / "ana_tree.root", load_layout("ana_tree")
    found = decode(open_events(path, layout), layout, muon_setup).arrays
    with uproot.open(path) as file:
        own = file["ana_tree"].arrays(["ECALtot", "VHCALtot", "HCAL0tot", "HCAL1tot"], library="np")
    assert found["ecal_cell_energy"].sum(axis=1) == pytest.approx(own["ECALtot"], rel=1e-6, abs=1e-6)
    assert found["vhcal_cell_energy"].sum(axis=1) == pytest.approx(own["VHCALtot"], rel=1e-6, abs=1e-6)
    modules = found["hcal_cell_energy"].reshape(-1, 2, 18).sum(axis=2)
    assert modules[:, 0] == pytest.approx(own["HCAL0tot"], rel=1e-6, abs=1e-6)
    assert modules[:, 1] == pytest.approx(own["HCAL1tot"], rel=1e-6, abs=1e-6)


def test_ana_tree_cells_have_x_fastest(samples: Path, open_events: Open, muon_setup: Setup) -> None:
    path, layout = samples / "ana_tree.root", load_layout("ana_tree")
    found = decode(open_events(path, layout), layout, muon_setup).arrays
    with uproot.open(path) as file:
        flat = np.stack(file["ana_tree"]["ECALenergy"].array(library="np", entry_stop=20).tolist())
        hcal = np.stack(file["ana_tree"]["HCALenergy"].array(library="np", entry_stop=20).tolist())
    ecal = found["ecal_cell_energy"][:20].reshape(20, 5, 6)
    assert (ecal[:, 3, 2] == flat[:, 3 + 5 * 2]).all()
    assert (found["hcal_cell_energy"][:20].reshape(20, 2, 6, 3)[:, 1, 4, 2] == hcal[:, 4 + 6 * 2 + 18]).all()


def test_ana_tree_hits_are_those_of_its_branches(samples: Path, open_events: Open, muon_setup: Setup) -> None:
    path, layout = samples / "ana_tree.root", load_layout("ana_tree")
    hits = decode(open_events(path, layout), layout, muon_setup).hits["incoming"]
    with uproot.open(path) as file:
        x, y = (file["ana_tree"][f"MM5{axis}"].array() for axis in "xy")
    pairs = np.minimum(ak.num(x), ak.num(y))
    assert np.count_nonzero(hits.plane == 4) == ak.sum(pairs)
    event = np.repeat(np.arange(len(x)), np.diff(hits.offsets))[hits.plane == 4]
    assert (np.bincount(event, minlength=len(x)) == ak.to_numpy(pairs)).all()
    own = x[ak.local_index(x) < pairs] - layout.hits.beam["MM5"][0]  # to where the setup has the beam: 0
    assert hits.x[hits.plane == 4].sum() == pytest.approx(ak.sum(own))


def test_geant4_energies_are_those_of_the_hits(samples: Path, open_events: Open) -> None:
    path, layout = samples / "geant4" / "pions_100gev.root", load_layout("geant4_sim")
    found = decode(open_events(path, layout), layout, load_setup("geant4_sample")).arrays
    with uproot.open(path) as file:
        tree = file["sim"].arrays(["hit_det", "hit_e"])
    for number, name in enumerate(("srd", "ecal", "veto", "hcal")):
        expected = ak.to_numpy(ak.sum(tree["hit_e"][tree["hit_det"] == number], axis=1))
        assert found[f"{name}_cell_energy"].sum(axis=1) == pytest.approx(expected, rel=1e-5, abs=1e-9), name


@pytest.mark.parametrize(
    ("dx", "dy", "second"), [(0, 0, None), (19, 0, (4, 3)), (0, 19, (3, 4))], ids=["centre", "x", "y"]
)
def test_geant4_cells_lie_where_the_beam_does(
    samples: Path, open_events: Open, dx: int, dy: int, second: tuple[int, int] | None
) -> None:
    path, layout = samples / "geant4" / "electron_impact_scan.root", load_layout("geant4_sim")
    found = decode(open_events(path, layout), layout, load_setup("geant4_sample")).arrays
    here = np.isclose(found["truth_x"], dx, atol=0.5) & np.isclose(found["truth_y"], dy, atol=0.5)
    assert np.count_nonzero(here) == 60
    cells = found["ecal_cell_energy"][here].reshape(-1, 2, 6, 6).sum(axis=1).mean(axis=0)
    share = cells / cells.sum()
    if second is None:
        assert share[3, 3] == pytest.approx(0.8375, abs=0.01)
    else:
        assert share[second] == pytest.approx(share[3, 3], rel=0.15)  # 0.1 mm before the edge
        assert share[second] > 0.4


def test_geant4_times_are_around_zero(samples: Path, open_events: Open) -> None:
    layout = load_layout("geant4_sim")
    events = open_events(samples / "geant4" / "muons_100gev.root", layout)
    found = decode(events, layout, load_setup("geant4_sample")).arrays
    for name in ("ecal", "veto", "hcal"):  # these muons pass beside the SRD
        assert np.nanmedian(found[f"{name}_cell_time"]) == pytest.approx(0.0, abs=2.0), name


def test_damaged_basket_is_a_read_error_that_names_the_field(
    samples: Path, tmp_path: Path, open_events: Open
) -> None:
    whole = samples / "p348reco_tree.root"
    with uproot.open(whole) as file:
        branch = file["tree"]["ECAL_ene"]
        start, length = int(branch.member("fBasketSeek")[0]), int(branch.member("fBasketBytes")[0])
    content = bytearray(whole.read_bytes())
    content[start + 80 : start + length] = bytes(length - 80)
    path = tmp_path / "damaged.root"
    path.write_bytes(content)
    layout = load_layout("p348reco")
    with pytest.raises(ReadError, match="cannot read 'ecal_cell_energy'"):
        decode(open_events(path, layout), layout, load_setup("na64e_2018"))
