"""Figures of `na64 limit` at the ends of what they can show: light masses, and one mass alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from na64.plotting import style
from tests.na64.test_limit import make_signal
from tests.na64.test_limit_visible import words_of

Call = Callable[..., Any]


class Drawn(NamedTuple):
    """What the axes of a figure hold, which is cleared when it is saved."""

    lines: list[tuple[str, np.ndarray]]  # labels, (2, n)
    bars: dict[str, np.ndarray]  # by label, (2, 2): ends, x and y
    xlim: tuple[float, float]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Drawn]:
    """Return what a command draws, by the name of the file."""
    found: dict[str, Drawn] = {}

    def keep(figure: Figure, path: Path) -> None:
        axes = figure.axes[0]
        lines = [(str(line.get_label()), np.array(line.get_data())) for line in axes.get_lines()]
        bars = [bar for bar in axes.collections if isinstance(bar, LineCollection)]
        ends = {str(bar.get_label()): np.array(bar.get_segments()[0]) for bar in bars}
        found[path.stem] = Drawn(lines, ends, axes.get_xlim())

    monkeypatch.setattr(style, "write_figure", keep)
    return found


def project(na64: Call, tmp_path: Path, *words: Any) -> None:
    signal = make_signal(tmp_path / "signal", 0.001)
    given = ["--signal", signal, "--extrapolate", "--toys", "500", "-o", tmp_path / "out"]
    told = na64("limit", "--projection", "1e11", "--assume-background", "3:2:4", *given, *words)
    assert told.status == 0, told.err


@pytest.mark.parametrize(
    ("words", "has_relics"),
    [
        (["--grid", "1"], False),
        (["--grid", "1,3", "--mass-ratio", "0.1"], False),
        (["--grid", "1,3"], True),
        (["--grid", "3"], True),
    ],
)
def test_no_relic_is_lighter_than_the_electron(
    na64: Call, tmp_path: Path, drawn: dict[str, Drawn], words: list[str], has_relics: bool
) -> None:
    project(na64, tmp_path, *words)
    relics = [line for label, line in drawn["limit_y"].lines if label.startswith("relic")]
    assert len(relics) == 3 * has_relics
    for mass, _ in relics:
        assert mass[0] >= 0.6
        assert mass[-1] > mass[0]


def test_one_mass_has_its_expected_band_as_bars(na64: Call, tmp_path: Path, drawn: dict[str, Drawn]) -> None:
    project(na64, tmp_path, "--grid", "3", "--overlay", "na64_2016")
    (curve,) = (line for label, line in drawn["limit"].lines if label == "na64_2016")
    assert curve[0, 0] < 3 < curve[0, -1]
    for name in ("limit", "limit_y"):
        bars, (_, (_, median)) = drawn[name].bars, drawn[name].lines[0]
        assert set(bars) == {"expected ± 1 s.d.", "expected ± 2 s.d."}
        narrow, wide = (bars[f"expected ± {n} s.d."][:, 1] for n in (1, 2))
        assert wide[0] < narrow[0] < median[0] < narrow[1] < wide[1]


def test_one_mass_of_visible_decays_is_a_bar_between_its_edges(
    na64: Call, tmp_path: Path, drawn: dict[str, Drawn]
) -> None:
    told = na64(*words_of(tmp_path / "out", "--projection", "5.4e10", "--grid", "10"))
    assert told.status == 0, told.err
    (bar,) = drawn["band"].bars.values()
    edges = [line[1, 0] for _, line in drawn["band"].lines[:2]]
    assert bar[:, 0] == pytest.approx([10, 10])
    assert bar[:, 1] == pytest.approx(edges)
    assert drawn["band"].xlim[0] < 10 < drawn["band"].xlim[1]
