"""Electron efficiency, hadron mistag and contamination of a beam, out of tag-and-probe counts."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from selections.background.intervals import Interval, poisson_interval
from selections.background.tagging import contamination
from selections.cutflow import clopper_pearson
from selections.tag_and_probe import STATES, ProbeCounts

__all__ = ["BeamTag", "measure_beam_tag", "share"]

Floats = npt.NDArray[np.float64]
_ALL, _TAGGED, _SIDE_BAND = range(len(STATES))


class BeamTag(NamedTuple):
    """What a beam without the tag's cut tells of the tag, and the tag of the beam."""

    events: tuple[int, int, int]  # of the beam, of its electron and hadron probes
    efficiency: Interval  # electrons that are tagged
    mistag: Interval  # hadrons that are tagged, accidentals among them
    tagged: Interval  # of the beam
    side_band: tuple[Interval, Interval, Interval]  # share of the beam, of electrons, of hadrons
    contamination: Interval  # hadrons in the beam, from the side band
    untagged: Interval  # the same from the particles that are not tagged


def share(part: Floats, total: Floats) -> Interval:
    """
    Return a share with its 68.27% interval: Clopper-Pearson of counts, or by the moments of weights.

    Parameters
    ----------
    part, total : float64, shape (3,)
        Count, sum of weights and of their squares; ``part`` is a part of ``total``.

    Raises
    ------
    ValueError
        If the total is empty.
    """
    n, weights, squares = total
    if not weights > 0:
        msg = "a share of nothing is not known"
        raise ValueError(msg)
    if math.isclose(weights, n, rel_tol=1e-9) and math.isclose(squares, n, rel_tol=1e-9):
        return Interval(*clopper_pearson(round(part[0]), round(n)))
    value, one = part[1] / weights, poisson_interval(0).high * squares / weights**2
    if part[0] in {0.0, n}:  # as far as some events of mean weight on the other side would move it
        return Interval(0.0, 0.0, min(1.0, one)) if part[0] == 0 else Interval(1.0, max(0.0, 1 - one), 1.0)
    error = math.sqrt(max((1 - 2 * value) * part[2] + value**2 * squares, 0.0)) / weights
    return Interval(value, max(0.0, value - error), min(1.0, value + error))


def measure_beam_tag(counts: ProbeCounts) -> BeamTag:
    """
    Return efficiency, mistag and contamination.

    Of the share f of the beam in the side band, ``f = (1 - c) e + c h`` with the shares e of electrons and h
    of hadrons, each from its probes. Events in a probe and in the beam are taken as independent, which makes
    the interval too wide rather than too narrow.

    Parameters
    ----------
    counts : ProbeCounts
        Of "beam", "electron" and "hadron".

    Raises
    ------
    ValueError
        If there are no electron or no hadron probes, or the tag does not tell them apart.
    """
    rows = dict(zip(counts.names, counts.sums, strict=True))
    for name in ("electron", "hadron"):
        if not rows[name][_ALL][1] > 0:
            msg = f"no {name} probes among {rows['beam'][_ALL][0]:.0f} particles of the beam"
            raise ValueError(msg)
    beam, electron, hadron = (rows[name] for name in ("beam", "electron", "hadron"))
    tagged, efficiency, mistag = (share(row[_TAGGED], row[_ALL]) for row in (beam, electron, hadron))
    bands = tuple(share(row[_SIDE_BAND], row[_ALL]) for row in (beam, electron, hadron))
    outside = [Interval(1 - band.value, 1 - band.high, 1 - band.low) for band in bands]
    return BeamTag(
        events=(round(beam[_ALL][0]), round(electron[_ALL][0]), round(hadron[_ALL][0])),
        efficiency=efficiency,
        mistag=mistag,
        tagged=tagged,
        side_band=(bands[0], bands[1], bands[2]),
        contamination=contamination(*outside),
        untagged=contamination(tagged, efficiency, mistag),
    )
