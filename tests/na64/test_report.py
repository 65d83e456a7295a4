"""The report: well-formed, self-contained, and complete."""

import base64
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from na64.plotting.plots import Figure
from na64.report.page import render_report, replace_section, write_report
from processors.result import AnalysisResult, Sample
from selections.blinding import Blinding
from selections.cutflow import count
from selections.selection import load_selection

VOID = {"meta", "img", "br", "link", "hr"}
PNG = b"\x89PNG\r\n\x1a\nnot much of a picture"
CLOSED = Blinding.of_period(
    "a-period", {"invisible": {"ecal_energy": (None, 50.0), "hcal_energy": (None, 1.0)}}
)
SELECTION = load_selection("invisible", "geant4_sample", (), changes=["track_momentum.half_width=5"])


class Page(HTMLParser):
    """Reads a page, and checks that each tag is closed by its own end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)
        if self.open and self.open[-1] in {"td", "th"}:
            self.tables[-1][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def rows(self, head: str) -> list[list[str]]:
        """Return the rows of the only table whose first cell is ``head``."""
        (table,) = [table for table in self.tables if table[0][0] == head]
        return table[1:]


def make_run(**changes: Any) -> dict[str, Any]:
    run = {
        "version": 1,
        "analysis": "invisible",
        "setup": "a-setup",
        "events": {"input": 1234, "processed": 1200, "lost": 34, "unknown_files": 1},
        "losses": [
            {"file": "bad<b>.root", "entries": 34, "reason": "basket 3 & more"},
            {"file": "gone.root", "entries": None, "reason": "not a ROOT file"},
        ],
        "exposure": {"eot_input": 5000, "eot_used": None},
        "blinding": {"state": "not applicable", "region": {}, "digest": None},
        "inputs": [
            {"path": "a.root", "kind": "data", "size": 99, "verified": False, "entries": 1200,
             "digest": {"algorithm": "sha256", "value": "0123abcd", "scope": "quick"}},
        ],
        "seconds": {"process": 1.5},
        "versions": {"na64": "9.9", "numpy": "2.0"},
        "git": {"commit": "f" * 40, "changed": False},
        "without_cuts": ["veto", "hcal_r"],
        "notes": ["a note <script>alert(1)</script>"],
        "options": {"workers": 3},
    }  # fmt: skip
    return run | changes


def make_sample(weight: float = 1.0, blinding: Blinding | None = None) -> Sample:
    """Ten entries, eight in the base, a cut that keeps five of them and a cut that keeps nothing."""
    base = np.arange(10) < 8
    masks = [np.arange(10) < 5, np.zeros(10, dtype=bool), np.ones(10, dtype=bool)]
    flow = count(
        ["base", "half", "none", "rest"], ["base", "x < 5", "nothing", "all"], masks, base,
        np.full(10, weight), (10, 10 * weight, 10 * weight**2),
    )  # fmt: skip
    return Sample(
        kind="simulation" if blinding is None else "data",
        setup="a-setup",
        blinding=blinding or Blinding.none(),
        entries=10,
        cutflow=flow,
        regions={"signal_box": ("signal box", None if blinding else 0), "side_band_a": ("A", 7)},
    )


def make_figures(folder: Path) -> list[Figure]:
    names = ["edep_plane_final", "nminus1_veto", "ecal_energy"]
    for name in names:
        (folder / f"{name}.png").write_bytes(PNG + name.encode())
    return [
        Figure(name, f'"{name}" & <title>', folder / f"{name}.png", folder / f"{name}.pdf", "a <caption>")
        for name in names
    ]


def render(run: dict[str, Any], /, *figures: Figure, **samples: Sample) -> Page:
    return Page(render_report(run, AnalysisResult(samples=samples), SELECTION, figures))


def test_page_is_well_formed_and_self_contained(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    figures = make_figures(tmp_path)
    write_report(path, make_run(), AnalysisResult(samples={"mc": make_sample()}), SELECTION, figures)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert page.open == []
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object"})
    assert "http" not in text
    assert "url(" not in text
    assert all(attrs["href"].startswith("#") for tag, attrs in page.tags if tag == "a")
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["href"][1:] for tag, attrs in page.tags if tag == "a"} <= set(ids)


def test_each_figure_is_embedded_once_and_in_order(tmp_path: Path) -> None:
    planes, margin, spectrum = make_figures(tmp_path)
    page = render(make_run(), spectrum, margin, planes)
    sources = [attrs["src"] for tag, attrs in page.tags if tag == "img"]
    head = "data:image/png;base64,"
    assert all(source.startswith(head) for source in sources)
    contents = [base64.b64decode(source.removeprefix(head)) for source in sources]
    assert contents == [PNG + name for name in (b"edep_plane_final", b"nminus1_veto", b"ecal_energy")]


def test_text_from_outside_is_escaped(tmp_path: Path) -> None:
    page = render(make_run(setup="<b>&"), *make_figures(tmp_path), **{"<img src=x>": make_sample()})
    assert "script" not in {tag for tag, _ in page.tags}
    assert "b" not in {tag for tag, _ in page.tags}
    assert "a note <script>alert(1)</script>" in page.words
    assert "<img src=x> " in page.words
    alt = next(attrs["alt"] for tag, attrs in page.tags if tag == "img")
    assert alt == '"edep_plane_final" & <title>. a <caption>'


def test_summary_accounts_for_every_event() -> None:
    page = render(make_run())
    assert page.rows("file") == [
        ["bad<b>.root", "34", "basket 3 & more"],
        ["gone.root", "unknown", "not a ROOT file"],
    ]
    summary = dict(page.tables[0])
    assert summary["events in the input"] == "1,234"
    assert summary["processed"] == "1,200"
    assert summary["lost"] == "34"
    assert summary["cuts left out by options"] == "veto, hcal_r"
    assert summary["particles on target"] == "not known"
    assert summary["particles on target, in the input"] == "5000"


def cutflow_of(page: Page) -> dict[str, list[str]]:
    """Return the cells of the only cut-flow table, the head included, by their first."""
    (table,) = [table for table in page.tables if table[0][2:3] == ["in order"]]
    return {row[0]: row for row in table}


def test_cutflow_has_counts_errors_and_intervals() -> None:
    cells = cutflow_of(render(make_run(), mc=make_sample()))
    assert len(cells["cut"]) == 8
    assert cells["all"][2:] == ["10", "3.16", "–", "–", "10", "0"]
    assert cells["base"][2:5] == ["8", "2.83", "80.00"]
    low, high = (float(edge) for edge in cells["half"][5].split(" – "))
    assert cells["half"][2:5] == ["5", "2.24", "62.50"]
    assert low < 62.5 < high
    assert cells["none"][6:] == ["0", "5"]
    assert cells["rest"][2:6] == ["0", "0", "–", "–"]


def test_weights_have_columns_of_their_own() -> None:
    cells = cutflow_of(render(make_run(), mc=make_sample(weight=0.5)))
    assert cells["cut"][8:] == ["weighted: in order", "alone", "all but one"]
    assert cells["base"][8] == "4 ± 1.4"


def test_closed_data_say_what_is_withheld_and_no_number_of_it() -> None:
    region = {"run": CLOSED.region_table()}
    blinding = {"state": "closed", "region": region, "digest": CLOSED.digest()}
    page = render(make_run(blinding=blinding), run=make_sample(blinding=CLOSED))
    assert "Data, blinded" in page.words
    assert "run, invisible: ecal_energy < 50 GeV and hcal_energy < 1 GeV" in page.words
    assert CLOSED.digest() in page.words
    assert any(attrs.get("class") == "blinding closed" for _, attrs in page.tags)
    assert page.rows("region") == [["signal_box", "signal box", "blinded"], ["side_band_a", "A", "7"]]
    assert page.text.index("Data, blinded") < page.text.index("Summary")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        pytest.param("open", "UNBLINDED", id="open"),
        pytest.param("not applicable", "Nothing is blinded", id="simulation"),
    ],
)
def test_blinding_state_is_named(state: str, words: str) -> None:
    page = render(make_run(blinding={"state": state, "region": {}, "digest": None}))
    assert words in page.words
    assert "Data, blinded" not in page.words


def test_thresholds_are_listed_and_changes_marked() -> None:
    (table,) = [table for table in render(make_run()).tables if "parameters [GeV, mm, ns, rad]" in table[0]]
    cells = {row[0]: row for row in table}
    assert cells["track_momentum"][2] == "centre = 100, half_width = 5 (changed)"
    assert cells["in_time"][3] == "base requirement"
    assert cells["veto"][3] == ""


def test_provenance_lists_inputs_versions_and_times() -> None:
    page = render(make_run())
    assert page.rows("input") == [["a.root", "–", "data", "1,200", "99", "0123abcd", "sha256 quick", "no"]]
    listed = {row[0]: row[1] for table in page.tables for row in table if len(row) == 2}
    assert (listed["na64"], listed["commit"], listed["process"]) == ("9.9", "f" * 40, "1.5 s")


def test_an_empty_run_has_a_report() -> None:
    page = render({})
    assert page.open == []
    assert "No event was lost." in page.words


def test_planes_before_and_after_the_cuts_stand_side_by_side(tmp_path: Path) -> None:
    template = make_figures(tmp_path)[0]
    names = ["edep_plane_dimuon", "edep_plane_loose_data", "edep_plane_loose_mc", "edep_plane_final_data"]
    page = render(make_run(), *(template._replace(name=name) for name in names))
    shown = [attrs["id"] for tag, attrs in page.tags if tag == "figure"]
    assert shown == ["edep_plane_loose_data", "edep_plane_final_data", names[0], names[2]]


def test_header_says_setup_exposure_and_losses() -> None:
    known = make_run(exposure={"eot_used": 2.84e11})
    for run, exposure in ((known, "2.84e+11"), (make_run(), "not known")):
        text = render(run).text
        header = text[: text.index("Summary", text.index("particles on target"))]
        assert f"particles on target {exposure}" in " ".join(header.split())
        assert "entries lost 34" in " ".join(header.split())


def test_a_section_is_replaced_as_often_as_wanted() -> None:
    before = render_report(make_run(), AnalysisResult(), SELECTION, [])
    once = replace_section(before, "background", "Expected background", "<p>0.53</p>")
    twice = replace_section(once, "background", "Expected background", "<p>0.47</p>")
    assert Page(twice).open == []
    assert ("0.53" in once, "0.53" in twice, "0.47" in twice) == (True, False, True)
    assert len(Page(twice).tables) == len(Page(before).tables)
    with pytest.raises(ValueError, match="no section 'shifts'"):
        replace_section(before, "shifts", "", "")
