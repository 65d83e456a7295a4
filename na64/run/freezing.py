"""Frozen analyses and the statements that open them: what is in these files, and when they agree."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from datasets.config import build, read_yaml
from na64.errors import UserError
from na64.run.identity import PARTS, digest_of
from na64.run.stored import read_json

__all__ = [
    "FROZEN_VERSION",
    "Statement",
    "differences",
    "read_frozen",
    "read_statement",
    "statement_template",
]

FROZEN_VERSION = 1  # of the file that `na64 freeze` writes


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What people sign to open a box."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    frozen: str  # path of the file of `na64 freeze`, from the folder of the statement
    digest: str  # of what is frozen
    periods: tuple[str, ...]
    who: tuple[str, ...]
    when: str  # YYYY-MM-DD
    why: str
    regions: tuple[str, ...] = field(default=())  # none: that of the frozen analysis


def statement_template(frozen: Path, content: Mapping[str, Any]) -> str:
    """Return a statement to be filled in: without who, when and why it opens nothing."""
    return (
        f"# Opens the closed data of the frozen run: na64 unblind --statement THIS -o DIR\n"
        f"frozen: {json.dumps(frozen.name)}  # beside this file\n"
        f"digest: {content['digest']}\n"
        f"periods: {json.dumps(list(content['periods']))}  # leave out those that stay closed\n"
        f"regions: [{content['analysis']}]  # closed regions of other analyses open only if named here\n"
        f"who: []  # names of all who answer for it\n"
        f"when:  # YYYY-MM-DD\n"
        f"why:  # what was decided, where it is written down\n"
    )


def read_statement(path: Path) -> Statement:
    """
    Read a statement in YAML or JSON.

    Raises
    ------
    UserError, ConfigError
        Naming what is missing or wrong.
    """
    if not path.is_file():
        msg = f"there is no statement {path}; `na64 freeze RUN` writes one to fill in and sign"
        raise UserError(msg)
    tree = read_yaml(path)  # JSON is YAML
    needed = ("frozen", "digest", "periods", "who", "when", "why")
    empty = [key for key in needed if not (isinstance(tree, Mapping) and tree.get(key))]
    if empty:
        msg = (
            f"{path}: a statement must say {', '.join(needed)}; {', '.join(empty)} is missing or empty, so "
            f"nothing is opened. `na64 freeze` writes a statement to fill in"
        )
        raise UserError(msg)
    statement = build(Statement, tree, str(path))
    if not all(text.strip() for text in (*statement.who, statement.why)):
        msg = f"{path}: `who` and `why` must hold names and a reason, got blanks"
        raise UserError(msg)
    try:
        dt.date.fromisoformat(statement.when)
    except ValueError as error:
        msg = f"{path}: `when` must be a date YYYY-MM-DD, got '{statement.when}'"
        raise UserError(msg) from error
    return statement


def read_frozen(path: Path) -> dict[str, Any]:
    """
    Read the file of a frozen run.

    Raises
    ------
    UserError
        If it is not there, is no such file, or was changed after `na64 freeze` wrote it.
    """
    content = read_json(path, "folder with a file of `na64 freeze`")
    if content.get("version") != FROZEN_VERSION or "identity" not in content:
        msg = f"{path} is not a file of `na64 freeze`, version {FROZEN_VERSION}"
        raise UserError(msg)
    if content.get("digest") != digest_of(content.get("identity")):
        msg = f"{path} was changed after it was written: its digest does not fit. Freeze the run again"
        raise UserError(msg)
    return content


def differences(
    frozen: Mapping[str, Any], identity: Mapping[str, str | None], inputs: Sequence[Mapping[str, Any]]
) -> list[str]:
    """
    Name what differs between a frozen run and one that is about to be made.

    Parameters
    ----------
    frozen : mapping
        The content of the file of `na64 freeze`.
    identity : mapping
        From `na64.run.identity.identify`.
    inputs : sequence of mapping
        As in run.json.

    Returns
    -------
    list of str
        Empty where nothing does.
    """
    found = []
    for key, name in PARTS.items():
        if frozen["identity"].get(key) != identity[key]:
            detail = _changed_inputs(frozen["inputs"], inputs) if key == "input_digest" else ""
            found.append(f"{name}{f': {detail}' if detail else ''}")
    return found


def _changed_inputs(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> str:
    """Say which files are new, gone or other than before."""
    old, new = ({entry["path"]: entry for entry in part} for part in (before, now))
    texts = [f"{path} is gone" for path in old if path not in new]
    texts += [f"{path} is new" for path in new if path not in old]
    for path in new.keys() & old.keys():
        keys = [
            key
            for key in ("digest", "entries", "dataset", "kind", "period", "tree")
            if old[path].get(key) != new[path].get(key)
        ]
        if keys:
            texts.append(f"{path} has another {', '.join(keys)}")
    return "; ".join(sorted(texts)) or "their order"
