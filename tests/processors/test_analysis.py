"""The processor by itself, with any coffea Runner: blinding, kinds, dead detectors."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from coffea.processor import IterativeExecutor, Runner

import datasets.layouts
import datasets.periods
from datasets.config import ConfigError
from datasets.probe import probe_file
from datasets.schema import schema_for
from datasets.sources import find_inputs
from processors.invisible import InvisibleProcessor
from processors.result import AnalysisResult, Sample
from processors.runner import Execution, Request, prepare, run_items
from selections.blinding import BlindingError
from selections.opening import Opening
from selections.selection import SelectionError
from tests.conftest import NOT_IN_P348RECO, P348Reco

pytestmark = pytest.mark.filterwarnings("ignore:Performed attempt:UserWarning")


def run(
    path: Path, layout: str, processor: InvisibleProcessor, metadata: dict[str, Any] | None = None
) -> AnalysisResult:
    """Run a processor as somebody does who knows coffea and not us."""
    schema = schema_for(layout)
    runner = Runner(
        IterativeExecutor(status=False, retries=0), schema=schema, metadata_cache={}, chunksize=900
    )
    fileset = {"sample": {"files": {str(path): schema.layout.tree}, "metadata": metadata or {}}}
    result: AnalysisResult = runner(fileset, processor)
    return result


def told(call: Callable[[], object]) -> BaseException:
    """Return the innermost error that a call through coffea raises."""
    with pytest.raises(Exception, match="Failed processing file") as raised:
        call()
    error = raised.value.__cause__
    assert error is not None
    return error


@pytest.fixture
def muons(samples: Path) -> Path:
    return samples / "geant4" / "muons_100gev.root"


@pytest.fixture
def open_layout(tmp_path: Path) -> str:
    """Return a layout of p348reco files with a truth branch: simulation, so that the box may be seen."""
    folder = Path(datasets.layouts.__file__).parent
    layout = yaml.safe_load((folder / "p348reco.yaml").read_text())
    layout |= {"name": "open", "truth": {"truth_pdg": {"branch": "pdg"}}}
    path = tmp_path / "open.yaml"
    path.write_text(yaml.safe_dump(layout))
    return str(path)


def test_simulation_is_open(muons: Path) -> None:
    sample = run(muons, "geant4_sim", InvisibleProcessor()).samples["sample"]
    assert (sample.kind, sample.blinding.state) == ("simulation", "not applicable")
    assert sample.cutflow.names[:2] == ("all", "base")


def test_data_are_closed_without_being_told(p348reco: P348Reco, tmp_path: Path) -> None:
    box = p348reco.tagged[:30]
    p348reco.scale_ecal(box, 20.0)
    p348reco.quiet_hcal(box)
    path = p348reco.write(tmp_path / "data.root")
    result = run(path, "p348reco", InvisibleProcessor(without=NOT_IN_P348RECO))
    sample = result.samples["sample"]
    assert (sample.kind, sample.blinding.state, sample.blinding.period) == (
        "data",
        "closed",
        "2018-invisible",
    )
    assert sample.cutflow.names[:2] == ("all", "shown")
    plane = result.histograms["edep_plane_loose"]["sample", "nominal", ...]
    assert plane[:50j, :1j].sum(flow=False).value == 0
    assert sample.regions["signal_box"] == ("signal box", None)
    assert sample.regions["side_band_a"][1] > 0


def test_closed_events_are_counted_like_failures_of_the_base(p348reco: P348Reco, tmp_path: Path) -> None:
    before = run(p348reco.write(tmp_path / "a.root"), "p348reco", InvisibleProcessor(without=NOT_IN_P348RECO))
    box = p348reco.tagged[:30]
    p348reco.scale_ecal(box, 20.0)
    p348reco.quiet_hcal(box)
    after = run(p348reco.write(tmp_path / "b.root"), "p348reco", InvisibleProcessor(without=NOT_IN_P348RECO))
    rows = [r.samples["sample"].cutflow.counts[:2, 0] for r in (before, after)]
    assert rows[0][0] == rows[1][0] == 2250
    assert 29 <= rows[0][1] - rows[1][1] <= 30  # one of them may have been closed before


def test_word_of_the_user_cannot_open_data(p348reco: P348Reco, tmp_path: Path) -> None:
    path = p348reco.write(tmp_path / "data.root", 300)
    processor = InvisibleProcessor(without=NOT_IN_P348RECO)
    sample = run(path, "p348reco", processor, {"kind": "simulation", "parent_kind": "simulation"}).samples[
        "sample"
    ]
    assert (sample.kind, sample.blinding.state) == ("data", "closed")


def test_what_a_layout_calls_truth_cannot_open_data(
    p348reco: P348Reco, tmp_path: Path, open_layout: str
) -> None:
    p348reco.arrays["pdg"] = np.full(2250, 11, dtype=np.int32)
    path = p348reco.write(tmp_path / "data.root", 300)
    sample = run(path, open_layout, InvisibleProcessor(without=NOT_IN_P348RECO)).samples["sample"]
    assert (sample.kind, sample.blinding.state) == ("data", "closed")
    probe = probe_file(find_inputs([str(path)])[0], layout=open_layout)
    assert probe.kind == "data"
    assert "run 3661 was taken in period 2018-invisible" in probe.kind_reason


def test_word_of_the_user_can_close_simulation(muons: Path) -> None:
    sample = run(muons, "geant4_sim", InvisibleProcessor(), {"kind": "data"}).samples["sample"]
    assert (sample.kind, sample.blinding.state) == ("data", "closed")


@pytest.mark.parametrize(
    "options", [{"without": ("srd",)}, {"changes": ("in_time.ecal_out_of_time_limit=1",)}]
)
def test_base_cannot_be_changed_on_data(muons: Path, options: dict[str, Any]) -> None:
    run(muons, "geant4_sim", InvisibleProcessor(**options))
    error = told(lambda: run(muons, "geant4_sim", InvisibleProcessor(**options), {"kind": "data"}))
    assert isinstance(error, BlindingError)


def test_run_of_no_period_is_refused(p348reco: P348Reco, tmp_path: Path) -> None:
    p348reco.arrays["run"][:] = 1
    path = p348reco.write(tmp_path / "data.root", 100)
    error = told(lambda: run(path, "p348reco", InvisibleProcessor("na64e_2018", without=NOT_IN_P348RECO)))
    assert isinstance(error, ConfigError)
    assert "run 1 lies in no data-taking period" in str(error)


def test_energies_in_a_wrong_unit_are_not_shown(p348reco: P348Reco, tmp_path: Path) -> None:
    """In MeV instead of GeV every event would lie outside of the box."""
    p348reco.arrays["ECAL_ene"] *= 1e3
    path = p348reco.write(tmp_path / "data.root", 500)
    result = run(path, "p348reco", InvisibleProcessor(without=NOT_IN_P348RECO))
    assert result.samples["sample"].cutflow.counts[1, 0] == 0


def test_own_layout_is_noted(p348reco: P348Reco, tmp_path: Path, open_layout: str) -> None:
    path = p348reco.write(tmp_path / "data.root", 100)
    notes = run(path, open_layout, InvisibleProcessor(without=NOT_IN_P348RECO)).notes
    assert "blinding rests on a layout of the user's own, 'open'" in notes


def test_event_of_another_period_is_not_shown(p348reco: P348Reco, tmp_path: Path) -> None:
    processor = InvisibleProcessor(without=NOT_IN_P348RECO)
    before = run(p348reco.write(tmp_path / "a.root"), "p348reco", processor)
    p348reco.arrays["run"][p348reco.tagged[1:11]] = 9999
    after = run(p348reco.write(tmp_path / "b.root"), "p348reco", processor)
    shown = [r.samples["sample"].cutflow.counts[1, 0] for r in (before, after)]
    assert 9 <= shown[0] - shown[1] <= 10


def test_missing_columns_are_one_error(samples: Path) -> None:
    error = told(lambda: run(samples / "p348reco_tree.root", "p348reco", InvisibleProcessor()))
    assert isinstance(error, SelectionError)
    assert "--without-cut single_track" in str(error)


def kill_ecal(a: dict[str, np.ndarray], i: np.ndarray) -> None:
    a["ECAL_ene"][i] = 0.0


def kill_preshower(a: dict[str, np.ndarray], i: np.ndarray) -> None:
    a["ECAL_ene"][i, 0] = 0.0


def kill_hcal(a: dict[str, np.ndarray], i: np.ndarray) -> None:
    for module in range(3):
        a[f"hcal{module}"][i] = 0.0


def kill_hcal_module(a: dict[str, np.ndarray], i: np.ndarray) -> None:
    a["hcal2"][i] = 0.0


def kill_veto(a: dict[str, np.ndarray], i: np.ndarray) -> None:
    a["VETO_ene"][i] = 0.0


def set_nan(name: str) -> Callable[[dict[str, np.ndarray], np.ndarray], None]:
    def spoil(a: dict[str, np.ndarray], i: np.ndarray) -> None:
        a[name][i] = np.nan

    return spoil


def leave(a: dict[str, np.ndarray], i: np.ndarray) -> None:
    """Do nothing: these events are the control."""


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        pytest.param(leave, 40, id="alive"),
        pytest.param(kill_ecal, 0, id="ecal-zero"),
        pytest.param(kill_preshower, 0, id="preshower-zero"),
        pytest.param(kill_hcal, 0, id="hcal-zero"),
        pytest.param(kill_hcal_module, 0, id="one-hcal-module-zero"),
        pytest.param(kill_veto, 0, id="veto-zero"),
        pytest.param(set_nan("ECAL_ene"), 0, id="ecal-nan"),
        pytest.param(set_nan("hcal1"), 0, id="hcal-nan"),
        pytest.param(set_nan("VETO_ene"), 0, id="veto-nan"),
        pytest.param(set_nan("SRD_ene"), 0, id="srd-nan"),
        pytest.param(set_nan("masterTime"), 0, id="no-master-time"),
        pytest.param(set_nan("ECAL_t0"), 0, id="ecal-without-times"),
    ],
)
def test_dead_detector_never_reaches_the_signal_region(
    p348reco: P348Reco, tmp_path: Path, open_layout: str, spoil: Callable[..., None], expected: int
) -> None:
    arrays = p348reco.arrays
    chosen = p348reco.tagged[:40]
    p348reco.scale_ecal(chosen, 30.0)
    p348reco.quiet_hcal(chosen)
    arrays["VETO_ene"][chosen] = 0.001
    arrays["pdg"] = np.full(2250, 11, dtype=np.int32)
    arrays["run"][:] = 0  # of no data-taking period
    spoil(arrays, chosen)
    others = np.setdiff1d(np.arange(2250), chosen)
    arrays["SRD_ene"][others] = 0.0  # nothing else passes
    without = (*NOT_IN_P348RECO, "beam_cell", "ecal_shape")
    result = run(
        p348reco.write(tmp_path / "x.root"), open_layout, InvisibleProcessor("na64e_2018", without=without)
    )
    assert result.samples["sample"].kind == "simulation"
    assert result.samples["sample"].regions["signal_box"][1] == expected


@pytest.fixture
def calibration_period(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Declare the run of the p348reco sample to be calibration."""
    path = tmp_path / "periods.yaml"
    path.write_text("[{name: calib, setup: na64e_2018, runs: [[3661, 3661]], kind: calibration}]")
    monkeypatch.setattr(datasets.periods, "_FILE", path)
    datasets.periods.load_periods.cache_clear()
    yield
    datasets.periods.load_periods.cache_clear()


@pytest.mark.usefixtures("calibration_period")
def test_calibration_shows_calibration_triggers_only(p348reco: P348Reco, tmp_path: Path) -> None:
    box = p348reco.tagged[:30]
    p348reco.scale_ecal(box, 20.0)
    p348reco.quiet_hcal(box)
    p348reco.arrays["isTriggerBeam"][box[:20]] = True
    p348reco.arrays["isTriggerPhysics"][box[:10]] = False
    path = p348reco.write(tmp_path / "data.root")
    prepared = prepare(Request(files=find_inputs([str(path)])), InvisibleProcessor(without=NOT_IN_P348RECO))
    assert prepared.probes[0].kind == "calibration"
    processor = InvisibleProcessor(without=NOT_IN_P348RECO)
    result, _ = run_items(prepared, processor, Execution(), AnalysisResult())
    sample = result.samples["data"]
    assert (sample.kind, sample.blinding.state) == ("calibration", "not applicable")
    assert sample.cutflow.counts[1, 0] == 10  # ten of the box have no physics trigger and are open


def test_open_and_closed_results_do_not_add(muons: Path) -> None:
    closed = run(muons, "geant4_sim", InvisibleProcessor(), {"kind": "data"})
    opening = Opening(
        periods=("geant4",), regions=("invisible",), who=("A",), when="2026-11-24", why="x", frozen="0"
    )
    unblinded = Sample(
        kind="data",
        setup="geant4_sample",
        blinding=closed.samples["sample"].blinding.opened(opening),
        entries=500,
        cutflow=closed.samples["sample"].cutflow,
    )
    with pytest.raises(BlindingError, match="open and closed results cannot be added"):
        closed + AnalysisResult(samples={"sample": unblinded})


def test_simulation_and_data_of_one_name_do_not_add(muons: Path) -> None:
    one = run(muons, "geant4_sim", InvisibleProcessor())
    two = run(muons, "geant4_sim", InvisibleProcessor(), {"kind": "data"})
    with pytest.raises((BlindingError, ValueError)):
        one + two
