"""Links in notifications."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from itemstream.reports.links import LINK_SECONDS, report_link
from tests.fakes.notified_events import cloud_event

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


class Files:
    def url(self, key: str, *, seconds: int) -> str:
        return f"https://s3/{key}?{seconds}"


files: Any = Files()


def test_a_report_has_a_link_that_says_how_long_it_works() -> None:
    link = report_link(cloud_event("report.ready"), files, lambda: NOW)
    assert link == {
        "url": "https://s3/acme/2026-W47/01a1fc6c-0000-7000-8000-000000000000/report.html"
        f"?{LINK_SECONDS}",
        "expires_at": "2026-11-23T12:00:00.000Z",
    }


def test_an_event_without_its_data_has_none() -> None:
    event = cloud_event("report.ready")
    del event["data"]
    assert report_link(event, files) is None
