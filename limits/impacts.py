"""What each nuisance does to a limit, and where the data pull it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from limits.model import Channel, Nuisance, workspace
from limits.upper import Method, mean_limit, upper_limits

__all__ = ["Impact", "impacts"]

Floats = npt.NDArray[np.float64]

_STEP = 1e-2  # of the second derivative, in standard deviations


class Impact(NamedTuple):
    """One nuisance."""

    name: str
    pull: float  # [standard deviations] of the best fit without a signal
    error: float  # its error there; 1 where the data say nothing of it
    down: float  # relative change of the upper limit when it is held one deviation down
    up: float


def impacts(
    channels: Sequence[Channel], *, level: float, method: Method, n_toys: int, seed: int
) -> list[Impact]:
    """
    Return pulls and impacts, the largest impact first.

    A nuisance is held at one standard deviation, and the upper limit computed again by the same method, with
    the same random numbers for all that is not held. It is the observed limit; of blinded runs the mean
    expected one by toys (`limits.upper.mean_limit`: their median jumps by whole events), or the median of the
    asymptotic formulas. Pulls of blinded runs are 0, as the expected background is fitted to itself.

    Parameters
    ----------
    channels : sequence of Channel
    level, method, n_toys, seed
        As for `limits.upper.upper_limits`.
    """
    first = upper_limits(channels, level=level, method=method, n_toys=n_toys, seed=seed)
    same = cast("Method", first.method)

    def limit(of: Sequence[Channel]) -> float:
        if first.observed is None and same == "toys":
            return mean_limit(of, level=level, n_toys=n_toys, seed=seed)
        found = upper_limits(of, level=level, method=same, n_toys=n_toys, seed=seed)
        return found.expected[2] if found.observed is None else found.observed

    nominal = limit(channels)
    names = dict.fromkeys(n.name for c in channels for n in (*c.signal_nuisances, *c.background_nuisances))
    fitted = _pulls(channels)
    found = []
    for name in names:
        down, up = (limit([_held(c, name, side) for c in channels]) / nominal - 1 for side in (-1, 1))
        found.append(Impact(name, *fitted[name], down, up))
    return sorted(found, key=lambda one: -max(abs(one.down), abs(one.up)))


def _held(channel: Channel, name: str, side: int) -> Channel:
    """Return a channel in which a nuisance is one deviation off and has no error any more."""

    def split(nuisances: Sequence[Nuisance]) -> tuple[float, tuple[Nuisance, ...]]:
        factors = [n.high if side > 0 else n.low for n in nuisances if n.name == name]
        return float(np.prod(factors)), tuple(n for n in nuisances if n.name != name)

    (signal, of_signal), (background, of_background) = map(
        split, (channel.signal_nuisances, channel.background_nuisances)
    )
    return replace(
        channel,
        signal=channel.signal * signal,
        background=channel.background * background,
        signal_nuisances=of_signal,
        background_nuisances=of_background,
    )


def _pulls(channels: Sequence[Channel]) -> dict[str, tuple[float, float]]:
    """Return best value and error of each nuisance, of a fit of the background alone."""
    import pyhf

    blinded = any(c.observed is None for c in channels)
    seen = [c.background if blinded else float(c.observed or 0) for c in channels]
    model = pyhf.Workspace(workspace(channels, seen)).model()
    data: Any = [*seen, *model.config.auxdata]
    best = np.asarray(pyhf.infer.mle.fixed_poi_fit(0.0, data, model), dtype=np.float64)

    def twice_nll(at: Floats) -> float:
        return float(pyhf.infer.mle.twice_nll(at.tolist(), data, model)[0])

    found = {}
    poi = model.config.poi_index
    free = [index for index in range(len(best)) if index != poi]
    errors = np.sqrt(np.diag(np.linalg.inv(0.5 * _hessian(twice_nll, best, free)))) if free else np.zeros(0)
    for index, error in zip(free, errors, strict=True):
        found[model.config.par_names[index]] = (float(best[index]), float(error))
    return found


def _hessian(function: Any, at: Floats, free: Sequence[int]) -> Floats:
    """Return second derivatives by differences; 2 on the diagonal is one constraint alone."""
    n = len(free)
    found = np.empty((n, n))
    for i in range(n):
        for j in range(i, n):
            total = 0.0
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                place = at.copy()
                place[free[i]] += a * _STEP
                place[free[j]] += b * _STEP
                total += a * b * function(place)
            found[i, j] = found[j, i] = total / (4 * _STEP**2)
    return found
