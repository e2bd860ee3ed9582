"""How items lie in DynamoDB, and what its failures mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.items import dynamodb
from itemstream.items.dynamodb import DynamoItems, DynamoItemsSettings
from itemstream.items.repository import AnyVersion, ItemFilter
from itemstream.items.shards import shard_of
from tests.fakes.content import content, new_item
from tests.fakes.tables import ITEMS, create_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SETTINGS = DynamoItemsSettings(ITEMS, 4)


@pytest.fixture
def client(aws: None) -> Iterator[Any]:
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield aws_client("dynamodb")


@pytest.fixture
def items(client: Any, monkeypatch: pytest.MonkeyPatch) -> DynamoItems:
    monkeypatch.setenv("ITEMS_TABLE", ITEMS)
    monkeypatch.setenv("ITEMS_SHARDS", "4")
    return DynamoItems.from_environment()


class Intercepted:
    """A client that answers some calls otherwise."""

    def __init__(self, client: Any, **answers: Callable[..., Any]) -> None:
        self._client = client
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        return self._answers.get(name) or getattr(self._client, name)


def failing(error: Exception) -> Any:
    def fail(**_kwargs: Any) -> Any:
        raise error

    calls = ("get_item", "put_item", "update_item", "delete_item", "query", "batch_get_item")
    return Intercepted(None, **dict.fromkeys(calls, fail))


def client_error(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Any",
    )


def test_keys_name_tenant_shard_and_id(client: Any, items: DynamoItems) -> None:
    # Given
    item = new_item(category="furniture", status="draft")
    items.add(item)

    # When
    (row,) = client.scan(TableName=ITEMS)["Items"]

    # Then
    partition = f"acme#{shard_of(item.id, 4)}"
    assert row["pk"] == {"S": partition}
    assert row["sk"] == {"S": item.id}
    assert row["category_key"] == {"S": f"{partition}#furniture"}
    assert row["status_key"] == {"S": f"{partition}#draft"}


def test_items_without_a_category_are_in_no_category_list(client: Any, items: DynamoItems) -> None:
    # Given
    item = new_item()
    items.add(item)

    # When
    items.replace("acme", item.id, content(category=None), versions={1}, updated_at="later")

    # Then
    assert client.scan(TableName=ITEMS, IndexName="by_category")["Count"] == 0
    assert client.scan(TableName=ITEMS, IndexName="by_status")["Count"] == 1


def test_an_index_that_lags_shows_nothing_that_no_longer_fits(client: Any) -> None:
    # Given an index that still names an item that was moved, and one that was deleted
    items = DynamoItems(client, SETTINGS)
    moved, deleted, kept = new_item(category="a"), new_item(category="a"), new_item(category="a")
    for item in (moved, deleted, kept):
        items.add(item)
    stale = {
        shard: client.query(
            TableName=ITEMS,
            IndexName="by_category",
            ScanIndexForward=False,
            KeyConditionExpression="category_key = :p",
            ExpressionAttributeValues={":p": {"S": f"acme#{shard}#a"}},
        )
        for shard in range(4)
    }
    items.replace("acme", moved.id, content(category="b"), versions={1}, updated_at="later")
    items.delete("acme", deleted.id, versions={1})

    def query(**kwargs: Any) -> Any:
        partition = kwargs["ExpressionAttributeValues"][":partition"]["S"]
        return stale[int(partition.split("#")[1])]

    # When
    page = DynamoItems(Intercepted(client, query=query), SETTINGS).page(
        "acme", ItemFilter(category="a"), limit=10
    )

    # Then
    assert [item.id for item in page.items] == [kept.id]


def test_a_page_that_would_read_too_much_is_short_and_goes_on(
    items: DynamoItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given few matches among many, and a page that may look at four items
    monkeypatch.setattr(dynamodb, "PAGE_READS", 2)
    monkeypatch.setattr(dynamodb, "BATCH_KEYS", 2)
    made = [
        new_item(category="a", status="active" if number % 6 == 0 else "draft")
        for number in range(12)
    ]
    for item in made:
        items.add(item)

    # When
    wanted = ItemFilter("a", "active")
    pages = [items.page("acme", wanted, limit=5)]
    while pages[-1].next_before is not None:
        pages.append(items.page("acme", wanted, limit=5, before=pages[-1].next_before))

    # Then
    found = [item.id for page in pages for item in page.items]
    assert found == [made[6].id, made[0].id]
    assert pages[0].items == []
    assert len(pages) > 2


def test_keys_that_dynamodb_did_not_get_to_are_asked_for_again(client: Any) -> None:
    # Given
    made = [new_item(category="a") for _ in range(6)]
    for item in made:
        DynamoItems(client, SETTINGS).add(item)
    asked: list[int] = []

    def batch_get_item(RequestItems: Any) -> Any:  # noqa: N803
        keys = RequestItems[ITEMS]["Keys"]
        assert RequestItems[ITEMS]["ConsistentRead"] is True
        asked.append(len(keys))
        some = {ITEMS: {"Keys": keys[:2], "ConsistentRead": True}}
        answer = client.batch_get_item(RequestItems=some)
        return {**answer, "UnprocessedKeys": {ITEMS: {"Keys": keys[2:]}} if keys[2:] else {}}

    # When
    items = DynamoItems(Intercepted(client, batch_get_item=batch_get_item), SETTINGS)
    page = items.page("acme", ItemFilter(category="a"), limit=10)

    # Then
    assert [item.id for item in page.items] == [item.id for item in reversed(made)]
    assert asked == [6, 4, 2]


def test_a_dynamodb_that_gets_to_no_key_is_unavailable(client: Any) -> None:
    # Given
    DynamoItems(client, SETTINGS).add(new_item(category="a"))

    def batch_get_item(RequestItems: Any) -> Any:  # noqa: N803
        return {"Responses": {}, "UnprocessedKeys": RequestItems}

    items = DynamoItems(Intercepted(client, batch_get_item=batch_get_item), SETTINGS)

    # When, then
    with pytest.raises(DependencyUnavailable):
        items.page("acme", ItemFilter(category="a"), limit=10)


CALLS: dict[str, Callable[[DynamoItems], object]] = {
    "get": lambda items: items.get("acme", "1"),
    "add": lambda items: items.add(new_item()),
    "replace": lambda items: items.replace(
        "acme", "1", content(), versions={1}, updated_at="later"
    ),
    "delete": lambda items: items.delete("acme", "1", versions=AnyVersion()),
    "page": lambda items: items.page("acme", ItemFilter(), limit=1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException"),
        client_error("ProvisionedThroughputExceededException"),
        client_error("RequestLimitExceeded"),
        client_error("InternalServerError", 500),
        client_error("", 503),
        ConnectTimeoutError(endpoint_url="https://dynamodb"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
    ],
    ids=str,
)
def test_throttles_and_outages_make_dynamodb_unavailable(
    call: Callable[[DynamoItems], object], error: Exception
) -> None:
    with pytest.raises(DependencyUnavailable) as unavailable:
        call(DynamoItems(failing(error), SETTINGS))
    assert unavailable.value.dependency == "DynamoDB"
    assert unavailable.value.retry_after >= 1


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
def test_faults_of_ours_stay_visible(call: Callable[[DynamoItems], object], code: str) -> None:
    with pytest.raises(ClientError, match=code):
        call(DynamoItems(failing(client_error(code)), SETTINGS))
