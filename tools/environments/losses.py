"""What an environment keeps, and so what goes when it is destroyed; and what protects it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.environments.emptying import count_versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.infrastructure.signing_in import SignedIn

__all__ = ["attributes_of", "kept_by", "protected"]

# Attributes by which a resource refuses to be deleted.
_PROTECTION = {
    "aws_db_instance": "deletion_protection",
    "aws_dynamodb_table": "deletion_protection_enabled",
}


def attributes_of(state: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """Yield the attributes of all resources of one of Terraform's types in a state."""
    for resource in state.get("resources", ()):
        if resource["mode"] == "managed" and resource["type"] == kind:
            for instance in resource["instances"]:
                yield instance["attributes"]


def protected(state: dict[str, Any]) -> list[str]:
    """List what refuses to be deleted, by its id."""
    return sorted(
        str(values["id"])
        for kind, protection in _PROTECTION.items()
        for values in attributes_of(state, kind)
        if values.get(protection)
    )


def kept_by(caller: SignedIn, state: dict[str, Any]) -> list[str]:
    """
    Say in words, one line for each, what would be lost.

    A table's number of items is DynamoDB's own, some hours old.
    """
    return [
        *(
            f"table {values['name']}: about {_items(caller, values['name'])} items"
            for values in attributes_of(state, "aws_dynamodb_table")
        ),
        *(
            f"bucket {values['bucket']}: {count_versions(caller, values['bucket'])} versions of "
            "objects"
            for values in attributes_of(state, "aws_s3_bucket")
        ),
        *(
            f"database {values['id']}: {values['allocated_storage']} GB of MySQL"
            + ("" if values.get("skip_final_snapshot") else "; a last snapshot stays")
            for values in attributes_of(state, "aws_db_instance")
        ),
        *(
            f"secret {values['name']}"
            for values in attributes_of(state, "aws_secretsmanager_secret")
        ),
        *(
            f"event archive {values['name']}"
            for values in attributes_of(state, "aws_cloudwatch_event_archive")
        ),
    ]


def _items(caller: SignedIn, table: str) -> int:
    try:
        answer = caller.client("dynamodb").describe_table(TableName=table)
    except ClientError:
        # Gone already, by a run that was interrupted.
        return 0
    return int(answer["Table"]["ItemCount"])
