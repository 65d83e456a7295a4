"""The commands on single events: which they serve, what they say, and the files they write."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from na64.commands.events import NOT_SHOWN
from na64.plotting.style import new_figure
from tests.conftest import SAMPLES, P348Reco

GEANT4 = SAMPLES / "geant4" / "electrons_100gev.root"
DATA = SAMPLES / "p348reco_tree.root"


def test_every_event_that_is_not_shown_has_the_same_answer(
    na64: Callable[..., Any], tmp_path: Path, p348reco: P348Reco
) -> None:
    closed, no_tag, dead, late = (int(event) for event in p348reco.tagged[:4])
    p348reco.scale_ecal(np.array([closed]), 20.0)
    p348reco.quiet_hcal(np.array([closed]))
    p348reco.arrays["SRD_ene"][no_tag] = 0.0
    p348reco.arrays["hcal0"][dead] = 0.0
    p348reco.arrays["masterTime"][late] = np.nan
    data = p348reco.write(tmp_path / "data.root", n_events=100)
    answers = set()
    for entry in (closed, no_tag, dead, late):
        told = na64("explain", data, "--event", entry)
        drawn = na64("display", data, "--event", entry, "-o", tmp_path / "event.png")
        assert told == drawn
        numbers = [int(p348reco.arrays[name][entry]) for name in ("run", "spill", "spillevent")]
        named = na64(
            "explain", data, "--run", numbers[0], "--spill", numbers[1], "--event-number", numbers[2]
        )
        assert (named.status, named.out) == (1, "")
        assert "has no shown event with run" in named.err
        answers.add((told.status, told.out, re.sub(rf"entry {entry} ", "entry N ", told.err)))
    assert answers == {(1, "", f"na64: entry N of {data} {NOT_SHOWN}\n")}
    assert [path.name for path in tmp_path.iterdir()] == ["data.root"]


def test_explain_lists_cuts_with_values_and_thresholds(na64: Callable[..., Any]) -> None:
    told = na64("explain", GEANT4, "--event", 3, "--set", "veto.limit=0.0001")
    assert told.status == 0
    lines = told.out.splitlines()
    assert lines[0].endswith("entry 3: event 3, geant4_sample, simulation")
    (veto,) = [line for line in lines if line.startswith("  veto ")]
    assert "FAIL" in veto
    assert "each VETO panel < 0.0001 GeV" in veto
    assert "veto_panel_energy = (" in veto
    assert lines[-1] == "rejected by veto; region by energies alone: side_band_a"


def test_json_says_the_same(na64: Callable[..., Any]) -> None:
    told = na64("explain", GEANT4, "--event", 3, "--event", 5, "--json")
    records = json.loads(told.out)
    assert [record["entry"] for record in records] == [3, 5]
    cuts = {cut["name"]: cut for cut in records[0]["cuts"]}
    assert cuts["hcal_r"]["values"]["hcal_r"] is None
    assert cuts["veto"]["thresholds"] == {"limit": 0.015}
    assert cuts["veto"]["units"]["veto_panel_energy"] == "GeV"
    assert [part["name"] for part in records[0]["base"]][-2:] == ["in_time", "srd"]


@pytest.fixture
def _empty_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the drawing out: what is drawn has tests of its own."""
    monkeypatch.setattr("na64.commands.display.draw_event", lambda *_, **__: new_figure(1, 1))


@pytest.mark.usefixtures("_empty_pictures")
def test_files_of_several_events(na64: Callable[..., Any], tmp_path: Path) -> None:
    told = na64("display", GEANT4, "--event", "3-4", "-o", tmp_path / "event.svg")
    assert told.status == 0
    assert {path.name for path in tmp_path.iterdir()} == {"event_3.svg", "event_4.svg"}
    again = na64("display", GEANT4, "--event", "3-4", "-o", tmp_path / "event.svg")
    assert again.status == 2
    assert "event_3.svg is there already" in again.err


@pytest.mark.usefixtures("_empty_pictures")
def test_a_pdf_has_a_page_for_each_event(na64: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "events.pdf"
    told = na64("display", DATA, "--event", "0-2", "-o", path)
    assert told.status == 0
    assert len(re.findall(rb"/Type /Page\b", path.read_bytes())) == 2
    assert told.out == f"{path}: entry 1, 2 of {DATA}\n"
    assert told.err == f"na64: entry 0 of {DATA} {NOT_SHOWN}\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--event", 99_999_999], "entries, counted from 0", id="beyond-the-file"),
        pytest.param(["--event", "7-3"], "neither an entry", id="falling-range"),
        pytest.param(["--event", "x"], "neither an entry", id="no-number"),
        pytest.param(["--event", "0-1500"], "at most 1000", id="too-many"),
        pytest.param(["--event", 1, "--run", 3661], "different ways", id="two-ways"),
        pytest.param(["--event", 1, "--from", 2], "does not go with", id="from-and-event"),
        pytest.param(["--next-failing", "vet"], "did you mean 'veto'", id="typo"),
        pytest.param(["--next-failing", "track_chi2"], "does not give track_chi2", id="cut-without-columns"),
        pytest.param(["--set", "srd.sum_low=0"], "cannot be changed", id="base-cut"),
        pytest.param(["--kind", "simulation"], "less strictly", id="laxer"),
        pytest.param(["--conditions", "."], "are for raw digits", id="conditions"),
        pytest.param(["--analysis", "invisble"], "did you mean 'invisible'", id="analysis"),
    ],
)
def test_requests_that_cannot_be_met(na64: Callable[..., Any], options: list[Any], message: str) -> None:
    told = na64("explain", DATA, *options)
    assert (told.status, told.out) == (2, "")
    assert message in told.err
    assert "Traceback" not in told.err


def test_endings_are_checked_before_anything_is_read(na64: Callable[..., Any], tmp_path: Path) -> None:
    told = na64("display", DATA, "-o", tmp_path / "event.docx")
    assert told.status == 2
    assert "must end in .png, .pdf, .svg" in told.err
