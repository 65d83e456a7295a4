"""From a user's words to a simulation: parameters, shares, and messages that say what to do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datasets.config import ConfigError
from datasets.setups import load_setup
from datasets.simulation.mixture import TriggerName
from datasets.simulation.plan import MIXTURE, describe, parse_changes, plan
from datasets.simulation.processes import PROCESSES
from recon.geometry import Trigger

SETUP = load_setup("na64e_2018")
SAMPLE = load_setup("geant4_sample")  # without trigger and without intensity


def test_masses_that_do_not_decay_visibly_are_refused() -> None:
    setup = load_setup("na64vis_2017")
    with pytest.raises(ConfigError, match=r"decays to e\+ e- above 0.001022 GeV alone, got mass=0.001"):
        plan(setup, "visible_dark_photon", changes={"mass": 0.001})
    assert plan(setup, "visible_dark_photon", changes={"mass": 0.0011}).parameters[0]["mass"] == 0.0011


def mixture_file(folder: Path, components: str, trigger: str = "physics") -> str:
    path = folder / "mine.yaml"
    path.write_text(f"name: mine\ntitle: of a test\ntrigger: {trigger}\ncomponents:\n{components}")
    return str(path)


@pytest.mark.parametrize(
    ("texts", "changes"),
    [
        ([], {}),
        (["mass=0.0167"], {"mass": 0.0167}),
        (["mass = 1e-2", "epsilon=-3"], {"mass": 0.01, "epsilon": -3.0}),
    ],
)
def test_changes_by_hand(texts: list[str], changes: dict[str, float]) -> None:
    assert parse_changes(texts) == changes


@pytest.mark.parametrize(
    "text", ["mass", "mass=", "mass=heavy", "", "mass=1=2", "=", "=1", "mass:1", "mass=nan", "mass=inf"]
)
def test_what_is_no_change_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=f"--set takes KEY=NUMBER, got '{text}'"):
        parse_changes(["epsilon=1", text])


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="--set gives mass twice: 1 and 2"):
        parse_changes(["mass=1", "mass=2"])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "must be above 0, got -1"),
        (0.0, "must be above 0"),
        (100.0, "below the beam's 100 GeV, got 100 GeV"),
    ],
)
def test_parameters_out_of_range_are_refused(value: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(SETUP, "dimuon", changes={"least_energy": value})


def test_a_process_alone() -> None:
    simulation = plan(SETUP, "dimuon", changes={"least_energy": 9.0}, seed=7)
    assert simulation.processes == (PROCESSES["dimuon"],)
    assert simulation.parameters[0] == {**PROCESSES["dimuon"].parameters, "least_energy": 9.0}
    assert simulation.sampling.fractions.tolist() == simulation.sampling.weights.tolist() == [1.0]
    assert (simulation.triggers, simulation.has_pile_up, simulation.seed) == (("none",), True, 7)
    assert simulation.source == "na64e_2018/dimuon"
    assert PROCESSES["dimuon"].parameters["least_energy"] != 9.0  # the default stays


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_every_process_can_be_planned(name: str) -> None:
    simulation = plan(SETUP, name)
    assert simulation.name == name
    assert simulation.rates[0].value >= 0
    assert simulation.rates[0].source


@pytest.mark.parametrize(
    ("process", "options", "message"),
    [
        ("elektron", {}, r"unknown process 'elektron'; did you mean 'electron'\? Processes: electron, "),
        ("mixtur", {}, "did you mean 'mixture'"),
        ("zzz", {}, r"unknown process 'zzz'\. Processes: "),
        (
            "dimuon",
            {"changes": {"least_enrgy": 1.0}},
            r"dimuon has no parameter 'least_enrgy'; did you mean 'least_energy'\? Parameters: least_energy",
        ),
        ("electron", {"changes": {"mass": 1.0}}, r"electron has no parameter 'mass'\. Parameters: none"),
        ("dimuon", {"mixture": "default"}, "--mixture goes with the process 'mixture', not with 'dimuon'"),
        (MIXTURE, {"changes": {"mass": 1.0}}, r"those of a mixture stand in its file \(mass\)"),
        (MIXTURE, {"mixture": "defualt"}, "did you mean 'default'"),
    ],
)
def test_errors_name_what_was_meant(process: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(SETUP, process, **options)  # type: ignore[arg-type]


def test_unknown_process_in_a_mixture_is_named(tmp_path: Path) -> None:
    path = mixture_file(tmp_path, "  - {process: electron}\n  - {process: dimuons}\n")
    with pytest.raises(ConfigError, match="unknown process 'dimuons'; did you mean 'dimuon'"):
        plan(SETUP, MIXTURE, mixture=path)


def test_a_setup_without_intensity_has_no_pile_up() -> None:
    with pytest.raises(ConfigError, match=r"setup geant4_sample says nothing of .* intensity.* --no-pile-up"):
        plan(SAMPLE, "electron")
    assert not plan(SAMPLE, "electron", has_pile_up=False).has_pile_up


def test_a_setup_without_trigger() -> None:
    with pytest.raises(ConfigError, match="setup geant4_sample has no trigger; give --trigger none"):
        plan(SAMPLE, "electron", trigger="physics", has_pile_up=False)
    assert plan(SAMPLE, "electron", trigger="none", has_pile_up=False).triggers == ("none",)
    with pytest.raises(ConfigError, match="na64e_2018 has no trigger"):
        plan(replace(SETUP, trigger=Trigger()), MIXTURE)


def test_a_setup_that_cannot_be_simulated_is_refused() -> None:
    ecal = SETUP.detectors["ecal"]
    empty = replace(ecal, sections=(replace(ecal.sections[0], matter=None), ecal.sections[1]))
    with pytest.raises(ConfigError, match="section 'preshower' of ecal cannot be simulated"):
        plan(replace(SETUP, detectors={**SETUP.detectors, "ecal": empty}), "electron")


def test_a_prescale_counts_in_the_yield(tmp_path: Path) -> None:
    """Electrons 0.995, one of 100 recorded, and 0.005 hadrons: 0.00995 to 0.005."""
    path = mixture_file(tmp_path, "  - {process: electron, prescale: 100.0}\n  - {process: hadron}\n")
    simulation = plan(SETUP, MIXTURE, mixture=path)
    assert [rate.value for rate in simulation.rates] == pytest.approx([0.00995, 0.005])
    assert simulation.sampling.fractions == pytest.approx(np.array([0.00995, 0.005]) / 0.01495)
    assert simulation.sampling.weights == pytest.approx(np.ones(2))
    assert simulation.rates[0].source.endswith("; one of 100 is recorded")
    assert simulation.rates[1].source == "the setup: beam.contamination"


@pytest.mark.parametrize(
    ("wish", "expected"),
    [(None, ("beam", "physics")), ("physics", ("physics", "physics")), ("none", ("none", "none"))],
)
def test_who_decides_on_the_trigger(
    tmp_path: Path, wish: TriggerName | None, expected: tuple[str, str]
) -> None:
    """The user before the component, the component before the mixture."""
    path = mixture_file(tmp_path, "  - {process: electron, trigger: beam}\n  - {process: hadron}\n")
    assert plan(SETUP, MIXTURE, mixture=path, trigger=wish).triggers == expected


def test_parameters_of_a_component(tmp_path: Path) -> None:
    path = mixture_file(
        tmp_path, "  - {process: electron}\n  - {process: dimuon, parameters: {least_energy: 20.0}}\n"
    )
    simulation = plan(SETUP, MIXTURE, mixture=path)
    assert simulation.parameters[1]["least_energy"] == 20.0
    assert simulation.rates[1].value < plan(SETUP, "dimuon").rates[0].value


def test_what_a_file_says_of_a_simulation() -> None:
    """Fraction times weight is the part of each process in nature."""
    simulation = plan(SETUP, MIXTURE)
    rows = describe(simulation)
    assert [row["name"] for row in rows] == [kind.name for kind in simulation.processes]
    assert [row["code"] for row in rows] == [kind.code for kind in simulation.processes]
    natural = np.array([row["yield"] for row in rows])
    found = np.array([row["fraction"] * row["weight"] for row in rows])
    assert found == pytest.approx(natural / natural.sum())
    assert all(row["source"] and isinstance(row["parameters"], dict) for row in rows)
    assert [row["trigger"] for row in rows] == list(simulation.triggers)


def test_codes_of_processes_differ() -> None:
    assert len({kind.code for kind in PROCESSES.values()}) == len(PROCESSES)
    assert all(name == kind.name for name, kind in PROCESSES.items())
