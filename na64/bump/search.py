"""The bump search of a run directory: its spectrum, what of it is closed, and the width of a signal."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from datasets.setups import load_setup
from limits.bump import Scan, Spectrum, line_width, mass_grid, scan_masses
from na64.errors import UserError
from na64.run.closed_bins import closed_bins
from na64.run.stored import StoredRun
from physics.dark_photon import resonance_energy
from recon.geometry import Setup
from selections.background.plane import spectrum as spectrum_of
from selections.regions import Region

__all__ = ["COLUMN", "BumpSearch", "SearchOptions", "resolution_of", "search_bump"]

COLUMN = "missing_energy"
_PLANE = "edep_plane_final"
_ABOVE_TRIGGER = 5.0  # [GeV] missing energy above the trigger's threshold, where all events are recorded


class SearchOptions(NamedTuple):
    """What is looked for, and where."""

    alpha_d: float = 0.1
    mass_ratio: float = 1 / 3  # m_chi / m_A'
    first: float | None = (
        None  # [GeV] missing energies of the search; None: 5 GeV above the trigger's threshold
    )
    last: float | None = None  # None: that of the beam
    n_toys: int = 1000
    seed: int = 1


class BumpSearch(NamedTuple):
    """The result, with what it was made of."""

    run: StoredRun
    options: SearchOptions
    spectrum: Spectrum  # within the range of the search
    closed: tuple[tuple[float, float], ...]  # [GeV] stretches that are closed
    scan: Scan


def search_bump(run: StoredRun, options: SearchOptions) -> BumpSearch:
    """
    Look for a bump in the missing energy of the events after all cuts.

    On closed data every number is a function of shown events: bins that a closed region touches are not used,
    neither as a signal nor to fit the background.

    Parameters
    ----------
    run : StoredRun
    options : SearchOptions

    Raises
    ------
    UserError
        If the run has no spectrum of the missing energy, or holds weighted events or several kinds.
    """
    setup = load_setup(run.record["setup"])
    plane = run.plane(_PLANE)
    if COLUMN not in plane.columns or len(run.kinds) != 1:
        held = f"holds {', '.join(sorted(run.kinds))}" if COLUMN in plane.columns else "has none"
        msg = f"{run.path}: a bump is looked for in the missing energy of one kind of events; it {held}"
        raise UserError(msg)
    limits = {name: tuple(limit) for name, limit in run.record["selection"]["signal_box"].items()}
    box = Region(name="signal_box", limits={k: v for k, v in limits.items() if k != COLUMN})
    try:
        whole = spectrum_of(plane, box, COLUMN)
    except ValueError as error:
        msg = f"{run.path}: {error}"
        raise UserError(msg) from error
    is_open, closed = closed_bins(whole.edges, COLUMN, run.record["blinding"], box)
    first, last = _range(setup, options, whole.edges)
    used = slice(*(int(np.argmin(np.abs(whole.edges - edge))) for edge in (first, last)))
    edges = whole.edges[used.start : used.stop + 1]
    spectrum = Spectrum(edges, np.where(is_open, whole.counts, 0)[used], is_open[used])

    def width_of(mass: float) -> float:
        resolution = resolution_of(setup, resonance_energy(mass))
        return line_width(mass, options.alpha_d, options.mass_ratio, resolution)

    masses = mass_grid(first, last, width_of)
    rng = np.random.default_rng(options.seed)
    scan = scan_masses(spectrum, masses.tolist(), width_of, n_toys=options.n_toys, rng=rng)
    return BumpSearch(run, options, spectrum, closed, scan)


def _range(setup: Setup, options: SearchOptions, edges: np.ndarray) -> tuple[float, float]:
    """Return the first and the last missing energy of the search, at edges of bins [GeV]."""
    beam = setup.beam.momentum
    threshold = setup.trigger.limits.get("ecal_energy", (None, None))[1]
    first = beam - threshold + _ABOVE_TRIGGER if threshold is not None else 0.25 * beam
    first = first if options.first is None else options.first
    last = beam if options.last is None else options.last
    if not edges[0] <= first < last <= edges[-1]:
        msg = (
            f"the search must go from a smaller to a larger missing energy within {edges[0]:g} and "
            f"{edges[-1]:g} GeV, got {first:g} and {last:g} GeV (--from, --to)"
        )
        raise UserError(msg)
    ends = [float(edges[int(np.argmin(np.abs(edges - at)))]) for at in (first, last)]
    return ends[0], ends[1]


def resolution_of(setup: Setup, missing: float) -> float:
    """
    Return the standard deviation of the missing energy [GeV].

    That of the energy in the ECAL, by the response of the setup, and the spread of the beam.

    Parameters
    ----------
    setup : Setup
    missing : float [GeV]
        True missing energy.
    """
    left = max(setup.beam.momentum - missing, 0.0)
    response = setup.detectors["ecal"].response
    light = response.light_yield * response.sampling_fraction
    stochastic = response.stochastic**2 + (1.0 / light if light else 0.0)
    constant = response.constant**2 + response.light_spread**2
    beam = (setup.beam.spread * setup.beam.momentum) ** 2
    return float(np.sqrt(stochastic * left + constant * left**2 + beam))
