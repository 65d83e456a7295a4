"""Fixtures that several rooms' tests share."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import uproot

import datasets
from na64.cli import main

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


class P348Reco:
    """The p348reco sample in memory, to be changed and written again."""

    def __init__(self) -> None:
        with uproot.open(SAMPLES / "p348reco_tree.root") as file:
            tree = file["tree"]
            names = [name for name in tree.keys() if not name.startswith(("hod2", "HOD2"))]  # noqa: SIM118
            self.arrays = {name: tree[name].array(library="np") for name in names}

    @property
    def tagged(self) -> np.ndarray:
        """Return indices of events with an SRD tag."""
        modules = self.arrays["SRD_ene"][:, :3]
        tag = (modules > 0.001).all(axis=1) & ((modules < 0.08).sum(axis=1) >= 2)
        return np.flatnonzero(tag & (modules.sum(axis=1) < 0.15))

    def scale_ecal(self, events: np.ndarray, energy: float) -> None:
        """Give events this ECAL energy [GeV]."""
        total = self.arrays["ECAL_ene"][events].sum(axis=(1, 2, 3))
        self.arrays["ECAL_ene"][events] *= (energy / total)[:, None, None, None]

    def quiet_hcal(self, events: np.ndarray, energy: float = 0.02) -> None:
        """Give events this energy [GeV] in each HCAL module."""
        for module in range(4):
            self.arrays[f"hcal{module}"][events] = energy

    def write(self, path: Path, n_events: int | None = None) -> Path:
        """Write the tree, uncompressed so that its size does not depend on its values."""
        with uproot.recreate(path, compression=None) as file:
            chosen = {name: values[:n_events] for name, values in self.arrays.items()}
            file.mktree("tree", {n: np.dtype((v.dtype, v.shape[1:])) for n, v in chosen.items()})
            file["tree"].extend(chosen)
        return path


@pytest.fixture
def p348reco() -> P348Reco:
    return P348Reco()
