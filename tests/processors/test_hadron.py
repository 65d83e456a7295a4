"""The hadron mode end to end: signal and what could look like it, and what data may not tell."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from coffea.processor import ProcessorABC

from datasets.simulation.processes import PROCESSES
from datasets.sources import InputFile
from na64.commands.simulate import SimulateOptions, write_simulation
from na64.testing import InterferenceError, assert_not_interfering, make_hadron_pair
from processors.hadron import HadronProcessor
from processors.runner import Execution, Request, prepare, run_items
from processors.selected import Selected
from selections.cut import passes


class Telling(HadronProcessor):
    """Forgets to withhold anything: its trace must be found."""

    def select(self, events: ak.Array, **options: bool) -> Selected:
        selected = super().select(events, **options)
        _, quantities = self.open(events)
        selected.columns["track_momentum"][:1] = quantities.arrays["track_momentum"].mean()
        return selected


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_hadron_pair(tmp_path_factory.mktemp("hadrons"))


def test_closed_pions_leave_no_trace(pair: tuple[Path, Path]) -> None:
    assert_not_interfering(HadronProcessor(), pair, chunk_size=150)


def test_a_processor_that_tells_is_caught(pair: tuple[Path, Path]) -> None:
    with pytest.raises(InterferenceError, match="tells of closed events"):
        assert_not_interfering(Telling(), pair)


class Named(ProcessorABC):
    """Return the process of each event, which cuts it passes, and whether it is in the box."""

    def process(self, events: ak.Array) -> dict[str, np.ndarray]:
        selected = HadronProcessor(variations=("none",)).select(events)
        columns, n, selection = selected.columns, selected.n_events, selected.context.selection
        masks = {cut.name: passes(cut, columns, n) for cut in selection.cuts}
        box = selection.signal_box.contains({name: columns[name] for name in selection.signal_box.limits})
        return {"process": columns["truth_process"], "base": selected.base, "box": box, **masks}

    def postprocess(self, accumulator: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return accumulator


FAKES = ("late_pion", "muon", "beam_electron", "scattered_pion")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Return 1024 simulated events: signal and what could look like it."""
    folder = tmp_path_factory.mktemp("simulated")
    parts = [f"- {{process: {name}, fraction: 0.2}}" for name in ("invisible_pi0", *FAKES)]
    mixture = folder / "mine.yaml"
    mixture.write_text("name: mine\ntitle: of a test\ntrigger: none\ncomponents:\n" + "\n".join(parts))
    path = folder / "mine.root"
    write_simulation(
        SimulateOptions(
            setup="na64h_2022",
            process="mixture",
            mixture=str(mixture),
            n_events=1024,
            output=path,
            pile_up=False,
        )
    )
    found: list[dict[str, np.ndarray]] = []
    prepared = prepare(Request(files=[InputFile(path=str(path), dataset="mine")]), None)
    run_items(prepared, Named(), Execution(), [], consume=lambda _, out: found.append(out))
    return found[0]


def of(named: dict[str, np.ndarray], process: str) -> dict[str, np.ndarray]:
    chosen = named["process"] == PROCESSES[process].code
    assert chosen.sum() > 150
    return {name: values[chosen] for name, values in named.items()}


def test_signal_ends_in_the_box(named: dict[str, np.ndarray]) -> None:
    signal = of(named, "invisible_pi0")
    kept = np.logical_and.reduce([signal[name] for name in signal if name != "process"])
    assert kept.mean() > 0.6
    assert signal["box"].mean() > 0.95


@pytest.mark.parametrize(
    ("process", "cut"),
    [("late_pion", "veto"), ("muon", "veto"), ("beam_electron", "preshower"), ("scattered_pion", "veto")],
)
def test_each_fake_fails_by_its_cut_and_is_outside_of_the_box(
    named: dict[str, np.ndarray], process: str, cut: str
) -> None:
    """Two of them each: what the cut should miss is not in the box either."""
    fake = of(named, process)
    assert fake[cut].mean() < 0.15
    assert not fake["box"][fake["base"]].any()
