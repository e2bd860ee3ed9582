"""Many puts in few calls, none of them lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb import batch_writes
from itemstream.dynamodb.batch_writes import put_all
from tests.fakes.tables import REJECTED_CALL, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(batch_writes, "_FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(batch_writes, "_LONGEST_PAUSE_SECONDS", 0.001)
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield aws_client("dynamodb")


class LeavesSomeBehind:
    """A client that processes only some of each call's requests."""

    def __init__(self, client: Any, processed: int) -> None:
        self._client, self._processed = client, processed

    def batch_write_item(self, RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803
        ((table, requests),) = RequestItems.items()
        done, left = requests[: self._processed], requests[self._processed :]
        if done:
            self._client.batch_write_item(RequestItems={table: done})
        return {"UnprocessedItems": {table: left} if left else {}}


def rows(count: int) -> list[dict[str, Any]]:
    return [{"pk": {"S": "acme"}, "sk": {"S": f"{n:04}"}} for n in range(count)]


def stored(client: Any) -> int:
    return int(client.scan(TableName=REJECTED_CALL)["Count"])


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (25, 1), (26, 2), (260, 11)])
def test_all_are_put_25_in_a_call(client: Any, count: int, calls: int, parallel: int) -> None:
    assert put_all(client, REJECTED_CALL, iter(rows(count)), parallel=parallel) == (count, calls)
    assert stored(client) == count


def test_what_was_left_unprocessed_is_put_again(client: Any) -> None:
    assert put_all(LeavesSomeBehind(client, 10), REJECTED_CALL, rows(50)) == (50, 6)
    assert stored(client) == 50


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_table_that_takes_nothing_is_unavailable(client: Any, parallel: int) -> None:
    with pytest.raises(DependencyUnavailable):
        put_all(LeavesSomeBehind(client, 0), REJECTED_CALL, rows(30), parallel=parallel)
