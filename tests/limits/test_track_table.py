"""Tables of track lengths: made, written, read, refused, and what yields become with them."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.processes.target import atoms_of
from datasets.simulation.stack import build_stack
from limits.model import ModelError
from limits.run_input import RunInput
from limits.scan import Problem, limit_point
from limits.signal import MODELS, Settings, expected_events, track_error
from limits.track_simulation import BATCHES, measure_tracks, medium_of
from limits.track_table import TrackTable, read_tracks, write_tracks
from limits.yields import bremsstrahlung_yield, resonant_yield
from physics.shower_tracks import electron_track_lengths, secondary_positron_track_density
from physics.shower_transport import energy_edges

SETUP = load_setup("na64e_2016")
INVISIBLE = MODELS["invisible"]


@pytest.fixture(scope="module")
def table() -> TrackTable:
    return measure_tracks(SETUP, 400, least=5.0, seed=3, versions={"na64": "0"})


@pytest.fixture
def path(table: TrackTable, tmp_path: Path) -> Path:
    write_tracks(table, tmp_path / "tracks.json")
    return tmp_path / "tracks.json"


@pytest.fixture(scope="module")
def analytic(table: TrackTable) -> TrackTable:
    """A table that holds the analytic forms."""
    edges = energy_edges(100.0, 5.0)
    beam = -np.diff(np.append(electron_track_lengths(100.0, edges[:-1]), 0.0))
    grids = [np.linspace(a, min(b, 99.999), 101) for a, b in pairwise(edges)]
    pairs = [np.trapezoid(secondary_positron_track_density(100.0, grid), grid) for grid in grids]
    rows = np.array([beam, pairs, pairs])
    return replace(table, energies=edges, batches=np.stack([rows, rows]))


def test_medium_is_that_of_lead_and_plastic() -> None:
    medium = medium_of(SETUP)
    assert 80 < medium.z < 82
    assert medium.loss == pytest.approx(8.6e-3, rel=0.05)
    assert medium.lpm == pytest.approx(4321.0, rel=0.01)  # 7.7 TeV per cm of the X0 of lead


def test_table_balances_and_repeats(table: TrackTable) -> None:
    assert sum(table.balance) == pytest.approx(100.0)
    assert table.showers == 400
    assert len(table.batches) == BATCHES
    assert table == measure_tracks(SETUP, 400, least=5.0, seed=3, versions={"na64": "0"})
    assert table != measure_tracks(SETUP, 400, least=5.0, seed=4, versions={"na64": "0"})


def test_errors_are_those_of_repetitions(table: TrackTable) -> None:
    """Of the total track length: from shower to shower, and from batch to batch."""
    total = table.batches.sum(axis=(1, 2))
    spread = total.std(ddof=1) / np.sqrt(BATCHES)
    others = [measure_tracks(SETUP, 400, least=5.0, seed=seed).lengths.sum() for seed in range(10, 22)]
    assert spread == pytest.approx(np.std(others, ddof=1), rel=0.6)
    first = table.errors[0, :, 0]
    assert (first[table.lengths[0, :, 0] > 0] > 0).all()


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    measure_tracks(SETUP, 50, least=20.0, tell=lambda *at: told.append(at))
    assert told[-1] == (BATCHES, BATCHES)


def test_written_and_read_again(table: TrackTable, path: Path) -> None:
    assert read_tracks(path) == table
    assert hash(read_tracks(path)) == hash(table)


def test_lengths_above_edges_are_sums(table: TrackTable) -> None:
    above = table.above(("electron", "positron"))(table.energies[:-1])
    assert above.shape == (BATCHES, 60)
    assert above[:, 10] == pytest.approx(table.batches[:, 1:, 10:].sum(axis=(1, 2)))
    between = table.above(("beam",))(np.linspace(5.0, 99.999, 500)).mean(axis=0)
    assert (np.diff(between) <= 0).all()


@pytest.mark.parametrize("mass", [0.001, 0.1, 0.4])
def test_table_of_the_analytic_form_gives_its_yield(
    mass: float, analytic: TrackTable, run_2016: RunInput
) -> None:
    nuclei = run_2016.beam.nuclei
    expected = bremsstrahlung_yield(nuclei, 100.0, mass, 50.0)
    found = bremsstrahlung_yield(nuclei, 100.0, mass, 50.0, analytic)
    assert found.primary == pytest.approx(expected.primary, rel=2e-3)
    assert found.secondary == pytest.approx(expected.secondary, rel=5e-3)
    assert found.error == pytest.approx(0.0, abs=1e-9 * found.total)


@pytest.mark.parametrize("is_positron", [False, True])
@pytest.mark.parametrize("in_motion", [False, True])
def test_table_of_the_analytic_form_gives_its_resonance(
    in_motion: bool, is_positron: bool, analytic: TrackTable, run_2016: RunInput
) -> None:
    atoms = atoms_of(build_stack(SETUP)) if in_motion else ()
    expected, found = (
        resonant_yield(
            run_2016.beam.nuclei,
            100.0,
            0.266,
            50.0,
            alpha_d=0.1,
            mass_ratio=1 / 3,
            is_positron=is_positron,
            tracks=tracks,
            atoms=atoms,
        )
        for tracks in (None, analytic)
    )
    assert found.secondary == pytest.approx(expected.secondary, rel=0.01)
    assert found.primary == pytest.approx(expected.primary, rel=0.01)
    assert (found.primary > 0) is is_positron


def test_motion_widens_the_reach_and_keeps_the_electrons(run_2016: RunInput) -> None:
    """Beyond the 320 MeV that electrons at rest leave to positrons of 100 GeV; inside, little changes."""
    atoms = atoms_of(build_stack(SETUP))

    def made(mass: float, moving: bool) -> float:
        return resonant_yield(
            run_2016.beam.nuclei,
            100.0,
            mass,
            50.0,
            alpha_d=1e-4,
            mass_ratio=1 / 3,
            atoms=atoms if moving else (),
        ).total

    assert made(0.33, moving=True) > 50 * made(0.33, moving=False)
    assert made(0.266, moving=True) == pytest.approx(made(0.266, moving=False), rel=0.1)
    assert made(0.2, moving=True) > 50 * made(0.2, moving=False)


def test_limit_with_a_table_has_its_error_as_a_nuisance(table: TrackTable, run_2016: RunInput) -> None:
    run = replace(run_2016, beam=run_2016.beam._replace(tracks=table))
    plain, tabulated = (
        limit_point(Problem(runs=(one,), model=INVISIBLE, method="asymptotic"), 0.1)
        for one in (run_2016, run)
    )
    assert tabulated.track_length == pytest.approx(plain.track_length, rel=0.15)
    assert tabulated.expected[2] == pytest.approx(plain.expected[2], rel=0.08)
    error = track_error(run, INVISIBLE, Settings(with_resonance=False), 0.1)
    assert 0.01 < error < 0.06  # of 400 showers
    assert track_error(run_2016, INVISIBLE, Settings(), 0.1) == 0.0


def test_motion_is_an_option(run_2016: RunInput) -> None:
    moving = replace(run_2016, beam=run_2016.beam._replace(atoms=atoms_of(build_stack(SETUP))))
    rest, default, motion = (
        expected_events(run, INVISIBLE, Settings(electron_motion=option), 0.31, 1e-3)[0]
        for run, option in ((run_2016, False), (moving, False), (moving, True))
    )
    assert rest == default
    assert motion != pytest.approx(rest, rel=1e-3)


def test_energies_below_the_threshold_are_refused(table: TrackTable) -> None:
    with pytest.raises(ModelError, match="followed down to 5 GeV, and the limit needs them from 2 GeV on"):
        table.above(("beam",))([2.0])


@pytest.mark.parametrize(
    ("setup", "changes", "words"),
    [
        ("na64e_2016", {"energy": 150.0}, "of 100 GeV e- .na64e_2016., the beam of mine is of 150 GeV e-"),
        ("na64e_2016", {"particle": "e+"}, "the beam of mine is of 100 GeV e[+]"),
        ("poker_pilot", {"energy": 100.0, "particle": "e-"}, "nuclei are not those of the target of mine"),
    ],
)
def test_another_beam_or_target_is_refused(
    setup: str, changes: dict[str, Any], words: str, table: TrackTable
) -> None:
    from na64.limit.signals import beam_of

    beam = beam_of(load_setup(setup))._replace(**changes)
    with pytest.raises(ModelError, match=words):
        table.require(beam.particle, beam.energy, beam.nuclei, "mine")
    table.require("e-", 100.0, beam_of(SETUP).nuclei, "mine")


def broken(change: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def write(text: str) -> str:
        content = json.loads(text)
        change(content)
        return json.dumps(content)

    return write


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda _: "not json", "cannot read track lengths"),
        (lambda _: "[]", "no table of track lengths of version 1 .its version: None."),
        (broken(lambda c: c.update(version=9)), "its version: 9"),
        (broken(lambda c: c.pop("seed")), "no whole table .*KeyError: 'seed'"),
        (broken(lambda c: c["lengths"].pop("positron")), "no whole table"),
        (broken(lambda c: c.update(beam=3)), "no whole table"),
        (broken(lambda c: c["depths"].pop()), "lengths have the shape"),
        (broken(lambda c: c["energies"].reverse()), "energies do not rise"),
        (broken(lambda c: c["batches"]["beam"][0].__setitem__(5, -1.0)), "not all numbers of at least 0"),
        (broken(lambda c: c["batches"]["beam"][0].__setitem__(5, 1e3)), "batches do not average"),
        (broken(lambda c: c["beam"].update(energy=80.0)), "not from above 0 to the beam's 80 GeV"),
    ],
)
def test_damaged_files_are_refused(damage: Callable[[str], str], words: str, path: Path) -> None:
    path.write_text(damage(path.read_text()))
    with pytest.raises(ModelError, match=words) as told:
        read_tracks(path)
    assert "tracks.json of `na64 tracks`" in str(told.value)


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot read track lengths from .*no.json"):
        read_tracks(tmp_path / "no.json")


@pytest.mark.parametrize(
    ("setup", "least", "words"),
    [
        ("na64mu_2022", 1.0, "a beam of mu-"),
        ("na64e_2016", 0.01, "from 0.05 GeV"),
        ("na64e_2016", 60.0, "got 60 GeV"),
    ],
)
def test_showers_that_cannot_be_made(setup: str, least: float, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        measure_tracks(load_setup(setup), 50, least=least)
