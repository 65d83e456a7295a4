"""The commands `na64 display` and `na64 explain`; as in `na64.cli`, their work is in `na64.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from na64.options.common import (
    ConditionsOption,
    KindOption,
    LayoutOption,
    OverwriteOption,
    SeedOption,
    SetupOption,
)

__all__ = ["WHICH", "display", "explain"]

WHICH = (  # the end of the help of both
    "Name events by their entry in the file, counted from 0 (--event), or by their numbers (--run, --spill, "
    "--event-number); without any, the first one is taken. Of data, only events that na64 run counts as "
    "shown are served; every other one has the same answer."
)
File = Annotated[str, typer.Argument(help="ROOT file.", metavar="FILE", show_default=False)]
EventOption = Annotated[
    list[str] | None,
    typer.Option("--event", help="Entry in the file, from 0, or a range 3-17; repeat for more.", metavar="N"),
]
RunOption = Annotated[int | None, typer.Option("--run", help="Run number of the event.")]
SpillOption = Annotated[int | None, typer.Option("--spill", help="Spill number of the event.")]
NumberOption = Annotated[
    int | None, typer.Option("--event-number", help="Number of the event in its spill or file.")
]
FailingOption = Annotated[
    str | None,
    typer.Option(
        "--next-failing",
        help="The first event that this cut rejects after all cuts before it passed.",
        metavar="CUT",
    ),
]
FromOption = Annotated[int, typer.Option("--from", min=0, help="Entry from which the first is searched.")]
AnalysisOption = Annotated[str, typer.Option("--analysis", help="Whose cuts are asked.")]
ChangesOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="CUT.KEY=VALUE: change a threshold.", metavar="CUT.KEY=VALUE"),
]


def display(
    file: File,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="PNG or SVG (one file for each event, NAME_ENTRY), or PDF (a page each)."
        ),
    ],
    event: EventOption = None,
    run: RunOption = None,
    spill: SpillOption = None,
    number: NumberOption = None,
    failing: FailingOption = None,
    start: FromOption = 0,
    waveforms: Annotated[
        bool, typer.Option("--waveforms", help="Add the waveforms of the hottest cells, of raw digits.")
    ] = False,
    analysis: AnalysisOption = "invisible",
    changes: ChangesOption = None,
    setup: SetupOption = None,
    layout: LayoutOption = None,
    kind: KindOption = None,
    conditions: ConditionsOption = None,
    seed: SeedOption = 1,
    overwrite: OverwriteOption = False,
) -> None:
    """Draw events: beam line, hits, track, cells, and the cut that rejects each."""
    from na64.commands.display import draw_events
    from na64.commands.events import EventOptions

    options = EventOptions(
        file=file,
        events=tuple(event or ()),
        run=run,
        spill=spill,
        number=number,
        failing=failing,
        start=start,
        analysis=analysis,
        changes=tuple(changes or ()),
        setup=setup,
        layout=layout,
        kind=kind,
        conditions=tuple(str(path) for path in conditions or ()),
        seed=seed,
    )
    raise typer.Exit(draw_events(options, output, waveforms=waveforms, overwrite=overwrite))


def explain(
    file: File,
    event: EventOption = None,
    run: RunOption = None,
    spill: SpillOption = None,
    number: NumberOption = None,
    failing: FailingOption = None,
    start: FromOption = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    analysis: AnalysisOption = "invisible",
    changes: ChangesOption = None,
    setup: SetupOption = None,
    layout: LayoutOption = None,
    kind: KindOption = None,
    conditions: ConditionsOption = None,
    seed: SeedOption = 1,
) -> None:
    """Print every cut with its values, thresholds and verdict for single events."""
    from na64.commands.events import EventOptions
    from na64.commands.explain import explain_events

    options = EventOptions(
        file=file,
        events=tuple(event or ()),
        run=run,
        spill=spill,
        number=number,
        failing=failing,
        start=start,
        analysis=analysis,
        changes=tuple(changes or ()),
        setup=setup,
        layout=layout,
        kind=kind,
        conditions=tuple(str(path) for path in conditions or ()),
        seed=seed,
    )
    raise typer.Exit(explain_events(options, as_json=as_json))
