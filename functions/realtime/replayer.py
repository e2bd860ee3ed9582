"""Messages of the queue `replays`: a subscription that is behind is brought up to date."""

from itemstream.consumers.queues import QueueMessage, queue_handler
from itemstream.events.dynamodb import DynamoLogReader
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count
from itemstream.realtime.event_loop import make_runner
from itemstream.realtime.half_time import HalfTime
from itemstream.realtime.leases_dynamodb import DynamoReplayLeases
from itemstream.realtime.replays import (
    ATTEMPTS_AT_A_CLIENT,
    Replayer,
    ReplayOutcome,
    read_replay,
)
from itemstream.realtime.sender_ports import sender_ports_from_environment

runner = make_runner()
ports = sender_ports_from_environment()
replayer = Replayer(
    ports,
    DynamoReplayLeases.from_environment(),
    DynamoLogReader.from_environment(),
)
half_time = HalfTime()


@half_time.of_each_invocation
@queue_handler
def handler(message: QueueMessage) -> None:
    """Replay as far as the time allows; a client that takes nothing is closed in the end."""
    replay = read_replay(message.body)
    replayed = runner.run(
        replayer.replay(
            replay,
            message_id=message.id,
            last_attempt=message.receives >= ATTEMPTS_AT_A_CLIENT,
            out_of_time=half_time.is_over,
        )
    )
    count("FramesReplayed", replayed.frames)
    count("ReplaysGivenUp", int(replayed.outcome is ReplayOutcome.GIVEN_UP))
    logger.info("replayed", extra={"tenant": replay.tenant, "outcome": replayed.outcome.value})
