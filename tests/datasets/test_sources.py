"""From what a user names to a list of files."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from datasets.config import ConfigError
from datasets.sources import InputError, InputFile, find_inputs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three files, a text and a subfolder with one more."""
    for name in ("mc_0002.root", "mc_0001.root", "run3661.root", "notes.txt", "sub/deep.root"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"root")
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(files: list[InputFile]) -> list[str]:
    return [Path(file.path).name for file in files]


def test_path(folder: Path) -> None:
    (file,) = find_inputs([str(folder / "mc_0001.root")])
    assert file == InputFile(path=str(folder / "mc_0001.root"), dataset="mc_0001")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("mc_*.root", ["mc_0001.root", "mc_0002.root"], id="glob-is-sorted"),
        pytest.param("*/*.root", ["deep.root"], id="glob-in-folders"),
        pytest.param(
            "**/*.root", ["mc_0001.root", "mc_0002.root", "run3661.root", "deep.root"], id="recursive"
        ),
        pytest.param("mc_000[2-9].root", ["mc_0002.root"], id="class"),
        pytest.param("", ["mc_0001.root", "mc_0002.root", "run3661.root"], id="directory"),
        pytest.param("notes.txt", ["notes.txt"], id="any-ending-by-name"),
    ],
)
def test_expansion(folder: Path, pattern: str, expected: list[str]) -> None:
    assert names(find_inputs([str(folder / pattern)])) == expected


def test_order_is_that_of_the_arguments(folder: Path) -> None:
    found = find_inputs([str(folder / "run3661.root"), str(folder / "mc_*.root")])
    assert names(found) == ["run3661.root", "mc_0001.root", "mc_0002.root"]


@pytest.mark.parametrize(
    ("argument", "datasets"),
    [
        pytest.param("mc_0001.root", ["mc_0001"], id="file-by-its-name"),
        pytest.param("mc_*.root", ["data", "data"], id="glob-by-its-folder"),
        pytest.param("", ["data", "data"], id="directory-by-its-name"),
    ],
)
def test_dataset_name(tmp_path: Path, argument: str, datasets: list[str]) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("mc_0001.root", "mc_0002.root"):
        (folder / name).touch()
    assert [file.dataset for file in find_inputs([str(folder / argument)])] == datasets


def test_years_are_not_mixed(tmp_path: Path) -> None:
    paths = [tmp_path / f"el_{year}.root" for year in (2022, 2023)]
    for path in paths:
        path.touch()
    assert [file.dataset for file in find_inputs([str(path) for path in paths])] == ["el_2022", "el_2023"]


def test_file_of_two_datasets_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.root").touch()
    with pytest.raises(InputError, match=r"two datasets, 'a' and 'b'"):
        find_inputs([f"a={tmp_path / 'x.root'}", f"b={tmp_path / 'x.root'}"])


def test_name_without_a_path_is_refused() -> None:
    with pytest.raises(InputError, match="NAME=PATH"):
        find_inputs(["a="])


@pytest.mark.parametrize("place", ["mc_0001.root", "mc_*.root", ""], ids=["path", "glob", "directory"])
def test_name_before_a_path(folder: Path, place: str) -> None:
    found = find_inputs([f"signal={folder / place}"])
    assert {(file.dataset, file.named) for file in found} == {("signal", True)}
    assert all(Path(file.path).is_file() for file in found)


def test_path_that_holds_an_equals_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mass=10.root").touch()
    monkeypatch.chdir(tmp_path)
    (file,) = find_inputs(["mass=10.root"])
    assert (file.path, file.named) == ("mass=10.root", False)


@pytest.mark.parametrize("argument", ["root://eos.example//a/b_12.root", "https://example.org/b_12.root?v=1"])
def test_url_is_left_alone(argument: str) -> None:
    assert [file.path for file in find_inputs([argument])] == [argument]
    assert [(f.path, f.dataset) for f in find_inputs([f"mine={argument}"])] == [(argument, "mine")]


def test_twice_the_same_file_is_used_once_with_a_warning(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with caplog.at_level(logging.WARNING, "datasets.sources"):
        found = find_inputs(["mc_0001.root", str(folder / "sub" / ".." / "mc_*.root")])
    assert names(found) == ["mc_0001.root", "mc_0002.root"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "mc_0001.root is named twice" in caplog.text


def test_a_link_is_the_file_it_points_to(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "again.root").symlink_to(folder / "mc_0001.root")
    found = find_inputs([str(folder / "mc_0001.root"), str(folder / "again.root")])
    assert names(found) == ["mc_0001.root"]
    assert "named twice" in caplog.text


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        pytest.param(
            "mc_001.root", r"mc_001\.root does not exist; did you mean 'mc_000[12]\.root'\?", id="typo"
        ),
        pytest.param("zzzz", r"input .*zzzz does not exist$", id="nothing-near"),
        pytest.param("gone/mc.root", r"gone/mc\.root does not exist", id="no-folder"),
        pytest.param("empty", r"empty has no \*\.root files", id="empty-directory"),
        pytest.param("q*.root", r"no file matches .*q\*\.root", id="glob-without-match"),
        pytest.param("gone.yaml", r"fileset .*gone\.yaml does not exist", id="no-fileset"),
    ],
)
def test_missing_input(folder: Path, argument: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_inputs([str(folder / argument)])


def test_no_arguments() -> None:
    with pytest.raises(InputError, match="no input files given"):
        find_inputs([])


# --- filesets --------------------------------------------------------------------------------------

Write = Callable[[object], str]


@pytest.fixture(params=["yaml", "yml", "json"])
def fileset(folder: Path, request: pytest.FixtureRequest) -> Write:
    """Return a writer of filesets that returns their path."""

    def write(tree: object) -> str:
        path = folder / f"fileset.{request.param}"
        path.write_text(
            json.dumps(tree) if request.param == "json" else yaml.safe_dump(tree, sort_keys=False)
        )
        return str(path)

    return write


def test_fileset_of_lists(folder: Path, fileset: Write) -> None:
    found = find_inputs(
        [fileset({"mc": ["mc_0001.root", str(folder / "mc_0002.root")], "d": ["sub/deep.root"]})]
    )
    assert [(file.path, file.dataset, file.named, file.tree) for file in found] == [
        (str(folder / "mc_0001.root"), "mc", True, None),
        (str(folder / "mc_0002.root"), "mc", True, None),
        (str(folder / "sub" / "deep.root"), "d", True, None),
    ]


def test_fileset_of_files_and_trees(fileset: Write) -> None:
    found = find_inputs([fileset({"mc": {"mc_0001.root": "sim", "mc_0002.root": "tree"}})])
    assert [(Path(file.path).name, file.tree) for file in found] == [
        ("mc_0001.root", "sim"),
        ("mc_0002.root", "tree"),
    ]


@pytest.mark.parametrize(
    ("files", "tree"),
    [
        pytest.param(["mc_0001.root"], "t", id="list"),
        pytest.param({"mc_0001.root": "sim"}, "sim", id="own-tree-wins"),
        pytest.param({"mc_0001.root": None}, "t", id="tree-of-the-dataset"),
        pytest.param({"mc_0001.root": {"object_path": "sim", "steps": None}}, "sim", id="preprocessed"),
    ],
)
def test_fileset_with_options(fileset: Write, files: object, tree: str) -> None:
    entry = {"files": files, "treename": "t", "metadata": {"layout": "p348reco", "year": 2018}}
    (file,) = find_inputs([fileset({"mc": entry})])
    assert (file.dataset, file.tree, file.layout) == ("mc", tree, "p348reco")


def test_fileset_with_globs_directories_and_urls(fileset: Write) -> None:
    found = find_inputs([fileset({"mc": ["mc_*.root"], "sub": ["sub"], "far": ["root://x//y.root"]})])
    assert names(found) == ["mc_0001.root", "mc_0002.root", "deep.root", "y.root"]
    assert [file.dataset for file in found] == ["mc", "mc", "sub", "far"]


def test_fileset_is_relative_to_itself(fileset: Write, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fileset({"mc": ["mc_0001.root"]})
    monkeypatch.chdir(folder / "sub")
    assert [Path(file.path).resolve() for file in find_inputs([path])] == [
        (folder / "mc_0001.root").resolve()
    ]


def test_home_directory_in_a_fileset(fileset: Write, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "sub"))
    assert names(find_inputs([fileset({"mc": ["~/deep.root"]})])) == ["deep.root"]


def test_name_before_a_fileset_is_not_dropped_in_silence(fileset: Write) -> None:
    with pytest.raises(InputError, match="mine"):
        find_inputs([f"mine={fileset({'mc': ['mc_0001.root']})}"])


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        pytest.param(["mc_0001.root"], "must map dataset names to files", id="list"),
        pytest.param(
            {"mc": {"files": ["mc_0001.root"], "treenam": "t"}},
            "'treenam'; did you mean 'treename'",
            id="key",
        ),
        pytest.param({"mc": []}, "dataset 'mc': 'files' must be a list of paths", id="no-files"),
        pytest.param({"mc": [1]}, "dataset 'mc': 'files' must be a list of paths", id="number"),
        pytest.param({"mc": "mc_0001.root"}, "dataset 'mc': 'files' must be a list of paths", id="one-path"),
        pytest.param(
            {"mc": ["mc_0003.root"]}, r"mc_0003\.root does not exist; did you mean", id="missing-file"
        ),
        pytest.param(
            {"mc": {"files": ["mc_0001.root"], "metadata": "x"}}, "dataset 'mc'.*metadata", id="metadata"
        ),
        pytest.param({}, "no input files|no datasets", id="empty"),
    ],
)
def test_faulty_fileset(fileset: Write, tree: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_inputs([fileset(tree)])


@pytest.mark.parametrize("name", ["bad.json", "bad.yaml"])
def test_fileset_with_a_syntax_error_is_told_by_name(folder: Path, name: str) -> None:
    (folder / name).write_text('{"mc": [')
    with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
        find_inputs([str(folder / name)])


def test_misspelt_files_of_a_fileset_are_named(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("elec: {filez: [a.root]}")
    with pytest.raises(InputError, match=r"f\.yaml, dataset 'elec' has no 'files' and no paths, only filez"):
        find_inputs([str(path)])
