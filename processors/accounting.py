"""What became of all events: sums, losses with their reasons, and what was tried again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from coffea.processor.executor import WorkItem

from datasets.probe import Probe
from processors.dispatch import Outcome
from processors.reduction import Node, Tree

__all__ = ["Account", "Collector", "Loss", "Retry", "Store"]

_LEVELS = 6  # kept sums replace those of 64 below them: else a long run would leave a file per chunk


@dataclass(frozen=True, slots=True)
class Loss:
    """Events that were not processed."""

    file: str
    entries: int | None  # None where unknowable
    reason: str


class Retry(NamedTuple):
    """A chunk that was begun again."""

    file: str
    start: int
    stop: int
    reasons: tuple[str, ...]  # one each time


@dataclass(slots=True, kw_only=True)
class Account:
    """What became of all events."""

    processed: int = 0
    losses: list[Loss] = field(default_factory=list)
    resumed: int = 0  # of the processed events, those of an interrupted run
    chunks: int = 0
    retries: list[Retry] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Return the known number of lost events."""
        return sum(loss.entries or 0 for loss in self.losses)

    @property
    def unknown_files(self) -> int:
        """Return the number of lost files whose number of events is not known."""
        return sum(loss.entries is None for loss in self.losses)


class Store(Protocol):
    """Keeps sums over entries of a file, for a run that is interrupted."""

    def load(self, probe: Probe, start: int, stop: int) -> Any:
        """Return what is kept of these entries, None where nothing is."""

    def save(self, probe: Probe, start: int, stop: int, out: Any) -> None:
        """Keep a sum."""

    def forget(self, probe: Probe, start: int, stop: int) -> None:
        """Remove a sum which another one holds now."""


class Collector:
    """
    Adds up chunks to files and files to the result, and books every entry.

    Parameters
    ----------
    files : sequence of (Probe, sequence of int)
        In the order of the sums, each with the entries where its chunks start and end.
    store : Store, optional
        Of results that can be added.
    consume : callable, optional
        Takes each work item and its result (None where lost) instead of the sum.
    """

    def __init__(
        self,
        files: Sequence[tuple[Probe, Sequence[int]]],
        store: Store | None = None,
        consume: Callable[[WorkItem, Any], None] | None = None,
    ) -> None:
        self._consume = consume
        self._all = Tree(len(files))
        self._files = {
            probe.file.path: _File(index, probe, edges, None if consume else store)
            for index, (probe, edges) in enumerate(files)
        }
        self._losses: dict[int, list[Loss]] = {}
        self._account = Account(chunks=sum(len(edges) - 1 for _, edges in files))

    def missing(self, probe: Probe) -> list[int]:
        """Take over what is kept of a file; return the numbers of the chunks that are still to be done."""
        file = self._files[probe.file.path]
        left = file.restore()
        self._account.resumed += file.restored
        self._finish(file)
        return left

    def __call__(self, outcome: Outcome) -> None:
        """Book a chunk."""
        item = outcome.item
        file = self._files[item.filename]
        if outcome.retries:
            retry = Retry(item.filename, item.entrystart, item.entrystop, outcome.retries)
            self._account.retries.append(retry)
        if self._consume is not None:
            self._consume(item, outcome.out)
            outcome = outcome._replace(out=None, is_stale=False)
        file.book(outcome)
        self._finish(file)

    def _finish(self, file: _File) -> None:
        """Add a file when its last chunk is there."""
        if file.tree.root is None:
            return
        losses, lost = file.losses()
        self._account.processed += file.entries - lost
        if losses:
            self._losses[file.index] = losses
        self._all.put(file.index, file.tree.root if lost < file.entries else Node(None, is_whole=False))
        file.close()

    def result(self, identity: Any) -> tuple[Any, Account]:
        """
        Return the sum of all, and the account.

        Raises
        ------
        RuntimeError
            If events went missing without a reason, which would be a bug of ours.
        """
        account = self._account
        account.losses = [loss for index in sorted(self._losses) for loss in self._losses[index]]
        account.retries.sort()
        booked, expected = account.processed + account.lost, sum(f.entries for f in self._files.values())
        if booked != expected or self._all.root is None:
            msg = (
                f"{expected - booked} of {expected} events are neither processed nor lost; please report this"
            )
            raise RuntimeError(msg)
        out = self._all.root.out
        return identity if out is None else identity + out, account


class _File:
    """The chunks of one file."""

    def __init__(self, index: int, probe: Probe, edges: Sequence[int], store: Store | None) -> None:
        self.index, self.entries, self.restored = index, edges[-1], 0
        self._probe, self._edges, self._store = probe, edges, store
        self._place = {start: number for number, start in enumerate(edges[:-1])}
        self._lost: list[tuple[int, int, str]] = []
        self._change = ""
        self.tree = Tree(len(edges) - 1, self._keep)

    def book(self, outcome: Outcome) -> None:
        """Take the outcome of a chunk."""
        self._lost += [(item.entrystart, len(item), reason) for item, reason in outcome.losses]
        if outcome.is_stale:
            self._change = outcome.losses[0][1]
        self.tree.put(self._place[outcome.item.entrystart], Node(outcome.out, not outcome.losses))

    def losses(self) -> tuple[list[Loss], int]:
        """Return losses by reason, and how many entries; all are lost if part of them is another file's."""
        path = self._probe.file.path
        if self._change:
            return [Loss(path, self.entries, self._change)], self.entries
        by_reason: dict[str, int] = {}
        for _, entries, reason in sorted(self._lost):
            by_reason[reason] = by_reason.get(reason, 0) + entries
        return [Loss(path, n, reason) for reason, n in by_reason.items()], sum(by_reason.values())

    def close(self) -> None:
        """Let go of the sum."""
        self.tree = Tree(1)

    def restore(self) -> list[int]:
        """Take over what is kept; return the chunks that are not."""
        return self._restore(self.tree.height, 0) if self._store is not None else list(self._place.values())

    def _restore(self, level: int, index: int) -> list[int]:
        if self._is_kept(level) and self._store is not None:
            start, stop = self._range(level, index)
            out = self._store.load(self._probe, start, stop)
            if out is not None:
                self.restored += stop - start
                self.tree.put(index, Node(out), level, is_new=False)
                return []
        if level == 0:
            return [index]
        below = [i for i in (2 * index, 2 * index + 1) if i < self.tree.width(level - 1)]
        return [number for i in below for number in self._restore(level - 1, i)]

    def _is_kept(self, level: int) -> bool:
        return level % _LEVELS == 0 or level == self.tree.height

    def _range(self, level: int, index: int) -> tuple[int, int]:
        chunks = self.tree.leaves(level, index)
        return self._edges[chunks.start], self._edges[chunks.stop]

    def _keep(self, level: int, index: int, node: Node) -> None:
        """Keep a whole sum, then remove those that it is made of."""
        if self._store is None or not self._is_kept(level) or not node.is_whole or self._change:
            return
        whole = self._range(level, index)
        self._store.save(self._probe, *whole, node.out)
        if level:
            below = (level - 1) // _LEVELS * _LEVELS
            chunks = self.tree.leaves(level, index)
            steps = range(chunks.start >> below, -(-chunks.stop >> below))
            for part in (self._range(below, i) for i in steps):
                if part != whole:
                    self._store.forget(self._probe, *part)
