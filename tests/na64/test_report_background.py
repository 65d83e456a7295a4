"""The expected background in a report: its own numbers, and only those that belong to the run."""

import json
from pathlib import Path
from typing import Any

import pytest

from na64.errors import UserError
from na64.report.background import add_background
from na64.report.page import render_report
from processors.result import AnalysisResult
from selections.selection import load_selection
from tests.na64.test_report import Page

RUN: dict[str, Any] = {
    "analysis": "invisible",
    "setup": "a-setup",
    "blinding": {"state": "closed", "region": {}, "digest": "b" * 8},
    "selection": {"digest": "s" * 8},
}


def make_source(label: str, *, in_total: bool = True) -> dict[str, Any]:
    return {
        "label": label,
        "in_total": in_total,
        "method": "a <fit>",
        "expected": 0.5,
        "statistical": {"value": 0.5, "low": 0.3, "high": 0.8},
        "systematic": {"down": 0.1, "up": 0.25},
        "interval": {"value": 0.5, "low": 0.28, "high": 0.89},
    }


def write_estimate(folder: Path, **changes: Any) -> Path:
    content = {
        **{key: RUN[key] for key in ("analysis", "setup", "blinding", "selection")},
        "data": "runs/a-run",
        "eot": 2e11,
        "sources": [make_source("upstream", in_total=False), make_source("hadrons")],
        "total": make_source("total"),
        "notes": ["no simulation of & more"],
    }
    (folder / "plots").mkdir(parents=True)
    (folder / "plots" / "side_band_a.png").write_bytes(b"a picture")
    (folder / "background.json").write_text(json.dumps(content | changes), encoding="utf-8")
    return folder


@pytest.fixture
def page() -> str:
    selection = load_selection("invisible", "geant4_sample", ())
    return render_report(RUN, AnalysisResult(), selection, [])


def test_table_notes_and_figures_are_put_in(page: str, tmp_path: Path) -> None:
    renewed = Page(add_background(page, write_estimate(tmp_path / "estimate"), RUN))
    assert renewed.open == []
    rows = renewed.rows("source")
    assert [row[0] for row in rows] == ["hadrons", "total", "upstream (comparison, not in the total)"]
    assert rows[0][1:] == ["a <fit>", "0.5", "−0.2 +0.3", "−0.1 +0.25", "0.28 – 0.89"]
    assert "no simulation of & more" in renewed.words
    assert "background_side_band_a" in {attrs.get("id") for tag, attrs in renewed.tags if tag == "figure"}


def test_tag_of_the_beam_is_put_in(page: str, tmp_path: Path) -> None:
    names = ("efficiency", "mistag", "contamination", "untagged")
    shares = {name: {"value": 0.005, "low": 0.0046, "high": 0.0055} for name in names}
    bands = {f"side_band_{name}": shares["mistag"] for name in ("electrons", "hadrons", "beam")}
    tag = {
        "run": "runs/<beam>",
        "kinds": ["calibration"],
        "events": {"beam": 9, "electron": 7, "hadron": 1},
        **shares,
        **bands,
    }
    renewed = Page(add_background(page, write_estimate(tmp_path / "estimate", srd_tag=tag), RUN))
    assert renewed.open == []
    assert any("7 electron and 1 hadron probes; runs/<beam>, calibration" in w for w in renewed.words)
    assert ["hadrons tagged", "0.500%", "0.460 to 0.550%"] in renewed.rows("what")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"selection": {"digest": "other"}}, "another selection", id="selection"),
        pytest.param({"setup": "b"}, r"another setup \(b\) than the run has \(a-setup\)", id="setup"),
        pytest.param({"blinding": {"state": "open", "digest": "b" * 8}}, "another blinding", id="opened"),
    ],
)
def test_an_estimate_of_another_run_is_refused(
    changes: dict[str, Any], words: str, page: str, tmp_path: Path
) -> None:
    folder = write_estimate(tmp_path / "estimate", **changes)
    with pytest.raises(UserError, match=words):
        add_background(page, folder, RUN)


def test_a_folder_without_estimate_is_refused(page: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no estimate"):
        add_background(page, tmp_path, RUN)
