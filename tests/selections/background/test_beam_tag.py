"""Efficiency, mistag and contamination of a beam whose composition is known."""

import numpy as np
import pytest

from selections.background.beam_tag import measure_beam_tag, share
from selections.cutflow import clopper_pearson
from selections.tag_and_probe import ProbeCounts

NAMES = ("beam", "electron", "hadron")


def counts(rows: list[list[int]], weight: float = 1.0) -> ProbeCounts:
    n = np.array(rows, dtype=float)
    return ProbeCounts(NAMES, np.stack([n, weight * n, weight**2 * n], axis=-1))


def toy(rng: np.random.Generator, share_of_hadrons: float, weight: float = 1.0) -> ProbeCounts:
    """Draw a beam in which 92% of electrons are tagged, 0.2% in the side band; of hadrons 1% and 98%."""
    n = 100_000
    hadrons = rng.binomial(n, share_of_hadrons)
    e = rng.multinomial(n - hadrons, [0.92, 0.002, 0.078])
    h = rng.multinomial(hadrons, [0.01, 0.98, 0.01])
    probes = [
        [rng.hypergeometric(k, part.sum() - k, m) for k in part[:2]] for part, m in ((e, 80_000), (h, 300))
    ]
    return counts(
        [[n, *(e + h)[:2]], [80_000, *probes[0]], [300, *probes[1]]],
        weight,
    )


def test_by_hand() -> None:
    found = measure_beam_tag(counts([[1000, 900, 60], [800, 760, 8], [40, 2, 38]]))
    assert found.events == (1000, 800, 40)
    assert found.efficiency.value == 0.95
    assert found.mistag.value == 0.05
    assert found.contamination.value == pytest.approx((0.06 - 0.01) / (0.95 - 0.01))
    assert found.untagged.value == pytest.approx((0.95 - 0.9) / (0.95 - 0.05))


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_interval_covers_the_composition(weight: float) -> None:
    rng, truth = np.random.default_rng(3), 0.005
    found = [measure_beam_tag(toy(rng, truth, weight)) for _ in range(200)]
    side_band = [f.contamination.low < truth < f.contamination.high for f in found]
    untagged = [f.untagged.low < truth < f.untagged.high for f in found]
    assert np.mean(side_band) > 0.63  # events in both a probe and the beam make it too wide, not too narrow
    assert np.mean(untagged) > 0.63
    widths = [np.mean([i.high - i.low for i in part]) for part in zip(*[f[5:] for f in found], strict=True)]
    assert widths[0] < 0.5 * widths[1]  # the side band holds few electrons, those without a tag are 8%


def test_shares_of_weights_and_of_none() -> None:
    total = np.array([100.0, 50.0, 25.0])
    assert share(np.array([0.0, 0.0, 0.0]), total).high == pytest.approx(1.841 / 100, rel=1e-3)
    assert share(total, total).low == pytest.approx(1 - 1.841 / 100, rel=1e-3)
    part = share(np.array([20.0, 10.0, 5.0]), total)
    assert part.value == 0.2
    assert part.errors[0] == pytest.approx(np.sqrt(0.2 * 0.8 / 100), rel=1e-6)
    rows = counts([[7, 3, 1]] * 3)
    again = ProbeCounts.of_table(rows.table()).sums[0]
    assert share(again[1], again[0]) == clopper_pearson(3, 7)  # squares that a table has rounded are counts
    with pytest.raises(ValueError, match="not known"):
        share(total, np.zeros(3))


def test_without_probes_nothing_is_known() -> None:
    with pytest.raises(ValueError, match="no hadron probes among 10 particles"):
        measure_beam_tag(counts([[10, 9, 1], [8, 8, 0], [0, 0, 0]]))
