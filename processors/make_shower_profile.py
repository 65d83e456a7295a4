"""Make a reference shower profile from a Geant4 scan of impact points and one of energies.

Run it as ``python -m processors.make_shower_profile IMPACT.root ENERGY.root -o PROFILE.yaml``. The files are
those of ``datasets/samples/geant4``, or others with the same tree.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt
import uproot
import yaml
from scipy.optimize import least_squares, minimize

from recon.profile import ShowerProfile, cell_fractions, fraction_rms

__all__ = ["Group", "Scan", "group", "main", "profile_as_yaml", "read_scan"]

Floats = npt.NDArray[np.float64]

# The layout of the Geant4 tree (datasets/samples): 6 x 6 cells, the axis x0 = y0 = 0 on the centre of (3, 3).
ECAL = 1
N_CELLS = 6
PITCH = 38.2  # [mm]
CENTRES = (np.arange(N_CELLS) - 3) * PITCH  # [mm]
X, Y = np.meshgrid(CENTRES, CENTRES, indexing="ij")

START_SHARE = (0.30, 0.38, 0.19, 0.09, 0.04)
START_WIDTH = (0.6, 6.0, 14.0, 30.0, 60.0)  # [mm]
START_SPREAD = (0.14, 0.005, 0.5)  # stochastic [sqrt(GeV)], constant, wander [mm sqrt(GeV)]
HEAD = """\
# Written by `python -m processors.make_shower_profile`.
# Widths in mm, stochastic in sqrt(GeV), energies in GeV; see recon/profile.py.
"""
STEP = 0.05  # [mm] of the numerical gradient

_log = logging.getLogger(__name__)


class Scan(NamedTuple):
    """Showers in the ECAL."""

    cells: Floats  # [GeV] (n_events, 6, 6) visible energy
    points: Floats  # (n_events, 3) x and y of the axis from the centre of cell (3, 3) [mm], energy [GeV]


class Group(NamedTuple):
    """Showers of one energy at one impact point."""

    x: float  # [mm] of the axis from the centre of cell (3, 3)
    y: float  # [mm]
    energy: float  # [GeV]
    n_events: int
    mean: Floats  # (6, 6) fractions of the energy in the cells
    variance: Floats  # (6, 6)


class Model(NamedTuple):
    """What the fit varies."""

    profile: ShowerProfile
    wander: float  # [mm sqrt(GeV)] rms of the shower's axis around the particle's line


def main(impact_scan: Path, energy_scan: Path, output: Path) -> None:
    """
    Fit the profile to two scans and write it.

    Parameters
    ----------
    impact_scan, energy_scan : Path
        ROOT files with the tree ``sim``.
    output : Path
        The YAML file, ready for `datasets.profiles.load_profile`; its stem becomes the profile's name.
    """
    groups = [*group(read_scan(impact_scan)), *group(read_scan(energy_scan))]
    model = _start(output.stem, groups, f"{impact_scan.name}, {energy_scan.name}")
    for _ in range(3):
        model = _fit_spread(groups, _fit_mean(groups, model))
    residuals = _residuals(groups, model)
    quality = f"chi2 / cells = {(residuals**2).sum():.0f} / {residuals.size}"
    _log.info("%s: %s, wander %.2f mm sqrt(GeV)", output.name, quality, model.wander)
    output.write_text(_as_yaml(model, quality), encoding="utf-8")


def read_scan(path: Path) -> Scan:
    """
    Read the ECAL cells of one Geant4 file, all sections added up.

    Parameters
    ----------
    path : Path
        A ROOT file with the tree ``sim``.

    Returns
    -------
    Scan
    """
    with uproot.open(path) as file:
        tree = file["sim"].arrays(["hit_det", "hit_ix", "hit_iy", "hit_e", "x0", "y0", "beam_e"])
    in_ecal = tree.hit_det == ECAL
    event = ak.flatten(ak.local_index(tree.hit_det, axis=0)[:, None] * ak.values_astype(in_ecal, int))
    keep = ak.flatten(in_ecal).to_numpy()
    column, row, energy = (ak.flatten(tree[name]).to_numpy()[keep] for name in ("hit_ix", "hit_iy", "hit_e"))
    cells = np.zeros((len(tree), N_CELLS, N_CELLS))
    np.add.at(cells, (event.to_numpy()[keep], column, row), energy)
    return Scan(cells, np.stack([tree[name].to_numpy() for name in ("x0", "y0", "beam_e")], axis=1))


def group(scan: Scan) -> list[Group]:
    """Average the cell fractions of the showers of each impact point and energy."""
    fractions = scan.cells / scan.cells.sum(axis=(1, 2), keepdims=True)
    groups = []
    for x, y, energy in np.unique(scan.points, axis=0):
        own = fractions[(scan.points == (x, y, energy)).all(axis=1)]
        mean, variance = own.mean(axis=0), own.var(axis=0, ddof=1)
        groups.append(Group(float(x), float(y), float(energy), len(own), mean, variance))
    return groups


def _start(name: str, groups: Sequence[Group], files: str) -> Model:
    """Return the model that the fit starts from."""
    energies = [g.energy for g in groups]
    profile = ShowerProfile(
        name=name,
        share=START_SHARE,
        width=START_WIDTH,
        stochastic=START_SPREAD[0],
        constant=START_SPREAD[1],
        energy_range=(min(energies), max(energies)),
        source=f"computed: processors/make_shower_profile.py from {files} "
        f"({sum(g.n_events for g in groups)} electrons in Geant4, {len(groups)} points)",
    )
    return Model(profile, START_SPREAD[2])


def _mean(point: Group, profile: ShowerProfile, dx: float = 0.0, dy: float = 0.0) -> Floats:
    """Return the model's share of each cell in what the grid sees, for an axis moved by (dx, dy) [mm]."""
    cells = cell_fractions(profile, X - point.x - dx, Y - point.y - dy, (PITCH, PITCH))
    return np.asarray(cells / cells.sum())


def _variance(point: Group, profile: ShowerProfile, spread: Floats) -> Floats:
    """Return the model's variance of each cell: energy sharing, and the axis' wander times the slope."""
    stochastic, constant, wander = spread
    own = fraction_rms(
        replace(profile, stochastic=stochastic, constant=constant), _mean(point, profile), point.energy
    )
    slopes = (
        (_mean(point, profile, STEP, 0) - _mean(point, profile, -STEP, 0)) / (2 * STEP),
        (_mean(point, profile, 0, STEP) - _mean(point, profile, 0, -STEP)) / (2 * STEP),
    )
    return np.asarray(own**2 + wander**2 / point.energy * (slopes[0] ** 2 + slopes[1] ** 2))


def _spread(model: Model) -> Floats:
    """Return the three parameters of the fluctuations."""
    return np.array([model.profile.stochastic, model.profile.constant, model.wander])


def _residuals(groups: Sequence[Group], model: Model) -> Floats:
    """Return (data - model) / error of the mean fractions, all groups and cells."""
    return np.concatenate(
        [
            (
                (g.mean - _mean(g, model.profile))
                / np.sqrt(_variance(g, model.profile, _spread(model)) / g.n_events)
            ).ravel()
            for g in groups
        ]
    )


def _fit_mean(groups: Sequence[Group], model: Model) -> Model:
    """Return the model with shares and widths fitted by least squares, errors fixed to those of ``model``."""
    errors = [np.sqrt(_variance(g, model.profile, _spread(model)) / g.n_events) for g in groups]

    def residuals(parameters: Floats) -> Floats:
        profile = _with_shape(model.profile, parameters)
        pulls = [(g.mean - _mean(g, profile)) / e for g, e in zip(groups, errors, strict=True)]
        return np.concatenate(pulls, axis=None)

    start = np.log([*model.profile.share[:-1], *model.profile.width])
    start[: len(model.profile.share) - 1] -= np.log(model.profile.share[-1])
    fit = least_squares(residuals, start, x_scale="jac")
    return model._replace(profile=_with_shape(model.profile, fit.x))


def _with_shape(profile: ShowerProfile, parameters: Floats) -> ShowerProfile:
    """Return the profile with shares (log of the ratios to the last) and widths (log) from the fit."""
    n = len(profile.share)
    share = np.exp([*parameters[: n - 1], 0.0])
    order = np.argsort(parameters[n - 1 :])
    return replace(
        profile,
        share=tuple((share / share.sum())[order].tolist()),
        width=tuple(np.exp(parameters[n - 1 :])[order].tolist()),
    )


def _fit_spread(groups: Sequence[Group], model: Model) -> Model:
    """Return the model with the fluctuations fitted to the sample variances by maximum likelihood."""

    def likelihood(logs: Floats) -> float:
        total = 0.0
        for g in groups:
            variance = _variance(g, model.profile, np.exp(logs))
            total += (g.n_events - 1) * float((g.variance / variance + np.log(variance)).sum())
        return total

    logs = np.log(_spread(model))
    fit = minimize(likelihood, logs, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-2})
    stochastic, constant, wander = np.exp(fit.x).tolist()
    return Model(replace(model.profile, stochastic=stochastic, constant=constant), wander)


def _as_yaml(model: Model, quality: str) -> str:
    """Return the file's text."""
    source = (
        f"{model.profile.source}; mean fractions of the cells: {quality}; the axis wanders by "
        f"{model.wander:.2f} mm / sqrt(E / GeV) around the particle's line, which is not part of the rms"
    )
    return HEAD + profile_as_yaml(replace(model.profile, source=source))


def profile_as_yaml(profile: ShowerProfile) -> str:
    """Return a profile as `datasets.profiles` reads it, the numbers rounded to five digits."""
    share = [round(value, 5) for value in profile.share[:-1]]
    fields = {
        "name": profile.name,
        "share": [*share, round(1 - sum(share), 5)],
        "width": [float(f"{value:.5g}") for value in profile.width],
        "stochastic": float(f"{profile.stochastic:.4g}"),
        "constant": float(f"{profile.constant:.3g}"),
        "energy_range": list(profile.energy_range),
        "source": profile.source,
    }
    return yaml.safe_dump(fields, sort_keys=False, width=100, default_flow_style=None)


def _parse() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("impact_scan", type=Path, help="ROOT file: one energy, several impact points")
    parser.add_argument("energy_scan", type=Path, help="ROOT file: one impact point, several energies")
    parser.add_argument("-o", "--output", type=Path, required=True, help="YAML file to write")
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(**vars(_parse()))
