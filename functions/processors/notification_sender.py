"""Messages of the queue `notifications`: each event is rendered and published once."""

from functools import cache
from pathlib import Path
from typing import Any

from itemstream.consumers.queues import QueueMessage, queue_handler
from itemstream.notifications.model import read_event
from itemstream.notifications.once import PublishedOnce
from itemstream.notifications.sns import SnsTopic
from itemstream.notifications.templates import Templates
from itemstream.reports.links import report_link
from itemstream.reports.s3 import S3ReportFiles

templates = Templates(Path(__file__).with_name("notification_templates"))
topic = PublishedOnce.from_environment(SnsTopic.from_environment())


@queue_handler
def handler(message: QueueMessage) -> None:
    """Publish what is to be said of the event that the bus put on the queue."""
    event = read_event(message.body)
    topic.publish(templates.render(event, link_of(event)))


@cache
def report_files() -> S3ReportFiles:
    """Make the store when the first report is ready: few notifications are of one."""
    return S3ReportFiles.from_environment()


def link_of(event: dict[str, Any]) -> dict[str, str] | None:
    """Sign a link to what an event tells of, if that is a file."""
    return report_link(event, report_files()) if event["type"] == "report.ready" else None
