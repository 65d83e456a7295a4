"""The fonts that go into PDF files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fontTools import subset

__all__ = ["lean_fonts"]


@contextmanager
def lean_fonts() -> Iterator[None]:
    """Leave tables of ligatures and kerning out of embedded fonts: no reader of PDF looks at them."""
    options: Any = subset.Options
    before = options._drop_tables_default
    options._drop_tables_default = [*before, "GDEF", "GPOS", "GSUB"]
    try:
        yield
    finally:
        options._drop_tables_default = before
