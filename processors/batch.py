"""Dask workers as jobs of a batch system: what is submitted, and how they come and stay."""

from __future__ import annotations

import asyncio
import logging
import shlex
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from datasets.config import ConfigError
from processors.cluster_profiles import LxplusProfile, SlurmProfile
from processors.job_queue import JobBook, is_hopeless, job_states, last_words, recorded
from processors.rooms import HOME

__all__ = ["job_script", "open_batch"]

_POLL = 2.0  # [s] between looks at the queue
_PATIENCE = 2  # looks that show no hope before giving up
_KEEP = 10.0  # [s] between looks for jobs that have ended
_SUBMIT = {"slurm": "sbatch", "lxplus": "condor_submit"}
_KEYS = ("ca.pem", "cert.pem", "key.pem")

Jobs = SlurmProfile | LxplusProfile
Say = Callable[[str], None]


def job_script(profile: Jobs, logs: Path) -> str:
    """
    Return what would be submitted for each worker; nothing is.

    Parameters
    ----------
    profile : SlurmProfile or LxplusProfile
    logs : Path
        Where the jobs would write.
    """
    is_new = not logs.exists()

    async def make() -> str:
        cluster = _make_cluster(profile, logs, JobBook(), asynchronous=True)
        script: str = cluster.job_script()
        await cluster.close()
        return script

    script = asyncio.run(make())
    if is_new and logs.exists():  # dask-jobqueue makes it
        logs.rmdir()
    protocol = "tls" if profile.encrypt else "tcp"
    address = "tcp://<insert-scheduler-address-here>:8786"
    return script.replace(address, f"{protocol}://ADDRESS:PORT").replace("dummy-name", "NAME")


def _make_cluster(profile: Jobs, logs: Path, book: JobBook, *, asynchronous: bool = False) -> Any:
    """Return a cluster of dask-jobqueue without workers; an asynchronous one has no scheduler either."""
    if any(character.isspace() for character in str(logs)):
        msg = f"jobs cannot write to a path with spaces: {logs}. Choose another --output"
        raise ConfigError(msg)
    settings = {
        "cores": 1,
        "processes": 1,
        "memory": profile.memory,
        "job_name": "na64",
        "log_directory": str(logs),
        "python": profile.python,
        "local_directory": profile.scratch,
        "interface": profile.interface,
        # The dashboard is for this machine alone: it has no password
        "scheduler_options": {"dashboard_address": "127.0.0.1:0", "port": profile.port},
        "worker_extra_args": ["--no-dashboard"],
        "job_script_prologue": [
            # The sources of the client, where a worker sees its files; never what lies in the job's folder
            f"export PYTHONPATH={shlex.quote(str(HOME))} PYTHONSAFEPATH=1",
            *profile.before,
        ],
        "security": _security(logs) if profile.encrypt else None,
        "silence_logs": logging.CRITICAL,
        "asynchronous": asynchronous,
    }
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of packages that are written for older ones
            return (
                _slurm(profile, settings, book)
                if profile.kind == "slurm"
                else _lxplus(profile, settings, book)
            )
    except ImportError as error:
        msg = (
            f"a cluster of kind {profile.kind} needs packages that are not installed ({error.name}): "
            f"pip install 'na64-columnar[batch]'"
        )
        raise ConfigError(msg) from error
    finally:
        signal.signal(signal.SIGINT, on_interrupt)  # importing dask-jobqueue makes Ctrl-C a success


def _slurm(profile: SlurmProfile, settings: dict[str, Any], book: JobBook) -> Any:
    from dask_jobqueue.slurm import SLURMCluster

    return SLURMCluster(
        **settings,
        job_cls=recorded(SLURMCluster.job_cls, book),
        queue=profile.partition,
        account=profile.account,
        walltime=profile.time,
        job_extra_directives=list(profile.directives),
    )


def _lxplus(profile: LxplusProfile, settings: dict[str, Any], book: JobBook) -> Any:
    from dask_lxplus import CernCluster

    extra = {"MY.JobFlavour": f'"{profile.flavour}"'}
    if profile.group is not None:
        extra["MY.AccountingGroup"] = f'"{profile.group}"'
    pairs = (line.partition("=") for line in profile.directives)
    extra |= {key.strip(): value.strip() for key, _, value in pairs}
    return CernCluster(
        **settings,
        job_cls=recorded(CernCluster.job_cls, book),
        disk=profile.disk,
        container_runtime="none" if profile.image is None else "singularity",
        worker_image=profile.image,
        batch_name="na64",
        job_extra_directives=extra,
    )


def _security(logs: Path) -> Any:
    """Return where scheduler and workers find the keys of this run: beside the logs, which both can read."""
    from distributed.security import Security

    ca, cert, key = (str(logs / ".keys" / name) for name in _KEYS)
    roles = {
        f"tls_{role}_{what}": path
        for role in ("client", "scheduler", "worker")
        for what, path in (("cert", cert), ("key", key))
    }
    return Security(require_encryption=True, tls_ca_file=ca, **roles)


@contextmanager
def _keys(profile: Jobs, logs: Path) -> Iterator[None]:
    """Write the keys of this run for its owner alone, and take them away at the end."""
    if not profile.encrypt:
        yield
        return
    from distributed.security import Security

    try:
        made = Security.temporary()
    except ImportError as error:
        msg = "encryption needs the package cryptography: pip install 'na64-columnar[batch]'"
        raise ConfigError(msg) from error
    folder = logs / ".keys"
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        for name, text in zip(
            _KEYS, (made.tls_ca_file, made.tls_worker_cert, made.tls_worker_key), strict=True
        ):
            path = folder / name
            path.touch(mode=0o600)
            path.write_text(text, encoding="ascii")
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def open_batch(
    name: str, profile: Jobs, workers: tuple[int, int], logs: Path | None, say: Say
) -> Iterator[Any]:
    """
    Submit jobs and wait for the first worker; at the end, cancel what runs.

    Parameters
    ----------
    name : str
        Of the cluster, for messages.
    profile : SlurmProfile or LxplusProfile
    workers : (int, int)
        To keep at least, and at most while there is work.
    logs : Path, optional
        Folder for what jobs write, which workers can reach.
    say : callable
        Takes what happens, as text.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ConnectionError
        If no worker came in time, or the batch system refused the jobs: with what it says.
    ConfigError
        If packages or commands are missing.
    """
    import dask
    import distributed

    if shutil.which(_SUBMIT[profile.kind]) is None:
        msg = (
            f"cluster {name}: this machine has no command {_SUBMIT[profile.kind]}; run where jobs of "
            f"{profile.kind} are submitted, or look at the job script with --dry-run"
        )
        raise ConfigError(msg)
    book, (least, most) = JobBook(), workers
    patience = {
        "distributed.scheduler.no-workers-timeout": f"{profile.wait:g} minutes",
        "distributed.scheduler.allowed-failures": 0,  # we count the deaths of workers ourselves
    }
    with (
        _folder(logs, name, say) as folder,
        _ends_in_order(),
        _keys(profile, folder),
        dask.config.set(patience),
    ):
        cluster = _make_cluster(profile, folder, book)
        with cluster, distributed.Client(cluster) as client, _kept(cluster):
            if most > least:
                cluster.adapt(minimum=least, maximum=most)
            cluster.scale(least)
            _await_worker(client, _Waiting(name, profile, book, folder, say))
            yield client


class _Waiting:
    """Looks at the queue until a worker comes, and knows when none will."""

    def __init__(self, name: str, profile: Jobs, book: JobBook, logs: Path, say: Say) -> None:
        self._name, self._profile, self._book, self._logs, self._say = name, profile, book, logs, say
        self._end = time.monotonic() + 60 * profile.wait
        self._told = "the queue does not answer"
        self._bad_looks = 0

    def look(self) -> None:
        """
        Ask the queue, and say what is new.

        Raises
        ------
        ConnectionError
            If the jobs were refused, ended, wait for what does not come, or for too long.
        """
        book = self._book
        if book.refusals:
            self._fail(f"the job was refused: {book.refusals[0]}")
        if time.monotonic() > self._end:
            self._fail(
                f"no worker came within {self._profile.wait:g} min ('wait' in its profile): {self._told}"
            )
        states = job_states(self._profile.kind, book.ids) if book.ids else None
        if states is None:
            return
        text = _summary(states)
        if states and text != self._told:
            self._say(f"cluster {self._name}: {text}; waiting at most {self._profile.wait:g} min")
            self._told = text
        is_bad = all(is_hopeless(state) for state in states.values())  # so are no jobs at all
        self._bad_looks = self._bad_looks + 1 if is_bad else 0
        if self._bad_looks > _PATIENCE and states:
            self._fail(f"its jobs can never start: {text}. Change its profile (docs/clusters.md)")
        if self._bad_looks > _PATIENCE:
            words = last_words(self._logs, book.ids)
            self._fail(f"{_jobs(len(book.ids))} ended before a worker could start; {words}")

    def _fail(self, why: str) -> NoReturn:
        msg = f"cluster {self._name}: {why}"
        raise ConnectionError(msg)


def _await_worker(client: Any, waiting: _Waiting) -> None:
    """Wait for the first worker."""
    last_look = -_POLL
    while not client.nthreads():
        time.sleep(0.2)
        if time.monotonic() - last_look > _POLL:
            waiting.look()
            last_look = time.monotonic()


def _jobs(number: int) -> str:
    return f"{number} job{'s' if number != 1 else ''}"


def _summary(states: dict[str, str]) -> str:
    counts = Counter(states.values())
    return ", ".join(f"{_jobs(number)} {state}" for state, number in sorted(counts.items()))


@contextmanager
def _folder(logs: Path | None, name: str, say: Say) -> Iterator[Path]:
    """Make the folder for what jobs write; an empty one goes again."""
    folder = logs or Path(tempfile.mkdtemp(prefix="na64-jobs-", dir=Path.cwd()))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except BaseException:
        if any(folder.iterdir()):
            say(f"cluster {name}: logs of its jobs: {folder}")
        raise
    finally:
        with suppress(OSError):  # it holds something
            folder.rmdir()


@contextmanager
def _ends_in_order() -> Iterator[None]:
    """Cancel the jobs too when the command is stopped, or its terminal closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: Any) -> NoReturn:
        for other in before:  # not in the middle of cleaning up
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _kept(cluster: Any) -> Iterator[None]:
    """Submit a job again when its worker is gone; dask-jobqueue does not, even when it adapts."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(_KEEP)
            for job, process in list(cluster.workers.items()):
                if process.job_id is None:  # refused
                    del cluster.workers[job]
            cluster.scale(jobs=len(cluster.worker_spec))

    running = asyncio.run_coroutine_threadsafe(keep(), cluster.loop.asyncio_loop)
    try:
        yield
    finally:
        running.cancel()
