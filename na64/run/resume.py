"""What a run keeps while it is under way, so that it can be resumed: `.NAME.partial` beside its output."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from datasets.probe import Probe
from datasets.setups import load_setup
from na64.errors import UserError
from na64.run.identity import digest_of, identify
from na64.run.record import describe_inputs, versions
from processors.analysis import AnalysisProcessor
from processors.partial_results import PartialResults
from processors.runner import Prepared

__all__ = ["PARTS_FOLDER", "kept_line", "make_key", "open_store", "own_folder", "working_folder"]

PARTS_FOLDER = "partial"  # in a run directory whose run lost events


def working_folder(output: Path) -> Path:
    """Return where a run works until it is complete."""
    return output.with_name(f".{output.name}.partial")


def make_key(processor: AnalysisProcessor, prepared: Prepared) -> Callable[[Probe], str]:
    """
    Return a function that gives the digest of all that decides what a file's events come to.

    That is: the file (digest, UUID, size, entries, tree, name without folder), dataset, kind and period, the
    selection with its variations, reconstruction, conditions, closed regions and what is open of them, our
    sources and the versions of the libraries. Not chunks, executors or other files.
    """
    selection = processor.selection_for(load_setup(prepared.setup))
    common: list[Any] = [
        type(processor).__qualname__,
        [asdict(variation) for variation in selection.variations],
        [selection.params, list(selection.without), list(selection.changed), processor.variations is None],
        processor.with_events,
        sorted(processor.bad_spills.items()),
        None if processor.opening is None else processor.opening.table(),
        versions(),
    ]
    identities: dict[Any, dict[str, str | None]] = {}
    keys: dict[str, str] = {}

    def key(probe: Probe) -> str:
        if probe.file.path not in keys:
            alike = (probe.layout.name, probe.kind, probe.period.name if probe.period is not None else None)
            alone = Prepared(probes=(probe,), losses=(), setup=prepared.setup)
            if alike not in identities:
                identities[alike] = identify(processor, alone) | {"input_digest": None}
            entry = describe_inputs(alone)[0]
            entry["path"] = Path(probe.file.path).name
            keys[probe.file.path] = digest_of([common, identities[alike], entry, probe.ends])
        return keys[probe.file.path]

    return key


@contextmanager
def own_folder(output: Path) -> Iterator[Path]:
    """
    Hold the working folder of an output for this command alone; remove it at the end if nothing is in it.

    Raises
    ------
    UserError
        If another command holds it.
    """
    folder = working_folder(output)
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "lock"
    with lock.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"another command is writing {output} just now; wait for it, or choose another --output"
            raise UserError(msg) from error
        except OSError:  # a file system without locks
            pass
        try:
            yield folder
        finally:
            _tidy(folder)


def _tidy(folder: Path) -> None:
    """Leave nothing but parts."""
    shutil.rmtree(folder / "output", ignore_errors=True)
    if not any((folder / PARTS_FOLDER).glob("*/*")):
        shutil.rmtree(folder, ignore_errors=True)


def open_store(
    output: Path, processor: AnalysisProcessor, prepared: Prepared, *, resume: bool, overwrite: bool
) -> PartialResults:
    """
    Open the partial results of an output.

    Parameters
    ----------
    output : Path
    processor : AnalysisProcessor
    prepared : Prepared
    resume : bool
        Take over what is there. Otherwise it is removed.
    overwrite : bool
        Remove it even if it is of this very run.

    Raises
    ------
    UserError
        If it would be lost although the user did not say so.
    """
    folder = working_folder(output) / PARTS_FOLDER
    about = {} if processor.opening is None else {"blinding": processor.opening.mark}
    others = (output / PARTS_FOLDER,) if resume else ()
    store = PartialResults(folder, make_key(processor, prepared), about, others)
    if resume:
        return store
    if not overwrite and any(store.has(probe) for probe in prepared.probes):
        msg = (
            f"{folder.parent} holds results of this very run, which was interrupted; go on from there with "
            f"--resume, or begin anew with --overwrite"
        )
        raise UserError(msg)
    store.clear()
    return store


def kept_line(output: Path, kept: int, total: int) -> str:
    """Say what an interrupted run has kept."""
    return (
        f"{kept} of {total} events are done and kept in {working_folder(output)}; the same command with "
        f"--resume goes on from there"
    )
