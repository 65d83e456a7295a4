"""The hadrons that were measured in a beam, beside those that were simulated."""

from __future__ import annotations

from typing import Any, NamedTuple

from na64.run.stored import StoredRun
from selections.background.beam_tag import BeamTag
from selections.background.intervals import Interval

__all__ = ["Rescaling", "rescale", "rescaling_json", "rescaling_text"]


class Rescaling(NamedTuple):
    """By what simulated hadrons are multiplied, or why they are not."""

    measured: Interval  # share of the beam
    simulated: float  # share of the beam in the files of the simulation
    factor: Interval | None  # None: both are shown beside each other
    reason: str  # why there is no factor


def rescale(simulated: float, beam: StoredRun, tag: BeamTag) -> Rescaling:
    """
    Compare a measured contamination with the simulated one.

    Parameters
    ----------
    simulated : float
        Yield of beam hadrons in the files of the simulation, per particle of the beam.
    beam : StoredRun
        In which the contamination was measured.
    tag : BeamTag

    Returns
    -------
    Rescaling
        With a factor where the beam is one of real particles; where none was found, that of the upper end.
    """
    found = tag.contamination
    if "simulation" in beam.kinds:
        reason = "the beam is a simulation, which gives back what its own setup put in: a closure"
        return Rescaling(found, simulated, None, reason)
    at = found if found.value > 0 else Interval(found.high, 0.0, found.high)
    return Rescaling(found, simulated, at.scaled(1 / simulated), "")


def rescaling_text(found: Rescaling) -> str:
    """Return a line for people."""
    value, low, high = (100 * number for number in found.measured)
    shares = (
        f"hadrons in the beam: {value:.3f}% ({low:.3f} to {high:.3f}%) measured, "
        f"{100 * found.simulated:.3f}% simulated"
    )
    if found.factor is None:
        return f"{shares}; the simulation is not scaled to it, since {found.reason}"
    size = found.factor
    return f"{shares}: its hadrons are multiplied by {size.value:.3f} ({size.low:.3f} to {size.high:.3f})"


def rescaling_json(found: Rescaling) -> dict[str, Any]:
    """Return plain values for background.json."""
    return {
        "measured": found.measured._asdict(),
        "simulated": found.simulated,
        "factor": None if found.factor is None else found.factor._asdict(),
        "reason": found.reason,
    }
