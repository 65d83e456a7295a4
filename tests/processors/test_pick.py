"""Single events: the numbers of a run over the whole file, and of data the shown events only."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from datasets.probe import Probe, probe_file
from datasets.sources import find_inputs
from processors.invisible import InvisibleProcessor
from processors.pick import (
    Picked,
    find_identity,
    first_rejected,
    first_shown,
    pick_events,
    verdicts_of,
)
from processors.runner import Execution, Prepared, run_items
from processors.selected import Selected
from selections.cut import passes
from selections.selection import SelectionError
from selections.verdicts import rejected_by
from tests.conftest import SAMPLES, P348Reco

GEANT4 = SAMPLES / "geant4" / "electrons_100gev.root"
DATA = SAMPLES / "p348reco_tree.root"


class WholeChunk(InvisibleProcessor):
    """Returns the selected events of a chunk, as a run sees them."""

    def process(self, events: object) -> Selected:  # type: ignore[override]
        return self.select(events, need_base_of_simulation=False, with_details=True)


@cache
def probe(path: Path) -> Probe:
    return probe_file(find_inputs((str(path),))[0])


@cache
def whole(path: Path) -> Selected:
    found: list[Selected] = []
    prepared = Prepared(probes=(probe(path),), losses=(), setup=probe(path).setup)
    run_items(prepared, WholeChunk(), Execution(), 0, consume=lambda _, chunk: found.append(chunk))
    (only,) = found
    return only


@pytest.mark.parametrize("path", [GEANT4, DATA], ids=["simulation", "data"])
def test_verdicts_are_the_masks_of_a_run(path: Path) -> None:
    run = whole(path)
    assert run.details is not None
    position = run.details.position.tolist()
    entries = [3, *range(200, 230), 7]
    picked = pick_events(probe(path), InvisibleProcessor(), entries)
    assert [p.entry for p in picked] == [entry for entry in entries if entry in position]
    given = [cut for cut in run.context.selection.cuts if set(cut.needs) <= set(run.columns)]
    masks = {cut.name: passes(cut, run.columns, run.n_events) for cut in given}
    assert any(not mask.all() for mask in masks.values())
    for event in picked:
        _, cuts = verdicts_of(event)
        index = position.index(event.entry)
        found = {v.name: v.outcome == "pass" for v in cuts if v.outcome != "not given"}
        assert found == {name: bool(mask[index]) for name, mask in masks.items()}
        for name in ("ecal_energy", "hcal_energy", "srd_energy", "ecal_shower_chi2"):
            assert event.columns[name][0] == run.columns[name][index]


def test_neighbours_do_not_change_an_event() -> None:
    alone = pick_events(probe(GEANT4), InvisibleProcessor(), [211])[0]
    among = pick_events(probe(GEANT4), InvisibleProcessor(), [210, 211, 212])[1]
    assert among.entry == alone.entry == 211
    assert alone.columns["track_momentum"][0] == among.columns["track_momentum"][0]
    assert (alone.measured.cells["ecal"] == among.measured.cells["ecal"]).all()
    assert len(alone.measured.hits["incoming"].x) >= 4


def test_the_seed_moves_the_smearing_of_simulation() -> None:
    one, two = (pick_events(probe(GEANT4), InvisibleProcessor(seed=seed), [5])[0] for seed in (1, 2))
    assert one.columns["ecal_energy"][0] != two.columns["ecal_energy"][0]


def test_closed_and_base_failing_events_are_left_out(tmp_path: Path, p348reco: P348Reco) -> None:
    closed, failing, shown = p348reco.tagged[:3]
    p348reco.scale_ecal(np.array([closed]), 20.0)
    p348reco.quiet_hcal(np.array([closed]))
    p348reco.arrays["SRD_ene"][failing] = 0.0
    path = p348reco.write(tmp_path / "data.root", n_events=int(shown) + 1)
    found = pick_events(probe(path), InvisibleProcessor(), [closed, failing, shown])
    assert [p.entry for p in found] == [shown]
    # with whole chunks around them too
    assert {closed, failing}.isdisjoint(
        p.entry for p in pick_events(probe(path), InvisibleProcessor(), range(int(shown) + 1))
    )


def first_by_hand(run: Selected, name: str) -> int:
    """Return the first entry whose first failing cut, of those that are given, is ``name``."""
    assert run.details is not None
    for index, entry in enumerate(run.details.position.tolist()):
        for cut in run.context.selection.cuts:
            if set(cut.needs) <= set(run.columns) and not passes(cut, run.columns, run.n_events)[index]:
                if cut.name == name:
                    return int(entry)
                break
    return -1


@pytest.mark.parametrize("path", [GEANT4, DATA], ids=["simulation", "data"])
def test_first_rejected_is_that_of_the_cut_flow(path: Path) -> None:
    wanted = first_by_hand(whole(path), "veto")
    found = first_rejected(probe(path), InvisibleProcessor(), "veto")
    assert isinstance(found, Picked)
    assert found.entry == wanted >= 0
    _, cuts = verdicts_of(found)
    first = rejected_by(cuts)
    assert first is not None
    assert first.name == "veto"
    later = first_rejected(probe(path), InvisibleProcessor(), "veto", start=wanted + 1)
    assert later is None or later.entry > wanted


def test_first_shown_and_none() -> None:
    run = whole(DATA)
    assert run.details is not None
    found = first_shown(probe(DATA), InvisibleProcessor(), 2)
    assert found is not None
    assert found.entry == run.details.position[run.details.position >= 2][0]
    assert first_shown(probe(DATA), InvisibleProcessor(), probe(DATA).tree.entries) is None


def test_cuts_that_cannot_decide_are_refused() -> None:
    with pytest.raises(SelectionError, match="does not give track_count"):
        first_rejected(probe(DATA), InvisibleProcessor(), "single_track")


def test_events_are_found_by_their_numbers() -> None:
    assert find_identity(probe(DATA), {"run": 3661, "spill": 1, "event": 4}) == [4]
    assert find_identity(probe(DATA), {"run": 1}) == []
    with pytest.raises(SelectionError, match="gives no spill number"):
        find_identity(probe(GEANT4), {"spill": 1})
