"""The projection on a real server: how it writes, what is refused, and who is waited for."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.mysql.driver import DriverConnection
from itemstream.reports.figures_mysql import MySqlWeeks
from itemstream.reports.projected_events import change_of, counted_call
from itemstream.reports.projection import RowsRefused, project_each
from itemstream.reports.projection_mysql import MySqlProjection
from itemstream.reports.weeks import Week
from tests.fakes.events import call_row
from tests.fakes.item_histories import CHANGES, CURRENT, HOURS, ItemHistory
from tests.waiting import eventually

if TYPE_CHECKING:
    from itemstream.mysql.connection import Database
    from itemstream.reports.projection import ItemChange
    from tests.mariadb import MariaDbServer


def changes(count: int) -> list[ItemChange]:
    return [change_of(event) for n in range(count) for event in ItemHistory("acme", n).events]


def test_a_batch_is_few_statements_and_none_that_would_pin_a_proxy(
    mariadb: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    sent: list[str] = []
    query = DriverConnection.query

    def noted(self: Any, sql: Any, unbuffered: bool = False) -> int:
        sent.append(sql if isinstance(sql, str) else bytes(sql).decode())
        return query(self, sql, unbuffered)

    monkeypatch.setattr(DriverConnection, "query", noted)
    projection = MySqlProjection(mariadb)
    batch = [replace(change, event_id=f"{change.event_id:-<128}") for change in changes(200)]
    calls = [counted_call(call_row(tenant="acme", call_id=f"{n:0>128}")) for n in range(500)]

    # When
    new = projection.add_changes(batch)
    of_changes = len(sent)
    counted = projection.add_calls(calls)

    # Then
    assert (new, counted) == (200, 500)
    assert max(len(sql.encode()) for sql in sent) < 16 * 1024
    assert of_changes <= 10
    assert len(sent) - of_changes <= 20


def test_only_what_is_new_is_counted_as_new(mariadb: Database) -> None:
    # Given
    projection = MySqlProjection(mariadb)
    batch = changes(3)
    calls = [counted_call(call_row(tenant="acme", call_id=f"call-{n}")) for n in range(3)]
    projection.add_changes(batch[:2])
    projection.add_calls(calls[:2])

    # When / Then
    assert projection.add_changes([*batch, *batch]) == 1
    assert projection.add_calls([*calls, *calls]) == 1


def test_an_empty_batch_is_none(mariadb: Database) -> None:
    projection = MySqlProjection(mariadb)
    assert projection.add_changes([]) == 0
    assert projection.add_calls([]) == 0
    projection.add_states([])


def test_a_value_that_mysql_refuses_keeps_no_other_out(mariadb: Database) -> None:
    # Given a row that no event can make
    projection = MySqlProjection(mariadb)
    batch = changes(9)
    batch[4] = replace(batch[4], kind="x" * 33)

    # When / Then
    with pytest.raises(RowsRefused, match="1406"):
        projection.add_changes(batch)
    assert list(mariadb.rows(CHANGES)) == list(mariadb.rows(CURRENT)) == []

    # When
    refused = project_each(batch, projection.add_changes)

    # Then
    assert list(refused) == [4]
    assert len(list(mariadb.rows(CHANGES))) == 8


def test_the_largest_calls_are_summed_however_many_they_are(mariadb: Database) -> None:
    # Given calls of one hour, each with as much as is let through
    projection = MySqlProjection(mariadb)
    most = 2**53
    carried = {"duration_ms": most, "bytes_in": most, "bytes_out": most}
    call = counted_call(call_row(tenant="acme", **carried))
    batches = [[replace(call, call_id=f"{n}-{m}") for m in range(500)] for n in range(3)]

    # When there are more than a BIGINT has room for
    assert [projection.add_calls(batch) for batch in batches] == [500, 500, 500]

    # Then
    (row,) = mariadb.rows(HOURS)
    assert row[5:] == (1500, 1500 * most, 1500 * most, 1500 * most)
    assert 1500 * most > 2**63
    with MySqlWeeks(mariadb).reading("acme") as reading:
        (figures,) = reading.figures(Week.of(call.hour)).calls.values()
    assert (figures.bytes_in, figures.bytes_out) == (1500 * most, 1500 * most)
    assert type(figures.bytes_in) is type(figures.bytes_out) is int


def test_a_sum_that_has_no_room_keeps_no_other_call_out(mariadb: Database) -> None:
    # Given an hour whose count is full, as only a hand could make it
    projection = MySqlProjection(mariadb)
    full, others = (
        [counted_call(call_row(tenant=tenant, call_id=f"{n}")) for n in range(2)]
        for tenant in ("acme", "globex")
    )
    projection.add_calls(full[:1])
    with mariadb.transaction() as cursor:
        cursor.execute("UPDATE call_hours SET calls = %s WHERE tenant = 'acme'", (2**63 - 1,))

    # When
    refused = project_each([others[0], full[1], others[1]], projection.add_calls)

    # Then
    assert list(refused) == [1]
    assert re.search("1264|1690", refused[1])
    assert [row[5] for row in mariadb.rows(HOURS)] == [2**63 - 1, 2]


def test_a_row_that_somebody_else_holds_is_waited_for(
    mariadb: Database, mariadb_session: MariaDbServer
) -> None:
    # Given a transaction that holds one item of a batch
    batch = changes(3)
    projection = MySqlProjection(mariadb)
    projection.add_changes(batch[1:2])
    other = mariadb_session.database()
    with ThreadPoolExecutor(1) as pool:
        with other.transaction() as cursor:
            cursor.execute(
                "SELECT * FROM items_current WHERE item_id = %s FOR UPDATE", (batch[1].item_id,)
            )

            # When
            new = pool.submit(projection.add_changes, batch)
            # InnoDB tells the same again to whoever asks more often than each tenth of a second.
            eventually(lambda: waiting(mariadb_session), every=0.25, what="the projection to wait")

        # Then
        assert new.result() == 2
    other.close()


def waiting(server: MariaDbServer) -> bool:
    with server.as_root() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
        )
        return bool(cursor.fetchall()[0][0])
