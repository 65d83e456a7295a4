"""Raw files: digits of a block made by hand, the trigger word, and what comes back from both containers."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from datasets.config import ConfigError
from datasets.decode import Quantities, decode, select_events
from datasets.digits import ShortWaveforms
from datasets.layouts import load_layout
from datasets.probe import probe_file
from datasets.setups import load_setup
from datasets.simulation.event import EventHits
from datasets.simulation.generator import Block, PileUp
from datasets.simulation.light import Light
from datasets.simulation.raw import RawWriter, check_readout, digit_columns, readout_metadata, trigger_word
from datasets.simulation.simulated import SimulatedWriter, cell_columns
from datasets.simulation.stack import build_stack
from datasets.sources import InputFile
from recon.geometry import Plane, Spectrometer, StrawReadout

STRAWS = StrawReadout(
    diameter=6.0, n_straws=8, max_drift_time=60.0, resolution=0.2, ionisations=3.0, tdc_period=1.0
)
_2018 = load_setup("na64e_2018")
SETUP = replace(
    _2018,
    spectrometers={
        **_2018.spectrometers,
        "scattered": Spectrometer(
            name="scattered", planes=(Plane(name="ST1", z=2e4, readout=STRAWS),), magnets=()
        ),
    },
)
CELLS = build_stack(SETUP).columns
N_CELLS = 117
N = 6
CONTAINERS = pytest.mark.parametrize("container", ["ttree", "rntuple"])


def block_of(n_events: int = N, seed: int = 2) -> Block:
    """Return events of two beam particles, the second 40 ns late, with a hit in each plane but in event 1."""
    rng = np.random.default_rng(seed)
    event = np.repeat(np.arange(n_events), 2)
    energy = np.where(rng.random((2 * n_events, N_CELLS)) < 0.1, 0.1, 0.0)
    time = np.where(energy > 0, np.tile([0.0, 40.0], n_events)[:, None], np.nan)
    of_hit = np.array([event for event in range(n_events) if event != 1])
    plane = np.tile(np.arange(5), len(of_hit))
    offsets = np.concatenate([[0], np.cumsum(np.where(np.arange(n_events) == 1, 0, 5))])
    centre = np.array([0.0, 0.0, -309.7, -330.7, 0.0])[plane]
    x, y = centre + rng.uniform(-9, 9, len(plane)), rng.uniform(-9, 9, len(plane))
    truth = ("truth_momentum", "truth_x", "truth_y", "truth_beam_energy", "truth_missing_energy")
    columns: dict[str, Any] = {name: rng.uniform(0, 100, n_events) for name in ("weight", *truth)}
    columns |= {"truth_pdg": np.full(n_events, 11), "truth_process": np.ones(n_events, dtype=np.int64)}
    return Block(
        columns,
        Light(energy[::2], time[::2]),
        EventHits(offsets, plane, x, y, np.zeros(len(plane))),
        PileUp(np.arange(n_events + 1), *np.ones((3, n_events))),
        Light(energy, time),
        event,
        CELLS,
    )


def digits_of(block: Block, seed: int = 9) -> dict[str, Any]:
    return digit_columns(block, SETUP, np.random.default_rng(seed))


def identity(first: int, n: int) -> dict[str, Any]:
    """Return the columns that the production adds to those of a block."""
    is_physics = np.arange(first, first + n) % 3 > 0
    return {
        "run": np.zeros(n, dtype=np.int32),
        "spill": np.ones(n, dtype=np.int32),
        "event": np.arange(first, first + n),
        "master_time": np.zeros(n, dtype=np.float32),
        "trigger_is_physics": is_physics,
        "trigger_word": trigger_word(physics=is_physics, beam=~is_physics),
    }


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, int], Path]:
    def write(container: str, n_blocks: int = 1) -> Path:
        path = tmp_path / f"{container}.root"
        metadata = {"kind": "simulation", "setup": "na64e_2018", **readout_metadata(SETUP)}
        with RawWriter(path, metadata, container) as writer:  # type: ignore[arg-type]
            for number in range(n_blocks):
                writer.write(identity(N * number, N) | digits_of(block_of(seed=number)))
            metadata["events"] = N * n_blocks
        return path

    return write


@pytest.fixture
def read(open_events: Callable[..., ak.Array]) -> Callable[[Path], Quantities]:
    return lambda path: decode(open_events(path, "raw"), load_layout("raw"), SETUP)


def test_columns_have_their_types_and_shapes() -> None:
    columns = digits_of(block_of())
    rows = {"adc": ("channel", "samples"), "apv": ("detector", "channel", "samples")}
    rows |= {"straw": ("detector", "number", "time"), "true_hit": ("plane", "x", "y", "time")}
    rows |= {"pile_up": ("pdg", "momentum", "time")}
    for group, names in rows.items():
        offsets = columns[f"{group}_offsets"]
        assert offsets.shape == (N + 1,)
        assert offsets[-1] > 0
        assert {len(columns[f"{group}_{name}"]) for name in names} == {offsets[-1]}
    assert columns["adc_samples"].shape[1:] == (32,)
    assert columns["apv_samples"].shape[1:] == (3,)
    for name in ("adc_samples", "apv_samples"):
        assert columns[name].dtype == np.uint16
    for name in (
        "adc_channel",
        "apv_detector",
        "apv_channel",
        "straw_detector",
        "straw_number",
        "straw_time",
    ):
        assert columns[name].dtype == np.int32
    assert set(np.unique(columns["straw_detector"])) == {8, 9}
    assert set(np.unique(columns["apv_detector"])) <= set(range(8))


def test_truth_is_that_of_the_energies_per_cell() -> None:
    """Under the same names but for the hits; whatever no readout sees must not differ between the levels."""
    block = block_of()
    raw, simulated = digits_of(block), cell_columns(block)
    shared = {name: name.replace("hit_", "true_hit_") for name in simulated if "_cell_" not in name}
    assert {"weight", "truth_pdg", "hit_x", "pile_up_time"} < set(shared)
    for name, other in shared.items():
        assert np.array_equal(simulated[name], raw[other])
    assert set(raw) - set(shared.values()) == {
        name for name in raw if name.startswith(("adc_", "apv_", "straw_"))
    }


def test_a_cell_with_light_has_its_pulse_in_its_channel() -> None:
    """0.1 GeV visible in the HCAL are 130 ADC; the trigger particle's pulse has its largest sample at 14."""
    columns, block = digits_of(block_of()), block_of()
    event = np.repeat(np.arange(N), np.diff(columns["adc_offsets"]))
    hcal = (columns["adc_channel"] >= CELLS["hcal"].start) & (columns["adc_channel"] < CELLS["hcal"].stop)
    prompt, late = block.light.energy[::2], block.light.energy[1::2]
    cells = columns["adc_channel"][hcal]
    is_prompt, is_late = (light[event[hcal], cells] > 0 for light in (prompt, late))
    assert (is_prompt | is_late).all()
    assert np.count_nonzero(hcal) == np.count_nonzero((prompt + late)[:, CELLS["hcal"]])
    only = columns["adc_samples"][hcal][is_prompt & ~is_late].astype(int)
    assert (abs(only.argmax(axis=1) - 14) <= 1).all()
    assert only.max(axis=1).mean() - 50 == pytest.approx(130, abs=8)


def test_a_seed_makes_its_digits_and_the_first_do_not_depend_on_the_rest() -> None:
    whole, again, other = digits_of(block_of()), digits_of(block_of()), digits_of(block_of(), seed=10)
    for name, values in whole.items():
        assert np.array_equal(values, again[name])
    for name in ("adc_samples", "apv_samples", "straw_time"):
        assert not np.array_equal(whole[name], other[name])
    part = digits_of(block_of().first(4))
    for group in ("adc", "apv", "straw"):
        last = part[f"{group}_offsets"][-1]
        assert last == whole[f"{group}_offsets"][4] > 0
        for name in (name for name in part if name.startswith(f"{group}_") and "offsets" not in name):
            assert np.array_equal(part[name], whole[name][:last])


def test_bits_of_the_trigger_word() -> None:
    yes, no = np.array([True]), np.array([False])
    assert trigger_word(physics=yes).tolist() == [1]
    assert trigger_word(physics=no, beam=yes, calibration=yes).tolist() == [2 + 8]
    assert trigger_word(random=yes).dtype == np.uint32


def test_a_plane_without_readout_is_refused() -> None:
    check_readout(SETUP)
    bare = Spectrometer(name="scattered", planes=(Plane(name="GM1", z=2e4),), magnets=())
    setup = replace(SETUP, spectrometers={**_2018.spectrometers, "scattered": bare})
    with pytest.raises(ConfigError, match=r"plane 'GM1' has no 'readout'.*--level simulated"):
        digit_columns(block_of(), setup, np.random.default_rng(1))


def test_a_setup_without_readouts_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"geant4_sample: detector '.*' has no 'readout'"):
        check_readout(load_setup("geant4_sample"))


@CONTAINERS
def test_digits_come_back_as_written(
    written: Callable[..., Path], read: Callable[[Path], Quantities], container: str
) -> None:
    """Nine blocks: a full buffer and one more."""
    found = read(written(container, 9))
    parts = [digits_of(block_of(seed=number)) for number in range(9)]
    assert found.n_events == 9 * N
    assert found.digits.short is not None
    assert not len(found.digits.short.channel)
    for group, table in zip(("adc", "apv", "straw"), found.digits[:3], strict=True):
        counts = np.concatenate([np.diff(part[f"{group}_offsets"]) for part in parts])
        assert np.array_equal(np.diff(table.offsets), counts)
        for name, values in table._asdict().items():
            if name != "offsets":
                expected = np.concatenate([part[f"{group}_{name}"] for part in parts])
                assert values.dtype == expected.dtype
                assert np.array_equal(values, expected), f"{group}_{name}"
    assert found.arrays["event"].tolist() == list(range(9 * N))
    assert found.arrays["trigger_word"].tolist() == [2, 1, 1] * (3 * N)
    momenta = np.concatenate([part["truth_momentum"] for part in parts])
    assert np.array_equal(found.arrays["truth_momentum"], momenta)


@CONTAINERS
def test_selected_events_keep_their_digits(
    written: Callable[..., Path], read: Callable[[Path], Quantities], container: str
) -> None:
    found = read(written(container))
    part = select_events(found, np.arange(N) == 2)
    for whole, one in zip(found.digits, part.digits, strict=True):
        first, last = whole.offsets[2:4]
        assert one.offsets.tolist() == [0, last - first]
        assert last > first or isinstance(whole, ShortWaveforms)  # none is short
        for all_values, values in zip(whole[1:], one[1:], strict=True):
            assert np.array_equal(all_values[first:last], values)


@CONTAINERS
def test_the_file_is_recognised(
    written: Callable[..., Path], container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(container)
    with pytest.raises(ConfigError, match="written with 10 trackers and setup na64e_2018 has 8"):
        probe_file(InputFile(path=str(path), dataset="mc"))  # of a setup that is not the one of that name
    monkeypatch.setattr("datasets.probe.load_setup", lambda _: SETUP)
    probe = probe_file(InputFile(path=str(path), dataset="mc"))
    assert (probe.layout.name, probe.layout.level, probe.tree.entries) == ("raw", "raw", N)
    assert (probe.kind, probe.setup, probe.period) == ("simulation", "na64e_2018", None)
    assert {"waveforms", "strips", "straws", "trigger_word"} <= probe.quantities
    assert probe.parent["channels"][3 + 36 + 21] == "ECAL1-3-3"
    assert probe.parent["trackers"] == [
        f"{name}{axis}" for name in ("MM1", "MM2", "MM3", "MM4", "ST1") for axis in "XY"
    ]
    assert probe.parent["events"] == N


@CONTAINERS
def test_true_hits_are_a_collection(
    written: Callable[..., Path], open_events: Callable[..., ak.Array], container: str
) -> None:
    events = open_events(written(container), "raw")
    assert ak.num(events.true_hits.x).tolist() == [5, 0, 5, 5, 5, 5]
    assert events.true_hits.plane[0].tolist() == [1, 2, 3, 4, 5]


def test_no_file_claims_events_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.root"
    writer = RawWriter(path, {})
    writer.write(identity(0, N) | digits_of(block_of()))
    writer.__exit__(RuntimeError, RuntimeError("in the middle"), None)
    with uproot.open(path) as file:
        assert file.keys() == []


def test_energies_per_cell_are_written_by_the_same_hand(tmp_path: Path) -> None:
    path = tmp_path / "simulated.root"
    columns = identity(0, N) | cell_columns(block_of())
    with SimulatedWriter(path, {"kind": "simulation"}) as writer:
        writer.write(columns)
    with uproot.open(path) as file:
        assert json.loads(str(file["na64"])) == {"kind": "simulation"}
        tree = file["simulated"]
        assert np.array_equal(tree["ecal_cell_energy"].array(), columns["ecal_cell_energy"])
        assert ak.flatten(tree["hit_x"].array()).tolist() == columns["hit_x"].tolist()
        assert tree["n_hit"].array().tolist() == [5, 0, 5, 5, 5, 5]
