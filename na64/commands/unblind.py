"""`na64 freeze` and `na64 unblind`: what is signed, and the one run that may look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import typer

from na64.commands.common import processor_class
from na64.commands.run import Identity, RunOptions, run_analysis
from na64.errors import UserError
from na64.run.freezing import (
    FROZEN_VERSION,
    Statement,
    differences,
    read_frozen,
    read_statement,
    statement_template,
)
from na64.run.identity import digest_of, identify
from na64.run.record import describe_inputs
from na64.run.stored import read_record
from processors.runner import Prepared, prepare
from selections.blinding import BlindingError
from selections.opening import Opening

__all__ = ["UnblindOptions", "freeze_run", "unblind"]

_EXECUTION = ("executor", "workers", "cluster", "chunk_size")  # change no bin


@dataclass(frozen=True, slots=True, kw_only=True)
class UnblindOptions:
    """The options of `na64 unblind`: none of them changes the analysis."""

    statement: Path
    output: Path
    periods: tuple[str, ...] = ()
    executor: str | None = None
    workers: int | str | None = None
    cluster: str | None = None
    chunk_size: int | None = None
    resume: bool = False
    overwrite: bool = False


def freeze_run(run: Path, output: Path | None, *, overwrite: bool) -> int:
    """
    Write the digests of a closed run, and a statement to fill in.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    UserError
        If the run cannot be frozen: not closed, with losses, or something differs from when it was made.
    """
    record = _read_run(run)
    _check_closed(run, record)
    frozen = output or run.with_name(f"{run.resolve().name}.frozen.json")
    statement = frozen.with_name(
        f"{frozen.name.removesuffix('.json').removesuffix('.frozen')}.statement.yaml"
    )
    there = [str(path) for path in (frozen, statement) if path.exists()]
    if there and not overwrite:
        msg = f"{' and '.join(there)} is there already; choose another --output, or --overwrite"
        raise UserError(msg)
    content = _frozen_content(run, record)
    changed = differences(content, *_identity_now(_options(content, Path("unused"))))
    if changed:
        msg = (
            f"{run} is not what would run now: it differs in {'; '.join(changed)}. Run it again, then freeze"
        )
        raise UserError(msg)
    frozen.parent.mkdir(parents=True, exist_ok=True)
    frozen.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    statement.write_text(statement_template(frozen, content), encoding="utf-8")
    typer.echo(f"frozen:    {frozen}")
    typer.echo(f"digest:    {content['digest']}")
    typer.echo(
        f"statement: {statement} (to be filled in and signed; then na64 unblind --statement {statement})"
    )
    return 0


def _read_run(run: Path) -> dict[str, Any]:
    record = read_record(run)
    if not record.get("identity"):
        msg = f"{run} does not say what decided its result (no 'identity'); run it again with this version"
        raise UserError(msg)
    return record


def _check_closed(run: Path, record: Mapping[str, Any]) -> None:
    """Refuse what needs no opening, or would not be one."""
    state = record["blinding"]["state"]
    if state != "closed":
        what = "its data are open already" if state == "open" else "it has no closed data"
        msg = f"{run} cannot be frozen: {what}"
        raise UserError(msg)
    events = record["events"]
    if events["lost"] or events["unknown_files"]:
        msg = (
            f"{run} cannot be frozen: {events['lost']} events and {events['unknown_files']} whole files of "
            f"unknown length were lost. Take the files that cannot be read out of the inputs, and run again"
        )
        raise UserError(msg)


def _frozen_content(run: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    data = [entry for entry in record["inputs"] if entry["kind"] == "data"]
    regions = record["blinding"]["region"]
    return {
        "version": FROZEN_VERSION,
        "digest": digest_of(record["identity"]),
        "identity": record["identity"],
        "run": str(run),
        "analysis": record["analysis"],
        "setup": record["setup"],
        "periods": sorted({entry["period"] or record["setup"] for entry in data}),
        "closed": regions,
        "guard": record["blinding"].get("guard", {}),
        "events": record["events"],
        "thresholds": record["selection"]["params"],
        "without_cuts": record["without_cuts"],
        "changed_cuts": record["changed_cuts"],
        "inputs": record["inputs"],
        "options": record["options"],
        "versions": record["versions"],
    }


def _options(content: Mapping[str, Any], output: Path, **others: Any) -> RunOptions:
    """Return the options of the frozen run."""
    names = {f.name for f in fields(RunOptions)}
    given = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in content["options"].items()
        if key in names
    }
    return RunOptions(**(given | {"output": output} | others))


def _identity_now(options: RunOptions) -> tuple[Identity, list[dict[str, Any]]]:
    """Return what the run would be if it were made now."""
    processor = processor_class(options.analysis)(
        options.setup,
        changes=options.changes,
        without=options.without,
        seed=options.seed,
        conditions=options.conditions,
    )
    prepared = prepare(options.request(), processor)
    return identify(processor, prepared), describe_inputs(prepared)


def unblind(options: UnblindOptions) -> int:
    """
    Run a frozen analysis with the region open that a statement names.

    Returns
    -------
    int
        Exit status of the run.

    Raises
    ------
    UserError, BlindingError
        If the statement is not complete, or anything differs from what was frozen: nothing is opened.
    """
    statement = read_statement(options.statement)
    frozen = read_frozen(options.statement.parent / statement.frozen)
    opening = make_opening(statement, frozen, options.periods)
    given = {key: getattr(options, key) for key in _EXECUTION if getattr(options, key) is not None}
    if given.keys() & {"executor", "workers", "cluster"}:
        given = {"executor": None, "workers": None, "cluster": None} | given
    run = _options(frozen, options.output, overwrite=options.overwrite, resume=options.resume, **given)
    run.execution()

    def check(identity: Identity, prepared: Prepared) -> None:
        changed = differences(frozen, identity, describe_inputs(prepared))
        if changed:
            msg = (
                f"nothing was opened: this is not what was frozen. It differs in {'; '.join(changed)}. "
                f"Go back to what was frozen, or freeze the new run and have a statement signed for it"
            )
            raise BlindingError(msg)
        typer.echo(f"{opening.mark}: {opening.why}")
        typer.echo(f"open: closed region of {', '.join(opening.regions)} in {', '.join(opening.periods)}\n")

    return run_analysis(run, opening, check)


def make_opening(statement: Statement, frozen: Mapping[str, Any], periods: tuple[str, ...]) -> Opening:
    """
    Return what a statement opens, of what was frozen.

    Raises
    ------
    BlindingError
        If the statement is for another frozen run, or names what that does not have.
    """
    if statement.digest != frozen["digest"]:
        msg = (
            f"nothing was opened: the statement is for digest {statement.digest}, what is frozen in "
            f"{statement.frozen} has {frozen['digest']}"
        )
        raise BlindingError(msg)
    for what, wanted, there in (
        ("statement", statement.periods, frozen["periods"]),
        ("option --period", periods, statement.periods),
    ):
        unknown = [period for period in wanted if period not in there]
        if unknown:
            whose = "the frozen run has" if what == "statement" else "the statement opens"
            msg = f"nothing was opened: the {what} names period '{unknown[0]}'; {whose} {', '.join(there)}"
            raise BlindingError(msg)
    regions = statement.regions or (frozen["analysis"],)
    known = {name for table in frozen["closed"].values() for name in table}
    strange = [name for name in regions if name not in known]
    if strange:
        msg = (
            f"nothing was opened: the statement names the closed region '{strange[0]}'; the frozen run has "
            f"{', '.join(sorted(known))}"
        )
        raise BlindingError(msg)
    return Opening(
        periods=periods or statement.periods,
        regions=regions,
        who=statement.who,
        when=statement.when,
        why=statement.why,
        frozen=statement.digest,
    )
