"""Variations in one pass: the same as other runs with other thresholds or other files, and blind on data."""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from datasets.sources import find_inputs
from processors.invisible import InvisibleProcessor
from processors.result import AnalysisResult
from processors.runner import Execution, Request, prepare, run_items
from selections.blinding import BlindingError
from selections.selection import SelectionError
from tests.conftest import NOT_IN_P348RECO, SAMPLES, P348Reco

MIXTURE = SAMPLES / "geant4" / "dimuon_enriched.root"
OWN = """
tight_veto: {set: {veto.limit: 0.009}}
no_srd_sum: {set: {srd.module_low: 0.0005, srd.sum_low: 0.001}}
high_preshower: {multiply: {preshower.low: 8}}
"""


def run(path: Path, *, chunk_size: int = 50_000, kind: Any = None, **options: Any) -> AnalysisResult:
    processor = InvisibleProcessor(**options)
    prepared = prepare(Request(files=find_inputs([f"sample={path}"]), kind=kind), processor)
    result, _ = run_items(prepared, processor, Execution(chunk_size=chunk_size), AnalysisResult())
    assert isinstance(result, AnalysisResult)
    return result


def equal_rows(one: Any, two: Any) -> None:
    assert one.names == two.names
    np.testing.assert_array_equal(one.counts, two.counts)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("own") / "own.yaml"
    path.write_text(OWN)
    return str(path)


@pytest.fixture(scope="module")
def varied(own: str) -> AnalysisResult:
    return run(MIXTURE, variations=("all", own))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("tight_veto", ["veto.limit=0.009"]),
        ("no_srd_sum", ["srd.module_low=0.0005", "srd.sum_low=0.001"]),  # changes the tag, part of the base
        ("high_preshower", ["preshower.low=4.0"]),
    ],
)
def test_thresholds_give_what_another_run_gives(
    varied: AnalysisResult, name: str, changes: list[str]
) -> None:
    again = run(MIXTURE, changes=changes, variations=("none",))
    sample = varied.samples["sample"]
    equal_rows(sample.variations[name].cutflow, again.samples["sample"].variations["nominal"].cutflow)
    moved = False
    for key, histogram in again.histograms.items():
        if len(histogram.axes) == 3:
            values, nominal = (
                varied.histograms[key]["sample", variation, ...].values(flow=True)
                for variation in (name, "nominal")
            )
            np.testing.assert_array_equal(values, histogram["sample", "nominal", ...].values(flow=True))
            moved |= bool((nominal != values).any())
    assert moved


def test_scale_gives_what_another_file_gives(tmp_path: Path) -> None:
    """SRD modules are read out without noise that depends on the energy: a scaled file is a scaled column."""
    with uproot.open(MIXTURE) as file:
        events = file["sim"].arrays()
    is_srd = events.hit_det == 0
    events["hit_e"] = ak.values_astype(ak.where(is_srd, 1.1 * events.hit_e, events.hit_e), np.float32)
    hit = ak.zip({f[4:]: events[f] for f in events.fields if f.startswith("hit_")})
    trk = ak.zip({f[4:]: events[f] for f in events.fields if f.startswith("trk_")})
    plain = {f: events[f] for f in events.fields if not f.startswith(("hit_", "trk_", "nhit", "ntrk"))}
    with uproot.recreate(tmp_path / "scaled.root") as file:
        counters = {"hit": "nhit", "trk": "ntrk"}
        file.mktree("sim", {**plain, "hit": hit, "trk": trk}, counter_name=counters.__getitem__)
    nominal, scaled = run(MIXTURE), run(tmp_path / "scaled.root", variations=("none",))
    one = nominal.samples["sample"].variations["srd_scale_up"].cutflow
    two = scaled.samples["sample"].variations["nominal"].cutflow
    row = one.names.index("srd")
    before = nominal.samples["sample"].variations["nominal"].cutflow.counts[row, 0]
    assert one.counts[row, 0] != before
    assert abs(one.counts[row, 0] - two.counts[row, 0]) <= 0.3 * abs(one.counts[row, 0] - before) + 2


def test_nominal_rows_end_in_the_box(varied: AnalysisResult) -> None:
    sample = varied.samples["sample"]
    flow, table = sample.variations["nominal"].cutflow, sample.cutflow
    assert flow.names[:4] == ("all", "signal", "measured", "trigger")
    assert flow.names[-2:] == ("hcal_energy", "ecal_energy")
    assert flow.counts[-1, 0] == sample.regions["signal_box"][1]
    cut = table.names.index("hcal_r")
    assert flow.counts[flow.names.index("hcal_r"), 0] == table.counts[cut, 0]


def test_chunks_do_not_matter(varied: AnalysisResult, own: str) -> None:
    small = run(MIXTURE, variations=("all", own), chunk_size=130)
    one, two = varied.samples["sample"].variations, small.samples["sample"].variations
    assert list(one) == list(two)
    for name in one:
        equal_rows(one[name].cutflow, two[name].cutflow)
    for name, histogram in varied.histograms.items():
        np.testing.assert_array_equal(histogram.values(flow=True), small.histograms[name].values(flow=True))


def test_what_cannot_be_computed_is_noted_or_refused() -> None:
    notes = run(MIXTURE, without=("veto",)).notes
    assert "variation veto_threshold_up is not computed: there is no cut veto" in notes
    with pytest.raises(Exception, match="Failed processing file") as raised:
        run(MIXTURE, without=("veto",), variations=("veto_threshold_up",))
    assert isinstance(raised.value.__cause__, SelectionError)


def test_data_have_none_unless_asked(p348reco: P348Reco, tmp_path: Path) -> None:
    path = p348reco.write(tmp_path / "data.root")
    result = run(path, without=NOT_IN_P348RECO)
    assert not result.samples["sample"].variations
    assert list(result.histograms["ecal_energy"].axes["variation"]) == ["nominal"]


@pytest.fixture
def at_the_edge(p348reco: P348Reco, tmp_path: Path) -> Path:
    """Write data with 20 events in the box after -1%, and 20 that leave it after +1%."""
    for events, energy in ((p348reco.tagged[:20], 50.3), (p348reco.tagged[20:40], 49.7)):
        p348reco.scale_ecal(events, energy)
        p348reco.quiet_hcal(events)
    return p348reco.write(tmp_path / "data.root")


@pytest.mark.parametrize(
    ("variation", "column", "amount"),
    [
        ("ecal_scale_down", "ecal_energy", "1%"),  # shown events into the box
        ("ecal_scale_up", "ecal_energy", "1%"),  # hidden ones out of it
        ("hcal_scale_down", "hcal_energy", "5%"),
        ("pile_up_leak", "ecal_energy", "an amount that nothing limits"),
    ],
)
def test_variation_over_the_edge_needs_a_guard(
    at_the_edge: Path, variation: str, column: str, amount: str
) -> None:
    told = rf"'{variation}' of {column} by {amount} could move events of period .* guard is none"
    with pytest.raises(BlindingError, match=told):
        run(at_the_edge, without=NOT_IN_P348RECO, variations=(variation,))


@pytest.mark.usefixtures("guarded")
def test_guard_covers_what_a_variation_moves_and_no_more(at_the_edge: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.yaml"
    more.write_text("ecal_low: {scale: {ecal: 0.985}}")
    with pytest.raises(BlindingError, match=r"'ecal_low' of ecal_energy by 1\.5% .* guard is 1%"):
        run(at_the_edge, without=NOT_IN_P348RECO, variations=(str(more),))
    with pytest.raises(BlindingError, match="'pile_up_leak'"):
        run(at_the_edge, without=NOT_IN_P348RECO, variations=("pile_up_leak",))


def test_variations_that_do_not_touch_the_region_need_no_guard(at_the_edge: Path) -> None:
    found = run(at_the_edge, without=NOT_IN_P348RECO, variations=("veto_threshold_up", "srd_scale_up"))
    assert set(found.samples["sample"].variations) == {"nominal", "veto_threshold_up", "srd_scale_up"}


def test_data_closed_in_any_variation_are_withheld(
    at_the_edge: Path, p348reco: P348Reco, request: pytest.FixtureRequest
) -> None:
    margin = p348reco.tagged[:40]
    unguarded = run(at_the_edge, without=NOT_IN_P348RECO)
    request.getfixturevalue("guarded")
    plain = run(at_the_edge, without=NOT_IN_P348RECO)
    names = ("ecal_scale_up", "ecal_scale_down")
    both = run(at_the_edge, without=NOT_IN_P348RECO, variations=names, with_events=True)
    shown = [r.samples["sample"].cutflow.counts[1, 0] for r in (unguarded, plain, both)]
    assert 19 <= shown[0] - shown[1] <= 20
    assert shown[1] == shown[2]  # the margin is not counted twice
    for variation in ("nominal", *names):
        flow = both.samples["sample"].variations[variation].cutflow
        assert flow.names[1] == "shown"
        assert flow.counts[1, 0] == shown[2]
    assert not np.isin(margin, both.events[0].columns["entry"]).any()
    note = f"data that are closed in any of the variations {', '.join(names)} are withheld"
    assert note in both.notes


def test_base_of_data_is_not_varied(p348reco: P348Reco, tmp_path: Path, own: str) -> None:
    path = p348reco.write(tmp_path / "data.root", 300)
    with pytest.raises(BlindingError, match="changes srd, which belongs to the base"):
        run(path, without=NOT_IN_P348RECO, variations=(own,))


def test_parts_with_other_variations_do_not_add() -> None:
    with pytest.raises(ValueError, match="columns of the variations"):
        run(MIXTURE) + run(MIXTURE, variations=("none",))
