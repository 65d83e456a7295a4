import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.generator import simulate_block
from datasets.simulation.plan import plan
from datasets.simulation.tag import simulate_tag
from recon.srd import SrdTagConfig, tag_electrons
from selections.selection import load_selection

SETUPS = ("na64e_2016", "na64e_2018", "na64e_2022")


def tag_of(setup: str) -> SrdTagConfig:
    names = tuple(load_setup(setup).detectors)
    return SrdTagConfig(**load_selection("invisible", setup, names).params["srd"])


@pytest.mark.parametrize("setup", SETUPS)
def test_modules_stand_in_the_fan_and_tag_electrons(setup: str) -> None:
    modules = simulate_tag(load_setup(setup), "beam", 6000, np.random.default_rng(1))
    assert tag_electrons(modules, tag_of(setup)).mean() > 0.91  # 92.3%, docs/background.md
    median = np.median(modules, axis=0)
    assert median.max() < 1.4 * median.min()


def test_tag_alone_sees_what_the_whole_simulation_does() -> None:
    setup = load_setup("na64e_2018")
    alone = simulate_tag(setup, "beam", 6000, np.random.default_rng(2))
    whole = [simulate_block(plan(setup, "electron", has_pile_up=False), n) for n in range(3)]
    cells = np.concatenate([block.merged.energy[:, block.cells["srd"]] for block in whole])
    np.testing.assert_allclose(np.median(cells, axis=0), np.median(alone, axis=0), rtol=0.07)
    np.testing.assert_allclose((cells > 5e-4).mean(axis=0), (alone > 5e-4).mean(axis=0), atol=0.01)


def test_pions_are_hardly_tagged_and_pile_up_tags_some() -> None:
    setup, config = load_setup("na64e_2018"), tag_of("na64e_2018")
    rates = [
        tag_electrons(simulate_tag(setup, "pi-", 20_000, np.random.default_rng(3), pile_up=on), config).mean()
        for on in (False, True)
    ]
    assert rates[0] < 1e-3
    assert 5e-3 < rates[1] < 5e-2  # some 2% of a second particle within 10 ns at 1 MHz


def test_halves_of_a_sample_differ_and_seeds_repeat() -> None:
    setup = load_setup("na64e_2018")
    one, same, other = (simulate_tag(setup, "beam", 50, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert (one == same).all()
    assert not (one == other).all()
