"""`na64 bump`: a bump in the missing energy of a run directory."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import typer

from na64.bump.plots import draw_bump
from na64.bump.search import SearchOptions, search_bump
from na64.bump.tables import bump_json, bump_text
from na64.errors import UserError
from na64.plotting import style
from na64.run.outputs import check_output, replace_path
from na64.run.stored import read_run

__all__ = ["BumpOptions", "write_bump"]

_MARK = "bump.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BumpOptions:
    """The options of `na64 bump`."""

    run: Path
    output: Path
    search: SearchOptions
    overwrite: bool = False


def write_bump(options: BumpOptions) -> int:
    """
    Look for a bump and write table, JSON and figure.

    Returns
    -------
    int
        Exit status.
    """
    wanted = options.search
    if not (wanted.alpha_d > 0 and 0 < wanted.mass_ratio < 0.5 and wanted.n_toys >= 0):
        msg = (
            f"--alpha-d must be above 0, --mass-ratio between 0 and 0.5, --toys 0 or more; got "
            f"{wanted.alpha_d:g}, {wanted.mass_ratio:g} and {wanted.n_toys}"
        )
        raise UserError(msg)
    check_output(
        options.output, [str(options.run)], overwrite=options.overwrite, is_directory=True, mark=_MARK
    )
    search = search_bump(read_run(options.run), wanted)
    text = bump_text(search)
    partial = options.output.with_name(f".{options.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        (partial / "bump.txt").write_text(text, encoding="utf-8")
        content = json.dumps(bump_json(search), indent=2, allow_nan=False) + "\n"
        (partial / _MARK).write_text(content, encoding="utf-8")
        style.save_figure(draw_bump(search), partial, "bump")
        replace_path(partial, options.output, overwrite=options.overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    typer.echo(text, nl=False)
    typer.echo(f"table and figure: {options.output}")
    return 0
