"""Damaged raw digits: each is counted by name, none crashes, none passes by being empty."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uproot

from processors.quality import COUNTERS
from tests.na64.blind import UNDECIDED, Damage, assert_same, make_damaged_pair

EXACT = {  # counter -> digits, events
    "waveform_is_all_zero": (1, 1),
    "waveform_is_all_saturated": (1, 1),
    "waveform_channel_is_unknown": (1, 1),
    "waveform_channel_is_repeated": (1, 1),
    "strip_channel_is_unknown": (1, 1),
    "strip_channel_is_repeated": (1, 1),
    "straw_is_unknown": (0, 0),
    "spill_is_bad": (None, 1),
    "master_time_is_unknown": (None, 2),  # of the short list nobody knows which samples are the counters'
}


@pytest.fixture(scope="module")
def damage(tmp_path_factory: pytest.TempPathFactory) -> Damage:
    return make_damaged_pair(tmp_path_factory.mktemp("damage"))


CATALOGUE = """
runs:
  - run: 3661
    period: 2018-invisible
    kind: data
    trigger: physics
    quality: good
    prescale: 1
    live_fraction: 0.5
    files:
      - {path: data.root, entries: ENTRIES, spills: [{spill: 1, eot: 5000000}, {spill: 7, eot: 4000000}]}
"""


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / "mine.yaml"
    path.write_text(CATALOGUE.replace("ENTRIES", "240"))
    return path


def _run(na64: Callable[..., Any], damage: Damage, out: Path, *options: Any) -> Any:
    return na64("run", "invisible", damage.pair[0], "-o", out, "--conditions", damage.conditions, *options)


def test_each_damage_is_counted_by_name(
    na64: Callable[..., Any], damage: Damage, catalogue: Path, tmp_path: Path
) -> None:
    told = _run(na64, damage, tmp_path / "out", "--chunk-size", 50, "--catalogue", catalogue)
    assert told.status == 0, told.err
    (quality,) = json.loads((tmp_path / "out" / "run.json").read_text())["quality"].values()
    assert {name: (quality[name]["digits"], quality[name]["events"]) for name in EXACT} == EXACT
    assert quality["waveform_is_short"]["events"] == 1  # nobody can tell which of its channels
    assert quality["waveform_is_short"]["digits"] > 5
    assert quality["waveform_is_noisy"]["events"] >= 1
    assert quality.keys() <= COUNTERS.keys()
    report = (tmp_path / "out" / "report.html").read_text()
    assert "Damaged digits and events" in report
    for name, (_, events) in EXACT.items():
        assert (name in told.out) == (events > 0), name
        assert (f"<td>{name}</td>" in report) == (events > 0), name
    exposure = json.loads((tmp_path / "out" / "run.json").read_text())["exposure"]
    sums = {name: exposure[name] for name in ("eot_input", "eot_used", "eot_lost", "eot_live", "unknown")}
    assert sums == {
        "eot_input": 9_000_000, "eot_used": 5_000_000, "eot_lost": 4_000_000, "eot_live": 2.5e6, "unknown": []
    }  # fmt: skip
    assert "exposure: 9e+06 particles on target = 5e+06 used + 4e+06 lost" in told.out
    assert "<td>4e+06</td>" in report
    whole = _run(na64, damage, tmp_path / "whole", "--chunk-size", 1000, "--catalogue", catalogue)
    assert whole.out.partition("plane:")[0] == told.out.partition("plane:")[0]  # whatever the chunks


def test_no_damaged_event_is_shown_for_being_empty(
    na64: Callable[..., Any], damage: Damage, tmp_path: Path
) -> None:
    events = {}
    for name, source in (("whole", damage.whole), ("damaged", damage.pair[0])):
        out = tmp_path / f"{name}.root"
        told = na64("reco", source, "-o", out, "--conditions", damage.conditions)
        assert told.status == 0, told.err
        with uproot.open(out) as file:
            events[name] = set(file["events"]["event"].array(library="np").tolist())
            record = json.loads(str(file["na64"]))
    assert events["whole"] >= UNDECIDED
    assert events["damaged"] == events["whole"] - UNDECIDED
    assert record["quality"]["spill_is_bad"] == {"digits": None, "events": 1}
    assert "waveform_is_all_zero" in told.out


@pytest.mark.parametrize("reader", ["run", "reco"])
def test_damage_of_closed_events_leaves_no_trace(
    reader: str, na64: Callable[..., Any], damage: Damage, catalogue: Path, tmp_path: Path
) -> None:
    def arguments(data: Path, out: Path) -> list[Any]:
        options = ["--conditions", damage.conditions, "--chunk-size", 130, "--catalogue", catalogue]
        if reader == "run":
            return ["run", "invisible", data, "-o", out, *options]
        return ["reco", data, "-o", out.with_suffix(".root"), *options]

    assert_same(na64, damage.pair, tmp_path, arguments)


def test_a_file_that_is_not_the_one_of_the_catalogue_is_refused(
    na64: Callable[..., Any], damage: Damage, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(CATALOGUE.replace("ENTRIES", "250"))
    told = _run(na64, damage, tmp_path / "out", "--catalogue", tmp_path / "mine.yaml")
    assert told.status == 2
    assert "has 240 entries, the catalogue says 250" in told.err
    assert not (tmp_path / "out").exists()
