"""Conditions of simulated raw files: they undo what the simulation did, and survive being written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datasets.conditions import Conditions, ideal_conditions, load_conditions, write_conditions
from datasets.conditions.channels import names_of
from datasets.conditions.model import Alignment, frozen
from datasets.conditions.runs import RunRange
from datasets.config import ConfigError
from datasets.setups import load_setup, setup_names
from datasets.simulation.light import Light
from datasets.simulation.waveforms import converter_tables, sample_light
from recon.geometry import Setup

READ_OUT = [name for name in setup_names() if all(d.readout for d in load_setup(name).detectors.values())]
every_setup = pytest.mark.parametrize("name", READ_OUT)


@pytest.mark.parametrize(
    ("detector", "gain"),
    [
        pytest.param("ecal", 1 / (300 * 0.1056), id="shashlik"),
        pytest.param("hcal", 1 / (1300 * 0.024), id="iron"),
        pytest.param("srd", 1 / 25000, id="visible-only"),
    ],
)
def test_gain_gives_true_energy(detector: str, gain: float) -> None:
    cells = ideal_conditions(load_setup("na64e_2018")).detectors[detector]
    assert cells.gain.tolist() == pytest.approx([gain] * cells.n_cells)


def test_time_is_that_of_the_start_of_a_pulse() -> None:
    setup = load_setup("na64e_2018")
    ecal = setup.detectors["ecal"]
    late = (ecal.sections[0], replace(ecal.sections[1], time_offset=3.0))
    setup = replace(setup, detectors={**setup.detectors, "ecal": replace(ecal, sections=late)})
    times = ideal_conditions(setup).detectors["ecal"].time_offset
    assert times.tolist() == [150.0] * 36 + [153.0] * 36  # 12 samples of 12.5 ns


@every_setup
def test_conditions_undo_the_digitisation(name: str) -> None:
    setup = quiet(load_setup(name))
    conditions, tables = ideal_conditions(setup), converter_tables(setup)
    n_cells = len(tables.scale)
    at = 17  # the sample that shall be the maximum
    peak = np.concatenate([np.full(d.n_cells, d.readout.peak_time) for d in setup.read_out.values()])
    fraction = np.concatenate(
        [np.full(d.n_cells, d.response.sampling_fraction) for d in setup.read_out.values()]
    )
    cells = conditions.cells
    visible = 1000.3 * cells.gain * fraction  # of a pulse of 1000.3 ADC
    light = Light(visible[None], (12.5 * at - peak - cells.time_offset)[None])
    waves = sample_light(light, np.zeros(1, dtype=np.int64), 1, tables, np.random.default_rng(1))
    assert waves.channel.tolist() == cells.channel.tolist() == list(range(n_cells))
    height = waves.samples[:, at] - cells.pedestal[:, at % 2]
    np.testing.assert_allclose(height * cells.gain * fraction, visible, atol=0.51 * cells.gain.max())
    np.testing.assert_allclose(height, 1000.3, atol=0.51)  # half a count of rounding
    before = waves.samples[:, :2].astype(float)
    np.testing.assert_allclose(before, cells.pedestal, atol=0.51)
    assert (waves.samples.argmax(axis=1) == at).all()


def quiet(setup: Setup) -> Setup:
    """Return the setup without noise."""
    detectors = {
        name: replace(detector, readout=replace(detector.readout, noise=0.0))
        for name, detector in setup.read_out.items()
    }
    counters = detectors.pop(setup.counters.name)
    return replace(setup, detectors=detectors, counters=counters)


@every_setup
def test_written_tables_give_the_same_conditions(name: str, tmp_path: Path) -> None:
    setup = load_setup(name)
    ideal = ideal_conditions(setup)
    paths = write_conditions(ideal, setup, tmp_path, RunRange(0), "computed")
    assert "led.txt" not in {path.name for path in paths}
    loaded = load_conditions(setup, 4000, [tmp_path])
    assert loaded.digest == ideal.digest
    for detector, cells in ideal.detectors.items():
        np.testing.assert_array_equal(loaded.detectors[detector].gain, cells.gain)
        np.testing.assert_array_equal(loaded.detectors[detector].pedestal, cells.pedestal)


def damaged(setup: Setup) -> Conditions:
    """Return conditions with all that may be in them: bad channels without calibration, LED, shifts."""
    ideal = ideal_conditions(setup)
    ecal = ideal.detectors["ecal"]
    is_bad, has_led = np.zeros((2, ecal.n_cells), dtype=bool)
    is_bad[5], has_led[[5, 7]] = True, True
    factor = np.ones((2, ecal.n_cells))
    factor[:, 7] = 1.0 / 3.0, np.nan
    factor[:, 5] = 1.1, 1.2
    channel = ecal.channel + 1000
    channel[5] = -1
    ecal = replace(
        ecal,
        gain=frozen(np.where(is_bad, np.nan, ecal.gain)),
        is_bad=frozen(is_bad),
        has_led=frozen(has_led),
        led_factor=frozen(factor),
        channel=frozen(channel),
    )
    others = {
        name: replace(cells, led_factor=frozen(np.ones((2, cells.n_cells))))
        for name, cells in ideal.detectors.items()
    }
    shifts = frozen(np.linspace(-0.1, 0.2, len(ideal.alignment.planes)))
    return replace(
        ideal,
        detectors={**others, "ecal": ecal},
        alignment=Alignment(planes=ideal.alignment.planes, dx=shifts, dy=shifts, dz=shifts, rotation=shifts),
        led_spills=frozen(np.array([3, 8])),
        bad_spills=frozen(np.array([4, 9])),
    )


def test_all_kinds_of_conditions_survive(tmp_path: Path) -> None:
    setup = load_setup("na64e_2018")
    conditions = damaged(setup)
    write_conditions(conditions, setup, tmp_path, RunRange(7, 7), "invented")
    loaded = load_conditions(setup, 7, [tmp_path])
    assert loaded.digest == conditions.digest
    assert np.isnan(loaded.detectors["ecal"].gain).nonzero()[0].tolist() == [5]
    assert loaded.bad_spills.tolist() == [4, 9]


def test_tables_say_what_they_are(tmp_path: Path) -> None:
    setup = load_setup("na64e_2018")
    write_conditions(ideal_conditions(setup), setup, tmp_path, RunRange(0), "computed from the setup")
    text = (tmp_path / "gains.txt").read_text()
    head = "table=gains\nsetup=na64e_2018\nsource=computed from the setup\n\nruns=0-...\ncolumns=label,gain\n"
    assert "#   gain [GeV/ADC]: true energy per ADC count" in text
    assert head in text


def test_channels_are_counted_over_all_detectors() -> None:
    setup = load_setup("na64e_2022")
    names = names_of(setup)
    conditions = ideal_conditions(setup)
    channels = conditions.cells.channel
    assert channels.tolist() == list(range(len(names.labels)))
    assert names.detector_of("ECAL0-2-3") == "ecal"
    for detector, part in names.slices.items():
        assert conditions.detectors[detector].channel.tolist() == list(range(part.start, part.stop))
        assert all(label.startswith(detector.upper()) for label in names.labels[part])


def test_setup_without_readout_is_refused() -> None:
    with pytest.raises(ConfigError, match="has no 'readout'"):
        ideal_conditions(load_setup("geant4_sample"))
