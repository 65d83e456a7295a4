"""Conditions of simulated raw files, which follow from the setup, and tables made of conditions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datasets.conditions.channels import names_of
from datasets.conditions.model import Alignment, CellConditions, Conditions, frozen
from datasets.conditions.runs import RunRange
from datasets.conditions.sdc import Block, Document, Row, write_sdc
from datasets.conditions.tables import TABLES, Table
from datasets.simulation.waveforms import channel_pedestals
from recon.geometry import Detector, Setup

__all__ = ["ideal_conditions", "write_conditions"]


def ideal_conditions(setup: Setup) -> Conditions:
    """
    Return the conditions that the simulation made its raw digits with.

    A pulse of the height A [ADC] at its maximum is a visible energy A / `Digitizer.gain`, and a true energy
    A / (`Digitizer.gain` x `Response.sampling_fraction`): that is the ``gain`` here, so that all detectors
    give true energy as those of the experiment do. It holds exactly for showers of the detector's
    `reference_energy`; the logarithmic change of the sampling fraction with the energy of the whole
    detector (`Response.nonlinearity`) is no property of a channel and is left to the reconstruction.
    Detectors with a sampling fraction of 1 (SRD, VETO) are calibrated to visible energy. Both
    photomultipliers of a panel see all of its light: each gain gives the energy of the panel.

    A pulse of the trigger particle starts `trigger_sample` x `sampling_period` + `Section.time_offset` after
    the first sample. Pedestals are those of the simulation, planes stand where the setup has them, nothing
    is bad, there is no LED, and channels are counted in the order of the setup.

    Raises
    ------
    ConfigError
        If a detector has no readout.
    """
    pedestals = channel_pedestals(setup)
    names = names_of(setup)
    detectors = {
        name: _ideal_cells(detector, pedestals[names.slices[name]], names.slices[name].start)
        for name, detector in setup.read_out.items()
    }
    nought = frozen(np.zeros(len(names.planes)))
    none = frozen(np.zeros(0, dtype=np.int64))
    return Conditions(
        setup=setup.name,
        run=None,
        detectors=detectors,
        alignment=Alignment(planes=names.planes, dx=nought, dy=nought, dz=nought, rotation=nought),
        led_spills=none,
        bad_spills=none,
    )


def _ideal_cells(detector: Detector, pedestal: np.ndarray, first: int) -> CellConditions:
    readout, n = detector.readout, detector.n_cells
    if readout is None:  # channel_pedestals has refused it
        raise AssertionError(detector.name)
    start = readout.trigger_sample * readout.sampling_period
    times = [np.full(s.grid.n_cells, start + s.time_offset) for s in detector.sections]
    gain = 1.0 / (readout.gain * detector.response.sampling_fraction)
    return CellConditions(
        gain=frozen(np.full(n, gain)),
        time_offset=frozen(np.concatenate(times)),
        pedestal=frozen(pedestal.copy()),
        noise=frozen(np.full(n, readout.noise)),
        is_bad=frozen(np.zeros(n, dtype=bool)),
        channel=frozen(np.arange(first, first + n, dtype=np.int64)),
        led_factor=frozen(np.ones((0, n))),
        has_led=frozen(np.zeros(n, dtype=bool)),
    )


def write_conditions(
    conditions: Conditions, setup: Setup, folder: Path, runs: RunRange, source: str
) -> list[Path]:
    """
    Write conditions as one table per kind, from which `load_conditions` reads the same numbers.

    Parameters
    ----------
    conditions : Conditions
    setup : Setup
        The one that they belong to.
    folder : Path
        Made if it is not there; files of the same names are replaced.
    runs : RunRange
        For which the tables shall hold.
    source : str
        Where the numbers are from.

    Returns
    -------
    list of Path
        The files; a table of light pulses or of suppressed energy only where there is something.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, rows in _rows(conditions, list(names_of(setup).labels)).items():
        if name in {"led", "suppression"} and not rows:
            continue
        table = TABLES[name]
        columns = tuple(c.name for c in (*table.keys, *table.columns) if not c.is_optional)
        block = Block(runs, columns, tuple(Row(row) for row in rows))
        metadata = {"table": name, "setup": setup.name, "source": source}
        paths.append(folder / f"{name}.txt")
        write_sdc(Document((block,), metadata, path=paths[-1]), paths[-1], _header(table))
    return paths


def _header(table: Table) -> str:
    lines = [f"{table.title[0].upper()}{table.title[1:]}."]
    for column in table.columns:
        if not column.is_optional:
            unit = f" [{column.unit}]" if column.unit else ""
            lines.append(f"  {column.name}{unit}: {column.meaning}")
    return "\n".join(lines)


def _rows(conditions: Conditions, labels: list[str]) -> dict[str, list[tuple[str, ...]]]:
    """Return the rows of each table; a number is written so that the same number is read."""
    cells, planes = conditions.cells, conditions.alignment
    numbers = {
        "gains": [cells.gain],
        "times": [cells.time_offset],
        "pedestals": [*cells.pedestal.T, cells.noise],
    }
    rows: dict[str, list[tuple[str, ...]]] = {
        name: [
            (label, *(repr(float(v)) for v in values))
            for label, *values in zip(labels, *columns, strict=True)
            if np.isfinite(values).all()
        ]
        for name, columns in numbers.items()
    }
    rows["bad_channels"] = [(label, "1") for label, bad in zip(labels, cells.is_bad, strict=True) if bad]
    rows["bad_spills"] = [(str(spill), "1") for spill in conditions.bad_spills]
    rows["led"] = [
        (str(spill), label, repr(float(factor)))
        for spill, factors in zip(conditions.led_spills, cells.led_factor, strict=True)
        for label, factor, has_led in zip(labels, factors, cells.has_led, strict=True)
        if has_led and np.isfinite(factor)
    ]
    rows["suppression"] = [
        (name, str(point), repr(float(seen)), repr(float(suppressed)))
        for name, curve in conditions.suppression.items()
        for point, (seen, suppressed) in enumerate(zip(*curve, strict=True))
    ]
    rows["alignment"] = [
        (plane, *(repr(float(v)) for v in values))
        for plane, *values in zip(
            planes.planes, planes.dx, planes.dy, planes.dz, planes.rotation, strict=True
        )
    ]
    rows["channel_map"] = [
        (label, str(number)) for label, number in zip(labels, cells.channel, strict=True) if number >= 0
    ]
    return rows
