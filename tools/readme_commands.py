"""Run the README's commands in order, in a fresh copy of the repository.

A command is a line that starts with ``$ `` in a fenced ``console`` block; where it ends in a backslash it
goes on in the next line. A block right below ``<!-- not run in CI: reason -->`` is left out. All commands
share one shell, so that ``cd`` and variables last; the first that fails ends the run.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(
    r"^[ ]*(?:<!-- not run in CI: (?P<reason>\S.*?) -->\n\s*)?```console\n(?P<body>.*?)^[ ]*```$",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"^[ ]*\$ (?P<command>(?:.*\\\n)*.*)$", re.MULTILINE)
MARK = "<!-- not run in CI"


class Command(NamedTuple):
    """One command of a document, with the number of its line and why it is not run ("" where it is)."""

    line: int
    text: str
    reason: str


def read_commands(text: str) -> list[Command]:
    """Return the commands of a Markdown text in their order."""
    blocks = list(BLOCK.finditer(text))
    if text.count(MARK) != sum(block["reason"] is not None for block in blocks):
        msg = f"each '{MARK}: reason -->' must give a reason and stand right above a console block"
        raise ValueError(msg)
    commands = []
    for block in blocks:
        for match in COMMAND.finditer(block["body"]):
            line = text.count("\n", 0, block.start("body") + match.start()) + 1
            commands.append(Command(line, match["command"], block["reason"] or ""))
    return commands


def write_script(commands: list[Command]) -> str:
    """Return a shell script that shows and runs the commands, and stops at the first that fails."""
    lines = []
    for line, text, _ in commands:
        where = f"README.md, line {line}: the command failed: {text}"
        lines += [
            f"printf '%s\\n' {shlex.quote('$ ' + text)}",
            f"eval {shlex.quote(text)} || {{ printf '%s\\n' {shlex.quote(where)} >&2; exit 1; }}",
        ]
    return "\n".join(lines)


def copy_sources(target: Path) -> None:
    """Copy what git tracks, or would, to an empty folder."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def main() -> int:
    """Run the README's commands and return the exit status."""
    commands = read_commands((ROOT / "README.md").read_text(encoding="utf-8"))
    to_run = [command for command in commands if not command.reason]
    if not to_run:
        sys.exit("README.md has no command to run: no fenced console block with a line that starts with '$ '")
    for command in commands:
        if command.reason:
            print(f"left out ({command.reason}): {command.text}", flush=True)
    with tempfile.TemporaryDirectory(prefix="readme-") as folder:
        copy = Path(folder) / "na64"
        copy_sources(copy)
        scripts = [str(root / ".venv" / "bin") for root in (copy, ROOT)]
        environment = os.environ | {"PATH": os.pathsep.join([*scripts, os.environ["PATH"]])}
        environment.pop("VIRTUAL_ENV", None)
        shell = ["bash", "-c", write_script(to_run)]
        status = subprocess.run(
            shell, cwd=copy, env=environment, stdin=subprocess.DEVNULL, check=False
        ).returncode
    if status == 0:
        print(f"readme: {len(to_run)} commands worked, {len(commands) - len(to_run)} left out")
    return status


if __name__ == "__main__":
    sys.exit(main())
