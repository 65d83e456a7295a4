"""Which bins of a spectrum hold all of their events."""

from typing import Any

import numpy as np
import pytest

from na64.run.closed_bins import closed_bins
from selections.regions import Region

EDGES = np.arange(0.0, 101.0, 10.0)
QUIET = Region(name="quiet", limits={"hcal_energy": (None, 1.0)})
LOUD = Region(name="loud", limits={"hcal_energy": (1.0, None)})


def blinding(**limits: Any) -> dict[str, Any]:
    region = {"missing_energy": [50.0, None], "hcal_energy": [None, 1.0], **limits}
    return {
        "region": {"data": {"positron": region}},
        "guard": {"data": {"missing_energy": {"absolute": 2.0, "relative": 0.0}}},
    }


@pytest.mark.parametrize(
    ("limits", "box", "with_guard", "first_closed"),
    [
        pytest.param({}, QUIET, False, 50.0, id="from-50"),
        pytest.param({}, QUIET, True, 40.0, id="guard"),
        pytest.param({}, LOUD, False, None, id="beside"),
        pytest.param({"missing_energy": None}, QUIET, False, 0.0, id="by-another-column"),
    ],
)
def test_bins_that_a_region_touches_are_closed(
    limits: dict[str, Any], box: Region, with_guard: bool, first_closed: float | None
) -> None:
    content = blinding(**limits)
    region = content["region"]["data"]["positron"]
    content["region"]["data"]["positron"] = {c: v for c, v in region.items() if v is not None}
    found = closed_bins(EDGES, "missing_energy", content, box, with_guard=with_guard)
    assert found.is_open.tolist() == [first_closed is None or low < first_closed for low in EDGES[:-1]]
    assert (found.stretches == ()) is (first_closed is None)
