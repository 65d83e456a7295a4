"""Run chunks here, in a pool of processes or on Dask workers, and account for each of them.

Coffea's executors stop at the first error or drop chunks without saying why. This one takes any pool of
`concurrent.futures` (Dask's client offers one too) and returns, beside the sum of all results, each chunk
that was lost and the reason.
"""

from __future__ import annotations

import concurrent.futures as cf
import logging
import signal
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cloudpickle
from coffea.processor import accumulate
from coffea.processor.executor import ExecutorBase, WorkItem

from datasets.config import ConfigError
from datasets.probe import UnreadableError
from datasets.reader import ReadError
from processors.garbage import prepare_process
from processors.rooms import RoomError, require_same, source_digest
from selections.blinding import BlindingError
from selections.selection import SelectionError

__all__ = ["ChunkError", "ChunkExecutor", "ExecutorName", "open_pool"]

ExecutorName = Literal["iterative", "futures", "dask"]
Pool = cf.Executor
_READING = ("Failed to open file", "Failed creating nanoevents")  # coffea's words around an error of uproot
_REBUILDS = 3  # of a pool whose workers die
_TELLING = (ReadError, UnreadableError, ConfigError, SelectionError, BlindingError, RoomError)


class ChunkError(RuntimeError):
    """Code failed on data; what the error said is withheld, since it may be a value of a closed event."""


def chain_of(error: BaseException) -> list[BaseException]:
    """Return an error and its causes, outermost first."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain


def _is_reading(chain: Sequence[BaseException]) -> bool:
    """Return whether a file is to blame, not our code and not the user's options."""
    if any(isinstance(error, RoomError) for error in chain):
        return False
    if any(isinstance(error, ReadError | UnreadableError) for error in chain):
        return True
    return any(str(error).startswith(_READING) for error in chain)


def _reason(chain: Sequence[BaseException]) -> str:
    """Return what the innermost error says, in one line."""
    told = next((e for e in chain if isinstance(e, ReadError | UnreadableError)), chain[-1])
    line = str(told).strip().splitlines()[0] if str(told).strip() else ""
    return line if isinstance(told, ReadError | UnreadableError) else f"{type(told).__name__}: {line}"


def _withhold(chain: Sequence[BaseException], item: WorkItem) -> ChunkError:
    """Return what may be told of an error in code: its type, its place and the entries."""
    told = chain[-1]
    frames = traceback.extract_tb(told.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f" in {Path(own[-1].filename).name}, line {own[-1].lineno}, {own[-1].name}" if own else ""
    return ChunkError(
        f"{type(told).__name__}{place}, on entries {item.entrystart} to {item.entrystop} of {item.filename}. "
        f"Its text and traceback are withheld, since they may speak of closed events; run simulation to "
        f"see them"
    )


def _may_tell(chain: Sequence[BaseException], item: WorkItem) -> bool:
    """Return whether an error may be passed on: of simulation, or one of ours that names no event."""
    is_simulation = (item.usermeta or {}).get("kind") == "simulation"
    return is_simulation or any(isinstance(error, _TELLING) for error in chain)


def run_chunk(function: Callable[[WorkItem], Any], item: WorkItem, attempts: int) -> dict[str, Any]:
    """
    Process a chunk; a file that cannot be read makes a loss, not an error.

    Returns
    -------
    dict
        What coffea's work function returns, or ``{"processed": set(), "lost": {(item, reason)}}``.

    Raises
    ------
    ChunkError
        If code fails on anything but simulation: without what the error said.
    Exception
        Errors that the user can mend, and all of simulation, as they are.
    """
    prepare_process()
    for attempt in range(attempts):
        try:
            result: dict[str, Any] = function(item)
        except Exception as error:
            chain = chain_of(error)
            if not _is_reading(chain):
                if _may_tell(chain, item):
                    raise
                withheld = _withhold(chain, item)
                break
            if attempt + 1 == attempts:
                return {"processed": set(), "lost": {(item, _reason(chain))}}
            time.sleep(0.2 * attempt)
        else:
            return result
    else:
        msg = f"a chunk needs at least one attempt, got {attempts}"
        raise ValueError(msg)
    raise withheld  # here, where the error itself is not its context


@lru_cache(maxsize=2)
def _load(payload: bytes) -> Callable[[WorkItem], Any]:
    function: Callable[[WorkItem], Any] = cloudpickle.loads(payload)
    return function


def _work(payload: bytes, digest: str, item: WorkItem, attempts: int) -> dict[str, Any]:
    """Process a chunk on a worker."""
    require_same(digest)
    return run_chunk(_load(payload), item, attempts)


@dataclass
class ChunkExecutor(ExecutorBase):
    """
    A coffea executor that loses nothing in silence.

    Attributes
    ----------
    open_pool : callable
        Returns a context manager around a pool of `concurrent.futures`, or around None for this process.
    width : int
        Chunks under way at once.
    attempts : int
        How often a chunk is read before it counts as lost.
    identity : object
        The result of no chunks at all.
    on_chunk : callable, optional
        Called with each finished work item (for progress bars).
    consume : callable, optional
        Takes each work item and its result (None where lost) instead of the sum, as they come.
    """

    status: bool = False
    retries: int = 0
    open_pool: Callable[[], AbstractContextManager[Pool | None]] = nullcontext
    width: int = 1
    attempts: int = 2
    identity: Any = None
    on_chunk: Callable[[WorkItem], None] | None = None
    consume: Callable[[WorkItem, Any], None] | None = None

    def __call__(
        self, items: Iterable[WorkItem], function: Callable[[WorkItem], Any], accumulator: Any
    ) -> tuple[dict[str, Any], int]:
        """Process all items and add up what they return."""
        total = accumulate(self._results(list(items), function), accumulator) or {}
        if "out" not in total:
            total["out"] = self.identity
        return total, 0

    def _results(
        self, items: Sequence[WorkItem], function: Callable[[WorkItem], Any]
    ) -> Iterator[dict[str, Any]]:
        with self.open_pool() as pool:
            in_process = pool is None
            if in_process:
                for item in items:
                    yield self._done(item, run_chunk(function, item, self.attempts))
        if not in_process:
            yield from self._pooled(items, cloudpickle.dumps(function))

    def _pooled(self, items: Sequence[WorkItem], payload: bytes) -> Iterator[dict[str, Any]]:
        """Keep ``width`` chunks under way; build a new pool when its workers die."""
        left = list(reversed(items))
        for rebuild in range(_REBUILDS + 1):
            with self.open_pool() as pool:
                if pool is None:
                    msg = "an executor without a pool processes its chunks itself"
                    raise TypeError(msg)
                left = yield from self._drain(pool, left, payload)
            if not left:
                return
            if rebuild == _REBUILDS:
                reason = f"its worker died, {_REBUILDS + 1} times over (out of memory?)"
                for item in left:
                    yield self._done(item, {"processed": set(), "lost": {(item, reason)}})

    def _drain(
        self, pool: Pool, left: list[WorkItem], payload: bytes
    ) -> Generator[dict[str, Any], None, list[WorkItem]]:
        """Process items from the end of ``left``; return those whose pool broke."""
        waiting: dict[cf.Future[dict[str, Any]], WorkItem] = {}
        broken: list[WorkItem] = []
        while left or waiting:
            while left and len(waiting) < self.width and not broken:
                item = left.pop()
                try:
                    waiting[pool.submit(_work, payload, source_digest(), item, self.attempts)] = item
                except BrokenProcessPool:
                    broken.append(item)
            done, _ = cf.wait(waiting, return_when=cf.FIRST_COMPLETED)
            for future in done:
                item = waiting.pop(future)
                error = future.exception()
                if error is None:
                    yield self._done(item, future.result())
                elif isinstance(error, BrokenProcessPool):
                    broken.append(item)
                elif type(error).__name__ == "KilledWorker":
                    lost = {"processed": set(), "lost": {(item, f"its worker died: {error}")}}
                    yield self._done(item, lost)
                else:
                    raise error
            if broken and not waiting:
                return [*left, *reversed(broken)]
        return broken

    def _done(self, item: WorkItem, result: dict[str, Any]) -> dict[str, Any]:
        if self.consume is not None:
            self.consume(item, result.pop("out", None))
        if self.on_chunk is not None:
            self.on_chunk(item)
        return result


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def open_pool(name: ExecutorName, workers: int, scheduler: str | None = None) -> Iterator[Pool | None]:
    """
    Open the workers of an executor.

    Parameters
    ----------
    name : "iterative", "futures" or "dask"
    workers : int
        Processes to start; not used with ``scheduler``.
    scheduler : str, optional
        Address of a Dask scheduler that runs already.

    Yields
    ------
    concurrent.futures.Executor, or None for this process
    """
    if name == "iterative":
        yield None
    elif name == "futures":
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        with cf.ProcessPoolExecutor(workers, context, initializer=_leave_interrupts_to_the_parent) as pool:
            yield pool
    else:
        with _dask_client(workers, scheduler) as client:
            yield client.get_executor(pure=False, retries=2)


@contextmanager
def _dask_client(workers: int, scheduler: str | None) -> Iterator[Any]:
    """Connect to a scheduler, or start worker processes on this machine."""
    import distributed

    if scheduler is not None:
        try:
            client = distributed.Client(scheduler, timeout=15)
        except (OSError, ValueError) as error:
            msg = f"no Dask scheduler answers at {scheduler}: {error}"
            raise ConnectionError(msg) from error
        with client:
            _require_workers(client, scheduler)
            yield client
        return
    cluster = distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,  # what fails comes back as an exception or a named loss
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


def _require_workers(client: Any, scheduler: str) -> None:
    """Check that a scheduler has workers and that they can import and run our sources."""
    try:
        client.wait_for_workers(1, timeout=60)
        client.run(require_same, source_digest())
    except TimeoutError as error:
        msg = f"the Dask scheduler at {scheduler} has no workers; start some, or run without --scheduler"
        raise ConnectionError(msg) from error
    except RoomError:
        raise
    except Exception as error:
        msg = f"workers of the Dask scheduler at {scheduler} cannot run the NA64 pipeline: {error}"
        raise RoomError(msg) from error
