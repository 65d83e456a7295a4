"""The `na64` command. Imports only what it takes to show help; the work is in `na64.commands`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from na64.options.align import align
from na64.options.background import background
from na64.options.bump import bump
from na64.options.clusters import clusters_app
from na64.options.common import (
    TIMEOUT,
    CatalogueOption,
    ChunkOption,
    ClusterOption,
    ConditionsOption,
    DryRunOption,
    ExecutorOption,
    Inputs,
    KindOption,
    LayoutOption,
    LossOption,
    OverwriteOption,
    ResumeOption,
    SeedOption,
    SetupOption,
    TimeoutOption,
    VerifyOption,
    WorkersOption,
)
from na64.options.conditions import catalogue as list_catalogue
from na64.options.conditions import conditions_app
from na64.options.events import WHICH, display, explain
from na64.options.limit import limit
from na64.options.opening import freeze, unblind
from na64.options.optimise import optimise
from na64.options.reco import reco
from na64.options.report import report
from na64.options.runs import diff, efficiency
from na64.options.simulation import processes, simulate
from na64.options.tracks import tracks

__all__ = ["app", "main"]

app = typer.Typer(
    name="na64",
    help="Columnar reconstruction and blind cut-flow for the NA64 experiment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
setups_app = typer.Typer(help="List the detector setups, or show one.", invoke_without_command=True)
app.add_typer(setups_app, name="setups")
app.add_typer(conditions_app, name="conditions")
app.add_typer(clusters_app, name="clusters")

_INTERRUPTED = 130  # exit status


@app.command()
def run(
    analysis: Annotated[str, typer.Argument(help="invisible, muon, visible, hadron or positron")],
    inputs: Inputs,
    output: Annotated[Path, typer.Option("--output", "-o", help="Run directory to write.")],
    setup: SetupOption = None,
    layout: LayoutOption = None,
    kind: KindOption = None,
    conditions: ConditionsOption = None,
    catalogue: CatalogueOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    chunk_size: ChunkOption = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="CUT.KEY=VALUE: change a threshold.", metavar="CUT.KEY=VALUE"),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without-cut", help="Leave a cut out; repeat for more.", metavar="CUT"),
    ] = None,
    variations: Annotated[
        list[str] | None,
        typer.Option(
            "--variation",
            help="Systematic variation: a name, all, none, or a YAML file; repeat for more. Default: all on "
            "simulation, none on data, where a shift over the edge of the closed region needs a guard.",
            metavar="NAME",
        ),
    ] = None,
    save_events: Annotated[
        bool,
        typer.Option(
            "--save-events",
            help="Write which shown events pass which cuts, and what these read: for na64 diff and optimise.",
        ),
    ] = False,
    seed: SeedOption = 1,
    max_loss: LossOption = 0.0,
    timeout: TimeoutOption = TIMEOUT,
    verify: VerifyOption = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Run an analysis: cut-flow, histograms, plots and report, blind on data."""
    from na64.commands.run import RunOptions, run_analysis

    raise typer.Exit(
        run_analysis(
            RunOptions(
                analysis=analysis,
                inputs=tuple(inputs),
                output=output,
                setup=setup,
                layout=layout,
                kind=kind,
                conditions=tuple(str(path) for path in conditions or ()),
                catalogue=catalogue,
                executor=executor,
                workers=workers,
                cluster=cluster,
                chunk_size=chunk_size,
                changes=tuple(changes or ()),
                without=tuple(without or ()),
                variations=tuple(variations or ()),
                save_events=save_events,
                resume=resume,
                seed=seed,
                max_loss=max_loss,
                timeout=timeout,
                verify=verify,
                overwrite=overwrite,
                dry_run=dry_run,
            )
        )
    )


@app.command()
def calibrate(
    inputs: Inputs,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Directory to write: tables and statistics.")
    ],
    detector: Annotated[
        list[str] | None,
        typer.Option("--detector", help="Whose gains to find; repeat for muons. Default: ecal."),
    ] = None,
    particle: Annotated[
        str, typer.Option("--particle", help="Of the beam: electron, or muon (peak of each cell).")
    ] = "electron",
    energy: Annotated[
        list[str] | None,
        typer.Option(
            "--energy",
            help="Of the beam, of all files or of a dataset; repeat. Default: the setup's.",
            metavar="GEV|DATASET=GEV",
        ),
    ] = None,
    runs: Annotated[
        str, typer.Option("--runs", help="For which the tables hold: 5, 1-10, 123-...")
    ] = "0-...",
    setup: SetupOption = None,
    layout: LayoutOption = None,
    conditions: ConditionsOption = None,
    catalogue: CatalogueOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    chunk_size: ChunkOption = None,
    max_loss: LossOption = 0.0,
    timeout: TimeoutOption = TIMEOUT,
    verify: VerifyOption = None,
    overwrite: OverwriteOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Find gains, times, pedestals and noise from calibration runs; write tables of conditions."""
    from na64.commands.calibrate import CalibrateOptions
    from na64.commands.calibrate import calibrate as run_calibration

    raise typer.Exit(
        run_calibration(
            CalibrateOptions(
                inputs=tuple(inputs),
                output=output,
                detectors=tuple(detector or ("ecal",)),
                particle=particle,
                energies=tuple(energy or ()),
                runs=runs,
                setup=setup,
                layout=layout,
                conditions=tuple(str(path) for path in conditions or ()),
                catalogue=catalogue,
                executor=executor,
                workers=workers,
                cluster=cluster,
                chunk_size=chunk_size,
                max_loss=max_loss,
                timeout=timeout,
                verify=verify,
                overwrite=overwrite,
                dry_run=dry_run,
            )
        )
    )


@app.command()
def inspect(
    inputs: Inputs,
    setup: SetupOption = None,
    layout: LayoutOption = None,
    branches: Annotated[bool, typer.Option("--branches", help="List the branches of each tree too.")] = False,
) -> None:
    """Say what files hold: trees, layout, level, kind and why, entries, and what each analysis would miss."""
    from na64.commands.inspect import inspect_files

    raise typer.Exit(inspect_files(tuple(inputs), setup=setup, layout=layout, branches=branches))


@setups_app.callback()
def setups(context: typer.Context) -> None:
    """List the detector setups."""
    if context.invoked_subcommand is None:
        from na64.commands.setups import list_setups

        list_setups()


@setups_app.command("show")
def show_setup(
    name: Annotated[str, typer.Argument(help="Name of a setup, or path of a YAML file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="PNG or PDF to draw. Default: NAME.png here.")
    ] = None,
    numbers: Annotated[bool, typer.Option("--numbers", help="List every number with its source.")] = False,
) -> None:
    """Draw the beam line of a setup to scale and say which of its numbers are published or assumed."""
    from na64.commands.setups import show

    show(name, output, numbers=numbers)


@app.command()
def layouts() -> None:
    """List the layouts of ROOT files that are known."""
    from na64.commands.setups import list_layouts

    list_layouts()


@app.command()
def columns() -> None:
    """List the derived columns with type, unit and meaning."""
    from na64.commands.setups import list_columns

    list_columns()


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the run directories go.")] = Path(
        "runs"
    ),
    workers: Annotated[int, typer.Option("--workers", min=1, help="Dask worker processes.")] = 2,
) -> None:
    """Run the shipped samples: an open simulation and closed data, each with cut-flow, plane and report."""
    from na64.commands.demo import run_demo

    raise typer.Exit(run_demo(output, workers))


# In the order of `na64 --help`, after those above
app.command("reco")(reco)
app.command("simulate")(simulate)
app.command("processes")(processes)
app.command("catalogue")(list_catalogue)
app.command("display", epilog=WHICH)(display)
app.command("explain", epilog=WHICH)(explain)
app.command("background")(background)
app.command("bump")(bump)
app.command("optimise")(optimise)
app.command("tracks")(tracks)
app.command("limit")(limit)
app.command("report")(report)
app.command("align")(align)
app.command("efficiency")(efficiency)
app.command("diff")(diff)
app.command("freeze")(freeze)
app.command("unblind")(unblind)


def _set_up_logging() -> None:
    """Show warnings of our own rooms as one line; other libraries speak through errors."""
    import logging

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("na64: warning: %(message)s"))
    for room in ("datasets", "selections", "limits", "processors", "na64"):
        logger = logging.getLogger(room)
        logger.handlers[:] = [handler]
        logger.propagate = False


def _check_rooms() -> None:
    """End the command if another distribution hides one of our packages."""
    try:
        from processors.rooms import RoomError, check_rooms
    except ModuleNotFoundError as error:
        _fail(f"{error}: another distribution hides our package 'processors'; use an environment of its own")
    try:
        check_rooms()
    except RoomError as error:
        _fail(str(error))


def _user_errors() -> tuple[type[BaseException], ...]:
    """Return the errors that tell a user what to do; any other is a bug of ours."""
    from datasets.config import ConfigError
    from datasets.probe import UnreadableError
    from limits.model import ModelError
    from na64.errors import UserError
    from processors.chunk import ChunkError
    from processors.dispatch import ExecutionError
    from processors.rooms import RoomError
    from selections.blinding import BlindingError
    from selections.selection import SelectionError

    return (
        *(ConfigError, SelectionError, BlindingError, RoomError, UnreadableError, UserError),
        *(ConnectionError, ChunkError, ExecutionError, ModelError),
    )


def _told(error: BaseException) -> BaseException | None:
    """Return the error of the chain that is meant for the user, if there is one."""
    kinds = _user_errors()
    current: BaseException | None = error
    while current is not None:
        if isinstance(current, kinds):
            return current
        current = current.__cause__
    return None


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command; an error that a user can mend is one paragraph and exit status 2."""
    _set_up_logging()
    try:
        _check_rooms()
        status = app(args=arguments, prog_name="na64", standalone_mode=False)
    except TyperException as error:
        getattr(error, "show", lambda: None)()  # the public base class does not tell of it
        sys.exit(getattr(error, "exit_code", 2))
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except (KeyboardInterrupt, typer.Abort):
        status = _INTERRUPTED
    except Exception as error:
        told = _told(error)
        if told is None and not isinstance(error, OSError):
            raise
        _fail(str(told or error))
    if status == _INTERRUPTED:  # also typer's own answer to Ctrl-C, without a word
        _fail("interrupted; no output was written", status)
    sys.exit(status)


def _fail(message: str, status: int = 2) -> NoReturn:
    typer.echo(f"na64: error: {message}", err=True)
    sys.exit(status)
