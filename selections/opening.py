"""The opening of closed regions, by a statement that people have signed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Opening"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """
    What a statement opens, and who answers for it.

    Only `na64 unblind` makes one, after it has checked that nothing differs from what was frozen.
    """

    periods: tuple[str, ...]  # whose data are opened; those of other periods stay closed
    regions: tuple[str, ...]  # analyses whose closed regions are opened
    who: tuple[str, ...]
    when: str  # ISO date
    why: str
    frozen: str  # digest of what was frozen

    def __post_init__(self) -> None:
        for name in ("periods", "regions", "who", "when", "why", "frozen"):
            if not getattr(self, name):
                msg = f"an opening without '{name}' opens nothing"
                raise ValueError(msg)

    @property
    def mark(self) -> str:
        """Return what is written on every output, in one line."""
        return f"UNBLINDED, statement of {self.when} by {', '.join(self.who)}"

    def table(self) -> dict[str, object]:
        """Return the opening as plain values."""
        return {
            "periods": list(self.periods),
            "regions": list(self.regions),
            "who": list(self.who),
            "when": self.when,
            "why": self.why,
            "digest": self.frozen,  # of what was frozen
        }
