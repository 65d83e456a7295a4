"""A box opens for what was frozen and signed, and for nothing else."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uproot

from na64.run.identity import digest_of
from tests.conftest import NOT_IN_P348RECO, P348Reco
from tests.na64.signing import sign_statement

ROOT = Path(__file__).parents[2]
WITHOUT = [word for cut in NOT_IN_P348RECO for word in ("--without-cut", cut)]
pytestmark = pytest.mark.usefixtures("without_plots")


@pytest.fixture
def frozen(na64: Callable[..., Any], tmp_path: Path, p348reco: P348Reco) -> Path:
    """Return the folder of a closed run with 20 events in the box, frozen and with a signed statement."""
    box = p348reco.tagged[:20]
    p348reco.scale_ecal(box, 30.0)
    p348reco.quiet_hcal(box)
    p348reco.arrays["VETO_ene"][box] = 0.001
    data = p348reco.write(tmp_path / "data.root", 400)
    assert na64("run", "invisible", data, "-o", tmp_path / "closed", *WITHOUT).status == 0
    assert na64("freeze", tmp_path / "closed").status == 0
    sign_statement(tmp_path / "closed.statement.yaml")
    return tmp_path


def unblind(na64: Callable[..., Any], folder: Path, *options: object) -> Any:
    return na64("unblind", "--statement", folder / "closed.statement.yaml", "-o", folder / "open", *options)


def regions(run: Path) -> dict[str, int | None]:
    (dataset,) = json.loads((run / "cutflow.json").read_text())["datasets"].values()
    return {region["name"]: region["events"] for region in dataset["regions"]}


def test_signed_statement_opens_the_box_and_marks_every_output(
    na64: Callable[..., Any], frozen: Path
) -> None:
    mark = "UNBLINDED, statement of 2026-11-24 by A. Person, B. Person"
    told = unblind(na64, frozen)
    assert told.status == 0, told.err
    assert told.out.startswith(f"{mark}: approved\n")
    closed, opened = regions(frozen / "closed"), regions(frozen / "open")
    assert (closed.pop("signal_box"), opened.pop("signal_box")) == (None, 20)
    assert opened == closed
    for name in ("cutflow.txt", "cutflow.csv", "cutflow.tex", "cutflow.json", "histograms.json"):
        assert mark in (frozen / "open" / name).read_text(), name
        assert "UNBLINDED" not in (frozen / "closed" / name).read_text(), name
    report = (frozen / "open" / "report.html").read_text()
    assert report.index(mark) < report.index("Summary")
    with uproot.open(frozen / "open" / "histograms.root") as file:
        assert str(file["blinding"]) == mark
    blinding = json.loads((frozen / "open" / "run.json").read_text())["blinding"]
    assert (blinding["state"], blinding["mark"], blinding["region"]) == ("open", mark, {})
    assert blinding["statement"]["why"] == "approved"
    assert na64("freeze", frozen / "open").err.endswith("its data are open already\n")


def change_option(folder: Path, **others: object) -> None:
    path = folder / "closed.frozen.json"
    content = json.loads(path.read_text())
    content["options"] |= others
    path.write_text(json.dumps(content))


def change_input(folder: Path) -> None:
    sample = P348Reco()
    sample.arrays["run"][0] = 3662
    sample.write(folder / "data.root", 400)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            lambda f: change_option(f, changes=["veto.limit=0.02"]), "the selection", id="threshold"
        ),
        pytest.param(lambda f: change_option(f, seed=2), "the reconstruction", id="seed"),
        pytest.param(change_input, "data.root has another digest", id="input"),
    ],
)
def test_anything_that_differs_is_named_and_nothing_opened(
    na64: Callable[..., Any], frozen: Path, change: Callable[[Path], None], words: str
) -> None:
    change(frozen)
    told = unblind(na64, frozen)
    assert told.status == 2
    assert "nothing was opened" in told.err
    assert words in told.err
    assert "UNBLINDED" not in told.out
    assert not (frozen / "open").exists()


def test_other_sources_open_nothing(
    na64: Callable[..., Any], frozen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("na64.run.identity.source_digest", lambda: "0" * 64)
    assert "It differs in the sources" in unblind(na64, frozen).err
    shutil.rmtree(frozen / "open", ignore_errors=True)
    told = na64("freeze", frozen / "closed", "--overwrite")
    assert "differs in the sources" in told.err


def test_frozen_file_that_was_changed_is_refused(na64: Callable[..., Any], frozen: Path) -> None:
    path = frozen / "closed.frozen.json"
    content = json.loads(path.read_text())
    content["identity"]["sources"] = "0" * 64
    path.write_text(json.dumps(content))
    assert "was changed after it was written" in unblind(na64, frozen).err
    content["digest"] = digest_of(content["identity"])
    path.write_text(json.dumps(content))
    assert "the statement is for digest" in unblind(na64, frozen).err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param({"who": "[]"}, "who is missing or empty", id="nobody"),
        pytest.param({"who": "[' ']"}, "`who` and `why` must hold", id="blank"),
        pytest.param({"why": ""}, "why is missing or empty", id="no-reason"),
        pytest.param({"when": "tomorrow"}, "must be a date YYYY-MM-DD, got 'tomorrow'", id="date"),
        pytest.param({"periods": "[2022-invisible]"}, "the frozen run has 2018-invisible", id="period"),
        pytest.param({"regions": "[visible]"}, "closed region 'visible'", id="region"),
        pytest.param({"digest": "'00'"}, "the statement is for digest 00", id="digest"),
    ],
)
def test_faulty_statement_opens_nothing(
    na64: Callable[..., Any], frozen: Path, line: dict[str, str], words: str
) -> None:
    sign_statement(frozen / "closed.statement.yaml", **line)
    told = unblind(na64, frozen)
    assert (told.status, told.out) == (2, "")
    assert words in told.err
    assert not (frozen / "open").exists()


def test_a_statement_that_is_not_there_is_told(na64: Callable[..., Any], tmp_path: Path) -> None:
    told = na64("unblind", "--statement", tmp_path / "none.yaml", "-o", tmp_path / "open")
    assert told.status == 2
    assert "there is no statement" in told.err
    assert "Errno" not in told.err


def test_simulation_is_not_frozen(na64: Callable[..., Any], samples: Path, tmp_path: Path) -> None:
    muons = samples / "geant4" / "muons_100gev.root"
    assert na64("run", "invisible", muons, "-o", tmp_path / "mc").status == 0
    assert "it has no closed data" in na64("freeze", tmp_path / "mc").err
    assert not list(tmp_path.glob("*.json"))


def test_blinding_is_made_in_one_place() -> None:
    """Whoever makes it elsewhere may forget the margins of the period."""
    rooms = [ROOT / room for room in ("processors", "na64")]
    files = [path for room in rooms for path in room.rglob("*.py")]
    assert [path.name for path in files if "Blinding.of_period(" in path.read_text()] == ["withholding.py"]
