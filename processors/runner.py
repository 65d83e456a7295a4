"""From inputs to one result, with every event accounted for."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

from coffea.processor import ProcessorABC, Runner
from coffea.processor.executor import WorkItem

from datasets.config import ConfigError
from datasets.layouts import Layout
from datasets.probe import Kind, Probe
from datasets.schema import schema_for
from datasets.setups import load_setup
from datasets.sources import InputError
from processors.accounting import Account, Collector, Loss, Store
from processors.analysis import AnalysisProcessor, missing_columns_message
from processors.cluster_profiles import AddressProfile
from processors.clusters import Cluster, open_client
from processors.dispatch import Outcome
from processors.executors import ChunkExecutor, ExecutorName, open_pool
from processors.reconstruction import provided_columns
from processors.request import Progress, Request, look_at
from processors.variations import require_base_kept, require_guarded
from processors.withholding import blinding_of
from selections.selection import SelectionError

__all__ = [
    "Account",
    "Execution",
    "Loss",
    "Prepared",
    "Progress",
    "Request",
    "check_conditions",
    "edges_of",
    "make_item",
    "opened",
    "prepare",
    "run_items",
]

_CHUNK, _RAW_CHUNK = 100_000, 25_000  # events; digits take several times the memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """Where chunks are processed."""

    executor: ExecutorName = "iterative"
    workers: int = 1
    cluster: Cluster | None = None  # of the executor dask; None: on this machine
    chunk_size: int | None = None  # events; None: as suits the level of the file

    @property
    def width(self) -> int:
        """Return how many chunks may be under way at once."""
        if self.executor == "iterative":
            return 1
        if self.cluster is None:
            return 4 * self.workers
        if isinstance(self.cluster.profile, AddressProfile):
            return 64  # its workers are not ours to count
        return 4 * (self.cluster.most or self.workers)


@contextmanager
def opened(execution: Execution) -> Iterator[Execution]:
    """
    Start the Dask workers of an execution, if it has any, and keep them until the end.

    Those of somebody else's scheduler are not ours to keep: it may be gone and come back.
    """
    cluster = execution.cluster or Cluster()
    if execution.executor != "dask" or isinstance(cluster.profile, AddressProfile):
        yield execution
        return
    with open_client(execution.workers, cluster) as client:
        yield replace(execution, cluster=replace(cluster, client=client))


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
    DigestError
        If a file is not the one that the catalogue lists; names all of them.
    """
    found = look_at(request, progress)
    probes = [one for one in found if isinstance(one, Probe)]
    losses = [one for one in found if isinstance(one, Loss)]
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
    known: dict[tuple[int, frozenset[str]], dict[str, list[str]]] = {}
    refusal: Exception | None = None
    for probe in probes:
        if probe.kind == "data":
            selection.require_untouched_base()
            if processor.variations is not None:
                require_base_kept(processor.variations, selection)
                if probe.period is not None:
                    require_guarded(processor.variations, blinding_of(probe.period, processor.opening))
        alike = id(probe.layout), probe.quantities  # files mostly are, and this takes 50 ms
        if alike not in known:
            known[alike] = selection.needs(provided_columns(probe.quantities, probe.layout, setup))
        lacking = known[alike]
        if not lacking:
            complete.append(probe)
            continue
        absent = [branch for branch in probe.layout.branches(setup) if branch not in probe.tree.branches]
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


def make_items(probes: Sequence[Probe], chunk_size: int | None) -> list[tuple[Layout, list[WorkItem]]]:
    """
    Cut files into chunks, one list per layout.

    Chunks end where clusters of baskets end if that is near: a basket that is cut is decompressed twice.
    """
    return [
        (
            layout,
            [make_item(probe, *edge) for probe in found for edge in pairwise(edges_of(probe, chunk_size))],
        )
        for layout, found in _by_layout(probes)
    ]


def edges_of(probe: Probe, chunk_size: int | None) -> list[int]:
    """Return the entries where the chunks of a file start and end."""
    size = chunk_size or (_RAW_CHUNK if probe.layout.level == "raw" else _CHUNK)
    return _edges(probe.tree.entries, probe.tree.clusters, size)


def _by_layout(probes: Sequence[Probe]) -> list[tuple[Layout, list[Probe]]]:
    """Return the files of each layout, in their order."""
    groups: list[tuple[Layout, list[Probe]]] = []
    for probe in probes:
        found = [files for layout, files in groups if layout == probe.layout]
        if found:
            found[0].append(probe)
        else:
            groups.append((probe.layout, [probe]))
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
        usermeta=_usermeta(probe),
    )


def _usermeta(probe: Probe) -> dict[str, Any]:
    """Return what the processor learns of a file."""
    return {
        "kind": probe.kind,
        "setup": probe.setup,
        "period": probe.period.name if probe.period is not None else "",
        "parent_kind": str(probe.parent.get("kind", "")),
        "ends": probe.ends,
        "timeout": probe.timeout,
        "size": probe.size,
    }


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
    store: Store | None = None,
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
    store : Store, optional
        Partial results of a run that was interrupted, and of this one.

    Returns
    -------
    (result, Account)
        The same to the last bit for any executor, number of workers and order of arrival.

    Raises
    ------
    RuntimeError
        If events went missing without a reason, which would be a bug of ours.
    """
    groups = _by_layout(prepared.probes)
    edges = {
        probe.file.path: edges_of(probe, execution.chunk_size) for _, probes in groups for probe in probes
    }
    collector = Collector([(p, edges[p.file.path]) for _, probes in groups for p in probes], store, consume)
    items = [(layout, _missing(probes, edges, collector)) for layout, probes in groups]
    tell = _Teller(
        progress, prepared.entries, prepared.entries - sum(len(i) for _, part in items for i in part)
    )

    def sink(outcome: Outcome) -> None:
        collector(outcome)
        tell(outcome.item)

    todo = [(layout, part) for layout, part in items if part]
    with opened(execution) if todo else nullcontext(execution) as running:
        for layout, part in todo:
            executor = ChunkExecutor(
                sink=sink,
                open_pool=partial(open_pool, running.executor, running.workers, running.cluster),
                is_here=running.executor == "iterative",
                width=running.width,
                can_split=consume is None,
                identity=identity,
            )
            runner = Runner(executor, schema=schema_for(layout), metadata_cache={}, xrootdtimeout=300)
            runner.run(part, processor)
    result, account = collector.result(identity)
    account.losses = [*prepared.losses, *account.losses]
    return result, account


def _missing(
    probes: Sequence[Probe], edges: Mapping[str, Sequence[int]], collector: Collector
) -> list[WorkItem]:
    """Return the chunks that are not in the store."""
    items = []
    for probe in probes:
        at = edges[probe.file.path]
        meta = _usermeta(probe)  # one for all chunks: there may be many
        items += [
            replace(make_item(probe, at[number], at[number + 1]), usermeta=meta)
            for number in collector.missing(probe)
        ]
    return items


class _Teller:
    """Tells how many events are done."""

    def __init__(self, progress: Progress | None, total: int, done: int) -> None:
        self._progress, self._total, self._done = progress, total, done
        if progress is not None and done:
            progress("processing events", done, total)

    def __call__(self, item: WorkItem) -> None:
        self._done += len(item)
        if self._progress is not None:
            self._progress("processing events", self._done, self._total)
