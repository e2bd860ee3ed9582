"""Dead letters of an environment on AWS, as moto plays it; and a run that is interrupted."""

from __future__ import annotations

import datetime as dt
import os
import signal
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from moto import mock_aws

from tools.dead_letters import accounts
from tools.dead_letters.accounts import aws_problems, open_account
from tools.dead_letters.conditions import read_condition
from tools.dead_letters.queues import dead_letter_queues, find_queue, oldest_age
from tools.dead_letters.redriving import Order, Outcome, interruptible, redrive
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN = "arn:aws:sqs:us-east-1:123456789012"


@pytest.fixture
def sqs(aws: None) -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("sqs")


def make_queue(sqs: Any, name: str) -> str:
    """Make a queue with dead letters as modules/queue does; return the URL of these."""
    sqs.create_queue(QueueName=name)
    return str(sqs.create_queue(QueueName=f"{name}-dead-letters")["QueueUrl"])


def test_only_the_dead_letters_of_the_environment_are_found(sqs: Any) -> None:
    # Given
    for environment in ("prod", "staging"):
        make_queue(sqs, f"itemstream-{environment}-notifications")
    make_queue(sqs, "another-prod-notifications")

    # When
    [queue] = dead_letter_queues(open_account("prod"))

    # Then
    assert queue.name == "notifications"
    assert queue.queue_name == "itemstream-prod-notifications-dead-letters"
    assert (queue.kind, queue.belongs_to) == ("queue", "itemstream-prod-notifications")
    assert queue.target == f"{ARN}:itemstream-prod-notifications"


@pytest.mark.parametrize(
    "name",
    ["notifications", "notifications_dead_letters", "itemstream-prod-notifications-dead-letters"],
)
def test_a_queue_is_found_by_each_of_its_names(sqs: Any, name: str) -> None:
    make_queue(sqs, "itemstream-prod-notifications")
    assert find_queue(open_account("prod"), name).name == "notifications"


def test_a_wrong_name_is_told_the_right_ones(sqs: Any) -> None:
    make_queue(sqs, "itemstream-prod-notifications")
    with pytest.raises(LookupError, match="It has: notifications"):
        find_queue(open_account("prod"), "notification")


def test_rules_are_found_on_every_page_of_buses(sqs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given: two buses, of which the API tells one at a time
    sqs.create_queue(QueueName="itemstream-prod-late-rule-dead-letters")
    events = boto3.client("events")
    for name in ("early", "late"):
        bus = f"itemstream-prod-{name}"
        events.create_event_bus(Name=bus)
        events.put_rule(Name=f"{bus}-rule", EventBusName=bus, EventPattern='{"source": ["x"]}')
        events.put_targets(
            Rule=f"{bus}-rule",
            EventBusName=bus,
            Targets=[
                {
                    "Id": "1",
                    "Arn": f"{ARN}:somewhere",
                    "DeadLetterConfig": {"Arn": f"{ARN}:{bus}-rule-dead-letters"},
                }
            ],
        )
    call = BaseClient._make_api_call

    def one_at_a_time(client: Any, operation: str, what: dict[str, Any]) -> Any:
        if operation != "ListEventBuses":
            return call(client, operation, what)
        buses = call(client, operation, {"NamePrefix": what["NamePrefix"]})["EventBuses"]
        place = int(what.get("NextToken", 0))
        more = {"NextToken": str(place + 1)} if place + 1 < len(buses) else {}
        return {"EventBuses": buses[place : place + 1], **more}

    monkeypatch.setattr(BaseClient, "_make_api_call", one_at_a_time)

    # When
    [queue] = dead_letter_queues(open_account("prod"))

    # Then
    assert (queue.kind, queue.belongs_to) == ("rule", "itemstream-prod-late-rule")


def test_a_letter_goes_back_on_aws(sqs: Any) -> None:
    # Given
    url = make_queue(sqs, "itemstream-prod-notifications")
    sqs.send_message(QueueUrl=url, MessageBody="the body")
    account = open_account("prod")
    outcome = Outcome()

    # When
    with interruptible() as stop:
        order = Order(read_condition(""))
        queue = find_queue(account, "notifications")
        redrive(account, queue, order, stop, lambda _: None, outcome)

    # Then
    assert (outcome.redriven, outcome.well) == (1, True)
    source = url.removesuffix("-dead-letters")
    [message] = sqs.receive_message(QueueUrl=source)["Messages"]
    assert message["Body"] == "the body"


def test_the_oldest_age_is_what_cloudwatch_says(sqs: Any) -> None:
    # Given
    url = make_queue(sqs, "itemstream-prod-notifications")
    sqs.send_message(QueueUrl=url, MessageBody="one")
    account = open_account("prod")
    account.client("cloudwatch").put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [
                    {"Name": "QueueName", "Value": "itemstream-prod-notifications-dead-letters"}
                ],
                "Value": 86400.0,
                "Timestamp": dt.datetime.now(dt.UTC) - dt.timedelta(minutes=2),
            }
        ],
    )

    # Then
    assert oldest_age(account, find_queue(account, "notifications")) == dt.timedelta(days=1)


def test_without_figures_the_messages_tell_their_age_and_stay_visible(sqs: Any) -> None:
    # Given
    url = make_queue(sqs, "itemstream-prod-notifications")
    account = open_account("prod")
    assert oldest_age(account, find_queue(account, "notifications")) is None
    sqs.send_message(QueueUrl=url, MessageBody="one")

    # When
    age = oldest_age(account, find_queue(account, "notifications"))

    # Then
    assert age is not None
    assert age < dt.timedelta(minutes=1)
    assert sqs.receive_message(QueueUrl=url)["Messages"]


def test_an_environment_that_is_none_is_told_those_there_are() -> None:
    with pytest.raises(Problem, match="dev, local, prod, staging"):
        open_account("production")


def test_who_is_not_signed_in_is_told_how(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    class Nobody(accounts.Account):
        def client(self, service: str, **settings: Any) -> Any:
            raise NoCredentialsError

    monkeypatch.setattr(accounts, "Account", Nobody)

    # Then
    with pytest.raises(Problem, match="aws sso login"):
        open_account("prod")


def test_without_a_region_none_is_guessed(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(Problem, match="Set AWS_REGION"):
        open_account("prod")


def test_a_missing_right_is_told_with_where_rights_are_listed(sqs: Any) -> None:
    # Given
    account = open_account("prod")
    denied = {"Error": {"Code": "AccessDenied", "Message": "no"}}

    # Then
    with (
        pytest.raises(Problem, match="You may not call ListQueues") as raised,
        aws_problems(account),
    ):
        raise ClientError(denied, "ListQueues")
    assert "docs/runbooks/dead-letters.md" in str(raised.value)


def test_an_aws_that_is_silent_is_told_as_such(sqs: Any) -> None:
    account = open_account("prod")
    with pytest.raises(Problem, match="does not answer"), aws_problems(account):
        raise EndpointConnectionError(endpoint_url="https://sqs")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interruption_ends_a_run_in_peace_the_second_at_once(
    number: signal.Signals,
) -> None:
    # Given
    former = signal.signal(number, signal.default_int_handler)
    try:
        with interruptible() as stop:
            # When
            os.kill(os.getpid(), number)
            assert stop.wait(5)

            # Then
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, former)
