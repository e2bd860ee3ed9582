"""How many dead letters wait, in all queues that hold any."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from itemstream.aws import aws_client
from itemstream.health.model import Finding
from itemstream.health.probes import call_in_thread

if TYPE_CHECKING:
    from itemstream.health.probes import Probe

__all__ = ["DeadLetterSettings", "dead_letters_probe"]

_SECONDS = 8.0
_QUEUES_AT_ONCE = 8
# Enough to know where to look.
_NAMED = 3


@dataclass(frozen=True)
class DeadLetterSettings:
    """
    Environment that names the queues.

    Parameters
    ----------
    resource_prefix
        What all names begin with, as in ``itemstream-prod-``.
    dead_letters_of
        What else they have before ``-dead-letters``, separated by commas: an environment holds 4 KB
        of variables.
    """

    resource_prefix: str
    dead_letters_of: str


class _Depths:
    """Depths of the queues, whose addresses are asked for once."""

    def __init__(self, settings: DeadLetterSettings) -> None:
        self._prefix = settings.resource_prefix
        self._owners = settings.dead_letters_of.split(",")
        self._urls: dict[str, str] = {}

    def find(self) -> Finding:
        """Say of which functions and queues there are dead letters."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_QUEUES_AT_ONCE) as pool:
            depths = dict(zip(self._owners, pool.map(self._depth, self._owners), strict=True))
        full = sorted((owner for owner in depths if depths[owner]), key=lambda o: -depths[o])
        if not full:
            return Finding("up")
        named = ", ".join(f"{owner} ({depths[owner]})" for owner in full[:_NAMED])
        more = f" and {len(full) - _NAMED} more" if len(full) > _NAMED else ""
        return Finding("degraded", f"dead letters of {named}{more}")

    def _depth(self, owner: str) -> int:
        sqs = aws_client("sqs")
        if owner not in self._urls:
            name = f"{self._prefix}{owner}-dead-letters"
            self._urls[owner] = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        answer = sqs.get_queue_attributes(
            QueueUrl=self._urls[owner], AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def dead_letters_probe(settings: DeadLetterSettings) -> Probe:
    """Make the probe: with dead letters the platform works, and somebody has to look."""
    return call_in_thread("dead_letters", partial(_Depths.find, _Depths(settings)), _SECONDS)
