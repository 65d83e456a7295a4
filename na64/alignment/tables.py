"""What an alignment found, as a table for the terminal and as JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.alignment import Aligned
from recon.alignment import AlignmentConfig
from recon.geometry import Spectrometer

__all__ = ["PARAMETERS", "alignment_json", "alignment_text"]

PARAMETERS = ("dx", "dy", "rotation")
_UNITS = ("mm", "mm", "mrad")
_SCALES = (1.0, 1.0, 1e3)
_FAR = 3.0  # times what is believed: no misplaced plane but a wrong setup


def alignment_json(found: Aligned, spectrometer: Spectrometer) -> dict[str, Any]:
    """Return all numbers of an alignment [mm, rad]; errors are None for what was kept where it is."""
    errors = np.stack([found.fit.dx_error, found.fit.dy_error, found.fit.rotation_error])
    planes = {}
    for index, plane in enumerate(spectrometer.planes):
        numbers: dict[str, Any] = {
            name: {
                "old": float(found.old[row, index]),
                "new": float(found.new[row, index]),
                "error": float(errors[row, index]) or None,
                "is_determined": bool(found.fit.is_determined[row, index]),
            }
            for row, name in enumerate(PARAMETERS)
        }
        for axis, name in enumerate("xy"):
            before, after = (values[:, 2 * index + axis] for values in found.residuals)
            numbers[f"residual_{name}"] = {
                "mean": [float(before.mean()), float(after.mean())],
                "width": [float(before.std()), float(after.std())],
            }
        planes[plane.name] = numbers
    return {
        "planes": planes,
        "events_used": found.sums.n_used,
        "events_rejected": found.sums.n_rejected,
        "chi2_limit": found.limit,
        "median_chi2": list(found.median_chi2),
        "median_chi2_expected": found.expected_chi2,
        "passes": found.n_passes,
        "is_settled": found.is_settled,
    }


def alignment_text(found: Aligned, spectrometer: Spectrometer) -> str:
    """Return one line per plane, and what to know of the fit."""
    head = ["plane", *(f"{name} [{unit}]" for name, unit in zip(PARAMETERS, _UNITS, strict=True))]
    rows = [[*head, "residuals x [mm]", "residuals y [mm]"]]
    errors = np.stack([found.fit.dx_error, found.fit.dy_error, found.fit.rotation_error])
    for index, plane in enumerate(spectrometer.planes):
        row = [plane.name]
        for parameter, scale in enumerate(_SCALES):
            value, error = scale * found.new[parameter, index], scale * errors[parameter, index]
            mark = "" if found.fit.is_determined[parameter, index] or not error else " ?"
            row.append(f"{value:.4f} ± {error:.4f}{mark}" if error else f"{value:.4f} kept")
        for axis in range(2):
            before, after = (values[:, 2 * index + axis] for values in found.residuals)
            row.append(
                f"{before.mean():+.3f} ({before.std():.3f}) -> {after.mean():+.3f} ({after.std():.3f})"
            )
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    chi2_before, chi2_after = found.median_chi2
    lines.append("residuals of fitted tracks: mean (width), before -> after")
    if (~found.fit.is_determined & (errors > 0)).any():
        lines.append("?: tracks say little of it; it is near to what was believed before")
    lines.append(
        f"tracks: {found.sums.n_used} used, {found.sums.n_rejected} rejected (chi2 above {found.limit:.1f}); "
        f"median chi2 {chi2_before:.2f} -> {chi2_after:.2f}, expected {found.expected_chi2:.2f}"
    )
    lines += _far(found, spectrometer)
    if not found.is_settled:
        lines.append(
            f"not settled after {found.n_passes} passes: give more --passes, or align again from here"
        )
    if chi2_after > 2 * found.expected_chi2:
        lines.append("chi2 is far above what is expected: resolutions, matter, dz or the field are not right")
    return "\n".join(lines)


def _far(found: Aligned, spectrometer: Spectrometer) -> list[str]:
    """Return a line for each number that is much farther off than planes are believed to be."""
    believed = AlignmentConfig()
    lines = []
    limits = (believed.shift, believed.shift, believed.rotation)
    for parameter, (limit, scale) in enumerate(zip(limits, _SCALES, strict=True)):
        for index, plane in enumerate(spectrometer.planes):
            value = found.new[parameter, index]
            if abs(value) > _FAR * limit:
                lines.append(
                    f"{plane.name} {PARAMETERS[parameter]} of {scale * value:.4g} {_UNITS[parameter]} is "
                    f"{abs(value) / limit:.0f} times what is believed possible: look at --field-off, beam "
                    "momentum and setup before you use it"
                )
    return lines
