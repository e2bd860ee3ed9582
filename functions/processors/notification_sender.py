"""Messages of the queue `notifications`: each event is rendered and published once."""

from pathlib import Path

from itemstream.consumers.queues import QueueMessage, queue_handler
from itemstream.notifications.model import read_event
from itemstream.notifications.once import PublishedOnce
from itemstream.notifications.sns import SnsTopic
from itemstream.notifications.templates import Templates

templates = Templates(Path(__file__).with_name("notification_templates"))
topic = PublishedOnce.from_environment(SnsTopic.from_environment())


@queue_handler
def handler(message: QueueMessage) -> None:
    """Publish what is to be said of the event that the bus put on the queue."""
    topic.publish(templates.render(read_event(message.body)))
