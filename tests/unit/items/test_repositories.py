"""What every item repository does: the fake that other tests use, and DynamoDB's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.items import Item, ItemExists, ItemNotFound, VersionMismatch, new_item_id
from itemstream.items.dynamodb import DynamoItems, DynamoItemsSettings
from itemstream.items.repository import AnyVersion, ItemFilter
from tests.fakes.content import content, new_item
from tests.fakes.items import InMemoryItems
from tests.fakes.tables import ITEMS, create_tables

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from itemstream.items.repository import ItemRepository


@pytest.fixture(params=["memory", "dynamodb"])
def items(request: pytest.FixtureRequest, aws: None) -> Iterator[ItemRepository]:
    if request.param == "memory":
        yield InMemoryItems()
        return
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield DynamoItems(aws_client("dynamodb"), DynamoItemsSettings(ITEMS, 4))


def stored(
    items: ItemRepository, count: int, tenant: str = "acme", **changes: object
) -> list[Item]:
    """Store items and return them, newest first."""
    made = [new_item(tenant, **changes) for _ in range(count)]
    for item in made:
        items.add(item)
    return made[::-1]


def listed(
    items: ItemRepository, wanted: ItemFilter, limit: int, tenant: str = "acme"
) -> list[str]:
    """Follow the pages to the end."""
    ids: list[str] = []
    before = None
    for _ in range(1000):
        page = items.page(tenant, wanted, limit=limit, before=before)
        assert len(page.items) <= limit
        ids += [item.id for item in page.items]
        if page.next_before is None:
            return ids
        before = page.next_before
    raise AssertionError("the list has no end")


def test_an_item_is_read_as_it_was_stored(items: ItemRepository) -> None:
    (item,) = stored(items, 1, category=None, price=None, tags=[], attributes={}, description="ü")
    found = items.get("acme", item.id)
    assert found == item
    assert list(found.document) == list(item.document)


def test_an_id_is_used_once(items: ItemRepository) -> None:
    (item,) = stored(items, 1)
    with pytest.raises(ItemExists):
        items.add(item)


def test_an_item_is_nobody_elses(items: ItemRepository) -> None:
    # Given
    (item,) = stored(items, 1)

    # When, then
    with pytest.raises(ItemNotFound):
        items.get("other", item.id)
    with pytest.raises(ItemNotFound):
        items.replace("other", item.id, content(), versions=AnyVersion(), updated_at="later")
    items.delete("other", item.id, versions=AnyVersion())
    assert listed(items, ItemFilter(), 10, "other") == []
    assert items.get("acme", item.id) == item


@pytest.mark.parametrize("versions", [{1}, {9, 1}, AnyVersion()])
def test_content_is_replaced_at_a_named_version(
    items: ItemRepository, versions: Container[int]
) -> None:
    # Given
    (item,) = stored(items, 1)
    change = content(name="Ash table", category=None, tags=[])

    # When
    replaced = items.replace("acme", item.id, change, versions=versions, updated_at="later")

    # Then
    expected = {**item.document, **change, "version": 2, "updated_at": "later"}
    assert replaced == Item("acme", expected)
    assert items.get("acme", item.id) == replaced


@pytest.mark.parametrize("versions", [{2}, {2, 3}, set()])
def test_an_item_at_another_version_stays_as_it_is(
    items: ItemRepository, versions: Container[int]
) -> None:
    # Given
    (item,) = stored(items, 1)

    # When, then
    with pytest.raises(VersionMismatch) as replaced:
        items.replace("acme", item.id, content(), versions=versions, updated_at="later")
    with pytest.raises(VersionMismatch) as deleted:
        items.delete("acme", item.id, versions=versions)
    assert (replaced.value.version, deleted.value.version) == (1, 1)
    assert items.get("acme", item.id) == item


@pytest.mark.parametrize("versions", [{1}, AnyVersion()])
def test_a_deleted_item_is_gone_and_deleting_it_again_is_no_error(
    items: ItemRepository, versions: Container[int]
) -> None:
    # Given
    (item,) = stored(items, 1)

    # When
    items.delete("acme", item.id, versions=versions)
    items.delete("acme", item.id, versions=versions)

    # Then
    with pytest.raises(ItemNotFound):
        items.get("acme", item.id)
    with pytest.raises(ItemNotFound):
        items.replace("acme", item.id, content(), versions=AnyVersion(), updated_at="later")
    assert listed(items, ItemFilter(), 10) == []
    assert listed(items, ItemFilter(category="furniture"), 10) == []


def test_what_is_not_there_is_not_found(items: ItemRepository) -> None:
    with pytest.raises(ItemNotFound):
        items.get("acme", new_item_id())


@pytest.mark.parametrize("limit", [1, 3, 12, 13, 100])
def test_pages_show_each_item_once_and_newest_first(items: ItemRepository, limit: int) -> None:
    made = stored(items, 13)
    stored(items, 2, "other")
    assert listed(items, ItemFilter(), limit) == [item.id for item in made]


def test_items_that_come_while_pages_are_read_change_none_of_them(items: ItemRepository) -> None:
    # Given
    made = stored(items, 9)
    first = items.page("acme", ItemFilter(), limit=4)

    # When
    stored(items, 5)
    rest = items.page("acme", ItemFilter(), limit=9, before=first.next_before)

    # Then
    assert [item.id for item in first.items + rest.items] == [item.id for item in made]


@pytest.mark.parametrize("limit", [1, 4, 50])
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ItemFilter(category="furniture"), {"active chair", "draft chair"}),
        (ItemFilter(status="draft"), {"draft chair", "draft book"}),
        (ItemFilter(category="furniture", status="draft"), {"draft chair"}),
        (ItemFilter(category="none such"), set()),
    ],
)
def test_lists_are_filtered(
    items: ItemRepository, wanted: ItemFilter, expected: set[str], limit: int
) -> None:
    # Given
    for name, category, status in [
        ("active chair", "furniture", "active"),
        ("draft chair", "furniture", "draft"),
        ("draft book", None, "draft"),
        ("old book", "books", "archived"),
    ]:
        stored(items, 3, name=name, category=category, status=status)

    # When
    found = listed(items, wanted, limit)

    # Then
    names = [items.get("acme", item_id).document["name"] for item_id in found]
    assert set(names) == expected
    assert len(found) == 3 * len(expected)
    assert found == sorted(found, reverse=True)


def test_an_item_moves_between_filtered_lists(items: ItemRepository) -> None:
    # Given
    (item,) = stored(items, 1)

    # When
    change = content(category="antiques", status="archived")
    items.replace("acme", item.id, change, versions={1}, updated_at="later")

    # Then
    assert listed(items, ItemFilter(category="furniture"), 10) == []
    assert listed(items, ItemFilter(category="antiques"), 10) == [item.id]

    # When
    items.replace("acme", item.id, content(category=None), versions={2}, updated_at="later")

    # Then
    assert listed(items, ItemFilter(category="antiques"), 10) == []
    assert listed(items, ItemFilter(status="active"), 10) == [item.id]
