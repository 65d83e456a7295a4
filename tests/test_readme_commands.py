"""The README's commands are found, run in one shell, and a failing one is named."""

import subprocess

import pytest

from tools.readme_commands import Command, read_commands, write_script

README = """\
Text with $ signs.

```console
$ cd /
$ echo one \\
    two
an answer
```

<!-- not run in CI: needs a batch system -->
```console
$ submit
```

```sh
$ other
```
"""


def test_commands_are_read_in_order() -> None:
    assert read_commands(README) == [
        Command(4, "cd /", ""),
        Command(5, "echo one \\\n    two", ""),
        Command(12, "submit", "needs a batch system"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "<!-- not run in CI: later -->\nText.\n```console\n$ true\n```\n", id="not-above-a-block"
        ),
        pytest.param("<!-- not run in CI -->\n```console\n$ true\n```\n", id="no-reason"),
    ],
)
def test_stray_mark_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        read_commands(text)


def run(*commands: str) -> subprocess.CompletedProcess[str]:
    script = write_script([Command(number, text, "") for number, text in enumerate(commands, 1)])
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)


def test_commands_share_a_shell() -> None:
    done = run("cd /", 'name="it\'s"', 'echo "$PWD $name"')
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "/ it's"


def test_first_failure_ends_the_run_and_is_named() -> None:
    done = run("true", "ls | grep --quiet '^$'", "echo never")
    assert done.returncode == 1
    assert "line 2" in done.stderr
    assert "grep --quiet" in done.stderr
    assert "\nnever" not in done.stdout
