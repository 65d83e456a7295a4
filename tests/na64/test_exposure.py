"""Particles on target in the record of a run."""

from types import SimpleNamespace
from typing import Any

import pytest

from datasets.conditions.catalogue import Catalogue
from na64.run.exposure import describe_exposure, exposure_line, exposure_rows
from processors.runner import Account, Loss


def prepared(*probes: Any, losses: tuple[Loss, ...] = ()) -> Any:
    return SimpleNamespace(probes=probes, losses=losses, setup="na64e_2018")


def probe(path: str, kind: str = "simulation", level: str = "simulated", **parent: Any) -> Any:
    return SimpleNamespace(
        file=SimpleNamespace(path=path), kind=kind, layout=SimpleNamespace(level=level), parent=parent
    )


def describe(files: Any, *lost: str) -> dict[str, Any]:
    account = Account(losses=[Loss(path, 5, "a basket") for path in lost])
    return describe_exposure(Catalogue(), files, account)


def test_simulation_has_the_particles_of_its_metadata_and_loses_those_of_lost_files() -> None:
    found = describe(prepared(probe("a.root", eot=2.5e6), probe("b.root", eot=1e6)), "b.root")
    assert (found["eot_input"], found["eot_used"], found["eot_lost"]) == (3.5e6, 2.5e6, 1e6)
    assert exposure_line(found) == "exposure: 3.5e+06 particles on target = 2.5e+06 used + 1e+06 lost"


def test_what_is_not_known_is_null_with_the_reason() -> None:
    found = describe(prepared(probe("a.root", eot=2.5e6), probe("b.root")))
    assert (found["eot_input"], found["eot_used"], found["eot_lost"]) == (None, None, None)
    assert "b.root" in exposure_line(found)
    data = describe(prepared(probe("c.root", kind="data", level="reconstructed")))
    assert data["eot_used"] is None
    assert "c.root (not in the catalogue)" in data["reason"]
    assert exposure_line(data) == "exposure: particles on target not known: c.root (not in the catalogue)"
    assert dict(exposure_rows(data)) == {
        "particles on target": "not known",
        "why": "c.root (not in the catalogue)",
    }
    assert "(3e+06 lost)" in exposure_line({**data, "eot_lost": 3e6})


def test_a_skim_has_the_particles_of_its_parents() -> None:
    parts = {"eot_input": 10, "eot_used": 7, "eot_lost": 3}
    skims = [probe(name, kind="data", level="columns", exposure=parts) for name in ("a", "b")]
    found = describe(prepared(*skims), "b")
    assert (found["eot_input"], found["eot_used"], found["eot_lost"]) == (20, 7, 13)


@pytest.mark.parametrize("other", ["data", "calibration"])
def test_kinds_do_not_add_up(other: str) -> None:
    found = describe(prepared(probe("a.root", eot=1.0), probe("b.root", kind=other)))
    assert found["eot_used"] is None
    assert "do not add up" in found["reason"]
