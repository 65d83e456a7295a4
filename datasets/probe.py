"""Look at a file before its events are read: trees, layout, kind, entries, digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from typing import Any, Literal

import uproot

from datasets.config import ConfigError
from datasets.deadline import DeadlineError, deadline
from datasets.decode import available
from datasets.fingerprint import Digest, Ends, fingerprint, read_ends, require_digest
from datasets.layouts import Constant, Layout, layout_names, load_layout
from datasets.periods import Period, data_period, period_of_run, period_of_setup
from datasets.probe_cache import ask
from datasets.setups import load_setup
from datasets.simulation.raw import readout_metadata
from datasets.sources import InputFile
from datasets.trees import TreeInfo, UnreadableError, brief, read_trees

__all__ = ["Digest", "Kind", "Probe", "TreeInfo", "UnreadableError", "first_run", "probe_file", "stricter"]

Kind = Literal["data", "calibration", "simulation"]
_STRICTNESS: tuple[Kind, ...] = ("simulation", "calibration", "data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What is known of a file without reading its events."""

    file: InputFile
    tree: TreeInfo
    layout: Layout
    quantities: frozenset[str]  # quantities, truth and "hits" (in planes of the setup) that the file has
    kind: Kind
    kind_reason: str
    period: Period | None  # None for simulation
    setup: str
    size: int  # [bytes]
    uuid: str
    digest: Digest
    verified: bool = False  # all of it has the digest that the catalogue says
    run: int | None = None  # of the first entry, None where the file gives none
    ends: str = ""  # digest of both ends: whether it is still the same file
    timeout: float = 0.0  # [s] for reading one branch of a chunk; 0: any time
    parent: Mapping[str, Any] = field(default_factory=dict)  # our own metadata, for columns


def stricter(one: Kind, other: Kind) -> Kind:
    """Return the stricter of two kinds: data before calibration before simulation."""
    return max(one, other, key=_STRICTNESS.index)


def match_layout(
    trees: Sequence[TreeInfo], wanted: str | None = None, tree: str | None = None
) -> tuple[Layout, TreeInfo]:
    """
    Find the layout of a file.

    Parameters
    ----------
    trees : sequence of TreeInfo
    wanted : str or None
        Name or path of the layout to use; None: the one whose tree and signature branches are there.
    tree : str or None
        Name of the tree to use instead of the layout's own.

    Raises
    ------
    UnreadableError
        If no layout fits, or the wanted one does not.
    """
    if wanted is not None:
        layout = load_layout(wanted)
        return layout, _find_tree(trees, tree or layout.tree, layout)
    misses = []
    for name in layout_names():
        layout = load_layout(name)
        for info in trees:
            if info.name != (tree or layout.tree):
                continue
            missing = [b for b in layout.signature or layout.branches() if b not in info.branches]
            if not missing:
                return layout, info
            misses.append(f"tree '{info.name}' would be layout {name} but lacks {', '.join(missing)}")
    there = ", ".join(f"'{info.name}'" for info in trees) or "none"
    reason = (
        "; ".join(misses)
        or f"no known layout has a tree of that name (trees: {there}; layouts: {', '.join(layout_names())})"
    )
    msg = f"{reason}. For an ntuple of your own write a layout YAML and name it with --layout"
    raise UnreadableError(msg)


def _find_tree(trees: Sequence[TreeInfo], name: str, layout: Layout) -> TreeInfo:
    for info in trees:
        if info.name == name:
            return info
    there = ", ".join(f"'{info.name}'" for info in trees) or "none"
    msg = f"has no tree '{name}', which layout {layout.name} reads (trees in the file: {there})"
    raise UnreadableError(msg)


def probe_file(
    file: InputFile,
    *,
    layout: str | None = None,
    setup: str | None = None,
    kind: Kind | None = None,
    verify: bool = False,
    sha256: str | None = None,
    need_setup: bool = True,
    timeout: float = 0.0,
) -> Probe:
    """
    Find out what a file is.

    Parameters
    ----------
    file : InputFile
    layout, setup : str or None
        As the user named them; None: found by signature branches, and by layout or run number.
    kind : "data", "calibration", "simulation" or None
        Can only make the file stricter than it is.
    verify : bool
        Hash the whole file instead of its ends.
    sha256 : str or None
        What the whole file must have, by the catalogue; looked at before anything is made of its content.
    need_setup : bool
        False: a file whose setup is not known gets the empty name.
    timeout : float
        [s] for what its headers tell, and for one branch of a chunk; 0: any time.

    Returns
    -------
    Probe

    Raises
    ------
    UnreadableError
        If the file cannot be used; it is then a loss with that reason.
    DigestError
        If it has another digest than it must have.
    ConfigError
        If the user's wishes contradict the file or each other: nothing should run then.
    """
    ends = _ends(file.path)
    whole = None if sha256 is None or ends is None else _require_digest(file.path, sha256)
    content = None if ends is None else ends.digest()
    with _in_time(timeout):
        trees, uuid, metadata = _known_trees(file.path, content)
    chosen, tree = match_layout(trees, layout or file.layout, file.tree)
    quantities = available(chosen, set(tree.branches))
    question = f"run {tree.name} {chosen}"
    with _in_time(timeout):
        run = ask(file.path, content, question, lambda: first_run(file.path, chosen, tree))
    own_kind, reason = _own_kind(chosen, quantities, metadata, run or 0)
    final: Kind = stricter(own_kind, kind or own_kind)
    if kind is not None and final != kind:
        msg = (
            f"{file.path} is {own_kind} ({reason}); --kind {kind} would treat it less strictly, "
            f"and --kind can only make a file stricter"
        )
        raise ConfigError(msg)
    if final != own_kind:
        reason = f"--kind {kind}; by itself {own_kind} ({reason})"
    setup_name, period = _place(
        file, chosen, tree, run or 0, setup, metadata, is_closed=final != "simulation", need_setup=need_setup
    )
    if setup_name:
        quantities = available(chosen, set(tree.branches), load_setup(setup_name))
    _check_channels(file, chosen, setup_name, metadata)
    if final == "data" and period is not None and period.kind == "calibration" and kind != "data":
        final, reason = "calibration", f"period {period.name} is calibration"
    if sha256 is not None and whole is None:
        whole = _require_digest(file.path, sha256)
    ends, digest = fingerprint(file.path, uuid, full=verify and whole is None, ends=ends)
    return Probe(
        file=file,
        tree=tree,
        layout=chosen,
        quantities=frozenset(quantities),
        kind=final,
        kind_reason=reason,
        period=None if final == "simulation" else period,
        setup=setup_name,
        size=ends.size,
        uuid=uuid,
        digest=whole or digest,
        verified=whole is not None,
        run=run,
        ends=content or ends.digest(),
        timeout=timeout,
        parent=metadata,
    )


def _ends(path: str) -> Ends | None:
    try:
        return read_ends(path)
    except (OSError, ValueError, ImportError):  # whoever reads the trees will say what is wrong
        return None


@contextmanager
def _in_time(timeout: float) -> Iterator[None]:
    try:
        with deadline(timeout, "looking at the file"):
            yield
    except DeadlineError as error:
        msg = f"{error}: damaged, or the disk or server is very slow (--timeout)"
        raise UnreadableError(msg) from error


def _require_digest(path: str, sha256: str) -> Digest:
    try:
        return require_digest(path, sha256)
    except OSError as error:
        msg = f"cannot be read as a whole, for its digest: {brief(error)}"
        raise UnreadableError(msg) from error


def _known_trees(path: str, content: str | None) -> tuple[list[TreeInfo], str, dict[str, Any]]:
    """Return what `read_trees` says, or said of the same content."""

    def find() -> Any:
        trees, uuid, metadata = read_trees(path)
        return [[asdict(tree) for tree in trees], uuid, metadata]

    trees, uuid, metadata = ask(path, content, "trees", find)
    return [_tree_again(**tree) for tree in trees], uuid, metadata


def _tree_again(
    name: str, type: str, entries: int, branches: Sequence[str], clusters: Sequence[int]
) -> TreeInfo:
    return TreeInfo(name, type, entries, tuple(branches), tuple(clusters))


def _check_channels(file: InputFile, layout: Layout, setup: str, metadata: Mapping[str, Any]) -> None:
    """Refuse raw digits whose own list of channels is not that of the setup: numbers would mean others."""
    if layout.level != "raw" or not setup:
        return
    for what, ours in readout_metadata(load_setup(setup)).items():
        own = metadata.get(what, ours)
        if own == ours:
            continue
        pairs = enumerate(zip_longest(own, ours, fillvalue="nothing"))
        at, (one, other) = next((i, pair) for i, pair in pairs if pair[0] != pair[1])
        msg = (
            f"{file.path} was written with {len(own)} {what} and setup {setup} has {len(ours)}: number {at} "
            f"is {one} in the file and {other} in the setup, so its digits would be taken for others; "
            f"name the setup that it was written with (the file says {metadata.get('setup', 'nothing')})"
        )
        raise ConfigError(msg)


def _own_kind(
    layout: Layout, quantities: set[str], metadata: Mapping[str, Any], run: int
) -> tuple[Kind, str]:
    """Tell data from simulation by what only a simulation has."""
    if layout.level == "columns":
        truth = {name for name in quantities if name.startswith("truth_")}
        if metadata.get("kind") == "simulation" and truth:
            return "simulation", "our own metadata and truth columns"
        return "data", "no truth columns with our own metadata that say simulation"
    if layout.truth and set(layout.truth) <= quantities:
        taken = data_period(run)
        if taken is not None and metadata.get("kind") != "simulation":
            return (
                "data",
                f"run {run} was taken in period {taken.name}, whatever is called truth in its layout",
            )
        return "simulation", f"truth branches of layout {layout.name}"
    lacking = sorted(set(layout.truth) - quantities)
    return (
        "data",
        f"no truth branches ({', '.join(lacking)})" if lacking else f"layout {layout.name} has no truth",
    )


def _place(
    file: InputFile,
    layout: Layout,
    tree: TreeInfo,
    run: int,
    setup: str | None,
    metadata: Mapping[str, Any],
    *,
    is_closed: bool,
    need_setup: bool,
) -> tuple[str, Period | None]:
    """Return setup and data-taking period: by the user's word, the layout, our metadata or the run number."""
    fixed = setup or layout.setup or metadata.get("setup")
    if run > 0 and (is_closed or fixed is None):
        period = period_of_run(run)
        return fixed or period.setup, period
    if fixed is None:
        if not need_setup:
            return "", None
        if tree.entries == 0:
            msg = f"tree '{tree.name}' has no entries, so nothing says which setup it belongs to"
            raise UnreadableError(msg)
        msg = (
            f"{file.path}: layout {layout.name} has no run number: its setup is not known; give --setup NAME"
        )
        raise ConfigError(msg)
    return fixed, period_of_setup(fixed) if is_closed else None


def first_run(path: str, layout: Layout, tree: TreeInfo) -> int | None:
    """Return the run number of the first entry: public, like the name of the file."""
    if layout.level == "columns":
        branch: str | None = "run" if "run" in tree.branches else None
    else:
        source = layout.quantities.get("run")
        if isinstance(source, Constant):
            return int(source.constant)
        branch = next(iter(layout.branches_of("run")), None) if source is not None else None
    if branch is None or branch not in tree.branches or tree.entries == 0:
        return None
    try:
        with uproot.open(path) as file:
            return int(file[tree.name][branch].array(entry_stop=1, library="np")[0])
    except Exception as error:
        msg = f"cannot read the run number (branch '{branch}'): {brief(error)}"
        raise UnreadableError(msg) from error
