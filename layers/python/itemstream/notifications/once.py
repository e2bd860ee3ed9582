"""At most one notification of an event on a topic, by Powertools' idempotency.

Before a notification is published a mark is put into the table ``notification_marks``, on condition
that there is none; afterwards the mark is completed and stays for 30 days, longer than any queue or
dead letter keeps the event. When publishing failed for certain, the mark is taken back, so that
another attempt may succeed.

What that cannot decide: a function that dies, or a topic that does not answer, after the mark and
before its completion leaves a mark that says "begun". Whether subscribers got the notification,
nobody can know. It is not sent again by itself: every further attempt within the hour fails, and
the event ends as a dead letter that says so. Whoever redrives it after that hour has decided that
it is to be sent, perhaps for the second time. (An event that waits in the queue for more than an
hour after such a death is sent again without anybody being asked.)
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyItemAlreadyExistsError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import STATUS_CONSTANTS
from botocore.exceptions import BotoCoreError, ClientError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.notifications.model import OutcomeUnknown
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from itemstream.notifications.model import Notification, Topic

__all__ = ["OnceSettings", "PublishedOnce"]

_LIFETIME = timedelta(days=30)
_UNDECIDED = timedelta(hours=1)


@dataclass(frozen=True)
class OnceSettings:
    """Environment of the functions that publish once."""

    notification_marks_table: str


class _KeepMark(BaseException):
    """Passes through Powertools, which takes its mark back for every ``Exception``."""


class _Unfinished:
    """
    Stands where Powertools looks for the time that is left to an invocation.

    It lets a mark that was begun and never completed expire with the invocation, and the next
    attempt publish again: at least once. Ours is to hold until somebody has looked.
    """

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return int(_UNDECIDED.total_seconds() * 1000)


class _Marks(DynamoDBPersistenceLayer):
    """
    Marks that each attempt knows for its own.

    A mark whose writing was not answered may be there all the same. Without this, the AWS client's
    next try would take it for another's, and an event that nobody has published would be asked
    about.
    """

    def _put_record(self, data_record: DataRecord) -> None:
        # The time until which it holds, in milliseconds, with a fraction that nobody else has.
        own = Decimal(data_record.in_progress_expiry_timestamp or 0)
        own += Decimal(secrets.randbelow(10**12)).scaleb(-12)
        data_record.in_progress_expiry_timestamp = cast("int", own)
        try:
            super()._put_record(data_record)
        except IdempotencyItemAlreadyExistsError as exists:
            mark = exists.old_data_record
            if mark is None or mark.in_progress_expiry_timestamp != own:
                raise
        except (BotoCoreError, ClientError):
            self._take_back(data_record.idempotency_key, own)
            raise

    def _take_back(self, key: str, own: Decimal) -> None:
        """Delete a mark that may have been written; nothing was published yet."""
        with suppress(BotoCoreError, ClientError):
            self.client.delete_item(
                TableName=self.table_name,
                Key=self._get_key(key),
                ConditionExpression="#until = :own AND #status = :begun",
                ExpressionAttributeNames={
                    "#until": self.in_progress_expiry_attr,
                    "#status": self.status_attr,
                },
                ExpressionAttributeValues={
                    ":own": {"N": str(own)},
                    ":begun": {"S": STATUS_CONSTANTS["INPROGRESS"]},
                },
            )


class PublishedOnce:
    """
    A topic on which each event is published at most once.

    Parameters
    ----------
    topic
        Where to publish.
    client
        DynamoDB client.
    settings
        The table of marks.
    """

    def __init__(self, topic: Topic, client: Any, settings: OnceSettings) -> None:
        self._topic = topic
        marks = _Marks(
            settings.notification_marks_table,
            key_attr="pk",
            expiry_attr="expires_at",
            in_progress_expiry_attr="undecided_until",
            boto3_client=client,
        )
        self._once = idempotent_function(
            self._publish,
            data_keyword_argument="key",
            persistence_store=marks,
            config=IdempotencyConfig(
                expires_after_seconds=int(_LIFETIME.total_seconds()),
                raise_on_no_idempotency_key=True,
                hash_function="sha256",
                lambda_context=cast("LambdaContext", _Unfinished()),
            ),
            key_prefix=f"notification#{topic.name}",
        )

    @classmethod
    def from_environment(cls, topic: Topic) -> PublishedOnce:
        """Make it on the table that the function's environment variables name."""
        return cls(topic, aws_client("dynamodb"), from_environment(OnceSettings))

    def publish(self, notification: Notification) -> None:
        """
        Publish a notification, unless its event was published before.

        Raises
        ------
        Refused, DependencyUnavailable
            As the topic raises them; there is no mark then.
        OutcomeUnknown
            If this or an earlier attempt may have published it.
        """
        published = False

        def publish() -> None:
            nonlocal published
            self._topic.publish(notification)
            published = True

        try:
            self._once(key=[notification.tenant, notification.event_id], publish=publish)
        except _KeepMark as kept:
            raise OutcomeUnknown(_advice(str(kept.__cause__))) from kept.__cause__
        except IdempotencyAlreadyInProgressError as begun:
            raise OutcomeUnknown(
                _advice("an earlier attempt to publish it has not said how it ended")
            ) from begun
        count("NotificationsPublished" if published else "NotificationsRepeated")
        logger.info(
            "published" if published else "published before",
            extra={
                "event_id": notification.event_id,
                "event_type": notification.type,
                "tenant": notification.tenant,
            },
        )

    @staticmethod
    def _publish(*, key: list[str], publish: Any) -> None:  # noqa: ARG004
        # What it returned would be stored with the mark.
        try:
            publish()
        except OutcomeUnknown as unknown:
            raise _KeepMark from unknown


def _advice(what: str) -> str:
    until = (datetime.now(UTC) + _UNDECIDED).isoformat(timespec="minutes")
    return f"{what}; if subscribers did not get it, redrive it after {until}"
