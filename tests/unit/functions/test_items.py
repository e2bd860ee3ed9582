"""The five item functions, from event to answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from itemstream.aws import aws_client
from itemstream.items import new_item_id
from tests.fakes.gateway import LambdaContext, assert_problem, event

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.items import Item


class Api:
    """The item functions behind one another."""

    def __init__(self, load: Callable[[str], Any]) -> None:
        self._load = load
        self._handlers: dict[str, Any] = {}

    def __call__(self, function: str, route: str, **kwargs: Any) -> dict[str, Any]:
        if function not in self._handlers:
            self._handlers[function] = self._load(f"functions.crud.{function}").handler
        answer: dict[str, Any] = self._handlers[function](event(route, **kwargs), LambdaContext())
        return answer

    def create(self, body: Any = None, **kwargs: Any) -> dict[str, Any]:
        return self("create_item", "POST /items", body=body or {"name": "Oak table"}, **kwargs)

    def created(self, **kwargs: Any) -> dict[str, Any]:
        return dict(json.loads(self.create(**kwargs)["body"]))

    def get(self, item_id: str, **kwargs: Any) -> dict[str, Any]:
        return self("get_item", "GET /items/{id}", path={"id": item_id}, **kwargs)

    def put(self, item_id: str, body: Any, etag: str | None, **kwargs: Any) -> dict[str, Any]:
        headers = {"If-Match": etag} if etag else {}
        path = {"id": item_id}
        return self(
            "update_item", "PUT /items/{id}", path=path, body=body, headers=headers, **kwargs
        )

    def delete(self, item_id: str, etag: str | None, **kwargs: Any) -> dict[str, Any]:
        headers = {"If-Match": etag} if etag else {}
        path = {"id": item_id}
        return self("delete_item", "DELETE /items/{id}", path=path, headers=headers, **kwargs)

    def list(self, query: str = "", **kwargs: Any) -> dict[str, Any]:
        return self("list_items", "GET /items", query=query, **kwargs)


@pytest.fixture
def api(load: Callable[[str], Any]) -> Api:
    return Api(load)


def test_an_item_from_its_making_to_its_end(api: Api) -> None:
    # When it is made
    made = api.create({"name": "Oak table", "tags": ["oak"]})
    item = json.loads(made["body"])

    # Then it is complete
    assert made["statusCode"] == 201
    assert made["headers"]["Location"] == f"items/{item['id']}"
    assert made["headers"]["ETag"] == '"1"'
    assert made["headers"]["Content-Type"] == "application/json"
    assert made["headers"]["Cache-Control"] == "private, no-cache"
    assert (item["version"], item["created_by"], item["images"]) == (1, "alice", [])
    assert item["created_at"] == item["updated_at"]

    # When it is read, then it is the same, once for each version
    read = api.get(item["id"])
    assert (read["statusCode"], json.loads(read["body"])) == (200, item)
    again = api.get(item["id"], headers={"If-None-Match": read["headers"]["ETag"]})
    assert (again["statusCode"], again["body"]) == (304, "")
    assert again["headers"]["ETag"] == '"1"'
    assert "Content-Type" not in again["headers"]

    # When it is replaced
    replaced = api.put(item["id"], {"name": "Ash table"}, '"1"')
    assert replaced["statusCode"] == 200
    assert replaced["headers"]["ETag"] == '"2"'
    assert json.loads(replaced["body"])["tags"] == []

    # When it is deleted, twice
    assert_problem(api.delete(item["id"], '"1"'), 412)
    assert [api.delete(item["id"], '"2"')["statusCode"] for _ in range(2)] == [204, 204]
    assert assert_problem(api.get(item["id"]), 404)["type"].endswith("item-not-found")
    assert_problem(api.put(item["id"], {"name": "x"}, "*"), 404)


def test_an_idempotency_key_makes_one_item(api: Api) -> None:
    # When
    headers = {"Idempotency-Key": "key-1"}
    first, second = (api.create(headers=headers) for _ in range(2))

    # Then
    assert second["body"] == first["body"]
    assert second["headers"]["ETag"] == first["headers"]["ETag"]
    assert second["headers"]["Location"] == first["headers"]["Location"]
    assert "Idempotency-Replayed" not in first["headers"]
    assert second["headers"]["Idempotency-Replayed"] == "true"
    assert_problem(api.create({"name": "Another"}, headers=headers), 422)
    assert len(json.loads(api.list()["body"])["items"]) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "ü", "k" * 256, "a\n"])
def test_a_malformed_idempotency_key_is_refused(api: Api, key: str) -> None:
    assert_problem(api.create(headers={"Idempotency-Key": key}), 400, "Idempotency-Key")
    assert json.loads(api.list()["body"])["items"] == []


def test_writes_need_a_precondition_before_all_else(api: Api) -> None:
    item = api.created()
    assert_problem(api.put(item["id"], {"name": ""}, None), 428)
    assert_problem(api.delete(item["id"], None), 428)
    assert_problem(api.put(item["id"], {"name": "x"}, "1"), 400, "If-Match")
    assert_problem(api.put(item["id"], {"name": ""}, '"1"'), 400, "name")
    assert json.loads(api.get(item["id"])["body"]) == item


def test_tenants_do_not_see_each_other(api: Api) -> None:
    # Given
    item = api.created()

    # When, then
    assert_problem(api.get(item["id"], tenant="other"), 404)
    assert_problem(api.put(item["id"], {"name": "x"}, "*", tenant="other"), 404)
    assert api.delete(item["id"], "*", tenant="other")["statusCode"] == 204
    assert json.loads(api.list(tenant="other")["body"]) == {"items": [], "next_cursor": None}
    assert json.loads(api.get(item["id"])["body"]) == item


def test_a_list_goes_on_from_its_cursor(api: Api) -> None:
    # Given
    made = [api.created()["id"] for _ in range(5)]

    # When
    first = json.loads(api.list("limit=3")["body"])
    rest = json.loads(api.list(f"limit=3&cursor={quote(first['next_cursor'])}")["body"])

    # Then
    assert [item["id"] for item in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None


def test_a_cursor_is_refused_where_it_does_not_belong(api: Api) -> None:
    # Given
    for _ in range(2):
        api.created()
    cursor = quote(json.loads(api.list("limit=1")["body"])["next_cursor"])

    # When, then
    assert_problem(api.list(f"cursor={cursor}", tenant="other"), 400, "cursor")
    assert_problem(api.list(f"cursor={cursor}&status=draft"), 400, "cursor")
    assert_problem(api.list(f"cursor={cursor}x"), 400, "cursor")
    assert_problem(api.list("cursor=x"), 400, "cursor")


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=1000000000", ["limit"]),
        ("limit=1&limit=2", ["limit"]),
        ("status=sold", ["status"]),
        ("category=", ["category"]),
        ("colour=red", ["colour"]),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(api: Api, query: str, fields: list[str]) -> None:
    assert_problem(api.list(query), 400, *fields)


@pytest.mark.parametrize("item_id", ["1", "..", "0" * 36, "%00"])
def test_an_id_that_is_none_is_refused(api: Api, item_id: str) -> None:
    assert_problem(api.get(item_id), 400, "id")
    assert_problem(api.put(item_id, {"name": "x"}, "*"), 400, "id")
    assert_problem(api.delete(item_id, "*"), 400, "id")


def test_what_a_token_does_not_allow_is_forbidden(api: Api) -> None:
    for answer in (
        api.create(scopes="items:read"),
        api.put(new_item_id(), {"name": "x"}, "*", scopes="items:read"),
        api.delete(new_item_id(), "*", scopes=""),
        api.get(new_item_id(), scopes="items:write"),
        api.list(scopes="items:write items:reading"),
    ):
        assert_problem(answer, 403)
    assert_problem(api.list(tenant=None), 401)


def test_a_write_that_the_aws_client_repeats_is_no_error(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an AWS client that repeats a write because the first answer was lost
    create_item = load("functions.crud.create_item")
    add = create_item.items.add

    def add_twice(item: Item) -> None:
        add(item)
        add(item)

    monkeypatch.setattr(create_item.items, "add", add_twice)

    # When
    made = create_item.handler(event("POST /items", body={"name": "Once"}), LambdaContext())

    # Then
    assert made["statusCode"] == 201
    (item,) = json.loads(Api(load).list()["body"])["items"]
    assert item == json.loads(made["body"])


def test_a_replacement_that_the_aws_client_repeats_is_no_conflict(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an AWS client that repeats a write because the first answer was lost
    api = Api(load)
    item = api.created()
    update_item = load("functions.crud.update_item")
    client = aws_client("dynamodb")
    write = client.update_item

    def write_twice(**arguments: Any) -> Any:
        write(**arguments)
        return write(**arguments)

    monkeypatch.setattr(client, "update_item", write_twice)
    path, headers = {"id": item["id"]}, {"If-Match": '"1"'}
    request = event("PUT /items/{id}", path=path, body={"name": "Replaced"}, headers=headers)

    # When
    replaced = update_item.handler(request, LambdaContext())

    # Then it was done once, and is answered as such
    assert replaced["statusCode"] == 200
    assert replaced["headers"]["ETag"] == '"2"'
    assert json.loads(replaced["body"]) == json.loads(api.get(item["id"])["body"])


def test_of_two_equal_replacements_at_the_same_moment_one_wins(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    api = Api(load)
    item = api.created()
    update_item = load("functions.crud.update_item")
    monkeypatch.setattr(update_item, "timestamp", lambda _: "2026-11-21T06:00:00.000Z")
    path, headers = {"id": item["id"]}, {"If-Match": '"1"'}
    request = event("PUT /items/{id}", path=path, body={"name": "Replaced"}, headers=headers)

    # When / Then
    assert update_item.handler(request, LambdaContext())["statusCode"] == 200
    assert_problem(update_item.handler(request, LambdaContext()), 412)


@pytest.mark.parametrize("name", ["x", "limit"])
def test_a_call_takes_no_query_that_is_not_its_own(api: Api, name: str) -> None:
    item = api.created()
    assert_problem(api.get(item["id"], query=f"{name}=5"), 400, name)
    assert_problem(api.create(query=f"{name}=5"), 400, name)
