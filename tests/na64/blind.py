"""More pairs of files for the two-file oracle of `na64.testing`: Geant4 events, and raw digits.

A new command that reads data must pass `assert_same` on such a pair.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import uproot

from datasets.conditions import ideal_conditions, write_conditions
from datasets.conditions.runs import RunRange
from datasets.setups import load_setup
from datasets.simulation.generator import Block, simulate_block
from datasets.simulation.plan import plan
from datasets.simulation.raw import RawWriter, digit_columns, trigger_word
from na64.testing import PLANTED, P348Reco, assert_same, fingerprint, make_closed_pair
from recon.geometry import Setup
from tests.conftest import SAMPLES

__all__ = [
    "PLANTED",
    "assert_same",
    "closed_entries",
    "fingerprint",
    "make_closed_pair",
    "make_geant4_pair",
    "make_raw_pair",
]


def closed_entries(seed: int = 5) -> list[int]:
    """Return the entries that `make_closed_pair` replaces."""
    return [int(entry) for entry in np.random.default_rng(seed).choice(P348Reco().tagged, 40, replace=False)]


def make_margin_pair(folder: Path) -> tuple[Path, Path]:
    """Write two files that differ in events just outside of the box, inside if the ECAL sees 1% less."""
    paths = []
    for name, energies in (("one", (50.1, 50.2)), ("two", (50.3, 50.4))):
        sample = P348Reco()
        chosen = sample.tagged[:40]
        sample.quiet_hcal(chosen)
        for energy, events in zip(energies, (chosen[:10], chosen[10:]), strict=True):
            sample.scale_ecal(events, energy)
        (folder / name).mkdir()
        paths.append(sample.write(folder / name / "data.root"))
    return paths[0], paths[1]


def make_geant4_pair(folder: Path) -> tuple[Path, Path]:
    """
    Write two files of Geant4 events, with tracks and jagged cells, that differ in closed events only.

    They are simulation, to be read with `--kind data`: only the closed events may have other hits.
    """
    with uproot.open(SAMPLES / "geant4" / "electrons_100gev.root") as file:
        events = file["sim"].arrays(entry_stop=400)
    srd = ak.sum(events.hit_e[events.hit_det == 0], axis=1)
    chosen = np.flatnonzero((srd > 0.01) & (srd < 0.1))[:30]
    paths = []
    for name, ecal, tagged in (("one", 0.25, 30), ("two", 0.4, 15)):
        factor = np.ones((400, 4))  # per detector: SRD, ECAL, VETO, HCAL
        factor[chosen, 1], factor[chosen, 3] = ecal, 0.0
        factor[chosen[tagged:]] = (0.0, 1.0, 1.0, 1.0)  # outside of the box, without a tag
        scale = ak.unflatten(
            factor[_event_of(events.hit_e), ak.flatten(events.hit_det)], ak.num(events.hit_e)
        )
        hit = ak.zip({f[4:]: events[f] for f in events.fields if f.startswith("hit_") and f != "hit_e"})
        hit["e"] = ak.values_astype(events.hit_e * scale, np.float32)
        trk = ak.zip({f[4:]: events[f] for f in events.fields if f.startswith("trk_")})
        plain = {f: events[f] for f in events.fields if not f.startswith(("hit_", "trk_", "nhit", "ntrk"))}
        (folder / name).mkdir()
        paths.append(folder / name / "data.root")
        with uproot.recreate(paths[-1], compression=None) as file:
            counters = {"hit": "nhit", "trk": "ntrk"}
            file.mktree("sim", {**plain, "hit": hit, "trk": trk}, counter_name=counters.__getitem__)
    return paths[0], paths[1]


def make_raw_pair(folder: Path) -> tuple[Path, Path, Path]:
    """
    Write two files of raw digits that differ in closed events only, and conditions to read them.

    200 beam electrons are the same in both; 40 events whose ECAL misses 60 to 95 GeV differ.
    """
    setup = load_setup("na64e_2018")
    conditions = folder / "conditions"
    write_conditions(ideal_conditions(setup), setup, conditions, RunRange.parse("3661"), "a test")
    shown = _raw_columns(setup, "electron", 1, np.arange(200))
    paths = []
    for name, seed in (("one", 1), ("two", 2)):
        block = simulate_block(plan(setup, "dark_photon", seed=seed, has_pile_up=False), 0)
        missing = block.columns["truth_missing_energy"]
        closed = np.flatnonzero((missing > 60.0) & (missing < 95.0))[:40]
        (folder / name).mkdir()
        paths.append(folder / name / "data.root")
        with RawWriter(paths[-1], {"version": 1}, "ttree") as writer:
            writer.write(shown)
            writer.write(_raw_columns(setup, "dark_photon", seed, closed))
    return paths[0], paths[1], conditions


def make_raw_calibration_pair(folder: Path) -> tuple[Path, Path, Path]:
    """
    Write two files of raw digits of a calibration run that differ in physics triggers only, and conditions.

    150 electrons of calibration triggers are the same. 40 physics triggers differ, all in energy; half of
    them are calibration triggers too. Spill 9 is bad: its 20 events differ.
    """
    setup = load_setup("na64e_2018")
    conditions = replace(ideal_conditions(setup), bad_spills=np.array([9]))
    write_conditions(conditions, setup, folder / "conditions", RunRange.parse("3661"), "a test")
    shown = _raw_columns(setup, "electron", 1, np.arange(150), physics=False, calibration=True)
    paths = []
    for name, seed in (("one", 1), ("two", 2)):
        both, physics, bad = (np.arange(n, n + 20) + 200 * seed for n in (200, 220, 240))
        (folder / name).mkdir()
        paths.append(folder / name / "data.root")
        with RawWriter(paths[-1], {"version": 1}, "ttree") as writer:
            writer.write(shown)
            writer.write(_raw_columns(setup, "electron", 1, both, calibration=True))
            writer.write(_raw_columns(setup, "electron", 1, physics, calibration=False))
            writer.write(_raw_columns(setup, "electron", 1, bad, calibration=True, spill=9))
    return paths[0], paths[1], folder / "conditions"


@cache
def _block(process: str, seed: int) -> Block:
    return simulate_block(plan(load_setup("na64e_2018"), process, seed=seed, has_pile_up=False), 0)


class Damage(NamedTuple):
    """Raw files that are damaged alike but for their closed events, and what they were before."""

    pair: tuple[Path, Path]
    whole: Path
    conditions: Path


SHORT, ZERO, FULL, REPEATED, BAD_SPILL, NO_TIME = 13, 4, 5, 6, 7, 8  # events that must fail
UNKNOWN, NOISY, STRANGE_STRIP, REPEATED_STRIP = 16, 14, 11, 12  # events that may go on
COUNTERS = range(117, 120)  # channels of S0, S1, S2
UNDECIDED = {SHORT, ZERO, FULL, REPEATED, BAD_SPILL, NO_TIME}


def make_damaged_pair(folder: Path) -> Damage:
    """
    Damage digits of the first events of `make_raw_pair`, in both files alike.

    In the second file, closed events have noisy and saturated waveforms too.
    """
    one, two, _ = make_raw_pair(folder)
    setup = load_setup("na64e_2018")
    conditions = folder / "with_a_bad_spill"
    ideal = replace(ideal_conditions(setup), bad_spills=np.array([7]))
    write_conditions(ideal, setup, conditions, RunRange.parse("3661"), "a test")
    (folder / "whole").mkdir()
    whole = folder / "whole" / "data.root"
    _rewrite(one, whole, lambda columns: None)
    _rewrite(one, one, _damage)
    _rewrite(two, two, lambda columns: _damage(columns, spoil_closed=True))
    return Damage((one, two), whole, conditions)


def _rewrite(source: Path, target: Path, change: Callable[[dict[str, list[Any]]], None]) -> None:
    """Change the events of a raw file, as lists."""
    with uproot.open(source) as file:
        tree = file["raw"]
        names = [name for name in tree.keys() if not name.startswith("n_")]  # noqa: SIM118
        found = {name: tree[name].array() for name in names}
    types = {name: ak.values_astype(values[:0], _number_type(values)) for name, values in found.items()}
    columns = {name: values.to_list() for name, values in found.items()}
    change(columns)
    with uproot.recreate(target) as file:
        arrays = {
            name: ak.values_astype(ak.Array(values), _number_type(types[name]))
            for name, values in columns.items()
        }
        file.mktree("raw", {name: ak.type(values).content for name, values in arrays.items()})
        file["raw"].extend(arrays)


def _number_type(values: ak.Array) -> Any:
    return np.dtype(str(ak.type(values)).rpartition("* ")[2])


def _damage(columns: dict[str, list[Any]], *, spoil_closed: bool = False) -> None:
    samples, channel = columns["adc_samples"], columns["adc_channel"]
    del samples[SHORT][-3:]
    samples[ZERO][:32] = [0] * 32
    samples[FULL][:32] = [4095] * 32
    channel[REPEATED][1] = channel[REPEATED][0]
    columns["spill"][BAD_SPILL] = 7
    kept = [at for at, number in enumerate(channel[NO_TIME]) if number not in COUNTERS]
    channel[NO_TIME] = [channel[NO_TIME][at] for at in kept]
    samples[NO_TIME] = [sample for at in kept for sample in samples[NO_TIME][32 * at : 32 * at + 32]]
    channel[UNKNOWN].append(9999)
    samples[UNKNOWN] += [50] * 16 + [900] * 16
    samples[NOISY][0] += 40
    columns["apv_channel"][STRANGE_STRIP][0] = 9999
    for name in ("apv_channel", "apv_detector"):
        columns[name][REPEATED_STRIP][1] = columns[name][REPEATED_STRIP][0]
    if spoil_closed:
        for event in range(200, len(samples)):
            samples[event][0] += 40
            samples[event][13] = 4095


def _raw_columns(
    setup: Setup,
    process: str,
    seed: int,
    chosen: np.ndarray,
    *,
    physics: bool = True,
    calibration: bool | None = None,
    spill: int = 1,
) -> dict[str, Any]:
    """Return the columns of some events of a simulated block, as those of a data run."""
    block = _block(process, seed)
    digits = digit_columns(
        block.select(np.isin(np.arange(block.n_events), chosen)), setup, np.random.default_rng(7)
    )
    n = len(chosen)
    del digits["attempt"]
    if calibration is not None:  # with truth, a file of a calibration run would be a simulation
        digits = {name: v for name, v in digits.items() if not name.startswith(("truth", "true", "pile_up"))}
    return {
        "run": np.full(n, 3661, dtype=np.int32),
        "spill": np.full(n, spill, dtype=np.int32),
        "event": chosen.astype(np.int64),
        "master_time": np.full(n, np.nan, dtype=np.float32),  # the beam counters tell
        "trigger_is_physics": np.full(n, physics),
        "trigger_word": trigger_word(
            physics=np.full(n, physics), calibration=np.full(n, calibration or False)
        ),
        **({} if calibration is None else {"trigger_is_calibration": np.full(n, calibration)}),
        **digits,
    }


def _event_of(jagged: ak.Array) -> np.ndarray:
    return np.repeat(np.arange(len(jagged)), ak.num(jagged))
