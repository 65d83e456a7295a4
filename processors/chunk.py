"""One chunk on a worker: what it gives, why it is lost, and what may be said of an error in it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle
from coffea.processor.executor import WorkItem

from datasets.config import ConfigError
from datasets.fingerprint import FileChange, mark_of
from datasets.probe import UnreadableError
from datasets.reader import ReadError
from processors.environment import Versions, require_same
from processors.rooms import RoomError
from selections.blinding import BlindingError
from selections.selection import SelectionError

__all__ = ["ChunkError", "ChunkResult", "chain_of", "run_chunk", "work"]

_READING = ("Failed to open file", "Failed creating nanoevents")  # coffea's words around an error of uproot
_TELLING = (ReadError, UnreadableError, ConfigError, SelectionError, BlindingError, RoomError)


class ChunkError(RuntimeError):
    """Code failed on data; what the error said is withheld, since it may be a value of a closed event."""


class ChunkResult(NamedTuple):
    """What became of a chunk."""

    out: Any  # of the processor; None where lost
    reason: str = ""  # why it is lost
    retries: tuple[str, ...] = ()  # why it was read again, once each
    is_stale: bool = False  # the file is no longer the one that was looked at


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


def run_chunk(function: Callable[[WorkItem], Any], item: WorkItem, attempts: int) -> ChunkResult:
    """
    Process a chunk; a file that cannot be read, or is another one by now, makes a loss, not an error.

    Parameters
    ----------
    function : callable
        Coffea's work function: returns a mapping with the processor's result under "out".
    item : WorkItem
    attempts : int
        How often it is read before it counts as lost.

    Raises
    ------
    ChunkError
        If code fails on anything but simulation: without what the error said.
    MemoryError
        If there is not enough memory for the chunk.
    Exception
        Errors that the user can mend, and all of simulation, as they are.
    """
    withheld: Exception | None = None
    retries: list[str] = []
    before = mark_of(item.filename)
    for attempt in range(attempts):
        try:
            out = function(item)["out"]
        except Exception as error:
            chain = chain_of(error)
            change = _change(item, before)
            if change is not None:
                return ChunkResult(None, str(change), tuple(retries), is_stale=True)
            if any(isinstance(one, MemoryError) for one in chain):
                withheld = MemoryError()  # its text may tell how large an event is
                break
            if not _is_reading(chain):
                if _may_tell(chain, item):
                    raise
                withheld = _withhold(chain, item)
                break
            retries.append(_reason(chain))
            time.sleep(0.2 * attempt if attempt + 1 < attempts else 0.0)
        else:
            change = _change(item, before)
            if change is not None:
                return ChunkResult(None, str(change), tuple(retries), is_stale=True)
            return ChunkResult(out, "", tuple(retries))
    if withheld is not None:
        raise withheld  # here, where the error itself is not its context
    if not retries:
        msg = f"a chunk needs at least one attempt, got {attempts}"
        raise ValueError(msg)
    return ChunkResult(None, retries[-1], tuple(retries[:-1]))


def _change(item: WorkItem, before: tuple[int, int] | None) -> FileChange | None:
    """Return how a file differs from what it was when it was looked at, or when this chunk began."""
    expected = (item.usermeta or {}).get("ends")
    return None if expected is None else FileChange.of(item.filename, str(expected), before)


@lru_cache(maxsize=2)
def _load(payload: bytes) -> Callable[[WorkItem], Any]:
    function: Callable[[WorkItem], Any] = cloudpickle.loads(payload)
    return function


def work(payload: bytes, versions: Versions, item: WorkItem, attempts: int) -> ChunkResult:
    """Process a chunk on a worker, which must run the sources of the client."""
    require_same(versions)
    return run_chunk(_load(payload), item, attempts)
