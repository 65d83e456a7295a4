"""The points of an exclusion curve: here, in processes or on Dask, each kept until the output is complete."""

from __future__ import annotations

import concurrent.futures as cf
import json
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from limits.scan import Point, Problem, limit_point
from processors.dispatch import ExecutionError

__all__ = ["Store", "scan"]

_ATTEMPTS = 3  # of a point over which workers die


class Store:
    """
    Points that are done, as files.

    Parameters
    ----------
    folder : Path
        Named by the digest of all that decides their values.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, mass: float) -> Point | None:
        """Return a point that is there and whole."""
        try:
            content = json.loads(self._path(mass).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        for name in ("expected", "signal", "efficiency"):
            content[name] = tuple(content[name])
        return Point(**content)

    def kept(self, masses: Sequence[float]) -> int:
        """Return how many points of masses are there."""
        return sum(self.read(mass) is not None for mass in masses)

    def write(self, point: Point) -> None:
        """Keep a point; it has its name when it is complete."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(point.mass)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(point._asdict()), encoding="utf-8")
        partial.replace(path)

    def _path(self, mass: float) -> Path:
        return self._folder / f"{mass:.9e}.json"


def scan(
    problem: Problem,
    masses: Sequence[float],
    open_pool: Callable[[], AbstractContextManager[cf.Executor]],
    *,
    width: int = 1,
    store: Store | None = None,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Point]:
    """
    Return the points of masses, in their order.

    Parameters
    ----------
    problem : Problem
    masses : sequence of float [GeV]
    open_pool : callable
        Returns a context manager around a pool of `concurrent.futures`.
    width : int
        Points under way at once.
    store : Store, optional
        Points that are there are not computed again.
    tell : callable
        Gets the number of points done, and of all.

    Raises
    ------
    ExecutionError
        If workers die over a point again and again.
    """
    done = {} if store is None else {m: p for m in masses if (p := store.read(m)) is not None}
    tell(len(done), len(masses))
    left = deque((mass, 0) for mass in masses if mass not in done)
    if not left:
        return [done[mass] for mass in masses]
    with open_pool() as pool:
        waiting: dict[cf.Future[Point], tuple[float, int]] = {}
        while left or waiting:
            while left and len(waiting) < width:
                mass, deaths = left.popleft()
                waiting[pool.submit(limit_point, problem, mass)] = (mass, deaths)
            ended, _ = cf.wait(waiting, return_when=cf.FIRST_COMPLETED)
            for future in ended:
                mass, deaths = waiting.pop(future)
                error = future.exception()
                if error is None:
                    done[mass] = future.result()
                    if store is not None:
                        store.write(done[mass])
                    tell(len(done), len(masses))
                else:
                    left.append((mass, _after(error, mass, deaths)))
    return [done[mass] for mass in masses]


def _after(error: BaseException, mass: float, deaths: int) -> int:
    """Return how often workers have died over a point, or raise what is no death."""
    if type(error).__name__ not in {"WorkerDiedError", "KilledWorker"}:
        raise error
    if deaths + 1 >= _ATTEMPTS:
        msg = f"workers died {deaths + 1} times over the point at {1e3 * mass:g} MeV, the last time: {error}"
        raise ExecutionError(msg) from error
    return deaths + 1
