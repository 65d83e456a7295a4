"""Times of hits: halves of two particles are no track, and the trigger particle's track comes first."""

import numpy as np
import pytest

from recon.tracks import TrackConfig, TrackHits, TrackList, best_tracks, find_all_tracks
from tests.recon.test_tracks import BEAM, THICK, as_hits, crossings, particles


def find(times: np.ndarray, errors: float | np.ndarray | None = 0.4, **config: float) -> TrackList:
    """Find tracks of particles in one event, one per row of times (n_particles, 4) [ns]."""
    times = np.asarray(times, dtype=float)
    points = crossings(particles(len(times), np.random.default_rng(2)), THICK)
    hits = as_hits(points)
    order = np.argsort(hits.plane, kind="stable")
    own = None if errors is None else np.full(times.size, errors)
    given = TrackHits(
        hits.plane[order], hits.x[order], hits.y[order], np.array([0, times.size]),
        time=times.ravel()[order], time_error=own,
    )  # fmt: skip
    return find_all_tracks(given, THICK, BEAM, TrackConfig(**config))


def test_hits_of_different_times_are_no_track() -> None:
    assert len(find([[-12.0, -12.0, 0.0, 0.0]]).state) == 0
    assert len(find([[-12.0, -12.0, 0.0, 0.0]], max_time_chi2=1e9).state) == 1


def test_one_wrong_time_is_let_pass_and_moves_nothing() -> None:
    tracks = find([[0.3, 0.1, 12.0, 0.2]])
    assert tracks.time[0] == pytest.approx(0.2)
    assert tracks.time_error[0] == pytest.approx(0.4 / np.sqrt(3))
    assert tracks.is_in_time.tolist() == [True]


def test_a_late_track_is_listed_and_not_taken_for_the_particle() -> None:
    tracks = find([[20.0] * 4])
    best = best_tracks(tracks, BEAM)
    assert (best.count.tolist(), tracks.is_in_time.tolist(), tracks.best.tolist()) == ([1], [False], [-1])
    assert not best.is_valid[0]
    assert np.isnan([best.momentum[0], best.x[0], best.time[0]]).all()


@pytest.mark.parametrize("late", [[1.5] * 4, [20.0] * 4])
def test_the_track_in_time_comes_first(late: list[float]) -> None:
    tracks = find([late, [0.0] * 4, late])
    assert tracks.time == pytest.approx([0.0, late[0], late[0]], abs=1e-9)
    assert tracks.hits[0].tolist() == [1, 4, 7, 10]


def test_without_times_every_track_may_be_the_one() -> None:
    tracks = find([[np.nan] * 4, [np.nan] * 4])
    assert np.isnan(tracks.time).all()
    assert np.isnan(tracks.time_error).all()
    assert tracks.is_in_time.all()


def test_hits_without_an_error_take_that_of_the_configuration() -> None:
    assert find([[1.0] * 4], None, time_error=2.0).time_error == pytest.approx(1.0)
    assert find([[1.0] * 4], np.nan, time_error=2.0).time_error == pytest.approx(1.0)


def test_times_by_their_errors() -> None:
    errors = np.array([0.3, 0.3, 3.0, 0.6])
    found = find([[1.0, 1.2, 4.0, 0.5]], errors)
    weight = 1 / errors**2
    assert found.time[0] == pytest.approx(np.average([1.0, 1.2, 4.0, 0.5], weights=weight))
    assert found.time_error[0] == pytest.approx(1 / np.sqrt(weight.sum()))


@pytest.mark.parametrize("values", [{"time_tail": 0.0}, {"max_lateness": np.nan}, {"time_outlier": -1.0}])
def test_impossible_configurations_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"tracks.*{next(iter(values))}"):
        TrackConfig(**values)
