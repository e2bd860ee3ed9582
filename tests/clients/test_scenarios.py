"""Both clients live through the same stories."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.python_driver import drive
from tests.clients.scenarios import SCENARIOS
from tests.clients.stand_in import standing_in
from tools.dependencies.node import NODE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.clients.scenarios import Scenario

JAVASCRIPT_DRIVER = Path(__file__).with_name("javascript_driver.mjs")

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


async def drive_javascript(program: dict[str, Any]) -> dict[str, list[str]]:
    """Run the program in Node, whose version 20 has WebSocket behind a flag."""
    process = await asyncio.create_subprocess_exec(
        *(NODE, "--experimental-websocket", str(JAVASCRIPT_DRIVER), json.dumps(program)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, errors.decode()
    return dict(json.loads(output))


async def live_through(
    scenario: Scenario, driver: Callable[[dict[str, Any]], Awaitable[dict[str, list[str]]]]
) -> dict[str, list[str]]:
    async with standing_in() as server, asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(scenario.play(server))  # type: ignore[arg-type]
        seen = tasks.create_task(driver(scenario.program(server.url)))  # type: ignore[arg-type]
    return {topic: what for topic, what in seen.result().items() if what}


@each_scenario
def test_python_client(scenario: Scenario) -> None:
    assert asyncio.run(live_through(scenario, drive)) == scenario.seen


@each_scenario
def test_javascript_client(scenario: Scenario) -> None:
    assert asyncio.run(live_through(scenario, drive_javascript)) == scenario.seen
