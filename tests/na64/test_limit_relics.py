"""Lines of the relic and published curves beside a limit on y."""

from typing import Any, get_args

import numpy as np
import pytest

from limits.run_input import BinnedBackground, Efficiency, RunInput
from limits.scan import Problem, limit_point
from limits.signal import MODELS, Settings
from na64.limit.curves import Curve
from na64.limit.plots import Extras, draw_limit, y_axis
from na64.plotting import style
from physics.relic import DarkMatter, relic_yield
from tests.na64.test_background import SETUP
from tests.na64.test_limit import BEAM

MASSES = (0.01, 0.1)
OVERLAYS = [Curve(name, np.array(MASSES), np.array([1e-4, 1e-3]), None) for name in ("one", "two", "three")]


def lines(dark_matter: DarkMatter) -> dict[str, Any]:
    """Return the lines of a figure by their words."""
    flat = Efficiency(masses=(0.001, 1.0), values=((0.5,), (0.5,)), errors=(0.1, 0.1))
    run = RunInput(name="run", setup=SETUP.name, beam=BEAM, least=50.0, exposure=1e10, radiated=flat,
                   background=BinnedBackground(values=(0.0,)))  # fmt: skip
    settings = Settings(dark_matter=dark_matter)
    problem = Problem(runs=(run,), model=MODELS["invisible"], settings=settings, n_toys=100)
    points = [limit_point(problem, mass) for mass in MASSES]
    figure = draw_limit(problem, points, y_axis(settings), "projection", Extras(curves=OVERLAYS))
    return {str(line.get_label()): line for line in figure.axes[0].get_lines()}


@pytest.mark.parametrize("kind", get_args(DarkMatter))
def test_relic_of_the_dark_matter_of_a_limit_is_marked(kind: DarkMatter) -> None:
    found = {name: line for name, line in lines(kind).items() if name.startswith("relic")}
    assert len(found) == 3
    (marked,) = (name for name in found if name.endswith("(of this limit)"))
    assert kind in marked.lower()
    mass, y = found[marked].get_data()
    assert y[-1] == pytest.approx(relic_yield(1e-3 * mass[-1], 1 / 3, kind))


def test_curves_and_relics_have_colours_of_their_own() -> None:
    found = [line.get_color() for name, line in lines("dirac").items() if name != "expected, median"]
    assert len(found) == 6
    assert len(set(found)) == 6
    assert style.INK not in found
