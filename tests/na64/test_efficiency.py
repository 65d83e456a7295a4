"""Efficiencies cut by cut, their shifts, and their table by intensity."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from na64.efficiency.plots import draw_intensity, draw_shifts
from na64.efficiency.tables import (
    efficiency_csv,
    efficiency_latex,
    efficiency_tables,
    efficiency_text,
    spread,
)
from na64.run.record import RUN_VERSION
from selections.cutflow import clopper_pearson

ROWS = ("all", "signal", "veto", "hcal_energy", "ecal_energy")


def flow(name: str, counts: list[int], weights: list[float] | None = None) -> dict[str, Any]:
    rows = [{"name": n, "label": f"label of {n}", "in_order": c} for n, c in zip(ROWS, counts, strict=True)]
    for row, weight in zip(rows, weights or [], strict=False):
        row |= {"in_order_weighted": weight, "in_order_weighted_error": np.sqrt(weight)}
    return {"name": name, "label": name, "cuts": rows}


def cutflow(*flows: dict[str, Any]) -> dict[str, Any]:
    return {"datasets": {"s": {"kind": "simulation", "variations": list(flows)}, "d": {"kind": "data"}}}


NOMINAL = flow("nominal", [200, 100, 80, 60, 30])
SHIFTED = cutflow(NOMINAL, flow("up", [200, 100, 80, 66, 33]), flow("down", [200, 100, 60, 54, 20]))


def test_factors_and_products_by_hand() -> None:
    (table,) = efficiency_tables(SHIFTED)
    assert (table.dataset, table.events) == ("s", 100)
    assert [f.value for f in table.factors] == [0.8, 0.75, 0.5]
    assert [(f.name, f.value) for f in table.products] == [("all_but_ecal_energy", 0.6), ("all", 0.3)]
    main = table.products[0]
    assert (main.low, main.high) == clopper_pearson(60, 100)[1:]
    assert main.shift("up") == pytest.approx(0.1)
    assert main.shift("down") == pytest.approx(-0.1)
    assert table.factors[0].shift("down") == pytest.approx(-0.25)
    assert spread(main) == pytest.approx((0.1, 0.1))
    assert spread(table.factors[2]) == pytest.approx((1 - 20 / 54 / 0.5, 0.0))


def test_weights_count() -> None:
    (table,) = efficiency_tables(cutflow(flow("nominal", [9, 8, 6, 5, 4], [18.0, 16.0, 8.0, 4.0, 2.0])))
    first = table.factors[0]
    assert first.value == 0.5
    assert first.high - first.value == pytest.approx(np.sqrt(0.25 * 16) / 16)  # (1 - 2e) S + e^2 S0 = 4


def test_nothing_left_is_not_known() -> None:
    (table,) = efficiency_tables(cutflow(flow("nominal", [9, 0, 0, 0, 0]), flow("up", [9, 0, 0, 0, 0])))
    assert np.isnan(table.products[0].value)
    assert np.isnan(table.products[0].shift("up"))
    assert "nan" in efficiency_text([table])
    assert "--" in efficiency_latex([table])


def test_tables_name_every_variation() -> None:
    tables = efficiency_tables(SHIFTED)
    text = efficiency_text(tables)
    assert "+10.00" in text
    assert "A: up (up)" in text
    assert "$+10.00$" in efficiency_latex(tables)
    lines = efficiency_csv(SHIFTED).splitlines()
    assert len(lines) == 1 + 3 * len(ROWS)
    assert "s,simulation,down,veto,60" in "\n".join(lines)


def test_figures_show_the_numbers() -> None:
    (table,) = efficiency_tables(SHIFTED)
    axes = draw_shifts(table).axes[0]
    assert [bar.get_width() for bar in axes.patches[:2]] == pytest.approx([10.0, -10.0])
    line = draw_intensity({1e6: table, 1e7: table}, ["veto"]).axes[0].lines[0]
    assert line.get_xdata().tolist() == [1e6, 1e7]
    assert line.get_ydata() == pytest.approx([0.6, 0.6])


def write_run(folder: Path, intensity: float | None, counts: list[int]) -> Path:
    folder.mkdir()
    parent = {} if intensity is None else {"intensity": intensity}
    record = {"setup": "na64e_2018", "inputs": [{"dataset": "s", "parent": parent}]}
    record |= {"analysis": "invisible", "selection": {"digest": "s"}}
    (folder / "run.json").write_text(json.dumps({"version": RUN_VERSION, **record}))
    (folder / "cutflow.json").write_text(json.dumps(cutflow(flow("nominal", counts))))
    return folder


def test_intensities_stand_in_rising_order(na64: Callable[..., Any], tmp_path: Path) -> None:
    high = write_run(tmp_path / "high", 1e7, [200, 100, 60, 50, 30])
    low = write_run(tmp_path / "low", 1e6, [200, 100, 80, 70, 30])
    told = na64("efficiency", high, low, "-o", tmp_path / "out")
    assert told.status == 0
    found = json.loads((tmp_path / "out" / "intensity.json").read_text())["intensities"]
    assert [(p["intensity"], p["products"][0]["value"]) for p in found] == [(1e6, 0.7), (1e7, 0.5)]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"intensity.{ending}" for ending in ("txt", "csv", "tex", "json", "png", "pdf")}
    assert na64("efficiency", high, low, "-o", tmp_path / "out").status == 2  # it is there already


def write_background(folder: Path, ratio: list[float] | None, setup: str = "na64e_2018") -> Path:
    """Write what `na64 background` says of dimuons."""
    folder.mkdir()
    interval = None if ratio is None else dict(zip(("value", "low", "high"), ratio, strict=True))
    benchmark = {"observed": 40, "ratio": interval, "region": "area_i", "systematics": {"dimuon yield": 0.1}}
    found = {"benchmark": benchmark, "data": "runs/data", "setup": setup, "analysis": "invisible"}
    found |= {"blinding": {"state": "closed"}, "selection": {"digest": "s"}}
    (folder / "background.json").write_text(json.dumps(found))
    return folder


def test_dimuons_correct_the_efficiency(na64: Callable[..., Any], tmp_path: Path) -> None:
    runs = [write_run(tmp_path / f"{i:g}", i, [2000, 1000, 800, 600, 300]) for i in (1e6, 1e7)]
    estimate = write_background(tmp_path / "background", [0.8, 0.72, 0.9])
    told = na64("efficiency", runs[0], "--background", estimate, "-o", tmp_path / "one")
    assert told.status == 0, told.err
    found = json.loads((tmp_path / "one" / "efficiency.json").read_text())
    ratio, product = found["datasets"]["s"]["corrections"]
    assert (ratio["name"], product["name"]) == ("dimuon_ratio", "all_but_ecal_energy_corrected")
    assert (ratio["low"], ratio["high"]) == pytest.approx((0.8 - 0.08 * 2**0.5, 0.8 + np.hypot(0.1, 0.08)))
    assert product["value"] == pytest.approx(0.6 * 0.8)
    alone = clopper_pearson(600, 1000)
    down = np.hypot((0.6 - alone.low) / 0.6, 0.1 * 2**0.5)
    assert product["low"] == pytest.approx(0.48 * (1 - down))
    assert found["correction"]["ratio"]["value"] == 0.8
    for ending in ("txt", "tex"):
        text = (tmp_path / "one" / f"efficiency.{ending}").read_text()
        assert "data/simulation of dimuons 0.800 −0.080 +0.100 (statistical) ± 0.080 (dimuon yield)" in text
        assert "48.00" in text
    assert na64("efficiency", *runs, "--background", estimate, "-o", tmp_path / "both").status == 0
    for point in json.loads((tmp_path / "both" / "intensity.json").read_text())["intensities"]:
        assert point["corrections"][1]["value"] == pytest.approx(0.48)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ratio": [0.8, 0.7, 0.9], "setup": "na64e_2022"}, "estimated with another setup"),
        ({"ratio": None}, "has no dimuons in area I"),
    ],
)
def test_corrections_that_do_not_belong(
    na64: Callable[..., Any], tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    run = write_run(tmp_path / "run", 1e6, [200, 100, 80, 60, 30])
    told = na64("efficiency", run, "--background", write_background(tmp_path / "background", **changes))
    assert told.status == 2
    assert words in told.err


@pytest.mark.parametrize(
    ("intensities", "words"),
    [((1e6, 1e6), "both have 1e+06"), ((1e6, None), "do not say their intensity")],
)
def test_what_cannot_stand_side_by_side(
    na64: Callable[..., Any], tmp_path: Path, intensities: tuple[float | None, ...], words: str
) -> None:
    runs = [write_run(tmp_path / str(i), value, [9, 8, 7, 6, 5]) for i, value in enumerate(intensities)]
    told = na64("efficiency", *runs)
    assert told.status == 2
    assert words in told.err


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--intensity", "0"], "must be above 0"), (["--intensity", "1e6", "--no-pile-up"], "there is none")],
)
def test_intensities_that_make_no_sense(
    na64: Callable[..., Any], tmp_path: Path, options: list[str], words: str
) -> None:
    told = na64("simulate", "na64e_2018", "electron", "-n", 1, "-o", tmp_path / "x.root", *options)
    assert told.status == 2
    assert words in told.err
    assert not list(tmp_path.iterdir())


def test_one_run_is_its_own_table(na64: Callable[..., Any], tmp_path: Path) -> None:
    run = write_run(tmp_path / "one", None, [200, 100, 80, 60, 30])
    told = na64("efficiency", run)
    assert told.status == 0
    assert "all_but_ecal_energy" in told.out
    assert na64("efficiency", tmp_path / "absent").status == 2
