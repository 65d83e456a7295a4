"""Which run directories may be put together."""

from __future__ import annotations

from collections.abc import Sequence

from na64.errors import UserError
from na64.run.stored import StoredRun, events_in_box

__all__ = ["check_runs", "require_alike"]


def check_runs(data: StoredRun, simulations: Sequence[StoredRun]) -> None:
    """
    Refuse runs that do not belong together.

    Raises
    ------
    UserError
        Naming both runs and what differs.
    """
    if data.kinds != {"data"}:
        msg = f"{data.path} must hold data alone, and holds {', '.join(sorted(data.kinds)) or 'nothing'}"
        raise UserError(msg)
    is_closed = data.state == "closed" and set(data.record["blinding"]["region"]) == set(data.datasets)
    if not is_closed and events_in_box(data) is None:
        msg = f"{data.path} mixes open and closed data; estimate the background of each apart"
        raise UserError(msg)
    for other in simulations:
        if other.kinds != {"simulation"}:
            msg = (
                f"{other.path} must hold simulation alone, and holds {', '.join(sorted(other.kinds))} "
                f"({other.state}); open and closed runs are not mixed"
            )
            raise UserError(msg)
        require_alike(data, other)
        missing = sorted(set(data.record["without_cuts"]) - set(other.record["without_cuts"]))
        if missing:
            msg = f"{data.path} was run without the cut {', '.join(missing)}, and {other.path} with it"
            raise UserError(msg)


def require_alike(one: StoredRun, other: StoredRun) -> None:
    """
    Refuse runs of different analyses, setups, thresholds or signal boxes.

    Raises
    ------
    UserError
        Naming both runs and what differs.
    """
    for what in ("analysis", "setup"):
        _require_same(one, other, what, one.record[what], other.record[what])
    for what, key in (("thresholds", "params"), ("edges", "signal_box")):
        _require_same(one, other, what, *(run.record["selection"].get(key, {}) for run in (one, other)))


def _require_same(data: StoredRun, other: StoredRun, what: str, one: object, two: object) -> None:
    if one == two:
        return
    if isinstance(one, dict) and isinstance(two, dict):
        differing = sorted(name for name in {*one, *two} if one.get(name) != two.get(name))
        name = differing[0]
        of = f"the signal box in {name}" if what == "edges" else f"cut {name}"
        what, one, two = f"{what} of {of}", one.get(name), two.get(name)
    msg = f"{data.path} and {other.path} have different {what}: {one} and {two}; run one of them again"
    raise UserError(msg)
