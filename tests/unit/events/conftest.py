"""The log's tables: in moto, and in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.events.dynamodb import LogWriterSettings
from tests.fakes.log_tables import LogTables
from tests.fakes.tables import EVENTS, IDEMPOTENCY, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = LogWriterSettings(EVENTS, IDEMPOTENCY, 24)


@pytest.fixture(params=["moto", "memory"])
def tables(request: pytest.FixtureRequest, aws: None) -> Iterator[Any]:
    if request.param == "memory":
        yield LogTables()
        return
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield aws_client("dynamodb")
