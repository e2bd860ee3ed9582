"""Notifications rendered from files: for each type of event one text and one page.

``<type>.txt`` is written like a mail: its first line is the subject, an empty line follows, then
the text. ``<type>.html`` is escaped. Templates see ``event``, the CloudEvent, its ``data``, which
is empty where an event was too large for the bus, and ``link``, which few have; a name that none
of them has is an error.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    select_autoescape,
)

from itemstream.dead_letters import Refused
from itemstream.notifications.model import Notification, severity_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Templates"]

# SNS API reference, Publish, "Subject": ASCII without line breaks or control characters, less than
# 100 characters.
_LONGEST_SUBJECT = 99

# What has no plain letter below it, but a usual way to be written in ASCII.
_WRITTEN = str.maketrans(
    {"ß": "ss", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "€": "EUR"}  # noqa: RUF001
)
# Marks that turn the direction of what follows them, and so what a reader believes to see.
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Controls, halves of characters, and what ends a line.
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


class Templates:
    """
    The templates of a folder.

    Parameters
    ----------
    folder
        Where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def types(self) -> frozenset[str]:
        """The types of events that there are templates for."""
        return frozenset(file.stem for file in self._folder.glob("*.txt"))

    def render(self, event: dict[str, Any], link: dict[str, str] | None = None) -> Notification:
        """
        Make the notification of an event.

        Parameters
        ----------
        event
            The CloudEvent.
        link
            Where there is more to be read: ``url``, and until when, ``expires_at``.

        Raises
        ------
        Refused
            If there is no template for events of its type, or the template asks for what the event
            does not have.
        """
        if event["type"] not in self.types:
            raise Refused(f"there is no notification of events of type {event['type']}")
        seen = {"event": event, "data": event.get("data", {}), "link": link}
        try:
            mail = self._environment.get_template(f"{event['type']}.txt").render(seen)
            page = self._environment.get_template(f"{event['type']}.html").render(seen)
        except (TemplateError, TypeError, ValueError) as error:
            raise Refused(f"the event does not fill its template: {error}") from error
        # No value holds a line break, so the first empty line is the template's own.
        subject, _, text = mail.partition("\n\n")
        return Notification(event, severity_of(event), _ascii(subject), text.strip() + "\n", page)

    @cached_property
    def _environment(self) -> Environment:
        return Environment(
            loader=FileSystemLoader(self._folder),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            finalize=_on_one_line,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )


def _on_one_line(value: Any) -> Any:
    """Take from a text what could break out of its line; leave anything else, markup too."""
    return _without_breaks(value) if type(value) is str else value


def _without_breaks(text: str) -> str:
    return "".join(
        " " if unicodedata.category(character) in _UNPRINTABLE else character
        for character in _DIRECTIONS.sub("", text)
    )


def _ascii(text: str) -> str:
    """Write a line as SNS takes it for a subject; letters lose their accents."""
    plain = "".join(
        character if character.isascii() else "?"
        for character in unicodedata.normalize("NFKD", text.translate(_WRITTEN))
        if not unicodedata.combining(character)
    )
    plain = " ".join(_without_breaks(plain).split())
    if len(plain) > _LONGEST_SUBJECT:
        plain = plain[: _LONGEST_SUBJECT - 3].rstrip() + "..."
    return plain
