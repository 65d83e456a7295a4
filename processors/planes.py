"""Planes and their hits where the alignment of the conditions puts them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from datasets.conditions import Alignment
from datasets.config import ConfigError
from datasets.hits import HitArrays
from recon.alignment import Floats, move_hits, return_hits
from recon.geometry import Setup, Spectrometer

__all__ = [
    "align_hits",
    "align_setup",
    "displace_setup",
    "leave_out",
    "moves_of",
    "plane_rows",
    "restore_hits",
]


def plane_rows(setup: Setup) -> dict[str, slice]:
    """Return where the planes of each spectrometer stand in an `Alignment`."""
    rows, first = {}, 0
    for name, spectrometer in setup.spectrometers.items():
        rows[name] = slice(first, first + len(spectrometer.planes))
        first += len(spectrometer.planes)
    return rows


def moves_of(alignment: Alignment, rows: slice) -> Floats:
    """Return dx, dy [mm] and rotation [rad] of some planes, (3, n_planes)."""
    return np.stack([alignment.dx[rows], alignment.dy[rows], alignment.rotation[rows]])


def align_hits(hits: Mapping[str, HitArrays], setup: Setup, alignment: Alignment) -> dict[str, HitArrays]:
    """
    Move the hits of all spectrometers to where their planes are.

    Parameters
    ----------
    hits : mapping of spectrometer to HitArrays
        As if the planes were where the setup says.
    setup : Setup
    alignment : Alignment
        Its dz moves planes, not hits: see `align_setup`.

    Returns
    -------
    dict of HitArrays
    """
    rows = plane_rows(setup)
    moved = {}
    for name, found in hits.items():
        moves = moves_of(alignment, rows[name])
        moved[name] = found
        if moves.any():
            x, y = move_hits(found.plane, found.x, found.y, setup.spectrometers[name].planes, moves)
            moved[name] = found._replace(x=x, y=y)
    return moved


def restore_hits(hits: HitArrays, spectrometer: Spectrometer, moves: Floats) -> HitArrays:
    """Take the moves (3, n_planes) of `align_hits` back from the hits of one spectrometer."""
    x, y = return_hits(hits.plane, hits.x, hits.y, spectrometer.planes, moves)
    return hits._replace(x=x, y=y)


def align_setup(setup: Setup, alignment: Alignment) -> Setup:
    """
    Move the planes of a setup along the beam by dz.

    Parameters
    ----------
    setup : Setup
    alignment : Alignment
        Its dx, dy and rotation move hits, not planes: see `align_hits`.

    Returns
    -------
    Setup
        The same one where no plane moves.

    Raises
    ------
    ConfigError
        If a plane would pass another one, or the edge of a magnet.
    """
    if not alignment.dz.any():
        return setup
    rows = plane_rows(setup)
    moved = {
        name: _move_planes(spectrometer, alignment.dz[rows[name]])
        for name, spectrometer in setup.spectrometers.items()
    }
    return replace(setup, spectrometers=moved)


def displace_setup(setup: Setup, alignment: Alignment) -> Setup:
    """
    Move the planes of a setup by dx, dy and dz: where a simulation has them.

    Parameters
    ----------
    setup : Setup
    alignment : Alignment
        Its rotation is none of a setup: see `datasets.simulation.turned`.

    Returns
    -------
    Setup

    Raises
    ------
    ConfigError
        As `align_setup`.
    """
    rows = plane_rows(setup)
    moved = {
        name: replace(
            spectrometer,
            planes=tuple(
                replace(plane, centre=(plane.centre[0] + float(dx), plane.centre[1] + float(dy)))
                for plane, dx, dy in zip(
                    spectrometer.planes, alignment.dx[rows[name]], alignment.dy[rows[name]], strict=True
                )
            ),
        )
        for name, spectrometer in align_setup(setup, alignment).spectrometers.items()
    }
    return replace(setup, spectrometers=moved)


def leave_out(spectrometer: Spectrometer, names: Collection[str]) -> Spectrometer:
    """Return a spectrometer without the hits of some planes; their matter stays where it is."""
    gone = [plane for plane in spectrometer.planes if plane.name in names]
    if not gone:
        return spectrometer
    matter = tuple((plane.z, plane.radiation_lengths) for plane in gone if plane.radiation_lengths)
    return replace(
        spectrometer,
        planes=tuple(plane for plane in spectrometer.planes if plane.name not in names),
        window_radiation_lengths=(*spectrometer.window_radiation_lengths, *matter),
    )


def _move_planes(spectrometer: Spectrometer, dz: Floats) -> Spectrometer:
    planes = tuple(
        replace(plane, z=plane.z + float(by)) for plane, by in zip(spectrometer.planes, dz, strict=True)
    )
    edges = [edge for magnet in spectrometer.magnets for edge in (magnet.z, magnet.z + magnet.length)]
    places = [(plane.name, old.z, plane.z) for plane, old in zip(planes, spectrometer.planes, strict=True)]
    for index, (name, old, new) in enumerate(places):
        fixed = [*edges, *(place[1] for place in places[:index] + places[index + 1 :])]
        others = [*edges, *(place[2] for place in places[:index] + places[index + 1 :])]
        if [old < z for z in fixed] != [new < z for z in others]:
            msg = (
                f"alignment: dz = {new - old:g} mm brings plane {name} of spectrometer '{spectrometer.name}' "
                f"from z = {old:g} to {new:g} mm, past another plane or an edge of a magnet; correct the "
                "table, or the z of the setup"
            )
            raise ConfigError(msg)
    return replace(spectrometer, planes=planes)
