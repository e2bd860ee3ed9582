"""Where Lambda leaves a record of what it gave up on or finished: queues and topics."""

import logging
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.concurrency import esm_wake
from ministack.services import sns, sqs

_log = logging.getLogger("itemstream.destinations")


def send(arn: str, body: str, attributes: dict[str, Any] | None = None) -> bool:
    """Send `body` to the queue or topic `arn`; say whether that is where it went.

    As on AWS, what a destination does not take is lost.
    """
    try:
        service = parse_arn(arn).service
    except ArnParseError:
        service = ""
    if service == "sqs" and (queue := sqs._queue_by_arn(arn)) is not None:
        _send_message(queue, body, attributes or {})
        return True
    if service == "sns" and arn in sns._topics:
        sns.publish_internal(arn, body, message_attributes=attributes or {})
        return True
    _log.error("Nothing was sent to %s: no such queue or topic", arn)
    return False


def instant(seconds: float, *, timespec: str = "milliseconds") -> str:
    """Write seconds since 1970 as Lambda's records do: ``2019-11-14T00:13:49.717Z``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")


def _send_message(queue: dict[str, Any], body: str, attributes: dict[str, Any]) -> None:
    now = time.time()
    message = {
        "id": str(uuid.uuid4()),
        "body": body,
        "message_attributes": attributes,
        "md5_attrs": sqs._md5_msg_attrs(attributes),
        "sent_at": now,
        "visible_at": now + sqs.queue_delay(queue),
    }
    sqs._ensure_msg_fields(message)
    queue["messages"].append(message)
    esm_wake.set()
