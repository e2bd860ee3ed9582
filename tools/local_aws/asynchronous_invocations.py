"""Events wait in a queue of Lambda's own and are tried again as their function's settings say.

AWS: S3, SNS, EventBridge, Scheduler and Invoke with the type Event leave their event in a queue.
A failed event is tried twice more, after one minute and after two; one that could not be invoked
(throttled, or Lambda's own failure) is tried for six hours, with growing pauses from one second to
five minutes. Both can be set for each qualifier. What succeeds and what is given up leaves an
invocation record at its destination, and a function's dead-letter queue has the event itself
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
MiniStack 1.5.33: tries events of SNS and EventBridge once; gives throttled ones up like failed
ones; knows the settings of the unqualified function only, and no on-success destination; sends a
record that lacks fields, to dead-letter queues too.
"""

import heapq
import itertools
import json
import logging
import os
import threading
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import _request_account_id, _request_region
from ministack.services import eventbridge, lambda_svc, s3, sns

from tools.local_aws.consumption import allowed, arrivals, committing
from tools.local_aws.destinations import instant, send
from tools.local_aws.lambda_host import NOT_INVOKED, REQUEST_ID
from tools.local_aws.weighted_aliases import EXECUTED_VERSION

# What stands for AWS's minute before the first retry, and for the second of the first pause
# after a throttled event.
_PAUSE_SECONDS = float(os.environ.get("ITEMSTREAM_EVENT_RETRY_SECONDS", "1"))
_LONGEST_PAUSE_SECONDS = 20 * _PAUSE_SECONDS
# Of one function, so that a slow one leaves room for others in the Lambda host.
_SIDE_BY_SIDE = 10
_RETRIES = 2
_AGE_SECONDS = 6 * 60 * 60

_log = logging.getLogger("itemstream.asynchronous_invocations")


def apply() -> None:
    """Patch ``ministack.services`` wherever one of them invokes a function asynchronously."""
    notify, notify_soon = s3._fire_s3_event, s3._fire_s3_event_async

    def invoke(function: dict[str, Any], event: Any) -> None:
        _accept((function.get("config") or function)["FunctionArn"], event)

    def from_s3(arn: str, event: Any, bucket_region: str) -> None:
        if s3._parse_delivery_notification_target("lambda", arn, bucket_region):
            _accept(arn, event)

    # S3 answers first and notifies in a thread of its own.
    def notify_counted(bucket: str, *args: Any, **kwargs: Any) -> None:
        if bucket in s3._bucket_notifications:
            arrivals.begin()
            notify_soon(bucket, *args, **kwargs)

    def notify_and_count_out(*args: Any, **kwargs: Any) -> None:
        try:
            notify(*args, **kwargs)
        finally:
            # As only that thread passes it.
            if "sequencer" in kwargs:
                arrivals.end()

    def from_eventbridge(arn: str, payload: str) -> None:
        try:
            event = json.loads(payload)
        except ValueError:
            event = {"body": payload}
        _accept(arn, event)

    def from_sns(arn: str, envelope: str, _: str, subscription: str, *__: Any) -> None:
        record = {
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription,
            "EventSource": "aws:sns",
            "Sns": json.loads(envelope),
        }
        _accept(arn, {"Records": [record]})

    lambda_svc.invoke_async_with_retry = invoke
    s3._deliver_event_to_lambda = from_s3
    s3._fire_s3_event = notify_and_count_out
    s3._fire_s3_event_async = notify_counted
    eventbridge._dispatch_to_lambda = from_eventbridge
    sns._deliver_to_lambda = from_sns


def pending() -> dict[str, Any]:
    """Return the events that are not done with, by their request's id, as JSON."""
    with committing:
        return {request_id: asdict(event) for request_id, event in _queue.events.items()}


def restore(events: dict[str, Any]) -> None:
    """Queue what `pending` returned."""
    for event in events.values():
        _queue.put(_Event(**event))


@dataclass(frozen=True)
class _Event:
    """An event on its way to a function.

    Attributes
    ----------
    qualifier
        The alias or version that was invoked, if any.
    invocations
        How often the function ran; it failed each time.
    refusals
        How often in a row it could not be invoked.
    """

    account: str
    region: str
    function: str
    qualifier: str | None
    payload: Any
    accepted_at: float = field(default_factory=time.time)
    due_at: float = 0
    invocations: int = 0
    refusals: int = 0
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def arn(self) -> str:
        """Of the function as it was invoked."""
        function = f"arn:aws:lambda:{self.region}:{self.account}:function:{self.function}"
        return f"{function}:{self.qualifier}" if self.qualifier else function


def _accept(arn: str, payload: Any) -> None:
    """Queue an event for the function `arn`."""
    try:
        spec = parse_arn(arn)
    except ArnParseError:
        _log.error("%s is not the name of a function", arn)
        return
    name, qualifier = lambda_svc._lambda_function_name_and_qualifier_from_arn(arn)
    _queue.put(_Event(spec.account_id, spec.region, name, qualifier, payload))


class _Queue:
    """Events in the order in which they are due, and a thread for each that runs."""

    def __init__(self, run: Callable[[_Event], None]) -> None:
        self.events: dict[str, _Event] = {}
        self._run = run
        self._later: list[tuple[float, int, _Event]] = []
        self._number = itertools.count()
        self._ready: defaultdict[str, deque[_Event]] = defaultdict(deque)
        self._running: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._dispatcher: threading.Thread | None = None

    def put(self, event: _Event) -> None:
        """Queue an event, in place of itself if it is here already."""
        with self._changed:
            self.events[event.request_id] = event
            heapq.heappush(self._later, (event.due_at, next(self._number), event))
            if self._dispatcher is None:
                self._dispatcher = threading.Thread(
                    target=self._dispatch, name="asynchronous-invocations", daemon=True
                )
                self._dispatcher.start()
            self._changed.notify()

    def remove(self, event: _Event) -> None:
        """Forget an event that is done with."""
        with self._changed:
            self.events.pop(event.request_id, None)

    def _dispatch(self) -> None:
        while True:
            allowed.wait()
            for event in self._next_events():
                threading.Thread(
                    target=self._run_and_make_room, args=(event,), name=event.arn, daemon=True
                ).start()

    def _next_events(self) -> list[_Event]:
        with self._changed:
            while self._later and self._later[0][0] <= time.time():
                _, _, event = heapq.heappop(self._later)
                self._ready[event.arn].append(event)
            taken = []
            for arn, events in self._ready.items():
                while events and self._running[arn] < _SIDE_BY_SIDE:
                    self._running[arn] += 1
                    taken.append(events.popleft())
            if not taken:
                self._changed.wait(self._later[0][0] - time.time() if self._later else None)
            return taken

    def _run_and_make_room(self, event: _Event) -> None:
        try:
            self._run(event)
        except Exception:
            # A defect here; the event is kept all the same.
            _log.exception("An event of %s is tried again", event.arn)
            self.put(replace(event, due_at=time.time() + _LONGEST_PAUSE_SECONDS))
        finally:
            with self._changed:
                self._running[event.arn] -= 1
                self._changed.notify()


def _attempt(event: _Event) -> None:
    """Invoke the function once and write down what came of it."""
    _request_account_id.set(event.account)
    _request_region.set(event.region)
    function = lambda_svc._functions.get(event.function)
    _, config = lambda_svc._effective_func_record_for_qualifier(function, event.qualifier)
    if config is None:
        _log.error("An event of %s is lost: there is no such function", event.arn)
        _queue.remove(event)
        return
    settings = lambda_svc._event_invoke_config(function, event.qualifier) or {}
    retries, age = settings.get("MaximumRetryAttempts"), settings.get("MaximumEventAgeInSeconds")
    latest = event.accepted_at + (_AGE_SECONDS if age is None else age)
    outcome = _Outcome(event, config, settings)
    if time.time() > latest:
        outcome.end("EventAgeExceeded")
        return
    invoked = {**config, "FunctionArn": event.arn, REQUEST_ID: event.request_id}
    result = lambda_svc._execute_function({**function, "config": invoked}, event.payload)
    if result.get("throttle") or result.get(NOT_INVOKED):
        pause = _PAUSE_SECONDS * 2 ** min(event.refusals, 10)
        outcome.later(replace(event, refusals=event.refusals + 1), pause, latest)
        return
    outcome.result = result
    outcome.event = event = replace(event, invocations=event.invocations + 1, refusals=0)
    if not result.get("error"):
        outcome.end("Success")
    elif event.invocations > (_RETRIES if retries is None else retries):
        outcome.end("RetriesExhausted")
    else:
        outcome.later(event, _PAUSE_SECONDS * event.invocations, latest)


_queue = _Queue(_attempt)


@dataclass
class _Outcome:
    """What became of an attempt, to be written down in one piece."""

    event: _Event
    config: dict[str, Any]
    settings: dict[str, Any]
    result: dict[str, Any] | None = None

    def later(self, event: _Event, pause: float, latest: float) -> None:
        """Try again after a pause (seconds), unless the event is too old by then."""
        due_at = time.time() + min(pause, _LONGEST_PAUSE_SECONDS)
        if due_at > latest:
            self.end("EventAgeExceeded")
            return
        with committing:
            if allowed.is_set():
                _queue.put(replace(event, due_at=due_at))

    def end(self, condition: str) -> None:
        """Leave records where the function wants them and forget the event."""
        with committing:
            if not allowed.is_set():
                return
            kind = "OnSuccess" if condition == "Success" else "OnFailure"
            destinations = self.settings.get("DestinationConfig") or {}
            if arn := (destinations.get(kind) or {}).get("Destination"):
                self._leave_record(arn, kind, self._record(condition))
            dead_letters = (self.config.get("DeadLetterConfig") or {}).get("TargetArn")
            if dead_letters and condition != "Success":
                send(dead_letters, json.dumps(self.event.payload), self._attributes())
            _queue.remove(self.event)

    def _leave_record(self, arn: str, kind: str, record: dict[str, Any]) -> None:
        if ":lambda:" in arn:
            _accept(arn, record)
        elif ":events:" in arn:
            result = kind.removeprefix("On")
            entry = {
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {result}",
                "Resources": [arn, record["requestContext"]["functionArn"]],
                "Detail": json.dumps(record),
                "EventBusName": arn.rpartition("event-bus/")[2],
            }
            eventbridge._put_events({"Entries": [entry]})
        else:
            send(arn, json.dumps(record))

    def _record(self, condition: str) -> dict[str, Any]:
        event, result = self.event, self.result
        record = {
            "version": "1.0",
            "timestamp": instant(time.time()),
            "requestContext": {
                "requestId": event.request_id,
                "functionArn": event.arn if event.qualifier else f"{event.arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": event.invocations,
            },
            "requestPayload": event.payload,
        }
        if result is None:
            return record
        response = {"statusCode": 200, "executedVersion": result[EXECUTED_VERSION]}
        if result.get("error"):
            response["functionError"] = result.get("function_error") or "Unhandled"
        return {**record, "responseContext": response, "responsePayload": result.get("body")}

    def _attributes(self) -> dict[str, Any]:
        answer = (self.result or {}).get("body")
        message = answer.get("errorMessage", "") if isinstance(answer, dict) else ""
        return {
            "RequestID": {"DataType": "String", "StringValue": self.event.request_id},
            "ErrorCode": {"DataType": "Number", "StringValue": "200" if self.result else "429"},
            "ErrorMessage": {"DataType": "String", "StringValue": str(message)[:1024] or "none"},
        }
