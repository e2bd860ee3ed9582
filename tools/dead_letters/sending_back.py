"""How each kind of dead letter goes back to where it failed.

A letter is sent back when this returns: SQS has taken the message, Lambda has taken the event, or a
function that was called with the records says that all are done. Whoever gets it may have got it
before: every consumer drops repeats.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.dead_letters.event_patterns import UnknownPattern, passes
from tools.dead_letters.letters import OUR_ATTRIBUTES
from tools.dead_letters.queues import queue_url
from tools.dead_letters.rebuilding import NotRebuildable, rebuild, rebuild_record
from tools.dead_letters.streams import RecordsTrimmed, fetch_records, read_pointer
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tools.dead_letters.accounts import Account
    from tools.dead_letters.letters import Letter
    from tools.dead_letters.queues import DeadLetterQueue
    from tools.dead_letters.rebuilding import Rebuilt

__all__ = ["NotSentBack", "SendingBack"]

_ALIAS = "live"
# Lambda takes 6 MB of a synchronous event; records grow a little as JSON.
_MOST_BYTES = 5_000_000
_DEFAULT_BATCH = 100
# A function that runs for as long as Lambda allows, and the way there and back.
_LONGEST_INVOCATION_SECONDS = 910
_THROTTLED_ATTEMPTS = 6
_FIRST_PAUSE_SECONDS = 0.25
_KINDS = ("INSERT", "MODIFY", "REMOVE")
_ACCEPT = "--accept-loss deletes the letter all the same"


class NotSentBack(Exception):  # noqa: N818
    """A letter that stays where it is. The message says why."""


@dataclass
class SendingBack:
    """
    The ways back from one dead-letter queue.

    Parameters
    ----------
    account
        Whose queue it is.
    queue
        The queue.
    note
        Called with what must be known about a letter that went back another way than it came.
    accept_loss
        Whether records that were made anew are enough where some may be missing.
    """

    account: Account
    queue: DeadLetterQueue
    note: Callable[[str], None]
    accept_loss: bool = False
    _urls: dict[str, str] = field(init=False, default_factory=dict)
    _time_outs: dict[str, float] = field(init=False, default_factory=dict)

    def destination(self, letter: Letter) -> str:
        """
        Say where a letter goes, for people.

        Raises
        ------
        NotSentBack
            If that is not known.
        """
        match letter.kind:
            case "queue-message" | "undelivered-event":
                return self._target(letter).rpartition(":")[2]
            case "event" | "invocation":
                return f"{self._function(letter)} (asynchronous)"
            case "stream-record" | "stream-pointer":
                return f"{self._function(letter)} (records)"

    def send(self, letter: Letter, keep_hidden: Callable[[float], None]) -> None:
        """
        Send a letter back.

        Parameters
        ----------
        letter
            The letter.
        keep_hidden
            Called with seconds before anything that may take so long.

        Raises
        ------
        NotSentBack
            If it could not be, or the function failed again.
        """
        try:
            match letter.kind:
                case "queue-message" | "undelivered-event":
                    self._deliver(letter)
                case "event":
                    self._invoke_later(self._function(letter), letter.payload)
                case "invocation":
                    self._invoke_later(self._function(letter), letter.payload["requestPayload"])
                case "stream-record" if letter.trimmed:
                    self._complete(letter, keep_hidden)
                case "stream-record":
                    self._invoke_with([letter.payload], self._function(letter), keep_hidden)
                case "stream-pointer":
                    self._follow(letter, keep_hidden)
        except ClientError as error:
            problem = error.response["Error"]
            raise NotSentBack(f"{problem['Code']}: {problem.get('Message', '')}") from error
        except BotoCoreError as error:
            raise NotSentBack(f"{type(error).__name__}: {error}") from error
        except Problem as problem:
            raise NotSentBack(str(problem)) from problem

    def _target(self, letter: Letter) -> str:
        named = letter.source if letter.kind == "queue-message" else ""
        if letter.kind == "undelivered-event":
            named = letter.attributes.get("TARGET_ARN", {}).get("StringValue", "")
        target = named or self.queue.target
        if not target.startswith("arn:"):
            raise NotSentBack("it does not say where it was to go")
        return target

    def _function(self, letter: Letter) -> str:
        if letter.function:
            return letter.function
        if self.queue.kind == "function":
            return self.queue.belongs_to
        raise NotSentBack("it does not say which function failed")

    def _deliver(self, letter: Letter) -> None:
        target = self._target(letter)
        if target.split(":")[2] == "lambda":
            self._invoke_later(target.split(":")[6], letter.payload)
            return
        if target.split(":")[2] != "sqs":
            raise NotSentBack(f"no way is known to send it to {target}")
        # EventBridge's own attributes mean nothing to who reads the queue.
        kept = letter.attributes if letter.kind == "queue-message" else {}
        self._sqs.send_message(
            QueueUrl=self._url(target),
            MessageBody=letter.body,
            MessageAttributes={
                name: value for name, value in kept.items() if name not in OUR_ATTRIBUTES
            },
        )

    def _invoke_later(self, function: str, payload: Any) -> None:
        self._invoke(function, payload, "Event")

    def _follow(self, letter: Letter, keep_hidden: Callable[[float], None]) -> None:
        """Give the function the records that a letter points to."""
        pointer = read_pointer(letter.payload)
        mapping = self._mapping(self._function(letter), pointer.table)
        try:
            records = fetch_records(self.account, pointer)
        except RecordsTrimmed:
            self._give_rebuilt(
                letter,
                "the stream no longer has its records",
                lambda: rebuild(self.account, pointer, only_removals=_only_removals(mapping)),
                mapping,
                keep_hidden,
            )
        else:
            self._give(records, letter, mapping, keep_hidden)

    def _complete(self, letter: Letter, keep_hidden: Callable[[float], None]) -> None:
        """Give the function a record that was too large to be kept whole."""
        record = letter.payload
        mapping = self._mapping(self._function(letter), record["eventSourceARN"].split("/")[1])
        self._give_rebuilt(
            letter,
            "its rows before and after were too large to be kept",
            lambda: rebuild_record(self.account, record, only_removals=_only_removals(mapping)),
            mapping,
            keep_hidden,
        )

    def _give_rebuilt(
        self,
        letter: Letter,
        lost: str,
        make: Callable[[], Rebuilt],
        mapping: dict[str, Any],
        keep_hidden: Callable[[float], None],
    ) -> None:
        try:
            rebuilt = make()
        except UnknownPattern as error:
            raise NotSentBack(f"{error}, which is not understood here") from error
        except NotRebuildable as error:
            said, lacks = lost, str(error)
        else:
            sent = self._give(rebuilt.records, letter, mapping, keep_hidden)
            said = f"{lost}; {sent} were made anew and given to the function: {rebuilt.note}"
            lacks = rebuilt.lacks(sent)
        if lacks and not self.accept_loss:
            raise NotSentBack(f"{said}. But {lacks}. {_ACCEPT}")
        self.note(f"{letter.id}: {said}" + (f". Accepted as lost: {lacks}" if lacks else ""))

    def _give(
        self,
        records: Iterable[dict[str, Any]],
        letter: Letter,
        mapping: dict[str, Any],
        keep_hidden: Callable[[float], None],
    ) -> int:
        """Give the function what its mapping lets through; return how many records that were."""
        function, patterns = self._function(letter), _patterns(mapping)
        given = 0
        try:
            wanted = (record for record in records if passes(record, patterns))
            for batch in _batches(wanted, mapping.get("BatchSize", _DEFAULT_BATCH)):
                self._invoke_with(batch, function, keep_hidden)
                given += len(batch)
        except UnknownPattern as error:
            raise NotSentBack(f"{error}, which is not understood here") from error
        return given

    def _invoke_with(
        self,
        records: list[dict[str, Any]],
        function: str,
        keep_hidden: Callable[[float], None],
    ) -> None:
        keep_hidden(self._time_out(function))
        answer = self._invoke(function, {"Records": records}, "RequestResponse")
        payload = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            said = payload if isinstance(payload, dict) else {}
            kind, text = said.get("errorType", "it"), said.get("errorMessage", "did not say why")
            raise NotSentBack(f"{function} failed again: {kind}: {text}")
        failures = payload.get("batchItemFailures") if isinstance(payload, dict) else None
        if failures:
            raise NotSentBack(
                f"{function} could not do it now; its log says why (from record "
                f"{failures[0].get('itemIdentifier')})"
            )

    def _invoke(self, function: str, payload: Any, kind: str) -> Any:
        """Invoke the alias; only a throttled call is repeated, for it did not begin."""
        pause = _FIRST_PAUSE_SECONDS
        for attempt in range(_THROTTLED_ATTEMPTS):
            try:
                return self._lambda.invoke(
                    FunctionName=function,
                    Qualifier=_ALIAS,
                    InvocationType=kind,
                    Payload=json.dumps(payload).encode(),
                )
            except self._lambda.exceptions.TooManyRequestsException:
                if attempt == _THROTTLED_ATTEMPTS - 1:
                    raise
                time.sleep(pause)
                pause *= 2
        raise AssertionError("unreachable")

    @cached_property
    def _sqs(self) -> Any:
        return self.account.client("sqs")

    @cached_property
    def _lambda(self) -> Any:
        # It waits for as long as a function may run, and repeats nothing by itself.
        return self.account.client(
            "lambda",
            read_timeout=_LONGEST_INVOCATION_SECONDS,
            retries={"total_max_attempts": 1},
            tcp_keepalive=True,
        )

    def _url(self, queue_arn: str) -> str:
        if queue_arn not in self._urls:
            self._urls[queue_arn] = queue_url(self.account, queue_arn)
        return self._urls[queue_arn]

    def _time_out(self, function: str) -> float:
        if function not in self._time_outs:
            configuration = self._lambda.get_function_configuration(
                FunctionName=function, Qualifier=_ALIAS
            )
            self._time_outs[function] = float(configuration["Timeout"])
        return self._time_outs[function]

    def _mapping(self, function: str, table: str) -> dict[str, Any]:
        """Return the event source mapping by which a function reads a table's stream."""
        pages = self._lambda.get_paginator("list_event_source_mappings").paginate()
        for mapping in (mapping for page in pages for mapping in page["EventSourceMappings"]):
            reads = mapping.get("EventSourceArn", "").partition("/")[2].partition("/stream/")
            called = mapping["FunctionArn"].split(":")[6]
            if reads[1] and reads[0] == table and called == function:
                return dict(mapping)
        raise NotSentBack(
            f"{function} no longer reads the stream of {table}, so its filter is not known"
        )


def _patterns(mapping: dict[str, Any]) -> list[str]:
    return [one["Pattern"] for one in mapping.get("FilterCriteria", {}).get("Filters", [])]


def _only_removals(mapping: dict[str, Any]) -> bool:
    """Whether a mapping lets deletions through, and nothing else."""
    patterns = _patterns(mapping)
    return [kind for kind in _KINDS if passes({"eventName": kind}, patterns)] == ["REMOVE"]


def _batches(records: Iterable[dict[str, Any]], most: int) -> Iterator[list[dict[str, Any]]]:
    """Divide records into batches that a mapping and Lambda's limit allow."""
    batch: list[dict[str, Any]] = []
    size = 0
    for record in records:
        length = len(json.dumps(record).encode())
        if batch and (len(batch) == most or size + length > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += length
    if batch:
        yield batch
