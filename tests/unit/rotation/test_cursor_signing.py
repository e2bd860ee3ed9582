"""Keys of cursors turn like any secret; what they promise is in tests/unit/api."""

from __future__ import annotations

import json

import pytest

from itemstream.api.cursors import Cursors, keys_from_secret
from itemstream.rotation.cursor_signing import CursorSigning


def test_cursors_from_before_are_read_after() -> None:
    # Given
    signing = CursorSigning()
    first = signing.make(None)
    cursor = Cursors(keys_from_secret(json.loads(first))).write("acme", {}, "place")

    # When
    second = signing.make(first)
    signing.set(second, first)
    signing.test(second)

    # Then
    assert Cursors(keys_from_secret(json.loads(second))).read("acme", {}, cursor) == "place"
    assert json.loads(second)["current"] == json.loads(first)["next"]


def test_keys_that_cannot_sign_are_found_out() -> None:
    with pytest.raises(KeyError):
        CursorSigning().test(json.dumps({"current": "2", "keys": {"1": "a key"}}))
