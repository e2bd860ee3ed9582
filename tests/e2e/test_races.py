"""Callers that get in each other's way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.local_stack import assert_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.local_stack import Caller


def at_once(*calls: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Make calls at the same moment."""
    start = threading.Barrier(len(calls))

    def call(one: Callable[[], httpx.Response]) -> httpx.Response:
        start.wait()
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def test_twenty_identical_posts_with_one_key_make_one_item_and_one_answer(caller: Caller) -> None:
    # Given
    key = str(uuid4())

    # When
    answers = at_once(
        *[lambda: caller.create({"name": "Once"}, Idempotency_Key=key) for _ in range(20)]
    )

    # Then every caller has the one answer, or is told to ask again and then gets it
    for answer in [a for a in answers if a.status_code == 409]:
        assert_problem(answer, 409)
        assert answer.headers["retry-after"] == "1"
    answers = [
        caller.create({"name": "Once"}, Idempotency_Key=key) if a.status_code == 409 else a
        for a in answers
    ]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert [item["name"] for item in next(caller.pages())] == ["Once"]


def test_a_key_serves_one_request_of_one_caller(make_caller: Callable[..., Caller]) -> None:
    # Given
    caller, key = make_caller(), str(uuid4())
    first = caller.create({"name": "Once", "quantity": 1}, Idempotency_Key=key)

    # When the same request comes again, written in another way
    same = caller.http.post(
        "items",
        content=b'{ "quantity":1,\n "name": "Once" }',
        headers={"Idempotency-Key": key, "Content-Type": "application/json"},
    )

    # Then it is answered as before
    assert same.status_code == 201
    assert same.json() == first.json()
    assert same.headers["idempotency-replayed"] == "true"

    # When another body comes with it, then it is refused
    assert_problem(caller.create({"name": "Twice"}, Idempotency_Key=key), 422)

    # When others use it, then it is theirs
    colleague = make_caller(caller.tenant, sub="colleague")
    for other in (colleague, make_caller()):
        answer = other.create({"name": "Once", "quantity": 1}, Idempotency_Key=key)
        assert answer.status_code == 201
        assert "idempotency-replayed" not in answer.headers
        assert answer.json()["id"] != first.json()["id"]


def test_a_replay_is_the_first_answer_even_when_the_item_has_changed(caller: Caller) -> None:
    # Given
    key = str(uuid4())
    first = caller.create({"name": "Once"}, Idempotency_Key=key)
    caller.put(first.json()["id"], {"name": "Changed"}, '"1"')

    # When
    again = caller.create({"name": "Once"}, Idempotency_Key=key)

    # Then
    assert again.json() == first.json()
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("name", ["Writer {}", "The same"])
def test_of_concurrent_puts_with_one_etag_exactly_one_wins(caller: Caller, name: str) -> None:
    for _ in range(3):
        # Given
        item = caller.created()

        # When
        def put(n: int, item: dict[str, Any] = item) -> httpx.Response:
            return caller.put(item["id"], {"name": name.format(n)}, '"1"')

        answers = at_once(*[lambda n=n: put(n) for n in range(10)])

        # Then
        won = [answer for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        for lost in set(answers) - set(won):
            assert_problem(lost, 412)
        assert caller.get(item["id"]).json() == won[0].json()


def test_of_delete_and_put_with_one_etag_exactly_one_wins(caller: Caller) -> None:
    for _ in range(5):
        # Given
        item = caller.created()

        # When
        put, delete = at_once(
            lambda item=item: caller.put(item["id"], {"name": "Kept"}, '"1"'),
            lambda item=item: caller.delete(item["id"], '"1"'),
        )

        # Then
        if delete.status_code == 204:
            assert put.status_code in (404, 412)
            assert_problem(caller.get(item["id"]), 404)
        else:
            assert_problem(delete, 412)
            assert put.status_code == 200
            assert caller.get(item["id"]).json()["name"] == "Kept"


def test_pages_hold_still_while_writers_insert(caller: Caller) -> None:
    # Given
    before = {caller.created(name=f"Before {n}")["id"] for n in range(40)}
    stop = threading.Event()

    def write() -> int:
        written = 0
        while not stop.is_set():
            caller.created(name="During")
            written += 1
        return written

    # When
    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write) for _ in range(3)]
        seen = [item["id"] for page in caller.pages(limit=7) for item in page]
        stop.set()
        written = sum(writer.result() for writer in writers)

    # Then
    assert written > 0
    assert len(seen) == len(set(seen))
    assert before <= set(seen)
