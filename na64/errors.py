"""Errors of the command itself."""

from __future__ import annotations

__all__ = ["UserError"]


class UserError(ValueError):
    """An option or an output is wrong; the text says what to do."""
