"""Gains at the temperature of a run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datasets.conditions import ConditionError, load_conditions
from recon.geometry import Setup

HEAD = "table=temperature\nunit.slope=%/K\nruns=1-5\ncolumns=detector,temperature,reference,slope\n"
Write = Callable[..., Path]


def test_gains_of_a_warm_run_are_larger(setup: Setup, complete: Path, write_table: Write) -> None:
    table = write_table(f"{HEAD}ecal 23 18 -2\n")
    gains = {run: load_conditions(setup, run, [complete, table]).detectors for run in (5, 6)}
    assert gains[5]["ecal"].gain == pytest.approx(np.full(12, 0.5 / 0.9))  # 10% less light
    assert gains[5]["srd"].gain.tolist() == gains[6]["srd"].gain.tolist() == [0.5, 0.5]
    assert gains[6]["ecal"].gain.tolist() == [0.5] * 12  # nothing is said of that run
    digests = {load_conditions(setup, run, [complete, table]).digest for run in (5, 6)}
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (HEAD + "ecal 80 18 -2\n", "'ecal' has no light left at 80 degC"),
        (HEAD.replace(",slope", "").replace("unit.slope=%/K\n", "") + "ecal 23 18\n", "no slope of detector"),
    ],
)
def test_senseless_temperatures_are_refused(
    text: str, fault: str, setup: Setup, complete: Path, write_table: Write
) -> None:
    with pytest.raises(ConditionError, match=fault):
        load_conditions(setup, 5, [complete, write_table(text)])
