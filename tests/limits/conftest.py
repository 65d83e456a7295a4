"""A run of 2016 with a flat efficiency, shared by the tests of limits."""

import pytest

from datasets.setups import load_setup
from limits.run_input import BinnedBackground, Efficiency, RunInput
from na64.limit.signals import beam_of


@pytest.fixture(scope="session")
def run_2016() -> RunInput:
    flat = Efficiency(masses=(0.001, 1.0), values=((0.5,), (0.5,)), errors=(0.0, 0.0))
    return RunInput(
        name="one",
        setup="na64e_2016",
        beam=beam_of(load_setup("na64e_2016")),
        least=50.0,
        exposure=1e10,
        radiated=flat,
        background=BinnedBackground(values=(0.0,)),
        observed=(0,),
    )
