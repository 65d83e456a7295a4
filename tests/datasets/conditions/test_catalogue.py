"""The catalogue of runs: what it says, and what it must not say."""

import hashlib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import uproot
import yaml

from datasets.conditions.catalogue import Catalogue, load_catalogue
from datasets.config import ConfigError

DIGEST = {"algorithm": "sha256", "value": 64 * "a", "scope": "full"}
RUN: dict[str, Any] = {
    "run": 4000,
    "period": "2018-invisible",
    "kind": "data",
    "trigger": "physics",
    "quality": "good",
    "prescale": 1,
    "live_fraction": 0.9,
    "files": [
        {
            "path": "raw/4000_1.root",
            "size": 100,
            "digest": DIGEST,
            "spills": [{"spill": 1, "eot": 5_000_000}, {"spill": 2, "eot": 4_000_000, "quality": "bad"}],
        },
        {"path": "raw/4000_2.root", "spills": [{"spill": 3, "eot": 3_000_000}]},
    ],
}
OTHER = {**RUN, "run": 3999, "files": [{"path": "raw/3999.root", "eot": 7}]}


def load(folder: Path, *runs: object) -> Catalogue:
    path = folder / "catalogue.yaml"
    path.write_text(yaml.safe_dump({"runs": list(runs)}))
    return load_catalogue(path)


def test_runs_in_rising_order(tmp_path: Path) -> None:
    catalogue = load(tmp_path, RUN, OTHER)
    assert [record.run for record in catalogue.runs] == [3999, 4000]
    record = catalogue.run(4000)
    assert record is not None
    assert (record.period, record.kind, record.trigger) == ("2018-invisible", "data", "physics")
    assert (record.prescale, record.live_fraction) == (1, 0.9)
    assert record.eot == 12_000_000
    assert record.bad_spills == (2,)
    assert catalogue.run(4001) is None


@pytest.mark.parametrize(
    ("quality", "bad"),
    [("good", (2,)), ("unknown", (2,)), ("bad", (1, 2, 3))],
    ids=["good", "unknown", "bad"],
)
def test_bad_run_has_bad_spills_only(tmp_path: Path, quality: str, bad: tuple[int, ...]) -> None:
    (record,) = load(tmp_path, {**RUN, "quality": quality}).runs
    assert record.bad_spills == bad


@pytest.mark.parametrize(
    ("files", "eot"),
    [
        pytest.param([{"path": "a"}], None, id="unknown"),
        pytest.param([{"path": "a", "eot": 0}], 0, id="none"),
        pytest.param([{"path": "a", "eot": 3}, {"path": "b", "eot": 4}], 7, id="files"),
        pytest.param([{"path": "a", "eot": 3}, {"path": "b"}], None, id="one-unknown"),
        pytest.param(
            [{"path": "a", "spills": [{"spill": 1, "eot": 3}, {"spill": 2}]}], None, id="spill-unknown"
        ),
        pytest.param([], None, id="no-files"),
    ],
)
def test_unknown_is_not_nought(tmp_path: Path, files: list[object], eot: int | None) -> None:
    (record,) = load(tmp_path, {**RUN, "files": files}).runs
    assert record.eot == eot


def test_file_is_found_by_its_name(tmp_path: Path) -> None:
    catalogue = load(tmp_path, RUN, OTHER)
    for path in ("4000_1.root", "/elsewhere/4000_1.root", "root://server//eos/4000_1.root"):
        found = catalogue.find(path, size=100)
        assert found is not None
        assert (found[0].run, found[1].path) == (4000, "raw/4000_1.root")
    assert catalogue.find("4000_3.root") is None
    assert catalogue.find("3999.root", size=5) is not None  # its size is not known
    with pytest.raises(ConfigError, match=r"x/4000_1\.root has 99 bytes, the catalogue says 100: it is cut"):
        catalogue.find("x/4000_1.root", size=99)


def set_at(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Return an edit of `a.0.b`."""

    def edit(tree: Any) -> None:
        *above, last = path.split(".")
        for key in above:
            tree = tree[int(key) if key.isdigit() else key]
        tree[last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(set_at("prescael", 1), r"runs\.0\.prescael: ", id="key"),
        pytest.param(
            set_at("period", "2018-invisble"),
            r"run 4000: unknown period '2018-invisble'; did you mean '2018-invisible'\?",
            id="period",
        ),
        pytest.param(
            set_at("run", 5000),
            r"run 5000: period '2018-invisible' covers runs \[\[3574, 4310\]\] only",
            id="run-of-another-period",
        ),
        pytest.param(set_at("kind", "simulation"), r"runs\.0\.kind: .*'simulation'", id="kind"),
        pytest.param(set_at("quality", "fine"), r"runs\.0\.quality: .*'fine'", id="quality"),
        pytest.param(set_at("trigger", "phys"), r"runs\.0\.trigger: .*'phys'", id="trigger"),
        pytest.param(set_at("prescale", 0), r"run 4000: prescale must be at least 1, got 0", id="prescale"),
        pytest.param(
            set_at("live_fraction", 1.5), r"run 4000: live_fraction must lie in \[0, 1\], got 1.5", id="live"
        ),
        pytest.param(
            set_at("files.0.size", -1), r"file 'raw/4000_1.root': size must not be negative", id="size"
        ),
        pytest.param(
            set_at("files.0.eot", 9), r"has 'eot' and 'spills': particles would be counted twice", id="both"
        ),
        pytest.param(
            set_at("files.0.spills.0.eot", 5e6 + 0.5),
            r"files\.0\.spills\.0\.eot: .*integer",
            id="half-a-particle",
        ),
        pytest.param(
            set_at("files.0.spills.0.eot", -1),
            r"spill 1: eot must not be negative, got -1; write null",
            id="negative",
        ),
        pytest.param(
            set_at("files.1.spills.0.spill", 2),
            r"run 4000: spill 2 stands in 'raw/4000_1.root' and in 'raw/4000_2.root'",
            id="spill-twice",
        ),
        pytest.param(
            set_at("files.1.path", "other/4000_1.root"),
            r"'4000_1.root' stands in run 4000 and in run 4000",
            id="file-twice",
        ),
        pytest.param(
            set_at("files.0.digest", {**DIGEST, "value": "abc"}), r"64 hexadecimal digits.*'abc'", id="digest"
        ),
        pytest.param(
            set_at("files.0.digest", {**DIGEST, "algorithm": "md5"}), r"algorithm: .*'md5'", id="algorithm"
        ),
    ],
)
def test_wrong_catalogue_is_refused(
    tmp_path: Path, edit: Callable[[dict[str, Any]], None], message: str
) -> None:
    tree = deepcopy(RUN)
    edit(tree)
    with pytest.raises(ConfigError, match=rf"catalogue\.yaml.*{message}"):
        load(tmp_path, tree)


def test_run_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run 3999 stands twice; list all of its files in one entry"):
        load(tmp_path, OTHER, {**OTHER, "files": []})


def test_numbers_may_have_a_source(tmp_path: Path) -> None:
    (record,) = load(tmp_path, {**RUN, "source": "logbook", "prescale": {"value": 2, "source": "daq"}}).runs
    assert record.prescale == 2


def test_shipped_catalogue_describes_the_files_that_are_there(samples: Path) -> None:
    listed = [(record, file, samples / file.name) for record, file in load_catalogue().files()]
    there = [entry for entry in listed if entry[2].is_file()]
    assert there
    for record, file, path in there:
        content = path.read_bytes()
        assert file.size == len(content)
        assert file.digest is not None
        assert file.digest.value == hashlib.sha256(content).hexdigest()
        with uproot.open(path) as opened:
            assert opened["tree"].num_entries == file.entries
            assert set(opened["tree"]["run"].array(library="np")) == {record.run}


def test_bad_spills_of_all_runs(tmp_path: Path) -> None:
    bad = {**OTHER, "run": 4001, "quality": "bad", "files": []}
    assert load(tmp_path, RUN, OTHER, bad).bad_spills() == {4000: (2,), 4001: None}
