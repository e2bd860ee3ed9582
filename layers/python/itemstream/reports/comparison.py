"""Two numbers of two weeks, and how they differ."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Compared"]


@dataclass(frozen=True, slots=True)
class Compared:
    """
    A number of a week beside that of the week before.

    Parameters
    ----------
    now, before
        The two; ``None`` where there was nothing to measure before.
    """

    now: int
    before: int | None

    @property
    def difference(self) -> int | None:
        """How much more there is now; negative for less."""
        return None if self.before is None else self.now - self.before

    @property
    def percent(self) -> float | None:
        """The difference in percent of before, to a tenth; ``None`` where before was nothing."""
        if not self.before:
            return None
        return round(100 * (self.now - self.before) / self.before, 1)

    def document(self) -> dict[str, int | float | None]:
        """Return it as JSON values."""
        return {
            "now": self.now,
            "before": self.before,
            "difference": self.difference,
            "percent": self.percent,
        }
