"""An event that EventBridge cannot deliver goes to its target's dead-letter queue.

AWS: a queue that is gone, or whose policy does not let the rule send, is not tried again: the
event goes to the queue that the target names under DeadLetterConfig, with the reason in the
message's attributes, and is lost without one
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html).
MiniStack 1.5.33: drops what a missing queue should have had, and asks no queue's policy.
"""

from contextvars import ContextVar
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import eventbridge, sqs

from tools.local_aws.destinations import send

# The rule and the target that an event is on its way to.
_on_the_way: ContextVar[tuple[dict[str, Any], dict[str, Any]] | None] = ContextVar(
    "on_the_way", default=None
)


def apply() -> None:
    """Patch ``ministack.services.eventbridge``."""
    invoke = eventbridge._invoke_target
    to_queue = eventbridge._dispatch_to_sqs

    def invoke_on_the_way(
        target: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None
    ) -> None:
        within = _on_the_way.set((rule, target))
        try:
            invoke(target, event, rule, view)
        finally:
            _on_the_way.reset(within)

    def to_queue_or_dead_letters(spec: Any, payload: str, parameters: Any = None) -> None:
        rule, target = _on_the_way.get() or ({}, {})
        if sqs._queue_by_arn(str(spec)) is None:
            _give_up(rule, target, payload, "NO_RESOURCE", "The queue does not exist")
        elif ":rule/" in rule.get("Arn", "") and not sqs.queue_policy_allows(
            str(spec), "events.amazonaws.com", rule["Arn"], get_account_id()
        ):
            _give_up(rule, target, payload, "NO_PERMISSIONS", "The queue's policy does not allow")
        else:
            to_queue(spec, payload, parameters)

    eventbridge._invoke_target = invoke_on_the_way
    eventbridge._dispatch_to_sqs = to_queue_or_dead_letters


def _give_up(
    rule: dict[str, Any], target: dict[str, Any], payload: str, code: str, message: str
) -> None:
    if dead_letters := (target.get("DeadLetterConfig") or {}).get("Arn"):
        attributes = {
            "RULE_ARN": rule.get("Arn") or "none",
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message,
        }
        values = {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        }
        send(dead_letters, payload, values)
