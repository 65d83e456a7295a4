"""Damaged files: refused, lost by name or said to be unverified; never more than that."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from na64.testing.damage import DAMAGES, Anatomy, anatomy_of, damage
from na64.testing.specimens import Specimen, make_specimen
from na64.testing.trial import Limits, Reading, Trial, catalogue_of, read_once, run_trials
from tests.conftest import Told

_EACH = 2  # files of each damage and format
Intact = tuple[Specimen, Anatomy, Reading]


@pytest.fixture(scope="module", params=["reconstructed_plain", "raw_rntuple"])
def intact(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Intact:
    return look_into(request.param, tmp_path_factory.mktemp("intact"))


@pytest.fixture(scope="module")
def one_intact(tmp_path_factory: pytest.TempPathFactory) -> Intact:
    return look_into("reconstructed_plain", tmp_path_factory.mktemp("intact"))


def look_into(name: str, folder: Path) -> Intact:
    specimen = make_specimen(name, folder)
    return specimen, anatomy_of(specimen.path, specimen.tree), read_once(specimen)


def trials(folder: Path, intact: Intact, seed: int, *, listed: bool) -> list[Trial]:
    rng = np.random.default_rng(seed)
    found = []
    for number, kind in enumerate(_EACH * list(DAMAGES)):
        path = folder / f"{number}.root"
        path.write_bytes(damage(intact[1], kind, rng))
        catalogue = catalogue_of(intact[0], path.name) if listed else None
        found.append(Trial(intact[0], path, kind, catalogue))
    return found


def outcomes(found: list[Trial], intact: Intact) -> Counter[str]:
    verdicts = list(run_trials(found, {intact[0].name: intact[2]}, Limits()))
    assert [(trial.damage, verdict) for trial, verdict in verdicts if verdict.is_failure] == []
    return Counter(verdict.outcome for _, verdict in verdicts)


def test_without_digest_nothing_is_lost_in_silence(tmp_path: Path, intact: Intact) -> None:
    found = outcomes(trials(tmp_path, intact, 11, listed=False), intact)
    assert found.total() == _EACH * len(DAMAGES)
    assert {"refused", "same result"} <= set(found)


def test_with_the_digest_every_damage_is_an_error(tmp_path: Path, intact: Intact) -> None:
    found = outcomes(trials(tmp_path, intact, 12, listed=True), intact)
    assert found == {"refused: digest": _EACH * len(DAMAGES)}


def _end() -> Any:
    os._exit(3)


def _hang() -> Any:
    while True:
        pass


def _fail() -> Any:
    raise IndexError


@pytest.mark.parametrize(
    ("deed", "outcome"),
    [
        pytest.param(_end, "crash", id="crash"),
        pytest.param(_hang, "hang", id="hang"),
        pytest.param(_fail, "traceback", id="traceback"),
        pytest.param(lambda: bytes(1 << 40), "out of memory", id="memory"),
    ],
)
def test_what_must_not_be_is_seen_and_the_next_file_read(
    tmp_path: Path, one_intact: Intact, deed: Callable[[], Any], outcome: str
) -> None:
    path = tmp_path / "a.root"
    path.write_bytes(one_intact[1].content)
    good = Trial(one_intact[0], path, "none", None)
    bad = good._replace(specimen=replace(one_intact[0], processor=deed))
    limits = Limits(seconds=2.0 if outcome == "hang" else 60.0)
    verdicts = [
        verdict.outcome for _, verdict in run_trials([bad, good], {one_intact[0].name: one_intact[2]}, limits)
    ]
    assert verdicts[0] == outcome
    assert verdicts[1] == "same result" or outcome == "hang"  # two seconds may be too short for it


@pytest.mark.parametrize("command", [("run", "invisible"), ("reco",), ("calibrate",)], ids=" ".join)
def test_commands_refuse_another_file_than_that_of_the_catalogue(
    tmp_path: Path, samples: Path, na64: Callable[..., Told], command: tuple[str, ...]
) -> None:
    content = bytearray((samples / "p348reco_tree.root").read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "p348reco_tree.root"  # which the catalogue that comes with the project lists
    path.write_bytes(content)
    told = na64(*command, path, "-o", tmp_path / "out.root")
    assert told.status == 2
    assert "has the SHA-256" in told.err
    assert list(tmp_path.glob("*.root")) == [path]
