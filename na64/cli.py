"""The `na64` command. Imports only what it takes to show help; the work is in `na64.commands`."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from na64.options.align import align
from na64.options.background import background
from na64.options.bump import bump
from na64.options.calibrate import calibrate
from na64.options.clusters import clusters_app
from na64.options.conditions import catalogue as list_catalogue
from na64.options.conditions import conditions_app
from na64.options.demo import demo
from na64.options.events import WHICH, display, explain
from na64.options.known import columns, inspect, layouts, setups_app
from na64.options.limit import limit
from na64.options.opening import freeze, unblind
from na64.options.optimise import optimise
from na64.options.reco import reco
from na64.options.report import report
from na64.options.run import run
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
app.add_typer(setups_app, name="setups")
app.add_typer(conditions_app, name="conditions")
app.add_typer(clusters_app, name="clusters")

_INTERRUPTED = 130  # exit status


# In the order of `na64 --help`
app.command("run")(run)
app.command("calibrate")(calibrate)
app.command("inspect")(inspect)
app.command("layouts")(layouts)
app.command("columns")(columns)
app.command("demo")(demo)
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
