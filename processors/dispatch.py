"""Bring every chunk to an end, whatever becomes of the workers."""

from __future__ import annotations

import concurrent.futures as cf
import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from coffea.processor.executor import WorkItem

from processors.chunk import ChunkResult
from processors.pools import WorkerDiedError
from processors.rooms import RoomError

__all__ = ["Dispatch", "ExecutionError", "Outcome", "dispatch"]

_LOG = logging.getLogger(__name__)
_DEATHS = 6  # of workers over the same entries, before these are lost
_LEAST = 8  # a chunk is cut into no more pieces than this
_IN_A_ROW = 20  # deaths without one finished chunk in between: something else is wrong
_LOST_POOLS = {"CancelledError", "FutureCancelledError", "FuturesCancelledError", "CommClosedError"}


class ExecutionError(RuntimeError):
    """Nothing can be processed any more; the text says why, and what to do."""


class Outcome(NamedTuple):
    """What became of a chunk in the end."""

    item: WorkItem
    out: Any  # None where nothing of it could be processed
    losses: tuple[tuple[WorkItem, str], ...] = ()  # entries that are lost, and why
    retries: tuple[str, ...] = ()  # why it, or a piece of it, was begun again, once each
    is_stale: bool = False  # the file changed after it was looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """How chunks are sent to workers."""

    open_pool: Callable[[], AbstractContextManager[cf.Executor]]
    call: Callable[[cf.Executor, WorkItem], cf.Future[ChunkResult]]  # submits a chunk
    width: int = 1  # chunks under way at once
    can_split: bool = False  # results of pieces can be added
    patience: float = 120.0  # [s] to wait for a scheduler that is gone


@dataclass(eq=False, slots=True)
class _Chunk:
    """A planned chunk, and what became of its pieces."""

    item: WorkItem
    n_open: int = 1
    retries: list[str] = field(default_factory=list)
    results: list[tuple[WorkItem, ChunkResult]] = field(default_factory=list)

    def outcome(self) -> Outcome:
        """Add up the pieces in their order."""
        out: Any = None
        for _, result in sorted(self.results, key=lambda pair: pair[0].entrystart):
            if result.out is not None:
                out = result.out if out is None else out + result.out
        losses = tuple((item, result.reason) for item, result in self.results if result.reason)
        is_stale = any(result.is_stale for _, result in self.results)
        return Outcome(self.item, out, losses, tuple(self.retries), is_stale)


class _Piece(NamedTuple):
    chunk: _Chunk
    item: WorkItem
    deaths: int = 0


class _PoolLostError(Exception):
    """The pool as a whole is gone, with no word on any chunk."""


def dispatch(items: Iterable[WorkItem], config: Dispatch) -> Iterator[Outcome]:
    """
    Process chunks, in whatever order they end.

    A worker that dies takes nothing with it: its chunk begins again, the second time in halves, since a chunk
    may be too large for the memory. Entries over which workers keep dying are lost, by name.

    Parameters
    ----------
    items : iterable of WorkItem
    config : Dispatch

    Yields
    ------
    Outcome
        One for each item.

    Raises
    ------
    ExecutionError
        If workers die without finishing anything.
    ConnectionError
        If a scheduler is gone and does not come back.
    Exception
        What code raises on a chunk, unless a file is to blame.
    """
    work = _Work(iter(items))
    while work.has_more():
        with _open_again(config, is_first=not work.n_pools) as pool:
            work.n_pools += 1
            try:
                yield from _drain(pool, work, config)
            except _PoolLostError as error:
                work.lost_pools += 1
                if work.lost_pools > _IN_A_ROW // 4:
                    msg = f"the connection to the workers breaks again and again: {error.__cause__}"
                    raise ConnectionError(msg) from error
                _LOG.warning("the connection to the workers broke; what was under way begins again")


@dataclass(slots=True)
class _Work:
    """What is left to do, and what went wrong since a chunk ended well."""

    planned: Iterator[WorkItem]
    left: deque[_Piece] = field(default_factory=deque)  # to be begun next
    waiting: dict[cf.Future[ChunkResult], _Piece] = field(default_factory=dict)
    n_pools: int = 0
    lost_pools: int = 0
    deaths: int = 0

    def has_more(self) -> bool:
        """Return whether a piece is left to begin."""
        if not self.left and (item := next(self.planned, None)) is not None:
            self.left.append(_Piece(_Chunk(item), item))
        return bool(self.left)


def _open_again(config: Dispatch, *, is_first: bool) -> AbstractContextManager[cf.Executor]:
    """Open a pool; wait for a scheduler that was there before."""
    return config.open_pool() if is_first else _Reopened(config)


class _Reopened(AbstractContextManager[cf.Executor]):
    """A pool whose scheduler may take its time to come back."""

    def __init__(self, config: Dispatch) -> None:
        self._config = config
        self._inner: AbstractContextManager[cf.Executor] | None = None

    def __enter__(self) -> cf.Executor:
        end, pause = time.monotonic() + self._config.patience, 1.0
        while True:
            inner = self._config.open_pool()
            try:
                pool = inner.__enter__()
            except (ConnectionError, RoomError):  # also of workers that are not all there yet
                if time.monotonic() > end:
                    raise
                time.sleep(pause)
                pause = min(2 * pause, 10.0)
            else:
                self._inner = inner
                return pool

    def __exit__(self, *error: Any) -> bool | None:
        return None if self._inner is None else self._inner.__exit__(*error)


def _drain(pool: cf.Executor, work: _Work, config: Dispatch) -> Generator[Outcome, None, None]:
    """Process pieces until none is left, or the pool is lost."""
    try:
        while work.has_more() or work.waiting:
            while len(work.waiting) < config.width and work.has_more():
                piece = work.left[0]
                future = _submit(pool, config, piece)
                work.left.popleft()
                work.waiting[future] = piece
            done, _ = cf.wait(work.waiting, return_when=cf.FIRST_COMPLETED)
            for future in done:
                piece = work.waiting[future]
                outcome = _end(future, piece, work, config)
                del work.waiting[future]
                if outcome is not None:
                    yield outcome
    except _PoolLostError:
        work.left.extendleft(reversed(work.waiting.values()))
        for piece in work.waiting.values():
            piece.chunk.retries.append("the connection to the workers broke")
        work.waiting.clear()
        raise


def _submit(pool: cf.Executor, config: Dispatch, piece: _Piece) -> cf.Future[ChunkResult]:
    try:
        return config.call(pool, piece.item)
    except Exception as error:
        if type(error).__name__ in _LOST_POOLS:
            raise _PoolLostError from error
        raise


def _end(future: cf.Future[ChunkResult], piece: _Piece, work: _Work, config: Dispatch) -> Outcome | None:
    """Book what became of a piece; return the outcome of its chunk if that is the last of it."""
    if future.cancelled():
        raise _PoolLostError from cf.CancelledError()
    error = future.exception()
    if error is None:
        result = future.result()
        work.deaths = work.lost_pools = 0
        piece.chunk.retries += result.retries
        return _book(piece, result)
    if type(error).__name__ in _LOST_POOLS:
        raise _PoolLostError from error
    if isinstance(error, WorkerDiedError | MemoryError) or type(error).__name__ == "KilledWorker":
        return _after_death(piece, error, work, config)
    raise error


def _book(piece: _Piece, result: ChunkResult) -> Outcome | None:
    chunk = piece.chunk
    chunk.results.append((piece.item, result))
    chunk.n_open -= 1
    return chunk.outcome() if chunk.n_open == 0 else None


def _after_death(piece: _Piece, error: BaseException, work: _Work, config: Dispatch) -> Outcome | None:
    """Try the entries of a dead worker again, in halves after the second time, and give up in the end."""
    n_deaths = 1 + int(getattr(error, "allowed_failures", 0))
    deaths, chunk, item = piece.deaths + n_deaths, piece.chunk, piece.item
    why = "there was not enough memory" if isinstance(error, MemoryError) else _died(error)
    work.deaths += 1
    if work.deaths > max(_IN_A_ROW, 4 * config.width):
        msg = (
            f"{work.deaths} times in a row a chunk ended without a result, the last time because {why}; "
            f"so nothing more is processed. Try fewer --workers or a smaller --chunk-size"
        )
        raise ExecutionError(msg)
    can_split = config.can_split and len(item) > max(1, len(chunk.item) // _LEAST)
    if deaths >= 2 and can_split:
        chunk.retries += [why] * n_deaths
        chunk.n_open += 1
        work.left.extendleft(_Piece(chunk, half, 1) for half in reversed(_halves(item)))
        return None
    if deaths < _DEATHS:
        chunk.retries += [why] * n_deaths
        work.left.appendleft(_Piece(chunk, item, deaths))
        return None
    return _book(piece, ChunkResult(None, f"{why}, {deaths} times over"))


def _died(error: BaseException) -> str:
    how = f" ({error})" if isinstance(error, WorkerDiedError) and str(error) else ""
    return f"its worker died{how}: killed, or out of memory"


def _halves(item: WorkItem) -> tuple[WorkItem, WorkItem]:
    middle = (item.entrystart + item.entrystop) // 2
    names = ("dataset", "filename", "treename", "fileuuid", "usermeta")
    same = {name: getattr(item, name) for name in names}
    return (
        WorkItem(entrystart=item.entrystart, entrystop=middle, **same),
        WorkItem(entrystart=middle, entrystop=item.entrystop, **same),
    )
