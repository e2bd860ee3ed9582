"""The clients that people use, against the applied stack."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.clients.python_driver import drive
from tests.clients.scenarios import USUAL_TIMING, read, subscribe
from tests.clients.test_scenarios import drive_javascript
from tests.local_stack import EVERY_SCOPE, ROOT
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from tests.local_stack import Caller, LocalStack

SCOPES = f"{EVERY_SCOPE} realtime:connect"

each_client = pytest.mark.parametrize(
    "driver",
    [
        pytest.param(drive, id="python"),
        pytest.param(drive_javascript, id="javascript"),
    ],
)


@pytest.fixture
def writer(make_caller: Callable[..., Caller]) -> Caller:
    return make_caller(scope=SCOPES)


@pytest.fixture
def program(stack: LocalStack, sign: Callable[..., str], writer: Caller) -> dict[str, Any]:
    """A client of the writer's tenant; the test adds its steps."""
    token = sign(tenant=writer.tenant, scope=SCOPES)
    return {
        "url": stack.status["websocket_url"],
        "credentials": [token],
        "tickets": {"url": f"{stack.rest_api_url}/realtime/tickets", "token": token},
        "renewals": None,
        "timing": USUAL_TIMING,
        "buffer": 100,
    }


def connections_of(stack: LocalStack, tenant: str) -> set[str]:
    """Return the ids of a tenant's connections."""
    pages = stack.client("dynamodb").get_paginator("scan")
    return {
        row["pk"]["S"].partition("#")[2]
        for page in pages.paginate(TableName=stack.table("connections"), ConsistentRead=True)
        for row in page["Items"]
        if row["sk"]["S"] == "connection" and row["tenant"]["S"] == tenant
    }


def the_connection(stack: LocalStack, tenant: str, other_than: str = "") -> str:
    """Wait for a tenant's one connection."""
    found = eventually(
        lambda: connections_of(stack, tenant) - {other_than}, within=60, what="a connection"
    )
    assert len(found) == 1
    return found.pop()


def cut(stack: LocalStack, connection_id: str) -> None:
    """Close a connection without a word, as a gateway does that is replaced."""
    gateway = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=str(stack.status["websocket_url"]).replace("ws", "http", 1),
        region_name=stack.status["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    gateway.delete_connection(ConnectionId=connection_id)


@each_client
def test_a_client_that_is_cut_off_sees_every_change_once_and_in_order(
    stack: LocalStack,
    writer: Caller,
    program: dict[str, Any],
    driver: Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, list[str]]]],
) -> None:
    # Given an item that was there before
    item = writer.created(name="Chair")
    program["steps"] = [subscribe(after=0), read(6)]

    def change(version: int) -> None:
        answer = writer.put(item["id"], {"name": f"Chair {version}"}, f'"{version - 1}"')
        assert answer.status_code == 200, answer.text

    with ThreadPoolExecutor(1) as thread:
        seen = thread.submit(asyncio.run, driver(program))

        # When it changes while the client is there, cut off, and back
        first = the_connection(stack, writer.tenant)
        change(2)
        cut(stack, first)
        change(3)
        change(4)
        the_connection(stack, writer.tenant, other_than=first)
        change(5)
        writer.delete(item["id"], '"5"')

        # Then
        changes = [f"{item['id']}:{version}:item.updated" for version in range(2, 6)]
        assert seen.result(timeout=120) == {
            "items": [
                f"{item['id']}:1:item.created",
                *changes,
                f"{item['id']}:5:item.deleted",
            ]
        }


@each_client
def test_a_client_is_told_which_topics_its_token_does_not_permit(
    program: dict[str, Any],
    driver: Callable[[dict[str, Any]], Awaitable[dict[str, list[str]]]],
) -> None:
    program["steps"] = [subscribe("calls"), read(1, "calls")]

    async def within() -> dict[str, list[str]]:
        async with asyncio.timeout(60):
            return await driver(program)

    assert asyncio.run(within()) == {"calls": ["problem 403 Forbidden"]}


def test_the_command_line_watches_items(stack: LocalStack, writer: Caller) -> None:
    # Given
    item = writer.created(name="Lamp")
    watching = subprocess.Popen(
        [
            *(sys.executable, "-m", "tools", "watch", "items"),
            *("--tenant", writer.tenant, "--after", "0", "--json"),
        ],
        cwd=ROOT,
        env={"ITEMSTREAM_STACK": "test", **os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with watching:
        try:
            assert watching.stdout
            # Then what was there comes, and then what happens
            assert json.loads(watching.stdout.readline())["data"]["name"] == "Lamp"
            writer.put(item["id"], {"name": "Lamp with a switch"}, '"1"')
            assert json.loads(watching.stdout.readline())["data"]["name"] == "Lamp with a switch"

            # And Ctrl-C ends it
            watching.send_signal(signal.SIGINT)
            _, said = watching.communicate(timeout=30)
        finally:
            watching.kill()
    assert watching.returncode == 130
    assert "Traceback" not in said
