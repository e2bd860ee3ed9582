"""Cursors that are not what they should be."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from itemstream.api.cursors import LIFETIME_SECONDS, Cursors, keys_from_secret
from tests.local_stack import assert_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_stack import Caller


@pytest.fixture
def cursor(caller: Caller) -> str:
    for _ in range(3):
        caller.created(category="shelf")
    return str(caller.http.get("items", params={"limit": 1}).json()["next_cursor"])


def test_a_cursor_goes_on_where_the_page_ended(caller: Caller, cursor: str) -> None:
    assert len(caller.http.get("items", params={"cursor": cursor}).json()["items"]) == 2


def test_a_cursor_of_another_tenant_is_refused(
    cursor: str, make_caller: Callable[..., Caller]
) -> None:
    assert_problem(make_caller().http.get("items", params={"cursor": cursor}), 400, "cursor")


@pytest.mark.parametrize("query", [{"category": "shelf"}, {"status": "draft"}])
def test_a_cursor_of_another_query_is_refused(
    caller: Caller, cursor: str, query: dict[str, str]
) -> None:
    assert_problem(caller.http.get("items", params={"cursor": cursor, **query}), 400, "cursor")


def test_an_altered_cursor_is_refused(caller: Caller, cursor: str) -> None:
    altered = random.Random(7)
    for _ in range(20):
        place = altered.randrange(len(cursor))
        # The last digit of base64 has bits that do not count; any other digit does.
        place = min(place, len(cursor) - 2)
        other = altered.choice([c for c in "ABCxyz019" if c != cursor[place]])
        forged = cursor[:place] + other + cursor[place + 1 :]
        assert_problem(caller.http.get("items", params={"cursor": forged}), 400, "cursor")


@pytest.mark.parametrize(
    "junk", ["x", "a.b.c", "%00", "🪑", json.dumps({"pk": "demo#0"}), "." * 900]
)
def test_junk_is_refused(caller: Caller, junk: str) -> None:
    assert_problem(caller.http.get("items", params={"cursor": junk}), 400, "cursor")


def test_an_expired_cursor_is_refused(caller: Caller, cursor: str) -> None:
    # Given a cursor that the platform would have signed a little over its lifetime ago
    signing = Cursors(keys_from_secret(caller.stack.secret("cursor_signing")))
    query = {"list": "items", "category": None, "status": None}
    position = signing.read(caller.tenant, query, cursor)
    with mock.patch("time.time", return_value=time.time() - LIFETIME_SECONDS - 5):
        old = signing.write(caller.tenant, query, position)

    # When / Then
    assert signing.write(caller.tenant, query, position) != old
    assert_problem(caller.http.get("items", params={"cursor": old}), 400, "cursor")
