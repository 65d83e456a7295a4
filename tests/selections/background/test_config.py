from pathlib import Path

import pytest

from datasets.setups import load_setup
from selections.background.config import load_background
from selections.selection import SelectionError, load_selection


def test_side_bands_are_regions_of_the_selection_and_end_where_the_box_does() -> None:
    setup = load_setup("na64e_2018")
    selection = load_selection("invisible", setup.name, tuple(setup.detectors))
    config = load_background("invisible")
    regions = {region.name: region for region in selection.regions}
    for band in config.side_bands.values():
        assert regions[band.region].limits[band.column][0] == band.fit.edge
        assert selection.signal_box.limits[band.column][1] == band.fit.edge
    assert config.benchmark.region in regions


def test_each_process_has_one_source() -> None:
    config = load_background("invisible")
    names = [process for source in config.simulated.values() for process in source.processes]
    assert len(names) == len(set(names))
    assert config.source_of("kaon_decay") == "decays"
    assert config.source_of("dark_photon") is None


def test_unknown_analysis_and_wrong_numbers_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SelectionError, match="for analysis 'neutrino'; there is one for: "):
        load_background("neutrino")
    assert load_background("muon").benchmark is None
    text = (Path("selections") / "background" / "invisible.yaml").read_text()
    (tmp_path / "invisible.yaml").write_text(text.replace("low: 1.3e-5", "low: 1.3e-2"))
    monkeypatch.setattr("selections.background.config._FOLDER", tmp_path)
    with pytest.raises(SelectionError, match=r"simulated.hadron.factors.srd.*lies between its ends"):
        load_background("invisible")
    (tmp_path / "invisible.yaml").write_text(text.replace("region: side_band_a", "regoin: side_band_a"))
    with pytest.raises(SelectionError, match="regoin"):
        load_background("invisible")
