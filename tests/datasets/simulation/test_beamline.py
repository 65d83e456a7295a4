"""The beam line: exact ways, hits, scattering, and what electrons radiate."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from datasets.setups import load_setup
from datasets.simulation.beamline import transport
from datasets.simulation.model import Arrival, Particles
from physics.particles import mass_of
from physics.scattering import scattering_angle
from physics.synchrotron import critical_energy, photon_number, spectrum_quantiles
from recon.geometry import Plane, Setup, Spectrometer

SAMPLE, TWO_MAGNETS = load_setup("geant4_sample"), load_setup("na64e_2018")
MUON, ELECTRON, PHOTON = 13, 11, 22
END = 18500.0
LIGHT = 0.299792458e-3  # [GeV / (T mm)]


def particles(pdg: int, momentum: Any = 100.0, n: int = 1, **where: Any) -> Particles:
    """Return particles at z = -2000 mm on the axis, unless told otherwise."""
    place = {"x": 0.0, "y": 0.0, "z": -2000.0, "slope_x": 0.0, "slope_y": 0.0, **where}
    values = (np.broadcast_to(np.asarray(v, dtype=float), n) for v in (momentum, *place.values()))
    return Particles(np.arange(n), np.full(n, pdg), *values)


def fly(found: Particles, setup: Setup, stop: Any = END, seed: int = 1) -> Arrival:
    return transport(found, setup, np.random.default_rng(seed), stop)


def without_matter(setup: Setup) -> Setup:
    """Return a setup whose planes and windows neither scatter nor miss."""
    line = setup.spectrometers["incoming"]
    planes = tuple(
        replace(p, radiation_lengths=0.0, efficiency=1.0, size=(2000.0, 2000.0)) for p in line.planes
    )
    return replace(
        setup, spectrometers={"incoming": replace(line, planes=planes, window_radiation_lengths=())}
    )


def one_plane(**changes: Any) -> Setup:
    """Return a setup with one plane at z = 0 and nothing else."""
    plane = Plane(**{"name": "MM1", "z": 0.0, "size": (1000.0, 1000.0), **changes})
    return replace(
        SAMPLE, spectrometers={"incoming": Spectrometer(name="incoming", planes=(plane,), magnets=())}
    )


def integrate(setup: Setup, momentum: float, charge: float, slopes: tuple[float, float]) -> np.ndarray:
    """Return (x, y) at each plane from the equation of motion in the field of the setup."""
    line = setup.spectrometers["incoming"]

    def motion(z: float, state: np.ndarray) -> list[float]:
        field = sum(m.field for m in line.magnets if m.z <= z < m.z + m.length)
        dx, dy = state[2:]
        root = np.sqrt(1 + dx * dx + dy * dy)
        rate = -charge * LIGHT * field / momentum * root
        return [dx, dy, rate * (1 + dx * dx), rate * dx * dy]

    edges = sorted({-2000.0, END, *(p.z for p in line.planes), *(m.z for m in line.magnets)}
                   | {m.z + m.length for m in line.magnets})  # fmt: skip
    state, found = np.array([0.0, 0.0, *slopes]), {}
    for begin, end in pairwise(edges):
        part = solve_ivp(motion, (begin, end - 1e-9), state, rtol=1e-11, atol=1e-12)
        state = found[end] = part.y[:, -1]
    return np.array([found[p.z][:2] for p in line.planes])


@settings(max_examples=15, deadline=None)
@given(
    setup=st.sampled_from([SAMPLE, TWO_MAGNETS]),
    momentum=st.floats(15.0, 150.0),
    pdg=st.sampled_from([MUON, -MUON, 211, 2212]),
    slopes=st.tuples(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)),
)
def test_hits_lie_on_the_trajectory(
    setup: Setup, momentum: float, pdg: int, slopes: tuple[float, float]
) -> None:
    found = fly(particles(pdg, momentum, slope_x=slopes[0], slope_y=slopes[1]), without_matter(setup))
    expected = integrate(setup, momentum, -1.0 if pdg == MUON else 1.0, slopes)
    hit = found.hits.plane.tolist()
    seen = (abs(expected - [p.centre for p in setup.spectrometers["incoming"].planes]) < 999.9).all(axis=1)
    assert set(np.flatnonzero(seen)) <= set(hit)
    assert np.column_stack([found.hits.x, found.hits.y]) == pytest.approx(expected[hit], abs=1e-4)
    assert found.particles.momentum.tolist() == [momentum]


def test_bend_of_the_sample_by_hand() -> None:
    """0.2998 x 7 T m / 100 GeV = 20.99 mrad; behind the field -42 mm, then -15.5 m x tan(20.99 mrad)."""
    found = fly(particles(MUON), without_matter(SAMPLE), 18500.0).particles
    sine = 0.299792458 * 7.0 / 100.0
    assert found.slope_x == pytest.approx(-sine / np.sqrt(1 - sine**2), rel=1e-12)
    assert found.x == pytest.approx(-4000.0 * np.tan(np.arcsin(sine) / 2) - 14500.0 * np.tan(np.arcsin(sine)))


def test_neutral_particles_fly_straight_and_leave_no_hits() -> None:
    for pdg in (PHOTON, 130, 2112):
        start = particles(pdg, 50.0, 20, x=3.0, slope_x=0.002, slope_y=-0.001)
        found = fly(start, TWO_MAGNETS)
        assert len(found.hits.plane) == len(found.photons.pdg) == 0
        assert all(np.array_equal(a, b) for a, b in zip(found.particles, start.at(END), strict=True))


def test_acceptance_of_a_plane() -> None:
    setup = one_plane(centre=(10.0, -5.0), size=(40.0, 20.0))
    x = np.array([-9.9, -10.1, 29.9, 30.1, 10.0, 10.0, 10.0, 10.0])
    y = np.array([-5.0, -5.0, -5.0, -5.0, -14.9, -15.1, 4.9, 5.1])
    hits = fly(particles(MUON, n=8, x=x, y=y), setup).hits
    assert hits.primary.tolist() == [0, 2, 4, 6]
    assert hits.x.tolist() == x[::2].tolist()


def test_efficiency_of_a_plane() -> None:
    n = 20_000
    hits = fly(particles(MUON, n=n), one_plane(efficiency=0.9)).hits
    assert len(hits.plane) / n == pytest.approx(0.9, abs=5 * np.sqrt(0.09 / n))


@pytest.mark.parametrize(("pdg", "momentum"), [(MUON, 100.0), (2212, 2.0)])
def test_multiple_scattering(pdg: int, momentum: float) -> None:
    n, thickness = 20_000, 0.01
    found = fly(particles(pdg, momentum, n), one_plane(radiation_lengths=thickness), 1000.0).particles
    beta = momentum / np.hypot(momentum, mass_of(pdg))
    width = float(scattering_angle(momentum, thickness, beta=beta))
    for slope, place in ((found.slope_x, found.x), (found.slope_y, found.y)):
        assert slope.mean() == pytest.approx(0.0, abs=5 * width / np.sqrt(n))
        assert slope.std() == pytest.approx(width, rel=5 / np.sqrt(2 * n))
        assert place == pytest.approx(1000.0 * slope)
    assert abs(np.corrcoef(found.slope_x, found.slope_y)[0, 1]) < 5 / np.sqrt(n)


def test_bremsstrahlung_of_a_thin_plane() -> None:
    """In t X0 a share above v is lost t times the integral of (4/3 (1 - v) + v^2) / v (PDG 2024, 34.28)."""
    n, thickness = 100_000, 0.02
    found = fly(particles(ELECTRON, n=n), one_plane(radiation_lengths=thickness), 1.0).particles
    electrons = found.select(found.pdg == ELECTRON)
    for v in (0.2, 0.5):
        mean = thickness * quad(lambda k: (4 / 3 * (1 - k) + k * k) / k, v, 1.0)[0]
        seen = (electrons.momentum < (1 - v) * 100.0).mean()
        several = 0.5 * (thickness * 5.0) * mean  # two photons that lose it only together
        assert mean - mean**2 - 5 * np.sqrt(mean / n) < seen < mean + several + 5 * np.sqrt(mean / n)
    total = np.zeros(n)
    np.add.at(total, found.primary, found.momentum)
    assert total == pytest.approx(100.0)


def test_radiated_photons_fly_on_without_the_field() -> None:
    found = fly(particles(ELECTRON, n=3000), SAMPLE).particles
    hard = found.select((found.pdg == PHOTON) & (found.momentum > 10.0))
    assert len(hard.pdg) > 10
    before = abs(hard.x) < 5.0
    assert 0.2 < before.mean() < 0.8  # made before the field; the others in MM3, MM4 and the window
    assert (hard.x[~before] < -100.0).all()
    assert (hard.z == END).all()


def test_synchrotron_radiation_of_electrons() -> None:
    """43 photons and 155 MeV in 7 T m over 4 m; those below 50 keV are not returned, but lost."""
    n, angle = 2000, 0.020991
    gamma = 100.0 / mass_of(ELECTRON)
    found = fly(particles(ELECTRON, n=n, z=-1.0), SAMPLE, 4000.5)
    lost = 100.0 - found.particles.momentum
    assert lost.mean() == pytest.approx(0.155, abs=5 * 0.048 / np.sqrt(n))
    x = spectrum_quantiles()
    soft = np.searchsorted(x, 50e-6 / critical_energy(gamma, 100.0, 1.75)) / (len(x) - 1)
    assert photon_number(gamma, angle) == pytest.approx(43.0, abs=0.5)
    seen = len(found.photons.pdg) / n
    assert seen / (1 - soft) == pytest.approx(43.0, abs=0.5)
    assert 0.1 < soft < 0.3
    assert found.photons.momentum.min() >= 50e-6
    carried = np.bincount(found.photons.primary, weights=found.photons.momentum, minlength=n)
    assert (carried < lost).all()
    assert carried.mean() == pytest.approx(lost.mean(), rel=2e-3)


def test_synchrotron_photons_leave_along_the_tangent() -> None:
    found = fly(particles(ELECTRON, n=50, z=-1.0), SAMPLE, 4000.5).photons
    radius = 100.0 / (LIGHT * 1.75)
    assert ((found.z >= 0.0) & (found.z <= 4000.0)).all()
    assert found.slope_x == pytest.approx(-found.z / np.sqrt(radius**2 - found.z**2), rel=1e-9)
    assert found.x == pytest.approx(-(radius - np.sqrt(radius**2 - found.z**2)), abs=1e-6)


@pytest.mark.parametrize("pdg", [MUON, -211, 2212])
def test_heavy_particles_radiate_nothing(pdg: int) -> None:
    found = fly(particles(pdg, n=200), SAMPLE)
    assert len(found.photons.pdg) == 0
    assert (found.particles.pdg == pdg).all()
    assert (found.particles.momentum == 100.0).all()


def test_positrons_bend_the_other_way() -> None:
    setup = without_matter(SAMPLE)
    electron, positron = (fly(particles(pdg), setup) for pdg in (ELECTRON, -ELECTRON))
    assert positron.hits.x == pytest.approx(-electron.hits.x)
    assert positron.hits.x[-1] == pytest.approx(335.8, abs=1.0)  # the centre of MM4, mirrored
    assert len(positron.photons.pdg) > 10


def test_each_primary_has_its_own_end() -> None:
    """Rows in another order than their primaries; one stands behind its end and stays."""
    start = particles(MUON, n=3, x=[0.0, 1.0, 2.0])._replace(primary=np.array([2, 0, 1]))
    found = fly(start, without_matter(SAMPLE), np.array([-1000.0, -3000.0, END])).particles
    assert found.primary.tolist() == [2, 0, 1]
    assert found.z.tolist() == [END, -1000.0, -2000.0]
    assert found.x[1:].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("stop", [-1000.0, 0.0, 1300.0, 3000.0, 17000.0])
def test_a_stop_on_the_way_changes_nothing(stop: float) -> None:
    setup = without_matter(TWO_MAGNETS)
    start = particles(MUON, 20.0, slope_y=0.001)
    half = fly(start, setup, stop)
    rest, whole = fly(half.particles, setup), fly(start, setup)
    assert np.concatenate([half.hits.x, rest.hits.x]) == pytest.approx(whole.hits.x, abs=1e-9)
    assert [v.item() for v in rest.particles] == pytest.approx([v.item() for v in whole.particles])


def test_a_particle_turned_back_by_the_field_is_lost() -> None:
    """Below 0.3 x 7 = 2.1 GeV the circle ends in the magnet; its hits before that stay."""
    momenta = np.array([2.0, 2.2])
    found = fly(particles(MUON, momenta, 2), without_matter(SAMPLE))
    assert found.particles.primary.tolist() == [1]
    assert found.hits.primary.tolist() == [0, 0, 1, 1]
