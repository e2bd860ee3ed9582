"""Dead letters read, chosen and filtered; what goes over the wire is tested in integration."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from tools.dead_letters.conditions import read_condition
from tools.dead_letters.event_patterns import UnknownPattern, passes
from tools.dead_letters.letters import Letter, read_letter
from tools.dead_letters.queues import DeadLetterQueue, QueueKind
from tools.dead_letters.redriving import Order, Outcome
from tools.dead_letters.views import in_words, print_audit, print_letter, print_outcome

FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:itemstream-prod-image-processor"
QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:itemstream-prod-notifications"
STREAM_ARN = (
    "arn:aws:dynamodb:us-east-1:000000000000:table/itemstream-prod-items/stream/2026-11-21T00:00"
)


def dead_letters(kind: QueueKind = "function") -> DeadLetterQueue:
    targets = {"function": FUNCTION_ARN, "queue": QUEUE_ARN, "rule": QUEUE_ARN, "unknown": ""}
    return DeadLetterQueue(
        name="image_processor",
        queue_name="itemstream-prod-image-processor-dead-letters",
        url="https://sqs.us-east-1.amazonaws.com/000000000000/x",
        arn="arn:aws:sqs:us-east-1:000000000000:x",
        kind=kind,
        belongs_to=targets[kind].rpartition(":")[2],
        target=targets[kind],
        depth=1,
        in_flight=0,
    )


def letter(body: Any, kind: QueueKind = "function", **attributes: str) -> Letter:
    message = {
        "MessageId": "m-1",
        "ReceiptHandle": "r-1",
        "Body": body if isinstance(body, str) else json.dumps(body),
        "Attributes": {"SentTimestamp": "1795240800000", "ApproximateReceiveCount": "2"},
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    }
    return read_letter(message, dead_letters(kind))


def destination_record(**more: Any) -> dict[str, Any]:
    context = {
        "requestId": "1",
        "functionArn": f"{FUNCTION_ARN}:live",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    return {"version": "1.0", "timestamp": "2026-11-21T06:00:00Z", "requestContext": context} | more


@pytest.mark.parametrize("kind", ["queue-message", "event", "stream-record"])
def test_a_letter_of_ours_says_itself_what_it_is(kind: str) -> None:
    # When
    read = letter(
        {"any": "thing"},
        Kind=kind,
        Reason="no such item",
        Source=QUEUE_ARN,
        Function="itemstream-prod-image-processor",
        FailedAt="2026-11-21T06:00:00.000+00:00",
    )

    # Then
    assert (read.kind, read.reason, read.source) == (kind, "no such item", QUEUE_ARN)
    assert read.function == "itemstream-prod-image-processor"
    assert read.failed_at == "2026-11-21T06:00:00.000+00:00"
    assert read.payload == {"any": "thing"}
    assert read.receives == 2


def test_a_record_too_large_for_its_letter_is_known_as_such() -> None:
    # When
    whole = letter({"eventID": "1"}, Kind="stream-record")
    trimmed = letter({"eventID": "1"}, Kind="stream-record", Trimmed="true")

    # Then
    assert (whole.trimmed, trimmed.trimmed) == (False, True)


def test_a_failed_invocation_tells_the_error_and_how_often_it_was_tried() -> None:
    # When
    read = letter(
        destination_record(
            requestPayload={"Records": []},
            responsePayload={"errorType": "KeyError", "errorMessage": "'s3'"},
        )
    )

    # Then
    assert read.kind == "invocation"
    assert read.reason == "RetriesExhausted after 3 attempts: KeyError: 's3'"
    assert read.function == "itemstream-prod-image-processor"
    assert read.failed_at == "2026-11-21T06:00:00Z"


def test_a_time_out_has_no_answer_but_an_error() -> None:
    read = letter(
        destination_record(requestPayload={}, responseContext={"functionError": "Unhandled"})
    )
    assert read.reason == "RetriesExhausted after 3 attempts: Unhandled"


def test_a_stream_pointer_tells_how_many_records_failed() -> None:
    # When
    read = letter(
        destination_record(DDBStreamBatchInfo={"batchSize": 7, "streamArn": STREAM_ARN}),
    )

    # Then
    assert (read.kind, read.source) == ("stream-pointer", STREAM_ARN)
    assert read.reason == "RetriesExhausted after 3 attempts: 7 records"


def test_what_a_rule_could_not_deliver_tells_why() -> None:
    # When
    read = letter(
        {"detail": {}},
        "rule",
        RULE_ARN="arn:aws:events:us-east-1:000000000000:rule/items",
        TARGET_ARN=QUEUE_ARN,
        ERROR_CODE="NO_PERMISSIONS",
        ERROR_MESSAGE="the queue says no",
    )

    # Then
    assert read.kind == "undelivered-event"
    assert read.reason == "NO_PERMISSIONS: the queue says no"


def test_what_a_schedule_could_not_deliver_is_for_the_function_that_it_names() -> None:
    # When
    schedule = "arn:aws:scheduler:us-east-1:000000000000:schedule/itemstream-prod/cleanup"
    function = "arn:aws:lambda:us-east-1:000000000000:function:itemstream-prod-cleanup-job:live"
    read = letter(
        {"schedule": "cleanup", "scheduled_time": "2026-11-21T03:00:00Z", "input": {}},
        "function",
        SCHEDULE_ARN=schedule,
        TARGET_ARN=function,
        ERROR_CODE="TooManyRequestsException",
        ERROR_MESSAGE="Rate exceeded",
    )

    # Then
    assert (read.kind, read.source) == ("undelivered-event", schedule)
    assert read.reason == "TooManyRequestsException: Rate exceeded"


@pytest.mark.parametrize(
    ("queue", "kind"),
    [("queue", "queue-message"), ("function", "event"), ("rule", "undelivered-event")],
)
def test_a_letter_without_a_word_is_what_its_queue_is_for(queue: QueueKind, kind: str) -> None:
    # When
    read = letter("not JSON", queue)

    # Then
    assert read.kind == kind
    assert read.reason
    assert read.payload == "not JSON"
    assert read.failed_at == "2026-11-21T06:00:00.000+00:00"


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("", True),
        ("kind == 'event'", True),
        ("kind == 'queue-message'", False),
        ("contains(reason, 'throttled')", True),
        ("payload.detail.tenant == 'demo' && receives < `3`", True),
        ("payload.detail.count", True),
        ("payload.detail.nothing", False),
        ("payload.detail.empty", False),
        ("attributes.Kind == 'event'", True),
        # A function is given what it cannot take: the letter is not meant, the rest goes on.
        ("contains(payload.detail.nothing, 'x')", False),
    ],
)
def test_a_condition_is_an_expression_over_what_is_shown(expression: str, holds: bool) -> None:
    # Given
    payload = {"detail": {"tenant": "demo", "count": 0, "empty": []}}
    read = letter(payload, Kind="event", Reason="it was throttled", FailedAt="x")

    # Then
    assert read_condition(expression).holds(read) is holds


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(ValueError, match="Unknown token"):
        read_condition("kind = event")


RECORD = {
    "eventName": "INSERT",
    "dynamodb": {
        "Keys": {"pk": {"S": "demo#2"}},
        "NewImage": {"kind": {"S": "event"}, "tags": {"L": [{"S": "a"}]}},
    },
}


def image(**rules: Any) -> dict[str, Any]:
    return {"dynamodb": {"NewImage": rules}}


@pytest.mark.parametrize(
    ("pattern", "lets_through"),
    [
        ({"eventName": ["INSERT"]}, True),
        ({"eventName": ["MODIFY", "REMOVE"]}, False),
        ({"eventName": ["INSERT"]} | image(kind={"S": ["event"]}), True),
        ({"eventName": ["INSERT"]} | image(kind={"S": ["head"]}), False),
        (image(kind={"S": [{"prefix": "ev"}]}), True),
        (image(kind={"S": [{"suffix": "ev"}]}), False),
        (image(kind={"S": [{"equals-ignore-case": "EVENT"}]}), True),
        (image(kind={"S": [{"anything-but": ["head"]}]}), True),
        (image(kind={"S": [{"anything-but": "event"}]}), False),
        (image(other={"S": [{"exists": False}]}), True),
        (image(other={"S": [{"exists": True}]}), False),
        (image(other={"S": ["event"]}), False),
        ({"$or": [{"eventName": ["REMOVE"]}, image(kind={"S": ["event"]})]}, True),
        ({"$or": [{"eventName": ["REMOVE"]}, {"eventName": ["MODIFY"]}]}, False),
    ],
)
def test_a_mappings_filter_holds_for_records_that_are_fetched_again(
    pattern: dict[str, Any], lets_through: bool
) -> None:
    assert passes(RECORD, [json.dumps(pattern)]) is lets_through


def test_one_of_several_filters_is_enough_and_none_lets_everything_through() -> None:
    never = json.dumps({"eventName": ["REMOVE"]})
    assert passes(RECORD, [never, json.dumps({"eventName": ["INSERT"]})])
    assert passes(RECORD, [])


def test_a_rule_that_is_not_known_is_not_guessed() -> None:
    pattern = json.dumps(image(kind={"S": [{"wildcard": "e*t"}]}))
    with pytest.raises(UnknownPattern, match="wildcard"):
        passes(RECORD, [pattern])


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (dt.timedelta(seconds=59), "59 s"),
        (dt.timedelta(minutes=61), "1 h 1 min"),
        (dt.timedelta(minutes=5, seconds=3), "5 min"),
        (dt.timedelta(days=13, hours=4), "13 d 4 h"),
    ],
)
def test_an_age_is_told_in_words(age: dt.timedelta, words: str) -> None:
    assert in_words(age) == words


def test_a_letter_is_shown_with_its_payload_cut(capsys: pytest.CaptureFixture[str]) -> None:
    # Given
    read = letter({"text": "x" * 5000}, Kind="event", Reason="[it] failed", FailedAt="now")

    # When
    print_letter(read, full=False, records="gone")
    cut = capsys.readouterr().out
    print_letter(read, full=True, records=[{"eventID": "1"}])
    whole = capsys.readouterr().out

    # Then
    assert "[it] failed" in cut
    assert "characters more: --full" in cut
    assert "gone" in cut
    assert whole.count("x") >= 5000
    assert '"eventID": "1"' in whole


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome(redriven=3), "3 redriven"),
        (Outcome(failed=1), "itemstream dlq show image_processor"),
        (Outcome(came_back=2), "2 failed again"),
        (Outcome(skipped=4), "4 do not match"),
        (Outcome(arrived=5), "5 arrived meanwhile"),
        (Outcome(interrupted=True), "Run the same command again"),
        (Outcome(notes=["made anew"]), "made anew"),
    ],
)
def test_the_end_of_a_redrive_says_what_is_to_be_done(
    outcome: Outcome, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # When
    print_outcome(outcome, Order(read_condition("")), dead_letters())

    # Then
    assert said in capsys.readouterr().err


def test_the_audit_shows_a_run_that_died_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    # Given
    common = {"who": "arn:aws:iam::1:user/ann", "user": "ann", "queue": "q", "filter": ""}
    common["action"] = "redrive"
    begins = {"run": "1", "phase": "begins", "at": "2026-11-21T06:00:00", **common}
    counts = {"redriven": 7, "failed": 0, "came_back": 0, "interrupted": False}

    # When
    print_audit([begins, {**begins, "run": "2"}, {**begins, "phase": "ends", **counts}])

    # Then
    done, died = capsys.readouterr().out.splitlines()[1:]
    assert "7" in done
    assert "done" in done
    assert "unknown" in died
