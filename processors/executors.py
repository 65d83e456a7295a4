"""Run chunks here, in a pool of processes or on Dask workers, and account for each of them.

Coffea's executors stop at the first error or drop chunks without saying why. This one takes any pool of
`concurrent.futures` (Dask's client offers one too) and tells of each chunk what it gave, or why it is lost.
"""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import cloudpickle
from coffea.processor.executor import ExecutorBase, WorkItem

from processors.chunk import ChunkResult, run_chunk, work
from processors.clusters import Cluster, open_client
from processors.dispatch import Dispatch, Outcome, dispatch
from processors.environment import versions_here
from processors.pools import HerePool, ProcessSlots

__all__ = ["ChunkExecutor", "ExecutorName", "open_pool"]

ExecutorName = Literal["iterative", "futures", "dask"]
Pool = cf.Executor


@dataclass
class ChunkExecutor(ExecutorBase):
    """
    A coffea executor that loses nothing in silence.

    Attributes
    ----------
    sink : callable
        Takes the `Outcome` of each chunk, as they come.
    open_pool : callable
        Returns a context manager around a pool of `concurrent.futures`.
    is_here : bool
        The pool runs calls in this process.
    width : int
        Chunks under way at once.
    attempts : int
        How often a chunk is read before it counts as lost.
    can_split : bool
        Results can be added, so that a chunk over which workers die may be taken in pieces.
    identity : object
        What coffea gets for the sum, which the sink makes instead.
    """

    status: bool = False
    retries: int = 0
    sink: Callable[[Outcome], None] = lambda _: None
    open_pool: Callable[[], AbstractContextManager[Pool]] = HerePool
    is_here: bool = True
    width: int = 1
    attempts: int = 2
    can_split: bool = False
    identity: Any = None

    def __call__(
        self, items: Iterable[WorkItem], function: Callable[[WorkItem], Any], accumulator: Any
    ) -> tuple[dict[str, Any], int]:
        """Process all items; return what coffea asks for, which says nothing of them."""
        if self.is_here:
            call: Callable[..., ChunkResult] = partial(run_chunk, function)
        else:
            call = partial(work, cloudpickle.dumps(function), versions_here())
        config = Dispatch(
            open_pool=self.open_pool,
            call=lambda pool, item: pool.submit(call, item, self.attempts),
            width=self.width,
            can_split=self.can_split,
        )
        for outcome in dispatch(items, config):
            self.sink(outcome)
        return {"out": self.identity, "processed": set()}, 0


@contextmanager
def open_pool(name: ExecutorName, workers: int, cluster: Cluster | None = None) -> Iterator[Pool]:
    """
    Open the workers of an executor.

    Parameters
    ----------
    name : "iterative", "futures" or "dask"
    workers : int
        Processes or jobs to start.
    cluster : Cluster, optional
        Where Dask workers run; None: on this machine.

    Yields
    ------
    concurrent.futures.Executor
    """
    if name == "iterative":
        yield HerePool()
    elif name == "futures":
        with ProcessSlots(workers) as pool:
            yield pool
    else:
        with open_client(workers, cluster or Cluster()) as client:
            yield client.get_executor(pure=False, retries=0)
