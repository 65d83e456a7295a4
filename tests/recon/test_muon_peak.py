"""Gains from the peak of muons: cells that one muon crossed, and peaks with a long tail."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.setups import load_setup
from recon.muon_peak import PEAK_EDGES, MuonPeakConfig, amplitude_noise, lonely_cells, muon_gains
from recon.pulses import PulseShape
from recon.spectra import count_values

SETUP = load_setup("na64e_2018")
VETO, HCAL = SETUP.detectors["veto"], SETUP.detectors["hcal"]


def test_a_muon_is_alone_in_its_section() -> None:
    cells = np.zeros((3, HCAL.n_cells))
    cells[0, [4, 13]] = 2.0, 2.1  # one cell in each of two modules
    cells[1, [4, 5]] = 2.0, 0.4  # 83% of the module
    cells[2, [4, 5]] = 2.0, 0.6  # 77%: no lonely cell
    event, cell = lonely_cells(cells, HCAL, 0.8)
    assert list(zip(event.tolist(), cell.tolist(), strict=True)) == [(0, 4), (0, 13), (1, 4)]


def test_both_photomultipliers_of_a_panel_see_the_muon() -> None:
    cells = np.zeros((1, VETO.n_cells))
    cells[0, [2, 3]] = 0.010, 0.012
    assert lonely_cells(cells, VETO, 0.8)[1].tolist() == [2, 3]


def _moyal(n: int, seed: int) -> np.ndarray:
    """Draw from Moyal's distribution, -ln(z^2) of a Gaussian: like Landau's."""
    return 1.0 - 0.08 * np.log(np.random.default_rng(seed).standard_normal(n) ** 2)


def test_wrong_gains_come_back() -> None:
    wrong = np.array([0.8, 0.9, 1.0, 1.1, 1.2, 1.0, 1.0])
    n = np.array([2000, 2000, 2000, 2000, 2000, 30, 2000])
    cell = np.repeat(np.arange(7), n)
    counts = count_values(cell, _moyal(n.sum(), 1) * wrong[cell], 7, PEAK_EDGES)
    expected = count_values(np.zeros(50_000, dtype=int), _moyal(50_000, 2), 1, PEAK_EDGES)
    is_seen = np.arange(7) < 6
    found = muon_gains(
        counts, np.repeat(expected, 7, axis=0), is_seen, MuonPeakConfig(), np.random.default_rng(1)
    )
    assert found.is_kept.tolist() == [False] * 5 + [True, True]  # too few muons; below threshold
    assert found.ratio[5:].tolist() == [1.0, 1.0]
    pulls = (found.ratio[:5] * wrong[:5] - 1.0) / found.error[:5]
    assert np.abs(pulls).max() < 4.0
    assert (found.error[:5] < 0.01).all()


def test_noise_of_an_amplitude_is_that_of_a_linear_fit() -> None:
    readout = HCAL.readout
    assert readout is not None
    shape = PulseShape(readout.rise_time, readout.fall_time).value(12.5 * np.arange(32) - 103.0)
    noise = np.random.default_rng(1).normal(0.0, readout.noise, (20_000, 32))
    amplitude = noise @ shape / (shape @ shape)
    assert amplitude_noise(readout) == pytest.approx(amplitude.std(), rel=0.05)
    assert amplitude_noise(replace(readout, noise=2.0)) == pytest.approx(2.0 * amplitude_noise(readout))


def test_a_share_of_half_is_no_lonely_cell() -> None:
    with pytest.raises(ValueError, match="share"):
        MuonPeakConfig(share=0.5)
