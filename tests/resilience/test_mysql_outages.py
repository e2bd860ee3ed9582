"""MySQL goes away under load in every way it can: nothing is lost, doubled, leaked or given up."""

from __future__ import annotations

import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil
import pymysql
import pytest

from itemstream.dynamodb.attribute_values import to_item
from itemstream.reports.weeks import Week
from tests.fakes.events import call_row
from tests.local_stack import EVERY_SCOPE
from tests.report_tables import ReportTables
from tests.resilience.faults import kill, processes_of, variables_of
from tests.resilience.slow_proxy import slow_proxy
from tests.waiting import eventually
from tools.stack import parts
from tools.stack.settings import current_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import httpx

    from tests.local_stack import Caller, LocalStack

    Fault = Callable[[LocalStack], AbstractContextManager[None]]

# A restarted MariaDB outlives the test on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

PROJECTOR = "report_projector"
# Whose environments may be connected in the middle of this: a report is made, health is asked for.
CONNECTED = (PROJECTOR, "report_generator", "network_probe")
# What the load calls; none of it needs MySQL.
ROUTES = ("create_item", "update_item", "delete_item", "create_report", "get_report")
MOST_CONNECTIONS = 60


class Load:
    """Clients that write items, and calls that come in, with what has to come of them."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.stop = threading.Event()
        self.changes: set[str] = set()
        self.items: dict[str, tuple[int, bool]] = {}
        self.calls = 0
        self.wrong: list[str] = []

    def write(self) -> None:
        """Let items live, one after another."""
        number = 0
        while not self.stop.is_set():
            number += 1
            self._live(ends=number % 3 == 0)

    def _live(self, *, ends: bool) -> None:
        caller, key = self.caller, str(uuid4())
        item_id = self._answer(lambda: caller.create(Idempotency_Key=key), 201).json()["id"]
        self._happened(item_id, 1, "created")
        # What was answered 503 may have happened all the same.
        self._answer(lambda: caller.put(item_id, {"name": "Another"}, '"1"'), 200, 412)
        self._happened(item_id, 2, "updated")
        if ends:
            self._answer(lambda: caller.delete(item_id, '"2"'), 204)
            self._happened(item_id, 2, "deleted")

    def call(self) -> None:
        """Let calls reach silver."""
        stack, chance = self.caller.stack, random.Random(7)
        dynamodb, table = stack.client("dynamodb"), stack.table("silver_call")
        while not self.stop.wait(0.05):
            call_id = f"call-{self.calls}"
            row = call_row(
                pk=f"{self.caller.tenant}#{call_id}",
                tenant=self.caller.tenant,
                call_id=call_id,
                duration_ms=chance.randint(0, 5000),
            )
            dynamodb.put_item(TableName=table, Item=to_item(row))
            self.calls += 1

    def ask_for_report(self) -> Week:
        """Ask for a report of what happens here."""
        week = Week.of(datetime.now(UTC))
        report = {"week": str(week)}
        self._answer(lambda: self.caller.http.post("reports", json=report), 202)
        return week

    def report(self, week: Week) -> dict[str, Any] | None:
        """Return a report that is no longer being made."""
        answer = self._answer(lambda: self.caller.http.get(f"reports/{week}"), 200)
        return dict(answer.json()) if answer.json()["status"] != "pending" else None

    def goes_on(self, changes: int = 20, calls: int = 10) -> None:
        target = len(self.changes) + changes, self.calls + calls
        eventually(
            lambda: (len(self.changes) >= target[0] and self.calls >= target[1]) or self.wrong,
            within=60,
            what="the load to go on",
        )

    def _answer(
        self, ask: Callable[[], httpx.Response], right: int, after_503: int | None = None
    ) -> httpx.Response:
        """Ask until the answer is more than that a part is away for a moment."""
        expected = {right}
        while True:
            answer = ask()
            if answer.status_code in expected:
                return answer
            if answer.status_code != 503 or not answer.headers.get("Retry-After"):
                self.wrong.append(
                    f"{answer.request.method}: {answer.status_code} {answer.headers} {answer.text}"
                )
                raise AssertionError(self.wrong[-1])
            expected.update([] if after_503 is None else [after_503])

    def _happened(self, item_id: str, version: int, what: str) -> None:
        self.changes.add(f"{item_id}:{version}:item.{what}")
        self.items[item_id] = version, what == "deleted"


@contextmanager
def under_load(caller: Caller) -> Iterator[Load]:
    load = Load(caller)
    with ThreadPoolExecutor(3) as pool:
        workers = [pool.submit(work) for work in (load.write, load.write, load.call)]
        try:
            yield load
        finally:
            load.stop.set()
        for worker in workers:
            worker.result()


@contextmanager
def killed(stack: LocalStack) -> Iterator[None]:
    server = parts.mariadb(current_stack())
    process = server.process()
    assert process is not None
    process.send_signal(signal.SIGKILL)
    eventually(lambda: server.state() == "crashed", what="MariaDB to be gone")
    try:
        yield
    finally:
        server.start()


@contextmanager
def restarted(stack: LocalStack) -> Iterator[None]:
    server = parts.mariadb(current_stack())
    server.stop()
    server.start()
    yield


@contextmanager
def frozen(stack: LocalStack) -> Iterator[None]:
    process = parts.mariadb(current_stack()).process()
    assert process is not None
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@contextmanager
def full(stack: LocalStack) -> Iterator[None]:
    """Let others take every connection that there may be, also those that become free."""
    server, ended = parts.mariadb_server(current_stack()), threading.Event()
    secret = stack.secret("database")
    server.administer("SET GLOBAL max_connections = 12")

    def take() -> None:
        with ExitStack() as held:
            while not ended.wait(0.005):
                with suppress(pymysql.err.OperationalError):
                    held.enter_context(connected(secret))

    taking = threading.Thread(target=take, daemon=True)
    taking.start()
    try:
        kill(stack, PROJECTOR)
        yield
    finally:
        ended.set()
        taking.join()
        server.administer(f"SET GLOBAL max_connections = {MOST_CONNECTIONS}")


@contextmanager
def three_seconds_slow(stack: LocalStack) -> Iterator[None]:
    with (
        slow_proxy(current_stack().mariadb_port, 3) as slow,
        variables_of(stack, PROJECTOR, {"DATABASE_PORT": str(slow)}),
    ):
        yield


def connected(secret: dict[str, Any]) -> Any:
    """Connect as functions do; closed by the end of a `with`."""
    return pymysql.connect(
        host="127.0.0.1",
        port=current_stack().mariadb_port,
        user=secret["username"],
        password=secret["password"],
        ssl_disabled=True,
    )


def sessions() -> set[int]:
    """Return the ports of this machine from which functions are connected."""
    said = parts.mariadb_server(current_stack()).administer("SHOW PROCESSLIST")
    rows = [line.split("\t") for line in said.splitlines()]
    return {int(row[2].rpartition(":")[2]) for row in rows if row[1] == "itemstream"}


def count_of_sessions() -> int:
    """Return how many sessions the server has of functions, also of such as never logged in."""
    said = parts.mariadb_server(current_stack()).administer("SHOW PROCESSLIST")
    users = [line.split("\t")[1] for line in said.splitlines()]
    return users.count("itemstream") + users.count("unauthenticated user")


def leaked(stack: LocalStack, before: int) -> str:
    """
    Say what is left behind; nothing if nothing is.

    That is: connections that nobody has any more, more than one of one process, or more sessions
    than there were before and one for each warm environment.
    """
    connected = sessions()
    held = [ports_of(process) & connected for process in processes_of(stack, PROJECTOR)]
    many = [ports for ports in held if len(ports) > 1]
    orphans = connected - {port for process in psutil.process_iter() for port in ports_of(process)}
    most = before + sum(len(processes_of(stack, function)) for function in CONNECTED)
    count = count_of_sessions()
    if not many and not orphans and count <= most:
        return ""
    return f"{many} of one process, {orphans} of none, {count} sessions where {most} may be"


def ports_of(process: psutil.Process) -> set[int]:
    with suppress(psutil.Error):
        return {one.laddr.port for one in process.net_connections("tcp") if one.laddr}
    return set()


def without_mysql(stack: LocalStack) -> list[str]:
    """Return the routes that ever answered 503 because of MySQL; other parts may be slow."""
    files = stack.status["log_files"]
    texts = {route: Path(files[route]).read_text(errors="replace") for route in ROUTES}
    return [route for route, text in texts.items() if '"dependency":"MySQL"' in text]


def interruptions(stack: LocalStack) -> int:
    """Count the batches that the projector could not do."""
    log = Path(stack.status["log_files"][PROJECTOR])
    return log.read_text(errors="replace").count('"message":"interrupted"')


@pytest.mark.parametrize("fault", [killed, restarted, frozen, full, three_seconds_slow])
def test_mysql_goes_away_under_load_and_nothing_is_lost_doubled_or_leaked(
    stack: LocalStack, make_caller: Callable[..., Caller], fault: Fault
) -> None:
    # Given
    caller = make_caller(scope=f"{EVERY_SCOPE} reports:read reports:write")
    tables = ReportTables(stack, caller.tenant)
    letters, before = count_of_letters(stack), count_of_sessions()
    with under_load(caller) as load:
        load.goes_on()
        eventually(tables.changes, what="the first changes to be projected")
        interrupted = interruptions(stack)

        # When
        with fault(stack):
            load.goes_on()
            week = load.ask_for_report()
            if fault is not restarted:
                eventually(
                    lambda: interruptions(stack) > interrupted, what="the projector to notice"
                )
        load.goes_on()

    # Then every answer was right, and the tables catch up to exactly what happened
    assert load.wrong == []
    eventually(
        lambda: (len(tables.changes()), tables.calls()) == (len(load.changes), load.calls),
        within=60,
        every=0.3,
        what="the tables to catch up",
    )
    assert {row[1] for row in tables.changes()} == load.changes
    assert {row[1]: (row[3], bool(row[2])) for row in tables.items()} == load.items
    assert tables.calls() == load.calls
    assert count_of_letters(stack) == letters

    # Then the report that was asked for meanwhile is made
    report = eventually(lambda: load.report(week), within=60, every=0.3, what="the report")
    assert report is not None
    assert report["status"] == "ready"
    assert 0 < report["changes"] <= len(load.changes)

    # Then nobody was answered 503 for it
    assert without_mysql(stack) == []

    # Then connections are gone, or in use by who made them
    what = f"connections to end: {leaked(stack, before)}"
    eventually(lambda: not leaked(stack, before), within=5, what=what)


def count_of_letters(stack: LocalStack) -> int:
    sqs, queues = stack.client("sqs"), stack.status["queues"]
    name = "ApproximateNumberOfMessages"
    return sum(
        int(
            sqs.get_queue_attributes(QueueUrl=queues[queue]["url"], AttributeNames=[name])[
                "Attributes"
            ][name]
        )
        for queue in ("report_events_dead_letters", f"{PROJECTOR}_dead_letters")
    )
