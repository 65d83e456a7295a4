"""The processor that every analysis mode is made of."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import awkward as ak
import numpy as np
from coffea import processor

from datasets.conditions import Conditions
from datasets.decode import Quantities, decode
from datasets.digits import select_digits
from datasets.layouts import Layout
from datasets.periods import period_of_run
from datasets.probe import Kind, stricter
from datasets.reader import ReadError
from datasets.schema import layout_of
from datasets.setups import load_setup
from processors.context import Context, check_length, find_period, has_truth, own_words
from processors.digits import calibrate_digits, conditions_of, refuse_spills, spills_in
from processors.event_table import event_table
from processors.histograms import HistogramSpec, fill_views
from processors.quality import count_damage
from processors.reconstruction import Measured, ReconstructionConfig, complete, measure
from processors.region_counts import count_regions, count_tagged
from processors.result import AnalysisResult, Sample
from processors.selected import Columns, Details, Selected
from processors.track_columns import deciding_spectrometers
from processors.variations import (
    applicable,
    count_views,
    make_views,
    outside_in_all,
    require_base_kept,
    require_guarded,
    variations_of_kind,
)
from processors.withholding import blinding_of
from recon.geometry import Setup
from recon.srd import SrdTagConfig
from selections.blinding import Blinding
from selections.cut import Mask, decidable, passes
from selections.cutflow import count
from selections.opening import Opening
from selections.selection import Selection, SelectionError, choose_variations, load_selection

__all__ = ["AnalysisProcessor", "Context", "Selected", "missing_columns_message"]

_LARGE = 5000  # entries of a chunk that is worth a garbage collection, which takes 0.1 s


class AnalysisProcessor(processor.ProcessorABC):
    """
    Reconstruct, blind, select and fill: a coffea processor for any `Runner`.

    Events must be read with a schema of ours: ``Runner(schema=schema_for("p348reco"), ...)``. An analysis
    names its selection and its histograms.

    Parameters
    ----------
    setup : str, optional
        Name or path of the detector setup; by default that of the layout, or of the run number.
    changes : sequence of str
        "CUT.KEY=VALUE" each; refused on data for cuts of the base requirement.
    without : sequence of str
        Cuts to leave out; refused on data for cuts of the base requirement.
    seed : int
        Of the smearing of simulated events.
    conditions : sequence of paths
        Tables of conditions that override ours, for raw digits.
    bad_spills : mapping of run to spills, optional
        Whose events of data are no triggers; None: all spills of the run.
    opening : Opening, optional
        Which periods' closed regions are open; `na64 unblind` alone gives one.
    variations : sequence of str
        Systematic variations by name, "all", "none", or paths of YAML files. Without a word: on
        simulation all that the selection declares, on data none. Data closed in any of them are withheld,
        and those that move a closed region's column by more than the period's guard are refused.
    with_events : bool
        Return which shown events (base events of simulation) pass which cuts, too.
    """

    analysis: ClassVar[str]
    histograms: ClassVar[tuple[HistogramSpec, ...]]

    def __init__(
        self,
        setup: str | None = None,
        *,
        changes: Sequence[str] = (),
        without: Sequence[str] = (),
        seed: int = 1,
        conditions: Sequence[str | Path] = (),
        bad_spills: Mapping[int, tuple[int, ...] | None] | None = None,
        opening: Opening | None = None,
        variations: Sequence[str] = (),
        with_events: bool = False,
    ) -> None:
        self.setup = setup
        self.changes = tuple(changes)
        self.without = tuple(without)
        self.seed = seed
        self.conditions = tuple(str(path) for path in conditions)
        self.bad_spills = dict(bad_spills or {})
        self.opening = opening
        self.variations = choose_variations(self.analysis, variations)
        self.with_events = with_events

    def process(self, events: ak.Array) -> AnalysisResult:
        """
        Process one chunk.

        Parameters
        ----------
        events : NanoEvents

        Returns
        -------
        AnalysisResult
            On data a function of shown events and of the number of entries alone.

        Raises
        ------
        ReadError
            If the file cannot be read.
        SelectionError
            If cuts need columns that the layout does not give.
        BlindingError
            If the request would show something of closed events.
        """
        selected = self.select(events)
        result = self.tally(selected)
        entries = selected.entries
        del selected
        if entries > _LARGE:
            gc.collect()  # NanoEvents hold a reference cycle: without this, chunks pile up in memory
        return result

    def postprocess(self, accumulator: AnalysisResult) -> AnalysisResult:
        """Return the accumulator as it is."""
        return accumulator

    def selection_for(self, setup: Setup) -> Selection:
        """Return the selection of this analysis for a setup, with the user's changes."""
        return load_selection(
            self.analysis,
            setup.name,
            tuple(setup.detectors),
            changes=self.changes,
            without=self.without,
            variations=self.variations,
        )

    def select(
        self,
        events: ak.Array,
        *,
        need_base_of_simulation: bool = True,
        with_details: bool = False,
        is_to_calibrate: bool = False,
    ) -> Selected:
        """
        Reconstruct a chunk and withhold what is closed before anything else is made of it.

        Parameters
        ----------
        events : NanoEvents
        need_base_of_simulation : bool
            False: every simulated event counts as base, and the layout need not give its columns.
        with_details : bool
            Return cells, hits and digits too.
        is_to_calibrate : bool
            Of a calibration run take what `is_for_calibration` allows, without a base requirement.
        """
        context, quantities = self.open(events)
        with np.errstate(all="ignore"):  # warnings would speak of closed events
            quantities, measured = self.measure(context, quantities)
            if context.kind == "simulation" and not need_base_of_simulation:
                base = np.ones(measured.n_events, dtype=bool)
            elif context.kind == "calibration" and is_to_calibrate:
                base = self.is_for_calibration(measured, context)
            else:
                base = self._base(measured, context)
            weight = np.asarray(measured.columns.get("weight", np.ones(measured.n_events)), dtype=np.float64)
            total, shown = (float(measured.n_events),) * 2, None
            if context.kind == "simulation":
                total = (float(weight.sum()), float((weight**2).sum()))
            else:
                shown = context.blinding.shown(base, measured.columns)
                shown = outside_in_all(context.variations, context.blinding, shown, measured.columns)
                measured, base, weight = measured.select(shown), base[shown], np.ones(np.count_nonzero(shown))
            columns = complete(measured, context.aligned_setup)
        keep = np.ones(quantities.n_events, dtype=bool) if shown is None else shown
        position, details = np.flatnonzero(keep), None
        if with_details:
            details = Details(position, measured, select_digits(quantities.digits, keep))
        damage = count_damage(quantities.damage, shown)
        if damage and "track_is_overflow" in columns:
            damage |= count_damage({"track_candidates_are_too_many": columns["track_is_overflow"]}, None)
        return Selected(
            context=context,
            entries=quantities.n_events,
            n_events=measured.n_events,
            columns=columns,
            base=base,
            weight=weight,
            total_weight=total,
            entry=position + int((events.metadata or {}).get("entrystart") or 0),
            details=details,
            quality=damage,
        )

    def open(self, events: ak.Array) -> tuple[Context, Quantities]:
        """Read a chunk and decide what its events are. Nothing is withheld yet."""
        layout = layout_of(events)
        metadata = dict(events.metadata or {})
        check_length(events, metadata)
        setup, quantities = self._read(events, layout, metadata)
        return self._context(quantities, layout, setup, metadata), quantities

    def measure(self, context: Context, quantities: Quantities) -> tuple[Quantities, Measured]:
        """Calibrate raw digits and take the first step of the reconstruction, of all events."""
        selection, tag = context.selection, context.selection.params.get("srd")
        config = ReconstructionConfig(
            srd=SrdTagConfig(**tag) if tag else None,
            seed=self.seed,
            deciding=deciding_spectrometers((*selection.base_columns, *context.blinding.columns)),
        )
        if context.conditions is not None:
            quantities = calibrate_digits(quantities, context.setup, context.conditions)
        if context.kind != "simulation" and self.bad_spills and "run" in quantities.arrays:
            quantities = refuse_spills(quantities, spills_in(quantities.arrays, self.bad_spills))
        return quantities, measure(quantities, context.layout, context.setup, config)

    def is_for_calibration(self, measured: Measured, context: Context) -> Mask:
        """
        Return the events that a calibration may use, (n_events,): all of a simulation, none of data.

        In a calibration run those of calibration triggers; physics triggers stay closed there too.
        """
        n, trigger = measured.n_events, context.selection.base.trigger
        if context.kind == "simulation":
            return np.ones(n, dtype=bool)
        if context.kind == "data" or trigger not in measured.columns:
            return np.zeros(n, dtype=bool)
        mask = _calibration_triggers(measured.columns, trigger, n)
        if context.period is not None and context.period.runs and "run" in measured.columns:
            mask &= context.period.cover(measured.columns["run"])
        return mask

    def _read(
        self, events: ak.Array, layout: Layout, metadata: Mapping[str, Any]
    ) -> tuple[Setup, Quantities]:
        """Find the setup and read the events with it."""
        name = self.setup or metadata.get("setup") or layout.setup
        if name is None:
            if "run" not in events.fields or len(events) == 0:
                msg = f"layout {layout.name} has no run number, so the setup is not known; name it"
                raise SelectionError(msg)
            name = period_of_run(int(events["run"][0])).setup
        setup = load_setup(name)
        return setup, decode(events, layout, setup)

    def _find_conditions(self, quantities: Quantities, setup: Setup, kind: Kind) -> Conditions:
        """Return the conditions of the run of raw events."""
        runs = np.unique(quantities.arrays["run"]) if "run" in quantities.arrays else np.zeros(0)
        if len(runs) > 1:
            msg = f"a chunk of raw events holds several runs ({runs[0]} to {runs[-1]}); write a file per run"
            raise ReadError(msg)
        run = None if kind == "simulation" or not len(runs) else int(runs[0])
        return conditions_of(self.setup or setup.name, run, self.conditions)

    def _context(
        self, quantities: Quantities, layout: Layout, setup: Setup, metadata: Mapping[str, Any]
    ) -> Context:
        """Decide what the events are; a user's word can only make it stricter."""
        own: Kind = "simulation" if has_truth(quantities, layout, metadata) else "data"
        wanted = metadata.get("kind", own)
        kind = own if own == "data" and wanted == "simulation" else stricter(own, wanted)
        period, blinding = None, Blinding.none()
        selection = self.selection_for(setup)
        if kind != "simulation":
            period = find_period(quantities, setup, metadata)
            kind = period.kind if own == "data" and wanted != "data" else "data"
            if kind == "data":
                blinding = blinding_of(period, self.opening)
                selection.require_untouched_base()
                blinding.require(selection.signal_box)
                if self.variations is not None:
                    require_base_kept(selection.variations, selection)
                    require_guarded(selection.variations, blinding)
        return Context(
            dataset=str(metadata.get("dataset", "events")),
            kind=kind,
            layout=layout,
            setup=setup,
            period=period,
            blinding=blinding,
            selection=selection,
            conditions=self._find_conditions(quantities, setup, kind) if layout.level == "raw" else None,
            has_own_conditions=bool(self.conditions),
            variations=variations_of_kind(selection, kind, is_asked=self.variations is not None),
            file=str(metadata.get("filename", "")),
        )

    def _base(self, measured: Measured, context: Context) -> Mask:
        """Return the events that meet the base requirement of the blinding."""
        base, columns, n = context.selection.base, measured.columns, measured.n_events
        lacking = context.selection.needs(set(columns)).get("base", [])
        lacking += [c for cut in context.selection.base_cuts for c in cut.needs if c not in columns]
        lacking += [c for c in context.blinding.columns if c not in columns]
        if lacking:
            msg = (
                f"layout {context.layout.name} does not give {', '.join(dict.fromkeys(lacking))}, without "
                f"which nobody can tell which events may be seen; the base requirement cannot be left out"
            )
            raise SelectionError(msg)
        flags = base.valid if context.kind == "calibration" else (*base.valid, base.trigger)
        mask = decidable(columns, base.columns, flags, n)
        for name, (low, high) in base.plausible.items():
            mask &= (columns[name] >= low) & (columns[name] <= high)
        if context.kind == "calibration":
            mask &= _calibration_triggers(columns, base.trigger, n)
        if context.period is not None and context.period.runs and "run" in columns:
            mask &= context.period.cover(columns["run"])
        for cut in context.selection.base_cuts:
            mask &= passes(cut, columns, n)
        return mask

    def tally(self, selected: Selected) -> AnalysisResult:
        """Apply the cuts to the selected events, count and fill."""
        context, columns, n = selected.context, selected.columns, selected.n_events
        lacking = context.selection.needs(set(columns))
        if lacking:
            raise SelectionError(missing_columns_message(context.selection, lacking, context.layout.name))
        cuts = context.selection.cuts
        with np.errstate(all="ignore"):
            masks = [passes(cut, columns, n) for cut in cuts]
        row = "base" if context.kind == "simulation" else "shown"
        label = "base requirement" + ", outside of the closed region" * bool(context.blinding.closed)
        flow = count(
            [row, *(cut.name for cut in cuts)],
            [label, *(cut.describe() for cut in cuts)],
            masks,
            selected.base,
            selected.weight,
            (selected.entries, *selected.total_weight),
        )
        notes = {
            f"cut {cut.name} decides without {name}: layout {context.layout.name} does not give it"
            for cut in cuts
            for name in cut.optional
            if name not in columns
        } | own_words(context)
        variations, left_out = applicable(
            context.variations, columns, cuts, is_asked=self.variations is not None
        )
        with np.errstate(all="ignore"):
            views = make_views(selected, masks, variations)
            varied = (
                count_views(selected, views, variations) if context.kind == "simulation" or variations else {}
            )
        sample = Sample(
            kind=context.kind,
            setup=context.setup.name,
            blinding=context.blinding,
            entries=selected.entries,
            cutflow=flow,
            regions=count_regions(selected, np.logical_and.reduce([selected.base, *masks])),
            quality=selected.quality,
            variations=varied,
            probes=count_tagged(selected),
        )
        return AnalysisResult(
            samples={context.dataset: sample},
            histograms=fill_views(
                self.histograms, cuts, views, selected.weight, context.dataset, context.selection.regions
            ),
            notes=frozenset(notes | left_out),
            events=(event_table(selected, masks),) if self.with_events else (),
        )


def missing_columns_message(selection: Selection, lacking: Mapping[str, Sequence[str]], layout: str) -> str:
    """Return one message that lists all cuts without their columns, and the option line that goes on."""
    cuts = [name for name in lacking if name != "base" and name not in selection.base.cuts]
    wants = "; ".join(f"{name} needs {', '.join(columns)}" for name, columns in lacking.items())
    text = f"layout {layout} does not give all columns that the cuts of '{selection.analysis}' need: {wants}."
    if len(cuts) < len(lacking):
        return f"{text} The base requirement cannot be left out, so this analysis cannot run on such files."
    options = " ".join(f"--without-cut {name}" for name in cuts)
    return f"{text} To go on without these cuts, which every output will record, add: {options}"


def _calibration_triggers(columns: Columns, physics: str, n_events: int) -> Mask:
    """Return the events of calibration triggers; physics triggers stay closed everywhere."""
    none = np.zeros(n_events, dtype=bool)
    return columns.get("trigger_is_calibration", none) & ~columns[physics]
