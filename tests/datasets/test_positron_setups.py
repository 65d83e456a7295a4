"""The setups of the positron mode, and lists that are changed name by name."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from datasets.config import ConfigError
from datasets.periods import load_periods
from datasets.setups import load_setup
from physics.materials import material
from recon.field import State, propagate
from recon.geometry import Setup

NAMES = ("na64pos_2022", "na64pos_2023", "poker_pilot")


def orbit(setup: Setup, z: float) -> float:
    """Return x of the nominal positron at z [mm]."""
    start = (0.0, 0.0, 0.0, 0.0, setup.beam.charge / setup.beam.momentum)
    magnets = setup.spectrometers["incoming"].magnets
    return float(propagate(State(*(np.array([v]) for v in start)), -10_000.0, z, magnets).x[0])


@pytest.mark.parametrize("name", NAMES)
def test_positrons_fly_through_what_is_there_for_them(name: str) -> None:
    setup = load_setup(name)
    assert (setup.beam.particle, setup.beam.charge) == ("e+", 1)
    assert sum(setup.beam.contamination.values()) == pytest.approx(0.04)
    assert setup.spectrometers["incoming"].field_integral == pytest.approx(7.0)
    for plane in setup.spectrometers["incoming"].planes:
        assert plane.centre[0] == pytest.approx(orbit(setup, plane.z), abs=1.0)
    ecal = setup.detectors["ecal"]
    assert ecal.sections[-1].centre[0] == pytest.approx(orbit(setup, ecal.sections[-1].z), abs=2.0)
    edges = [s.centre[0] - 0.5 * s.grid.pitch[0] for s in setup.detectors["srd"].sections]
    assert 15.0 < min(edges) - orbit(setup, 16_000.0) < 35.0  # the modules end beside the beam
    assert np.allclose(
        [a.centre[0] - b.centre[0] for a, b in pairwise(setup.detectors["srd"].sections)],
        setup.detectors["srd"].sections[0].grid.pitch[0],
    )  # and stand side by side


def test_poker_is_made_of_81_crystals_behind_four_layers_across() -> None:
    ecal = load_setup("poker_pilot").detectors["ecal"]
    assert [s.grid.shape for s in ecal.sections] == [(9, 1), (1, 9), (9, 1), (1, 9), (9, 9)]
    assert ecal.preshower == (0, 1, 2, 3)
    main, crystal = ecal.sections[-1], material("PbWO4")
    assert (*main.grid.pitch, main.length) == (20.0, 20.0, 220.0)
    assert crystal.radiation_length == pytest.approx(8.9, abs=0.05)
    assert crystal.moliere_radius == pytest.approx(20.0, abs=0.5)
    assert ecal.response.light_yield**-0.5 == pytest.approx(0.025)


def test_closed_regions_are_thresholds_of_the_missing_energy() -> None:
    closed = {p.setup: p.closed["positron"]["missing_energy"] for p in load_periods() if p.setup in NAMES}
    assert closed == {
        "na64pos_2022": (50.0, None),
        "na64pos_2023": (50.0, None),
        "poker_pilot": (25.0, None),  # of the baseline's 50 and the aggressive 25 GeV, the union
    }


def test_a_name_that_a_list_does_not_have_cannot_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "extends: na64pos_2022\nname: mine\ndetectors: {veto: {sections: {changed: {veto9: {z: 1.0}}}}}\n"
    )
    with pytest.raises(
        ConfigError, match=r"detectors.veto.sections.changed names 'veto9', there are veto0, veto1"
    ):
        load_setup(str(path))
