"""Fixtures that several rooms' tests share."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

import datasets
from datasets.periods import Guard, load_periods
from na64.cli import main
from na64.testing import P348Reco

settings.register_profile("no clock", deadline=None)  # an example may have to compile a kernel first
settings.load_profile("no clock")

SAMPLES = Path(datasets.__file__).parent / "samples"
NOT_IN_P348RECO = ("single_track", "track_momentum", "track_chi2", "track_angle", "hcal_r")


def guard_periods(patch: pytest.MonkeyPatch) -> None:
    """Give all periods a margin as large as the declared variations of the ECAL (1%) and the HCAL (5%)."""
    sizes = {"ecal_energy": 0.01, "hcal_energy": 0.05}
    guard = {column: Guard(source="assumed", relative=size) for column, size in sizes.items()}
    periods = tuple(replace(period, guard=guard) for period in load_periods())
    for place in ("datasets.periods", "processors.context"):
        patch.setattr(f"{place}.load_periods", lambda: periods)


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
    for room in ("datasets", "selections", "limits", "processors", "na64"):
        logging.getLogger(room).handlers.clear()
        logging.getLogger(room).propagate = True


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    guard_periods(monkeypatch)


@pytest.fixture
def p348reco() -> P348Reco:
    return P348Reco()
