"""End what does not end by itself: reading a damaged file may loop over a number that means nothing."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["TIMEOUT", "DeadlineError", "deadline"]

TIMEOUT = 600.0  # [s] unless the user says otherwise


class DeadlineError(OSError):
    """Something was not done in time."""


class _ExpiredError(BaseException):
    """Raised in the thread that is late; no `except Exception` on its way holds it."""


@contextmanager
def deadline(seconds: float, what: str) -> Iterator[None]:
    """
    Interrupt this thread if the block is not done in time.

    Python is interrupted anywhere; compiled code and calls of the operating system, when they return. So only
    code that reads may stand in the block: numba, when it compiles, would be left in pieces.

    Parameters
    ----------
    seconds : float
        0: never.
    what : str
        Of the error.

    Raises
    ------
    DeadlineError
    """
    if seconds <= 0:
        yield
        return
    watch = _Watch(threading.get_ident())
    timer = threading.Timer(seconds, watch.expire)
    timer.daemon = True
    timer.start()
    try:
        try:
            yield
        finally:
            timer.cancel()
            watch.stop()
    except _ExpiredError:
        msg = f"{what} was not done within {seconds:g} s"
        raise DeadlineError(msg) from None


class _Watch:
    """Interrupts a thread, unless it is done already."""

    def __init__(self, thread: int) -> None:
        self._thread, self._lock = ctypes.c_ulong(thread), threading.Lock()
        self._is_done = self._has_expired = False

    def expire(self) -> None:
        """Interrupt the thread."""
        with self._lock:
            if not self._is_done:
                self._has_expired = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, ctypes.py_object(_ExpiredError))

    def stop(self) -> None:
        """Interrupt no more, and take back what was not noticed yet."""
        with self._lock:
            self._is_done = True
            if self._has_expired:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, None)
