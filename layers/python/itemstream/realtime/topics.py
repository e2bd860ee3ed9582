"""Topics: what a client may subscribe to, and which events each of them holds."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from itemstream.events.envelope import topic_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TOPIC_PATTERN", "Topic", "TopicRefused", "topics_of"]

_SCOPES = {"items": "items:read", "calls": "calls:read", "reports": "reports:read"}
_ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TOPIC_PATTERN = f"^(items|items/{_ID}|calls|reports)$"

_TOPIC = re.compile(TOPIC_PATTERN.strip("^$"))
_ITEM = re.compile(_ID)


class TopicRefused(ValueError):  # noqa: N818
    """There is no such topic; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Topic:
    """
    A topic of a tenant.

    Parameters
    ----------
    family
        ``items``, ``calls`` or ``reports``: the topic that events have in the log.
    item_id
        The one item that it is about; ``None`` for all there is of the family.
    """

    family: str
    item_id: str | None = None

    @classmethod
    def parse(cls, name: str) -> Topic:
        """
        Read a topic's name.

        Raises
        ------
        TopicRefused
            There is no such topic.
        """
        if not _TOPIC.fullmatch(name):
            raise TopicRefused(
                "must be items, items/<id> with a UUID in lower case, calls or reports"
            )
        family, _, item_id = name.partition("/")
        return cls(family, item_id or None)

    @property
    def name(self) -> str:
        """The name that clients use, such as ``items/<id>``."""
        return f"{self.family}/{self.item_id}" if self.item_id else self.family

    @property
    def scope(self) -> str:
        """What a token must allow for a subscription."""
        return _SCOPES[self.family]

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether an event, as a CloudEvent, belongs to the topic."""
        if topic_of(document["type"]) != self.family:
            return False
        return self.item_id is None or document["subject"] == self.item_id

    def shards(self, number: int) -> int:
        """Return over how many partitions the subscribers are spread, of ``number`` at most."""
        return 1 if self.item_id else number

    def shard_of(self, connection_id: str, number: int) -> int:
        """Return the shard, from 0, that holds a connection's subscription."""
        # Stable for ever and on every machine, which hash() is not.
        digest = hashlib.sha256(connection_id.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.shards(number)


def topics_of(document: Mapping[str, Any]) -> list[str]:
    """Return the names of the topics that an event belongs to; none for what nobody may hear."""
    family = topic_of(document["type"])
    if family not in _SCOPES:
        return []
    # An image that was uploaded to no item's place has no item to subscribe to.
    if family == "items" and _ITEM.fullmatch(document["subject"]):
        return [family, f"items/{document['subject']}"]
    return [family]
