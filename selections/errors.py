"""What a selection says of names and values that are wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["SelectionError", "nearest"]


class SelectionError(ValueError):
    """The name of an analysis, a cut or a parameter is wrong; the text says what is valid."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return the end of a sentence that names the nearest valid name, if one is near."""
    close = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else "."
