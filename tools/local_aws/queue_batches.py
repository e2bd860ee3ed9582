"""Permissions for the batch operations of queues.

AWS: sending, deleting and changing the visibility of a batch of messages is allowed by the
permission for a single one
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-using-identity-based-policies.html).
MiniStack 1.5.33: asks for permissions that do not exist, such as ``sqs:SendMessageBatch``, so that
no policy that is right on AWS allows them.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions

_SINGLE = {
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}


def apply() -> None:
    """Patch ``ministack.core.iam_actions``."""
    extract = iam_actions.extract_iam_action

    def extract_permission(*arguments: Any, **named: Any) -> str | None:
        action = extract(*arguments, **named)
        return _SINGLE.get(action, action) if action else None

    iam_actions.extract_iam_action = extract_permission
