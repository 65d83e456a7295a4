"""Derived columns written and read back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from datasets.decode import decode
from datasets.layouts import load_layout
from datasets.setups import load_setup
from datasets.writer import open_writer
from recon.columns import COLUMNS, title

ENDINGS = (".root", ".parquet")
METADATA = {"version": 1, "kind": "simulation", "region": {"ecal_energy": [None, 50.0]}, "name": "α"}


def columns(n: int, start: int = 0) -> dict[str, Any]:
    """Return events with columns of every kind: numbers, flags, counts, parts and lists."""
    index = np.arange(start, start + n)
    counts = index % 3
    return {
        "run": np.full(n, 3661, dtype=np.int64),
        "event": index,
        "ecal_energy": np.where(index % 4 == 0, np.nan, 1.5 * index),
        "hcal_is_valid": index % 2 == 0,
        "hcal_module_energy": index[:, None] + np.array([0.0, 0.25, 0.5, np.nan]),
        "ecal_cluster_energy": ak.unflatten(np.arange(counts.sum()) + 0.5, counts),
        "ecal_cluster_x": ak.unflatten(-np.arange(counts.sum(), dtype=float), counts),
        "ecal_cluster_count": counts,
    }


def write(path: Path, *chunks: dict[str, Any], metadata: dict[str, Any] | None = None) -> Path:
    with open_writer(path, dict(metadata or {})) as writer:
        for chunk in chunks:
            writer.write(chunk)
    return path


def read(path: Path) -> dict[str, list[Any]]:
    """Return all declared columns as lists, with other tools than our own."""
    if path.suffix == ".parquet":
        return dict(pq.read_table(path).to_pydict())
    with uproot.open(path) as file:
        tree = file["events"]
        return {name: tree[name].array().to_list() for name in tree.keys(recursive=False) if name in COLUMNS}


def as_text(columns: dict[str, Any]) -> dict[str, str]:
    """Return columns as text, in which NaN equals NaN and 1 differs from True and 1.0."""
    return {name: repr(v if isinstance(v, list) else v.tolist()) for name, v in sorted(columns.items())}


endings = pytest.mark.parametrize("ending", ENDINGS, ids=["root", "parquet"])


@endings
def test_round_trip(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"out{ending}", columns(10))
    assert as_text(read(path)) == as_text(columns(10))


@endings
def test_chunks_add_up(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"out{ending}", columns(3), columns(1, 3), columns(4, 4))
    found = read(path)
    assert found["event"] == list(range(8))
    for name, values in found.items():
        parts = [chunk[name].tolist() for chunk in (columns(3), columns(1, 3), columns(4, 4))]
        assert repr(values) == repr([value for part in parts for value in part]), name


@endings
@pytest.mark.parametrize("sizes", [(0,), (0, 3), (3, 0, 2)], ids=["only", "first", "between"])
def test_chunks_without_events(tmp_path: Path, ending: str, sizes: tuple[int, ...]) -> None:
    chunks, start = [], 0
    for n in sizes:
        chunks.append(columns(n, start))
        start += n
    found = read(write(tmp_path / f"out{ending}", *chunks))
    assert set(found) == set(columns(1))
    assert found["event"] == list(range(sum(sizes)))
    assert all(len(values) == sum(sizes) for values in found.values())


@endings
def test_metadata_come_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    with open_writer(path, dict(METADATA)) as writer:
        writer.write(columns(2))
        writer.metadata["events"] = 2  # known only at the end
    if ending == ".root":
        with uproot.open(path) as file:
            text = str(file["na64"])
    else:
        text = pq.read_metadata(path).metadata[b"na64"].decode()
    assert json.loads(text) == {**METADATA, "events": 2}


def test_titles_of_branches_say_meaning_and_unit(tmp_path: Path) -> None:
    path = write(tmp_path / "out.root", columns(2), columns(2))
    with uproot.open(path) as file:
        titles = {name: file["events"][name].title for name in columns(1)}
    assert titles == {name: title(name) for name in columns(1)}
    assert titles["ecal_energy"].endswith("[GeV]")


def test_titles_of_parquet_fields(tmp_path: Path) -> None:
    schema = pq.read_schema(write(tmp_path / "out.parquet", columns(2)))
    assert {f.name: f.metadata[b"title"].decode() for f in schema} == {
        name: title(name) for name in columns(1)
    }


def test_lists_of_one_object_share_a_counter(tmp_path: Path) -> None:
    with uproot.open(write(tmp_path / "out.root", columns(3))) as file:
        counters = [name for name in file["events"].keys(recursive=False) if name not in COLUMNS]
        assert counters == ["n_ecal_cluster"]
        assert file["events"]["n_ecal_cluster"].array().to_list() == [0, 1, 2]


def test_layout_columns_reads_what_was_written(tmp_path: Path, open_events: Callable[..., ak.Array]) -> None:
    path = write(tmp_path / "out.root", columns(5))
    found = decode(open_events(path, "columns"), load_layout("columns"), load_setup("na64e_2018"))
    assert found.n_events == 5
    assert as_text(dict(found.arrays)) == as_text(columns(5))


def test_numbers_keep_their_types(tmp_path: Path) -> None:
    with uproot.open(write(tmp_path / "out.root", columns(2))) as file:
        types = {name: file["events"][name].typename for name in ("event", "ecal_energy", "hcal_is_valid")}
    assert types == {"event": "int64_t", "ecal_energy": "double", "hcal_is_valid": "bool"}


@endings
def test_undeclared_column_is_refused(tmp_path: Path, ending: str) -> None:
    with pytest.raises(KeyError, match="no column 'my_own' is declared"):
        write(tmp_path / f"out{ending}", {"my_own": np.zeros(2)})


@endings
@pytest.mark.parametrize("change", ["more", "fewer"])
def test_other_columns_in_a_later_chunk_are_refused(tmp_path: Path, ending: str, change: str) -> None:
    later = {**columns(2), "spill": np.zeros(2, dtype=np.int64)}
    if change == "fewer":
        later = {name: values for name, values in columns(2).items() if name != "run"}
    with pytest.raises(ValueError, match=r"."):
        write(tmp_path / f"out{ending}", columns(2), later)


@endings
def test_broken_off_file_has_no_metadata(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"

    def break_off() -> None:
        with open_writer(path, dict(METADATA)) as writer:
            writer.write(columns(2))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    if ending == ".root":
        with uproot.open(path) as file:
            assert "na64" not in file
    else:
        assert b"na64" not in pq.read_metadata(path).metadata


@pytest.mark.parametrize("name", ["out.txt", "out", "out.root.gz", "out.ROOT"])
def test_bad_ending(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"cannot write {name}: the name must end in \.root or \.parquet"):
        open_writer(tmp_path / name, {})
    assert not (tmp_path / name).exists()
