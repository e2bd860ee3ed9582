"""Messages of the queue `connection_endings`: connections are closed when their time is over."""

from itemstream.consumers.queues import QueueMessage, queue_handler
from itemstream.observability.metrics import count
from itemstream.realtime.dynamodb import DynamoConnections
from itemstream.realtime.endings import Closer, read_ending
from itemstream.realtime.event_loop import make_runner
from itemstream.realtime.gateway import GatewaySockets
from itemstream.realtime.queues_sqs import SqsEndings

runner = make_runner()
sockets = GatewaySockets.from_environment()
closer = Closer(
    DynamoConnections.from_environment(),
    sockets,
    SqsEndings.from_environment(),
)


@queue_handler
def handler(message: QueueMessage) -> None:
    """Close the connection, or look again later."""
    closed = runner.run(closer.end(read_ending(message.body)))
    count("ConnectionsEnded", int(closed))
