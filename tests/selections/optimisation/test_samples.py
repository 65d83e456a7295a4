import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selections.cut import Cut
from selections.optimisation.samples import Sample, group_events, pass_cuts, within_box

CUTS = tuple(
    Cut(name=n, label=n, columns=(n,), keep=lambda x, *, limit: x < limit, params={"limit": 0.5})
    for n in ("a", "b")
)


def make_sample(seed: int, n: int = 60) -> Sample:
    rng = np.random.default_rng(seed)
    columns = {name: rng.random(n) for name in ("a", "b", "e")}
    columns["a"][::7] = np.nan
    return Sample("s", columns, rng.uniform(0.5, 2.0, n))


@given(st.integers(0, 50), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_groups_count_what_masks_count(seed: int, limits: list[float]) -> None:
    sample = make_sample(seed)
    points = [{"b.limit": limit, "signal_box.e": 0.7} for limit in limits]
    kept, masks = pass_cuts(sample, CUTS, points)
    masks &= within_box(kept, ["e"], points)
    bins = (kept.columns["e"] * 10).astype(np.int64) - 1  # the first bin is left out
    groups = group_events(masks, kept.weights, bins)
    c = sample.columns
    for row, limit in enumerate(limits):
        direct = (c["a"] < 0.5) & (c["b"] < limit) & (c["e"] < 0.7) & (c["e"] >= 0.1)
        chosen = groups.passes[row]
        assert groups.events[chosen].sum() == np.count_nonzero(direct)
        assert np.isclose(groups.sums[chosen].sum(), sample.weights[direct].sum())
        assert np.isclose(groups.squares[chosen].sum(), (sample.weights[direct] ** 2).sum())


def test_replicas_fluctuate_as_samples_do() -> None:
    n = 400
    groups = group_events(np.ones((1, n), dtype=bool), np.full(n, 0.5), np.arange(n) % 4)
    assert len(groups.events) == 4
    sums, squares = groups.replicas(4000, np.random.default_rng(1))
    assert np.allclose(sums[:, 0], 50.0)
    assert np.allclose(squares, 0.5 * sums)
    assert np.allclose(sums[:, 1:].mean(), 50.0, rtol=0.01)
    assert np.allclose(sums[:, 1:].std(axis=1), 0.5 * np.sqrt(100), rtol=0.05)
