"""The hadron mode end to end: what its data may not tell."""

from pathlib import Path

import awkward as ak
import pytest

from na64.testing import InterferenceError, assert_not_interfering, make_hadron_pair
from processors.hadron import HadronProcessor
from processors.selected import Selected


class Telling(HadronProcessor):
    """Forgets to withhold anything: its trace must be found."""

    def select(self, events: ak.Array, **options: bool) -> Selected:
        selected = super().select(events, **options)
        _, quantities = self.open(events)
        selected.columns["track_momentum"][:1] = quantities.arrays["track_momentum"].mean()
        return selected


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_hadron_pair(tmp_path_factory.mktemp("hadrons"))


def test_closed_pions_leave_no_trace(pair: tuple[Path, Path]) -> None:
    assert_not_interfering(HadronProcessor(), pair, chunk_size=150)


def test_a_processor_that_tells_is_caught(pair: tuple[Path, Path]) -> None:
    with pytest.raises(InterferenceError, match="tells of closed events"):
        assert_not_interfering(Telling(), pair)
