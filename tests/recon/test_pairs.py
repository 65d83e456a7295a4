"""Two straight tracks behind a decay volume."""

import numpy as np
import pytest

from recon.geometry import Plane, Spectrometer
from recon.pairs import PairConfig, find_pairs

Z = (1000.0, 1600.0, 2200.0, 2800.0)
PLANES = tuple(Plane(name=f"P{i}", z=z, resolution=0.1) for i, z in enumerate(Z))
BEHIND = Spectrometer(name="decay", planes=PLANES, magnets=(), min_planes=3)


def hits(*tracks: tuple[float, float, float, float]) -> tuple[list[int], list[float], list[float]]:
    """Return planes and positions of lines (x, y, dx/dz, dy/dz at z = 0)."""
    rows = [(i, x + sx * z, y + sy * z) for x, y, sx, sy in tracks for i, z in enumerate(Z)]
    plane, x, y = zip(*rows, strict=True) if rows else ((), (), ())
    return list(plane), list(x), list(y)


def find(*events: tuple[list[int], list[float], list[float]], config: PairConfig | None = None):  # noqa: ANN201
    plane, x, y = (np.concatenate([np.asarray(event[i]) for event in events]) for i in range(3))
    offsets = np.cumsum([0, *(len(event[0]) for event in events)])
    return find_pairs(plane.astype(np.int64), x, y, offsets, BEHIND, config)


PAIR = hits((0.0, 0.0, 1e-3, 0.0), (0.6, 0.0, -1e-3, 0.0))  # cross at z = 300 mm, 2 mrad apart


def test_two_tracks_meet_where_they_come_from() -> None:
    pairs = find(PAIR, hits((0.0, 0.0, 1e-3, 0.0)), ([], [], []))
    assert pairs.count.tolist() == [2, 1, 0]
    assert pairs.is_valid.tolist() == [True, False, False]
    assert (pairs.angle[0], pairs.vertex_z[0]) == pytest.approx((2e-3, 300.0))
    assert pairs.distance[0] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(pairs.angle[1:]).all()


def test_the_order_of_hits_does_not_matter() -> None:
    order = np.random.default_rng(1).permutation(len(PAIR[0]))
    shuffled = tuple(np.asarray(column)[order] for column in PAIR)
    assert find(shuffled).angle == pytest.approx(find(PAIR).angle)


def test_one_plane_may_miss() -> None:
    left = [i for i in range(8) if i != 2]
    pairs = find(tuple(np.asarray(column)[left] for column in PAIR))
    assert pairs.count.tolist() == [2]
    assert pairs.angle[0] == pytest.approx(2e-3)


def test_two_planes_are_no_track() -> None:
    assert find(tuple(np.asarray(column)[[0, 1]] for column in PAIR)).count.tolist() == [0]


def test_stray_hits_and_those_that_are_unknown_make_no_track() -> None:
    plane, x, y = PAIR
    pairs = find(([*plane, 1, 2], [*x, 30.0, np.nan], [*y, -20.0, 0.0]))
    assert pairs.count.tolist() == [2]
    assert pairs.angle[0] == pytest.approx(2e-3)


def test_too_many_hits_are_given_up() -> None:
    assert find(PAIR, config=PairConfig(max_hits=7)).count.tolist() == [0]


def test_angle_is_unbiased_and_as_wide_as_the_hits_say() -> None:
    """sigma of a slope: 0.1 mm / sqrt(sum (z - mean)^2) = 0.1 / 1342; of a difference sqrt 2 of that."""
    rng = np.random.default_rng(3)
    noisy = [(PAIR[0], *(np.asarray(v) + rng.normal(0.0, 0.1, 8) for v in PAIR[1:])) for _ in range(600)]
    pairs = find(*noisy)
    assert (pairs.count == 2).mean() > 0.99
    angle = pairs.angle[pairs.is_valid]
    assert angle.mean() == pytest.approx(2e-3, abs=2e-5)
    assert angle.std() == pytest.approx(np.sqrt(2) * 0.1 / 1342, rel=0.1)


def test_two_planes_alone_are_refused() -> None:
    short = Spectrometer(name="short", planes=PLANES[:2], magnets=())
    with pytest.raises(ValueError, match="need three planes or more, 'short' has 2"):
        find_pairs(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(1, np.int64), short)


@pytest.mark.parametrize("changes", [{"road": 0.0}, {"max_chi2_per_ndf": -1.0}, {"max_hits": 1}])
def test_senseless_numbers_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="pairs need road"):
        PairConfig(**changes)  # type: ignore[arg-type]
