import numpy as np
import pytest
from hist import Hist

from selections.background.plane import Plane, spectrum, sum_region
from selections.regions import Region


def make_plane(x: list[float], y: list[float], weight: float = 1.0) -> Plane:
    h = Hist.new.Reg(120, 0, 120, name="ecal_energy").Reg(121, -1, 120, name="hcal_energy").Weight()
    h.fill(x, y, weight=weight)
    edges = (np.asarray(h.axes[0].edges), np.asarray(h.axes[1].edges))
    return Plane(("ecal_energy", "hcal_energy"), edges, h.values(flow=True), h.variances(flow=True))


A = Region(name="a", limits={"ecal_energy": (50.0, None), "hcal_energy": (None, 1.0)})
BOX = Region(name="box", limits={"ecal_energy": (None, 50.0), "hcal_energy": (None, 1.0)})


def test_limits_are_those_of_the_region_and_open_ends_take_what_lies_outside() -> None:
    plane = make_plane([49.9, 50.0, 130.0, 60.0, -3.0, 10.0], [0.5, 0.5, -5.0, 1.0, 0.0, 0.99], 0.5)
    assert sum_region(plane, A) == pytest.approx((1.0, 0.5))
    assert sum_region(plane, BOX) == pytest.approx((1.5, 0.75))


def test_spectrum_holds_only_the_region() -> None:
    found = spectrum(make_plane([49.9, 50.0, 52.5, 52.6, 60.0], [0.5, 0.5, -5.0, 0.0, 1.0]), A, "ecal_energy")
    assert found.counts.sum() == 3
    assert found.counts[[49, 50, 52, 60]].tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("region", "told"),
    [
        (
            Region(name="r", limits={"ecal_energy": (50.5, None)}),
            "ecal_energy 50.5 GeV, which is not an edge",
        ),
        (Region(name="r", limits={"ps_energy": (1.0, None)}), "has limits on ps_energy"),
        (Region(name="r", sum_of=("ecal_energy",), sum_limit=(0.0, 1.0)), "has a window on a sum"),
    ],
)
def test_regions_that_bins_cannot_tell_are_refused(region: Region, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        sum_region(make_plane([1.0], [1.0]), region)


def test_weighted_side_bands_are_refused() -> None:
    with pytest.raises(ValueError, match="holds weighted events"):
        spectrum(make_plane([60.0], [0.0], 0.3), A, "ecal_energy")
