"""Deliberate leaks must be caught, by the two files and by the search for what was planted."""

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hist import Hist

from datasets.reader import ReadError
from na64.testing import (
    PLANTED,
    InterferenceError,
    assert_not_interfering,
    assert_same,
    difference,
    find_value,
    make_closed_pair,
)
from na64.testing.interference import observe
from na64.testing.plain_values import plain
from processors.analysis import Selected
from processors.invisible import InvisibleProcessor
from processors.result import AnalysisResult
from tests.conftest import NOT_IN_P348RECO

PLACES = {  # leak -> where it must be found
    "count": "result/0/out/notes/0",
    "flow_bin": "result/0/out/histograms/ecal_time",
    "note": "result/0/out/notes/2",
    "log": "logged",
    "warning": "warnings",
    "print": "printed",
    "file": "files/debug.txt",
}


class LeakyProcessor(InvisibleProcessor):
    """Tells of the events in the box, in the ways that it is asked to."""

    def __init__(self, *leaks: str) -> None:
        super().__init__(without=NOT_IN_P348RECO)
        self.leaks = leaks

    def _base(self, measured: Any, context: Any) -> Any:
        base = super()._base(measured, context)
        columns = measured.columns
        closed = base & (columns["ecal_energy"] < 50) & (columns["hcal_energy"] < 1)
        energy = columns["ecal_energy"][closed]
        self.n_closed = len(energy)
        self.energy = energy[np.isclose(energy, PLANTED, atol=1e-3)]
        for leak in self.leaks:
            getattr(self, f"_{leak}", lambda: None)()
        return base

    @property
    def text(self) -> str:
        return f"in the box: {self.energy.tolist()}"

    def _log(self) -> None:
        logging.getLogger("processors").warning(self.text)

    def _warning(self) -> None:
        warnings.warn(self.text, stacklevel=1)

    def _print(self) -> None:
        print(self.text)  # noqa: T201

    def _reading_error(self) -> None:
        if len(self.energy):
            raise ReadError(self.text)

    def _file(self) -> None:
        with Path("debug.txt").open("a") as file:
            file.write(self.text)

    def tally(self, selected: Selected) -> AnalysisResult:
        result = super().tally(selected)
        notes = set(result.notes)
        if "count" in self.leaks:
            notes.add(f"closed: {self.n_closed}")
        if "note" in self.leaks:
            notes.add(self.text)
        if "flow_bin" in self.leaks:
            histogram: Hist[Any] = result.histograms["ecal_time"]
            histogram.fill("data", "nominal", np.full(len(self.energy[:1]), 1e6), weight=self.energy[:1])
        return AnalysisResult(samples=result.samples, histograms=result.histograms, notes=frozenset(notes))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_closed_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def seen(pair: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return what a processor leaves of both files that leaks in all ways which let it go on."""
    processor = LeakyProcessor(*PLACES)
    work = tmp_path_factory.mktemp("leaks")
    return [observe(processor, file, work / file.parent.name, {}, 2250) for file in pair]


def place(seen: dict[str, Any], path: str) -> Any:
    content: Any = seen
    for key in path.split("/"):
        content = content[int(key)] if isinstance(content, list) else content[key]
    return content


def test_honest_processor_passes(pair: tuple[Path, Path]) -> None:
    assert_not_interfering(LeakyProcessor(), pair, chunk_size=1200)


def test_a_pair_comes_with_the_check() -> None:
    with pytest.raises(InterferenceError, match=r"LeakyProcessor tells of closed events in losses/"):
        assert_not_interfering(LeakyProcessor("reading_error"), chunk_size=2250)


@pytest.mark.parametrize("leak", PLACES)
def test_oracle_catches(leak: str, seen: list[dict[str, Any]]) -> None:
    assert difference(*(place(one, PLACES[leak]) for one in seen)) is not None


@pytest.mark.parametrize("leak", [leak for leak in PLACES if leak != "count"])
def test_search_catches(leak: str, seen: list[dict[str, Any]]) -> None:
    """Of a count only the oracle knows whose it is."""
    assert find_value(place(seen[0], PLACES[leak]), PLANTED) is not None


def test_command_with_a_leaky_processor_is_caught(
    na64: Any, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_plots: None
) -> None:
    monkeypatch.setattr(
        "na64.commands.common._PROCESSORS", {"invisible": lambda *_, **__: LeakyProcessor("flow_bin")}
    )
    with pytest.raises(AssertionError, match=r"tells of closed events: /output/histograms\.(json|root)"):
        assert_same(na64, pair, tmp_path, lambda data, out: ["run", "invisible", data, "-o", out])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"b": (1, None)}, {"b": [1, None]}, id="tuple"),
        pytest.param(frozenset({"z", "a"}), ["a", "z"], id="set"),
        pytest.param(np.array([1.5, 2.5]), [1.5, 2.5], id="array"),
        pytest.param(np.float64(2.5), 2.5, id="scalar"),
    ],
)
def test_results_become_plain_values(value: object, expected: object) -> None:
    assert plain(value) == expected
