"""Adding an image to an item: once, whatever else happens to the item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.items import ImagesFull, ItemNotFound
from itemstream.items.dynamodb import DynamoItems, DynamoItemsSettings
from itemstream.items.repository import AnyVersion
from tests.fakes.content import content, new_item
from tests.fakes.items import InMemoryItems
from tests.fakes.tables import ITEMS, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itemstream.items.repository import ItemRepository


@pytest.fixture(params=["memory", "dynamodb"])
def items(request: pytest.FixtureRequest, aws: None) -> Iterator[ItemRepository]:
    if request.param == "memory":
        yield InMemoryItems()
        return
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield DynamoItems(aws_client("dynamodb"), DynamoItemsSettings(ITEMS, 4))


def image(image_id: str) -> dict[str, Any]:
    return {"id": image_id, "animated": False, "renditions": [{"width": 128, "key": image_id}]}


def test_an_image_is_added_at_whatever_version_the_item_is(items: ItemRepository) -> None:
    # Given
    item = new_item()
    items.add(item)
    items.replace("acme", item.id, content(name="Ash"), versions={1}, updated_at="then")

    # When
    items.add_image("acme", item.id, image("a"), most=2, updated_at="later")
    added = items.add_image("acme", item.id, image("b"), most=2, updated_at="last")

    # Then
    assert added == items.get("acme", item.id)
    assert added.document == {
        **item.document,
        "name": "Ash",
        "images": [image("a"), image("b")],
        "version": 4,
        "updated_at": "last",
    }


def test_an_image_is_added_once(items: ItemRepository) -> None:
    # Given
    item = new_item()
    items.add(item)
    added = items.add_image("acme", item.id, image("a"), most=1, updated_at="later")

    # When
    other = {**image("a"), "animated": True}
    again = items.add_image("acme", item.id, other, most=1, updated_at="even later")

    # Then
    assert again == added == items.get("acme", item.id)
    assert again.document["images"] == [image("a")]


def test_an_item_takes_no_more_than_it_may(items: ItemRepository) -> None:
    # Given
    item = new_item()
    items.add(item)
    added = items.add_image("acme", item.id, image("a"), most=1, updated_at="later")

    # When, then
    with pytest.raises(ImagesFull):
        items.add_image("acme", item.id, image("b"), most=1, updated_at="later")
    assert items.get("acme", item.id) == added


@pytest.mark.parametrize("tenant", ["acme", "other"])
def test_an_item_that_is_gone_or_foreign_takes_none(items: ItemRepository, tenant: str) -> None:
    # Given
    item = new_item()
    items.add(item)
    if tenant == "acme":
        items.delete("acme", item.id, versions=AnyVersion())

    # When, then
    with pytest.raises(ItemNotFound):
        items.add_image(tenant, item.id, image("a"), most=1, updated_at="later")


def test_of_images_that_come_twice_each_is_there_once(items: ItemRepository) -> None:
    # Given
    item = new_item()
    items.add(item)
    names = [f"image {number}" for number in range(20)]

    # When each of them comes twice, and there is room for ten
    def add(name: str) -> bool:
        try:
            items.add_image("acme", item.id, image(name), most=10, updated_at="later")
        except ImagesFull:
            return False
        return True

    added = [add(name) for name in names * 2]

    # Then
    document = items.get("acme", item.id).document
    kept = [each["id"] for each in document["images"]]
    assert len(kept) == len(set(kept)) == 10
    assert document["version"] == 11
    assert {name for name, was in zip(names * 2, added, strict=True) if was} == set(kept)


def test_a_replacement_of_the_content_keeps_the_images(items: ItemRepository) -> None:
    item = new_item()
    items.add(item)
    items.add_image("acme", item.id, image("a"), most=1, updated_at="later")
    items.replace("acme", item.id, content(name="Ash"), versions={2}, updated_at="last")
    assert items.get("acme", item.id).document["images"] == [image("a")]


@pytest.mark.parametrize(
    ("code", "expected"),
    [("ThrottlingException", DependencyUnavailable), ("AccessDeniedException", ClientError)],
)
def test_only_what_may_pass_is_worth_another_try(code: str, expected: type[Exception]) -> None:
    class Failing:
        def update_item(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": code}}, "UpdateItem")

    items = DynamoItems(Failing(), DynamoItemsSettings(ITEMS, 4))
    with pytest.raises(expected):
        items.add_image("acme", "1", image("a"), most=1, updated_at="later")
