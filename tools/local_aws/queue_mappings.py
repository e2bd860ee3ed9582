"""Queues invoke functions as their event source mappings say.

AWS: a batch goes out when it is full or its window ends, to the alias that the mapping names. With
ReportBatchItemFailures, an answer that cannot be understood, or names a message that was not in
the batch, fails all of it
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
MiniStack 1.5.33: knows no window, and ten messages at most; invokes the version behind the alias
under its own name; takes such an answer for a success; and after one failure leaves the whole
mapping alone for a second.
"""

import itertools
import threading
import time
from typing import Any

from ministack.core.concurrency import esm_wake
from ministack.services import lambda_svc, sqs

# When the first message that waits was seen, for each mapping with a window.
_since: dict[str, float] = {}


def apply() -> None:
    """Patch ``ministack.services.lambda_svc``."""
    concurrency = lambda_svc._sqs_esm_concurrency
    receive = sqs._receive_messages_for_esm

    # It is asked just before messages are taken: none may run while they gather.
    def concurrency_unless_gathering(
        mapping: dict[str, Any], function: Any, config: Any, queue: Any = None
    ) -> Any:
        if _gathering(mapping, queue or {}):
            return 0
        return concurrency(mapping, function, config, queue)

    def receive_more_than_ten(queue_url: str, count: int) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        while len(messages) < count and (more := receive(queue_url, count - len(messages))):
            messages += more
        return messages

    sqs._receive_messages_for_esm = receive_more_than_ten
    lambda_svc._sqs_esm_concurrency = concurrency_unless_gathering
    lambda_svc._run_sqs_batch = _run_batch


def _gathering(mapping: dict[str, Any], queue: dict[str, Any]) -> bool:
    window = mapping.get("MaximumBatchingWindowInSeconds") or 0
    if not window:
        return False
    now = time.time()
    size = mapping.get("BatchSize") or 10
    visible = (message for message in queue.get("messages", ()) if message["visible_at"] <= now)
    count = sum(1 for _ in itertools.islice(visible, size))
    if count:
        left = _since.setdefault(mapping["UUID"], now) + window - now
        if count < size and left > 0:
            timer = threading.Timer(left, esm_wake.set)
            timer.daemon = True
            timer.start()
            return True
    _since.pop(mapping["UUID"], None)
    return False


def _run_batch(
    mapping: dict[str, Any],
    function: dict[str, Any],
    event: dict[str, Any],
    batch: list[dict[str, Any]],
    queue_url: str,
    _: str,
) -> None:
    """Invoke the function and delete what is done with; the rest is received again."""
    config = {**(function.get("config") or function), "FunctionArn": mapping["FunctionArn"]}
    result = lambda_svc._execute_function({**function, "config": config}, event)
    delivered = {record["messageId"] for record in event["Records"]}
    failed = _failed(result, delivered, mapping)
    done = {message["receipt_handle"] for message in batch if message["id"] not in failed}
    if done:
        sqs._delete_messages_for_esm(queue_url, done)
    mapping["LastProcessingResult"] = (
        "PROBLEM: Function call failed" if failed == delivered else "OK"
    )


def _failed(result: dict[str, Any], delivered: set[str], mapping: dict[str, Any]) -> set[str]:
    """Return the ids of the messages that failed."""
    if result.get("error"):
        return delivered
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or ()):
        return set()
    answer = result.get("body")
    if answer is None:
        return set()
    try:
        failures = answer.get("batchItemFailures") or ()
        failed = {failure["itemIdentifier"] for failure in failures}
    except (AttributeError, TypeError, KeyError):
        return delivered
    return failed if delivered.issuperset(failed) else delivered
