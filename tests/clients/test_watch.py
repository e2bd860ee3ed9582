"""`itemstream watch`, as people and programs use it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.clients.stand_in import cursor, problem, standing_in

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from tests.clients.stand_in import Connection, StandIn


@asynccontextmanager
async def watching(server: StandIn, *options: str, token: str = "secret") -> AsyncIterator[Process]:
    """Run the command against a stand-in."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools", "watch", "items", "--url", server.url, *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "ITEMSTREAM_TOKEN": token, "TZ": "UTC", "NO_COLOR": "1"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line(process: Process) -> str:
    assert process.stdout
    return (await process.stdout.readline()).decode().rstrip("\n")


async def interrupted(process: Process) -> str:
    """End the command by Ctrl-C, and return what it said to people."""
    process.send_signal(signal.SIGINT)
    _, said = await process.communicate()
    return said.decode()


def test_events_are_shown_through_a_lost_connection_until_ctrl_c() -> None:
    async def story() -> None:
        async with asyncio.timeout(60), standing_in() as server, watching(server) as process:
            # Given a watcher
            connection = await server.subscribed()
            assert server.handshakes == ["secret"]

            # When items change, and the connection is lost between
            await server.publish(data={"name": "Chair", "changed": ["name", "quantity"]})
            assert await line(process) == "00:00:00 item.updated  subject Chair (name, quantity)"
            connection.drop()
            await server.until(lambda: not connection.is_open)
            server.append(data=None, dataref="items/subject")
            await server.subscribed(connection=1)

            # Then nothing is missing
            assert await line(process) == (
                "00:00:00 item.updated  subject (too large: see items/subject)"
            )

            # And Ctrl-C ends it with a word on where to go on
            said = await interrupted(process)
            assert "not connected: the connection was lost" in said
            assert f"--after {cursor(2)}" in said
            assert "Traceback" not in said
            assert process.returncode == 130

    asyncio.run(story())


def test_json_is_one_event_a_line_as_it_came() -> None:
    async def story() -> None:
        async with asyncio.timeout(60), standing_in() as server:
            _, two = server.append(count=2)
            async with watching(server, "--json", "--after", "1") as process:
                # Then what came after the cursor comes first
                assert json.loads(await line(process)) == two

                # When the log has lost what comes next
                connection = await server.subscribed()
                await connection.send({"type": "reset", "topic": "items", "cursor": cursor(7)})

                # Then programs are told too
                reset = {"type": "reset", "topic": "items", "cursor": cursor(7)}
                assert json.loads(await line(process)) == reset
                await interrupted(process)

    asyncio.run(story())


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    async def story() -> None:
        async with asyncio.timeout(60), standing_in() as server, watching(server) as process:
            await server.subscribed()
            await server.publish(data={"name": "\x1b[2J[red]Chair\r\n"})
            assert (await line(process)).endswith("subject \ufffd[2J[red]Chair\ufffd\ufffd")

    asyncio.run(story())


def test_a_refusal_is_a_problem_and_no_stack_trace() -> None:
    async def refuse(connection: Connection, frame: dict[str, str]) -> None:
        await connection.send(
            {"type": "error", "problem": problem(403), "topic": "items", "action": "subscribe"}
        )

    async def story() -> None:
        async with asyncio.timeout(60), standing_in() as server:
            # Given a server that refuses the topic, and then one that refuses the token
            server.answer_once("subscribe", refuse)
            for expected in ("Forbidden: So it was told.", "refuses these credentials"):
                async with watching(server) as process:
                    _, said = await process.communicate()
                assert expected in said.decode()
                assert "Traceback" not in said.decode()
                assert process.returncode == 1
                server.refusals.extend([401, 401])

    asyncio.run(story())


def test_what_is_given_wrongly_is_told() -> None:
    async def story() -> None:
        async with asyncio.timeout(60), standing_in() as server:
            async with watching(server, "--after", "now") as process:
                _, said = await process.communicate()
            assert "--after now is no cursor" in said.decode()
            async with watching(server, token="") as process:
                _, said = await process.communicate()
            assert "set ITEMSTREAM_TOKEN" in said.decode()
            assert server.handshakes == []

    asyncio.run(story())
