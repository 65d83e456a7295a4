"""The light of muons, section by section."""

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.muon_light import muon_light
from physics.ionisation import most_probable_loss
from physics.materials import material

SETUP = load_setup("na64e_2018")


@pytest.mark.parametrize("name", ["ecal", "hcal"])
def test_the_peak_lies_at_the_ionisation_and_a_little_above(name: str) -> None:
    """What muons radiate comes on top of the most probable loss in the scintillator."""
    detector = SETUP.detectors[name]
    light = muon_light(SETUP, name, 100.0, 2000, np.random.default_rng(1))
    assert light.shape == (len(detector.sections), 2000)
    for values, section in zip(light, detector.sections, strict=True):
        assert section.matter is not None
        plastic = material(section.matter.active)
        depth = section.matter.layers * section.matter.active_thickness
        likely = most_probable_loss(plastic.z_over_a, plastic.density, depth)
        assert 0.8 < np.quantile(values, 0.05) / likely < 1.1  # the steep side of the peak
        assert 1.0 < np.median(values) / likely < 1.6


def test_muons_of_more_energy_radiate_more() -> None:
    low, high = (
        muon_light(SETUP, "hcal", energy, 2000, np.random.default_rng(1)) for energy in (20.0, 160.0)
    )
    assert (high.mean(axis=1) > low.mean(axis=1)).all()
