"""Fixtures for the tests of the command."""

from collections.abc import Iterator

import pytest
import yaml

import datasets.periods

PERIODS = [
    {
        "name": name,
        "setup": "na64e_2018",
        "runs": [runs],
        "closed": {"invisible": {"ecal_energy": [None, 50.0], "hcal_energy": [None, 1.0]}},
    }
    for name, runs in (("early", [3574, 3660]), ("late", [3661, 4310]))
]


@pytest.fixture
def two_periods(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Divide the runs of 2018 between two periods."""
    path = tmp_path_factory.mktemp("periods") / "periods.yaml"
    path.write_text(yaml.safe_dump(PERIODS))
    monkeypatch.setattr(datasets.periods, "_FILE", path)
    catalogue = path.with_name("catalogue.yaml")
    catalogue.write_text("runs: []\n")  # the project's names its own periods
    monkeypatch.setattr("datasets.conditions.catalogue._FILE", catalogue)
    datasets.periods.load_periods.cache_clear()
    yield
    datasets.periods.load_periods.cache_clear()


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out, which take most of the time of a run."""
    monkeypatch.setattr("na64.report.run_directory.plot_run", lambda *_: [])
