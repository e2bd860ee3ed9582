"""A dead-letter queue read through: each letter once, and all but the deleted ones left as it was.

SQS has no cursor. What was received is hidden for a while instead, and made visible again at the
end: by :meth:`Reading.__exit__`, or by time when the process was killed.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tools.dead_letters.letters import read_letter
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.dead_letters.letters import Letter
    from tools.dead_letters.queues import DeadLetterQueue

__all__ = ["Reading"]

# Long enough for ten letters at the slowest rate that `redrive` receives ten at once for, short
# enough that a killed run can be repeated soon.
LEASE_SECONDS = 60
_MARGIN_SECONDS = 10
# Long polling asks all of SQS's servers: an empty answer means that nothing is visible.
_WAIT_SECONDS = 1
_MOST_AT_ONCE = 10
_CLOCK_MAY_DIFFER = dt.timedelta(seconds=2)


@dataclass
class Reading:
    """
    One pass over a queue.

    Parameters
    ----------
    sqs
        An SQS client.
    queue
        The queue.
    at_once
        How many messages are received at once: at most as many as are handled in half a minute.
    """

    sqs: Any
    queue: DeadLetterQueue
    at_once: int = _MOST_AT_ONCE
    begun_at: dt.datetime = field(init=False)
    _held: dict[str, str] = field(init=False, default_factory=dict)
    _hidden_until: dict[str, float] = field(init=False, default_factory=dict)

    def __enter__(self) -> Reading:
        self.begun_at = self._time_of_aws()
        return self

    def __exit__(self, *_: object) -> None:
        self._release()

    def __iter__(self) -> Iterator[Letter]:
        """Yield the letters until none is visible that was not seen before."""
        seen_again = 0
        while messages := self._receive():
            new = [message for message in messages if message["MessageId"] not in self._held]
            # All of them: whoever stops after the first must release the others, too.
            for message in messages:
                self._hold(message)
            for letter in (read_letter(message, self.queue) for message in new):
                if self.still_hidden(letter):
                    yield letter
                else:
                    # Those before it took long: it is visible already, and comes again.
                    del self._held[letter.id]
            # What was passed over comes back while a long run goes on.
            seen_again = 0 if new else seen_again + len(messages)
            if seen_again > len(self._held):
                return

    def renew(self, letter: Letter, seconds: float) -> None:
        """Keep a letter hidden for at least so many seconds from now."""
        if self._hidden_until[letter.id] - time.monotonic() > seconds:
            return
        hidden = round(seconds) + LEASE_SECONDS
        self.sqs.change_message_visibility(
            QueueUrl=self.queue.url, ReceiptHandle=letter.receipt, VisibilityTimeout=hidden
        )
        self._hidden_until[letter.id] = time.monotonic() + hidden

    def still_hidden(self, letter: Letter) -> bool:
        """Whether nobody else can have received the letter meanwhile."""
        return self._hidden_until[letter.id] - time.monotonic() > _MARGIN_SECONDS

    def delete(self, letter: Letter) -> None:
        """Delete a letter that was dealt with."""
        self.sqs.delete_message(QueueUrl=self.queue.url, ReceiptHandle=letter.receipt)
        del self._held[letter.id]

    def _hold(self, message: dict[str, Any]) -> None:
        self._held[message["MessageId"]] = message["ReceiptHandle"]
        self._hidden_until[message["MessageId"]] = self._received_at + LEASE_SECONDS

    def _receive(self) -> list[dict[str, Any]]:
        self._received_at = time.monotonic()
        try:
            answer = self.sqs.receive_message(
                QueueUrl=self.queue.url,
                MaxNumberOfMessages=max(1, min(self.at_once, _MOST_AT_ONCE)),
                VisibilityTimeout=LEASE_SECONDS,
                WaitTimeSeconds=_WAIT_SECONDS,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
        except self.sqs.exceptions.OverLimit:
            raise Problem(
                "SQS hides 120,000 messages of one queue at the most, and so many do not match "
                "--filter. Redrive the others first."
            ) from None
        return list(answer.get("Messages", []))

    def _release(self) -> None:
        """Make what is left visible at once; what fails here becomes so by time."""
        entries = [
            {"Id": str(index), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
            for index, receipt in enumerate(self._held.values())
        ]
        for start in range(0, len(entries), _MOST_AT_ONCE):
            self.sqs.change_message_visibility_batch(
                QueueUrl=self.queue.url, Entries=entries[start : start + _MOST_AT_ONCE]
            )

    def _time_of_aws(self) -> dt.datetime:
        """Return AWS's time: this machine's clock, unless it is plainly wrong."""
        answer = self.sqs.get_queue_attributes(
            QueueUrl=self.queue.url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        here = dt.datetime.now(dt.UTC)
        told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if told is None:
            return here
        # AWS tells its time in whole seconds only.
        there = parsedate_to_datetime(told)
        return here if abs(here - there) < _CLOCK_MAY_DIFFER else there
