"""What goes with an environment is said before it goes, and what is protected stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tools.environments import emptying
from tools.environments.emptying import count_versions, empty_bucket
from tools.environments.losses import kept_by, protected

if TYPE_CHECKING:
    from tools.infrastructure.signing_in import SignedIn


def state(**attributes: dict[str, Any]) -> dict[str, Any]:
    """Return a state with one resource of each type."""
    return {
        "resources": [
            {"mode": "managed", "type": kind, "instances": [{"attributes": values}]}
            for kind, values in attributes.items()
        ]
    }


@pytest.fixture
def bucket(caller: SignedIn) -> str:
    """A bucket with five versions of two objects, one of which is deleted."""
    s3 = caller.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    for key in ("a b+c%/ü", "a b+c%/ü", "b", "b"):
        s3.put_object(Bucket="kept", Key=key, Body=b"")
    s3.delete_object(Bucket="kept", Key="b")
    return "kept"


def test_everything_that_is_kept_is_told(caller: SignedIn, bucket: str) -> None:
    # Given
    caller.client("dynamodb").create_table(
        TableName="items",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    caller.client("dynamodb").put_item(TableName="items", Item={"pk": {"S": "1"}})
    found = state(
        aws_dynamodb_table={"id": "items", "name": "items"},
        aws_s3_bucket={"id": bucket, "bucket": bucket},
        aws_db_instance={"id": "db", "allocated_storage": 20, "skip_final_snapshot": False},
        aws_secretsmanager_secret={"name": "token-signing"},
        aws_sqs_queue={"name": "told by nobody"},
    )

    # Then
    assert kept_by(caller, found) == [
        "table items: about 1 items",
        "bucket kept: 5 versions of objects",
        "database db: 20 GB of MySQL; a last snapshot stays",
        "secret token-signing",
    ]


def test_what_is_gone_already_is_no_problem(caller: SignedIn) -> None:
    found = state(aws_dynamodb_table={"name": "gone"}, aws_s3_bucket={"bucket": "gone"})
    assert kept_by(caller, found) == [
        "table gone: about 0 items",
        "bucket gone: 0 versions of objects",
    ]


def test_what_refuses_to_be_deleted_is_found() -> None:
    assert protected(
        state(
            aws_dynamodb_table={"id": "items", "deletion_protection_enabled": True},
            aws_db_instance={"id": "db", "deletion_protection": False},
        )
    ) == ["items"]


def test_every_version_and_mark_is_deleted_and_again_there_is_nothing_to_do(
    caller: SignedIn, bucket: str
) -> None:
    # When
    reports: list[str] = []
    deleted = empty_bucket(caller, bucket, reports.append)

    # Then
    assert deleted == 5
    assert reports == ["5 versions deleted"]
    assert count_versions(caller, bucket) == 0
    assert empty_bucket(caller, bucket, reports.append) == 0


def test_more_versions_than_s3_deletes_at_once_are_deleted(
    caller: SignedIn, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a limit of two in place of a thousand
    monkeypatch.setattr(emptying, "_AT_ONCE", 2)
    reports: list[str] = []

    # Then
    assert count_versions(caller, bucket) == 5
    assert empty_bucket(caller, bucket, reports.append) == 5
    assert len(reports) == 3
    assert count_versions(caller, bucket) == 0
