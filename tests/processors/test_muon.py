"""The muon mode end to end: resolution, plane, and what it may not tell."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from na64.testing import InterferenceError, assert_not_interfering, make_muon_pair
from processors.muon import MuonProcessor
from processors.selected import Selected


class Telling(MuonProcessor):
    """Forgets to withhold anything: its trace must be found."""

    def select(self, events: ak.Array, **options: bool) -> Selected:
        selected = super().select(events, **options)
        _, quantities = self.open(events)
        selected.columns["scattered_momentum"][:1] = np.nanmean(quantities.arrays["track_momentum"])
        return selected


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_muon_pair(tmp_path_factory.mktemp("muons"))


def test_closed_muons_leave_no_trace(pair: tuple[Path, Path]) -> None:
    assert_not_interfering(MuonProcessor(), pair, chunk_size=150)


def test_a_processor_that_tells_is_caught(pair: tuple[Path, Path]) -> None:
    with pytest.raises(InterferenceError, match="tells of closed events"):
        assert_not_interfering(Telling(), pair)
