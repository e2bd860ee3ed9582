"""Whatever order events and calls come in, however often, and whoever dies: the same tables.

Events are made as the platform makes them, from changes of rows; MySQL is real. Hypothesis decides
what happens to items, how the stream is shuffled, repeated and cut into batches, and which batches
fail: before anything was written, in the middle, or after it was committed.
"""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itemstream.dependencies import DependencyUnavailable
from itemstream.reports.percentiles import duration_bucket
from itemstream.reports.projected_events import change_of, counted_call
from itemstream.reports.projection_mysql import MySqlProjection
from tests.fakes.events import call_row
from tests.fakes.item_histories import CHANGES, CURRENT, HOURS, ItemHistory, Step, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pymysql.cursors import Cursor

    from itemstream.mysql.connection import Database
    from tests.mariadb import MariaDbServer

Row = TypeVar("Row")

steps: st.SearchStrategy[Step] = st.sampled_from(
    ["replace", "image", "replace and image", "failed image"]
)
stories = st.lists(
    st.tuples(st.sampled_from(["acme", "Acme"]), st.lists(steps, max_size=4), st.booleans()),
    min_size=1,
    max_size=4,
)
calls = st.lists(
    st.fixed_dictionaries(
        {
            "tenant": st.sampled_from(["acme", "Acme"]),
            "call_id": st.sampled_from([f"call-{n}" for n in range(12)] + ["CALL-1"]),
        }
    ),
    min_size=1,
    max_size=40,
)
verdicts = st.lists(st.sampled_from(["well", "before", "within", "after"]), min_size=40)
seeds = st.integers(0, 2**32)
once_each = settings(
    max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


class Unlucky:
    """A database whose transactions fail as it is told, and then no more."""

    def __init__(self, database: Database, verdicts: list[str]) -> None:
        self._database = database
        self._verdicts = iter(verdicts)

    def run(self, work: Callable[[Cursor], Any]) -> Any:
        verdict = next(self._verdicts, "well")
        if verdict == "before":
            raise DependencyUnavailable("MySQL")

        def interrupted(cursor: Cursor) -> None:
            work(cursor)
            raise DependencyUnavailable("MySQL")

        answer = self._database.run(interrupted if verdict == "within" else work)
        if verdict == "after":
            raise DependencyUnavailable("MySQL")
        return answer


def told(stories: list[tuple[str, list[Step], bool]]) -> list[ItemHistory]:
    histories = []
    for number, (tenant, changes, ends) in enumerate(stories):
        history = ItemHistory(tenant, number)
        for step in changes:
            history.step(step)
        if ends:
            history.delete()
        histories.append(history)
    return histories


def disturbed(rows: Sequence[Row], chance: random.Random) -> list[list[Row]]:
    """Shuffle rows, repeat some, and cut them into batches."""
    stream = [*rows, *chance.choices(rows, k=len(rows) // 2)]
    chance.shuffle(stream)
    batches = []
    while stream:
        size = chance.randint(1, 9)
        batches.append(stream[:size])
        stream = stream[size:]
    return batches


def projected(batches: list[list[Row]], project: Callable[[list[Row]], Any]) -> None:
    """Give batches again until they are done, as queues and streams do."""
    waiting = list(batches)
    while waiting:
        batch = waiting.pop(0)
        try:
            project(batch)
        except DependencyUnavailable:
            waiting.append(batch)


def table(server: MariaDbServer, query: str) -> list[tuple[Any, ...]]:
    with server.as_root() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


@once_each
@given(stories, seeds, verdicts)
def test_events_in_any_order_again_and_interrupted_leave_the_same_tables(
    mariadb_session: MariaDbServer,
    stories: list[tuple[str, list[Step], bool]],
    seed: int,
    verdicts: list[str],
) -> None:
    # Given
    mariadb_session.truncate()
    histories = told(stories)
    changes = [change_of(event) for history in histories for event in history.events]

    # When
    database = mariadb_session.database()
    projection = MySqlProjection(Unlucky(database, verdicts))  # type: ignore[arg-type]
    projected(disturbed(changes, random.Random(seed)), projection.add_changes)
    database.close()

    # Then
    assert_tables_tell_of(mariadb_session, histories)


def assert_tables_tell_of(server: MariaDbServer, histories: list[ItemHistory]) -> None:
    rows = [row for history in histories for row in history.change_rows()]
    assert table(server, CHANGES) == sorted(rows, key=lambda row: row[:2])
    current = [history.current_row() for history in histories]
    assert table(server, CURRENT) == sorted(current, key=lambda row: row[:2])


@once_each
@given(calls, seeds, verdicts)
def test_each_call_counts_once_however_often_it_comes(
    mariadb_session: MariaDbServer, calls: list[dict[str, str]], seed: int, verdicts: list[str]
) -> None:
    # Given calls whose ids decide what they are
    mariadb_session.truncate()
    rows = [silver_row(**call) for call in calls]

    # When
    database = mariadb_session.database()
    projection = MySqlProjection(Unlucky(database, verdicts))  # type: ignore[arg-type]
    batches = disturbed([counted_call(row) for row in rows], random.Random(seed))
    projected(batches, projection.add_calls)
    database.close()

    # Then
    assert table(mariadb_session, HOURS) == hours_of(rows)


def silver_row(tenant: str, call_id: str) -> dict[str, Any]:
    chance = random.Random(call_id)
    return call_row(
        pk=f"{tenant}#{call_id}",
        tenant=tenant,
        call_id=call_id,
        occurred_at=f"2026-11-2{chance.randint(0, 1)}T0{chance.randint(0, 9)}:59:59.999Z",
        outcome=chance.choice(["success", "server_error"]),
        latency_class=chance.choice(["instant", "slow"]),
        duration_ms=chance.choice([0, 1, 250, 9000]),
        bytes_in=chance.choice([None, 0, 2**50]),
        bytes_out=chance.choice([None, 512]),
    )


def hours_of(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what `call_hours` is to say of rows of silver."""
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    for row in {row["pk"]: row for row in rows}.values():
        hour = stored(row["occurred_at"]).replace(minute=0, second=0, microsecond=0)
        bucket = duration_bucket(row["duration_ms"])
        key = (row["tenant"], hour, row["outcome"], row["latency_class"], bucket)
        sums.setdefault(key, Counter()).update(
            calls=1,
            duration_ms=row["duration_ms"],
            bytes_in=row["bytes_in"] or 0,
            bytes_out=row["bytes_out"] or 0,
        )
    names = ("calls", "duration_ms", "bytes_in", "bytes_out")
    return [(*key, *(sums[key][name] for name in names)) for key in sorted(sums)]


def test_projectors_side_by_side_lose_and_double_nothing(mariadb_session: MariaDbServer) -> None:
    # Given
    mariadb_session.truncate()
    chance = random.Random(20261121)
    kinds: list[Step] = ["replace", "image", "replace and image", "failed image"]
    histories = told([("acme", chance.choices(kinds, k=6), n % 3 == 0) for n in range(12)])
    changes = [change_of(event) for history in histories for event in history.events]
    rows = [silver_row("acme", f"call-{n}") for n in range(200)]

    # When four projectors get every batch, each in an order of its own
    def run(seed: int) -> None:
        database = mariadb_session.database()
        projection = MySqlProjection(database)
        mine = random.Random(seed)
        projected(disturbed(changes, mine), projection.add_changes)
        projected(disturbed([counted_call(row) for row in rows], mine), projection.add_calls)
        database.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))

    # Then
    assert_tables_tell_of(mariadb_session, histories)
    assert table(mariadb_session, HOURS) == hours_of(rows)
