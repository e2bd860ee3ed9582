"""Cursors are good as they are, for their tenant and query, for an hour."""

from __future__ import annotations

import string

import pytest

from itemstream.api.cursors import LIFETIME_SECONDS, CursorRefused, Cursors, keys_from_secret

QUERY: dict[str, str | None] = {"list": "items", "category": None, "status": "draft"}
ID = "01935c7e-0000-7000-8000-000000000001"
CURSORS = Cursors(["old", "current"])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    now = [1_800_000_000]
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now[0])
    return now


def test_a_cursor_is_read_as_it_was_written() -> None:
    assert CURSORS.read("acme", QUERY, CURSORS.write("acme", QUERY, ID)) == ID


@pytest.mark.parametrize(
    ("tenant", "query"),
    [
        ("other", QUERY),
        ("", QUERY),
        ("acme", {**QUERY, "status": None}),
        ("acme", {**QUERY, "category": "a"}),
        ("acme", {**QUERY, "list": "reports"}),
        ("acme", {}),
    ],
)
def test_a_cursor_is_bound_to_tenant_and_query(tenant: str, query: dict[str, str | None]) -> None:
    with pytest.raises(CursorRefused):
        CURSORS.read(tenant, query, CURSORS.write("acme", QUERY, ID))


def test_an_alteration_at_any_place_is_refused() -> None:
    cursor = CURSORS.write("acme", QUERY, ID)
    alphabet = string.ascii_letters + string.digits + "-_.=é"
    for place, character in enumerate(cursor):
        for other in alphabet:
            if other != character:
                with pytest.raises(CursorRefused):
                    CURSORS.read("acme", QUERY, cursor[:place] + other + cursor[place + 1 :])


def test_anything_put_in_or_left_out_is_refused() -> None:
    cursor = CURSORS.write("acme", QUERY, ID)
    for place in range(len(cursor) + 1):
        for text in ("A", ".", "=", "é", "\n", " "):
            with pytest.raises(CursorRefused):
                CURSORS.read("acme", QUERY, cursor[:place] + text + cursor[place:])
    for place in range(len(cursor)):
        with pytest.raises(CursorRefused):
            CURSORS.read("acme", QUERY, cursor[:place])


@pytest.mark.parametrize("cursor", ["", ".", "..", "é", "\0", "\ud800", "x" * 5000, ID])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(CursorRefused):
        CURSORS.read("acme", QUERY, cursor)


def test_a_cursor_expires(clock: list[int]) -> None:
    # Given
    cursor = CURSORS.write("acme", QUERY, ID)

    # When, then
    clock[0] += LIFETIME_SECONDS
    assert CURSORS.read("acme", QUERY, cursor) == ID
    clock[0] += 1
    with pytest.raises(CursorRefused):
        CURSORS.read("acme", QUERY, cursor)


def test_keys_rotate() -> None:
    # Given
    before = Cursors(keys_from_secret({"current": "1", "keys": {"1": "old"}}))
    during = Cursors(keys_from_secret({"current": "2", "keys": {"2": "new", "1": "old"}}))
    after = Cursors(keys_from_secret({"current": "2", "keys": {"2": "new"}}))

    # Then the current key signs, and the others are honoured while they are there
    written_before = before.write("acme", QUERY, ID)
    assert during.read("acme", QUERY, written_before) == ID
    assert after.read("acme", QUERY, during.write("acme", QUERY, ID)) == ID
    with pytest.raises(CursorRefused):
        after.read("acme", QUERY, written_before)


def test_a_secret_without_keys_is_a_fault() -> None:
    with pytest.raises(TypeError, match="not an object"):
        keys_from_secret({"current": "1", "keys": []})


def test_a_cursor_of_a_key_that_is_not_known_yet_is_read() -> None:
    # Given a reader that has kept the keys from before
    asked: list[str] = []

    def newer_keys() -> list[str]:
        asked.append("again")
        return ["old", "current", "younger"]

    reader = Cursors(["old", "current"], newer_keys=newer_keys)
    cursor = Cursors(["current", "younger"]).write("acme", QUERY, ID)

    # When / Then
    assert reader.read("acme", QUERY, cursor) == ID
    assert reader.read("acme", QUERY, cursor) == ID
    assert asked == ["again"]


def test_a_cursor_that_no_newer_key_has_signed_is_refused() -> None:
    for newer in (["old", "current"], ["current", "younger"]):
        reader = Cursors(["old", "current"], newer_keys=lambda newer=newer: newer)
        with pytest.raises(CursorRefused):
            reader.read("acme", QUERY, Cursors(["forged"]).write("acme", QUERY, ID))
