"""Same bins for any executor and chunking, and every event accounted for."""

import errno
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

import datasets.layouts
from datasets.config import ConfigError
from datasets.sources import InputError, InputFile, find_inputs
from processors.analysis import Selected
from processors.clusters import Cluster
from processors.dispatch import dispatch
from processors.invisible import InvisibleProcessor
from processors.partial_results import PartialResults, write_part
from processors.result import AnalysisResult
from processors.runner import Account, Execution, Request, _edges, prepare, run_items
from selections.blinding import BlindingError
from selections.selection import SelectionError
from tests.conftest import NOT_IN_P348RECO, P348Reco


def run(
    files: list[InputFile], processor: InvisibleProcessor, **execution: object
) -> tuple[AnalysisResult, Account]:
    prepared = prepare(Request(files=files), processor)
    return run_items(prepared, processor, Execution(**execution), AnalysisResult())  # type: ignore[arg-type]


def contents(result: AnalysisResult) -> dict[str, np.ndarray]:
    bins = {}
    for name, histogram in result.histograms.items():
        for dataset in histogram.axes["dataset"]:
            bins[f"{name}/{dataset}"] = histogram[dataset, "nominal", ...].view(flow=True)
    return bins


@pytest.fixture(scope="module")
def files(samples: Path) -> list[InputFile]:
    return find_inputs(
        [str(samples / "geant4" / f"{name}.root") for name in ("electrons_100gev", "dimuon_enriched")]
    )


@pytest.fixture(scope="module")
def reference(files: list[InputFile]) -> AnalysisResult:
    result, account = run(files, InvisibleProcessor())
    assert account.processed == 2200
    return result


@pytest.mark.parametrize(
    "execution",
    [
        pytest.param({"chunk_size": 5}, id="chunks-of-five-events"),
        pytest.param({"chunk_size": 37}, id="small-chunks"),
        pytest.param({"chunk_size": 1024}, id="blocks"),
        pytest.param({"executor": "futures", "workers": 2, "chunk_size": 300}, id="futures"),
        pytest.param(
            {"executor": "dask", "workers": 1, "cluster": Cluster(most=2), "chunk_size": 500},
            id="dask-1-to-2",
        ),
        pytest.param({"executor": "dask", "workers": 1, "chunk_size": 2000}, id="dask-1"),
    ],
)
def test_bins_do_not_depend_on_execution(
    files: list[InputFile], reference: AnalysisResult, execution: dict[str, object]
) -> None:
    if execution.get("chunk_size") == 5:
        files = files[1:]  # 300 events are enough for that
    result, account = run(files, InvisibleProcessor(), **execution)
    assert not account.losses
    expected = {key: bins for key, bins in contents(reference).items() if key.split("/")[1] in result.samples}
    found = contents(result)
    assert found.keys() == expected.keys()
    for key, bins in expected.items():
        assert (found[key] == bins).all(), key
    for name, sample in result.samples.items():
        assert (sample.cutflow.counts == reference.samples[name].cutflow.counts).all()


def test_order_of_files_does_not_matter(files: list[InputFile], reference: AnalysisResult) -> None:
    result, _ = run(files[::-1], InvisibleProcessor())
    for key, bins in contents(reference).items():
        assert (contents(result)[key] == bins).all(), key


def test_another_seed_smears_otherwise(files: list[InputFile], reference: AnalysisResult) -> None:
    result, _ = run(files, InvisibleProcessor(seed=2))
    key = "track_momentum/electrons_100gev"
    assert (contents(result)[key] != contents(reference)[key]).any()


def test_truncated_file_is_lost_by_name_and_the_others_count(samples: Path, tmp_path: Path) -> None:
    good = samples / "geant4" / "dimuon_enriched.root"
    bad = tmp_path / "bad.root"
    bad.write_bytes((samples / "geant4" / "electrons_100gev.root").read_bytes()[:100_000])
    result, account = run(find_inputs([str(good), str(bad)]), InvisibleProcessor())
    assert (account.processed, account.lost, account.unknown_files) == (300, 0, 1)
    assert "truncated" in account.losses[0].reason
    assert account.losses[0].file == str(bad)
    assert list(result.samples) == ["dimuon_enriched"]


def test_damaged_basket_loses_its_chunk_and_no_other(p348reco: P348Reco, tmp_path: Path) -> None:
    path = tmp_path / "damaged.root"
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        chosen = p348reco.arrays
        file.mktree("tree", {n: np.dtype((v.dtype, v.shape[1:])) for n, v in chosen.items()})
        for start in range(0, 2250, 750):
            file["tree"].extend({name: values[start : start + 750] for name, values in chosen.items()})
    with uproot.open(path) as file:
        branch = file["tree"]["ECAL_ene"]
        seek, size = branch.member("fBasketSeek")[1], branch.member("fBasketBytes")[1]
    content = bytearray(path.read_bytes())
    content[seek + size // 2 : seek + size // 2 + 64] = bytes(64)
    path.write_bytes(content)
    processor = InvisibleProcessor(without=NOT_IN_P348RECO)
    result, account = run(find_inputs([str(path)]), processor, chunk_size=750)
    assert (account.processed, account.lost, account.unknown_files) == (1500, 750, 0)
    assert "ecal_cell_energy" in account.losses[0].reason
    assert result.entries == 1500


def test_file_without_a_needed_branch_is_set_aside(p348reco: P348Reco, tmp_path: Path) -> None:
    good = p348reco.write(tmp_path / "good.root", 200)
    del p348reco.arrays["isPhysics"]
    bad = p348reco.write(tmp_path / "bad.root", 100)
    processor = InvisibleProcessor(without=NOT_IN_P348RECO)
    _, account = run(find_inputs([str(good), str(bad)]), processor)
    assert (account.processed, account.lost) == (200, 100)
    assert "isPhysics" in account.losses[0].reason


def test_a_loss_names_no_branch_of_a_detector_that_the_setup_lacks(
    p348reco: P348Reco, tmp_path: Path
) -> None:
    layout = tmp_path / "mine.yaml"
    text = (Path(datasets.layouts.__file__).parent / "p348reco.yaml").read_text()
    layout.write_text(text + "  wcal_cell_energy: {branch: WCAL_ene, unit: GeV}\n")
    good = p348reco.write(tmp_path / "good.root", 200)
    del p348reco.arrays["isPhysics"]
    bad = p348reco.write(tmp_path / "bad.root", 100)
    request = Request(files=find_inputs([str(good), str(bad)]), layout=str(layout))
    (loss,) = prepare(request, InvisibleProcessor(without=NOT_IN_P348RECO)).losses
    assert "lacks the branches isPhysics of layout" in loss.reason


def test_nothing_readable_is_an_error_that_names_each_file(tmp_path: Path) -> None:
    (tmp_path / "empty.root").touch()
    (tmp_path / "text.root").write_text("not a ROOT file")
    with pytest.raises(InputError, match=r"empty\.root.*0 bytes.*text\.root") as error:
        prepare(Request(files=find_inputs([str(tmp_path)])), InvisibleProcessor())
    assert "2 input files" in str(error.value)


def test_missing_columns_are_all_listed_with_the_options(samples: Path) -> None:
    files = find_inputs([str(samples / "p348reco_tree.root")])
    with pytest.raises(SelectionError) as error:
        prepare(Request(files=files), InvisibleProcessor())
    message = str(error.value)
    assert " ".join(f"--without-cut {name}" for name in NOT_IN_P348RECO) in message
    assert "track_momentum needs track_momentum" in message
    assert "hcal_r needs hcal_r" in message


def test_files_of_two_setups_do_not_mix(samples: Path) -> None:
    files = find_inputs([str(samples / "p348reco_tree.root"), str(samples / "geant4" / "muons_100gev.root")])
    with pytest.raises(ConfigError, match=r"different setups: geant4_sample .* na64e_2018"):
        prepare(Request(files=files), InvisibleProcessor(without=NOT_IN_P348RECO))


def test_base_cut_cannot_be_left_out_on_data(samples: Path) -> None:
    files = find_inputs([str(samples / "p348reco_tree.root")])
    with pytest.raises(BlindingError, match="srd belongs to the base"):
        prepare(Request(files=files), InvisibleProcessor(without=(*NOT_IN_P348RECO, "srd")))


def test_same_name_for_data_and_simulation_is_kept_apart(samples: Path) -> None:
    path = samples / "geant4" / "muons_100gev.root"
    request = Request(files=[InputFile(path=str(path), dataset="mix")])
    open_, closed = (
        prepare(request, InvisibleProcessor()),
        prepare(Request(files=request.files, kind="data"), InvisibleProcessor()),
    )
    assert (open_.probes[0].kind, closed.probes[0].kind) == ("simulation", "data")


@pytest.mark.parametrize(
    ("entries", "clusters", "size", "edges"),
    [
        pytest.param(0, (0,), 10, [0, 0], id="empty"),
        pytest.param(25, (0, 25), 10, [0, 10, 20, 25], id="plain"),
        pytest.param(30, (0, 9, 18, 27, 30), 10, [0, 9, 18, 27, 30], id="near-clusters"),
        pytest.param(30, (0, 5, 30), 10, [0, 10, 20, 30], id="far-clusters"),
    ],
)
def test_chunks_end_at_clusters_where_near(
    entries: int, clusters: tuple[int, ...], size: int, edges: list[int]
) -> None:
    assert _edges(entries, clusters, size) == edges


class Weighted(InvisibleProcessor):
    """Gives events weights over many orders of magnitude, by their place in the file."""

    starts: list[int] = []  # noqa: RUF012 - of the chunks that were processed

    def select(self, events: Any, **options: Any) -> Selected:
        selected = super().select(events, **options)
        self.starts.append(int(events.metadata["entrystart"]))
        weight = 10.0 ** np.random.default_rng(2).uniform(-6, 6, 5000)[selected.entry]
        total = (float(weight.sum()), float((weight**2).sum()))
        return replace(selected, weight=weight, total_weight=total)


def sums(result: AnalysisResult) -> dict[str, np.ndarray]:
    found = {f"sums/{name}": sample.cutflow.sums for name, sample in result.samples.items()}
    return found | {
        f"{key}/{part}": bins[part]
        for key, bins in contents(result).items()
        for part in ("value", "variance")
    }


@pytest.fixture(scope="module")
def weighted(samples: Path) -> tuple[list[InputFile], AnalysisResult]:
    files = find_inputs([str(samples / "geant4" / "dimuon_enriched.root")])
    return files, run(files, Weighted(), chunk_size=40)[0]


def test_weighted_sums_agree_for_other_chunks(weighted: tuple[list[InputFile], AnalysisResult]) -> None:
    files, expected = weighted
    found = sums(run(files, Weighted(), chunk_size=70)[0])
    for key, values in sums(expected).items():
        np.testing.assert_allclose(found[key], values, rtol=1e-12, atol=0, err_msg=key)


def test_order_of_arrival_changes_no_bit(
    weighted: tuple[list[InputFile], AnalysisResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    files, expected = weighted
    monkeypatch.setattr(
        "processors.executors.dispatch", lambda items, config: dispatch(reversed(list(items)), config)
    )
    found = sums(run(files, Weighted(), chunk_size=40)[0])
    for key, values in sums(expected).items():
        assert np.array_equal(found[key], values), key


def resumed(folder: Path, files: list[InputFile], monkeypatch: Any, until: int | None = None) -> Any:
    """Run with partial results; end like a killed process at the chunk of some entry."""
    processor = Weighted()
    monkeypatch.setattr(Weighted, "starts", [])
    if until is not None:

        def end(self: Any, events: Any, **options: Any) -> Selected:
            if events.metadata["entrystart"] >= until:
                raise KeyboardInterrupt
            return Weighted.select(self, events, **options)

        processor = type("Weighted", (Weighted,), {"select": end})()
    prepared = prepare(Request(files=files), processor)
    store = PartialResults(folder, lambda probe: probe.digest.value)
    return run_items(prepared, processor, Execution(chunk_size=40), AnalysisResult(), store=store)


def test_resumed_run_does_what_is_missing(
    weighted: tuple[list[InputFile], AnalysisResult],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files, expected = weighted
    with pytest.raises(KeyboardInterrupt):
        resumed(tmp_path, files, monkeypatch, until=160)
    parts = sorted(path.name for path in tmp_path.rglob("*.part"))
    assert [name[:12] for name in parts] == [f"{start:012d}" for start in (0, 40, 80, 120)]
    damaged = next(tmp_path.rglob("000000000040-*"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    result, account = resumed(tmp_path, files, monkeypatch)
    assert Weighted.starts == [40, 160, 200, 240, 280]
    assert "000000000040" in caplog.text
    assert (account.processed, account.resumed) == (300, 120)
    for key, values in sums(expected).items():
        assert np.array_equal(sums(result)[key], values), key
    assert [path.name for path in tmp_path.rglob("*.part")] == ["000000000000-000000000300.part"]
    again, _ = resumed(tmp_path, files, monkeypatch)
    assert Weighted.starts == []
    assert np.array_equal(sums(again)["sums/dimuon_enriched"], sums(result)["sums/dimuon_enriched"])


def test_full_disk_costs_partial_results_alone(
    weighted: tuple[list[InputFile], AnalysisResult],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files, expected = weighted
    left = iter([True, True])

    def write(*arguments: Any) -> None:
        if not next(left, False):
            raise OSError(errno.ENOSPC, "No space left on device")
        write_part(*arguments)

    monkeypatch.setattr("processors.partial_results.write_part", write)
    result, account = resumed(tmp_path, files, monkeypatch)
    assert not account.losses
    assert np.array_equal(sums(result)["sums/dimuon_enriched"], sums(expected)["sums/dimuon_enriched"])
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "No space left on device" in warnings[0]
    assert len(list(tmp_path.rglob("*.part"))) == 2


def test_file_that_changes_in_mid_run_is_lost_as_a_whole(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of the old file and a part of the new one would be a sample of nothing."""
    good, bad = samples / "geant4" / "muons_100gev.root", tmp_path / "dimuon_enriched.root"
    bad.write_bytes((samples / "geant4" / "dimuon_enriched.root").read_bytes())

    def swap(self: Any, events: Any, **options: Any) -> Selected:
        if events.metadata["entrystart"] == 200 and events.metadata["filename"] == str(bad):
            bad.with_name("new").write_bytes(good.read_bytes())
            bad.with_name("new").replace(bad)
        return InvisibleProcessor.select(self, events, **options)

    processor = type("Swapping", (InvisibleProcessor,), {"select": swap})()
    result, account = run(find_inputs([str(bad), str(good)]), processor, chunk_size=100)
    assert (account.processed, account.lost) == (500, 300)
    assert [(Path(loss.file).name, loss.entries) for loss in account.losses] == [(bad.name, 300)]
    assert "changed" in account.losses[0].reason
    assert list(result.samples) == ["muons_100gev"]
