"""What does not end by itself is ended."""

import contextlib
import threading

import pytest

from datasets.deadline import DeadlineError, deadline


def endless() -> None:
    while True:
        with contextlib.suppress(Exception):  # as libraries do
            sum(range(100))


def test_endless_loop_ends() -> None:
    with pytest.raises(DeadlineError, match=r"reading was not done within 0.05 s"), deadline(0.05, "reading"):
        endless()


def test_so_it_does_in_another_thread() -> None:
    ended = []

    def work() -> None:
        try:
            with deadline(0.05, "reading"):
                endless()
        except DeadlineError as error:
            ended.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == ["reading was not done within 0.05 s"]


@pytest.mark.parametrize("seconds", [0.0, 1000.0])
def test_what_is_done_in_time_is_left_alone(seconds: float) -> None:
    before = threading.active_count()
    with deadline(seconds, "reading"):
        assert threading.active_count() == before + bool(seconds)
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()
    assert threading.active_count() == before


def test_error_of_the_block_passes() -> None:
    with pytest.raises(KeyError, match="mine"), deadline(1000.0, "reading"):
        raise KeyError("mine")  # noqa: EM101
