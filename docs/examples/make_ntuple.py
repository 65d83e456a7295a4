"""Write `mine.root`: a foreign ntuple made of the p348reco sample, as an example of somebody's own file.

Tree `events`, energies in MeV in flat branches with x running fastest, -999 where nothing was measured.
"""

from pathlib import Path

import numpy as np
import uproot

import datasets


def main() -> None:
    """Write the file into the current folder."""
    sample = Path(datasets.__file__).parent / "samples" / "p348reco_tree.root"
    with uproot.open(sample) as file:
        old = file["tree"].arrays(library="np")
    cells = old["ECAL_ene"].swapaxes(2, 3).reshape(-1, 72) * 1e3
    times = (old["ECAL_t0"] - old["masterTime"][:, None, None, None]).swapaxes(2, 3).reshape(-1, 72)
    hcal = np.stack([old[f"hcal{module}"] for module in range(4)], axis=1) * 1e3
    hcal[::100, 1] = -999.0
    new = {
        "runNumber": np.full(len(cells), 4000, dtype=np.int32),
        "t_master": np.zeros(len(cells)),
        "physics": old["isTriggerPhysics"],
        "ecal": cells.astype(np.float32),
        "ecal_time": times.astype(np.float32),
        "hcal": hcal.astype(np.float32),
        "srd": (old["SRD_ene"][:, :3] * 1e3).astype(np.float32),
        "veto": (old["VETO_ene"] * 1e3).astype(np.float32),
    }
    with uproot.recreate("mine.root") as file:
        file.mktree("events", {name: np.dtype((v.dtype, v.shape[1:])) for name, v in new.items()})
        file["events"].extend(new)


if __name__ == "__main__":
    main()
