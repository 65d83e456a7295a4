"""The relic's coupling, against the Boltzmann equation, and the moment of the muon, against Schwinger's."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from physics.anomalous_moment import coupling_of_moment, vector_moment
from physics.dark_photon import ALPHA
from physics.relic import DarkMatter, relic_yield

PLANCK, DEGREES = 1.220890e19, 10.75


def density(mass: float, y: float, ratio: float, kind: DarkMatter) -> float:
    """Return Omega h^2 by the evolution of n / s in x = m / T, on electrons alone without their mass."""
    states = {"scalar": 2, "majorana": 2, "pseudo-dirac": 4, "dirac": 4}[kind]
    pole = ALPHA * y / mass**2 / (1 - 4 * ratio**2) ** 2

    def rate(x: float) -> float:
        if kind in {"dirac", "pseudo-dirac"}:
            return 0.5 * 16 * np.pi * pole
        return (1.0 if kind == "majorana" else 0.5) * 8 * np.pi / 3 * pole * 6 / x

    def equilibrium(x: float) -> float:
        return float(45 / (4 * np.pi**4) * np.sqrt(np.pi / 2) * states / DEGREES * x**1.5 * np.exp(-x))

    front = np.sqrt(np.pi * DEGREES / 45) * PLANCK * mass

    def change(log_y: float, at: np.ndarray) -> list[float]:
        x, found = np.exp(log_y), np.exp(max(at[0], -300.0))
        return [front * rate(x) / x * (equilibrium(x) ** 2 / found - found)]

    start, end = np.log(3.0), np.log(3000.0)
    solution = solve_ivp(change, (start, end), [np.log(equilibrium(3.0))], method="Radau", rtol=1e-6)
    return float(2.745e8 * mass * np.exp(solution.y[0, -1]))


@pytest.mark.parametrize("kind", ["scalar", "majorana", "dirac"])
def test_relic_has_the_observed_density(kind: DarkMatter) -> None:
    y = relic_yield(0.02, 1 / 3, kind)
    assert density(0.02, y, 1 / 3, kind) == pytest.approx(0.120, rel=0.15)


def test_a_second_channel_opens_at_the_muon() -> None:
    below, above = (relic_yield(m, 1 / 3, "scalar") / m**2 for m in (0.1, 0.3))
    assert above == pytest.approx(below / 2, rel=0.2)


@pytest.mark.parametrize(("mass", "ratio", "kind"), [(4e-4, 1 / 3, "scalar"), (0.1, 0.5, "scalar")])
def test_what_has_no_relic_line_is_refused(mass: float, ratio: float, kind: DarkMatter) -> None:
    with pytest.raises(ValueError, match="a relic needs"):
        relic_yield(mass, ratio, kind)


def test_a_light_boson_gives_the_moment_of_the_photon() -> None:
    assert vector_moment(1e-7, np.sqrt(4 * np.pi * ALPHA)) == pytest.approx(ALPHA / (2 * np.pi), rel=1e-3)
    heavy = 1 / (12 * np.pi**2) * (0.1056583755 / 50.0) ** 2  # the leading power of m_mu / m
    assert vector_moment(50.0, 1.0) == pytest.approx(heavy, rel=1e-3)
    assert vector_moment(0.1, coupling_of_moment(0.1, 2.5e-9)) == pytest.approx(2.5e-9)
