"""A topic in SNS.

Every subscriber gets what suits its protocol: e-mail the text, programs (SQS, HTTPS, Lambda) a JSON
document of subject, text, page and event. The attributes ``tenant``, ``type`` and ``severity`` are
there for filter policies.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)
from botocore.exceptions import ConnectionError as AwsConnectionError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dead_letters import Refused
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.errors import error_code
from itemstream.notifications.model import OutcomeUnknown
from itemstream.observability.traces import subsegment

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.notifications.model import Notification

__all__ = ["SnsTopic", "SnsTopicSettings"]

# SNS API reference, Publish, "Message": 256 KB, which attributes count towards.
_LARGEST_MESSAGE = 262_144
_ROOM_FOR_ATTRIBUTES = 2_048
_PROGRAMS = ("sqs", "https", "lambda")

# SNS API reference, Publish, "Errors": what is wrong with this message and will stay wrong. All
# other errors are of the topic, its key or its permissions, which somebody can mend meanwhile.
_PERMANENT = frozenset(
    {
        "InvalidParameter",
        "InvalidParameterException",
        "InvalidParameterValue",
        "ParameterValueInvalid",
        "ValidationError",
        "ValidationException",
    }
)
_THROTTLED = frozenset({"KMSThrottling", "Throttled", "Throttling", "ThrottlingException"})
# After this a connection may have been closed by the other side, unnoticed while Lambda held the
# process still; a request sent into it would end with its outcome unknown.
_LONGEST_IDLE_SECONDS = 3


@dataclass(frozen=True)
class SnsTopicSettings:
    """Environment of the functions that publish notifications."""

    notifications_topic_arn: str


class SnsTopic:
    """
    A topic in SNS; see :class:`itemstream.notifications.model.Topic`.

    Parameters
    ----------
    client
        An SNS client that makes one attempt.
    arn
        The topic.
    clock
        Seconds, monotonic.
    """

    def __init__(
        self, client: Any, arn: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._arn = arn
        self._clock = clock
        self._used_at = clock()

    @classmethod
    def from_environment(cls) -> SnsTopic:
        """Make the topic that the function's environment variables describe."""
        client = aws_client("sns")
        # A call that got no answer may have been heard, and repeating it would publish twice. What
        # failed for certain is tried again through the queue. botocore has no switch for that on a
        # client that is made; this is the name under which it listens for failed attempts.
        client.meta.events.unregister("needs-retry.sns", unique_id="retry-config-sns")
        return cls(client, from_environment(SnsTopicSettings).notifications_topic_arn)

    @property
    def name(self) -> str:
        """The topic's name."""
        return self._arn.rpartition(":")[2]

    def publish(self, notification: Notification) -> None:
        """Publish it, in one attempt."""
        if self._clock() - self._used_at > _LONGEST_IDLE_SECONDS:
            self._client.close()
        try:
            with subsegment("SNS", namespace="aws"):
                self._client.publish(
                    TopicArn=self._arn,
                    Subject=notification.subject,
                    Message=_message(notification),
                    MessageStructure="json",
                    MessageAttributes={
                        name: {"DataType": "String", "StringValue": value}
                        for name, value in {
                            "tenant": notification.tenant,
                            "type": notification.type,
                            "severity": notification.severity,
                        }.items()
                    },
                )
        except ClientError as error:
            # SNS answered, and its answer is that it did not publish.
            if error_code(error) in _PERMANENT:
                raise Refused(f"SNS refuses it: {error}") from error
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            if status >= 500 or error_code(error) in _THROTTLED:
                raise DependencyUnavailable("SNS") from error
            raise
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise DependencyUnavailable("SNS") from error
        except (AwsConnectionError, HTTPClientError) as error:
            raise OutcomeUnknown("SNS was asked to publish it and did not answer") from error
        finally:
            self._used_at = self._clock()


def _message(notification: Notification) -> str:
    """Write a message for each protocol, with less of the event where all of it is too much."""
    message = _for_protocols(notification, notification.event)
    if len(message.encode()) > _LARGEST_MESSAGE - _ROOM_FOR_ATTRIBUTES:
        from itemstream.events.envelope import referenced

        message = _for_protocols(notification, referenced(notification.event))
    return message


def _for_protocols(notification: Notification, event: dict[str, Any]) -> str:
    document = json.dumps(
        {
            "subject": notification.subject,
            "text": notification.text,
            "html": notification.html,
            "event": event,
        }
    )
    # E-mail gets the default.
    return json.dumps({"default": notification.text, **dict.fromkeys(_PROGRAMS, document)})
