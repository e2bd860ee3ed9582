"""The AWS services that the platform stands on, each asked what costs least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from itemstream.aws import aws_client
from itemstream.health.probes import call_in_thread

if TYPE_CHECKING:
    from itemstream.health.probes import Probe

__all__ = ["AwsSettings", "aws_probes"]

# Long enough for one attempt that stays unheard (3 s) and another one.
_SECONDS = 5.0
_NOBODY = {"pk": {"S": "health#0"}, "sk": {"S": "00000000-0000-0000-0000-000000000000"}}


@dataclass(frozen=True)
class AwsSettings:
    """Environment that names one thing of each service; the rule with its bus before it."""

    items_table: str
    keys_bucket: str
    dead_letters_queue: str
    event_rule: str
    token_signing_secret: str


def aws_probes(settings: AwsSettings) -> list[Probe]:
    """Make the probes of DynamoDB, S3, SQS, EventBridge and Secrets Manager."""

    def dynamodb() -> None:
        # A key that no tenant has: names of tenants hold no "#".
        aws_client("dynamodb").get_item(
            TableName=settings.items_table, Key=_NOBODY, ProjectionExpression="pk"
        )

    def s3() -> None:
        aws_client("s3").head_bucket(Bucket=settings.keys_bucket)

    def sqs() -> None:
        # The checker's own, which it may look at anyway.
        aws_client("sqs").get_queue_url(QueueName=settings.dead_letters_queue)

    def eventbridge() -> None:
        bus, _, rule = settings.event_rule.partition("/")
        aws_client("events").describe_rule(Name=rule, EventBusName=bus)

    def secrets_manager() -> None:
        aws_client("secretsmanager").describe_secret(SecretId=settings.token_signing_secret)

    calls = {
        "dynamodb": dynamodb,
        "s3": s3,
        "sqs": sqs,
        "eventbridge": eventbridge,
        "secretsmanager": secrets_manager,
    }
    return [call_in_thread(part, call, _SECONDS) for part, call in calls.items()]
