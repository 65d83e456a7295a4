"""`na64 report`: put further results into the page of a run."""

from __future__ import annotations

from pathlib import Path

import typer

from na64.errors import UserError
from na64.report.background import add_background
from na64.run.stored import read_run

__all__ = ["renew_report"]


def renew_report(run: Path, background: Path) -> int:
    """
    Put a background estimate into the report of a run directory, in place of an earlier one.

    Returns
    -------
    int
        Exit status.
    """
    stored, path = read_run(run), run / "report.html"
    try:
        page = path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"cannot read {path}: {error}; `na64 run` writes it"
        raise UserError(msg) from error
    partial = path.with_name(".report.html.partial")
    partial.write_text(add_background(page, background, stored.record), encoding="utf-8")
    partial.replace(path)
    typer.echo(f"report: {path}")
    return 0
