"""Which options of `na64 limit` belong to which models and inputs; the others are refused, not ignored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import NamedTuple

from na64.errors import UserError
from na64.limit.options import LimitOptions

__all__ = ["require_applicable"]


class _Rule(NamedTuple):
    names: tuple[str, ...]  # fields of LimitOptions
    of: str  # what they belong to
    holds: Callable[[LimitOptions], bool]


def _is_visible(options: LimitOptions) -> bool:
    return options.model == "visible"


_RULES = (
    _Rule(("background",), "--runs (a projection takes --assume-background)", lambda o: not o.projection),
    _Rule(("eot", "dimuon_correction"), "--runs", lambda o: not o.projection),
    _Rule(("setup",), "projections with --model visible", lambda o: _is_visible(o) and not o.runs),
    _Rule(
        ("assume_efficiency",),
        "projections with --model visible and without --signal",
        lambda o: _is_visible(o) and not (o.runs or o.signal),
    ),
    _Rule(("moment",), "--model lmu-ltau", lambda o: o.model == "lmu-ltau"),
    _Rule(("alpha_d", "mass_ratio", "dark_matter"), "--model invisible", lambda o: o.model == "invisible"),
    _Rule(
        ("track_length", "electron_motion", "without_resonance", "dimuon_correction", "bins", "extrapolate",
         "impacts_at", "project", "executor", "workers", "cluster", "resume"),
        "models other than visible",
        lambda o: not _is_visible(o),
    ),
)  # fmt: skip


def require_applicable(options: LimitOptions) -> None:
    """
    Refuse options that would change nothing.

    Parameters
    ----------
    options : LimitOptions
        An option that has its default counts as not given.

    Raises
    ------
    UserError
        If an option belongs to another model, or to runs where there is a projection.
    """
    defaults = {field.name: field.default for field in fields(LimitOptions)}
    for rule in _RULES:
        given = [name for name in rule.names if getattr(options, name) != defaults[name]]
        if given and not rule.holds(options):
            words = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            verb, them = ("is", "it") if len(given) == 1 else ("are", "them")
            msg = f"{words} {verb} of {rule.of}; leave {them} out"
            raise UserError(msg)
