r"""
The peak of e+ e- -> A' in the missing energy against M^2 / 2 m_e, and its width against what is computed.

    for m in 0.230 0.264 0.300; do
      na64 simulate na64pos_2022 resonant_dark_photon -n 15000 --set mass=$m --trigger physics \
        -o signal_$m.root
      na64 reco signal_$m.root --analysis positron -o reco_$m.root
    done
    python docs/examples/positron_peak.py na64pos_2022 0.230=reco_0.230.root 0.264=reco_0.264.root ...

Computed: cross section times track length of the positrons of the shower, smeared by the resolution of the
setup (`na64.bump.search.resolution_of`). Both are treated alike: the peak is that of a parabola in the
logarithm of the counts, the width where they fall to half.
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
import uproot

from datasets.setups import load_setup
from na64.bump.search import resolution_of
from physics.dark_photon import annihilation_section, invisible_width, resonance_energy
from physics.shower_tracks import electron_track_density, secondary_positron_track_density
from recon.geometry import Setup

Floats = npt.NDArray[np.float64]

ALPHA_D, MASS_RATIO = 0.1, 1 / 3
STEP = 0.25  # [GeV] of a bin
COLUMNS = ["missing_energy", "srd_is_tagged", "track_momentum", "ecal_out_of_time_energy"]


def computed(setup: Setup, mass: float, edges: Floats) -> Floats:
    """Return the shape of the spectrum in bins."""
    beam = setup.beam.momentum
    energy = np.linspace(0.05 * beam, beam * (1 - 1e-6), 20_001)
    tracks = electron_track_density(beam, energy) + secondary_positron_track_density(beam, energy)
    density = annihilation_section(energy, mass, 1e-4, ALPHA_D, MASS_RATIO) * tracks
    sigma = np.array([resolution_of(setup, float(e)) for e in energy[::20]])
    sigma = np.interp(energy, energy[::20], sigma)
    at = 0.5 * (edges[1:] + edges[:-1])
    pulls = (at[:, None] - energy[None, ::4]) / sigma[None, ::4]
    return np.asarray((np.exp(-0.5 * pulls**2) / sigma[::4] * density[::4]).sum(axis=1))


def describe(counts: Floats, edges: Floats, near: float, width: float) -> tuple[float, float]:
    """Return peak and full width at half maximum [GeV]."""
    at = 0.5 * (edges[1:] + edges[:-1])
    top = np.abs(at - near) < 0.4 * width
    curve = np.polyfit(at[top] - near, np.log(np.maximum(counts[top], 0.5)), 2, w=np.sqrt(counts[top]))
    peak = near - curve[1] / (2 * curve[0])
    height = np.exp(np.polyval(curve, peak - near))
    half = width / STEP / 6  # bins of a running mean on the slopes
    kernel = np.ones(max(int(half), 1)) / max(int(half), 1)
    smooth = np.convolve(counts, kernel, mode="same") / height
    ends = []
    for side in (-1, 1):
        slope = at * side > peak * side
        x, y = at[slope][::side], smooth[slope][::side]
        below = int(np.argmax(y < 0.5))
        ends.append(np.interp(0.5, [y[below], y[below - 1]], [x[below], x[below - 1]]))
    return float(peak), float(ends[1] - ends[0])


def main(name: str, files: list[str]) -> None:
    """Print a row per file."""
    setup = load_setup(name)
    edges = np.arange(5.0, setup.beam.momentum + 8.0, STEP)
    print("| M [MeV] | M²/2m_e [GeV] | peak [GeV] | ratio | computed | width [GeV] | computed | events |")
    print("|---|---|---|---|---|---|---|---|")
    for word in files:
        text, _, path = word.partition("=")
        mass = float(text)
        with uproot.open(path) as file:
            found = file["events"].arrays(COLUMNS, library="np")
        good = found["srd_is_tagged"] & (found["ecal_out_of_time_energy"] < 30.0)
        good &= np.abs(found["track_momentum"] / setup.beam.momentum - 1) < 0.1
        true = resonance_energy(mass)
        breit = 2 * true * invisible_width(mass, ALPHA_D, MASS_RATIO) / mass
        width = np.hypot(breit, 2.35 * resolution_of(setup, true))
        counts = np.histogram(found["missing_energy"][good], edges)[0].astype(np.float64)
        shape = computed(setup, mass, edges)
        peak, seen = describe(counts, edges, true, width)
        expected, wide = describe(shape / shape.max() * 1e4, edges, true, width)
        print(
            f"| {1e3 * mass:.0f} | {true:.2f} | {peak:.2f} | {peak / true:.4f} | {expected:.2f} | {seen:.2f} "
            f"| {wide:.2f} | {counts.sum():.0f} |"
        )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
