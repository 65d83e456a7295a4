"""The simulation beside Geant4: every number of docs/simulation.md within its stated tolerance."""

from functools import cache

import pytest

from datasets.simulation.comparison import Comparison, compare


@cache
def comparisons() -> list[Comparison]:
    return list(compare())


def test_there_is_something_to_compare() -> None:
    groups = {c.group for c in comparisons()}
    assert len(groups) == 17
    assert len(comparisons()) > 80
    assert sum(c.quantity.is_input for c in comparisons()) < 0.1 * len(comparisons())


def test_every_number_is_within_its_tolerance() -> None:
    apart = [
        f"{c.group}, {c.quantity.title}: Geant4 {c.geant4:.4g} ± {c.geant4_error:.2g}, ours {c.ours:.4g}, "
        f"tolerance {c.quantity.tolerance:.2g} {c.quantity.unit}"
        for c in comparisons()
        if not abs(c.ours - c.geant4) <= c.quantity.tolerance
    ]
    assert apart == []


def test_a_wrong_simulation_would_be_noticed() -> None:
    """Tolerances are narrower than what a scale error of 10% in energies of calorimeters would do."""
    energies = [c for c in comparisons() if "median" in c.quantity.title and c.quantity.unit == "GeV"]
    assert len(energies) >= 4
    noticed = [c for c in energies if c.quantity.tolerance < 0.16 * abs(c.geant4)]
    assert len(noticed) == len(energies)


@pytest.mark.parametrize("energy", [10, 20, 30, 50, 80, 100])
def test_resolution_of_the_ecal_is_ten_percent_over_root_e(energy: int) -> None:
    found = next(
        c
        for c in comparisons()
        if c.group.startswith(f"e- of {energy} GeV") and c.quantity.title == "sigma / E"
    )
    assert found.ours == pytest.approx(10 / energy**0.5, rel=0.1)
