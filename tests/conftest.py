"""Fixtures that several rooms' tests share."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import datasets
from na64.cli import main
from na64.testing import P348Reco

SAMPLES = Path(datasets.__file__).parent / "samples"
NOT_IN_P348RECO = ("single_track", "track_momentum", "track_chi2", "track_angle", "hcal_r")


class Told(NamedTuple):
    """What a command left on the terminal."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def samples() -> Path:
    return SAMPLES


@pytest.fixture
def na64(capfd: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Return a function that runs the command in this process."""

    def call(*arguments: object) -> Told:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        code = ended.value.code
        return Told(code if isinstance(code, int) else int(code is not None), out, err)

    return call


@pytest.fixture(autouse=True)
def _plain_logging() -> Iterator[None]:
    """Take away the handlers that the command installs: they hold the captured stderr of one test."""
    yield
    for room in ("datasets", "selections", "processors", "na64"):
        logging.getLogger(room).handlers.clear()
        logging.getLogger(room).propagate = True


@pytest.fixture
def p348reco() -> P348Reco:
    return P348Reco()
