"""`na64 limit --model visible`: bands of projections, of closed and of opened data, of one setup and two."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from datasets.setups import load_setup
from limits.visible import dense_target, visible_yield
from na64.limit.tables import BAND_NAMES
from na64.plotting import style
from tests.na64.test_background import make_run
from tests.na64.test_limit import OPEN

Call = Callable[..., Any]
EFFICIENCY = {"na64vis_2017": 0.25, "na64vis_2018": 0.5}
ASSUMED = ["--assume-background", "0.5:0.3:0.9"]


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out, which take most of the time."""
    monkeypatch.setattr("na64.commands.limit_visible.plot_visible", lambda *_: None)


def set_box(run: Path, events: float | None) -> Path:
    """Write the events of the signal box into a run directory."""
    path = run / "cutflow.json"
    cutflow = json.loads(path.read_text())
    for dataset in cutflow["datasets"].values():
        dataset["regions"] = [{"name": "signal_box", "events": events}]
    path.write_text(json.dumps(cutflow))
    return run


def make_signal(path: Path, setup: str = "na64vis_2017", mass: float = 0.01, **changes: Any) -> Path:
    """Write a run of 100 A' in the box, with the efficiency of its setup."""
    expected = visible_yield(dense_target(load_setup(setup)), mass, 1e-4)
    row = {"name": "visible_dark_photon", "trigger": "physics", "parameters": {"mass": mass, "epsilon": 1e-4}}
    parent = {"eot": 100 / EFFICIENCY[setup] / expected, "processes": [row]}
    inputs = [{"dataset": "visible_dark_photon", "parent": parent}]
    given = {"inputs": inputs, "setup": setup, "analysis": "visible", **changes}
    return set_box(make_run(path, [], [], process="visible_dark_photon", **given), 100)


def make_data(
    path: Path, setup: str = "na64vis_2017", eot: float = 5.4e10, box: float | None = None, **changes: Any
) -> Path:
    """Write a run of data, whose box has the events of `box`."""
    inputs = [{"dataset": "data", "digest": {"algorithm": "sha256", "value": path.name, "scope": "quick"}}]
    given = {
        "setup": setup,
        "analysis": "visible",
        "exposure": {"eot_used": eot},
        "inputs": inputs,
        **changes,
    }
    return set_box(make_run(path, [], [], **given), box)


def words_of(out: Path, *more: Any) -> list[Any]:
    return ["limit", "--model", "visible", "--toys", "1000", "-o", out, "--overwrite", *more]


def read(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "limits.json").read_text())
    return found


def read_submission(out: Path) -> tuple[list[float], dict[str, list[float | str]], dict[str, Any]]:
    """Return masses [MeV], columns and qualifiers of the table that submission.yaml names."""
    first, about, other = yaml.safe_load_all((out / "hepdata" / "submission.yaml").read_text())
    assert "e+ e-" in first["comment"]
    assert "e- of 100 GeV" in first["comment"]
    efficiency = yaml.safe_load((out / "hepdata" / other["data_file"]).read_text())
    values = [row["value"] for column in efficiency["dependent_variables"] for row in column["values"]]
    assert values
    assert all(0 < value <= 1 for value in values)
    table = yaml.safe_load((out / "hepdata" / about["data_file"]).read_text())
    (mass,), columns = table["independent_variables"], table["dependent_variables"]
    assert (mass["header"]["units"], about["data_file"]) == ("MeV", "band.yaml")
    qualifiers = {q["name"]: q["value"] for column in columns for q in column["qualifiers"]}
    values = {c["header"]["name"]: [row["value"] for row in c["values"]] for c in columns}
    return [row["value"] for row in mass["values"]], values, qualifiers


def read_model(out: Path) -> tuple[Any, list[float]]:
    """Return the model of the workspace and the events that it has as seen."""
    pyhf = pytest.importorskip("pyhf")
    workspace = pyhf.Workspace(json.loads((out / "workspace.json").read_text()))
    model = workspace.model()
    return model, workspace.data(model, include_auxdata=False)


def test_projection_of_one_setup_needs_no_runs(na64: Call, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = na64(*words_of(out, "--projection", "5.4e10", "--grid", "10,40", "--overlay", "na64_visible_2017"))
    assert told.status == 0, told.err
    light, heavy = read(out)["points"]
    assert light["expected"]["lower"] < light["expected"]["upper"]
    assert heavy["expected"] == {"lower": None, "upper": None}
    assert light["observed"] is None
    assert set(light["expected_band"]) == set(heavy["expected_band"]) == set(BAND_NAMES)
    assert all(edges == light["expected"] for edges in light["expected_band"].values())
    assert all(edges == heavy["expected"] for edges in heavy["expected_band"].values())
    masses, columns, qualifiers = read_submission(out)
    assert masses == [10, 40]
    assert columns["epsilon, expected, median, lower edge"][0] == pytest.approx(
        light["expected"]["lower"], rel=1e-3
    )
    assert {column[1] for column in columns.values()} == {"-"}
    assert qualifiers == {"CL": "90%", "particles on target, na64vis_2017": 5.4e10}
    assert (out / "plots" / "band.png").exists()
    assert "the efficiency is assumed to be 0.6" in told.out
    assert "expected lower and upper edge over na64_visible_2017" in told.out


def test_an_empty_band_is_drawn_too(na64: Call, tmp_path: Path) -> None:
    told = na64(*words_of(tmp_path / "out", "--projection", "5.4e10", "--grid", "40"))
    assert (told.status, told.out.count("nothing")) == (0, 1)
    assert (tmp_path / "out" / "plots" / "band.png").exists()


@pytest.mark.parametrize("mass", ["1", "1.02199790"])
def test_masses_that_do_not_decay_make_no_band(na64: Call, tmp_path: Path, mass: str) -> None:
    out = tmp_path / "out"
    words = words_of(out, "--projection", "5.4e10", "--grid")
    told = na64(*words, f"{mass},10")
    assert (told.status, out.exists()) == (2, False)
    assert f"--grid has {float(mass):g} MeV" in told.err
    assert "above 1.022 MeV alone" in told.err
    assert na64(*words, "1.023,10").status == 0
    told = na64(*words, "10,2000")
    assert "--grid has 2000 MeV, and the cross section is known up to 1000 MeV" in told.err


@pytest.mark.usefixtures("without_figures")
def test_band_has_the_efficiency_of_its_signals(
    na64: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shifts = {"light": ((0.1, 0.2), (0.0, 0.0)), "heavy": ((0.3, 0.2), (0.0, 0.1))}
    monkeypatch.setattr(
        "na64.limit.visible.shifts_of", lambda run, _: shifts.get(run.path.name, ((0, 0),) * 2)
    )
    out, signal = tmp_path / "out", make_signal(tmp_path / "signal")
    words = words_of(out, "--projection", "5.4e10", "--grid", "10,20")
    told = na64(*words, "--signal", signal)
    assert told.status == 0, told.err
    (setup,) = read(out)["setups"]
    assert setup["efficiency"] == [[0.01, 1e-4, pytest.approx(0.25)]]
    assert setup["efficiency_error"] == pytest.approx(0.1)
    assert "beyond the simulated masses the efficiency is that of the nearest" in told.out
    assert setup["efficiency_shifts"] == {"scale": [0.0, 0.0], "selection": [0.0, 0.0]}
    with_signal = read(out)["points"][0]["expected"]
    assert na64(*words, "--assume-efficiency", "0.25").status == 0
    without = read(out)["points"][0]["expected"]  # the signal's error of 10% is all that differs
    assert with_signal["lower"] == pytest.approx(without["lower"], rel=0.02)
    both = [make_signal(tmp_path / name, mass=mass) for name, mass in (("light", 0.005), ("heavy", 0.02))]
    assert na64(*words, *[word for signal in both for word in ("--signal", signal)]).status == 0
    found = read(out)["setups"][0]["efficiency_shifts"]
    assert found == {"scale": pytest.approx([0.2, 0.2]), "selection": pytest.approx([0.0, 0.05])}


@pytest.mark.usefixtures("without_figures")
def test_closed_data_have_an_expected_band_alone(na64: Call, tmp_path: Path) -> None:
    """What a closed run may hold of its box does not matter."""
    signal = make_signal(tmp_path / "signal")
    found = []
    for box in (None, 7):
        out = tmp_path / f"out_{box}"
        data = make_data(tmp_path / str(box) / "data", box=box)
        told = na64(*words_of(out, "--runs", data, "--signal", signal, "--grid", "10", *ASSUMED))
        assert told.status == 0, told.err
        assert "blinded: expected band only" in told.out
        content = read(out)
        assert content["blinding"]["state"] == "closed"
        assert content["setups"][0]["runs"][0]["observed"] is None
        files = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        files.pop(Path("limits.json"))
        content.pop("inputs")  # their digests
        found.append((told.out.replace(str(out), ""), content, files))
        assert read_model(out)[1] == [0.5]
        assert len(columns := read_submission(out)[1]) == 10
        assert not any("observed" in name for name in columns)
    assert found[0] == found[1]
    assert {str(path) for path in found[0][2]} == {
        "limits.txt", "limits.csv", "workspace.json", "hepdata/submission.yaml", "hepdata/band.yaml",
            "hepdata/efficiency.yaml",
    }  # fmt: skip
    (row,) = csv.DictReader((out / "limits.csv").read_text().splitlines())
    assert (float(row["eps_expected_lower"]) > 0, row["eps_observed_lower"]) == (True, "")
    lower, upper = (
        [float(row[f"eps_expected{place}_{end}"]) for place in ("_minus_1_sigma", "", "_plus_2_sigma")]
        for end in ("lower", "upper")
    )
    assert lower == sorted(lower)
    assert upper == sorted(upper, reverse=True)
    assert lower[2] > 1.2 * lower[0]


def test_opened_data_of_two_setups_have_an_observed_band(na64: Call, tmp_path: Path) -> None:
    """Runs of a setup are summed; what is seen makes the observed band narrower than the expected one."""
    signals = [make_signal(tmp_path / f"signal_{name}", name) for name in EFFICIENCY]
    shared = [word for signal in signals for word in ("--signal", signal)]
    out, widths = tmp_path / "out", list[float]()
    for box in (0, 3):
        runs = [
            make_data(tmp_path / f"{box}" / name, setup, eot, events, **OPEN)
            for name, setup, eot, events in (
                ("a", "na64vis_2017", 2e10, box), ("b", "na64vis_2017", 3.4e10, 0),
                ("c", "na64vis_2018", 3e10, box),
            )
        ]  # fmt: skip
        given = [word for run in runs for word in ("--runs", run)]
        told = na64(*words_of(out, *given, *shared, "--grid", "10", *ASSUMED))
        assert told.status == 0, told.err
        content = read(out)
        assert [setup["name"] for setup in content["setups"]] == list(EFFICIENCY)
        assert [run["observed"] for setup in content["setups"] for run in setup["runs"]] == [box, 0, box]
        (point,) = content["points"]
        widths.append(point["observed"]["upper"] / point["observed"]["lower"])
        model, seen = read_model(out)
        assert dict(zip(model.config.channels, seen, strict=True)) == {"a": box, "b": 0, "c": box}
        _, columns, qualifiers = read_submission(out)
        for end in ("lower", "upper"):
            expected = pytest.approx([point["observed"][end]], rel=1e-3)
            assert columns[f"epsilon, observed, {end} edge"] == expected
        assert qualifiers == {
            "CL": "90%",
            "particles on target, na64vis_2017": 5.4e10,
            "particles on target, na64vis_2018": 3e10,
        }
        assert (
            f"c (na64vis_2018): 3e+10 particles on target, background 0.5 (0.3 to 0.9), {box} events"
            in told.out
        )
    assert widths[0] > 1.1 * widths[1]
    assert point["observed"]["lower"] > point["expected"]["lower"]
    assert point["observed"]["upper"] < point["expected"]["upper"]
    first = visible_yield(dense_target(load_setup("na64vis_2017")), 0.01, point["expected"]["lower"])
    second = visible_yield(dense_target(load_setup("na64vis_2018")), 0.01, point["expected"]["lower"])
    assert 2 < 5.4e10 * 0.25 * first + 3e10 * 0.5 * second < 6


@pytest.mark.usefixtures("without_figures")
def test_projection_of_two_setups_is_wider_than_that_of_each(na64: Call, tmp_path: Path) -> None:
    exposures = [("--projection", "na64vis_2017=5.4e10"), ("--projection", "na64vis_2018=3e10")]
    found = []
    for words in (exposures[0], exposures[1], exposures[0] + exposures[1]):
        out = tmp_path / "out"
        assert na64(*words_of(out, *words, "--grid", "16.7", "--assume-efficiency", "0.5")).status == 0
        found.append(read(out)["points"][0]["expected"])
    assert found[2]["lower"] < min(one["lower"] for one in found[:2])
    assert found[2]["upper"] > max(one["upper"] for one in found[:2])


@pytest.mark.usefixtures("without_figures")
def test_workspace_is_of_the_best_epsilon_of_the_middle_mass(na64: Call, tmp_path: Path) -> None:
    """With mu = 1 it has the signal and the nuisances of that point, which its own CLs excludes."""
    pyhf = pytest.importorskip("pyhf")
    out, exposures = tmp_path / "out", {"na64vis_2017": 5.4e10, "na64vis_2018": 3e10}
    words = [word for name, eot in exposures.items() for word in ("--projection", f"{name}={eot}")]
    assert na64(*words_of(out, *words, "--grid", "5,10,40", *ASSUMED)).status == 0
    content, (model, seen) = read(out), read_model(out)
    chosen, point = content["workspace"], content["points"][1]
    assert (chosen["mass"], chosen["reference"]) == (0.01, point["reference"])
    made = [
        0.6 * eot * visible_yield(dense_target(load_setup(name)), 0.01, chosen["reference"])
        for name, eot in exposures.items()
    ]
    assert chosen["events"] == pytest.approx(made)
    assert sum(made) == pytest.approx(point["events_at_best"])
    nominal = model.config.suggested_init()
    nominal[model.config.poi_index] = 1.0
    expected = pytest.approx([events + 0.5 for events in made])
    assert list(model.expected_data(nominal, include_auxdata=False)) == expected
    assert {"yield", *(f"background_{name}" for name in exposures)} < set(model.config.parameters)
    assert pyhf.infer.hypotest(1.0, [*seen, *model.config.auxdata], model, test_stat="qtilde") < 0.1


@pytest.mark.parametrize(
    ("background", "sides"),
    [("0", set()), ("0.5:0.3:0.9", {"expected ± 1 s.d.", "expected ± 2 s.d."})],
)
def test_the_figure_has_the_sides_of_the_median_where_they_differ(
    na64: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, background: str, sides: set[str]
) -> None:
    """Of both edges, also where the narrow band is empty: there they meet."""
    areas: list[tuple[str, Bbox]] = []

    def keep(figure: Figure, _: Path) -> None:
        found = figure.axes[0].collections
        areas[:] = [(str(one.get_label()), one.get_paths()[0].get_extents()) for one in found]

    monkeypatch.setattr(style, "write_figure", keep)
    words = words_of(tmp_path / "out", "--projection", "5.4e10", "--grid", "10,14,19")
    assert na64(*words, "--assume-background", background).status == 0
    assert {label for label, _ in areas if "s.d." in label} == sides
    assert len(areas) == 1 + 2 * len(sides)
    if sides:
        assert read(tmp_path / "out")["points"][2]["expected_band"]["plus_2_sigma"]["lower"] is None
        assert [area.x1 for _, area in areas[1:]] == pytest.approx([19] * 4)
        (_, lower), (_, upper) = areas[1:3]  # of 2 s.d., drawn first
        assert lower.y1 == pytest.approx(upper.y0)


REFUSED = {
    "no signal": (["--runs", "data", *ASSUMED], "there are signals of: none; give --signal"),
    "no background": (["--runs", "data", "--signal", "signal"], "has no background"),
    "other setup": (["--runs", "data", "--signal", "other", *ASSUMED], "there are signals of: na64vis_2018"),
    "unused signal": (
        ["--runs", "data", "--signal", "signal", "--signal", "other", *ASSUMED],
        "signals of na64vis_2018, and neither --runs nor --projection of it",
    ),
    "thresholds": (["--runs", "data", "--signal", "loose", *ASSUMED], "different thresholds of cut"),
    "later thresholds": (
        ["--runs", "data", "--signal", "signal", "--signal", "loose", *ASSUMED],
        "different thresholds of cut",
    ),
    "half closed": (["--runs", "half", "--signal", "signal", *ASSUMED], "the signal box of data is closed"),
    "mixed": (["--runs", "data", "--runs", "open", "--signal", "signal", *ASSUMED], "mix closed and open"),
    "twice": (["--projection", "1e10", "--signal", "signal", "--signal", "again"], "of na64vis_2017 twice"),
    "which setup": (
        ["--projection", "1e10", "--signal", "signal", "--signal", "other"],
        "--projection SETUP=EOT for each",
    ),
    "setup of runs": (
        ["--runs", "data", "--setup", "na64vis_2017", "--signal", "signal", *ASSUMED],
        "--setup is of projections with --model visible",
    ),
    "invisible": (["--projection", "na64e_2018=1e10"], "na64e_2018 has no wcal, v2, s4"),
    "other models": (
        ["--projection", "1e10", "--bins", "60", "--project", "2"],
        "--bins, --project are of models other than visible",
    ),
    "nothing": ([], "give --runs of data, or --projection"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_band_is_refused(na64: Call, tmp_path: Path, name: str) -> None:
    words, message = REFUSED[name]
    makers: dict[str, Callable[[Path], Path]] = {
        "data": make_data,
        "open": lambda path: make_data(path, box=0, **OPEN),
        "half": lambda path: make_data(path, **OPEN),
        "signal": make_signal,
        "again": make_signal,
        "other": lambda path: make_signal(path, "na64vis_2018"),
        "loose": lambda path: make_signal(
            path, mass=0.02, selection={"digest": "s", "params": {"s4": {"low": 1.0}}}
        ),
    }
    given = [makers[word](tmp_path / word) if word in makers else word for word in words]
    told = na64(*words_of(tmp_path / "out", "--grid", "10", *given))
    assert (told.status, (tmp_path / "out").exists()) == (2, False)
    assert message in told.err
