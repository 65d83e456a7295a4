"""Reading what a finished run left in its directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from na64.errors import UserError

__all__ = ["read_json"]


def read_json(path: Path) -> dict[str, Any]:
    """
    Read a JSON file of a run directory.

    Raises
    ------
    UserError
        If it is not there, or no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path.parent} is no run directory of `na64 run`: cannot read {path.name} ({error.strerror})"
        raise UserError(msg) from error
    except ValueError as error:
        msg = f"{path} is damaged: {error}"
        raise UserError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path} is no file of `na64 run`: it holds no JSON object"
        raise UserError(msg)
    return content
