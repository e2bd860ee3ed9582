"""Cursors, entity tags, shards, attribute values and fingerprints, for any input."""

from __future__ import annotations

import json
from itertools import islice
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from itemstream.api.cursors import CursorRefused, Cursors
from itemstream.api.etags import MAX_TAGS, MalformedEntityTag, etag_of, matches, versions_of
from itemstream.dynamodb.attribute_values import from_item, to_attribute_value, to_item
from itemstream.idempotency import IdempotencyKey
from itemstream.items.repository import ItemFilter
from itemstream.items.shards import merge_newest_first, shard_of
from tests.fakes.content import new_item
from tests.fakes.items import InMemoryItems

if TYPE_CHECKING:
    from itemstream.items import Item

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
queries = st.dictionaries(texts, texts | st.none(), max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
versions = st.integers(1, 10**15)
CURSORS = Cursors(["a key"])


@given(tenant=texts, query=queries, position=texts)
def test_a_cursor_is_read_as_it_was_written(
    tenant: str, query: dict[str, str | None], position: str
) -> None:
    assert CURSORS.read(tenant, query, CURSORS.write(tenant, query, position)) == position


@given(data=st.data(), position=texts)
def test_no_other_text_is_that_cursor(data: st.DataObject, position: str) -> None:
    # Given
    cursor = CURSORS.write("acme", {}, position)
    letters = st.sampled_from(ascii_letters + digits + "-_.=") | st.characters()

    # When
    start = data.draw(st.integers(0, len(cursor)))
    end = data.draw(st.integers(start, min(len(cursor), start + 3)))
    other = cursor[:start] + data.draw(st.text(letters, max_size=3)) + cursor[end:]
    assume(other != cursor)

    # Then
    with pytest.raises(CursorRefused):
        CURSORS.read("acme", {}, other)


@given(tenants=st.tuples(texts, texts), asked=st.tuples(queries, queries), position=texts)
def test_a_cursor_is_good_for_its_own_list_only(
    tenants: tuple[str, str], asked: tuple[dict[str, str | None], ...], position: str
) -> None:
    assume((tenants[0], asked[0]) != (tenants[1], asked[1]))
    with pytest.raises(CursorRefused):
        CURSORS.read(tenants[1], asked[1], CURSORS.write(tenants[0], asked[0], position))


@given(
    tags=st.lists(st.tuples(versions, st.booleans()), min_size=1, max_size=MAX_TAGS),
    separator=st.sampled_from([",", ", ", " , ", ",,", "\t,"]),
)
def test_a_list_of_tags_is_read_as_it_was_written(
    tags: list[tuple[int, bool]], separator: str
) -> None:
    header = separator.join(("W/" if weak else "") + etag_of(version) for version, weak in tags)
    assert versions_of(header) == {version for version, weak in tags if not weak}
    assert all(matches(header, version) for version, _ in tags)


@given(header=st.text(st.sampled_from('W/"*, \t123abé\n')))
def test_any_header_is_read_or_refused(header: str) -> None:
    try:
        named = versions_of(header)
    except MalformedEntityTag:
        with pytest.raises(MalformedEntityTag):
            matches(header, 1)
    else:
        # Then what the strong comparison names, the weak one does too
        assert 1 not in named or matches(header, 1)


@given(numbers=st.sets(st.integers(0, 10**6)), shards=st.integers(1, 9), limit=st.integers(1, 12))
def test_shards_merge_to_the_whole_list(numbers: set[int], shards: int, limit: int) -> None:
    # Given rows spread over shards, each newest first
    ids = sorted((f"{number:07}" for number in numbers), reverse=True)
    rows = [[i for i in ids if shard_of(i, shards) == shard] for shard in range(shards)]

    # When they are merged page by page
    pages: list[list[str]] = []
    while not pages or pages[-1]:
        before = pages[-1][-1] if pages else "~"
        rest = [iter([i for i in shard if i < before]) for shard in rows]
        pages.append(list(islice(merge_newest_first(rest, str), limit)))

    # Then the pages are the whole list, each id once
    assert [item_id for page in pages for item_id in page] == ids
    assert all(len(page) == limit for page in pages[:-2])


@given(item_id=texts, shards=st.integers(1, 64))
def test_an_item_has_one_shard(item_id: str, shards: int) -> None:
    assert shard_of(item_id, shards) == shard_of(item_id, shards)
    assert 0 <= shard_of(item_id, shards) < shards


@given(
    statuses=st.lists(st.sampled_from(["draft", "active"]), max_size=12), limit=st.integers(1, 5)
)
def test_pages_of_the_fake_are_the_whole_list(statuses: list[str], limit: int) -> None:
    # Given
    items = InMemoryItems()
    made = [new_item(status=status) for status in statuses]
    for item in made:
        items.add(item)

    # When
    found: list[Item] = []
    before = None
    while True:
        page = items.page("acme", ItemFilter(status="draft"), limit=limit, before=before)
        found += page.items
        before = page.next_before
        if before is None:
            break

    # Then
    assert found == [item for item in reversed(made) if item.document["status"] == "draft"]


@given(document=st.dictionaries(texts, json_values, max_size=5))
def test_attribute_values_keep_json_as_it_is(document: dict[str, Any]) -> None:
    stored = to_item(document)
    assert json.dumps(from_item(stored)) == json.dumps(document)


@pytest.mark.parametrize("value", [1.5, b"bytes", {1, 2}, object()], ids=type)
def test_other_values_cannot_be_stored(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be stored in DynamoDB"):
        to_attribute_value(value)


@pytest.mark.parametrize("value", [{"B": b""}, {"SS": ["a"]}, {"NS": ["1"]}], ids=str)
def test_other_attribute_values_are_not_read(value: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="not read here"):
        from_item({"name": value})


def fingerprint(request: Any) -> str:
    return IdempotencyKey("acme", "alice", "POST /items", "key", request).fingerprint


def shuffled(value: Any) -> Any:
    """Reverse the order of all fields."""
    if isinstance(value, dict):
        return {name: shuffled(inner) for name, inner in reversed(value.items())}
    return [shuffled(inner) for inner in value] if isinstance(value, list) else value


@given(request=json_values)
def test_a_fingerprint_ignores_the_order_of_fields(request: Any) -> None:
    assert fingerprint(shuffled(request)) == fingerprint(request)


@given(one=json_values, other=json_values)
def test_a_fingerprint_ignores_nothing_else(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (fingerprint(one) == fingerprint(other)) is same


@given(parts=st.lists(texts, min_size=8, max_size=8))
def test_a_key_is_bound_to_each_of_its_parts(parts: list[str]) -> None:
    one, other = (IdempotencyKey(*some, None) for some in (parts[:4], parts[4:]))
    assert (one.digest == other.digest) is (parts[:4] == parts[4:])
