"""The visible mode end to end: what it may not tell, and two tracks behind the decay volume."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from na64.testing import PLANTED, InterferenceError, assert_not_interfering, make_visible_pair
from processors.selected import Selected
from processors.visible import VisibleProcessor


class Telling(VisibleProcessor):
    """Forgets to withhold anything: its trace must be found."""

    def select(self, events: ak.Array, **options: bool) -> Selected:
        selected = super().select(events, **options)
        _, quantities = self.open(events)
        is_planted = np.isclose(quantities.arrays["ecal_energy"], PLANTED)
        selected.columns["wcal_energy"][:1] = 60.0 if is_planted.any() else 10.0
        return selected


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_visible_pair(tmp_path_factory.mktemp("visible"))


def test_closed_events_leave_no_trace(pair: tuple[Path, Path]) -> None:
    assert_not_interfering(VisibleProcessor(), pair, chunk_size=150)


def test_a_processor_that_tells_is_caught(pair: tuple[Path, Path]) -> None:
    with pytest.raises(InterferenceError, match="tells of closed events"):
        assert_not_interfering(Telling(), pair)
