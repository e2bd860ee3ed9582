"""What the Python client does beside the scenarios that both clients share."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itemstream_client import (
    CredentialsError,
    HandshakeError,
    RealtimeClient,
    RealtimeError,
    State,
    Timing,
    frames,
    pace,
)
from itemstream_client.credentials import expiry_of
from itemstream_client.pace import Pace, pause
from tests.clients.scenarios import token
from tests.clients.stand_in import standing_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.clients.stand_in import StandIn

PROJECT = Path(__file__).parents[2] / "clients" / "python"
FAST = Timing(first_wait=0.02, longest_wait=0.1)


def run(story: Callable[[StandIn], Awaitable[None]]) -> None:
    async def tell() -> None:
        async with asyncio.timeout(30), standing_in() as server:
            await story(server)

    asyncio.run(tell())


async def provider() -> str:
    return "another"


# --- Credentials and handshakes ------------------------------------------------------------------


def test_a_single_token_ends_with_its_client() -> None:
    async def story(server: StandIn) -> None:
        async with RealtimeClient(server.url, token="secret", timing=FAST) as client:
            items = client.subscribe("items")
            connection = await server.subscribed()

            # When its time is over
            await connection.closing(4401)

            # Then nobody tries it again
            with pytest.raises(CredentialsError, match="reason 4401"):
                await anext(items)
            with pytest.raises(CredentialsError):
                client.subscribe("calls")
        assert server.handshakes == ["secret"]

    run(story)


@pytest.mark.parametrize(
    ("credentials", "attempts"), [({"token": "secret"}, 1), ({"token_provider": provider}, 2)]
)
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_end_the_client(
    credentials: dict[str, Any], attempts: int, status: int
) -> None:
    async def story(server: StandIn) -> None:
        server.refusals.extend([status] * 3)
        async with RealtimeClient(server.url, **credentials, timing=FAST) as client:
            items = client.subscribe("items")
            with pytest.raises(CredentialsError):
                await items.started()
            with pytest.raises(CredentialsError):
                await anext(items)
        assert len(server.handshakes) == attempts

    run(story)


def test_an_address_where_no_api_is_ends_the_client() -> None:
    async def story(server: StandIn) -> None:
        server.refusals.append(404)
        async with RealtimeClient(server.url, token="secret", timing=FAST) as client:
            with pytest.raises(HandshakeError) as refused:
                await anext(client.subscribe("items"))
            assert refused.value.status == 404
        async with RealtimeClient("not an address", token="secret") as client:
            with pytest.raises(RealtimeError, match="is no address"):
                await anext(client.subscribe("items"))

    run(story)


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"token": "secret", "token_provider": provider},
        {"token": "secret", "ticket_provider": provider},
    ],
)
def test_credentials_come_from_one_place(credentials: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="token_provider"):
        RealtimeClient("ws://127.0.0.1", **credentials)


def test_credentials_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def ticket() -> str:
        return "a ticket & secret"

    async def story(server: StandIn) -> None:
        async with RealtimeClient(
            f"{server.url}?version=1", ticket_provider=ticket, token_provider=provider
        ) as client:
            await client.subscribe("items").started()
        async with RealtimeClient(server.url, token="secret") as client:
            await client.subscribe("items").started()
        assert server.handshakes == ["a ticket & secret", "secret"]

    # Given a program that logs all there is
    with caplog.at_level(logging.DEBUG, logger="itemstream_client"):
        run(story)

    # Then what the client wrote tells nothing (the server of this test logs what it gets)
    written = [record for record in caplog.records if record.name != "websockets.server"]
    assert not [record for record in written if "secret" in record.getMessage()]


def test_the_end_of_a_token_is_read_from_it() -> None:
    assert expiry_of(token(1234.5)) == 1234.5


@given(st.text() | st.builds("a.{}.c".format, st.text(alphabet="abcABC012-_=", max_size=40)))
def test_a_token_that_says_nothing_has_no_known_end(text: str) -> None:
    assert expiry_of(text) is None


# --- Subscriptions -------------------------------------------------------------------------------


def test_a_client_has_a_topic_once() -> None:
    async def story(server: StandIn) -> None:
        client = RealtimeClient(server.url, token="secret")
        with pytest.raises(RealtimeError, match="not open"):
            client.subscribe("items")
        async with client:
            async with client.subscribe("items"):
                with pytest.raises(ValueError, match="already"):
                    client.subscribe("items")
            # Free again, now that it was left
            client.subscribe("items")
        with pytest.raises(RealtimeError, match="not open"):
            client.subscribe("calls")

    run(story)


def test_the_cursor_follows_the_reader_and_not_the_socket() -> None:
    async def story(server: StandIn) -> None:
        server.append(count=9)
        async with RealtimeClient(server.url, token="secret") as client:
            items = client.subscribe("items", after=server.log[1]["sequence"])
            await items.started()
            assert items.cursor == server.log[1]["sequence"]
            for event in server.log[2:5]:
                assert (await anext(items)).cursor == event["sequence"] == items.cursor

    run(story)


def test_a_slow_reader_pauses_the_socket() -> None:
    async def story(server: StandIn) -> None:
        async with RealtimeClient(
            server.url, token="secret", buffer=10, timing=Timing(patience=60)
        ) as client:
            items = client.subscribe("items")
            await server.subscribed()

            # When far more is sent than the system's buffers hold
            sending = asyncio.create_task(server.publish(count=500, data={"filler": "x" * 50_000}))
            _, unsent = await asyncio.wait([sending], timeout=1)

            # Then the server has to wait until the reader reads, and the same socket goes on
            assert unsent
            seen = [(await anext(items)).cursor for _ in range(500)]
            assert seen == [event["sequence"] for event in server.log]
            await sending
        assert len(server.connections) == 1

    run(story)


def test_people_can_be_told_how_the_connection_is() -> None:
    states: list[State] = []

    async def story(server: StandIn) -> None:
        server.refusals.append(503)
        async with RealtimeClient(
            server.url, token="secret", timing=FAST, on_state=states.append
        ) as client:
            await client.subscribe("items").started()

    run(story)

    assert [state.name for state in states] == [
        *("connecting", "waiting", "connecting", "connected", "closed")
    ]
    assert "503" in states[1].reason
    assert 0 <= states[1].seconds <= FAST.first_wait


# --- Parts ---------------------------------------------------------------------------------------


@given(
    st.text()
    | st.binary()
    | st.builds(
        lambda kind, more: json.dumps({**more, "type": kind}),
        st.sampled_from(["events", "subscribed", "reset", "error", "closing", "authenticated"]),
        st.dictionaries(
            st.sampled_from(["topic", "cursor", "events", "problem", "code", "expires_at"]),
            st.none() | st.integers() | st.text() | st.lists(st.integers()),
        ),
    )
)
def test_whatever_a_server_sends_is_a_frame_or_malformed(text: str | bytes) -> None:
    try:
        frame = frames.read(text)
    except frames.MalformedFrameError:
        return
    assert isinstance(frame, frames.Frame)


def test_no_second_has_more_messages_than_the_server_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a clock that moves when someone sleeps
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(pace.time, "monotonic", lambda: now)
    monkeypatch.setattr(pace.asyncio, "sleep", sleep)
    times: list[float] = []

    # When a client has much to say, after some silence and at once
    async def send() -> None:
        nonlocal now
        pacing = Pace()
        now += 100
        for _ in range(60):
            await pacing.turn()
            times.append(now)

    asyncio.run(send())

    # Then no window of a second, wherever it begins, has more than ten
    assert max(sum(begin <= each < begin + 1 for each in times) for begin in times) <= 10
    assert len(times) == 60


@given(st.integers(0, 10_000))
def test_pauses_grow_to_a_bound(attempt: int) -> None:
    assert 0 <= pause(attempt, 0.5, 30) <= min(30, 0.5 * 2 ** min(attempt, 100))


def test_the_package_brings_its_types(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("itemstream_client-*.whl")
    assert {"itemstream_client/py.typed", "itemstream_client/client.py"} <= set(
        zipfile.ZipFile(wheel).namelist()
    )
