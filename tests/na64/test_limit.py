"""`na64 limit`: run directories in, curves, tables and a workspace out, and what it refuses."""

import concurrent.futures as cf
import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from matplotlib.figure import Figure

from limits.run_input import BinnedBackground, Efficiency, RunInput
from limits.scan import Problem, limit_point
from limits.signal import MODELS
from limits.yields import bremsstrahlung_yield
from na64.limit import scan as na64_scan
from na64.limit.options import masses_of_grid
from na64.limit.scan import Store, scan
from na64.limit.signals import beam_of
from na64.plotting import style
from processors.pools import HerePool
from tests.na64.test_background import DIMUONS, SETUP, SIDE_BANDS, Points, make_run

Call = Callable[..., Any]
EPSILON, EOT = 1e-4, 1e9
OPEN = {"blinding": {"state": "open", "region": {"data": {}}, "digest": "d", "mark": "opened"}}
BEAM = beam_of(SETUP)


def make_data(path: Path, file: str, final: Points = SIDE_BANDS, **changes: Any) -> Path:
    inputs = [{"dataset": "data", "digest": {"algorithm": "sha256", "value": file, "scope": "quick"}}]
    return make_run(path, final, DIMUONS, inputs=inputs, **changes)


def make_signal(path: Path, mass: float, efficiency: float = 0.6, **changes: Any) -> Path:
    """Write a run of 400 dark photons in the box and 100 beside it, with an efficiency."""
    made = bremsstrahlung_yield(BEAM.nuclei, BEAM.energy, mass, 50.0).primary
    parameters = {"mass": mass, "epsilon": EPSILON}
    row = {"name": "dark_photon", "trigger": "physics", "parameters": parameters}
    parent = {"eot": 400 / efficiency / EPSILON**2 / made, "processes": [row]}
    points: Points = [(10.5, 0.5)] * 300 + [(30.5, 0.5)] * 100 + [(60.5, 0.5)] * 100
    inputs = [{"dataset": "dark_photon", "parent": parent}]
    return make_run(path, points, [], process="dark_photon", inputs=inputs, **changes)


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out, which take most of the time."""
    monkeypatch.setattr("na64.commands.limit.plot_limits", lambda *_: [])
    monkeypatch.setattr("na64.commands.background.plot_background", lambda *_: [])


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Path]:
    return {
        "data": make_data(tmp_path / "data", "a"),
        "light": make_signal(tmp_path / "light", 0.01, 0.6),
        "heavy": make_signal(tmp_path / "heavy", 0.1, 0.4),
        "out": tmp_path / "out",
    }


def draw_png_alone(figure: Figure, path: Path, draw: Call = style.write_figure) -> None:
    """Spare the time of PDF, which other tests of figures have."""
    draw(figure, path) if path.suffix == ".png" else path.touch()


def arguments(runs: dict[str, Path], *more: Any) -> list[Any]:
    signals = [word for name in ("light", "heavy") for word in ("--signal", runs[name])]
    common = ["--eot", f"{EOT:g}", "--grid", "10:100:3", "--toys", "500", "-o", runs["out"]]
    return ["limit", "--runs", runs["data"], *signals, *common, *more]


def read(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "limits.json").read_text())
    return found


def test_curve_of_two_blinded_runs(
    na64: Call, runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("na64.commands.background.plot_background", lambda *_: [])
    monkeypatch.setattr(style, "write_figure", draw_png_alone)
    pyhf = pytest.importorskip("pyhf")
    runs["data"] = make_data(tmp_path / "first", "a", SIDE_BANDS[7:13])
    second = make_data(tmp_path / "second", "b", SIDE_BANDS[9:])
    backgrounds = []
    for run in (runs["data"], second):
        out = tmp_path / f"background_{run.name}"
        assert na64("background", run, "-o", out, "--eot", f"{EOT:g}").status == 0
        backgrounds += ["--background", out]
    told = na64(
        *arguments(runs, "--runs", second, *backgrounds, "--overlay", "na64_2016:paper", "--project", 1.5)
    )
    assert told.status == 0, told.err
    found = read(runs["out"])
    assert [run["name"] for run in found["runs"]] == ["first", "second"]
    for run, path in zip(found["runs"], backgrounds[1::2], strict=True):
        total = json.loads((path / "background.json").read_text())["total"]
        assert run["background"] == pytest.approx([total["expected"]])
        assert run["eot"] == EOT
    assert found["blinding"]["state"] == "closed"
    points = found["points"]
    assert [p["efficiency"][0] for p in points] == pytest.approx([0.6, 0.5, 0.4], rel=1e-3)
    assert {p["observed"] for p in points} == {None}
    assert all(list(p["expected"].values()) == sorted(p["expected"].values()) for p in points)
    rows = list(csv.DictReader((runs["out"] / "limits.csv").read_text().splitlines()))
    assert [float(r["epsilon_expected_median"]) for r in rows] == pytest.approx(
        [p["expected"]["median"] for p in points], rel=1e-5
    )
    for row in rows:
        epsilon, mass = float(row["epsilon_expected_plus_1_sigma"]), float(row["mass_GeV"])
        assert float(row["m_chi_GeV"]) == pytest.approx(mass / 3, rel=1e-5)
        assert float(row["y_expected_plus_1_sigma"]) == pytest.approx(0.1 * epsilon**2 / 81, rel=1e-5)
        assert row["y_observed"] == row["epsilon_observed"] == ""
    model = pyhf.Workspace(json.loads((runs["out"] / "workspace.json").read_text())).model()
    assert model.config.channels == ["first", "second"]
    assert {"yield", "efficiency_na64e_2018", "background_second"} <= set(model.config.parameters)
    first, *tables = yaml.safe_load_all((runs["out"] / "hepdata" / "submission.yaml").read_text())
    for words in ("dark photon", "first (na64e_2018): e- of 100 GeV, 1e+09 on target", "second", "dirac"):
        assert words in first["comment"]
    assert {table["data_file"] for table in tables} == {
        *("limits.yaml", "limits_y.yaml", "efficiency.yaml", "impacts.yaml")
    }
    for table in tables:
        content = yaml.safe_load((runs["out"] / "hepdata" / table["data_file"]).read_text())
        lengths = {len(c["values"]) for kind in content.values() for c in kind}
        assert len(lengths) == 1
    stems = {path.stem for path in (runs["out"] / "plots").glob("*.png")}
    assert stems == {"limit", "limit_y", "impacts", "projection"}
    assert "blinded: expected limits only" in told.out
    assert "over paper: " in told.out


@pytest.mark.usefixtures("without_figures")
def test_opened_data_have_an_observed_limit_and_bins(
    na64: Call, runs: dict[str, Path], tmp_path: Path
) -> None:
    """The background is the one that was estimated of the same files when they were closed."""
    estimate = tmp_path / "estimate"
    assert (
        na64("background", make_data(tmp_path / "closed", "a", SIDE_BANDS[7:13]), "-o", estimate).status == 0
    )
    runs["data"] = make_data(tmp_path / "opened", "a", [*SIDE_BANDS[7:13], (45.5, 0.5)], **OPEN)
    assert "the signal box of data is closed" in na64(*arguments(runs, "--background", estimate)).err
    cutflow = json.loads((runs["data"] / "cutflow.json").read_text())
    cutflow["datasets"]["data"]["regions"] = [{"name": "signal_box", "events": 1}]
    (runs["data"] / "cutflow.json").write_text(json.dumps(cutflow))
    for words, observed in ((["--bins", "80"], [1, 0]), ([], [1])):
        told = na64(*arguments(runs, "--background", estimate, *words, "--overwrite"))
        assert told.status == 0, told.err
        (run,), points = read(runs["out"])["runs"], read(runs["out"])["points"]
        assert run["observed"] == observed
        assert all(p["observed"] > 0 for p in points)
        if words:  # the signal is in the emptier bin
            finer = [p["observed"] for p in points]
    assert all(fine < p["observed"] for fine, p in zip(finer, points, strict=True))


REFUSED = {
    "no background": (["--grid", "20"], "has no background"),
    "grid": (["--grid", "10:1:3", "--assume-background", "0"], "--grid needs masses above 0 that rise"),
    "beyond": (["--grid", "200", "--assume-background", "0"], "from 10 to 100 MeV"),
    "model": (["--model", "b_l", "--assume-background", "0"], "unknown model 'b_l'; did you mean 'b-l'"),
    "curve": (["--overlay", "na64_2061", "--assume-background", "0"], "did you mean 'na64_2016'"),
    "both": (["--projection", "1e9", "--assume-background", "0"], "and not both"),
    "eot": (["--eot", "other=1e9", "--assume-background", "0"], "--eot names 'other', which is no run"),
    "bins": (["--bins", "40", "--assume-background", "0"], "--bins must rise from the 50 GeV"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_limit_is_refused(na64: Call, runs: dict[str, Path], name: str) -> None:
    words, message = REFUSED[name]
    told = na64(*arguments(runs, *words))
    assert told.status == 2
    assert message in told.err
    assert not runs["out"].exists()


@pytest.mark.usefixtures("without_figures")
def test_backgrounds_and_signals_of_something_else_are_refused(
    na64: Call, runs: dict[str, Path], tmp_path: Path
) -> None:
    other = make_data(tmp_path / "other", "z")
    estimate = tmp_path / "estimate"
    assert na64("background", other, "-o", estimate, "--eot", "1e9").status == 0
    told = na64(*arguments(runs, "--background", estimate, "--assume-background", "0"))
    assert "was estimated of other data or another selection" in told.err
    loose = make_signal(tmp_path / "loose", 0.03, selection={"digest": "s", "params": {"veto": {"limit": 1}}})
    without = make_signal(tmp_path / "without", 0.03, without_cuts=["veto"])
    told = na64(*arguments({**runs, "light": without}, "--assume-background", "0"))
    assert "was run without the cut veto" in told.err
    runs["light"] = loose
    told = na64(*arguments(runs, "--assume-background", "0"))
    assert "have different thresholds of cut" in told.err


@pytest.mark.usefixtures("without_figures")
def test_projection_needs_no_data(na64: Call, runs: dict[str, Path]) -> None:
    told = na64(
        *("limit", "--projection", "1e10", "--signal", runs["light"], "--extrapolate", "--grid", "5,20"),
        *("--assume-background", "0", "--model", "b-l", "--toys", "500", "-o", runs["out"]),
    )
    assert told.status == 0, told.err
    assert read(runs["out"])["blinding"]["state"] == "projection"
    assert "upper limits on g_B-L" in told.out
    words = ["limit", "--signal", runs["light"], "--grid", "10", "--overwrite", "-o", runs["out"]]
    told = na64(*words, "--projection", "na64e_2018=1e10")
    assert "SETUP=EOT is of --model visible; invisible takes one" in told.err


@contextmanager
def threads(workers: int = 2) -> Iterator[cf.Executor]:
    with cf.ThreadPoolExecutor(workers) as pool:
        yield pool


def test_points_are_the_same_wherever_they_are_made(tmp_path: Path) -> None:
    """In another order, one alone, by Dask, and from what an interrupted scan has kept."""
    from distributed import Client

    flat = Efficiency(masses=(0.001, 1.0), values=((0.5,), (0.5,)), errors=(0.1, 0.1))
    background = BinnedBackground(values=(0.5,), own=(0.5, 2.0))
    run = RunInput(name="run", setup=SETUP.name, beam=BEAM, least=50.0, exposure=1e10, radiated=flat,
                   background=background)  # fmt: skip
    problem = Problem(runs=(run,), model=MODELS["invisible"], n_toys=200)
    masses = [0.01, 0.02, 0.03]
    here = scan(problem, masses, HerePool)
    assert here[1] == limit_point(problem, masses[1])
    assert scan(problem, masses[::-1], threads, width=2) == here[::-1]
    with Client(processes=False, n_workers=1, dashboard_address=None) as client:
        assert scan(problem, masses, lambda: _keep_open(client.get_executor()), width=2) == here
    store, told = Store(tmp_path / "points"), []

    def stop_after_the_first(done: int, total: int) -> None:
        told.append((done, total))
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(problem, masses, HerePool, store=store, tell=stop_after_the_first)
    assert store.read(masses[0]) == here[0]
    assert store.read(masses[1]) is None
    assert scan(problem, masses, HerePool, store=store, tell=lambda *pair: told.append(pair)) == here
    assert told == [(0, 3), (1, 3), (1, 3), (2, 3), (3, 3)]


@contextmanager
def _keep_open(pool: cf.Executor) -> Iterator[cf.Executor]:
    yield pool


@pytest.mark.usefixtures("without_figures")
def test_resumed_command_does_not_make_points_again(
    na64: Call, runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = arguments(runs, "--assume-background", "0")
    calls: list[float] = []

    def count(problem: Problem, mass: float) -> Any:
        calls.append(mass)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return limit_point(problem, mass)

    monkeypatch.setattr(na64_scan, "limit_point", count)
    told = na64(*words)
    assert (told.status, "2 of 3 masses are kept" in told.err) == (130, True)
    assert na64(*words, "--resume").status == 0
    assert len(calls) == 4
    assert not list(runs["out"].parent.glob(".out*"))


def test_masses_of_a_grid() -> None:
    assert masses_of_grid("1:100:3") == pytest.approx([1e-3, 1e-2, 1e-1])
    assert masses_of_grid("1,5,7") == [0.001, 0.005, 0.007]
