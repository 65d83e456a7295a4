"""Who is tagged, on Geant4 events of known particles."""

from pathlib import Path
from typing import Any

from datasets.sources import find_inputs
from processors.invisible import InvisibleProcessor
from processors.result import AnalysisResult, Sample
from processors.runner import Execution, Request, prepare, run_items
from selections.background.beam_tag import measure_beam_tag
from tests.conftest import SAMPLES

BEAM = [SAMPLES / "geant4" / f"{name}_100gev.root" for name in ("electrons", "pions")]


def run(paths: list[Path], *, kind: Any = None, **options: Any) -> Sample:
    processor = InvisibleProcessor(variations=("none",), **options)
    files = find_inputs([f"beam={path}" for path in paths])
    prepared = prepare(Request(files=files, kind=kind), processor)
    result, _ = run_items(prepared, processor, Execution(chunk_size=300), AnalysisResult())
    assert isinstance(result, AnalysisResult)
    return result.samples["beam"]


def test_contamination_is_that_of_the_files() -> None:
    sample = run(BEAM, without=("srd",))
    pions = run(BEAM[1:], without=("srd",))
    assert sample.probes is not None
    assert pions.probes is not None
    base = sample.cutflow.counts[1, 0]  # without the tag
    assert 0.95 * base < sample.probes.sums[0, 0, 0] < base  # those that lost energy before are left out
    truth = pions.probes.sums[0, 0, 0] / sample.probes.sums[0, 0, 0]
    found = measure_beam_tag(sample.probes)
    assert found.contamination.low - 0.01 < truth < found.contamination.high + 0.01
    assert found.efficiency.value > 0.7
    assert found.mistag.high < 0.05


def test_nothing_is_told_where_the_tag_is_asked_for() -> None:
    assert run(BEAM[:1]).probes is None
    assert run(BEAM[:1], kind="data").probes is None
