"""
Where charged and neutral events of a run of the visible mode lie in the plane of WCAL and ECAL energy.

    na64 run visible signal=signal.root kaons=kaons.root -o runs/visible
    python docs/examples/visible_planes.py runs/visible

Events of the base requirement (weighted), by what V2 says, and of them those with all energy seen and
more than 25% of it in the ECAL; for the control sample those after the cuts on beam and target. Last, how
many tracks stand behind the decay volume in events that pass all cuts.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import uproot

from datasets.setups import load_setup

PLANES = {"neutral": "V2 quiet", "charged": "V2 fired", "control": "V2, S4 quiet"}


def rows(run: Path) -> list[str]:
    """Return a row for each dataset."""
    beam = load_setup(json.loads((run / "run.json").read_text())["setup"]).beam.momentum
    found = []
    with uproot.open(run / "histograms.root") as file:
        names = sorted({key.split("/")[0] for key in file.keys(cycle=False) if key.count("/") == 2})
        for name in names:
            cells = [name]
            for plane in PLANES:
                values, x, y = file[f"{name}/nominal/edep_plane_{plane}"].to_numpy()
                wcal, ecal = (0.5 * (edges[1:] + edges[:-1]) for edges in (x, y))
                total = wcal[:, None] + ecal
                seen = (np.abs(total / beam - 1) < 0.1) & (ecal > 0.25 * beam)
                cells += [f"{values.sum():.6g}", f"{values[seen].sum():.6g}"]
            tracks, _ = file[f"{name}/nominal/decay_track_count_final"].to_numpy()
            cells.append(" / ".join(f"{number:.6g}" for number in (*tracks[:3], tracks[3:].sum())))
            found.append(f"| {' | '.join(cells)} |")
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("run", type=Path)
    planes = " | ".join(f"{text} | all seen" for text in PLANES.values())
    print(f"| sample | {planes} | 0 / 1 / 2 / more tracks |")
    print("|" + "---|" * 8)
    print("\n".join(rows(parser.parse_args().run)))


if __name__ == "__main__":
    main()
