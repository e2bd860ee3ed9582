"""Function modules, loaded as Lambda loads them: with their environment, from nothing."""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.config import secrets
from tests.fakes.tables import IDEMPOTENCY, ITEMS, NOTIFICATION_MARKS, create_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CURSOR_SECRET = json.dumps({"current": "1", "keys": {"1": "a key"}})
ENVIRONMENT = {
    "ITEMS_TABLE": ITEMS,
    "ITEMS_SHARDS": "4",
    "IDEMPOTENCY_TABLE": IDEMPOTENCY,
    "NOTIFICATION_MARKS_TABLE": NOTIFICATION_MARKS,
    "REDIS_URL": "",
    "CURSOR_SIGNING_SECRET": "cursor-signing",
}


@pytest.fixture
def load(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Return a function that loads a function's module on tables of the test's own."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    secrets._provider.cache_clear()

    def loaded(module: str) -> Any:
        monkeypatch.delitem(sys.modules, module, raising=False)
        return importlib.import_module(module)

    with mock_aws():
        create_tables(aws_client("dynamodb"))
        aws_client("secretsmanager").create_secret(
            Name="cursor-signing", SecretString=CURSOR_SECRET
        )
        yield loaded
    secrets._provider.cache_clear()
