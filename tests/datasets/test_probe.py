"""What is known of a file before its events are read."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from datasets.config import ConfigError
from datasets.probe import Kind, Probe, UnreadableError, probe_file, stricter
from datasets.sources import InputFile
from datasets.trees import read_trees

Write = Callable[..., Path]


def probe(path: Path, **options: Any) -> Probe:
    return probe_file(InputFile(path=str(path), dataset="d", tree=options.pop("tree", None)), **options)


def sim(n: int = 3, **changes: Any) -> dict[str, Any]:
    """Return columns of a small Geant4-like tree; a change to None takes a branch away."""
    jagged = ak.unflatten(np.zeros(2 * n), np.full(n, 2))
    whole = ak.values_astype(jagged, np.int32)
    columns: dict[str, Any] = {
        "event": np.arange(n),
        **dict.fromkeys(("hit_det", "hit_part", "hit_ix", "hit_iy", "trk_plane", "trk_pdg"), whole),
        **dict.fromkeys(("hit_e", "hit_t", "trk_x", "trk_y"), jagged),
        **{name: np.zeros(n) for name in ("p", "beam_e", "x0", "y0")},
        "pdg": np.full(n, 11),
        **changes,
    }
    return {name: values for name, values in columns.items() if values is not None}


def derived(n: int = 4, **changes: Any) -> dict[str, Any]:
    """Return columns of a skim."""
    return {
        "ecal_energy": np.ones(n),
        "hcal_energy": np.ones(n),
        "ecal_is_valid": np.ones(n, dtype=bool),
        "hcal_is_valid": np.ones(n, dtype=bool),
        **changes,
    }


# --- kind ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["electrons_100gev", "pions_100gev", "muons_100gev", "dimuon_enriched", "electron_impact_scan"]
)
def test_truth_makes_a_simulation(samples: Path, name: str) -> None:
    found = probe(samples / "geant4" / f"{name}.root")
    assert (found.kind, found.layout.name, found.setup, found.period) == (
        "simulation",
        "geant4_sim",
        "geant4_sample",
        None,
    )
    assert found.quantities == {*found.layout.quantities, *found.layout.truth, "hits"}


def test_p348reco_is_data_of_2018(samples: Path) -> None:
    found = probe(samples / "p348reco_tree.root")
    assert (found.kind, found.layout.name, found.setup) == ("data", "p348reco", "na64e_2018")
    assert found.period is not None
    assert found.period.name == "2018-invisible"
    assert found.tree.entries == 2250


@pytest.mark.parametrize(
    ("is_simulation", "asked", "expected"),
    [
        pytest.param(True, "simulation", "simulation", id="simulation-stays"),
        pytest.param(True, "calibration", "calibration", id="simulation-as-calibration"),
        pytest.param(True, "data", "data", id="simulation-as-data"),
        pytest.param(False, "data", "data", id="data-stays"),
        pytest.param(False, "calibration", None, id="data-never-calibration"),
        pytest.param(False, "simulation", None, id="data-never-simulation"),
    ],
)
def test_kind_only_makes_stricter(
    samples: Path, is_simulation: bool, asked: Kind, expected: Kind | None
) -> None:
    path = samples / ("geant4/muons_100gev.root" if is_simulation else "p348reco_tree.root")
    if expected is None:
        with pytest.raises(ConfigError, match=rf"is data \(.*\); --kind {asked} .*only make a file stricter"):
            probe(path, kind=asked)
    else:
        found = probe(path, kind=asked)
        assert found.kind == expected
        assert (found.period is None) is (expected == "simulation")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("data", "simulation", "data"),
        ("calibration", "simulation", "calibration"),
        ("calibration", "data", "data"),
        ("simulation", "simulation", "simulation"),
    ],
)
def test_stricter(one: Kind, other: Kind, expected: Kind) -> None:
    assert stricter(one, other) == stricter(other, one) == expected


@pytest.mark.parametrize("branch", ["beam_e", "x0", "y0"])
def test_without_a_truth_branch_it_is_data(write: Write, branch: str, container: str) -> None:
    whole = probe(write(sim(), container, tree="sim", name="whole.root"))
    assert whole.kind == "simulation"
    found = probe(write(sim(**{branch: None, f"{branch}_true": np.zeros(3)}), container, tree="sim"))
    assert found.kind == "data"
    assert "no truth branches" in found.kind_reason
    assert found.period is not None
    assert found.period.closed


def test_truth_that_no_branch_gives_is_no_truth(samples: Path, tmp_path: Path) -> None:
    layout = tmp_path / "mine.yaml"
    layout.write_text(
        "{name: mine, title: t, level: reconstructed, tree: tree, signature: [run],"
        " quantities: {run: {branch: run}}, truth: {truth_beam_energy: {constant: 100.0}}}"
    )
    try:
        kind = probe(samples / "p348reco_tree.root", layout=str(layout)).kind
    except ConfigError:
        return  # refused is as good
    assert kind == "data"


@pytest.mark.parametrize(
    ("metadata", "truth", "kind"),
    [
        pytest.param(
            '{"kind": "simulation", "setup": "na64e_2018"}', True, "simulation", id="ours-with-truth"
        ),
        pytest.param('{"kind": "simulation", "setup": "na64e_2018"}', False, "data", id="no-truth"),
        pytest.param('{"kind": "data", "setup": "na64e_2018"}', True, "data", id="says-data"),
        pytest.param('{"setup": "na64e_2018"}', True, "data", id="says-nothing"),
    ],
)
def test_kind_of_a_skim(tmp_path: Path, metadata: str, truth: bool, kind: Kind) -> None:
    path = tmp_path / "skim.root"
    columns = derived(truth_pdg=np.full(4, 11)) if truth else derived()
    with uproot.recreate(path) as file:
        file.mktree("events", {name: v.dtype for name, v in columns.items()}).extend(columns)
        file["na64"] = metadata
    found = probe(path)
    assert (found.kind, found.setup, found.layout.name) == (kind, "na64e_2018", "columns")
    assert found.parent["setup"] == "na64e_2018"


def test_skim_of_somebody_else_is_data(write: Write) -> None:
    columns = derived(truth_pdg=np.full(4, 11), run=np.full(4, 3661))
    assert probe(write(columns, tree="events")).kind == "data"


# --- setup and period ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "setup", "period"),
    [(2000, "na64e_2016", "2016-invisible"), (6000, "na64e_2022", "2022-invisible")],
    ids=["2016", "2022"],
)
def test_run_number_gives_setup_and_period(
    write: Write, container: str, run: int, setup: str, period: str
) -> None:
    found = probe(write(derived(run=np.full(4, run)), container, tree="events"))
    assert found.period is not None
    assert (found.setup, found.period.name) == (setup, period)


def test_unknown_run_of_data_stops(write: Write) -> None:
    with pytest.raises(ConfigError, match="run 5000 lies in no data-taking period"):
        probe(write(derived(run=np.full(4, 5000)), tree="events"))


def test_setup_of_the_user_wins_but_the_run_still_closes(samples: Path) -> None:
    found = probe(samples / "p348reco_tree.root", setup="na64e_2016")
    assert found.period is not None
    assert (found.setup, found.period.name) == ("na64e_2016", "2018-invisible")


def test_no_run_and_no_setup(write: Write) -> None:
    path = write(derived(), tree="events")
    with pytest.raises(ConfigError, match=r"setup is not known.*--setup"):
        probe(path)
    found = probe(path, setup="na64e_2018")
    assert found.period is not None
    assert (found.setup, found.period.setup) == ("na64e_2018", "na64e_2018")


def test_data_of_a_setup_without_period_stop(write: Write) -> None:
    with pytest.raises(ConfigError, match="no data-taking period is registered for setup 'mine'"):
        probe(write(derived(), tree="events"), setup="mine")


def test_run_may_be_a_constant_of_the_layout(write: Write, tmp_path: Path) -> None:
    layout = tmp_path / "mine.yaml"
    layout.write_text(
        "{name: mine, title: t, level: reconstructed, tree: tree, signature: [e],"
        " quantities: {run: {constant: 3661}, weight: {branch: e}}}"
    )
    found = probe(write({"e": np.zeros(2)}), layout=str(layout))
    assert (found.setup, found.kind) == ("na64e_2018", "data")


def test_file_without_entries_does_not_stop_the_others(write: Write) -> None:
    path = write(derived(0, run=np.zeros(0, dtype=np.int64)), tree="events")
    assert probe(path, setup="na64e_2018").tree.entries == 0
    with pytest.raises((UnreadableError, ConfigError), match=r"no entries|0 entries|no events|empty"):
        probe(path)


# --- files that cannot be used ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", r"empty \(0 bytes\)", id="empty"),
        pytest.param(b"this is not a ROOT file\n" * 50, "cannot be opened as a ROOT file", id="text"),
        pytest.param(b"root", "cannot be opened as a ROOT file", id="only-the-magic"),
        pytest.param(b"\0" * 4096, "cannot be opened as a ROOT file", id="zeros"),
    ],
)
def test_no_root_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file.root"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=message) as caught:
        probe(path)
    assert str(tmp_path) not in str(caught.value)  # the accounting names the file beside the reason


@pytest.mark.parametrize("part", [0.02, 0.5, 0.95, 0.999])
def test_truncated_file(samples: Path, tmp_path: Path, part: float) -> None:
    content = (samples / "p348reco_tree.root").read_bytes()
    path = tmp_path / "file.root"
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(UnreadableError, match="truncated or damaged"):
        probe(path)


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="cannot be opened"):
        probe(tmp_path / "gone.root")


@pytest.mark.parametrize(
    ("tree", "columns", "message"),
    [
        pytest.param(
            "other", {"a": np.zeros(1)}, "no known layout .*trees: 'other'; layouts: ana_tree", id="tree"
        ),
        pytest.param("sim", sim(pdg=None), "would be layout geant4_sim but lacks pdg", id="signature"),
        pytest.param(
            "tree", {"run": np.zeros(1)}, "would be layout p348reco but lacks masterTime", id="mostly"
        ),
    ],
)
def test_no_layout_fits(
    write: Write, container: str, tree: str, columns: dict[str, Any], message: str
) -> None:
    with pytest.raises(UnreadableError, match=rf"{message}.*layout YAML .*--layout"):
        probe(write(columns, container, tree=tree))


def test_file_without_trees(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "file.root") as file:
        file["note"] = "text"
    with pytest.raises(UnreadableError, match="trees: none"):
        probe(tmp_path / "file.root")


def test_wanted_layout_needs_its_tree(samples: Path) -> None:
    with pytest.raises(UnreadableError, match=r"has no tree 'sim', which layout geant4_sim reads .*'tree'"):
        probe(samples / "p348reco_tree.root", layout="geant4_sim")


def test_unknown_layout_of_the_user_stops(samples: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'p348reco'"):
        probe(samples / "p348reco_tree.root", layout="p348rec")


def test_tree_of_another_name(write: Write) -> None:
    found = probe(write(sim(), tree="mytree"), tree="mytree")
    assert (found.tree.name, found.layout.name, found.kind) == ("mytree", "geant4_sim", "simulation")


def test_members_of_a_structure_are_no_branches(tmp_path: Path) -> None:
    record = ak.Array([{"pdg": 11, "p": 1.0}] * 3)
    with uproot.recreate(tmp_path / "file.root") as file:
        file.mkrntuple("sim", sim(pdg=None, p=None, beam=record))
    with pytest.raises(UnreadableError, match="lacks pdg, p"):
        probe(tmp_path / "file.root")


def test_tree_in_a_folder_can_be_opened_by_its_name(write: Write) -> None:
    path = write(sim(), tree="folder/sim")
    try:
        found = probe(path)
    except UnreadableError:
        return  # refused is as good
    with uproot.open(path) as file:
        assert file[found.tree.name].num_entries == found.tree.entries


def test_newest_version_of_a_tree_counts_in_any_order_of_the_keys(tmp_path: Path) -> None:
    path = tmp_path / "file.root"
    with uproot.recreate(path) as file:
        for n in (3, 7):
            columns = derived(n, run=np.full(n, 3661))
            file.mktree("events", {name: v.dtype for name, v in columns.items()}).extend(columns)
    assert probe(path).tree.entries == 7
    swap_first_keys(path)  # ROOT lists the newest version first, uproot last
    with uproot.open(path) as file:
        assert file.keys() == ["events;2", "events;1"]
        assert file["events"].num_entries == 7
    assert probe(path).tree.entries == 7


def swap_first_keys(path: Path) -> None:
    """Exchange the first two keys in the list of the file, which must be of one length."""
    with uproot.open(path) as file:
        start = int(file.fSeekKeys)
    content = bytearray(path.read_bytes())
    start += struct.unpack_from(">h", content, start + 14)[0] + 4  # after the key of the list and its number
    first, second = (struct.unpack_from(">h", content, start + 14)[0] for _ in range(2))
    middle = start + first
    assert first == second == struct.unpack_from(">h", content, middle + 14)[0]
    content[start:middle], content[middle : middle + first] = (
        content[middle : middle + first],
        content[start:middle],
    )
    path.write_bytes(content)


# --- digests and clusters --------------------------------------------------------------------------


def test_quick_and_full_digest(samples: Path, tmp_path: Path) -> None:
    content = bytearray((samples / "p348reco_tree.root").read_bytes())
    path = tmp_path / "file.root"
    path.write_bytes(content)
    quick, full = probe(path), probe(path, verify=True)
    assert (quick.digest.algorithm, quick.digest.scope) == ("sha256", "quick")
    assert (full.digest.algorithm, full.digest.scope) == ("sha256", "full")
    assert quick.size == full.size == len(content)
    assert quick.digest == probe(samples / "p348reco_tree.root").digest
    assert quick.digest.value != full.digest.value


@pytest.mark.parametrize(
    ("place", "quick_sees_it"), [(0.5, False), (-10, True)], ids=["in-the-middle", "near-the-end"]
)
def test_a_changed_byte(samples: Path, tmp_path: Path, place: float, quick_sees_it: bool) -> None:
    content = bytearray((samples / "p348reco_tree.root").read_bytes())
    path = tmp_path / "file.root"
    path.write_bytes(content)
    before = [probe(path, verify=verify).digest for verify in (False, True)]
    content[int(place * len(content)) if place > 0 else int(place)] ^= 1
    path.write_bytes(content)
    after = [probe(path, verify=verify).digest for verify in (False, True)]
    assert after[1] != before[1]
    assert (after[0] != before[0]) is quick_sees_it


def test_two_writings_of_the_same_events_differ(write: Write) -> None:
    one, two = (probe(write(sim(), tree="sim", name=f"{i}.root")) for i in range(2))
    assert one.uuid != two.uuid
    assert one.digest != two.digest


def test_clusters_are_where_all_baskets_end(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "file.root") as file:
        tree = file.mktree("events", {name: v.dtype for name, v in derived().items()})
        for n in (4, 3, 5):
            tree.extend(derived(n))
    (info,), _, metadata = read_trees(str(tmp_path / "file.root"))
    assert (info.type, info.entries, info.clusters) == ("TTree", 12, (0, 4, 7, 12))
    assert metadata == {}


def test_clusters_of_an_rntuple(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "file.root") as file:
        tree = file.mkrntuple("events", derived(4))
        tree.extend(derived(3))
    (info,), _, _ = read_trees(str(tmp_path / "file.root"))
    assert (info.type, info.entries, info.clusters) == ("RNTuple", 7, (0, 4, 7))
    assert set(info.branches) == set(derived())


def test_clusters_of_nothing(write: Write) -> None:
    (info,), _, _ = read_trees(str(write(derived(0), tree="events")))
    assert (info.entries, info.clusters) == (0, (0,))
