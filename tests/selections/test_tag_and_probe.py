"""Counts of who is tagged."""

import numpy as np
import pytest

from selections.region_specs import read_tag_and_probe
from selections.regions import Region
from selections.selection import SelectionError, load_selection
from selections.tag_and_probe import ProbeCounts, TagAndProbe, count_probes

WHAT = TagAndProbe(
    cut="srd",
    flag="srd_is_tagged",
    beam=Region(name="b", limits={"ecal_energy": (None, 150.0)}),
    side_band=Region(name="s", limits={"srd_energy": (None, 1.0)}),
    probes={"electron": Region(name="e", limits={"ecal_energy": (90.0, None)})},
)
EVENTS = {
    "srd_is_tagged": np.array([True, False, False, True, False, False]),
    "srd_energy": np.array([9.0, 0.5, 2.0, 9.0, np.nan, 0.1]),  # an unknown one is no event without energy
    "ecal_energy": np.array([99.0, 99.0, 99.0, 10.0, 99.0, 200.0]),
}
BASE = np.array([True, True, True, True, True, True])


def test_counts_by_hand() -> None:
    counts = count_probes(WHAT, EVENTS, BASE, np.full(6, 2.0))
    assert counts.names == ("beam", "electron")
    assert counts.sums[:, :, 0].tolist() == [[4, 2, 1], [4, 1, 2]]
    assert counts.sums[1].tolist() == [[4, 8, 16], [1, 2, 4], [2, 4, 8]]
    assert count_probes(WHAT, EVENTS, ~BASE, np.ones(6)).sums.sum() == 0


def test_parts_add_up_and_come_back_from_a_table() -> None:
    weight = np.arange(1.0, 7.0)
    whole = count_probes(WHAT, EVENTS, BASE, weight)
    parts = [count_probes(WHAT, EVENTS, BASE & mask, weight) for mask in (weight > 3, weight <= 3)]
    np.testing.assert_allclose((parts[0] + parts[1]).sums, whole.sums)
    back = ProbeCounts.of_table(whole.table())
    assert back.names == whole.names
    np.testing.assert_allclose(back.sums, whole.sums)
    with pytest.raises(ValueError, match="cannot be added"):
        whole + ProbeCounts(("beam",), whole.sums[:1])


def test_selection_declares_it_and_refuses_a_wrong_one() -> None:
    found = load_selection("invisible", "na64e_2018", ("srd", "ecal", "hcal")).tag_and_probe
    assert found is not None
    assert {"srd_is_tagged", "srd_energy", "ecal_energy", "hcal_energy"} == set(found.columns)
    with pytest.raises(SelectionError, match=r"tag_and_probe: flag: .*required"):
        read_tag_and_probe({"cut": "srd"})
    assert read_tag_and_probe(None) is None
