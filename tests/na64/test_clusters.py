"""The clusters a user can name, and the messages for those that do not exist."""

from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.config import ConfigError
from na64.run.cluster_profiles import find_profile, load_profiles
from na64.run.execution import choose_execution, keep_logs, log_folder
from processors.cluster_profiles import AddressProfile, LxplusProfile, SlurmProfile
from tests.conftest import Told

DOCUMENT = Path(__file__).parents[2] / "docs" / "clusters.md"


@pytest.fixture(autouse=True)
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Keep the user's own file out of the tests; return a function that writes another."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def write(text: str) -> Path:
        path = tmp_path / "na64" / "clusters.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_own_profiles_come_beside_those_of_the_project(profiles: Callable[[str], Path]) -> None:
    profiles("slurm: {partition: short, workers: '2:50'}\nnight: {kind: lxplus, flavour: tomorrow}\n")
    found = load_profiles()
    assert list(found) == ["slurm", "lxplus", "night"]
    assert found["slurm"] == SlurmProfile(partition="short", workers="2:50")
    assert found["night"] == LxplusProfile(flavour="tomorrow")
    assert find_profile("local") is None
    assert find_profile("tcp://host:8786") == AddressProfile(address="tcp://host:8786")


def test_example_of_the_documents_is_valid(profiles: Callable[[str], Path]) -> None:
    profiles(DOCUMENT.read_text().split("```yaml\n")[1].split("```")[0])
    assert len(load_profiles()) > 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("far: {kind: slrum}", "cluster 'far': kind is 'slrum'; did you mean 'slurm'?"),
        ("far: {partition: x}", "cluster 'far': kind is None"),
        ("slurm: {partiton: short}", "cluster 'slurm': partiton"),
        ("slurm: {memory: much}", "memory|much"),
        ("slurm: {time: 12:00:00}", r"time: .*43200"),
        ("slurm: {workers: '9:3'}", "MAX may not be below N"),
        ("lxplus: {flavour: lunch}", "flavour.*longlunch"),
        ("lxplus: {directives: [notification]}", "KEY = VALUE"),
        ("local: {kind: slurm}", "'local' is this machine"),
        ("- slurm", "a mapping from the names of clusters"),
    ],
)
def test_wrong_profile_is_named(profiles: Callable[[str], Path], text: str, expected: str) -> None:
    path = profiles(text)
    with pytest.raises(ConfigError, match=expected) as raised:
        load_profiles()
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        (["--cluster", "slrum"], 2, "did you mean 'slurm'? Clusters: local, slurm, lxplus"),
        (["--cluster", "slurm", "--executor", "futures"], 2, "--cluster slurm needs --executor dask"),
        (["--workers", "1:4", "--executor", "futures"], 2, "--workers 1:4 needs --executor dask"),
        (["--cluster", "tcp://h:1", "--workers", "4"], 2, "has workers of its own"),
        (["--workers", "4:2"], 2, "--workers '4:2'"),
        (["--cluster", "local", "--workers", "1:4", "--dry-run"], 0, "1:4 Dask workers are started on this"),
        (["--workers", "3", "--dry-run"], 0, "by 3 processes of this machine"),
        (["--cluster", "slurm", "--workers", "2:8", "--dry-run"], 0, "submitted for each of 2:8 workers"),
    ],
)
def test_options_go_together_or_say_why_not(
    na64: Callable[..., Told], samples: Path, tmp_path: Path, options: list[str], status: int, told: str
) -> None:
    muons = samples / "geant4" / "muons_100gev.root"
    done = na64("run", "invisible", muons, "-o", tmp_path / "run", *options)
    assert done.status == status
    assert told in done.out + done.err
    assert not (tmp_path / "run").exists()


def test_range_of_workers_or_a_cluster_means_dask() -> None:
    chosen = choose_execution(None, "1:4", None, 100)
    assert (chosen.executor, chosen.workers, chosen.width) == ("dask", 1, 16)
    assert choose_execution(None, 4, None, 100).executor == "futures"
    assert choose_execution(None, None, "slurm", 100).workers == SlurmProfile().workers


def test_clusters_are_listed_and_shown(na64: Callable[..., Told]) -> None:
    listed = na64("clusters")
    assert [line.split()[0] for line in listed.out.splitlines()[:3]] == ["local", "slurm", "lxplus"]
    shown = na64("clusters", "show", "lxplus")
    assert "flavour: longlunch" in shown.out
    assert 'MY.JobFlavour = "longlunch"' in shown.out


def test_logs_of_jobs_end_in_the_run_directory(tmp_path: Path) -> None:
    run, file = tmp_path / "run", tmp_path / "skim.root"
    for output in (run, file):
        log_folder(output).mkdir()
        (log_folder(output) / "na64-1.err").write_text("worker")
    run.mkdir()
    file.touch()
    keep_logs(run)
    keep_logs(file)
    assert (run / "logs" / "na64-1.err").read_text() == "worker"
    assert (log_folder(file) / "na64-1.err").exists()
