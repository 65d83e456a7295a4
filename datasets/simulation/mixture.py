"""Mixtures: which processes a sample is made of, in which shares, and the weights that undo the shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from datasets.config import ConfigError, build, choose, read_yaml
from datasets.simulation.process import Yield

__all__ = [
    "TRIGGERS",
    "Component",
    "Mixture",
    "Sampling",
    "TriggerName",
    "load_mixture",
    "mixture_names",
    "pick",
    "shares",
]

TriggerName = Literal["physics", "beam", "none"]  # counters and energies, counters alone, nothing
TRIGGERS: tuple[TriggerName, ...] = get_args(TriggerName)
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FOLDER = Path(__file__).resolve().parent.parent / "mixtures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One process of a mixture."""

    process: str
    fraction: float | None = None  # of the simulated events; None: by its yield, of what the others leave
    trigger: TriggerName | None = None  # that events must pass; None: as the mixture says
    prescale: float = 1.0  # of so many such events one is recorded
    parameters: Mapping[str, float] = field(default_factory=dict)  # that replace the defaults of the process

    def __post_init__(self) -> None:
        if self.fraction is not None and not 0 < self.fraction <= 1:
            msg = f"the fraction of {self.process} must be above 0 and at most 1, got {self.fraction}"
            raise ValueError(msg)
        if not self.prescale >= 1:
            msg = f"the prescale of {self.process} must be 1 or more, got {self.prescale}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Processes that are simulated together."""

    name: str
    title: str
    components: tuple[Component, ...]
    trigger: TriggerName = "physics"  # that events must pass

    def __post_init__(self) -> None:
        if not self.components:
            msg = f"mixture {self.name} has no components"
            raise ValueError(msg)


class Sampling(NamedTuple):
    """How often each component is drawn, and what an event of it counts; shape (n_components,)."""

    fractions: Floats  # add up to 1
    weights: Floats  # share by yield over fraction


def mixture_names() -> list[str]:
    """Return the names of the mixtures that come with the project."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_mixture(name: str) -> Mixture:
    """
    Load a mixture.

    Parameters
    ----------
    name : str
        Of a mixture that comes with the project, or the path of a YAML file.

    Raises
    ------
    ConfigError
        If there is none of that name, or its file is wrong.
    """
    path = choose(_FOLDER, name, "mixture")
    return build(Mixture, read_yaml(path), str(path))


def shares(mixture: Mixture, rates: Sequence[Yield]) -> Sampling:
    """
    Share a mixture's events among its components.

    A component with a `fraction` takes that part of the events. The others share the rest by their yields.
    The weight of an event is the part of its component in nature over that in the sample, so that a
    weighted sample is a natural one whatever the fractions.

    Parameters
    ----------
    mixture : Mixture
    rates : sequence of Yield, one per component

    Raises
    ------
    ConfigError
        If the fractions leave nothing for the others or add up to another number than 1, or a yield is 0.
    """
    yields = np.array([rate.value for rate in rates], dtype=np.float64)
    if len(yields) > 1 and not (yields > 0).all():
        never = ", ".join(c.process for c, y in zip(mixture.components, yields, strict=True) if not y > 0)
        msg = f"mixture {mixture.name}: {never} never happens in this setup (its yield is 0); leave it out"
        raise ConfigError(msg)
    given = np.array([np.nan if c.fraction is None else c.fraction for c in mixture.components])
    is_natural = np.isnan(given)
    left = 1.0 - float(given[~is_natural].sum())
    if (is_natural.any() and left <= 0) or (not is_natural.any() and abs(left) > 1e-9):
        msg = (
            f"mixture {mixture.name}: the fractions add up to {1 - left:g}; they must leave something "
            f"for the components without one, or be 1 where there is none"
        )
        raise ConfigError(msg)
    fractions = np.where(is_natural, left * yields / max(yields[is_natural].sum(), 1e-300), given)
    if len(yields) == 1:
        return Sampling(fractions, np.ones(1))
    return Sampling(fractions, yields / yields.sum() / fractions)


def pick(sampling: Sampling, n_events: int, rng: np.random.Generator) -> Ints:
    """Draw the index of a component for each event, (n_events,)."""
    edges = np.cumsum(sampling.fractions)[:-1]
    return np.searchsorted(edges, rng.random(n_events), side="right").astype(np.int64)
