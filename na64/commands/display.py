"""`na64 display`: pictures of single events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from na64.commands.events import EventOptions, serve, tell_others
from na64.display import draw_event, write_pages
from na64.errors import UserError
from na64.plotting.style import write_figure
from na64.run.outputs import check_output, replace_path
from processors.pick import Picked

__all__ = ["draw_events"]

_ENDINGS = (".png", ".pdf", ".svg")


def draw_events(options: EventOptions, output: Path, *, waveforms: bool, overwrite: bool) -> int:
    """
    Draw the events that a user asks for.

    Parameters
    ----------
    options : EventOptions
    output : Path
        One event: this file. Several: a PDF has a page for each, other formats a file NAME_ENTRY for each.
    waveforms : bool
    overwrite : bool

    Returns
    -------
    int
        Exit status: 1 where no event is served.
    """
    if output.suffix.lower() not in _ENDINGS:
        msg = f"cannot draw {output.name}: the name must end in {', '.join(_ENDINGS)}"
        raise UserError(msg)
    check_output(output, [options.file], overwrite=overwrite, is_directory=False)
    served = serve(options)
    name = Path(served.path).name
    outputs = _outputs(output, served.events)
    for path in outputs:
        check_output(path, [options.file], overwrite=overwrite, is_directory=False)
    for path, events in outputs.items():
        partial = path.with_name(f".{path.stem}.partial{path.suffix}")
        try:
            _write(partial, events, name, waveforms=waveforms)
            replace_path(partial, path, overwrite=overwrite)
        finally:
            partial.unlink(missing_ok=True)
        entries = ", ".join(str(picked.entry) for picked in events)
        typer.echo(f"{path}: entry {entries} of {served.path}")
    return tell_others(served)


def _outputs(output: Path, events: Sequence[Picked]) -> dict[Path, Sequence[Picked]]:
    """Return the files to write with the events of each."""
    if output.suffix.lower() == ".pdf" or len(events) == 1:
        return {output: events} if events else {}
    return {output.with_name(f"{output.stem}_{e.entry}{output.suffix}"): [e] for e in events}


def _write(path: Path, events: Sequence[Picked], name: str, *, waveforms: bool) -> None:
    if len(events) == 1:
        write_figure(draw_event(events[0], name, waveforms=waveforms), path)
        return
    write_pages((draw_event(picked, name, waveforms=waveforms) for picked in events), path)
