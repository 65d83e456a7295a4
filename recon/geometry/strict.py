"""What all descriptions of the detector model share."""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = ["Strict"]


class Strict:
    """Base of the model: a reader of files must refuse keys that are not declared here."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
