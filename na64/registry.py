"""Which commands read events: each of them has a case of the two-file oracle, or the tests fail."""

from __future__ import annotations

__all__ = ["READS_EVENTS", "WITHOUT_DATA"]

# Commands that open files of events, or what was made of them; a case of each stands in
# tests/na64/test_non_interference.py.
READS_EVENTS = frozenset(
    {
        *("run", "reco", "inspect", "display", "explain", "background", "report", "optimise"),
        *("calibrate", "align"),
        *("freeze", "unblind", "diff", "efficiency", "limit", "bump"),
    }
)

# Commands that list, draw, make simulations, or check tables of conditions.
WITHOUT_DATA = frozenset(
    {
        *("setups", "setups show", "layouts", "columns", "demo", "simulate", "processes", "tracks"),
        *("conditions check", "conditions show", "conditions ideal", "catalogue"),
        *("clusters", "clusters show", "clusters check"),
    }
)
