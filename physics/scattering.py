"""Multiple Coulomb scattering of a charged particle in matter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["scattering_angle"]

# PDG, Review of Particle Physics 2024, "Passage of particles through matter", eq. (34.16);
# constants of Lynch and Dahl, Nucl. Instrum. Meth. B 58 (1991) 6.
_SCALE = 13.6e-3  # [GeV]
_LOG_SLOPE = 0.038


def scattering_angle(
    momentum: npt.ArrayLike,
    radiation_lengths: npt.ArrayLike,
    *,
    beta: npt.ArrayLike = 1.0,
    charge: npt.ArrayLike = 1.0,
) -> npt.NDArray[np.float64]:
    """
    Return the width of the projected multiple-scattering angle (Highland, Lynch and Dahl).

    ``theta_0 = 13.6 MeV / (beta p) |z| sqrt(t) (1 + 0.038 ln(t z^2 / beta^2))`` with ``t`` the
    thickness in radiation lengths: the Gaussian width of the central 98% of the angle projected on a
    plane. Lynch and Dahl give its accuracy as 11% for 1e-3 < t < 100; the tails beyond are wider than a
    Gaussian. Below t of about 4e-12, where the bracket would be negative, the width is 0.

    Parameters
    ----------
    momentum : float64, any shape [GeV]
        Above 0.
    radiation_lengths : float64, any shape [X0]
        Thickness along the path; not negative.
    beta : float64, any shape
        Velocity over c, above 0 and at most 1.
    charge : float64, any shape [e]

    Returns
    -------
    float64, shape broadcast from the arguments [rad]
        NaN where an argument is NaN.

    Raises
    ------
    ValueError
        If a momentum, a thickness or a velocity is outside its range.
    """
    p, t, b, z = (np.asarray(v, dtype=np.float64) for v in (momentum, radiation_lengths, beta, charge))
    if np.any(p <= 0) or np.any(t < 0):
        msg = f"scattering needs momentum > 0 and radiation_lengths >= 0, got {p} and {t}"
        raise ValueError(msg)
    if np.any(b <= 0) or np.any(b > 1):
        msg = f"scattering needs 0 < beta <= 1, got {b}"
        raise ValueError(msg)
    effective = t * z**2 / b**2
    logarithm = np.log(np.where(effective == 0, 1.0, effective))
    bracket = np.maximum(1 + _LOG_SLOPE * logarithm, 0.0)
    return np.asarray(_SCALE / (b * p) * np.abs(z) * np.sqrt(t) * bracket)
