"""How releases end."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FAILED", "ROLLED_BACK", "STOPPED", "SUCCEEDED", "Outcome"]

SUCCEEDED = "succeeded"
# By itself, because an alarm fired.
ROLLED_BACK = "rolled back"
# By somebody.
STOPPED = "stopped"
FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """
    How a release ended.

    Parameters
    ----------
    result
        One of the words above.
    reason
        The alarm's name, or what AWS says.
    """

    result: str
    reason: str = ""

    @property
    def well(self) -> bool:
        """Whether the function runs what it should."""
        return self.result == SUCCEEDED
