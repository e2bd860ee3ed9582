"""Keys of cursors in rotation: no cursor is ever ahead of, or outlives, the keys that verify it."""

from __future__ import annotations

import datetime as dt
import json

from itemstream.api.cursor_keys import CursorKeys, new_cursor_keys
from itemstream.api.cursors import LIFETIME_SECONDS, Cursors, keys_from_secret

NOW = dt.datetime.now(dt.UTC)
QUERY: dict[str, str | None] = {"list": "items"}


def cursors(keys: CursorKeys) -> Cursors:
    """Cursors as a function makes them of the secret."""
    return Cursors(keys_from_secret(json.loads(keys.to_json())))


def test_the_key_that_will_sign_is_known_before_it_does() -> None:
    # Given a reader that knows the keys from before the rotation
    before = new_cursor_keys()

    # When
    cursor = cursors(before.rotated(NOW)).write("acme", QUERY, "place")

    # Then
    assert cursors(before).read("acme", QUERY, cursor) == "place"


def test_a_cursor_from_before_two_rotations_is_honoured() -> None:
    # Given
    keys = new_cursor_keys()
    cursor = cursors(keys).write("acme", QUERY, "place")

    # When
    soon = NOW + dt.timedelta(seconds=LIFETIME_SECONDS)
    twice = keys.rotated(NOW).rotated(soon)

    # Then
    assert cursors(twice).read("acme", QUERY, cursor) == "place"


def test_a_key_goes_when_its_last_cursor_has_expired() -> None:
    # Given
    keys = new_cursor_keys()

    # When
    later = NOW + dt.timedelta(seconds=LIFETIME_SECONDS, minutes=11)
    twice = keys.rotated(NOW).rotated(later)

    # Then
    assert keys.current not in twice.keys
    assert len(twice.keys) == 3


def test_each_rotation_signs_with_another_key() -> None:
    # Given
    keys = new_cursor_keys()

    # When
    rotated = keys.rotated(NOW)

    # Then
    assert rotated.current == keys.next
    assert rotated.next not in (keys.current, keys.next, None)
    assert list(keys_from_secret(json.loads(rotated.to_json())))[-1] == keys.keys[rotated.current]


def test_a_secret_with_a_current_key_alone_can_be_rotated() -> None:
    # Given
    secret = json.dumps({"current": "1", "keys": {"1": "a key"}})

    # When
    rotated = CursorKeys.from_json(secret).rotated(NOW)

    # Then
    assert rotated.current not in ("1", rotated.next)
    assert set(rotated.keys) == {"1", rotated.current, rotated.next}


def test_keys_are_stored_and_read_back() -> None:
    keys = new_cursor_keys().rotated(NOW)
    assert CursorKeys.from_json(keys.to_json()) == keys


def test_keys_are_not_shown() -> None:
    keys = new_cursor_keys()
    assert not any(key in repr(keys) for key in keys.keys.values())
