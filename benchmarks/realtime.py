"""What a frame costs on its way to a socket, beside the ways in use elsewhere.

The broadcaster, its subscribers in memory, sends one event to many; boto3 does the same one after
another and in 32 threads. All send to an endpoint that answers after 10 ms, as API Gateway does,
and then to the local AWS, whose own speed (one Python process) is the limit there. At last, if the
local stack runs: 500 live sockets, and the time from a PUT to the frame at each of them.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import httpx
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials

from benchmarks.measure import ROOT, Comparison, console, interleaved
from itemstream.events import Event
from itemstream.events.log import LoggedEvent
from itemstream.realtime.connections import Subscription, TopicState
from itemstream.realtime.deliveries import Broadcaster, SenderPorts
from itemstream.realtime.gateway import GatewaySettings, GatewaySockets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from itemstream.realtime.sockets import Outcome

STAND_IN = "Frames to an endpoint of 10 ms"
LOCAL = "Frames to the local AWS"
CPU, CLOCK = "ms of CPU per frame", "ms per frame"
OURS, SEQUENTIAL, THREADS = "ours", "boto3, one by one", "boto3, 32 threads"
FRAMES = {SEQUENTIAL: 60, THREADS: 600, OURS: 3_000}
REGION, KEY, SECRET = "us-east-1", "test", "test"
# A tenant of its own each time: what an interrupted run left counts among the subscribers.
TENANT, ITEM = f"bench-{uuid4().hex[:8]}", "01a1fc6a-9e31-71b5-8c1e-0d6f3a2b4c5d"

SOCKETS = 500
CHANGES = 20
SOCKETS_AT_ONCE = 25
PATIENCE_SECONDS = 60


def main(rounds: int = 7) -> None:
    """Measure and report."""
    with stand_in() as endpoint:
        compare(STAND_IN, endpoint, [f"c-{n}=" for n in range(FRAMES[OURS])], rounds)
    status = local_stack()
    if status is None:
        console.print("The local stack does not run: `make up`, and then again for live sockets.")
        return
    asyncio.run(with_live_sockets(status, local_token(), rounds))


def compare(title: str, endpoint: str, connections: list[str], rounds: int) -> None:
    """Measure the three ways in turn, and report what a frame costs in time and in CPU."""
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(max_pool_connections=32, retries={"total_max_attempts": 1}),
    )
    event = LoggedEvent(1, "items", new_event().document(1))
    body = json.dumps({"type": "events", "topic": "items", "events": [event.document]}).encode()

    with asyncio.Runner() as runner, ThreadPoolExecutor(32) as pool:
        sockets = GatewaySockets(
            GatewaySettings(endpoint, REGION), lambda: ReadOnlyCredentials(KEY, SECRET, None)
        )

        def post(connection: str) -> None:
            client.post_to_connection(ConnectionId=connection, Data=body)

        def one_by_one(ids: list[str]) -> None:
            for connection in ids:
                post(connection)

        def in_threads(ids: list[str]) -> None:
            list(pool.map(post, ids))

        def ours(ids: list[str]) -> None:
            sent = runner.run(broadcast(ids, event, Patient(sockets)))
            # On a busy machine the local AWS may be late even so; replayers take care of those.
            assert sent > 0.95 * len(ids), f"{sent} of {len(ids)} frames were delivered"

        ways = {SEQUENTIAL: one_by_one, THREADS: in_threads, OURS: ours}
        figures: dict[str, dict[str, list[float]]] = {
            u: {n: [] for n in ways} for u in (CLOCK, CPU)
        }

        def measure(name: str) -> float:
            number = FRAMES[name]
            ids = (connections * (number // len(connections) + 1))[:number]
            clock, cpu = time.perf_counter(), time.process_time()
            ways[name](ids)
            figures[CPU][name].append((time.process_time() - cpu) * 1000 / number)
            figures[CLOCK][name].append((time.perf_counter() - clock) * 1000 / number)
            return figures[CLOCK][name][-1]

        candidates = {name: partial(measure, name) for name in ways}
        interleaved(Comparison(title, CLOCK, SEQUENTIAL), candidates, rounds)
        runner.run(sockets.aclose())
    goals = {CLOCK: 1 / 20, CPU: 1 / 3} if title == STAND_IN else {CPU: 1 / 3}
    for unit, samples in figures.items():
        goal = {OURS: round(goals[unit], 3)} if unit in goals else {}
        Comparison(f"{title}, {unit}", unit, SEQUENTIAL, goal, samples=samples).report()
    for name, clock in figures[CLOCK].items():
        console.print(f"{name}: {1000 / statistics.median(clock):.0f} frames a second")


class Patient:
    """
    Sockets that wait as long as `topic_sender`'s do.

    The local AWS takes 500 to 1,400 posts a second, one after another, so that each of 128 at once
    takes longer than the quarter of a second that a broadcaster gives it.
    """

    def __init__(self, sockets: GatewaySockets) -> None:
        self._sockets = sockets

    async def post(
        self,
        connection_id: str,
        frame: bytes,
        *,
        patience: float | None = None,  # noqa: ARG002 - the broadcaster's
    ) -> Outcome:
        return await self._sockets.post(connection_id, frame)


async def broadcast(ids: list[str], event: LoggedEvent, sockets: Patient) -> int:
    """Have the broadcaster send one event to all of them."""
    ports = SenderPorts(
        Subscribers(ids),  # type: ignore[arg-type]
        Unused(),  # type: ignore[arg-type]
        sockets,  # type: ignore[arg-type]
        Unused(),  # type: ignore[arg-type]
    )
    broadcaster = Broadcaster(
        ports,
        Unused(),  # type: ignore[arg-type]
        Unused(),  # type: ignore[arg-type]
        small=len(ids),
    )
    done = await broadcaster.broadcast({TENANT: [event]})
    return done.sent.frames


class Subscribers:
    """Live subscribers of one topic, in pages, from memory."""

    def __init__(self, ids: list[str]) -> None:
        self._ids = ids

    def topics_with_subscribers(self, _: str, __: Collection[str]) -> dict[str, TopicState]:
        return {"items": TopicState(shards=1, large=False, large_after=None)}

    def page(
        self, tenant: str, topic: str, shard: int, start: str | None
    ) -> tuple[list[Subscription], str | None]:
        first = int(start or 0)
        after = first + 1000
        ends_at = int(time.time()) + 600
        rows = [
            Subscription(one, tenant, topic, shard, "live", 0, None, ends_at)
            for one in self._ids[first:after]
        ]
        return rows, str(after) if after < len(self._ids) else None

    def fall_behind(self, *_: Any) -> bool:
        return True


class Unused:
    """Stands where nothing is asked for as long as all goes well."""

    def ask(self, *_: Any, **__: Any) -> None:
        """Take no notice of a frame that was late: it is missing in what was sent."""


@contextmanager
def stand_in() -> Iterator[str]:
    """Start the endpoint that answers after 10 ms, yield its address, stop it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.realtime_endpoint"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/live"
    finally:
        process.terminate()
        process.wait()
        if process.stdout:
            process.stdout.close()


def new_event() -> Event:
    """Make an event of usual size, about 1 KB."""
    data = {"id": ITEM, "version": 1, "name": "Oak table", "description": "Seats eight. " * 40}
    return Event(
        "item.updated", f"{ITEM}:1:item.updated", TENANT, ITEM, "2026-11-21T06:00:00Z", data
    )


def local_stack() -> dict[str, Any] | None:
    """Return what `itemstream status` says of a healthy stack."""
    shown = subprocess.run(
        ["itemstream", "status", "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    status: dict[str, Any] = {}
    with suppress(json.JSONDecodeError):
        status = json.loads(shown.stdout)
    return status if status.get("healthy") and status.get("websocket_url") else None


def local_token() -> str:
    """Return a token of the benchmark's own tenant."""
    scope = "items:read items:write realtime:connect"
    shown = subprocess.run(
        ["itemstream", "token", "--tenant", TENANT, "--scope", scope],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.strip()


@dataclass
class Arrivals:
    """When the frames of one change came, and whether that was everywhere."""

    times: list[float] = field(default_factory=list)
    everywhere: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, now: float) -> None:
        self.times.append(now)
        if len(self.times) == SOCKETS:
            self.everywhere.set()


async def with_live_sockets(status: dict[str, Any], token: str, rounds: int) -> None:
    """Open 500 sockets, measure PUT to frame, then post to them in the three ways."""
    from websockets.asyncio.client import ClientConnection, connect

    headers = {"Authorization": f"Bearer {token}"}
    room = asyncio.Semaphore(SOCKETS_AT_ONCE)
    arrivals: defaultdict[tuple[str, int], Arrivals] = defaultdict(Arrivals)

    async def open_one() -> ClientConnection:
        async with room:
            socket = await connect(
                status["websocket_url"], additional_headers=headers, open_timeout=PATIENCE_SECONDS
            )
            await socket.send('{"action":"subscribe","topic":"items"}')
            while json.loads(await socket.recv())["type"] != "subscribed":
                pass
            return socket

    async def read(socket: ClientConnection) -> None:
        async for text in socket:
            now = time.perf_counter()
            for event in json.loads(text).get("events", ()):
                if isinstance(version := event.get("data", {}).get("version"), int):
                    arrivals[event["subject"], version].note(now)

    began = time.perf_counter()
    sockets = await asyncio.gather(*(open_one() for _ in range(SOCKETS)))
    console.print(f"{SOCKETS} sockets subscribed in {time.perf_counter() - began:.1f} s")
    readers = [asyncio.create_task(read(socket)) for socket in sockets]
    try:
        await _changes(status, headers, arrivals)
        loop = asyncio.get_running_loop()
        ids = await loop.run_in_executor(None, _connection_ids, status)
        endpoint = status["websocket_url"].replace("ws", "http", 1)
        if ids:
            await loop.run_in_executor(None, compare, LOCAL, endpoint, ids, rounds)
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*(socket.close() for socket in sockets), return_exceptions=True)


async def _changes(
    status: dict[str, Any],
    headers: dict[str, str],
    arrivals: defaultdict[tuple[str, int], Arrivals],
) -> None:
    """Change an item again and again, and report how long each change took to reach everybody."""
    content = {"name": "Oak table", "description": "Seats eight. " * 20}
    delays: list[float] = []
    slowest: list[float] = []
    async with httpx.AsyncClient(
        base_url=status["rest_api_url"], headers=headers, timeout=PATIENCE_SECONDS
    ) as api:
        made = (await api.post("items", json=content)).raise_for_status()
        item = made.json()["id"]
        etag = made.headers["etag"]
        for change in range(CHANGES):
            began = time.perf_counter()
            answer = await api.put(
                f"items/{item}",
                json={**content, "name": f"Oak table {change}"},
                headers={"If-Match": etag},
            )
            etag = answer.raise_for_status().headers["etag"]
            arrived = arrivals[item, int(answer.json()["version"])]
            async with asyncio.timeout(PATIENCE_SECONDS):
                await arrived.everywhere.wait()
            delays += [arrival - began for arrival in arrived.times]
            slowest.append(max(arrived.times) - began)
        await api.delete(f"items/{item}", headers={"If-Match": etag})
    cuts = statistics.quantiles(delays, n=100)
    console.print(
        f"PUT to frame at {SOCKETS} sockets, {CHANGES} changes: p50 {cuts[49] * 1000:.0f} ms, "
        f"p99 {cuts[98] * 1000:.0f} ms; at the last of them after "
        f"{statistics.median(slowest) * 1000:.0f} ms (median)"
    )


def _connection_ids(status: dict[str, Any]) -> list[str]:
    """Return the ids of the benchmark's own connections."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=status["aws_endpoint_url"],
        region_name=status["region"],
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )
    pages = client.get_paginator("scan").paginate(
        TableName=status["tables"]["connections"],
        FilterExpression="sk = :connection AND tenant = :tenant",
        ExpressionAttributeValues={
            ":connection": {"S": "connection"},
            ":tenant": {"S": TENANT},
        },
    )
    return [row["pk"]["S"].removeprefix("connection#") for page in pages for row in page["Items"]]


if __name__ == "__main__":
    main()
