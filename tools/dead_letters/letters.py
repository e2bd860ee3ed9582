"""What lies in a dead-letter queue, whoever put it there.

Six hands write dead letters: our functions (with ``Kind``, ``Reason``, ``Source``, ``Function``
and ``FailedAt`` as attributes), SQS itself (the message as it was), Lambda for asynchronous
invocations (Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations"), Lambda
for streams (the same guide, "Retaining discarded batch records": where the records are, not the
records), EventBridge (User Guide, "Using dead-letter queues to process undelivered events"), and
its Scheduler, in the same way (Scheduler User Guide, "Configuring a schedule's dead-letter queue").
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tools.dead_letters.queues import DeadLetterQueue

__all__ = ["OUR_ATTRIBUTES", "Letter", "LetterKind", "read_letter"]

LetterKind = Literal[
    "queue-message", "event", "invocation", "stream-record", "stream-pointer", "undelivered-event"
]

OUR_ATTRIBUTES = frozenset({"Kind", "Reason", "Source", "Function", "FailedAt", "Trimmed"})
_OUR_KINDS: dict[str, LetterKind] = {
    "queue-message": "queue-message",
    "event": "event",
    "stream-record": "stream-record",
}


@dataclass(frozen=True)
class Letter:
    """
    One dead letter.

    Attributes
    ----------
    id
        SQS's id of the message.
    receipt
        Handle of this reception.
    kind
        What it is, and so how it goes back.
    reason
        Why it is here, in a sentence.
    source
        ARN of where it came from, or as much as is known.
    function
        Name of the function that failed; empty if none did.
    failed_at
        When it failed, ISO 8601.
    sent_at
        When it came into the queue.
    receives
        How often it was received from the dead-letter queue, this time included.
    body
        The message's text.
    payload
        The same as JSON, or the text where it is none.
    attributes
        Its message attributes.
    """

    id: str
    receipt: str = field(repr=False)
    kind: LetterKind
    reason: str
    source: str
    function: str
    failed_at: str
    sent_at: dt.datetime
    receives: int
    body: str = field(repr=False)
    payload: Any = field(repr=False)
    attributes: dict[str, Any] = field(repr=False)

    @property
    def digest(self) -> str:
        """Say which letters are copies of each other: those with the same text."""
        return hashlib.sha256(self.body.encode()).hexdigest()

    @property
    def trimmed(self) -> bool:
        """Whether it is a record without its row before and after: too large for a letter."""
        return self.kind == "stream-record" and "Trimmed" in self.attributes

    def document(self) -> dict[str, Any]:
        """Return what conditions and `--json` see."""
        return {
            "id": self.id,
            "kind": self.kind,
            "reason": self.reason,
            "source": self.source,
            "function": self.function,
            "failed_at": self.failed_at,
            "sent_at": self.sent_at.isoformat(timespec="milliseconds"),
            "receives": self.receives,
            "attributes": {
                name: value.get("StringValue") for name, value in self.attributes.items()
            },
            "payload": self.payload,
        }


def read_letter(message: dict[str, Any], queue: DeadLetterQueue) -> Letter:
    """Read a message as ReceiveMessage gives it, with all its attributes."""
    system = message.get("Attributes", {})
    attributes = message.get("MessageAttributes", {})
    text = {name: str(value.get("StringValue", "")) for name, value in attributes.items()}
    payload = _json_or_text(message["Body"])
    sent_at = dt.datetime.fromtimestamp(int(system.get("SentTimestamp", 0)) / 1000, dt.UTC)
    kind, reason, source, function, failed_at = _describe(queue, text, system, payload)
    return Letter(
        id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        kind=kind,
        reason=reason,
        source=source,
        function=function.partition(":function:")[2].partition(":")[0] or function,
        failed_at=failed_at or sent_at.isoformat(timespec="milliseconds"),
        sent_at=sent_at,
        receives=int(system.get("ApproximateReceiveCount", 1)),
        body=message["Body"],
        payload=payload,
        attributes=attributes,
    )


def _json_or_text(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _describe(
    queue: DeadLetterQueue, text: dict[str, str], system: dict[str, str], payload: Any
) -> tuple[LetterKind, str, str, str, str]:
    """Return kind, reason, source, function and time."""
    if text.get("Kind") in _OUR_KINDS:
        function = text.get("Function", "")
        kind = _OUR_KINDS[text["Kind"]]
        failed_at = text.get("FailedAt", "")
        return kind, text.get("Reason", ""), text.get("Source", ""), function, failed_at
    if "ERROR_CODE" in text or "RULE_ARN" in text:
        reason = f"{text.get('ERROR_CODE', 'not delivered')}: {text.get('ERROR_MESSAGE', '')}"
        source = text.get("RULE_ARN") or text.get("SCHEDULE_ARN", "")
        return "undelivered-event", reason.rstrip(": "), source, "", ""
    context = payload.get("requestContext") if isinstance(payload, dict) else None
    if isinstance(context, dict) and "functionArn" in context:
        function, failed_at = str(context["functionArn"]), str(payload.get("timestamp", ""))
        if "DDBStreamBatchInfo" in payload:
            batch = payload["DDBStreamBatchInfo"]
            reason = f"{_condition(context)}: {batch.get('batchSize')} records"
            return "stream-pointer", reason, str(batch.get("streamArn")), function, failed_at
        if "requestPayload" in payload:
            reason = f"{_condition(context)}: {_error(payload)}"
            return "invocation", reason, "asynchronous invocation", function, failed_at
    if queue.kind == "rule":
        return "undelivered-event", "EventBridge gave no reason", queue.belongs_to, "", ""
    if queue.kind == "function":
        # A dead_letter_config keeps the event alone, with ErrorMessage beside it.
        reason = text.get("ErrorMessage") or "no reason was given"
        return "event", reason, "asynchronous invocation", queue.belongs_to, ""
    source = system.get("DeadLetterQueueSourceArn") or queue.target
    reason = "received as often as the queue allows; moved here by SQS, which knows no reason"
    return "queue-message", reason, source, "", ""


def _condition(context: dict[str, Any]) -> str:
    attempts = context.get("approximateInvokeCount")
    return f"{context.get('condition', 'failed')} after {attempts} attempts"


def _error(payload: dict[str, Any]) -> str:
    answer = payload.get("responsePayload")
    if isinstance(answer, dict) and "errorMessage" in answer:
        return f"{answer.get('errorType', 'error')}: {answer['errorMessage']}"
    status = payload.get("responseContext") or {}
    return str(status.get("functionError") or "no answer was kept")
