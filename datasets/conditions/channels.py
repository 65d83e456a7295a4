"""Names of what conditions are about: channels by detector, tracker planes, and numbers of the readout."""

from __future__ import annotations

from typing import NamedTuple

from datasets.conditions.sdc import SdcError
from datasets.conditions.tables import TableFile
from datasets.config import nearest
from datasets.simulation.waveforms import channel_labels
from recon.geometry import Setup

__all__ = ["Names", "check_names", "names_of"]


class Names(NamedTuple):
    """The channels and planes of a setup, in its order."""

    labels: tuple[str, ...]  # of all channels: a channel's place here is its number in simulated files
    slices: dict[str, slice]  # detector, or name of the beam counters -> its channels
    planes: tuple[str, ...]  # of all spectrometers, as hits count them

    def detector_of(self, label: str) -> str:
        """Return the detector of a channel."""
        at = self.labels.index(label)
        return next(name for name, part in self.slices.items() if part.start <= at < part.stop)


def names_of(setup: Setup) -> Names:
    """Return the names of a setup's channels and planes."""
    slices, first = {}, 0
    for name, detector in setup.read_out.items():
        slices[name] = slice(first, first + detector.n_cells)
        first += detector.n_cells
    planes = tuple(plane.name for s in setup.spectrometers.values() for plane in s.planes)
    return Names(tuple(channel_labels(setup)), slices, planes)


def check_names(file: TableFile, setup: Setup) -> None:
    """
    Refuse a table of another setup, or with a channel or plane that the setup does not have.

    Raises
    ------
    SdcError
        Names file and line and the nearest valid name.
    """
    if file.setup and file.setup != setup.name:
        msg = f"{file.path}: the file is for setup '{file.setup}', not for '{setup.name}'"
        raise SdcError(msg)
    names = names_of(setup)
    valid = {"label": ("channel", set(names.labels)), "plane": ("plane", set(names.planes))}
    valid["detector"] = ("detector", set(names.slices))
    for index, column in enumerate(file.table.keys):
        if column.name not in valid:
            continue
        what, known = valid[column.name]
        for block in file.blocks:
            for row in block.rows:
                if row.key[index] not in known:
                    name = str(row.key[index])
                    hint = nearest(name, sorted(known)) or "."
                    msg = f"{file.path}, line {row.line}: setup '{setup.name}' has no {what} '{name}'{hint}"
                    raise SdcError(msg)
