"""Published curves beside a limit: what their headers say, what is refused, and what is told of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from na64.errors import UserError
from na64.limit.curves import Curve, notes_on, published_curves, read_curve
from physics.boson_decays import coupling_of_epsilon, epsilon_of_coupling, l_mu_tau_epsilon
from physics.dark_matter import yield_of_mixing
from tests.na64.test_limit import make_signal
from tests.na64.test_limit_visible import words_of

Call = Callable[..., Any]
SECTOR = (0.1, 1 / 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "curve.csv"


def test_shipped_curves_and_those_of_users(path: Path) -> None:
    assert set(published_curves()) == {"na64_2016", "na64_visible_2017"}
    curve = read_curve("na64_2016")
    assert curve.at(0.1) == pytest.approx(8.7e-4, rel=0.01)
    assert np.isnan(curve.at(2.0))
    path.write_text("# a comment\nmass,low\n0.01,1e-4\n# another\n\n0.1,1e-2\n")
    own = read_curve(f"{path}:ours")
    assert (own.label, own.at(np.sqrt(1e-3)), own.notes) == ("ours", pytest.approx(1e-3), ())
    band = read_curve("na64_visible_2017", model="visible")
    assert band.upper is not None
    assert band.upper_at(band.mass[0]) == pytest.approx(9.39e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("header", "power"), [("y", 2), ("y_lower", 2), ("Y limit", 2), ("$y$", 2), ("epsilon", 1), ("eps^2", 0)]
)
def test_curves_against_the_mass_of_chi(path: Path, header: str, power: int) -> None:
    """Both axes are turned: the mass by its own word, the coupling by its own."""
    path.write_text(f"m_chi,{header}\n0.01,1e-10\n0.1,1e-8\n")
    curve = read_curve(str(path), SECTOR)
    assert curve.mass == pytest.approx([0.03, 0.3])
    expected = {2: yield_of_mixing(curve.lower, *SECTOR), 1: curve.lower, 0: curve.lower**2}[power]
    assert expected == pytest.approx([1e-10, 1e-8])
    with pytest.raises(UserError, match="which only the model 'invisible' has"):
        read_curve(str(path))


def test_a_band_of_y_has_both_edges_as_epsilon(path: Path) -> None:
    path.write_text("m_A' [GeV],y_lower,y_upper\n0.01,1e-10,1e-8\n0.1,1e-8,1e-6\n")
    curve = read_curve(str(path), SECTOR)
    assert curve.mass == pytest.approx([0.01, 0.1])
    assert curve.upper is not None
    assert yield_of_mixing(curve.lower, *SECTOR) == pytest.approx([1e-10, 1e-8])
    assert yield_of_mixing(curve.upper, *SECTOR) == pytest.approx([1e-8, 1e-6])


@pytest.mark.parametrize(
    ("cell", "unit"),
    [
        ("mass [MeV]", 1e-3), ("mass (GeV)", 1.0), ("m_A'_MeV", 1e-3), ("$m_{A'}$ [MeV/c^2]", 1e-3),
        ("mass_keV", 1e-6), ("m/GeV", 1.0), ("m", 1.0), ("mass_mev", 1e-3),
        ("m(A') [MeV]", 1e-3), ("M(A')", 1.0), ("dark photon mass [GEV]", 1.0), ("m_Z'_TeV", 1e3),
    ],
)  # fmt: skip
def test_units_of_the_mass(path: Path, cell: str, unit: float) -> None:
    path.write_text(f"{cell},epsilon\n1,1e-4\n2,1e-3\n")
    assert read_curve(str(path)).mass == pytest.approx([unit, 2 * unit])


@pytest.mark.parametrize(
    ("header", "model", "factor"),
    [
        ("eps_lower", "b-l", coupling_of_epsilon(1.0)),
        ("epsilon (90% CL)", "lmu-ltau", 1 / l_mu_tau_epsilon(1.0)),
        ("g_B-L", "b-l", 1.0),
        ("$g_{B-L}$", "invisible", epsilon_of_coupling(1.0)),
        ("g_bl_limit", "lmu-ltau", epsilon_of_coupling(1.0) / l_mu_tau_epsilon(1.0)),
        ("g_mu", "lmu-ltau", 1.0),
        ("g_mu", "b-l", l_mu_tau_epsilon(1.0) * coupling_of_epsilon(1.0)),
        ("g", "b-l", 1.0),
        ("limit", "lmu-ltau", 1.0),
        ("expected upper limit", "b-l", 1.0),
    ],
)
def test_couplings_are_turned_into_that_of_the_model(
    path: Path, header: str, model: str, factor: float
) -> None:
    path.write_text(f"mass,{header}\n0.01,1e-4\n0.1,1e-2\n")
    curve = read_curve(str(path), model=model)
    assert curve.lower == pytest.approx([1e-4 * factor, 1e-2 * factor])
    assert [("by what electrons radiate" in note) for note in curve.notes] == [True] * (factor != 1.0)


REFUSED = {
    "no header": ("0.01,1e-4\n0.1,1e-2\n", "has no header"),
    "a comment that is no header": (
        "# of a thesis, page 7, figure 2\n0.01,1e-4\n0.1,1e-2\n",
        "has no header",
    ),
    "a comment further up": ("# mass,eps\n# more\n0.01,1e-4\n0.1,1e-2\n", "has no header"),
    "blanks between": ("mass eps\n0.01 1e-4\n0.1 1e-2\n", "two or three columns between commas"),
    "empty": ("", "has no header"),
    "other lengths": ("mass,low\n0.01,1e-4\n0.1\n", "line 3 is '0.1', not 2 numbers"),
    "words": ("mass,low\n0.01,1e-4\n0.1,none\n", "line 3 is '0.1,none', not 2 numbers"),
    "falling": ("mass,low\n0.1,1e-4\n0.01,1e-2\n", "rising masses"),
    "infinite": ("mass,low\n0.1,1e-4\n0.2,inf\n", "numbers above 0"),
    "edges the other way round": ("mass,eps_upper,eps_lower\n0.1,2,1\n0.2,2,1\n", "upper edge, which is"),
    "unit": ("mass [furlong],eps\n1,1e-4\n2,1e-4\n", "has the unit 'furlong'; known are"),
    "millielectronvolt": ("mass [meV],eps\n1,1e-4\n2,1e-4\n", "has the unit 'meV'; known are"),
    "no mass": ("energy,eps\n1,1e-4\n2,1e-4\n", "'energy' of the header is no mass"),
    "factor": ("mass,eps [1e-4]\n1,1\n2,1\n", r"'eps \[1e-4\]' of the header is no coupling"),
    "logarithm": ("mass,log10(eps)\n1,1\n2,1\n", "is no coupling that is known"),
    "another coupling": ("mass,g_ae\n1,1\n2,1\n", "'g_ae' of the header is no coupling that is known"),
    "two couplings": ("mass,eps_lower,y_upper\n1,1,2\n2,1,2\n", "of epsilon and y; a curve is of one"),
    "y against a mass": ("mass,y\n1,1e-4\n2,1e-4\n", "'mass' does not say whose mass it is"),
    "g of no model": ("mass,g\n1,1e-4\n2,1e-4\n", "is of g, and --model invisible is of epsilon"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_curve_is_refused(path: Path, name: str) -> None:
    content, message = REFUSED[name]
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_curve(str(path), SECTOR)


def test_visible_decays_have_curves_of_epsilon_alone(path: Path) -> None:
    path.write_text("mass,g_B-L\n0.01,1e-4\n0.1,1e-2\n")
    with pytest.raises(UserError, match="is of g_B-L, and --model visible is of epsilon"):
        read_curve(str(path), model="visible")
    path.write_bytes(b"mass,\xff\n")
    with pytest.raises(UserError, match="no text in UTF-8"):
        read_curve(str(path))


def test_a_commented_header_above_the_numbers_is_the_header(path: Path) -> None:
    table = np.array([[10.0, 1e-10], [100.0, 1e-8]])
    np.savetxt(path, table, delimiter=",", header="of a thesis\nm_chi [MeV],y")
    curve = read_curve(str(path), SECTOR)
    assert curve.mass == pytest.approx([0.03, 0.3])
    assert yield_of_mixing(curve.lower, *SECTOR) == pytest.approx([1e-10, 1e-8])


def test_notes_on_curves_of_the_other_kind_and_elsewhere() -> None:
    mass, values = np.array([0.01, 0.1]), np.array([1e-4, 1e-3])
    line, band = Curve("line", mass, values, None, ("turned",)), Curve("band", mass, values, 2 * values)
    assert notes_on([line], [0.02, 1.0], is_band=False) == ["turned"]
    assert notes_on([band], [0.02], is_band=True) == []
    (note,) = notes_on([band], [0.02], is_band=False)
    assert note.startswith("band has an upper edge")
    (_, note) = notes_on([line], [0.02], is_band=True)
    assert note.startswith("line has no upper edge")
    (note,) = notes_on([band], [0.001, 0.2], is_band=True)
    assert note == "band is known from 10 to 100 MeV, where --grid has no mass: nothing is compared"


def test_a_curve_without_upper_edge_beside_a_band(
    na64: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("na64.commands.limit_visible.plot_visible", lambda *_: None)
    words = words_of(tmp_path / "out", "--projection", "5.4e10", "--grid", "10,16.7")
    told = na64(*words, "--overlay", "na64_2016", "--overlay", "na64_visible_2017")
    assert told.status == 0, told.err
    assert "nan" not in told.out
    (line,) = [line for line in told.out.splitlines() if "edge over na64_2016" in line]
    assert "expected lower edge over" in line
    assert " and " not in line
    assert "expected lower and upper edge over na64_visible_2017" in told.out
    assert told.out.count("note: na64_2016 has no upper edge") == 1


def test_a_curve_of_epsilon_beside_g_is_turned(
    na64: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A curve that is our own limit on g over e has a ratio of 1."""
    monkeypatch.setattr("na64.commands.limit.plot_limits", lambda *_: [])
    signal, out, path = make_signal(tmp_path / "signal", 0.01), tmp_path / "out", tmp_path / "curve.csv"
    words = ["limit", "--model", "b-l", "--projection", "1e10", "--signal", signal, "--grid", "10", "-o", out]
    words += ["--toys", "500", "--overwrite"]
    assert na64(*words).status == 0
    row = (out / "limits.csv").read_text().splitlines()[1].split(",")
    epsilon = epsilon_of_coupling(float(row[4]))
    path.write_text(f"mass [MeV],eps\n9,{epsilon}\n11,{epsilon}\n")
    told = na64(*words, "--overlay", path)
    assert "over curve: 1.000 at 10 MeV" in told.out
    assert "note: curve is of epsilon, turned into g_B-L by what electrons radiate" in told.out
