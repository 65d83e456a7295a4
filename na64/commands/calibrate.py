"""`na64 calibrate`: gains, times, pedestals and noise from calibration runs, as tables of conditions."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import typer

from datasets.conditions import Conditions, write_conditions
from datasets.conditions.runs import RunRange
from datasets.config import nearest
from datasets.probe import first_run
from datasets.setups import load_setup
from na64.calibration.muons import describe_muons, muon_lines, plot_muons
from na64.calibration.report import describe_calibration, plot_calibration, summary_lines, write_json
from na64.commands.common import (
    ReadOptions,
    account_line,
    loss_lines,
    loss_status,
    processor_class,
    require_events,
    show_progress,
)
from na64.errors import UserError
from na64.run.execution import describe_execution, keep_logs
from na64.run.outputs import check_output, replace_path
from na64.run.record import describe_inputs, versions
from processors.analysis import AnalysisProcessor
from processors.calibration import CalibrationProcessor, CalibrationSums, ElectronConfig
from processors.calibration_loop import LoopConfig, calibrate_gains, read_electrons
from processors.calibration_tables import Calibration, make_calibration
from processors.digits import conditions_of
from processors.muon_calibration import (
    MuonCalibration,
    MuonConfig,
    MuonProcessor,
    expect_peak,
    make_muon_calibration,
)
from processors.runner import Account, Execution, Prepared, Progress, prepare
from recon.geometry import Setup

__all__ = ["CalibrateOptions", "calibrate"]

_PARTICLES = ("electron", "muon")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateOptions(ReadOptions):
    """The options of `na64 calibrate`."""

    detectors: tuple[str, ...] = ("ecal",)
    particle: str = "electron"
    energies: tuple[str, ...] = ()  # GEV, or DATASET=GEV
    runs: str = "0-..."


def calibrate(options: CalibrateOptions) -> int:
    """
    Calibrate and write tables, statistics and plots.

    Returns
    -------
    int
        Exit status: 0, or 1 where more events were lost than allowed.
    """
    runs = _parse_runs(options.runs)
    analysis = processor_class("invisible")(options.setup, seed=options.seed, conditions=options.conditions)
    execution, request = options.execution(), options.request()
    check_output(
        options.output, [f.path for f in request.files], overwrite=options.overwrite, is_directory=True
    )
    if options.dry_run:
        typer.echo(describe_execution(execution))
        return 0
    with show_progress() as tell:
        prepared = prepare(request, None, tell)
        setup = load_setup(prepared.setup)
        _check(prepared, setup, options)
        old = conditions_of(options.setup or prepared.setup, _run_of(prepared), options.conditions)
        energies = _energies(options.energies, prepared, setup)
        job = _Job(prepared, analysis, execution, setup, old, energies)
        calibration: Calibration | MuonCalibration
        if options.particle == "muon":
            calibration, account = _with_muons(job, options.detectors, tell)
        else:
            calibration, account = _with_electrons(job, options.detectors[0], tell)
        _write(options, runs, calibration, setup, prepared, account)
    keep_logs(options.output)
    _tell(options, calibration, account)
    return loss_status(account, options.max_loss)


class _Job(NamedTuple):
    """What is read, how, and what is known before."""

    prepared: Prepared
    analysis: AnalysisProcessor
    execution: Execution
    setup: Setup
    old: Conditions
    energies: dict[str, float]  # [GeV] by dataset


def _with_electrons(job: _Job, detector: str, tell: Progress) -> tuple[Calibration, Account]:
    """Find the gains of the detector that stops electrons."""
    config = ElectronConfig(detector=detector, energies=job.energies)
    processor = CalibrationProcessor(job.analysis, config)
    counts, electrons, account = read_electrons(job.prepared, processor, job.execution, tell)
    require_events(account)
    found = calibrate_gains(electrons, counts, job.setup, job.setup.detectors[detector], LoopConfig(), tell)
    if found is None:
        raise UserError(_no_electrons(counts, config))
    return make_calibration(found, job.old, job.setup, config), account


def _with_muons(job: _Job, detectors: tuple[str, ...], tell: Progress) -> tuple[MuonCalibration, Account]:
    """Find the gains of all cells that muons cross, in one pass over the files."""
    energies = sorted(set(job.energies.values()))
    if len(energies) > 1:
        msg = (
            f"muons of {len(energies)} energies ({', '.join(f'{e:g}' for e in energies)} GeV): what they "
            f"radiate depends on it, calibrate with those of one"
        )
        raise UserError(msg)
    config = MuonConfig(detectors=detectors, energy=energies[0])
    expected = {name: expect_peak(job.setup, job.setup.detectors[name], config) for name in detectors}
    processor = MuonProcessor(job.analysis, config, expected)
    sums, _, account = read_electrons(job.prepared, processor, job.execution, tell)
    require_events(account)
    found = make_muon_calibration(sums, expected, job.old, job.setup, config)
    if found is None:
        steps = [f"{name} {int(n[0])}" for name, n in sums.arrays.items() if n.shape == (1,)]
        msg = (
            f"no muon. Calibration triggers (of a simulation all events), and what is left: "
            f"{', '.join(steps)}. Check --conditions"
        )
        raise UserError(msg)
    return found, account


def _parse_runs(text: str) -> RunRange:
    try:
        return RunRange.parse(text)
    except ValueError as error:
        msg = f"--runs {text}: {error}"
        raise UserError(msg) from error


def _check(prepared: Prepared, setup: Setup, options: CalibrateOptions) -> None:
    """Refuse what cannot be calibrated, before any event is read."""
    if options.particle not in _PARTICLES:
        hint = nearest(options.particle, _PARTICLES) or "."
        msg = f"cannot calibrate with '{options.particle}'{hint} Particles: {', '.join(_PARTICLES)}"
        raise UserError(msg)
    if options.particle == "electron" and len(options.detectors) > 1:
        msg = (
            f"electrons calibrate one detector, the one that stops them; got {', '.join(options.detectors)}. "
            f"Muons cross several: --particle muon"
        )
        raise UserError(msg)
    for name in options.detectors:
        if name not in setup.detectors:
            hint = nearest(name, setup.detectors) or "."
            known = ", ".join(setup.detectors)
            msg = f"setup {setup.name} has no detector '{name}'{hint} Detectors: {known}"
            raise UserError(msg)
        _check_detector(name, setup, options.particle)
    for probe in prepared.probes:
        if probe.layout.level != "raw":
            msg = (
                f"{probe.file.path} has layout {probe.layout.name} of level {probe.layout.level}; a "
                f"calibration starts from raw digits (na64 simulate ... --level raw, or the files of the run)"
            )
            raise UserError(msg)
        if probe.kind == "data":
            name = f" of period {probe.period.name}" if probe.period is not None else ""
            msg = (
                f"{probe.file.path} is data{name}, whose physics triggers stay closed; take runs of "
                f"a calibration period (datasets/periods.yaml)"
            )
            raise UserError(msg)


def _check_detector(name: str, setup: Setup, particle: str) -> None:
    """Refuse a detector that these particles say nothing of."""
    detector = setup.detectors[name]
    if particle == "electron" and not (detector.is_target and setup.shower_profile):
        targets = [target for target, d in setup.detectors.items() if d.is_target]
        msg = (
            f"electrons calibrate the detector that stops them, {', '.join(targets)}, and setup {setup.name} "
            f"must name its shower_profile; '{name}' cannot be calibrated with them (--particle muon can)"
        )
        raise UserError(msg)
    if particle == "muon" and (detector.readout is None or any(s.matter is None for s in detector.sections)):
        msg = (
            f"setup {setup.name}: what a muon leaves in '{name}' follows from its readout and the matter "
            f"of all its sections; it lacks one of them"
        )
        raise UserError(msg)


def _energies(texts: Sequence[str], prepared: Prepared, setup: Setup) -> dict[str, float]:
    """Return the beam energy of each dataset."""
    datasets = sorted({probe.file.dataset for probe in prepared.probes})
    energies = dict.fromkeys(datasets, setup.beam.momentum)
    for text in texts:
        name, equal, number = text.rpartition("=")
        try:
            energy = float(number)
        except ValueError:
            energy = math.nan
        if not 0 < energy < math.inf:
            msg = f"--energy {text}: expected GEV or DATASET=GEV with a number above 0"
            raise UserError(msg)
        if equal and name not in datasets:
            hint = nearest(name, datasets) or "."
            msg = f"--energy {text}: no dataset '{name}'{hint} Datasets: {', '.join(datasets)}"
            raise UserError(msg)
        energies |= {name: energy} if equal else dict.fromkeys(datasets, energy)
    return energies


def _run_of(prepared: Prepared) -> int | None:
    """Return the run whose conditions are the old ones; None for a simulation."""
    probe = prepared.probes[0]
    return None if probe.kind == "simulation" else first_run(probe.file.path, probe.layout, probe.tree)


def _no_electrons(counts: CalibrationSums, config: ElectronConfig) -> str:
    steps = [f"{name} {int(n[0])}" for name, n in counts.arrays.items() if n.shape == (1,)]
    return (
        f"no clean electron. Calibration triggers (of a simulation all events), and what each requirement "
        f"leaves: {', '.join(steps)}. Other particles must have less than {config.pile_up_max:g} GeV and the "
        f"HCAL less "
        f"than {config.hcal_max:g} GeV; near the setup's beam energy the SRD must tag. Check --energy and "
        f"--conditions"
    )


def _write(
    options: CalibrateOptions,
    runs: RunRange,
    calibration: Calibration | MuonCalibration,
    setup: Setup,
    prepared: Prepared,
    account: Account,
) -> None:
    """Write tables, statistics and plots; they appear under the final name when complete."""
    partial = options.output.with_name(f".{options.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    n = calibration.n_muons if isinstance(calibration, MuonCalibration) else calibration.n_electrons
    source = f"na64 calibrate, {n} {options.particle}s"
    new: Conditions = replace(calibration.conditions, run=None)
    try:
        write_conditions(new, setup, partial, runs, source)
        write_json(partial / "calibration.json", _describe(calibration))
        run = {
            "version": 1,
            "command": "calibrate",
            "setup": prepared.setup,
            "events": {
                "input": account.processed + account.lost,
                "processed": account.processed,
                "lost": account.lost,
            },
            "losses": [loss.reason for loss in account.losses],
            "inputs": describe_inputs(prepared),
            "versions": versions(),
            "conditions": {"old": calibration.old.digest, "new": new.digest},
        }
        write_json(partial / "run.json", run)
        _plot(calibration, setup, partial / "plots")
        replace_path(partial, options.output, overwrite=options.overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _describe(calibration: Calibration | MuonCalibration) -> dict[str, Any]:
    if isinstance(calibration, MuonCalibration):
        return describe_muons(calibration)
    return describe_calibration(calibration)


def _plot(calibration: Calibration | MuonCalibration, setup: Setup, folder: Path) -> None:
    if isinstance(calibration, MuonCalibration):
        plot_muons(calibration, setup, folder)
    else:
        plot_calibration(calibration, setup, folder)


def _tell(options: CalibrateOptions, calibration: Calibration | MuonCalibration, account: Account) -> None:
    lines = muon_lines if isinstance(calibration, MuonCalibration) else summary_lines
    for line in lines(calibration):  # type: ignore[arg-type]
        typer.echo(line)
    typer.echo(account_line(account))
    typer.echo(f"tables: {options.output}, for --conditions {options.output}")
    for line in [*calibration.warnings, *loss_lines(account)]:
        print(f"na64: warning: {line}", file=sys.stderr)  # noqa: T201
