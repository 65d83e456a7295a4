"""The picture of an event shows what the event has, and says what it has not."""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.text import Text

from datasets.probe import probe_file
from datasets.sources import find_inputs
from na64.display import draw_event
from na64.display.line import hits_of, track_at
from na64.display.scale import ZScale
from na64.display.verdicts import conclusion
from na64.display.waveforms import cell_name, draw_waveforms
from na64.plotting.style import new_figure
from processors.invisible import InvisibleProcessor
from processors.pick import Picked, first_shown, pick_events, verdicts_of
from recon.geometry import Setup
from selections.verdicts import rejected_by
from tests.conftest import SAMPLES


@cache
def picked() -> Picked:
    probe = probe_file(find_inputs((str(SAMPLES / "geant4" / "electrons_100gev.root"),))[0])
    return pick_events(probe, InvisibleProcessor(), [3])[0]


def with_columns(event: Picked, **changes: Any) -> Picked:
    columns = {name: np.array([value]) for name, value in changes.items()}
    return replace(event, columns={**event.columns, **columns})


def found(figure: Figure, gid: str) -> list[Any]:
    return [artist for artist in figure.findobj(Artist) if artist.get_gid() == gid]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def bold(figure: Figure) -> list[str]:
    return [t.get_gid() for t in figure.findobj(Text) if t.get_fontweight() == "bold" and t.get_gid()]


def test_hits_track_and_cells_are_drawn() -> None:
    event = picked()
    figure = draw_event(event, "file.root")
    setup: Setup = event.context.setup
    planes = setup.spectrometers["incoming"].planes
    hits = hits_of(event, "incoming")
    assert hits is not None
    assert hits.is_near.sum() >= 4
    above = figure.axes[0]
    (drawn,) = [c for c in above.collections if c.get_gid() == "hits"]
    assert np.asarray(drawn.get_offsets())[:, 1] == pytest.approx(hits.x)
    (track,) = [line for line in above.lines if line.get_gid() == "track"]
    scale = ZScale([e for d in setup.detectors.values() for s in d.sections for e in (s.z, s.z + s.length)])
    assert np.ptp(scale.edges) > 0
    ends = track_at(event, setup.spectrometers["incoming"], [planes[0].z, planes[-1].z])[0]
    assert [track.get_ydata()[0], track.get_ydata()[-1]] == pytest.approx(ends)
    (mesh,) = found(figure, "main")[-1:]
    energies = list(setup.detectors["ecal"].views(event.measured.cells["ecal"]))[1][1][0]
    shown = np.ma.filled(mesh.get_array(), 0).reshape(energies.shape)
    assert shown == pytest.approx(np.where(energies > 1e-3, energies, 0))
    text = " ".join(words(figure))
    assert "file.root, entry 3, event 3, geant4_sample" in text
    assert f"{event.columns['track_momentum'][0]:.4g} GeV" in text


def test_track_meets_the_column_at_the_ecal() -> None:
    event = picked()
    setup = event.context.setup
    x, y = track_at(event, setup.spectrometers["incoming"], [setup.detectors["ecal"].sections[0].z])
    assert x[0] == pytest.approx(event.columns["track_ecal_x"][0], abs=2.0)  # scattering on the way is apart
    assert y[0] == pytest.approx(event.columns["track_ecal_y"][0], abs=2.0)


def test_the_rejecting_cut_is_bold_and_named() -> None:
    event = with_columns(picked(), veto_panel_energy=[0.5, 0.0, 0.0], hcal_energy=30.0, hcal_r=0.9)
    figure = draw_event(event, "file.root")
    first = rejected_by([v for part in verdicts_of(event) for v in part])
    assert first is not None
    assert bold(figure) == ["told", f"{first.name}: {first.outcome}"]
    assert f"rejected by {first.name}" in words(figure)
    assert found(figure, "veto: fail")


def test_what_is_missing_is_hatched_or_said() -> None:
    event = picked()
    cells = dict(event.measured.cells)
    cells["ecal"] = cells["ecal"].copy()
    cells["ecal"][0, 0] = np.nan
    bare = replace(event, measured=event.measured._replace(cells={"ecal": cells["ecal"]}, hits={}))
    changes = {"track_is_valid": False, "track_momentum": np.nan, "veto_panel_energy": [np.nan, 0.1, 0.1]}
    bare = with_columns(bare, **changes)
    figure = draw_event(bare, "file.root")
    assert len(found(figure, "no track")) == 2
    assert not found(figure, "track hits")
    hatched = [a for a in found(figure, "preshower unknown") if a.get_hatch()]
    assert len(hatched) == 3  # its cell from the front, its column from above, its row from the side
    assert any(a.get_hatch() for a in found(figure, "veto0 unknown"))
    text = words(figure)
    assert text.count("no cells\nin this file") == 4  # modules of the HCAL
    assert "MM1: not in file" in text
    assert "veto0: unknown" in text
    assert any("unknown" in word and "$E_{ECAL}$" in word for word in text)


def test_events_without_tracks_and_cells_of_the_hcal() -> None:
    probe = probe_file(find_inputs((str(SAMPLES / "p348reco_tree.root"),))[0])
    event = first_shown(probe, InvisibleProcessor())
    assert event is not None
    figure = draw_event(event, "data.root")
    text = words(figure)
    assert "data, a shown event" in " ".join(text)
    assert text.count("no track: not in this file") == 2
    assert found(figure, "single_track: not given")
    _, cuts = verdicts_of(event)
    assert "5 not given" in conclusion(cuts)


def test_scale_keeps_the_order_and_enlarges_what_is_short() -> None:
    scale = ZScale([0.0, 50.0, 10_000.0, 10_400.0])
    drawn = scale([0.0, 50.0, 10_000.0, 10_400.0])
    assert np.diff(drawn) == pytest.approx(np.sqrt([50.0, 9950.0, 400.0]))
    assert scale(25.0) == pytest.approx(0.5 * drawn[1])
    assert scale(-1e9) == drawn[0]
    assert all(b - a >= drawn[-1] / 3 for a, b in pairwise(scale(scale.ticks(3))))


def test_cells_have_names() -> None:
    setup = picked().context.setup
    first = {name: sum(d.n_cells for d in list(setup.detectors.values())[:i])
             for i, name in enumerate(setup.detectors)}  # fmt: skip
    assert cell_name(setup, first["ecal"] + 36 + 8) == "ecal main (1, 2)"
    with pytest.raises(ValueError, match="has no cell 100000"):
        cell_name(setup, 100_000)


def test_no_waveforms_is_said() -> None:
    figure = new_figure(2, 1)
    draw_waveforms([figure.add_axes((0, 0, 1, 1))], picked())
    assert "no waveforms in this file" in words(figure)
