"""What the clients' own folders hold: their tests, and the examples that people begin with."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.clients.stand_in import standing_in
from tools.dependencies.node import NODE

CLIENTS = Path(__file__).parents[2] / "clients"

# What an example leaves to its reader.
PYTHON_SURROUNDINGS = """
async def token() -> str:
    return "secret"

async def reload() -> None:
    print("reload", flush=True)
"""
JAVASCRIPT_SURROUNDINGS = """
const token = async () => "secret";
globalThis.fetch = async (url, { method, headers }) => ({
  ok: url.endsWith("/realtime/tickets") && method === "POST",
  json: async () => ({ ticket: headers.Authorization }),
});
const reload = () => console.log("reload");
const show = (...what) => console.log(...what);
"""


def example(language: str, url: str) -> str:
    """Return the example of a client's README, with an address that is there."""
    readme = (CLIENTS / language / "README.md").read_text()
    found = re.search(r"^```(?:python|js)\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    assert found
    code, count = re.subn(r'"wss://[^"]*"', f'"{url}"', found[1])
    assert count == 1
    return code


async def seen(language: str, program: list[str], surroundings: str) -> str:
    """Run the example until it has shown an event and a reset."""
    async with asyncio.timeout(60), standing_in() as server:
        process = await asyncio.create_subprocess_exec(
            *(*program, surroundings + example(language, server.url)),
            cwd=CLIENTS / language,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout
        try:
            connection = await server.subscribed()
            await server.publish()
            reset = {"type": "reset", "topic": "items", "cursor": server.log[0]["sequence"]}
            await connection.send(reset)
            return (await process.stdout.readline() + await process.stdout.readline()).decode()
        finally:
            process.kill()
            await process.wait()


def test_the_python_example_runs() -> None:
    program = [sys.executable, "-c"]
    shown = asyncio.run(seen("python", program, PYTHON_SURROUNDINGS))
    assert shown == "item.updated subject {'id': 'subject'}\nreload\n"


def test_the_javascript_example_runs() -> None:
    program = [NODE, "--experimental-websocket", "--input-type=module", "--eval"]
    shown = asyncio.run(seen("javascript", program, JAVASCRIPT_SURROUNDINGS))
    assert shown == "item.updated subject { id: 'subject' }\nreload\n"


def test_the_javascript_module_passes_its_own_tests() -> None:
    done = subprocess.run(
        [NODE, "--test"],
        cwd=CLIENTS / "javascript",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "# fail 0" in done.stdout
