"""Simulated track lengths beside the analytic forms, as numbers, a table and text."""

from __future__ import annotations

import csv
import io
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from limits.track_table import KINDS, TrackTable
from physics.shower_tracks import electron_track_lengths, secondary_positron_track_density

__all__ = ["Spectrum", "spectra", "tracks_csv", "tracks_text", "with_error"]

Floats = npt.NDArray[np.float64]

_SOFTEST = 0.01  # of the beam's energy: below, there is no analytic form
_HARDEST = 1.0 - 2e-4  # where that of pairs ends
_STEPS = 65  # of an energy bin
_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)  # of the beam's energy, in the text


class Spectrum(NamedTuple):
    """Track length per energy bin of one kind of particle, all [X0], (n,) each."""

    lengths: Floats
    errors: Floats
    analytic: Floats  # NaN where there is none


def spectra(table: TrackTable) -> dict[str, Spectrum]:
    """Return the spectrum of each kind of `limits.track_table.KINDS`."""
    means = table.batches.mean(axis=0)
    errors = table.batches.std(axis=0, ddof=1) / np.sqrt(len(table.batches))
    low, high = table.energies[:-1], table.energies[1:]
    forms = {"beam": _beam(table.energy, low) - _beam(table.energy, high)}
    forms["electron"] = forms["positron"] = _pairs(table.energy, low, high)
    return {kind: Spectrum(means[row], errors[row], forms[kind]) for row, kind in enumerate(KINDS)}


def _beam(energy: float, least: Floats) -> Floats:
    """Return the analytic track length [X0] of a beam particle above energies [GeV]."""
    inside = np.minimum(least, energy * (1.0 - 1e-9))
    found = np.where(least < energy, electron_track_lengths(energy, inside), 0.0)
    return np.where(least < _SOFTEST * energy * (1 - 1e-9), np.nan, found)


def _pairs(energy: float, low: Floats, high: Floats) -> Floats:
    """Return the analytic track length [X0] of positrons between energies [GeV]."""
    grid = np.linspace(low, np.minimum(high, _HARDEST * energy), _STEPS, axis=-1)
    found = np.trapezoid(secondary_positron_track_density(energy, grid), grid, axis=-1)
    return np.where(low < _SOFTEST * energy * (1 - 1e-9), np.nan, found)


def tracks_csv(table: TrackTable) -> str:
    """Return one row per bin of the energy: track length per GeV, its error, and the analytic form."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"{kind}_{what}" for kind in KINDS for what in ("X0_per_GeV", "error", "analytic")]
    writer.writerow(["energy_low_GeV", "energy_high_GeV", *columns])
    widths = np.diff(table.energies)
    found = spectra(table)
    for index, (low, high) in enumerate(zip(table.energies[:-1], table.energies[1:], strict=True)):
        numbers = [values[index] / widths[index] for kind in KINDS for values in found[kind]]
        words = ["" if np.isnan(number) else f"{number:.6g}" for number in numbers]
        writer.writerow([f"{low:.8g}", f"{high:.8g}", *words])
    return text.getvalue()


def tracks_text(table: TrackTable) -> str:
    """Return what the terminal shows: track lengths above energies, over the analytic forms."""
    on_tracks, below, behind = table.balance
    lines = [
        f"track length [X0] per {table.energy:g} GeV {table.particle} in {table.setup} ({table.material})",
        f"  {table.showers:,} showers, seed {table.seed}, followed down to {table.least:g} GeV over "
        f"{table.depths[-1]:.3g} X0",
        f"  energy [GeV]: {on_tracks:.3g} lost on the tracks, {below:.4g} left below the threshold, "
        f"{behind:.2g} behind the target",
        "",
        f"  {'above [GeV]':>12}"
        + "".join(f"  {f'{_name(table, kind)}, over analytic':>36}" for kind in KINDS),
    ]
    found = spectra(table)
    shares = sorted({table.least / table.energy, *(s for s in _SHARES if s * table.energy > table.least)})
    for share in shares:
        at = np.array([share * table.energy])
        words = []
        for kind in KINDS:
            values = table.above((kind,))(at)[:, 0]
            form = _analytic_above(table, kind, found[kind], at)
            error = values.std(ddof=1) / np.sqrt(len(values))
            mean = values.mean()
            ratio = with_error(mean / form, error / form) if form > 0 else "-"
            words.append(f"{with_error(mean, error)}  {ratio:>17}")
        lines.append(f"  {at[0]:12.4g}" + "".join(f"  {word:>36}" for word in words))
    lines.append("  -: no such particle in these showers, or no analytic form")
    return "\n".join(lines) + "\n"


def with_error(value: float, error: float) -> str:
    """
    Return a value and its error to the same digit, by the rule of the Particle Data Group.

    Of the first three digits of the error two are kept up to 354, one up to 949, and 950 to 999 are 1000
    (R. L. Workman et al., PTEP 2022 (2022) 083C01, introduction 5.3). Without an error: "-".
    """
    if not (error > 0 and math.isfinite(value) and math.isfinite(error)):
        return "-"
    power = math.floor(math.log10(error)) - 2
    leading = round(error / 10**power)
    place = power + (1 if leading < 355 else 2)
    error = 10 ** (power + 3) if leading >= 950 else error
    digits = max(-place, 0)
    value, error = (round(number, -place) for number in (value, error))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def _analytic_above(table: TrackTable, kind: str, spectrum: Spectrum, at: Floats) -> float:
    """Return the analytic track length above an energy [GeV]; NaN where there is none."""
    if kind == "beam":
        return float(_beam(table.energy, at)[0])
    upper = int(np.searchsorted(table.energies, at[0], side="right"))
    first = _pairs(table.energy, at, table.energies[[upper]])
    return float(first[0] + spectrum.analytic[upper:].sum())


def _name(table: TrackTable, kind: str) -> str:
    return {"beam": f"beam {table.particle}", "electron": "other e-", "positron": "other e+"}[kind]
