"""Two files of the muon mode's data that differ in closed events only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

import datasets
from datasets.setups import load_setup
from na64.testing.pair import PLANTED

__all__ = ["MUON_PLANTED", "make_muon_pair"]

MUON_PLANTED = PLANTED  # [GeV] momentum before the target that only closed events have
_SAMPLE = Path(datasets.__file__).parent / "samples" / "ana_tree.root"
_LIGHT = 0.299792458  # [GeV / (T m)]
_EVENTS, _CLOSED = 400, 30


def make_muon_pair(folder: Path, seed: int = 5) -> tuple[Path, Path]:
    """
    Write two ntuples `ana_tree` of equal length and name that differ in closed events only.

    In the first, 30 events lie in the box: hits behind the magnet are moved as a muon of 15 to 55 GeV would
    have them, energies are those of one muon. In the second, half of them have other momenta, the rest fails
    the base requirement: S0 or S1 did not fire, V0 did, the HCAL is dead, an energy is NaN, or the GEMs have
    no hit.
    """
    rng = np.random.default_rng(seed)
    with uproot.open(_SAMPLE) as file:
        sample = file["ana_tree"].arrays(entry_stop=_EVENTS)
    arrays = {name: sample[name] for name in sample.fields}
    quiet = np.asarray(arrays["ECALtot"] + arrays["HCAL0tot"] + arrays["HCAL1tot"] < 8.0)
    quiet &= np.asarray([t[0] > 2e-4 and t[1] > 2e-4 and t[4] < 1e-3 for t in arrays["Triggers"].to_list()])
    chosen = rng.choice(np.flatnonzero(quiet), _CLOSED, replace=False)
    paths = []
    for name, is_second in (("one", False), ("two", True)):
        momentum = rng.uniform(15.0, 55.0, _CLOSED)
        changed = _deflect(arrays, chosen, momentum)
        beam = np.array(changed["BeamEnergy0"])
        beam[chosen] = rng.uniform(150.0, 170.0, _CLOSED) if is_second else PLANTED
        changed["BeamEnergy0"] = beam
        if is_second:
            _break(changed, chosen[_CLOSED // 2 :])
        (folder / name).mkdir()
        paths.append(folder / name / "data.root")
        with uproot.recreate(paths[-1], compression=None) as file:
            file.mktree("ana_tree", {n: _type_of(v) for n, v in changed.items()})
            file["ana_tree"].extend(changed)
    return paths[0], paths[1]


def _type_of(values: Any) -> Any:
    return "var * float64" if isinstance(values, ak.Array) and values.ndim == 2 else np.asarray(values).dtype


def _deflect(arrays: dict[str, Any], events: Any, momentum: Any) -> dict[str, Any]:
    """Move the hits behind the magnet to where muons of these momenta would have them."""
    spectrometer = load_setup("na64mu_2023").spectrometers["scattered"]
    magnet = spectrometer.magnets[0]
    middle, bending = magnet.z + 0.5 * magnet.length, _LIGHT * spectrometer.field_integral
    changed = dict(arrays)
    more = np.zeros(_EVENTS)
    more[events] = bending * (1 / momentum - 1 / 160.0)
    for plane in spectrometer.planes:
        if plane.z > middle and f"{plane.name}x" in arrays:
            changed[f"{plane.name}x"] = arrays[f"{plane.name}x"] + more * (plane.z - middle)
    return changed


def _break(arrays: dict[str, Any], events: Any) -> None:
    """Let events fail the base requirement in six ways."""
    lists = {name: arrays[name].to_list() for name in ("Triggers", "HCALenergy", "ECALenergy")}
    gems = {f"GEM{i}{axis}": arrays[f"GEM{i}{axis}"].to_list() for i in range(1, 5) for axis in "xy"}
    for number, event in enumerate(events.tolist()):
        match number % 6:
            case 0 | 1 as counter:
                lists["Triggers"][event][counter] = 0.0
            case 2:
                lists["Triggers"][event][4] = 0.01
            case 3:
                lists["HCALenergy"][event] = [0.0] * 36
            case 4:
                lists["ECALenergy"][event][7] = float("nan")
            case _:
                for hits in gems.values():
                    hits[event] = []
    arrays.update({name: ak.Array(values) for name, values in {**lists, **gems}.items()})
