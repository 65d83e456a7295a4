"""Options of `na64 limit`: which belong together, what their messages say, and notes on what they mean."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from limits.scan import Problem, limit_point
from na64.errors import UserError
from na64.limit import scan as na64_scan
from na64.limit.applicable import require_applicable
from na64.limit.options import LimitOptions, masses_of_grid, named_numbers, parse_assumed, parse_moment
from tests.na64.test_limit import arguments, make_signal, read
from tests.na64.test_limit import runs as runs  # a fixture
from tests.na64.test_limit import without_figures as without_figures
from tests.na64.test_limit_visible import make_signal as make_visible_signal
from tests.na64.test_limit_visible import words_of

Call = Callable[..., Any]
DATA, SIGNAL = (Path("data"),), (Path("signal"),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"background": DATA}, r"--background is of --runs \(a projection takes --assume-background\)"),
        ({"eot": ("1e9",)}, "--eot is of --runs; leave it out"),
        ({"model": "b-l", "dimuon_correction": True}, "--dimuon-correction is of --runs"),
        (
            {"eot": ("1e9",), "dimuon_correction": True},
            "--eot, --dimuon-correction are of --runs; leave them",
        ),
        ({"setup": "na64e_2018"}, "--setup is of projections with --model visible"),
        ({"model": "visible", "runs": DATA, "setup": "na64vis_2017"}, "--setup is of projections"),
        ({"assume_efficiency": 0.5}, "--assume-efficiency is of projections with --model visible"),
        (
            {"model": "visible", "signal": SIGNAL, "assume_efficiency": 0.5},
            "--assume-efficiency .* without --signal",
        ),
        ({"moment": "1e-9:1e-10"}, "--moment is of --model lmu-ltau"),
        ({"model": "b-l", "alpha_d": 0.5}, "--alpha-d is of --model invisible"),
        ({"model": "lmu-ltau", "dark_matter": "scalar"}, "--dark-matter is of --model invisible"),
        ({"model": "visible", "mass_ratio": 0.4}, "--mass-ratio is of --model invisible"),
        (
            {"model": "visible", "extrapolate": True, "bins": "60"},
            "--bins, --extrapolate are of models other",
        ),
        ({"model": "visible", "without_resonance": True}, "--without-resonance is of models other"),
        ({"model": "visible", "resume": True}, "--resume is of models other than visible"),
    ],
)
def test_options_that_change_nothing_are_refused(given: dict[str, Any], message: str) -> None:
    inputs = {} if "runs" in given else {"projection": ("1e10",)}
    with pytest.raises(UserError, match=message):
        require_applicable(LimitOptions(output=Path("out"), grid="1", **inputs, **given))


@pytest.mark.parametrize(
    "given",
    [
        {"projection": ("1e9",), "alpha_d": 0.5, "extrapolate": True, "project": 2.0},
        {"projection": ("1e9",), "model": "lmu-ltau", "moment": "1:2"},
        {"projection": ("1e9",), "model": "visible", "setup": "na64vis_2018", "assume_efficiency": 0.5},
        {"runs": DATA, "background": DATA, "eot": ("1",), "dimuon_correction": True, "resume": True},
        {"runs": DATA, "background": DATA, "eot": ("1",), "model": "visible"},
    ],
)
def test_options_that_belong_together_pass(given: dict[str, Any]) -> None:
    require_applicable(LimitOptions(output=Path("out"), grid="1", **given))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-1e11"], r"--projection is \[SETUP=\]EOT with a number above 0, got '-1e11'"),
        (["abc"], r"--projection is \[SETUP=\]EOT with a number above 0, got 'abc'"),
        (["nan"], "number above 0, got 'nan'"),
        (["1e9,2e9"], "number above 0, got '1e9,2e9'"),
        (["a="], "number above 0, got 'a='"),
        (["1e9", "2e9"], r"--projection is given twice, 1e\+09 and 2e\+09; give one"),
        (["a=1", "a=2"], "--projection of a is given twice, 1 and 2"),
    ],
)
def test_numbers_of_another_form_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        named_numbers("--projection", words, "[SETUP=]EOT")


def test_numbers_by_name() -> None:
    assert named_numbers("--eot", ["a=1e9", "2e9"], "[RUN=]NUMBER") == {"a": 1e9, "": 2e9}
    assert parse_moment("2.5e-9:6e-10") == (2.5e-9, 6e-10)
    assert parse_assumed("0.5") == (0.5, 0.5, 0.5)
    assert parse_assumed("0.5:0.3:0.9") == (0.5, 0.3, 0.9)
    for text in ("foo", "1", "1:2:3", "1:-2", "", "1:nan"):
        with pytest.raises(UserError, match=f"--moment is VALUE:ERROR .* got '{text}'"):
            parse_moment(text)
    for text in ("foo", "1:2", "-1", "1:2:3", "", "0.5:0.3:inf"):
        with pytest.raises(UserError, match=f"--assume-background is EVENTS or .* got '{text}'"):
            parse_assumed(text)


def test_a_grid_of_one_mass_has_one_end() -> None:
    assert masses_of_grid("3:3:1") == [0.003]
    for text in ("1:10:1", "1:10:0", "1:10:-2"):
        with pytest.raises(UserError, match=f"an N of 2 or more, .* got '{text}'"):
            masses_of_grid(text)


REFUSED = {
    "mass ratio": (["--mass-ratio", "0.7"], "--mass-ratio must be above 0 and below 0.5, got 0.7"),
    "alpha_D": (["--alpha-d", "-1"], "--alpha-d must be a number above 0, got -1"),
    "alpha_D that is no number": (["--alpha-d", "nan"], "--alpha-d must be a number above 0, got nan"),
    "percent": (["--yield-error", "30"], "--yield-error is relative, from 0 to 1 (0.1 is 10%), got 30"),
    "moment": (["--model", "lmu-ltau", "--moment", "foo"], "--moment is VALUE:ERROR"),
    "option of visible": (["--setup", "na64vis_2017"], "--setup is of projections with --model visible"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_anything_is_read(na64: Call, runs: dict[str, Path], name: str) -> None:
    words, message = REFUSED[name]
    told = na64(*arguments(runs, "--assume-background", "0", *words))
    assert (told.status, runs["out"].exists()) == (2, False)
    assert message in told.err


@pytest.mark.usefixtures("without_figures")
def test_signals_of_visible_decays_name_their_model(na64: Call, tmp_path: Path) -> None:
    signal = make_visible_signal(tmp_path / "signal")
    told = na64("limit", "--projection", "1e10", "--signal", signal, "--grid", "10", "-o", tmp_path / "out")
    assert told.status == 2
    assert "is visible_dark_photon; use --model visible" in told.err


@pytest.mark.usefixtures("without_figures")
def test_notes_of_what_is_assumed(na64: Call, tmp_path: Path) -> None:
    """A projection is not blinded, and says that it has no background and what is not perturbative."""
    signal, out = make_signal(tmp_path / "signal", 0.01), tmp_path / "out"
    words = ["limit", "--projection", "1e10", "--signal", signal, "--grid", "10", "--toys", "500", "-o", out]
    told = na64(*words, "--alpha-d", "2")
    assert told.status == 0, told.err
    for note in ("no background is assumed", "alpha_D = 2 is above 1"):
        assert f"note: {note}" in told.out
        assert [note in text for text in read(out)["notes"]].count(True) == 1
    assert "blinded" not in told.out
    told = na64(*words, "--assume-background", "0", "--overwrite")
    assert (told.status, "no background is assumed" in told.out, "above 1" in told.out) == (0, False, False)


def test_a_visible_projection_says_that_it_has_no_background(
    na64: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("na64.commands.limit_visible.plot_visible", lambda *_: None)
    words = words_of(tmp_path / "out", "--projection", "5.4e10", "--grid", "10")
    for more, has_note in (([], True), (["--assume-background", "0"], False)):
        told = na64(*words, *more)
        assert (told.status, "note: no background is assumed" in told.out) == (0, has_note)


@pytest.mark.usefixtures("without_figures")
def test_masses_of_an_interrupted_scan_are_not_lost_unsaid(
    na64: Call, runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = arguments(runs, "--assume-background", "0")
    calls: list[float] = []

    def count(problem: Problem, mass: float) -> Any:
        calls.append(mass)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return limit_point(problem, mass)

    monkeypatch.setattr(na64_scan, "limit_point", count)
    assert na64(*words).status == 130
    told = na64(*words)
    assert (told.status, len(calls)) == (2, 3)
    assert "2 of 3 masses of this very scan, which was interrupted, are kept in" in told.err
    assert "with --resume, or begin anew with --overwrite" in told.err
    assert na64(*words, "--seed", "2").status == 0  # another scan, which can take nothing over
    assert len(calls) == 6
