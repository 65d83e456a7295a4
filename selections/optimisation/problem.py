"""Signal, background and thresholds: how good is a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from selections.background.extrapolation import ExtrapolationConfig
from selections.cut import Cut, Mask
from selections.optimisation.config import BOX
from selections.optimisation.expected import Known, from_counts, from_weights
from selections.optimisation.limit import LimitTable
from selections.optimisation.samples import Point, Sample, group_events, pass_cuts, within_box

__all__ = ["Band", "FigureName", "Problem", "Scanned", "Signal", "Simulated"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FigureName = Literal["limit", "punzi"]
_EQUAL = 1e-6  # relative difference of figures that is none
_FAINT = 1e-9  # efficiency below which a point is as bad as can be, so that no figure is infinite
_SIGMAS = 3.0  # of a discovery, in Punzi's figure


class Signal(NamedTuple):
    """A simulated signal."""

    sample: Sample
    total: float  # sum of the weights of all its events, also of those that fail the base requirement


class Simulated(NamedTuple):
    """A source of background that is simulated."""

    name: str
    label: str
    sample: Sample
    scale: float  # from its weights to events of the data's exposure
    error: float  # relative, systematic
    weight: float  # mean of its events


class Band(NamedTuple):
    """A side band of the data that is extended into the box."""

    name: str
    label: str
    column: str
    fit: ExtrapolationConfig


class Scanned(NamedTuple):
    """What was found at the points of a scan; first replica: the events as they are."""

    points: tuple[Point, ...]
    figure: Floats  # (n_points, 1 + n_replicas); less is better
    efficiency: Floats  # (n_signals, n_points)
    background: Known  # (n_points,)
    sources: dict[str, Known]  # (n_points,) each
    signal_events: Ints  # (n_signals, n_points)
    source_events: dict[str, Ints]  # (n_points,) simulated in the box, or of data in a fit

    def best(self, names: Sequence[str], at: Point) -> Ints:
        """
        Return the place of the best point of each replica; of several that are as good the nearest.

        Parameters
        ----------
        names : sequence of str
            Thresholds that differ between the points.
        at : mapping
            From where distances are taken, each in units of the whole scan.

        Returns
        -------
        int64, shape (1 + n_replicas,)
        """
        places = np.array([[point[name] - at[name] for name in names] for point in self.points])
        distance = (np.abs(places) / np.maximum(np.ptp(places, axis=0), 1e-30)).sum(axis=1)
        order = np.argsort(distance, kind="stable")
        figure = self.figure[order]
        equal = figure <= figure.min(axis=0) * (1 + _EQUAL)
        return np.asarray(order[equal.argmax(axis=0)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """
    Everything that a point is judged by.

    Parameters
    ----------
    cuts : tuple of Cut
        Without those of the base requirement.
    box_columns : tuple of str
    signals : tuple of Signal
        The figure is the geometric mean of theirs.
    simulated : tuple of Simulated
    data : Sample, optional
        Shown events.
    bands : tuple of Band
        None without data.
    figure : "limit" or "punzi"
        Expected upper limit, or (a/2 + sqrt(b)) with a = 3 (G. Punzi, arXiv:physics/0308063), b with its
        variance; each over the efficiency, so that it counts events before the cuts.
    data_part : float
        Of the data that is used.
    """

    cuts: tuple[Cut, ...]
    box_columns: tuple[str, ...]
    signals: tuple[Signal, ...]
    simulated: tuple[Simulated, ...] = ()
    data: Sample | None = None
    bands: tuple[Band, ...] = ()
    figure: FigureName = "limit"
    level: float = 0.90
    data_part: float = 1.0

    def start(self, box: dict[str, float]) -> Point:
        """Return the point of the selection as it is."""
        cuts = {f"{cut.name}.{key}": value for cut in self.cuts for key, value in cut.params.items()}
        return {**cuts, **{f"{BOX}.{column}": edge for column, edge in box.items()}}

    def halves(self, rng: np.random.Generator) -> tuple[Problem, Problem]:
        """Divide all events at random; each half is scaled to stand for the whole."""
        samples = [*(s.sample for s in self.signals), *(s.sample for s in self.simulated)]
        samples += [self.data] if self.data is not None else []
        picks = [rng.random(len(sample.weights)) < 0.5 for sample in samples]
        return self._part(picks), self._part([~pick for pick in picks])

    def _part(self, picks: Sequence[Mask]) -> Problem:
        rest = iter(picks)
        return replace(
            self,
            signals=tuple(Signal(s.sample.part(next(rest)), 0.5 * s.total) for s in self.signals),
            simulated=tuple(
                s._replace(sample=s.sample.part(next(rest)), scale=2.0 * s.scale) for s in self.simulated
            ),
            data=None if self.data is None else self.data.part(next(rest)),
            data_part=0.5 * self.data_part,
        )

    def judge(
        self, points: Sequence[Point], rng: np.random.Generator | None = None, n_replicas: int = 0
    ) -> Scanned:
        """
        Judge points by one look at the events.

        Parameters
        ----------
        points : sequence of Point
        rng : numpy.random.Generator, optional
            Needed for replicas.
        n_replicas : int
            Bootstrap replicas, the same events at all points.
        """
        rng = rng or np.random.default_rng(0)
        efficiency, numbers = [], []
        for signal in self.signals:
            sums, _, events = self._in_box(signal.sample, points, rng, n_replicas)
            efficiency.append(sums / signal.total)
            numbers.append(events)
        known: dict[str, Known] = {}
        source_events: dict[str, Ints] = {}
        for source in self.simulated:
            sums, squares, events = self._in_box(source.sample, points, rng, n_replicas)
            found = from_weights(sums, squares, source.weight).with_relative_error(source.error)
            known[source.name] = found.scaled(source.scale)
            source_events[source.name] = events
        if self.data is not None:
            for name, (found, events) in self._from_bands(self.data, points, rng, n_replicas).items():
                known[name], source_events[name] = found, events
        shape = efficiency[0].shape
        total = Known(np.zeros(shape), np.zeros(shape))
        for found in known.values():
            total = total.plus(found)
        return Scanned(
            tuple(points),
            self._figure(np.array(efficiency), total),
            np.array(efficiency)[:, :, 0],
            Known(total.mean[:, 0], total.variance[:, 0]),
            {name: Known(k.mean[:, 0], k.variance[:, 0]) for name, k in known.items()},
            np.array(numbers),
            source_events,
        )

    def _figure(self, efficiency: Floats, background: Known) -> Floats:
        """Return the figure of merit, (n_points, n_replicas)."""
        mean, variance = background
        if self.figure == "punzi":
            yields = 0.5 * _SIGMAS + np.sqrt(mean + variance)
        else:
            scale = np.divide(variance, mean, out=np.zeros_like(mean), where=mean > 0)
            table = LimitTable.covering(float(mean.max()), float(scale.max()), level=self.level)
            yields = table(mean, variance)
        with np.errstate(divide="ignore"):
            average = np.exp(np.log(efficiency).mean(axis=0))
            return np.asarray(yields / np.maximum(average, _FAINT))

    def _in_box(
        self, sample: Sample, points: Sequence[Point], rng: np.random.Generator, n_replicas: int
    ) -> tuple[Floats, Floats, Ints]:
        """Return sums of weights, of their squares, and numbers of events in the box."""
        kept, masks = pass_cuts(sample, self.cuts, points)
        groups = group_events(masks & within_box(kept, self.box_columns, points), kept.weights)
        sums, squares = groups.replicas(n_replicas, rng)
        through = groups.passes.astype(np.float64)
        return through @ sums, through @ squares, (through @ groups.events).astype(np.int64)

    def _from_bands(
        self, data: Sample, points: Sequence[Point], rng: np.random.Generator, n_replicas: int
    ) -> dict[str, tuple[Known, Ints]]:
        """Return what each side band tells, and how many events it has."""
        kept, masks = pass_cuts(data, self.cuts, points)
        told = {}
        for band in self.bands:
            others = [column for column in self.box_columns if column != band.column]
            low, high = band.fit.fit
            edges = np.linspace(low, high, 1 + round(high - low))
            bins = np.digitize(kept.columns[band.column], edges) - 1
            bins[(bins >= len(edges) - 1) | ~np.isfinite(kept.columns[band.column])] = -1
            groups = group_events(masks & within_box(kept, others, points), kept.weights, bins)
            sums, _ = groups.replicas(n_replicas, rng)
            counts = np.zeros((len(points), len(edges) - 1, 1 + n_replicas))
            for place in np.unique(groups.bins):
                chosen = groups.bins == place
                counts[:, place] = groups.passes[:, chosen].astype(np.float64) @ sums[chosen]
            ends = np.array([point[f"{BOX}.{band.column}"] for point in points])
            known = from_counts(counts, edges, band.fit, ends).scaled(1 / self.data_part)
            told[band.name] = known, counts[:, :, 0].sum(axis=1).astype(np.int64)
        return told
