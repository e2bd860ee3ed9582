"""CloudWatch knows how far the readers of streams and queues are behind.

AWS: ``IteratorAge`` of a function is the age of the last record of each batch when it is handed to
it, ``ApproximateAgeOfOldestMessage`` that of what waits in a queue
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
MiniStack 1.5.33: measures neither.
"""

import logging
import os
import threading
import time
from typing import Any

from ministack.core.responses import _request_account_id, _request_region
from ministack.services import cloudwatch, lambda_svc, sqs

# Often enough for metrics of a minute.
_SECONDS = float(os.environ.get("ITEMSTREAM_SOURCE_AGES_SECONDS", "10"))

_log = logging.getLogger("itemstream.source_ages")
# Account, region and function → the oldest of what it was handed since the last look.
_ages: dict[tuple[str, str, str], float] = {}
_lock = threading.Lock()
_waited: set[Any] = set()


def apply() -> None:
    """
    Patch ``ministack.services.lambda_svc`` and measure in a thread of our own.

    After the patch ``lambda_host``, which replaces what is wrapped here.
    """
    execute = lambda_svc._execute_function

    def execute_measured(function: dict[str, Any], event: Any) -> Any:
        if (age := _iterator_age(event)) is not None:
            key = (
                _request_account_id.get(),
                _request_region.get(),
                function["config"]["FunctionName"],
            )
            with _lock:
                _ages[key] = max(age, _ages.get(key, 0.0))
        return execute(function, event)

    lambda_svc._execute_function = execute_measured
    threading.Thread(target=_measure_for_ever, name="source-ages", daemon=True).start()


def _iterator_age(event: Any) -> float | None:
    """Return the age of a stream's batch, in milliseconds."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not records or "dynamodb" not in records[-1]:
        return None
    created = float(records[-1]["dynamodb"].get("ApproximateCreationDateTime", time.time()))
    return max(0.0, time.time() - created) * 1000


def _measure_for_ever() -> None:
    while True:
        time.sleep(_SECONDS)
        try:
            _record_iterator_ages()
            _record_queue_ages()
        except Exception:
            # Something changed meanwhile, or a defect here; the next round tries again.
            _log.exception("Not measured")


def _record_iterator_ages() -> None:
    with _lock:
        ages = dict(_ages)
        _ages.clear()
    for (account, region, function), age in ages.items():
        _record(
            *(account, region, "AWS/Lambda", "IteratorAge", age, "Milliseconds"),
            FunctionName=function,
        )


def _record_queue_ages() -> None:
    now = time.time()
    for key, queue in sqs._queues.all_items():
        account, region = key[0], key[1]
        waiting = [message["sent_at"] for message in list(queue["messages"])]
        # Once more when it is empty again, so that the last value is no old one.
        if waiting or key in _waited:
            (_waited.add if waiting else _waited.discard)(key)
            age = now - min(waiting, default=now)
            name = str(queue["attributes"]["QueueArn"]).rpartition(":")[2]
            _record(
                *(account, region, "AWS/SQS", "ApproximateAgeOfOldestMessage", age, "Seconds"),
                QueueName=name,
            )


def _record(
    account: str, region: str, namespace: str, name: str, value: float, unit: str, **of: str
) -> None:
    _request_account_id.set(account)
    _request_region.set(region)
    cloudwatch.record_metric(namespace, name, value, unit, of)
