"""The reference shape of electromagnetic showers."""

from __future__ import annotations

from dataclasses import dataclass

from recon.geometry.strict import Strict

__all__ = ["ShowerProfile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowerProfile(Strict):
    """
    Mean and fluctuation of the lateral energy density of showers, as a sum of round Gaussians.

    The density around the shower axis is ``sum_i share_i exp(-r^2 / 2 width_i^2) / (2 pi width_i^2)``. Its
    integral over a cell is a product of error functions per component: the cumulative method of A. A. Lednev
    (Nucl. Instrum. Meth. A 366 (1995) 292) with Gaussians in place of his terms of r^-3. On the Geant4 scans
    of ``ecal_geant4`` (756 cells) five Gaussians have chi2 = 850, two or three positive terms of r^-3, whose
    tails are too long, 18500. If terms may be subtracted, three have 980 and four 780, but their density is
    negative beyond 22 and 26 cm, inside of the grid. No change is seen from 10 to 100 GeV, so one set of
    parameters holds for all energies (widths go with the Moliere radius: G. Grindhammer, S. Peters,
    arXiv:hep-ex/0001020).
    """

    name: str
    share: tuple[float, ...]  # of the energy in each component; positive, sums to 1
    width: tuple[float, ...]  # [mm] of each component
    stochastic: float  # [sqrt(GeV)] relative rms is hypot(stochastic / sqrt(E), constant)
    constant: float
    energy_range: tuple[float, float]  # [GeV] of the showers that the numbers come from
    source: str

    def __post_init__(self) -> None:
        if len(self.share) != len(self.width) or not all(v > 0 for v in (*self.share, *self.width)):
            msg = (
                f"profile '{self.name}' needs as many shares as widths, all of them above 0, "
                f"got {self.share} and {self.width}"
            )
            raise ValueError(msg)
        if not abs(sum(self.share) - 1) < 1e-6:
            msg = f"profile '{self.name}': the shares must add up to 1, got {sum(self.share)}"
            raise ValueError(msg)
        if not self.stochastic > 0 or not self.constant >= 0:
            msg = (
                f"profile '{self.name}' needs stochastic > 0 and constant >= 0, "
                f"got {self.stochastic} and {self.constant}"
            )
            raise ValueError(msg)
        if not 0 < self.energy_range[0] <= self.energy_range[1]:
            msg = f"profile '{self.name}': energy_range must be above 0 and rise, got {self.energy_range}"
            raise ValueError(msg)
