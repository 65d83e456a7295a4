"""What batch systems are asked for, and what is made of their answers; scripts play their commands."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.batch import job_script, open_batch
from processors.cluster_profiles import LxplusProfile, SlurmProfile, Workers
from processors.job_queue import job_states
from processors.rooms import HOME

pytest.importorskip("dask_jobqueue", reason="the extra 'batch' is not installed")
pytest.importorskip("dask_lxplus", reason="the extra 'batch' is not installed")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder whose scripts are found as commands, and where they leave what they got."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr("processors.batch._POLL", 0.2)
    return folder


def script(path: Path, *lines: str) -> None:
    path.write_text("\n".join(("#!/bin/sh", f"cd {path.parent}", *lines)) + "\n")
    path.chmod(0o755)


@pytest.mark.parametrize(("text", "least", "most"), [("4", 4, 4), ("2:20", 2, 20), (3, 3, 3)])
def test_workers_are_a_number_or_a_range(text: str | int, least: int, most: int) -> None:
    assert Workers.parse(text) == Workers(least, most)
    assert str(Workers.parse(text)) == str(text)


@pytest.mark.parametrize("text", ["0", "5:2", "many", "2:", "-1", "1:2:3"])
def test_other_numbers_of_workers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"'{text}'")):
        Workers.parse(text)


def test_slurm_is_asked_for_what_the_profile_says(tmp_path: Path) -> None:
    profile = SlurmProfile(
        partition="htc",
        account="na64",
        time="01:00:00",
        memory="3 GiB",
        python="/opt/python",
        before=("module load gcc",),
        directives=("--constraint=avx2",),
    )
    logs = tmp_path / "run.logs"
    lines = job_script(profile, logs).splitlines()
    asked = {line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH")}
    assert asked >= {"-p htc", "-A na64", "-t 01:00:00", "--mem=3G", "--cpus-per-task=1", "--constraint=avx2"}
    assert f"-e {logs}/na64-%J.err" in asked
    worker = lines.index("module load gcc") + 1
    assert f"export PYTHONPATH={HOME} PYTHONSAFEPATH=1" in lines[:worker]
    assert lines[worker].startswith("/opt/python -m distributed.cli.dask_worker tls://")
    assert f"--tls-key {logs}/.keys/key.pem" in lines[worker]
    assert not logs.exists()


def test_lxplus_gets_a_submit_description_and_its_jobs_are_removed(commands: Path, tmp_path: Path) -> None:
    logs = tmp_path / "run.logs"
    script(
        commands / "condor_submit",
        'echo "$@" > arguments',
        'for file; do :; done; cp "$file" description',
        f"stat -c '%a %n' {logs}/.keys/key.pem > key",
        "echo 1 'job(s) submitted to cluster 42.'",
    )
    script(commands / "condor_q", "echo 42 5 disk quota exceeded")
    script(commands / "condor_rm", 'echo "$@" > removed')
    profile = LxplusProfile(
        flavour="workday", group="group_u_NA64.u_x", memory="2 GB", directives=("notification = never",)
    )
    told: list[str] = []
    with (
        pytest.raises(ConnectionError, match=r"can never start: 1 job held \(disk quota exceeded\)"),
        open_batch("lxplus", profile, (1, 1), logs, told.append),
    ):
        pytest.fail("a held job gives no worker")
    description = dict(
        line.split(" = ", 1) for line in (commands / "description").read_text().splitlines() if " = " in line
    )
    assert description["MY.JobFlavour"] == '"workday"'
    assert description["MY.AccountingGroup"] == '"group_u_NA64.u_x"'
    assert description["MY.DaskWorkerMemory"] == "2000000000"
    assert description["notification"] == "never"
    assert description["universe"] == "vanilla"
    assert "MY.SingularityImage" not in description  # the files of lxplus, not an image of somebody else
    assert description["LogDirectory"] == str(logs)
    assert "tls://" in description["Arguments"]
    assert "-spool" in (commands / "arguments").read_text()
    assert (commands / "key").read_text().startswith("600 ")
    assert (commands / "removed").read_text() == "42.0\n"
    assert not logs.exists()  # neither keys nor an empty folder
    assert told == ["cluster lxplus: 1 job held (disk quota exceeded); waiting at most 30 min"]


def test_job_that_dies_before_its_worker_is_told_with_its_last_words(commands: Path, tmp_path: Path) -> None:
    logs = tmp_path / "run.logs"
    script(commands / "sbatch", f"echo '/opt/python: not found' > {logs}/na64-7.err", "echo 7")
    script(commands / "squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    script(commands / "scancel", "exit 1")
    with (
        pytest.raises(ConnectionError, match=r"1 job ended before a worker.*/opt/python: not found"),
        open_batch("slurm", SlurmProfile(), (1, 1), logs, lambda _: None),
    ):
        pytest.fail("a dead job gives no worker")


@pytest.mark.parametrize(
    ("command", "kind", "answer", "states"),
    [
        (
            "squeue",
            "slurm",
            ["1 PENDING Priority", "2 RUNNING None", "3 FAILED NonZeroExitCode", "4 PENDING None"],
            {"1": "pending (Priority)", "2": "running", "4": "pending"},
        ),
        (
            "condor_q",
            "lxplus",
            ["7 1 undefined", "8 2 undefined", "9 5 no disk"],
            {"7": "idle", "8": "running", "9": "held (no disk)"},
        ),
        ("condor_q", "lxplus", [], {}),
    ],
)
def test_answer_of_the_queue(
    commands: Path, command: str, kind: str, answer: list[str], states: dict[str, str]
) -> None:
    script(commands / command, *(f"echo '{line}'" for line in answer))
    assert job_states(kind, ["1"]) == states


def test_queue_without_an_answer_says_nothing_of_jobs(commands: Path) -> None:
    script(
        commands / "squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"
    )
    assert job_states("slurm", ["1"]) is None
