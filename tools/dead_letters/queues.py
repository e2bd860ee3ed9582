"""The dead-letter queues of an environment, and what each belongs to."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.dead_letters.accounts import Account

__all__ = ["DeadLetterQueue", "dead_letter_queues", "find_queue", "oldest_age"]

QueueKind = Literal["function", "queue", "rule", "unknown"]

_SUFFIX = "-dead-letters"
_METRIC_MINUTES = 15
_READERS = 8


@dataclass(frozen=True)
class DeadLetterQueue:
    """
    A dead-letter queue.

    Attributes
    ----------
    name
        Its logical name, which commands take: that of the function, queue or rule.
    queue_name, url, arn
        What AWS calls it.
    kind
        Whether a function, a queue or a rule of the event bus leaves its failures here.
    belongs_to
        The name of that function or queue, or the rules' names.
    target
        ARN of where what lies here was to go: the function, the source queue, the rule's target.
    depth
        Messages, those that somebody is reading included.
    in_flight
        How many of them somebody is reading.
    """

    name: str
    queue_name: str
    url: str
    arn: str
    kind: QueueKind
    belongs_to: str
    target: str
    depth: int
    in_flight: int

    @property
    def redrive(self) -> str:
        """How what lies here goes back."""
        match self.kind:
            case "function":
                return "invokes the function"
            case "queue":
                return "sends to the queue"
            case "rule":
                return "sends to its target"
            case _:
                return "by what each message says"


def dead_letter_queues(account: Account) -> list[DeadLetterQueue]:
    """List the dead-letter queues of an environment by their logical names."""
    sqs = account.client("sqs", max_pool_connections=_READERS)
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=account.prefix)
    every = [url for page in pages for url in page.get("QueueUrls", [])]
    urls = [url for url in every if url.endswith(_SUFFIX)]
    with ThreadPoolExecutor(_READERS) as readers:
        attributes = list(readers.map(lambda url: _attributes(sqs, url), urls))
    owners = _Owners(account, {url.rpartition("/")[2] for url in every})
    found = [
        _read(account, owners, url, values) for url, values in zip(urls, attributes, strict=True)
    ]
    return sorted(found, key=lambda queue: queue.name)


def find_queue(account: Account, name: str) -> DeadLetterQueue:
    """
    Find a queue by its logical name or by the name AWS has for it.

    Raises
    ------
    LookupError
        If there is none; the message names those there are.
    """
    queues = dead_letter_queues(account)
    wanted = name.replace("-", "_").removesuffix("_dead_letters")
    for queue in queues:
        if wanted == queue.name or name == queue.queue_name:
            return queue
    known = ", ".join(queue.name for queue in queues) or "none at all"
    raise LookupError(f"{account.place} has no dead letters of `{name}`. It has: {known}.")


def oldest_age(account: Account, queue: DeadLetterQueue) -> dt.timedelta | None:
    """
    Say how long the oldest message has been there, None for an empty queue.

    CloudWatch knows it; where it has no figures (the local AWS), up to ten messages are looked at.
    """
    if queue.depth == 0:
        return None
    now = dt.datetime.now(dt.UTC)
    statistics = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": queue.queue_name}],
        StartTime=now - dt.timedelta(minutes=_METRIC_MINUTES),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )
    points = sorted(statistics["Datapoints"], key=lambda point: point["Timestamp"])
    if points:
        return dt.timedelta(seconds=points[-1]["Maximum"])
    looked_at = account.client("sqs").receive_message(
        QueueUrl=queue.url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    sent = [
        int(message["Attributes"]["SentTimestamp"]) for message in looked_at.get("Messages", [])
    ]
    if not sent:
        return None
    return now - dt.datetime.fromtimestamp(min(sent) / 1000, dt.UTC)


def _attributes(sqs: Any, url: str) -> dict[str, str]:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return dict(answer["Attributes"])


def _read(
    account: Account, owners: _Owners, url: str, attributes: dict[str, str]
) -> DeadLetterQueue:
    queue_name = url.rpartition("/")[2]
    base = queue_name.removesuffix(_SUFFIX)
    kind, belongs_to, target = owners.of(base, attributes["QueueArn"])
    in_flight = int(attributes.get("ApproximateNumberOfMessagesNotVisible", 0))
    waiting = int(attributes.get("ApproximateNumberOfMessages", 0))
    delayed = int(attributes.get("ApproximateNumberOfMessagesDelayed", 0))
    return DeadLetterQueue(
        name=base.removeprefix(account.prefix).replace("-", "_"),
        queue_name=queue_name,
        url=url,
        arn=attributes["QueueArn"],
        kind=kind,
        belongs_to=belongs_to,
        target=target,
        depth=waiting + delayed + in_flight,
        in_flight=in_flight,
    )


class _Owners:
    """Finds out what a dead-letter queue belongs to; asks each service once at the most."""

    def __init__(self, account: Account, queues: set[str]) -> None:
        self._account = account
        self._queues = queues
        self._known_functions: dict[str, str] | None = None
        self._known_rules: dict[str, tuple[str, str]] | None = None

    def of(self, base: str, arn: str) -> tuple[QueueKind, str, str]:
        """Return kind, name and target of the owner: modules/queue and function name them alike."""
        if base in self._queues:
            return "queue", base, arn.removesuffix(_SUFFIX)
        if base in self._functions():
            return "function", base, self._functions()[base]
        if arn in self._rules():
            return "rule", *self._rules()[arn]
        return "unknown", "", ""

    def _functions(self) -> dict[str, str]:
        if self._known_functions is None:
            pages = self._account.client("lambda").get_paginator("list_functions").paginate()
            self._known_functions = {
                function["FunctionName"]: function["FunctionArn"]
                for page in pages
                for function in page["Functions"]
            }
        return self._known_functions

    def _rules(self) -> dict[str, tuple[str, str]]:
        if self._known_rules is None:
            self._known_rules = {}
            for queue, rule, target in _rule_targets(self._account):
                names = self._known_rules.get(queue, ("", ""))[0]
                self._known_rules[queue] = (f"{names}, {rule}" if names else rule, target)
        return self._known_rules


def _rule_targets(account: Account) -> Iterator[tuple[str, str, str]]:
    """Yield dead-letter queue, rule and target of every rule of the environment's buses."""
    events = account.client("events")
    for bus in _buses(events, account.prefix):
        for page in events.get_paginator("list_rules").paginate(EventBusName=bus["Name"]):
            for rule in page["Rules"]:
                listed = events.get_paginator("list_targets_by_rule").paginate(
                    Rule=rule["Name"], EventBusName=bus["Name"]
                )
                for target in (target for targets in listed for target in targets["Targets"]):
                    queue = target.get("DeadLetterConfig", {}).get("Arn")
                    if queue:
                        yield queue, rule["Name"], target["Arn"]


def _buses(events: Any, prefix: str) -> Iterator[dict[str, Any]]:
    """Yield the buses of an environment; botocore has no paginator for them."""
    onward: dict[str, str] = {}
    while True:
        page = events.list_event_buses(NamePrefix=prefix, **onward)
        yield from page["EventBuses"]
        if not page.get("NextToken"):
            return
        onward = {"NextToken": page["NextToken"]}


def queue_url(account: Account, arn: str) -> str:
    """
    Return the URL of a queue by its ARN.

    Raises
    ------
    Problem
        If it is gone.
    """
    sqs = account.client("sqs")
    name = arn.rpartition(":")[2]
    try:
        return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])
    except sqs.exceptions.QueueDoesNotExist:
        raise Problem(f"The queue {name} is gone: nothing can be sent back to it.") from None
