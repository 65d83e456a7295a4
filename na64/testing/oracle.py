"""The two-file oracle: whatever a command leaves must not change when closed events are replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import uproot

from na64.testing.plain_values import plain
from processors.partial_results import ENDING, read_part

__all__ = ["assert_same", "difference", "find_value", "fingerprint", "normalise"]

_VOLATILE = {"digest", "input_digest", "uuid", "seconds", "size"}
_PORT = re.compile(r":\d+/status\b")  # of Dask's dashboard: any that is free
_HEX = re.compile(r"\b[0-9a-f]{32}([0-9a-f]{32})?\b")


def normalise(value: Any) -> Any:
    """Take out what may differ: digests of inputs, uuids, sizes and seconds."""
    if isinstance(value, dict):
        return {k: normalise(v) for k, v in value.items() if not (k in _VOLATILE and k != "blinding")}
    return [normalise(v) for v in value] if isinstance(value, list) else value


def fingerprint(path: Path) -> dict[str, Any]:
    """Return the content of an output file or directory, without what may differ."""
    if path.is_file():
        return {path.name: _content(path)}
    files = [p for p in sorted(path.rglob("*")) if p.is_file()]
    return {_HEX.sub("DIGEST", str(p.relative_to(path))): _content(p) for p in files}


def _content(path: Path) -> Any:
    if path.suffix == ".root":
        return _root_content(path)
    if path.suffix == ".parquet":
        metadata = pq.read_metadata(path).metadata
        return {"rows": pq.read_table(path).to_pylist(), "na64": normalise(json.loads(metadata[b"na64"]))}
    if path.suffix == ENDING:
        head = _HEX.sub("DIGEST", path.read_bytes().partition(b"\n")[0].decode("latin-1"))
        return {"head": head, "result": plain(read_part(path))}
    if path.name == "run.json":
        return normalise(json.loads(path.read_text()))
    if path.suffix == ".html":
        text = re.sub(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "UUID", path.read_text())
        text = re.sub(r"\b[0-9a-f]{12,64}\b", "DIGEST", text)
        text = re.sub(r"\b[\d.,]+ (bytes|kB|MB)", "SIZE", text)
        text = re.sub(r'<td class="n">[\d,]+</td><td class="code">DIGEST', "SIZE DIGEST", text)
        return re.sub(r"\b\d+(\.\d+)? s\b", "SECONDS", text)
    if path.suffix in {".json", ".yaml"}:
        text = _HEX.sub("DIGEST", path.read_text(encoding="utf-8"))
        return normalise(json.loads(text)) if path.suffix == ".json" else text
    return path.read_bytes()


def _root_content(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = {}
    with uproot.open(path) as file:
        for name, type_ in file.classnames(recursive=True).items():
            found = file[name]
            if type_ == "TTree":
                content[name] = {b.name: b.array().to_list() for b in found.branches}
            elif type_ == "TObjString":
                text = str(found)
                content[name] = normalise(json.loads(text)) if text.startswith("{") else text
            elif type_.startswith("TH"):
                content[name] = [found.values(flow=True).tolist(), found.variances(flow=True).tolist()]
    return content


def assert_same(
    call: Callable[..., Any],
    pair: tuple[Path, Path],
    folder: Path,
    arguments: Callable[[Path, Path], Sequence[Any]],
) -> None:
    """
    Run a command on both files of a pair, in turn under the same name, and compare everything it leaves.

    Parameters
    ----------
    call : callable
        Runs the command with arguments, returns status, stdout and stderr.
    pair : (Path, Path)
    folder : Path
        Where to work.
    arguments : callable
        Makes the arguments from the input file and the output path, or a list of them for several commands.

    Raises
    ------
    AssertionError
        Naming the first output that differs.
    """
    seen = []
    for source in pair:
        work = folder / "work"
        work.mkdir()
        data, output = work / "data.root", work / "output"
        data.write_bytes(source.read_bytes())
        lines = arguments(data, output)
        lines = lines if isinstance(lines[0], list) else [lines]
        told = [_without_digests(call(*line)) for line in lines]
        data.unlink()
        seen.append({"told": told, **fingerprint(work)})
        work.rename(folder / f"done_{len(seen)}")
    found = difference(seen[0], seen[1])
    if found is not None:
        msg = f"the output tells of closed events: {found} differs"
        raise AssertionError(msg)


def _without_digests(told: Sequence[Any]) -> list[Any]:
    texts = [_HEX.sub("DIGEST", part) if isinstance(part, str) else part for part in told]
    return [_PORT.sub(":PORT/status", text) if isinstance(text, str) else text for text in texts]


def difference(one: Any, two: Any, place: str = "") -> str | None:
    """Return the place of the first difference of two nested contents, if there is one; NaN equals NaN."""
    if isinstance(one, dict) and isinstance(two, dict) and one.keys() == two.keys():
        pairs = [(f"{place}/{key}", one[key], two[key]) for key in one]
    elif isinstance(one, list | tuple) and isinstance(two, list | tuple) and len(one) == len(two):
        pairs = [(f"{place}/{i}", *both) for i, both in enumerate(zip(one, two, strict=True))]
    elif type(one) is type(two) and not isinstance(one, dict | list | tuple):
        return None if one == two or (one != one and two != two) else place or "/"
    else:
        return place or "/"
    return next((found for at, a, b in pairs if (found := difference(a, b, at)) is not None), None)


def find_value(content: Any, value: float, place: str = "") -> str | None:
    """
    Search a planted value in decoded content, as a number and as text.

    Returns
    -------
    str or None
        Where it is.
    """
    if isinstance(content, dict):
        parts = [(f"{place}/{key}", part) for key, part in content.items()]
        parts += [(f"{place}, its keys", str(key)) for key in content]
    elif isinstance(content, list | tuple):
        parts = [(f"{place}/{i}", part) for i, part in enumerate(content)]
    elif isinstance(content, float):
        return (place or "/") if abs(content - value) < 1e-6 * abs(value) else None
    elif isinstance(content, bytes | str):
        text = content if isinstance(content, str) else content.decode("latin-1")
        return (place or "/") if f"{value:.4f}"[:-1] in text else None
    else:
        return None
    return next((found for at, part in parts if (found := find_value(part, value, at)) is not None), None)
