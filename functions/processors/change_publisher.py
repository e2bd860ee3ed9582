"""Streams of items, calls and image uploads → the log: each change an event, once and in order."""

from itemstream.consumers.streams import BatchInterrupted, refuse, stream_handler
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.streams import StreamRecord
from itemstream.events import Event, Unpublishable, events_of
from itemstream.events.dynamodb import DynamoLogWriter
from itemstream.observability.metrics import count

log = DynamoLogWriter.from_environment()

# Of one tenant the log may be too busy; when a second one's is, nobody's can be reached.
TENANTS_TRIED = 2


@stream_handler
def handler(records: list[StreamRecord]) -> None:
    """Append what the records mean, tenant by tenant."""
    refused: dict[int, str] = {}
    tenants: dict[str, list[tuple[int, Event]]] = {}
    for number, record in enumerate(records):
        try:
            events = events_of(record)
        except Unpublishable as unpublishable:
            refused[number] = str(unpublishable)
            continue
        for event in events:
            tenants.setdefault(event.tenant, []).append((number, event))

    not_done: list[int] = []
    for tenant, numbered in tenants.items():
        if len(not_done) < TENANTS_TRIED:
            try:
                append(tenant, [event for _, event in numbered])
                continue
            except DependencyUnavailable:
                pass
        # From its first record: what was appended all the same is left out the next time.
        not_done.append(numbered[0][0])

    until = min(not_done, default=len(records))
    for number, reason in refused.items():
        if number < until:
            refuse(records[number], reason)
    if not_done:
        raise BatchInterrupted(
            records[until], f"the log of {len(not_done)} tenants is not available"
        )


def append(tenant: str, events: list[Event]) -> None:
    """Append a tenant's events and count what came of them."""
    new = log.append(tenant, events)
    count("EventsAppended", new)
    count("EventsRepeated", len(events) - new)
