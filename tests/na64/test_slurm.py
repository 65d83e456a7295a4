"""Real Slurm on one machine: `pytest -m slurm`; tools/slurm_here.sh installs, starts and stops it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from coffea.processor.executor import WorkItem

from datasets.sources import InputFile
from na64.testing import find_value
from na64.testing.interference import plain
from na64.testing.oracle import difference
from processors.chunk import ChunkError
from processors.cluster_profiles import SlurmProfile
from processors.clusters import Cluster
from processors.executors import ChunkExecutor, open_pool
from processors.invisible import InvisibleProcessor
from processors.result import AnalysisResult
from processors.runner import Execution, Prepared, Request, opened, prepare, run_items
from tests.conftest import NOT_IN_P348RECO, Told
from tests.na64.blind import PLANTED, make_closed_pair

SCRIPT = Path(__file__).parents[2] / "tools" / "slurm_here.sh"
SECRET = 31.41592653

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start Slurm on this machine; commands find it by SLURM_CONF."""
    lacking = [command for command in ("slurmctld", "slurmd", "munged") if shutil.which(command) is None]
    if lacking or os.getuid() != 0:
        pytest.skip(f"no Slurm to start here: {', '.join(lacking) or 'only root can'} (tools/slurm_here.sh)")
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run([SCRIPT, "start", folder], check=True, timeout=60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        yield
    subprocess.run([SCRIPT, "stop", folder], check=True, timeout=60)


@pytest.fixture
def data(tmp_path: Path) -> tuple[Prepared, InvisibleProcessor]:
    path = make_closed_pair(tmp_path)[0]
    processor = InvisibleProcessor(without=NOT_IN_P348RECO)
    return prepare(Request(files=[InputFile(path=str(path), dataset="data")]), processor), processor


def test_run_on_jobs_is_that_of_this_process_and_logs_keep_closed_events_for_themselves(
    slurm: None, data: tuple[Prepared, InvisibleProcessor], tmp_path: Path
) -> None:
    prepared, processor = data
    told: list[str] = []
    cluster = Cluster(
        name="here",
        profile=SlurmProfile(time="00:10:00", memory="1 GB"),
        most=2,
        logs=tmp_path / "run.logs",
        say=told.append,
    )

    def fail(item: WorkItem) -> None:
        msg = f"energy {SECRET} on {len(item)} entries"
        raise ValueError(msg)

    with opened(Execution(executor="dask", workers=1, cluster=cluster, chunk_size=500)) as running:
        found, account = run_items(prepared, processor, running, AnalysisResult())
        executor = ChunkExecutor(
            open_pool=lambda: open_pool("dask", 1, running.cluster), is_here=False, width=1
        )
        with pytest.raises(ChunkError) as raised:
            executor([WorkItem("data", "f.root", "t", 0, 10, b"0" * 16, {"kind": "data"})], fail, None)
    here, _ = run_items(prepared, processor, Execution(), AnalysisResult())
    assert difference(plain(found), plain(here)) is None
    assert account.processed == prepared.entries > 1000
    logs = "".join(path.read_text() for path in cluster.logs.iterdir())  # type: ignore[union-attr]
    assert "ChunkError" in logs  # so it is the log of the worker that failed
    assert str(SECRET)[:6] not in logs + str(raised.value)
    assert find_value(logs, PLANTED) is None
    assert "worker so far; dashboard: http://127.0.0.1:" in told[-1]
    queue = subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True)
    assert "PENDING" not in queue.stdout
    assert " R " not in queue.stdout


def test_jobs_that_can_never_start_end_the_run_with_the_reason_and_nothing_is_left(
    slurm: None,
    na64: Callable[..., Told],
    samples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "na64").mkdir(parents=True)
    (tmp_path / "config" / "na64" / "clusters.yaml").write_text(
        "long: {kind: slurm, time: 5-00:00:00}\nnowhere: {kind: slurm, partition: nowhere}\n"
    )
    for name, reason in (
        ("long", "its jobs can never start: 2 jobs pending (PartitionTimeLimit)"),
        ("nowhere", "the job was refused: sbatch: error: invalid partition specified: nowhere"),
    ):
        muons = samples / "geant4" / "muons_100gev.root"
        done = na64(
            *("run", "invisible", muons, "-o", tmp_path / "run", "--cluster", name, "--workers", "2"),
        )
        assert done.status == 2
        assert f"na64: error: cluster {name}: {reason}" in done.err
    assert not subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True).stdout
    assert {path.name for path in tmp_path.iterdir()} == {"config"}
