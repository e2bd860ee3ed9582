"""Notifications as templates make them, whatever the event's values hold."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from itemstream.dead_letters import Refused
from itemstream.notifications.templates import Templates
from tests.fakes.notified_events import DATA, ITEM, ITEM_ID, cloud_event
from tools.project import ROOT

templates = Templates(ROOT / "functions" / "processors" / "notification_templates")

HOSTILE = "<script>alert('1')</script>\r\nBcc: all\x00\u2028 & \u202egnp.exe {{ 7 * 7 }}"


class Words(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def named(name: str) -> dict[str, Any]:
    return cloud_event(data={**ITEM, "name": name})


@pytest.mark.parametrize("event_type", DATA)
def test_every_type_of_event_has_its_notification(event_type: str) -> None:
    # Given
    event = cloud_event(event_type)

    # When
    notification = templates.render(event)

    # Then
    page = Words(notification.html)
    for told in (event["tenant"], event["time"], event["id"], event["subject"]):
        assert told in notification.text
        assert told in page.text
    assert 0 < len(notification.subject) < 100
    assert notification.subject not in notification.text.splitlines()
    assert {"html", "h1", "table"} <= page.tags


def test_no_type_has_templates_without_being_known() -> None:
    assert templates.types == DATA.keys()


@pytest.mark.parametrize("event_type", DATA)
def test_an_event_that_left_its_data_behind_has_a_notification_too(event_type: str) -> None:
    # Given
    event = cloud_event(event_type, dataref="items/1")
    del event["data"]

    # When / Then
    assert ITEM_ID in templates.render(event).text


def test_a_notification_says_what_happened() -> None:
    # When
    changed = templates.render(cloud_event("item.updated"))
    failed = templates.render(cloud_event("image.failed"))

    # Then
    assert changed.subject == "Item changed: Oak table"
    assert "Oak table was changed; it is version 2 now." in changed.text
    assert "What changed: name, tags" in changed.text
    assert changed.severity == "info"
    assert "Reason: the file is empty" in failed.text
    assert failed.severity == "warning"


def test_values_cannot_break_out_of_their_line_of_text() -> None:
    # When
    text = templates.render(named(HOSTILE)).text

    # Then it is one line, in its own order, as it was written
    (line,) = [line for line in text.splitlines() if "script" in line]
    assert line.endswith("<script>alert('1')</script>  Bcc: all   & gnp.exe {{ 7 * 7 }}")
    assert all(character.isprintable() for character in text.replace("\n", ""))


def test_values_are_escaped_on_the_page() -> None:
    # When
    html = templates.render(named(HOSTILE)).html

    # Then
    assert "&lt;script&gt;" in html
    page = Words(html)
    assert "script" not in page.tags
    assert "<script>alert('1')</script>" in page.text
    assert "\u202e" not in html


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("Größe „M“ – 5 €", 'Item created: Grosse "M" - 5 EUR'),
        ("Ｈandmade  🪑\u200d\n", "Item created: Handmade ??"),
        ("Straße", "Item created: Strasse"),
        ("x" * 85, f"Item created: {'x' * 85}"),
        ("x" * 86, f"Item created: {'x' * 82}..."),
    ],
)
def test_a_subject_is_one_line_of_ascii_that_sns_takes(name: str, subject: str) -> None:
    # When
    written = templates.render(named(name)).subject

    # Then
    assert written == subject
    assert written.isascii()
    assert written.isprintable()
    assert len(written) < 100


def test_the_subject_of_a_hostile_value_is_harmless() -> None:
    # When
    subject = templates.render(named(HOSTILE)).subject

    # Then
    assert subject.isprintable()
    assert "\n" not in subject
    assert "\r" not in subject


@pytest.mark.parametrize("event_type", ["item.exploded", "layout", "../layout", ""])
def test_an_event_of_an_unknown_type_is_refused(event_type: str) -> None:
    with pytest.raises(Refused, match=f"no notification of events of type {event_type}"):
        templates.render(cloud_event(event_type))


def test_an_event_that_lacks_what_its_template_tells_is_refused() -> None:
    with pytest.raises(Refused, match=r"does not fill its template.*status"):
        templates.render(cloud_event(data={"name": "Oak table", "category": None}))


def test_a_link_is_told_with_its_end() -> None:
    # Given
    url = "https://s3/acme/report.html?X-Amz-Expires=21600&X-Amz-Signature=0a"
    link = {"url": url, "expires_at": "2026-11-23T12:00:00.000Z"}

    # When
    notification = templates.render(cloud_event("report.ready"), link)

    # Then
    assert notification.subject == "Report ready: week 2026-W47"
    assert f"{url}\n" in notification.text
    assert "until 2026-11-23T12:00:00.000Z at the latest" in notification.text
    assert "1,846 changes and 24,261 calls" in notification.text
    assert f'href="{url.replace("&", "&amp;")}"' in notification.html


def test_without_a_link_nothing_is_said_of_one() -> None:
    notification = templates.render(cloud_event("report.ready"))
    assert "http" not in notification.text
    assert "href" not in notification.html
