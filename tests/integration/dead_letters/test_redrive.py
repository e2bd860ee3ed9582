"""Each kind of dead letter goes back to where it failed, once its effect is acknowledged."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import eventually
from tools.dead_letters.conditions import read_condition
from tools.dead_letters.redriving import Order, Outcome, redrive

if TYPE_CHECKING:
    from tests.integration.dead_letters.conftest import Environment, Functions
    from tools.dead_letters.queues import DeadLetterQueue

OURS = {
    "Reason": "the mail server said no",
    "Source": "arn:aws:sqs:us-east-1:000000000000:x",
    "Function": "itemstream-trial-sender",
    "FailedAt": "2026-11-21T06:00:00.000+00:00",
}


def run(trial: Environment, queue: DeadLetterQueue, condition: str = "", **order: Any) -> Outcome:
    outcome = Outcome()
    what = Order(read_condition(condition), **order)
    redrive(trial.account, queue, what, threading.Event(), lambda _: None, outcome)
    return outcome


def test_a_message_goes_back_to_its_queue_as_it_was(trial: Environment) -> None:
    # Given
    source, queue = trial.dead_letters_of_queue()
    ours = {**OURS, "Source": trial.arn(source), "Kind": "queue-message"}
    trial.send(queue, "the body", **ours, Colour="red")

    # When
    outcome = run(trial, queue)

    # Then
    assert (outcome.redriven, outcome.well) == (1, True)
    [message] = trial.client("sqs").receive_message(QueueUrl=source, MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert message["Body"] == "the body"
    assert message["MessageAttributes"] == {"Colour": {"DataType": "String", "StringValue": "red"}}
    assert run(trial, queue).redriven == 0


def test_a_message_that_sqs_moved_itself_goes_back_too(trial: Environment) -> None:
    # Given
    source, queue = trial.dead_letters_of_queue()
    trial.send(queue, "moved")

    # When
    run(trial, queue)

    # Then
    assert trial.bodies(source) == ["moved"]


def test_only_what_the_filter_means_goes_back_and_the_rest_is_visible_at_once(
    trial: Environment,
) -> None:
    # Given
    source, queue = trial.dead_letters_of_queue()
    for tenant in ("demo", "other", "demo"):
        trial.send(queue, {"detail": {"tenant": tenant}})

    # When
    outcome = run(trial, queue, "payload.detail.tenant == 'demo'")

    # Then
    assert (outcome.redriven, outcome.skipped) == (2, 1)
    assert len(trial.bodies(source)) == 2
    assert trial.visible(queue) == 1


def test_a_dry_run_changes_nothing(trial: Environment) -> None:
    # Given
    source, queue = trial.dead_letters_of_queue()
    for number in range(3):
        trial.send(queue, str(number))

    # When
    outcome = run(trial, queue, dry_run=True)

    # Then
    assert outcome.redriven == 3
    assert outcome.destinations == {source.rpartition("/")[2]: 3}
    assert trial.bodies(source) == []
    assert trial.visible(queue) == 3


def test_what_will_never_succeed_is_discarded_and_goes_nowhere(trial: Environment) -> None:
    # Given
    source, queue = trial.dead_letters_of_queue()
    for body in ("hopeless", "good"):
        trial.send(queue, body)

    # When
    looked = run(trial, queue, "payload == 'hopeless'", discard=True, dry_run=True)
    assert (looked.redriven, trial.visible(queue)) == (1, 2)
    run(trial, queue, "payload == 'hopeless'", discard=True)

    # Then
    assert trial.bodies(source) == []
    assert trial.bodies(queue.url) == ["good"]


def test_no_more_than_the_maximum_goes_back(trial: Environment) -> None:
    # Given
    source, queue = trial.dead_letters_of_queue()
    for number in range(5):
        trial.send(queue, str(number))

    # When
    run(trial, queue, maximum=2)

    # Then
    assert len(trial.bodies(source)) == 2
    assert trial.visible(queue) == 3


def test_a_run_that_was_stopped_is_gone_on_with(trial: Environment) -> None:
    # Given
    source, queue = trial.dead_letters_of_queue()
    for number in range(6):
        trial.send(queue, str(number))
    stop, outcome = threading.Event(), Outcome()

    def stop_after_two(sofar: Outcome) -> None:
        if sofar.redriven == 2:
            stop.set()

    # When
    redrive(trial.account, queue, Order(read_condition("")), stop, stop_after_two, outcome)
    assert (outcome.redriven, outcome.interrupted, outcome.well) == (2, True, False)
    again = run(trial, queue)

    # Then
    assert again.redriven == 4
    assert sorted(trial.bodies(source)) == [str(number) for number in range(6)]


def test_two_redrives_at_once_send_each_letter_once(trial: Environment) -> None:
    # Given
    source, queue = trial.dead_letters_of_queue()
    for number in range(40):
        trial.send(queue, str(number))

    # When
    with ThreadPoolExecutor(2) as both:
        outcomes = list(both.map(lambda _: run(trial, queue), range(2)))

    # Then
    assert sum(outcome.redriven for outcome in outcomes) == 40
    assert sorted(trial.bodies(source), key=int) == [str(number) for number in range(40)]


def test_a_rate_is_kept(trial: Environment) -> None:
    # Given
    _, queue = trial.dead_letters_of_queue()
    for number in range(4):
        trial.send(queue, str(number))
    ends: list[float] = []
    order, outcome = Order(read_condition(""), rate=2), Outcome()
    begin = time.monotonic()

    # When
    def note(_: Outcome) -> None:
        ends.append(time.monotonic() - begin)

    redrive(trial.account, queue, order, threading.Event(), note, outcome)

    # Then: three pauses of half a second
    assert outcome.redriven == 4
    assert ends[-1] >= 1.5


def test_what_fails_again_at_once_is_not_sent_back_for_ever(trial: Environment) -> None:
    # Given: a consumer that refuses the message again while the redrive runs
    source, queue = trial.dead_letters_of_queue()
    trial.send(queue, "poison", Kind="queue-message", **{**OURS, "Source": trial.arn(source)})
    refused = threading.Event()

    def refuse_again(sofar: Outcome) -> None:
        if sofar.redriven and not refused.is_set():
            refused.set()
            trial.send(
                queue, "poison", Kind="queue-message", **{**OURS, "Source": trial.arn(source)}
            )

    # When
    outcome = Outcome()
    order = Order(read_condition(""))
    redrive(trial.account, queue, order, threading.Event(), refuse_again, outcome)

    # Then
    assert (outcome.redriven, outcome.came_back, outcome.well) == (1, 1, False)
    assert outcome.reasons == {"the mail server said no": 1}
    assert trial.visible(queue) == 1


def test_a_letter_whose_queue_is_gone_stays(trial: Environment) -> None:
    # Given
    source, queue = trial.dead_letters_of_queue()
    trial.send(queue, "homeless")
    trial.client("sqs").delete_queue(QueueUrl=source)

    # When
    outcome = run(trial, queue)

    # Then
    assert (outcome.failed, outcome.well) == (1, False)
    [reason] = outcome.reasons
    assert "is gone" in reason
    assert trial.visible(queue) == 1


@pytest.mark.parametrize("kind", ["event", "invocation"])
def test_an_asynchronous_event_is_given_to_its_function_again(
    trial: Environment, functions: Functions, kind: str
) -> None:
    # Given
    queue = trial.dead_letters_of_function()
    event = {"Records": [{"s3": {"object": {"key": "a+b"}}}]}
    if kind == "event":
        trial.send(queue, event, Kind="event", **{**OURS, "Function": queue.belongs_to})
    else:
        trial.send(queue, failed_invocation(queue, event))

    # When
    outcome = run(trial, queue)

    # Then
    assert (outcome.redriven, outcome.failed) == (1, 0), outcome
    eventually(lambda: functions.events == [event], what="the function is invoked")
    assert trial.visible(queue) == 0


def failed_invocation(queue: DeadLetterQueue, event: Any) -> dict[str, Any]:
    return {
        "version": "1.0",
        "timestamp": "2026-11-21T06:00:00.000Z",
        "requestContext": {
            "requestId": "e4b46cbf-b738-11ea-8f05-2c6b3e5a4b6d",
            "functionArn": f"{queue.target}:live",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorType": "ValueError", "errorMessage": "no"},
    }


def test_a_stream_record_is_gone_when_the_function_says_it_is_done(
    trial: Environment, functions: Functions
) -> None:
    # Given
    queue = trial.dead_letters_of_function()
    record = {"eventID": "1", "dynamodb": {"SequenceNumber": "7"}}
    trial.send(queue, record, Kind="stream-record", **{**OURS, "Function": queue.belongs_to})

    # When
    outcome = run(trial, queue)

    # Then
    assert outcome.redriven == 1, outcome
    assert functions.records == [[record]]
    assert trial.visible(queue) == 0


@pytest.mark.parametrize("how", ["fails", "says it failed"])
def test_a_stream_record_that_fails_again_stays_with_the_reason(
    trial: Environment, functions: Functions, how: str
) -> None:
    # Given
    queue = trial.dead_letters_of_function()
    record = {"eventID": "1", "dynamodb": {"SequenceNumber": "7"}}
    trial.send(queue, record, Kind="stream-record", **{**OURS, "Function": queue.belongs_to})
    if how == "fails":
        functions.error = "Unhandled"
        functions.answer = lambda _: {"errorType": "KeyError", "errorMessage": "'name'"}
    else:
        functions.answer = lambda _: {"batchItemFailures": [{"itemIdentifier": "7"}]}

    # When
    outcome = run(trial, queue)

    # Then
    assert (outcome.redriven, outcome.failed) == (0, 1)
    [reason] = outcome.reasons
    assert "KeyError: 'name'" in reason or "from record 7" in reason
    assert trial.visible(queue) == 1


def test_an_event_that_no_target_took_goes_to_the_target(trial: Environment) -> None:
    # Given
    target = trial.queue(f"{trial.account.prefix}target")
    name = f"{trial.account.prefix}items-rule"
    url = trial.queue(f"{name}-dead-letters")
    events = trial.client("events")
    bus = f"{trial.account.prefix}events"
    events.create_event_bus(Name=bus)
    events.put_rule(Name=name, EventBusName=bus, EventPattern='{"source": ["itemstream"]}')
    events.put_targets(
        Rule=name,
        EventBusName=bus,
        Targets=[
            {
                "Id": "queue",
                "Arn": trial.arn(target),
                "DeadLetterConfig": {"Arn": trial.arn(url)},
            }
        ],
    )
    from tools.dead_letters.queues import find_queue

    queue = find_queue(trial.account, "items_rule")
    assert (queue.kind, queue.belongs_to, queue.target) == ("rule", name, trial.arn(target))
    event = {"detail-type": "item.created", "detail": {"id": "1"}}
    trial.send(
        queue,
        event,
        RULE_ARN="arn:aws:events:us-east-1:000000000000:rule/items",
        TARGET_ARN=trial.arn(target),
        ERROR_CODE="NO_PERMISSIONS",
        ERROR_MESSAGE="may not",
    )
    trial.send(queue, event)

    # When
    outcome = run(trial, queue)

    # Then
    assert outcome.redriven == 2, outcome
    assert [json.loads(body) for body in trial.bodies(target)] == [event, event]
