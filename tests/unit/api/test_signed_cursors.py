"""Functions get to know new keys of cursors in time, and forgers do not make them read for ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from moto import mock_aws

from itemstream.api import signed_cursors as module
from itemstream.api.cursors import CursorRefused, Cursors
from itemstream.api.signed_cursors import signed_cursors
from itemstream.aws import aws_client
from itemstream.config import secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

QUERY: dict[str, str | None] = {"list": "items"}


def value(*keys: str) -> str:
    return json.dumps({"current": keys[-1], "keys": {key: key for key in keys}})


@pytest.fixture
def clock(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A secret with one key, and the seconds that the module goes by."""
    now = [100.0]
    secrets._provider.cache_clear()
    monkeypatch.setattr(module, "_reread_at", {})
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with mock_aws():
        aws_client("secretsmanager").create_secret(Name="cursors", SecretString=value("1"))
        yield now
    secrets._provider.cache_clear()


@pytest.mark.usefixtures("clock")
def test_a_cursor_of_a_key_that_is_younger_than_what_is_kept_is_read() -> None:
    # Given
    signed_cursors("cursors")
    aws_client("secretsmanager").put_secret_value(SecretId="cursors", SecretString=value("1", "2"))

    # When
    cursor = Cursors(["2"]).write("acme", QUERY, "place")

    # Then: by this call, and with what is kept by the next
    assert signed_cursors("cursors").read("acme", QUERY, cursor) == "place"
    with mock.patch.object(module, "json_secret", wraps=module.json_secret) as read:
        assert signed_cursors("cursors").read("acme", QUERY, cursor) == "place"
    assert read.mock_calls == [mock.call("cursors")]


def test_forged_cursors_cost_one_read_a_second(clock: list[float]) -> None:
    # Given
    forged = Cursors(["forged"]).write("acme", QUERY, "place")

    # When
    with mock.patch.object(module, "json_secret", wraps=module.json_secret) as read:
        for _ in range(10):
            clock[0] += 0.2
            with pytest.raises(CursorRefused):
                signed_cursors("cursors").read("acme", QUERY, forged)

    # Then
    assert read.mock_calls.count(mock.call("cursors", fresh=True)) == 2
