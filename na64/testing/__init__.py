"""
Check that a command or a processor of one's own tells nothing of closed events.

`assert_not_interfering(processor)` is the whole check for a processor; see docs/blinding.md.
"""

from na64.testing.hadron_pair import make_hadron_pair
from na64.testing.interference import InterferenceError, assert_not_interfering
from na64.testing.muon_pair import make_muon_pair
from na64.testing.oracle import assert_same, difference, find_value, fingerprint, normalise
from na64.testing.pair import PLANTED, P348Reco, make_closed_pair
from na64.testing.visible_pair import make_visible_pair

__all__ = [
    "PLANTED",
    "InterferenceError",
    "P348Reco",
    "assert_not_interfering",
    "assert_same",
    "difference",
    "find_value",
    "fingerprint",
    "make_closed_pair",
    "make_hadron_pair",
    "make_muon_pair",
    "make_visible_pair",
    "normalise",
]
