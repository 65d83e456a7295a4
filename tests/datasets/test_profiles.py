"""The profile that is shipped: how it loads, where it comes from, and that it describes Geant4."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml

import datasets
from datasets.config import ConfigError
from datasets.profiles import load_profile, profile_names
from processors.make_shower_profile import PITCH, Group, X, Y, group, main, read_scan
from recon.profile import cell_fractions, fraction_rms

GEANT4 = Path(datasets.__file__).parent / "samples" / "geant4"
IMPACT, ENERGY = GEANT4 / "electron_impact_scan.root", GEANT4 / "electron_energy_scan.root"


@pytest.fixture(scope="module")
def groups() -> list[Group]:
    return [*group(read_scan(IMPACT)), *group(read_scan(ENERGY))]


def test_load_by_name() -> None:
    assert "ecal_geant4" in profile_names()
    profile = load_profile("ecal_geant4")
    assert profile.name == "ecal_geant4"
    assert "electron_impact_scan.root" in profile.source
    assert profile.energy_range == (10.0, 100.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({}, None, id="as-shipped"),
        pytest.param({"colour": 1}, "colour", id="unknown-key"),
        pytest.param({"share": [0.5]}, "as many shares", id="too-few-shares"),
        pytest.param({"source": None}, "source", id="no-source"),
    ],
)
def test_load_by_path(tmp_path: Path, change: dict[str, object], message: str | None) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**as_plain(load_profile("ecal_geant4")), **change}))
    if message is None:
        assert load_profile(path) == load_profile("ecal_geant4")
    else:
        with pytest.raises(ConfigError, match=rf"mine\.yaml.*{message}"):
            load_profile(path)


def as_plain(profile: object) -> dict[str, object]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(profile).items()}


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'ecal_geant'.*mean 'ecal_geant4'.*Known: .*ecal_geant4"):
        load_profile("ecal_geant")


def test_shipped_profile_is_what_the_script_makes(tmp_path: Path) -> None:
    path = tmp_path / "ecal_geant4.yaml"
    main(IMPACT, ENERGY, path)
    made, shipped = load_profile(path), load_profile("ecal_geant4")
    assert made.share == pytest.approx(shipped.share, abs=2e-3)
    assert made.width == pytest.approx(shipped.width, rel=1e-2)
    assert made.stochastic == pytest.approx(shipped.stochastic, rel=1e-2)


def test_profile_describes_geant4(groups: list[Group]) -> None:
    profile = load_profile("ecal_geant4")
    assert len(groups) == 21
    for point in groups:
        where = f"({point.x:g}, {point.y:g}) mm, {point.energy:g} GeV"
        model = cell_fractions(profile, X - point.x, Y - point.y, (PITCH, PITCH))
        model /= model.sum()
        assert np.abs(point.mean - model).max() < 0.007, where
        assert point.mean[3, 3] == pytest.approx(model[3, 3], abs=0.004), where
        dim = model < 0.02  # far from the axis, where its wander does not matter
        error = fraction_rms(profile, model, point.energy) / np.sqrt(point.n_events)
        assert (((point.mean - model) / error)[dim] ** 2).mean() < 2, where


def test_rms_describes_geant4(groups: list[Group]) -> None:
    profile = load_profile("ecal_geant4")
    centred = [point for point in groups if (point.x, point.y) == (0, 0)]
    assert len(centred) == 7
    for point in centred:
        ratio = np.sqrt(point.variance) / fraction_rms(profile, point.mean, point.energy)
        assert ratio[3, 3] == pytest.approx(1, abs=0.2)
        assert np.sqrt((ratio[2:5, 2:5] ** 2).mean()) == pytest.approx(1, abs=0.15)
