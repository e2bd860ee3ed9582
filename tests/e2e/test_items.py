"""The life of an item over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin
from uuid import UUID

from tests.local_stack import assert_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_stack import Caller

MISSING = "01900000-0000-7000-8000-000000000000"
FULL = {
    "name": "Oak table – größer",
    "description": "Seats eight.\n\tOiled.",
    "category": "furniture",
    "status": "active",
    "price": {"amount": 129900, "currency": "EUR"},
    "quantity": 3,
    "tags": ["oak", "Ｈandmade 🪑"],
    "attributes": {"width": "180 cm"},
}


def test_an_item_is_created_read_replaced_and_deleted(caller: Caller) -> None:
    # Given
    created = caller.create(FULL)

    # Then it is as it was written, with what the platform adds
    assert created.status_code == 201
    item = created.json()
    assert {name: item[name] for name in FULL} == FULL
    assert UUID(item["id"]).version == 7
    assert item["version"] == 1
    assert item["images"] == []
    assert item["created_at"] == item["updated_at"]
    assert item["created_at"].endswith("Z")
    assert item["created_by"] == "tester"
    assert created.headers["etag"] == '"1"'

    # When it is read at its location
    address = urljoin(str(created.url), created.headers["location"])
    read = caller.http.get(address)

    # Then it is the same
    assert read.status_code == 200
    assert read.json() == item
    assert read.headers["etag"] == created.headers["etag"]

    # When it is replaced
    replaced = caller.put(item["id"], {"name": "Table"}, '"1"')

    # Then what was not said again is gone, and the version counts on
    assert replaced.status_code == 200
    assert replaced.headers["etag"] == '"2"'
    assert replaced.json()["price"] is None
    assert replaced.json()["tags"] == []
    assert replaced.json()["created_at"] == item["created_at"]
    assert caller.get(item["id"]).json() == replaced.json()

    # When it is deleted, and deleted again
    assert caller.delete(item["id"], '"2"').status_code == 204
    assert caller.delete(item["id"], '"2"').status_code == 204

    # Then it is gone
    assert_problem(caller.get(item["id"]), 404)
    assert_problem(caller.put(item["id"], {"name": "Table"}, '"2"'), 404)


def test_a_current_copy_is_not_sent_again(caller: Caller) -> None:
    # Given
    item = caller.created()

    # When / Then
    for current in ('"1"', 'W/"1"', '"7", "1"', "*"):
        answer = caller.get(item["id"], If_None_Match=current)
        assert answer.status_code == 304, current
        assert answer.content == b""
        assert answer.headers["etag"] == '"1"'
    assert caller.get(item["id"], If_None_Match='"2"').status_code == 200


def test_a_change_needs_the_version_it_was_decided_on(caller: Caller) -> None:
    # Given an item that somebody has changed
    item = caller.created()
    caller.put(item["id"], {"name": "Theirs"}, '"1"')

    # When / Then
    stale = caller.put(item["id"], {"name": "Mine"}, '"1"')
    assert_problem(stale, 412)
    assert_problem(caller.delete(item["id"], '"1"'), 412)
    assert_problem(caller.put(item["id"], {"name": "Mine"}, 'W/"2"'), 412)
    assert_problem(caller.http.put(f"items/{item['id']}", json={"name": "Mine"}), 428)
    assert_problem(caller.http.delete(f"items/{item['id']}"), 428)
    assert_problem(caller.put(item["id"], {"name": "Mine"}, "2"), 400, "If-Match")
    assert caller.get(item["id"]).json()["name"] == "Theirs"
    assert caller.put(item["id"], {"name": "Mine"}, "*").status_code == 200


def test_lists_show_the_newest_first_and_can_be_filtered(caller: Caller) -> None:
    # Given
    made = [
        caller.created(
            name=f"Item {n}",
            category="even" if n % 2 == 0 else "odd",
            status=["draft", "active", "archived"][n % 3],
        )
        for n in range(12)
    ]
    newest_first = [item["id"] for item in reversed(made)]

    def listed(**query: str) -> list[str]:
        return [item["id"] for page in caller.pages(**query) for item in page]

    def expected(**content: str) -> list[str]:
        return [i["id"] for i in reversed(made) if content.items() <= i.items()]

    # When / Then
    assert listed() == newest_first
    assert listed(limit="5") == newest_first
    assert listed(category="odd") == expected(category="odd")
    assert listed(status="draft", limit="2") == expected(status="draft")
    both = listed(category="even", status="active")
    assert both == expected(category="even", status="active")
    assert listed(category="none") == []
    first = next(caller.pages())
    assert first == list(reversed(made))


def test_a_filtered_list_follows_a_change(caller: Caller) -> None:
    # Given
    item = caller.created(category="before", status="draft")

    # When
    caller.put(item["id"], {"name": "A thing", "category": "after", "status": "active"}, '"1"')

    # Then
    assert next(caller.pages(category="before")) == []
    assert [i["id"] for i in next(caller.pages(category="after"))] == [item["id"]]
    assert [i["id"] for i in next(caller.pages(status="active"))] == [item["id"]]
    assert next(caller.pages(status="draft")) == []


def test_tenants_see_and_touch_only_their_own(make_caller: Callable[..., Caller]) -> None:
    # Given
    mine, theirs = make_caller(), make_caller()
    item = mine.created(category="shared name")

    # When / Then: to others it is as if it were not there
    assert_problem(theirs.get(item["id"]), 404)
    assert_problem(theirs.put(item["id"], {"name": "Taken"}, '"1"'), 404)
    assert theirs.delete(item["id"], "*").status_code == 204
    assert next(theirs.pages()) == []
    assert next(theirs.pages(category="shared name")) == []
    assert mine.get(item["id"]).json() == item


def test_a_missing_item_is_a_problem_that_says_so(caller: Caller) -> None:
    assert assert_problem(caller.get(MISSING), 404)["type"].endswith("item-not-found")
