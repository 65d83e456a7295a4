"""From inputs to one result, with every event accounted for."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

from coffea.processor import ProcessorABC, Runner
from coffea.processor.executor import WorkItem

from datasets.config import ConfigError
from datasets.layouts import Layout
from datasets.probe import Kind, Probe, UnreadableError, probe_file
from datasets.schema import schema_for
from datasets.setups import load_setup
from datasets.sources import InputError, InputFile
from processors.analysis import AnalysisProcessor, missing_columns_message
from processors.cluster_profiles import AddressProfile
from processors.clusters import Cluster, open_client
from processors.executors import ChunkExecutor, ExecutorName, open_pool
from processors.reconstruction import provided_columns
from processors.variations import require_base_kept
from selections.selection import SelectionError

__all__ = [
    "Account",
    "Execution",
    "Loss",
    "Prepared",
    "Request",
    "check_conditions",
    "make_item",
    "opened",
    "prepare",
    "run_items",
]

Progress = Callable[[str, int, int], None]  # what, done, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a user wants to have read, and how."""

    files: Sequence[InputFile]
    layout: str | None = None
    setup: str | None = None
    kind: Kind | None = None
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """Where chunks are processed."""

    executor: ExecutorName = "iterative"
    workers: int = 1
    cluster: Cluster | None = None  # of the executor dask; None: on this machine
    chunk_size: int = 50_000

    @property
    def width(self) -> int:
        """Return how many chunks may be under way at once."""
        if self.cluster is None:
            return 4 * self.workers
        if isinstance(self.cluster.profile, AddressProfile):
            return 64  # its workers are not ours to count
        return 4 * (self.cluster.most or self.workers)


@contextmanager
def opened(execution: Execution) -> Iterator[Execution]:
    """Start the Dask workers of an execution, if it has any, and keep them until the end."""
    if execution.executor != "dask":
        yield execution
        return
    cluster = execution.cluster or Cluster()
    with open_client(execution.workers, cluster) as client:
        yield replace(execution, cluster=replace(cluster, client=client))


@dataclass(frozen=True, slots=True)
class Loss:
    """Events that were not processed."""

    file: str
    entries: int | None  # None where unknowable
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Files that can be read, and those that cannot."""

    probes: tuple[Probe, ...]
    losses: tuple[Loss, ...]
    setup: str

    @property
    def entries(self) -> int:
        """Return the entries of the files that can be read."""
        return sum(probe.tree.entries for probe in self.probes)


@dataclass(slots=True, kw_only=True)
class Account:
    """What became of all events."""

    processed: int = 0
    losses: list[Loss] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Return the known number of lost events."""
        return sum(loss.entries or 0 for loss in self.losses)

    @property
    def unknown_files(self) -> int:
        """Return the number of lost files whose number of events is not known."""
        return sum(loss.entries is None for loss in self.losses)


def prepare(
    request: Request, processor: AnalysisProcessor | None, progress: Progress | None = None
) -> Prepared:
    """
    Look at all files before any event is read.

    Parameters
    ----------
    request : Request
    processor : AnalysisProcessor or None
        Whose columns the files must give; None: no check.
    progress : callable, optional

    Raises
    ------
    ConfigError, SelectionError, BlindingError
        If the user's wishes cannot be met by any file: nothing runs.
    InputError
        If no file can be read.
    """
    probes: list[Probe] = []
    losses: list[Loss] = []
    for index, file in enumerate(request.files):
        try:
            probes.append(
                probe_file(
                    file, layout=request.layout, setup=request.setup, kind=request.kind, verify=request.verify
                )
            )
        except UnreadableError as error:
            losses.append(Loss(file.path, None, str(error)))
        if progress is not None:
            progress("looking at files", index + 1, len(request.files))
    setup = _one_setup(probes)
    if processor is not None:
        check_conditions(probes, processor)
        probes, lacking = _split_complete(probes, processor, setup)
        losses += lacking
    if not probes:
        reasons = "; ".join(f"{loss.file}: {loss.reason}" for loss in losses)
        msg = f"none of the {len(request.files)} input files can be used. {reasons}"
        raise InputError(msg)
    return Prepared(probes=tuple(_separate_kinds(probes)), losses=tuple(losses), setup=setup)


def check_conditions(probes: Sequence[Probe], processor: AnalysisProcessor) -> None:
    """
    Refuse conditions where there is nothing to calibrate: they would be ignored in silence.

    Raises
    ------
    ConfigError
        If the user names conditions and a file holds no raw digits.
    """
    other = next((probe for probe in probes if probe.layout.level != "raw"), None)
    if processor.conditions and other is not None:
        msg = (
            f"--conditions are for raw digits; {other.file.path} has layout {other.layout.name} of level "
            f"{other.layout.level}, whose energies are calibrated already"
        )
        raise ConfigError(msg)


def _one_setup(probes: Sequence[Probe]) -> str:
    """Return the setup of all files."""
    setups = {probe.setup: probe.file.path for probe in probes}
    if len(setups) > 1:
        listed = "; ".join(f"{setup} (for example {path})" for setup, path in sorted(setups.items()))
        msg = f"the files belong to different setups: {listed}. Run them apart, or name one with --setup"
        raise ConfigError(msg)
    return next(iter(setups), "")


def _split_complete(
    probes: Sequence[Probe], processor: AnalysisProcessor, setup_name: str
) -> tuple[list[Probe], list[Loss]]:
    """Set aside files that lack branches which others of their layout have; refuse if none is left."""
    if not probes:
        return [], []
    setup = load_setup(setup_name)
    selection = processor.selection_for(setup)
    complete, losses = [], []
    refusal: Exception | None = None
    for probe in probes:
        if probe.kind == "data":
            selection.require_untouched_base()
            if processor.variations is not None:
                require_base_kept(processor.variations, selection)
        provided = provided_columns(probe.quantities, probe.layout, setup)
        lacking = selection.needs(provided)
        if not lacking:
            complete.append(probe)
            continue
        absent = [branch for branch in probe.layout.branches() if branch not in probe.tree.branches]
        message = missing_columns_message(selection, lacking, probe.layout.name)
        if absent:
            message = f"lacks the branches {', '.join(absent)} of layout {probe.layout.name}. {message}"
        refusal = refusal or SelectionError(f"{probe.file.path}: {message}" if absent else message)
        losses.append(Loss(probe.file.path, probe.tree.entries, message))
        if not absent:
            raise refusal
    if not complete and refusal is not None:
        raise refusal
    return complete, losses


def _separate_kinds(probes: Sequence[Probe]) -> list[Probe]:
    """Rename datasets so that data, calibration and simulation never share a name."""
    kinds: dict[str, set[Kind]] = {}
    for probe in probes:
        kinds.setdefault(probe.file.dataset, set()).add(probe.kind)
    return [
        replace(probe, file=replace(probe.file, dataset=f"{probe.file.dataset}-{probe.kind}"))
        if len(kinds[probe.file.dataset]) > 1
        else probe
        for probe in probes
    ]


def make_items(probes: Sequence[Probe], chunk_size: int) -> list[tuple[Layout, list[WorkItem]]]:
    """
    Cut files into chunks, one list per layout.

    Chunks end where clusters of baskets end if that is near: a basket that is cut is decompressed twice.
    """
    groups: list[tuple[Layout, list[WorkItem]]] = []
    for probe in probes:
        found = [items for layout, items in groups if layout == probe.layout]
        items = found[0] if found else []
        if not found:
            groups.append((probe.layout, items))
        edges = _edges(probe.tree.entries, probe.tree.clusters, chunk_size)
        items += [make_item(probe, start, stop) for start, stop in pairwise(edges)]
    return groups


def make_item(probe: Probe, start: int, stop: int) -> WorkItem:
    """Return the chunk of a file from entry ``start`` to before entry ``stop``."""
    return WorkItem(
        dataset=probe.file.dataset,
        filename=probe.file.path,
        treename=probe.tree.name,
        entrystart=start,
        entrystop=stop,
        fileuuid=uuid.UUID(probe.uuid).bytes,
        usermeta={
            "kind": probe.kind,
            "setup": probe.setup,
            "period": probe.period.name if probe.period is not None else "",
            "parent_kind": str(probe.parent.get("kind", "")),
        },
    )


def _edges(entries: int, clusters: Sequence[int], chunk_size: int) -> list[int]:
    """Return where chunks start and end; an empty file is one empty chunk."""
    if entries == 0:
        return [0, 0]
    edges = [0]
    while edges[-1] < entries:
        goal = edges[-1] + chunk_size
        near = [c for c in clusters if abs(c - goal) <= chunk_size // 4 and c > edges[-1]]
        edges.append(min(entries, min(near, key=lambda c: abs(c - goal)) if near else goal))
    return edges


def run_items(
    prepared: Prepared,
    processor: ProcessorABC,
    execution: Execution,
    identity: Any,
    progress: Progress | None = None,
    consume: Callable[[WorkItem, Any], None] | None = None,
) -> tuple[Any, Account]:
    """
    Process all chunks of all files.

    Parameters
    ----------
    prepared : Prepared
    processor : coffea processor
    execution : Execution
    identity : object
        What the processor would return for no chunks; ``+`` joins it with its results.
    progress : callable, optional
    consume : callable, optional
        Takes each work item and what the processor returned for it (None if lost), instead of the sum.

    Returns
    -------
    (result, Account)

    Raises
    ------
    RuntimeError
        If events went missing without a reason, which would be a bug of ours.
    """
    total, done = prepared.entries, 0

    def tell(item: WorkItem) -> None:
        nonlocal done
        done += len(item)
        if progress is not None:
            progress("processing events", done, total)

    account = Account(losses=list(prepared.losses))
    result = identity
    with opened(execution) as running:
        for layout, items in make_items(prepared.probes, execution.chunk_size):
            executor = ChunkExecutor(
                open_pool=partial(open_pool, running.executor, running.workers, running.cluster),
                width=running.width,
                identity=identity,
                on_chunk=tell,
                consume=consume,
            )
            runner = Runner(executor, schema=schema_for(layout), metadata_cache={}, xrootdtimeout=300)
            found = runner.run(items, processor)
            result = result + found["out"]
            _settle(account, items, found)
    return result, account


def _settle(account: Account, items: Sequence[WorkItem], found: Mapping[str, Any]) -> None:
    """Book processed and lost chunks, and check that nothing is missing."""
    lost: dict[tuple[str, str], int] = {}
    for item, reason in sorted(
        found.get("lost", set()), key=lambda pair: (pair[0].filename, pair[0].entrystart)
    ):
        lost[item.filename, reason] = lost.get((item.filename, reason), 0) + len(item)
    account.processed += sum(len(item) for item in found["processed"])
    account.losses += [Loss(file, entries, reason) for (file, reason), entries in lost.items()]
    booked = sum(len(item) for item in found["processed"]) + sum(lost.values())
    expected = sum(len(item) for item in items)
    if booked != expected:
        msg = f"{expected - booked} of {expected} events are neither processed nor lost; please report this"
        raise RuntimeError(msg)
