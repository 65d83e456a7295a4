"""From what a user names (paths, globs, directories, filesets) to a list of files."""

from __future__ import annotations

import glob
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.config import ConfigError, nearest, read_yaml

__all__ = ["InputError", "InputFile", "find_inputs"]

_LOG = logging.getLogger(__name__)
_REMOTE = re.compile(r"^[a-z]+://")


class InputError(ConfigError):
    """An input does not exist or is not what it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """One file to read and what the user said of it."""

    path: str
    dataset: str  # name under which its events are counted
    named: bool = False  # the user chose that name
    tree: str | None = None
    layout: str | None = None


def find_inputs(arguments: Sequence[str]) -> list[InputFile]:
    """
    Expand the inputs of a command.

    Parameters
    ----------
    arguments : sequence of str
        Each a ROOT file, a glob, a directory (its `*.root` files), a URL, a fileset in coffea's own form
        (YAML or JSON), or `NAME=` before any of the first four to name the dataset.

    Returns
    -------
    list of InputFile
        In the order given, within a glob or directory sorted by name. A file that is named twice is
        used once, and a warning says so.

    Raises
    ------
    InputError
        If nothing is there under a name.
    """
    found: dict[str, InputFile] = {}
    for argument in arguments:
        for file in _expand(argument):
            key = file.path if _REMOTE.match(file.path) else str(Path(file.path).resolve())
            if key in found and file.named and file.dataset != found[key].dataset:
                msg = f"{file.path} is named for two datasets, '{found[key].dataset}' and '{file.dataset}'"
                raise InputError(msg)
            if key in found:
                _LOG.warning("%s is named twice; its events are counted once", file.path)
            else:
                found[key] = file
    if not found:
        msg = "no input files given"
        raise InputError(msg)
    return list(found.values())


def _expand(argument: str) -> Iterator[InputFile]:
    """Yield the files of one argument."""
    name, path = _split_name(argument)
    if Path(path).suffix in {".yaml", ".yml", ".json"} and not _REMOTE.match(path):
        if name:
            msg = f"{argument}: a fileset names its datasets itself; leave out '{name}='"
            raise InputError(msg)
        yield from _read_fileset(Path(path))
        return
    for file in _paths(path):
        yield InputFile(path=file, dataset=name or _dataset_name(path, file), named=bool(name))


def _split_name(argument: str) -> tuple[str, str]:
    """Split `NAME=PATH`; a path that exists with its `=` is a path."""
    name, equals, path = argument.partition("=")
    if equals and re.fullmatch(r"[\w.+-]+", name) and not Path(argument).exists():
        if not path:
            msg = f"'{argument}' names a dataset and no file; write NAME=PATH"
            raise InputError(msg)
        return name, path
    return "", argument


def _dataset_name(argument: str, file: str) -> str:
    """Return the stem of a file that is named itself, the folder's name for a glob or a directory."""
    place = Path(argument).expanduser()
    if not _REMOTE.match(argument) and (place.is_dir() or (glob.has_magic(argument) and not place.exists())):
        return Path(file).resolve().parent.name or "events"
    return Path(file).stem


def _paths(path: str) -> list[str]:
    """Return the files that one path, glob or directory stands for."""
    if _REMOTE.match(path):
        return [path]
    place = Path(path).expanduser()
    if place.is_dir():
        files = sorted(str(file) for file in place.glob("*.root"))
        if not files:
            msg = f"directory {path} has no *.root files; name the files, a glob or another directory"
            raise InputError(msg)
        return files
    if place.exists():
        return [str(place)]
    if glob.has_magic(path):
        files = sorted(glob.glob(str(place), recursive=True))  # noqa: PTH207 - may be absolute
        if not files:
            msg = f"no file matches {path}"
            raise InputError(msg)
        return files
    siblings = {str(p): p.name for p in place.parent.glob("*")} if place.parent.is_dir() else {}
    hint = nearest(place.name, siblings.values())
    msg = f"input {path} does not exist{hint}"
    raise InputError(msg)


def _read_fileset(path: Path) -> Iterator[InputFile]:
    """Yield the files of a fileset in coffea's own form, paths relative to the fileset's folder."""
    if not path.is_file():
        msg = f"fileset {path} does not exist"
        raise InputError(msg)
    tree = read_yaml(path)  # JSON is YAML
    if not isinstance(tree, Mapping):
        msg = f"fileset {path} must map dataset names to files, as coffea's filesets do"
        raise InputError(msg)
    for dataset, entry in tree.items():
        yield from _read_dataset(path, str(dataset), entry)


def _read_dataset(path: Path, dataset: str, entry: Any) -> Iterator[InputFile]:
    options: Mapping[str, Any] = (
        entry if isinstance(entry, Mapping) and "files" in entry else {"files": entry}
    )
    if options["files"] is entry and isinstance(entry, Mapping) and not any("." in str(key) for key in entry):
        keys = ", ".join(map(str, entry)) or "nothing"
        msg = f"fileset {path}, dataset '{dataset}' has no 'files' and no paths, only {keys}"
        raise InputError(msg)
    unknown = sorted(set(options) - {"files", "treename", "metadata", "preload"})
    if unknown:
        hint = nearest(unknown[0], ["files", "treename", "metadata"])
        msg = f"fileset {path}, dataset '{dataset}': unknown key '{unknown[0]}'{hint}"
        raise InputError(msg)
    files, metadata = options["files"], options.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        msg = f"fileset {path}, dataset '{dataset}': 'metadata' must be a mapping, got {metadata!r}"
        raise InputError(msg)
    trees = files if isinstance(files, Mapping) else dict.fromkeys(_as_list(files, path, dataset))
    for name, tree in trees.items():
        local = Path(name).expanduser()
        place = name if _REMOTE.match(name) or local.is_absolute() else str(path.parent / local)
        chosen = tree.get("object_path") if isinstance(tree, Mapping) else tree
        for file in _paths(place):
            yield InputFile(
                path=file,
                dataset=dataset,
                named=True,
                tree=chosen or options.get("treename"),
                layout=metadata.get("layout"),
            )


def _as_list(files: Any, path: Path, dataset: str) -> list[str]:
    if isinstance(files, list) and all(isinstance(file, str) for file in files) and files:
        return files
    msg = f"fileset {path}, dataset '{dataset}': 'files' must be a list of paths or map paths to trees"
    raise InputError(msg)
