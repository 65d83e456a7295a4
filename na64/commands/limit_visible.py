"""The band of visible decays, of `na64 limit --model visible`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import typer

from limits.model import counts_of, workspace
from limits.upper import Method
from limits.visible_band import Band, allowed_events, visible_band, visible_channels
from na64.commands.common import show_progress
from na64.errors import UserError
from na64.limit.curves import Curve, notes_on
from na64.limit.hepdata import hepdata_of_band
from na64.limit.options import LimitOptions
from na64.limit.visible import VisibleInputs, read_visible
from na64.limit.visible_plots import plot_visible
from na64.limit.visible_tables import band_csv, band_json, band_text, middle
from na64.run.outputs import replace_path
from physics import dark_photon_table as table
from physics.dark_photon import ELECTRON

__all__ = ["write_band"]


def write_band(options: LimitOptions, masses: Sequence[float], curves: Sequence[Curve]) -> int:
    """
    Write the bands that the median of no signal excludes, and that opened data do.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    UserError
        If inputs do not belong together, or a mass does not decay to e+ e-.
    """
    _require_decays(masses)
    inputs = read_visible(options, masses)
    inputs = inputs._replace(notes=(*inputs.notes, *notes_on(curves, masses, is_band=True)))
    allowed = allowed_events(
        inputs.setups,
        yield_error=options.yield_error,
        level=options.level,
        method=cast("Method", options.method),
        n_toys=options.toys,
        seed=options.seed,
    )
    bands = []
    with show_progress() as tell:
        for mass in masses:
            bands.append(visible_band(inputs.setups, mass, allowed))
            tell("masses", len(bands), len(masses))
    text = band_text(inputs, bands, options.level, curves)
    partial = options.output.with_name(f".{options.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _write(partial, inputs, bands, options, text)
        exposure = sum(setup.exposure for setup in inputs.setups)
        plot_visible(bands, inputs.state, options.level, exposure, curves, partial / "plots")
        replace_path(partial, options.output, overwrite=options.overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    typer.echo(text, nl=False)
    typer.echo(f"tables, figures and workspace: {options.output}")
    return 0


def _write(
    folder: Path, inputs: VisibleInputs, bands: Sequence[Band], options: LimitOptions, text: str
) -> None:
    chosen = middle(bands)
    channels = visible_channels(inputs.setups, chosen.events, yield_error=options.yield_error)
    files = {
        "limits.txt": text,
        "limits.csv": band_csv(bands),
        "limits.json": _json(band_json(inputs, bands, options)),
        "workspace.json": _json(workspace(channels, counts_of(channels))),
    }
    submission = hepdata_of_band(inputs.setups, bands, options.level)
    files |= {f"hepdata/{name}": words for name, words in submission.items()}
    (folder / "hepdata").mkdir(parents=True)
    for name, words in files.items():
        (folder / name).write_text(words, encoding="utf-8")


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _require_decays(masses: Sequence[float]) -> None:
    heaviest = table.SECTIONS[-1][0]  # [MeV]
    if 1e3 * masses[-1] > heaviest:
        msg = (
            f"--grid has {1e3 * masses[-1]:g} MeV, and the cross section is known up to {heaviest:g} MeV: "
            f"end --grid there"
        )
        raise UserError(msg)
    light = [mass for mass in masses if mass <= 2 * ELECTRON]
    if light:
        msg = (
            f"--grid has {1e3 * light[-1]:g} MeV, and an A' decays to e+ e- above {2e3 * ELECTRON:.4g} "
            f"MeV alone, twice the electron's mass: begin --grid there, or take --model invisible"
        )
        raise UserError(msg)
