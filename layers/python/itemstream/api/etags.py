"""Entity tags and the conditional requests made with them (RFC 9110, sections 8.8.3 and 13)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from itemstream.items.repository import AnyVersion

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["MalformedEntityTag", "etag_of", "matches", "versions_of"]

# Elements of a list may be empty (RFC 9110, section 5.6.1.2).
_TAG = re.compile(r'[ \t,]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|$)')
_VERSION = re.compile(r"[1-9][0-9]{0,15}")
# DynamoDB compares with at most 100 values at once (API reference, "IN").
MAX_TAGS = 100


class MalformedEntityTag(ValueError):  # noqa: N818
    """A list of entity tags that is not one, or has more than 100."""


def etag_of(version: int) -> str:
    """Return the strong entity tag of an item's version: ids are never used again."""
    return f'"{version}"'


def versions_of(if_match: str) -> Container[int]:
    """
    Return the versions that an ``If-Match`` header names.

    Weak tags name none, as the strong comparison never matches them; so do tags that we never
    gave out.

    Raises
    ------
    MalformedEntityTag
        If the header is neither ``*`` nor a list of entity tags.
    """
    if if_match.strip() == "*":
        return AnyVersion()
    return {
        int(opaque) for weak, opaque in _tags(if_match) if not weak and _VERSION.fullmatch(opaque)
    }


def matches(if_none_match: str, version: int) -> bool:
    """
    Whether an ``If-None-Match`` header names a version, by the weak comparison.

    Raises
    ------
    MalformedEntityTag
        If the header is neither ``*`` nor a list of entity tags.
    """
    if if_none_match.strip() == "*":
        return True
    return any(opaque == str(version) for _, opaque in _tags(if_none_match))


def _tags(header: str) -> list[tuple[bool, str]]:
    header = header.strip(" \t,")
    tags: list[tuple[bool, str]] = []
    position = 0
    while position < len(header) and len(tags) <= MAX_TAGS:
        match = _TAG.match(header, position)
        if match is None:
            raise MalformedEntityTag(header)
        tags.append((match[1] is not None, match[2]))
        position = match.end()
    if not 1 <= len(tags) <= MAX_TAGS:
        raise MalformedEntityTag(header)
    return tags
