"""Any life of a tenant's items over HTTP, beside a dictionary that says what must be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.local_stack import assert_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.local_stack import Caller

DEFAULTS: dict[str, Any] = {
    "description": "",
    "category": None,
    "status": "draft",
    "price": None,
    "quantity": 0,
    "tags": [],
    "attributes": {},
}
CATEGORIES = ["chairs", "Tische – größer 🪑"]
STATUSES = ["draft", "active", "archived"]

# Lists of entity tags, by what they name.
THIS_VERSION = ['"{version}"', '"{before}", "{version}"', "*"]
OTHER_VERSION = ['"{before}"', '"{after}"', '"foreign"']
THIS_VERSION_WEAKLY = ['W/"{version}"']
tags = st.sampled_from([*THIS_VERSION, *OTHER_VERSION, *THIS_VERSION_WEAKLY])

lines = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
counts = st.integers(0, 2**53 - 1)
contents = st.fixed_dictionaries(
    {"name": lines},
    optional={
        "description": lines,
        "category": st.sampled_from(CATEGORIES),
        "status": st.sampled_from(STATUSES),
        "price": st.fixed_dictionaries({"amount": counts, "currency": st.just("EUR")}),
        "quantity": counts,
        "tags": st.lists(lines, max_size=3),
        "attributes": st.dictionaries(lines, lines, max_size=3),
    },
)


class Items(RuleBasedStateMachine):
    """One tenant's items, and a stranger who must not see them."""

    ids = Bundle("ids")

    def __init__(self, make_caller: Callable[..., Caller]) -> None:
        super().__init__()
        self.caller, self.stranger = make_caller(), make_caller()
        # The model: documents by id, in the order of their creation; deleted ones are not in it.
        self.items: dict[str, dict[str, Any]] = {}
        self.first_answers: dict[str, tuple[dict[str, Any], httpx.Response]] = {}

    @rule(target=ids, content=contents)
    def create(self, content: dict[str, Any]) -> str:
        return self.created(self.caller.create(content), content)

    @rule(target=ids, content=contents)
    def create_with_a_key(self, content: dict[str, Any]) -> str:
        key = f"key-{len(self.first_answers)}"
        answer = self.caller.create(content, Idempotency_Key=key)
        self.first_answers[key] = content, answer
        assert "idempotency-replayed" not in answer.headers
        return self.created(answer, content)

    @precondition(lambda self: self.first_answers)
    @rule(data=st.data())
    def repeat_a_creation(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(list(self.first_answers)))
        content, first = self.first_answers[key]
        answer = self.caller.create(content, Idempotency_Key=key)
        assert answer.status_code == 201, answer.text
        assert answer.json() == first.json()
        assert answer.headers["location"] == first.headers["location"]
        assert answer.headers["idempotency-replayed"] == "true"

    @precondition(lambda self: self.first_answers)
    @rule(data=st.data())
    def use_a_key_for_another_item(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(list(self.first_answers)))
        content, _ = self.first_answers[key]
        another = {**content, "quantity": content.get("quantity", 0) ^ 1}
        assert_problem(self.caller.create(another, Idempotency_Key=key), 422)

    @rule(item_id=ids, form=tags)
    def get_unless_current(self, item_id: str, form: str) -> None:
        answer = self.caller.get(item_id, If_None_Match=self.tag(form, item_id))
        if item_id not in self.items:
            assert_problem(answer, 404)
        elif form in OTHER_VERSION:
            assert answer.status_code == 200, answer.text
            assert answer.json() == self.items[item_id]
        else:
            assert answer.status_code == 304, answer.text
            assert answer.content == b""

    @rule(item_id=ids, content=contents, form=tags)
    def put(self, item_id: str, content: dict[str, Any], form: str) -> None:
        answer = self.caller.put(item_id, content, self.tag(form, item_id))
        if item_id not in self.items:
            assert_problem(answer, 404)
        elif form not in THIS_VERSION:
            assert_problem(answer, 412)
        else:
            assert answer.status_code == 200, answer.text
            old, new = self.items[item_id], answer.json()
            assert new["updated_at"] >= old["updated_at"]
            self.items[item_id] = {
                **old,
                **DEFAULTS,
                **content,
                "version": old["version"] + 1,
                "updated_at": new["updated_at"],
            }
            assert new == self.items[item_id]
            assert answer.headers["etag"] == f'"{new["version"]}"'

    @rule(item_id=ids, form=tags)
    def delete(self, item_id: str, form: str) -> None:
        answer = self.caller.delete(item_id, self.tag(form, item_id))
        if item_id in self.items and form not in THIS_VERSION:
            assert_problem(answer, 412)
        else:
            assert answer.status_code == 204, answer.text
            self.items.pop(item_id, None)

    @rule(
        limit=st.integers(1, 4),
        wanted=st.fixed_dictionaries(
            {},
            optional={
                "category": st.sampled_from([*CATEGORIES, "of none"]),
                "status": st.sampled_from(STATUSES),
            },
        ),
    )
    def walk_the_pages(self, limit: int, wanted: dict[str, str]) -> None:
        pages = list(self.caller.pages(limit=limit, **wanted))
        assert all(len(page) <= limit for page in pages)
        assert [item for page in pages for item in page] == [
            item for item in self.newest_first() if wanted.items() <= item.items()
        ]

    @rule(item_id=ids, content=contents)
    def strangers_reach_for_it(self, item_id: str, content: dict[str, Any]) -> None:
        assert_problem(self.stranger.get(item_id), 404)
        assert_problem(self.stranger.put(item_id, content, "*"), 404)
        assert self.stranger.delete(item_id, "*").status_code == 204

    @invariant()
    def the_list_is_the_dictionary(self) -> None:
        (page,) = self.caller.pages(limit=100)
        assert page == self.newest_first()

    @invariant()
    def each_item_is_the_dictionarys(self) -> None:
        for item_id, item in self.items.items():
            answer = self.caller.get(item_id)
            assert answer.status_code == 200, answer.text
            assert answer.json() == item
            assert answer.headers["etag"] == f'"{item["version"]}"'

    def teardown(self) -> None:
        """Strangers have seen nothing in the end."""
        assert list(self.stranger.pages()) == [[]]
        for caller in (self.caller, self.stranger):
            caller.http.close()

    def created(self, answer: httpx.Response, content: dict[str, Any]) -> str:
        """Enter a new item into the dictionary."""
        assert answer.status_code == 201, answer.text
        assert answer.headers["etag"] == '"1"'
        item: dict[str, Any] = answer.json()
        given = {name: item[name] for name in ("id", "created_at", "updated_at")}
        assert item == {
            **DEFAULTS,
            **content,
            **given,
            "images": [],
            "version": 1,
            "created_by": "tester",
        }
        assert item["created_at"] == item["updated_at"]
        assert item["id"] not in self.items
        self.items[item["id"]] = item
        return str(item["id"])

    def tag(self, form: str, item_id: str) -> str:
        """Write an entity tag in one of its forms; what is gone had some version too."""
        version = self.items.get(item_id, {"version": 1})["version"]
        return form.format(version=version, before=version - 1, after=version + 1)

    def newest_first(self) -> list[dict[str, Any]]:
        return list(reversed(self.items.values()))


# Hypothesis takes up to five minutes to make a failure small.
@pytest.mark.timeout(420)
def test_items_behave_like_a_dictionary(make_caller: Callable[..., Caller]) -> None:
    run_state_machine_as_test(
        lambda: Items(make_caller),
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
