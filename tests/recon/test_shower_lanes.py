"""Showers fitted side by side are those fitted one after the other."""

import numpy as np
import pytest

from datasets.profiles import load_profile
from recon.geometry import Grid, Section
from recon.profile import s_curve, strip_shares
from recon.shower import REACH, ShowerConfig, _fit, position, reconstruct_shower
from recon.shower_lanes import LANES, strip_table

PROFILE = load_profile("ecal_geant4")
PITCH = 38.2


def section(n_x: int, n_y: int) -> Section:
    return Section(
        name="main", z=0.0, length=450.0, centre=(0.0, 0.0), grid=Grid(shape=(n_x, n_y), pitch=(PITCH, PITCH))
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_table_between_its_nodes(weighted: bool) -> None:
    table = strip_table(PROFILE, PITCH, 5, REACH * PITCH, weighted=weighted)
    share = np.array(PROFILE.share)[:, None] if weighted else 1.0
    n = len(PROFILE.width)
    for node, t in ((0, 0.0), (17, 0.5), (600, 0.25), (1199, 1.0)):
        at = -table.reach + (node + t) * table.step
        exact, slope = np.empty((n, 5)), np.empty((n, 5))
        strip_shares(-2.5 * PITCH - at, PITCH, 5, np.array(PROFILE.width), exact, slope)
        (f, d), (g, e) = table.nodes[node], table.nodes[node + 1]
        found = (
            (1 + 2 * t) * (1 - t) ** 2 * f
            + t * (1 - t) ** 2 * d
            + t * t * (3 - 2 * t) * g
            - t * t * (1 - t) * e
        )
        assert np.reshape(found, (n, 5)) == pytest.approx(share * exact, abs=2e-7)


@pytest.mark.parametrize("n_events", [1, LANES, LANES + 3])
def test_same_as_one_after_the_other(n_events: int) -> None:
    """Showers in the middle of a grid of 5 x 5 go side by side; here each is alone, without the table."""
    rng, config = np.random.default_rng(5), ShowerConfig(noise=0.01)
    cells = rng.gamma(0.3, 1.0, (n_events, 5, 5))
    cells[:, 2, 2] += 30.0
    curve, grid = s_curve(PROFILE, PITCH), (5, 5)
    spread = np.square([PROFILE.stochastic, PROFILE.constant, config.noise, config.calibration])
    mixture, work = (np.array(PROFILE.share), np.array(PROFILE.width)), np.empty((5, len(PROFILE.share), 5))
    alone = []
    for event in cells:
        start = position(event[1:4, 1:4].copy(), 2, 2, grid, (curve, curve))
        edges = (-2.5 * PITCH, -2.5 * PITCH)
        alone.append(_fit(event, start, edges, (PITCH, PITCH), mixture, spread, config.n_steps, work))
    x, y, chi2 = np.transpose(alone)
    found = reconstruct_shower(cells, section(*grid), PROFILE, config)
    assert np.stack([found.x, found.y]) == pytest.approx(np.stack([x, y]), abs=1e-5)
    assert found.chi2 == pytest.approx(chi2, rel=1e-6)
