"""The setup of the hadron mode and its period."""

import numpy as np
import pytest

from datasets.periods import load_periods
from datasets.setups import load_setup
from recon.cells import is_alive
from recon.field import State, propagate

SETUP = load_setup("na64h_2022")


def test_every_number_has_a_source() -> None:
    kinds = ("published", "assumed", "computed", "geant4")
    assert {path: text for path, text in SETUP.sources.items() if not text.startswith(kinds)} == {}


def test_pions_of_half_the_momentum_meet_what_electrons_meet() -> None:
    """Half of the field: the beam passes S3, S4 and the middle of the ECAL within a millimetre or two."""
    beam, magnets = SETUP.beam, SETUP.spectrometers["incoming"].magnets
    assert (beam.particle, beam.momentum, SETUP.spectrometers["incoming"].field_integral) == (
        *("pi-", 50.0),
        pytest.approx(-3.5),
    )
    start = State(*(np.array([v]) for v in (0.0, 0.0, *beam.direction, beam.charge / beam.momentum)))
    for section in (*SETUP.detectors["counters"].sections, SETUP.detectors["ecal"].sections[0]):
        assert propagate(start, -10_000.0, section.z, magnets).x[0] == pytest.approx(
            section.centre[0], abs=2.0
        )


def test_pions_are_what_contamination_leaves() -> None:
    assert SETUP.beam.contamination == {"e-": 0.01, "mu-": 0.01}
    shares = [SETUP.beam.share_of(name) for name in ("pi-", "e-", "mu-", "K-")]
    assert shares == pytest.approx([0.98, 0.01, 0.01, 0.0])


def test_measured_zeros_of_the_whole_srd_are_no_pion() -> None:
    cells = np.array([[0.0, 0.0, 0.0], [0.0, 1e-5, 0.0]])
    srd = SETUP.detectors["srd"]
    assert is_alive(cells, srd, zeros_are_dead=True).all(axis=1).tolist() == [False, True]
    assert is_alive(cells, srd, zeros_are_dead=False).all()  # zero-suppressed, or simulated


def test_quiet_target_and_hcal_are_closed() -> None:
    closed = [dict(period.closed) for period in load_periods() if period.setup == SETUP.name]
    assert closed == [{"hadron": {"ecal_energy": (None, 1.0), "hcal_energy": (None, 1.0)}}]
