"""How the track behind the target goes on from the one in front of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from physics.materials import blend, material
from physics.scattering import scattering_angle
from recon.geometry import Detector

__all__ = ["TargetMatch", "TargetTrack", "match_tracks", "target_matter"]

Floats = npt.NDArray[np.float64]


class TargetTrack(NamedTuple):
    """Tracks on their ways to the middle of the target, (n_events,) each; NaN without one."""

    x: Floats  # [mm]
    y: Floats  # [mm]
    x_error: Floats  # [mm]
    y_error: Floats  # [mm]
    slope_x: Floats
    slope_y: Floats


class TargetMatch(NamedTuple):
    """How two tracks meet, (n_events,) each; NaN where one is missing."""

    distance: Floats  # [mm] between them in the middle of the target
    pull: Floats  # that distance over its standard error, both coordinates together
    angle: Floats  # [rad] between them


def target_matter(target: Detector) -> tuple[float, float, float]:
    """
    Return z of the middle [mm], length [mm] and thickness [X0] of a target.

    A setup that does not say what the target is made of gives a thickness of 0.
    """
    front = min(section.z for section in target.sections)
    back = max(section.z + section.length for section in target.sections)
    depth = 0.0
    for section in target.sections:
        matter = section.matter
        if matter is None:
            continue
        layer = [(material(matter.active), matter.active_thickness)]
        if matter.absorber:
            layer.append((material(matter.absorber), matter.absorber_thickness))
        depth += matter.thickness / blend(layer).radiation_length
    return 0.5 * (front + back), back - front, depth


def match_tracks(before: TargetTrack, after: TargetTrack, momentum: Floats, target: Detector) -> TargetMatch:
    """
    Compare the tracks in front of the target and behind it where both reach its middle.

    A particle that scatters all along a target of length L by theta_0 leaves on a line that misses the one it
    came on by theta_0 L / sqrt(12) in the middle, whatever the angle (PDG 2024, eq. (34.20)).

    Parameters
    ----------
    before, after : TargetTrack
    momentum : float64, shape (n_events,) [GeV]
        At which it scatters: that behind the target.
    target : Detector

    Returns
    -------
    TargetMatch
    """
    _, length, thickness = target_matter(target)
    safe = np.where(momentum > 0, momentum, np.nan)
    width = scattering_angle(np.where(np.isnan(safe), 1.0, safe), thickness) * np.where(
        np.isnan(safe), np.nan, 1
    )
    variance = width**2 * length**2 / 12.0
    dx, dy = after.x - before.x, after.y - before.y
    pull = dx**2 / (before.x_error**2 + after.x_error**2 + variance)
    pull += dy**2 / (before.y_error**2 + after.y_error**2 + variance)
    angle = np.hypot(after.slope_x - before.slope_x, after.slope_y - before.slope_y)
    return TargetMatch(np.hypot(dx, dy), np.sqrt(pull), angle)
