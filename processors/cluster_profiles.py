"""What a batch system is asked for: one job per worker, and where that job may run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from dask.utils import parse_bytes

__all__ = ["AddressProfile", "BatchProfile", "LxplusProfile", "Profile", "SlurmProfile", "Workers"]

_FORBID = {"extra": "forbid"}
_TIME = re.compile(r"^(\d+-)?\d+(:\d{1,2}){0,2}$")  # of Slurm: minutes, H:MM:SS, D-HH:MM, ...


@dataclass(frozen=True, slots=True)
class Workers:
    """How many workers to keep: at least so many, and at most so many while there is work for them."""

    least: int
    most: int

    @classmethod
    def parse(cls, text: str | int) -> Workers:
        """
        Read ``N`` or ``N:MAX``.

        Raises
        ------
        ValueError
            Saying what is wrong.
        """
        match = re.fullmatch(r"(\d+)(?::(\d+))?", str(text).strip())
        if match is None:
            msg = f"'{text}' is not a number of workers: give N, or N:MAX to follow the work (as 4, or 2:20)"
            raise ValueError(msg)
        least = int(match[1])
        most = least if match[2] is None else int(match[2])
        if least < 1 or most < least:
            msg = f"'{text}': at least 1 worker is needed, and MAX may not be below N"
            raise ValueError(msg)
        return cls(least, most)

    def __str__(self) -> str:
        return str(self.least) if self.most == self.least else f"{self.least}:{self.most}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressProfile:
    """A Dask scheduler that runs already, with workers of its own."""

    __pydantic_config__: ClassVar[Any] = _FORBID

    kind: Literal["address"] = "address"
    address: str
    wait: float = 1.0  # [min] for its first worker


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchProfile:
    """What all batch systems are asked for."""

    __pydantic_config__: ClassVar[Any] = _FORBID

    workers: int | str = 10  # where --workers does not say: N, or N:MAX
    memory: str = "2 GB"  # of a worker, which has one core
    wait: float = 30.0  # [min] for a worker, at the start and whenever all are gone
    python: str | None = None  # of the workers; None: the one that runs the command
    before: tuple[str, ...] = ()  # lines of shell before a worker starts
    directives: tuple[str, ...] = ()  # more of them, as the batch system writes them
    scratch: str | None = None  # folder on the worker for what does not fit into memory
    interface: str | None = None  # of the network between workers and this machine, as ib0
    port: int = 0  # for the workers to reach this machine; 0: any that is free
    encrypt: bool = True  # TLS with keys of this run: without, all users of the network can give orders

    def __post_init__(self) -> None:
        """Check what types cannot say."""
        Workers.parse(self.workers)
        parse_bytes(self.memory)
        if self.wait <= 0:
            msg = f"wait is a time in minutes above 0, not {self.wait:g}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmProfile(BatchProfile):
    """What Slurm is asked for."""

    kind: Literal["slurm"] = "slurm"
    partition: str | None = None  # None: the default one
    account: str | None = None
    time: str = "02:00:00"  # of a job; a worker that is stopped by it gets a successor

    def __post_init__(self) -> None:
        """Check what types cannot say."""
        BatchProfile.__post_init__(self)
        if not _TIME.match(self.time):
            msg = f"time is written as HH:MM:SS or D-HH:MM, in quotes, not '{self.time}'"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class LxplusProfile(BatchProfile):
    """What CERN's HTCondor is asked for."""

    kind: Literal["lxplus"] = "lxplus"
    flavour: Literal[  # the time of a job: 20 min, 1 h, 2 h, 8 h, 1 d, 3 d, 1 week
        "espresso", "microcentury", "longlunch", "workday", "tomorrow", "testmatch", "nextweek"
    ] = "longlunch"
    disk: str = "4 GB"
    group: str | None = None  # for the accounting, as group_u_NA64.u_zp
    image: str | None = None  # of a container that has this environment; None: the files of this machine

    def __post_init__(self) -> None:
        """Check what types cannot say."""
        BatchProfile.__post_init__(self)
        parse_bytes(self.disk)
        wrong = next((line for line in self.directives if "=" not in line), None)
        if wrong is not None:
            msg = f"a directive of HTCondor is written as KEY = VALUE, not '{wrong}'"
            raise ValueError(msg)


Profile = AddressProfile | SlurmProfile | LxplusProfile
