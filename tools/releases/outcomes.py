"""How releases end."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FAILED", "NOT_TAKEN_BACK", "ROLLED_BACK", "STOPPED", "SUCCEEDED", "Outcome"]

SUCCEEDED = "succeeded"
# By itself, because an alarm fired.
ROLLED_BACK = "rolled back"
# By somebody.
STOPPED = "stopped"
# It has ended, and the new version gets calls all the same.
NOT_TAKEN_BACK = "not taken back"
# Nothing is known against the version.
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
