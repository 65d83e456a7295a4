"""Pools of `concurrent.futures` in which a death costs no more than what the dead worker was working on.

The standard library's process pool breaks as a whole when one of its processes dies, without a word on which
chunk that was; a chunk that needs too much memory would then take all others with it again and again.
"""

from __future__ import annotations

import concurrent.futures as cf
import multiprocessing
import queue
import signal
import threading
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

__all__ = ["HerePool", "ProcessSlots", "WorkerDiedError"]

_Call = tuple[Callable[..., Any], tuple[Any, ...]]


class WorkerDiedError(RuntimeError):
    """A worker process ended while it worked on a chunk."""


class HerePool(cf.Executor):
    """Run each call in this process, when it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> cf.Future[Any]:
        """Run a call now."""
        future: cf.Future[Any] = cf.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class ProcessSlots(cf.Executor):
    """
    A fixed number of processes, each replaced when it dies.

    Parameters
    ----------
    workers : int

    Notes
    -----
    A call whose process dies ends with `WorkerDiedError`. `shutdown` kills what runs.
    """

    def __init__(self, workers: int) -> None:
        self._calls: queue.SimpleQueue[tuple[cf.Future[Any], _Call] | None] = queue.SimpleQueue()
        self._processes: dict[int, multiprocessing.process.BaseProcess] = {}
        self._is_closed = False
        resource_tracker.ensure_running()  # once it runs, it leaves the signals of our threads alone
        self._threads = [
            threading.Thread(target=self._serve, args=(slot,), daemon=True) for slot in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> cf.Future[Any]:
        """Queue a call of a function that can be pickled; keyword arguments are not taken."""
        if kwargs:
            msg = f"calls take no keyword arguments, got {', '.join(kwargs)}"
            raise TypeError(msg)
        future: cf.Future[Any] = cf.Future()
        self._calls.put((future, (fn, args)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """End all processes."""
        self._is_closed = True
        for _ in self._threads:
            self._calls.put(None)
        for process in list(self._processes.values()):
            process.kill()
        for thread in self._threads if wait else ():
            thread.join()

    def _serve(self, slot: int) -> None:
        """Pass calls to one process after the other."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # processes inherit it: Ctrl-C is for us
        pipe: Connection | None = None
        while (job := self._calls.get()) is not None and not self._is_closed:
            future, call = job
            if not future.set_running_or_notify_cancel():
                continue
            if pipe is None:
                pipe = self._start(slot)
            try:
                pipe.send(call)
                is_good, answer = pipe.recv()
            except (EOFError, OSError):
                future.set_exception(self._bury(slot))
                pipe = None
                continue
            except Exception as error:  # the call cannot be pickled, or the answer not be read
                is_good, answer = False, error
            future.set_result(answer) if is_good else future.set_exception(answer)
        if pipe is not None:
            pipe.close()
            self._processes[slot].join()

    def _start(self, slot: int) -> Connection:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_answer, args=(theirs,), daemon=True)
        process.start()
        theirs.close()  # so that the pipe ends with the process
        self._processes[slot] = process
        return ours

    def _bury(self, slot: int) -> WorkerDiedError:
        process = self._processes[slot]
        process.join()
        code = process.exitcode or 0
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return WorkerDiedError(how)


def _answer(pipe: Connection) -> None:
    """Answer calls until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = (True, function(*arguments))
        except Exception as error:
            answer = (False, error)
        try:
            pipe.send(answer)
        except OSError:
            return
        except Exception:  # what it holds is not told: it may be of closed events
            pipe.send((False, TypeError(f"{type(answer[1]).__name__} cannot be sent from a worker")))
