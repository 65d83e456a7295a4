"""The share of a shower in a preshower."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.generator import simulate_block
from datasets.simulation.plan import plan
from recon.front_share import front_share, radiation_lengths

SETUP = load_setup("na64e_2018")
FRONT = SETUP.detectors["ecal"].sections[0]


def test_share_is_that_of_simulated_showers() -> None:
    block = simulate_block(plan(SETUP, "electron", has_pile_up=False), 0)
    visible = block.merged.energy[:, block.cells["ecal"]][:, :36]
    cell = 3 * 6 + 3  # the beam's
    seen = visible[:, cell] / 0.1056
    good = seen > 0
    error = seen[good].std() / np.sqrt(good.sum())
    assert 0 < error < 0.1
    # the response is calibrated to 98.5% of a shower that the grid holds
    assert abs(seen[good].mean() - 100.0 * front_share(100.0, FRONT) / 0.985) < 4 * error


def test_share_falls_with_energy_and_grows_with_depth() -> None:
    shares = [front_share(energy, FRONT) for energy in (10.0, 50.0, 150.0)]
    assert shares[0] > shares[1] > shares[2] > 0.03
    assert front_share(50.0, FRONT, before=radiation_lengths(FRONT)) > shares[1]


def test_depth_of_the_preshower() -> None:
    assert radiation_lengths(FRONT) == pytest.approx(4.33, abs=0.01)


def test_section_without_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="names no layers"):
        front_share(50.0, replace(FRONT, matter=None))
