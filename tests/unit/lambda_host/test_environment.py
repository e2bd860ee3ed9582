"""An execution environment, at moments that chance alone seldom brings about."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tools.lambda_host import environment as module
from tools.lambda_host.code import Image
from tools.lambda_host.configuration import FunctionConfiguration
from tools.lambda_host.credentials import Credentials
from tools.lambda_host.environment import Environment, Setting
from tools.lambda_host.launcher import Started
from tools.lambda_host.output import Output
from tools.lambda_host.runtime_api import Invocation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tools.lambda_host.launcher import Launch

# The barest runtime client; its handler comes first.
CLIENT = """
import http.client, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    event.read()
    handler()
    request_id = event.headers["Lambda-Runtime-Aws-Request-Id"]
    api.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", b"null")
    api.getresponse().read()
"""


@dataclass
class HandlerLauncher:
    """Runs one handler, and counts how often it was started."""

    handler: str
    starts: int = 0
    python: str = "3.13"

    def source_version(self) -> int:
        return 0

    async def start(self, launch: Launch) -> Started:
        self.starts += 1
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", self.handler + CLIENT),
            env=dict(launch.variables),
            stdin=subprocess.DEVNULL,
            stdout=launch.output,
            stderr=launch.output,
            start_new_session=True,
        )
        return Started(process)


@dataclass
class Trial:
    """An environment with its log."""

    launcher: HandlerLauncher
    environment: Environment
    log: list[str] = field(default_factory=list)

    async def invoke(self) -> bytes:
        answer = await self.environment.invoke(Invocation(str(uuid4()), "arn", "Root=1", b"{}"))
        return answer.payload


@pytest.fixture
def trial(tmp_path: Path) -> Callable[[str], Trial]:
    def make(handler: str) -> Trial:
        log: list[str] = []
        launcher = HandlerLauncher(handler)
        setting = Setting(
            configuration=FunctionConfiguration(
                name="trial",
                version="1",
                revision="r",
                handler="trial.handler",
                role="role",
                memory=128,
                timeout=20,
                log_group="group",
                variables={},
                code=Image("sha256:0"),
            ),
            variables={},
            credentials=Credentials("key", "secret", "session", 0.0),
            folder=tmp_path / "tmp",
            source=1,
            init_seconds=20,
            launcher=launcher,
            write=log.append,
        )
        return Trial(launcher, Environment(setting), log)

    return make


def test_a_process_that_is_killed_as_it_answers_gets_no_further_event(
    trial: Callable[[str], Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given: the memory is looked at only when the answer is there
    monkeypatch.setattr(module, "_MEMORY_CHECK_SECONDS", 60)
    one = trial("held = []\ndef handler(): held.append(bytearray(200 * 1024 * 1024))")

    async def run() -> None:
        await one.environment.initialise()
        try:
            # When
            first = await one.invoke()
            alive = one.environment.alive
            second = await one.invoke()

            # Then
            assert first == second == b"null"
            assert not alive
            assert one.launcher.starts == 2
        finally:
            await one.environment.stop()

    asyncio.run(run())


class BusyOutput(Output):
    """The output as it is when the event loop comes to the answer first."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__(write)
        asyncio.get_running_loop().remove_reader(self._source)


def test_lines_that_were_not_read_before_the_answer_still_come_before_its_end(
    trial: Callable[[str], Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(module, "Output", BusyOutput)
    one = trial('def handler(): print("a line", flush=True)')

    async def run() -> None:
        await one.environment.initialise()
        try:
            # When
            await one.invoke()
        finally:
            await one.environment.stop()

    asyncio.run(run())

    # Then
    assert [line.split()[0] for line in one.log] == ["INIT_START", "START", "a", "END", "REPORT"]
