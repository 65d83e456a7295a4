"""What is to be read, and a look at all of it before any event is."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from datasets.conditions.catalogue import Catalogue
from datasets.deadline import TIMEOUT
from datasets.fingerprint import DigestError
from datasets.probe import Kind, Probe, UnreadableError, probe_file
from datasets.sources import InputFile
from processors.accounting import Loss

__all__ = ["Progress", "Request", "look_at"]

_AT_ONCE = 16  # files that are looked at
_LISTED = 10  # files in an error
Progress = Callable[[str, int, int], None]  # what, done, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a user wants to have read, and how."""

    files: Sequence[InputFile]
    layout: str | None = None
    setup: str | None = None
    kind: Kind | None = None
    verify: bool | None = None  # hash whole files; None: those of which the catalogue has a full digest
    catalogue: Catalogue | None = None
    timeout: float = TIMEOUT  # [s] for the headers of a file, and for one branch of a chunk; 0: any time

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 that files must have, by their names, where it is to be looked at."""
        if self.catalogue is None or self.verify is False:
            return {}
        listed = [(file.name, file.digest) for _, file in self.catalogue.files()]
        return {name: digest.value for name, digest in listed if digest and digest.scope == "full"}


def look_at(request: Request, progress: Progress | None = None) -> list[Probe | Loss]:
    """
    Look at files, several at once: most of the time is waiting for disks and servers.

    Raises
    ------
    ConfigError
        If the user's wishes contradict a file.
    DigestError
        If files are not those that the catalogue lists; names them.
    """
    digests = request.digests()

    def look(file: InputFile) -> Probe | Loss | DigestError:
        try:
            return probe_file(
                file,
                layout=request.layout,
                setup=request.setup,
                kind=request.kind,
                verify=bool(request.verify),
                sha256=digests.get(PurePosixPath(file.path).name),
                timeout=request.timeout,
            )
        except DigestError as error:  # others may be wrong as well
            return error
        except UnreadableError as error:
            return Loss(file.path, None, str(error))

    n_files = len(request.files)
    if n_files == 1:
        found: list[Probe | Loss | DigestError] = [look(request.files[0])]
    else:
        found = []
        with cf.ThreadPoolExecutor(min(_AT_ONCE, n_files)) as pool:
            for one in pool.map(look, request.files):
                found.append(one)
                if progress is not None:
                    progress("looking at files", len(found), n_files)
    _require_digests(found)
    return [one for one in found if not isinstance(one, DigestError)]


def _require_digests(found: Sequence[Probe | Loss | DigestError]) -> None:
    wrong = [one for one in found if isinstance(one, DigestError)]
    if wrong:
        more = f"; and {len(wrong) - _LISTED} other files" if len(wrong) > _LISTED else ""
        raise DigestError("; ".join(map(str, wrong[:_LISTED])) + more)
