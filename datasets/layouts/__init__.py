"""Layouts: which branch of a ROOT file holds which quantity, as YAML."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from datasets.config import build, choose, read_yaml
from datasets.layouts.model import Collection, Hits, Layout, detector_of
from datasets.layouts.source import Branch, Combined, Constant, Source, Sparse, Stack

__all__ = [
    "Branch",
    "Collection",
    "Combined",
    "Constant",
    "Hits",
    "Layout",
    "Source",
    "Sparse",
    "Stack",
    "detector_of",
    "layout_names",
    "load_layout",
]

_FOLDER = Path(__file__).parent


def layout_names() -> list[str]:
    """Return the names of the layouts that come with the project."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


@cache
def load_layout(name: str) -> Layout:
    """
    Load a layout by its name or by the path of a YAML file.

    Raises
    ------
    ConfigError
        If the name is not known, or a key is missing, wrong or unknown.
    """
    path = choose(_FOLDER, name, "layout")
    return build(Layout, read_yaml(path), f"layout file {path.name}")
