"""A sender that dies when its notification is out and its mark says no more than "begun"."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from tests.fakes.event_sources import queue_message
from tests.fakes.notified_events import cloud_event, from_the_bus
from tests.resilience.faults import BROKEN, AwsCall, Fault, faults_between, kill
from tests.subscribers import subscribed
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.local_stack import LocalStack

SENDER = "notification_sender"


def invoke(stack: LocalStack, event: dict[str, Any], *, receives: int = 1) -> dict[str, Any]:
    """Hand the sender a message, and return its answer and whether it failed."""
    record = queue_message(from_the_bus(event), receives=receives)
    record["eventSourceARN"] = stack.status["queues"]["notifications"]["arn"]
    answer = stack.client("lambda").invoke(
        FunctionName=stack.function(SENDER),
        Qualifier="live",
        Payload=json.dumps({"Records": [record]}),
    )
    return {"failed": "FunctionError" in answer, **json.loads(answer["Payload"].read() or "{}")}


def last_receive(stack: LocalStack) -> int:
    attributes = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.status["queues"]["notifications"]["url"], AttributeNames=["RedrivePolicy"]
    )["Attributes"]
    return int(json.loads(attributes["RedrivePolicy"])["maxReceiveCount"])


def take_letter(stack: LocalStack, event: dict[str, Any]) -> dict[str, Any] | None:
    sqs, url = stack.client("sqs"), stack.status["queues"]["notifications_dead_letters"]["url"]
    messages = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1, MessageAttributeNames=["All"]
    ).get("Messages", [])
    for message in messages:
        if event["id"] in message["Body"]:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return dict(message)
    return None


def test_what_may_be_out_already_is_not_sent_again_but_asked_about(stack: LocalStack) -> None:
    # Given
    tenant = f"t-{uuid4().hex[:12]}"
    event = cloud_event(tenant=tenant)
    deaths: list[int] = []

    def publish_and_kill(call: AwsCall) -> Fault | None:
        """Let the notification out, and the process that sent it end before it hears of that."""
        if tenant not in call.body.decode():
            return None
        scope = f"Credential=test/20261121/{stack.status['region']}/sns/aws4_request"
        httpx.post(
            stack.status["aws_endpoint_url"],
            content=call.body,
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
            },
        ).raise_for_status()
        deaths.append(kill(stack, SENDER))
        return BROKEN

    with subscribed(stack, tenant=[tenant]) as subscriber:
        with faults_between(stack, SENDER, "SNS") as proxy:
            proxy.decide = publish_and_kill

            # When
            first = invoke(stack, event)

        # Then subscribers have it, and the function died
        assert first["failed"]
        assert deaths
        assert deaths[0] >= 1
        (message,) = eventually(subscriber.take, what="the notification")
        assert json.loads(message["Message"])["event"]["id"] == event["id"]

        # When it is tried again, and for the last time
        again = invoke(stack, event, receives=2)
        last = invoke(stack, event, receives=last_receive(stack))

        # Then nobody hears of it twice, and the dead letter says what has to be looked at
        assert len(again["batchItemFailures"]) == 1
        assert last["batchItemFailures"] == []
        letter = eventually(lambda: take_letter(stack, event), what="a dead letter")
        assert letter is not None
        reason = letter["MessageAttributes"]["Reason"]["StringValue"]
        assert "an earlier attempt to publish it has not said how it ended" in reason
        assert "if subscribers did not get it, redrive it after" in reason
        assert subscriber.take() == []
