"""Read what a YAML file beside the code describes for an analysis."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from selections.selection import SelectionError, without_sources

__all__ = ["load_described"]

T = TypeVar("T")


def load_described(kind: type[T], folder: Path, analysis: str, nothing: str, others: str) -> T:
    """
    Load the description of an analysis.

    Parameters
    ----------
    kind : dataclass
        What is described.
    folder : Path
        Of one YAML file for each analysis.
    analysis : str
    nothing : str
        What to say if there is no file, up to "for analysis".
    others : str
        What to say before the names of those that there are.

    Raises
    ------
    SelectionError
        If there is none, or it is wrong.
    """
    path = folder / f"{analysis}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml")))
        msg = f"{nothing} for analysis '{analysis}'; {others}: {known}"
        raise SelectionError(msg)
    tree = without_sources(yaml.safe_load(path.read_text(encoding="utf-8")))
    try:
        return TypeAdapter(kind).validate_python(tree)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
        msg = f"{path.name}: {faults}"
        raise SelectionError(msg) from error
