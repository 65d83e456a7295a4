"""Same bins for any executor and chunking, and every event accounted for."""

from pathlib import Path

import numpy as np
import pytest
import uproot

from datasets.config import ConfigError
from datasets.sources import InputError, InputFile, find_inputs
from processors.clusters import Cluster
from processors.invisible import InvisibleProcessor
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
        pytest.param({"chunk_size": 1}, id="one-event-chunks", marks=pytest.mark.slow),
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
    if execution.get("chunk_size") == 1:
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
