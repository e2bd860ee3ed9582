"""One execution environment: a process that serves one invocation at a time."""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import signal
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil

from tools.lambda_host import answers
from tools.lambda_host.launcher import Launch
from tools.lambda_host.output import Output
from tools.lambda_host.runtime_api import Invocation, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tools.lambda_host.answers import Answer
    from tools.lambda_host.configuration import FunctionConfiguration
    from tools.lambda_host.credentials import Credentials
    from tools.lambda_host.launcher import Launcher, Started

_MB = 1024 * 1024
_MEMORY_CHECK_SECONDS = 0.025


def stream_name(version: str) -> str:
    """Name a new environment's log stream as Lambda does."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"


@dataclass(frozen=True)
class Setting:
    """What an environment is made of.

    Attributes
    ----------
    variables
        All environment variables of its process.
    folder
        Its ``/tmp``: made by the environment and removed at its end.
    source
        Version of the source it starts from.
    init_seconds
        Longest Init phase.
    write
        Takes the lines of its log.
    """

    configuration: FunctionConfiguration
    variables: Mapping[str, str]
    credentials: Credentials
    folder: Path
    source: int
    init_seconds: float
    launcher: Launcher
    write: Callable[[str], None]


class Environment:
    """Starts a process, hands it events, holds it to its limits and ends it.

    Attributes
    ----------
    setting
        What it is made of.
    last_used
        Monotonic seconds.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.last_used = time.monotonic()
        self._runtime: _Runtime | None = None
        self._init_ms: float | None = None
        self._peak = 0

    @property
    def alive(self) -> bool:
        """Whether its process waits for an event."""
        runtime = self._runtime
        return runtime is not None and not (runtime.killed or runtime.exit.done())

    async def initialise(self) -> None:
        """Run the Init phase; a failure leaves the environment without a process.

        As on Lambda the phase is then run again within the next invocation, whose answer tells
        what is wrong.
        """
        began = time.perf_counter()
        self.setting.write(f"INIT_START Runtime Version: python:{self.setting.launcher.python}\n")
        failure = "timeout"
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.setting.init_seconds):
                    _, problem = await self._boot("init")
                    failure = f"error\tError Type: {problem.error_type}" if problem else ""
        except BaseException:
            await self.stop()
            raise
        milliseconds = (time.perf_counter() - began) * 1000
        if failure:
            self._report_init(milliseconds, "init", failure)
            await self._end_process()
        else:
            self._init_ms = milliseconds

    async def invoke(self, invocation: Invocation) -> Answer:
        """Serve one event; the environment is not alive afterwards if its process had to end."""
        configuration = self.setting.configuration
        request_id = invocation.request_id
        self.setting.write(f"START RequestId: {request_id} Version: {configuration.version}\n")
        began = time.perf_counter()
        deadline = time.time() + configuration.timeout
        try:
            async with asyncio.timeout(configuration.timeout):
                answer = await self._answer(invocation, int(deadline * 1000))
        except TimeoutError:
            answer = answers.timed_out(request_id, configuration.timeout)
        milliseconds = (time.perf_counter() - began) * 1000
        # After these the state of the process is unknown, and Lambda too starts a new one.
        if answer.status or answer.error_type == "Function.ResponseSizeTooLarge" or not self.alive:
            await self._end_process()
        elif self._runtime is not None:
            self._runtime.output.drain()
        self._report(invocation, answer, milliseconds)
        self.last_used = time.monotonic()
        return answer

    async def stop(self) -> None:
        """End the process and everything it started, and remove its files."""
        await self._end_process()
        await asyncio.to_thread(shutil.rmtree, self.setting.folder, ignore_errors=True)

    async def _answer(self, invocation: Invocation, deadline_ms: int) -> Answer:
        runtime = self._runtime
        if runtime is None:
            runtime, problem = await self._boot("invoke", invocation.request_id)
            if problem:
                return problem
        answer = runtime.api.submit(invocation, deadline_ms)
        await self._watch(answer, runtime.exit)
        if answer.done():
            return answer.result()
        return answers.exited(invocation.request_id, runtime.exit.result())

    async def _boot(self, phase: str, request_id: str = "") -> tuple[_Runtime, Answer | None]:
        """Start a process and wait until it asks for an event; tell what went wrong, if so."""
        began = time.perf_counter()
        self.setting.folder.mkdir(parents=True, exist_ok=True)
        self._runtime = runtime = await _Runtime.start(self.setting)
        initialised = runtime.api.initialised
        await self._watch(initialised, runtime.exit)
        problem = (
            initialised.result()
            if initialised.done()
            else answers.exited(request_id, runtime.exit.result())
        )
        if problem:
            # The client ends itself once it has reported: its last lines are still to come.
            await asyncio.wait((runtime.exit,))
        if problem and phase == "invoke":
            milliseconds = (time.perf_counter() - began) * 1000
            self._report_init(milliseconds, phase, f"error\tError Type: {problem.error_type}")
        return runtime, problem

    async def _watch(self, *futures: asyncio.Future[Any]) -> None:
        """Wait for the first of `futures`, holding the process to its memory meanwhile."""
        done: set[asyncio.Future[Any]] = set()
        while not done:
            done, _ = await asyncio.wait(
                futures, timeout=_MEMORY_CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            self._measure_memory()

    def _measure_memory(self) -> None:
        if self._runtime is None or (used := self._runtime.resident_bytes()) is None:
            return
        self._peak = max(self._peak, used)
        if used > self.setting.configuration.memory * _MB:
            self._runtime.kill()

    async def _end_process(self) -> None:
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            await runtime.end()

    def _report_init(self, milliseconds: float, phase: str, status: str) -> None:
        self.setting.write(
            f"INIT_REPORT Init Duration: {milliseconds:.2f} ms\tPhase: {phase}\tStatus: {status}\n"
        )

    def _report(self, invocation: Invocation, answer: Answer, milliseconds: float) -> None:
        write = self.setting.write
        if answer.log:
            write(answer.log)
        write(f"END RequestId: {invocation.request_id}\n")
        init, self._init_ms = self._init_ms, None
        # Since August 2025 the Init phase is billed too.
        billed = math.ceil(milliseconds + (init or 0))
        fields = [
            f"REPORT RequestId: {invocation.request_id}",
            f"Duration: {milliseconds:.2f} ms",
            f"Billed Duration: {billed} ms",
            f"Memory Size: {self.setting.configuration.memory} MB",
            f"Max Memory Used: {self._peak // _MB} MB",
        ]
        if init is not None:
            fields.append(f"Init Duration: {init:.2f} ms")
        if answer.status:
            fields.append(f"Status: {answer.status}")
        if answer.status == "error":
            fields.append(f"Error Type: {answer.error_type}")
        trace = dict(part.partition("=")[::2] for part in invocation.trace_id.split(";"))
        if trace.get("Sampled") == "1":
            segment = trace.get("Parent", "")
            fields.append(f"\nXRAY TraceId: {trace['Root']}\tSegmentId: {segment}\tSampled: true")
        write("\t".join(fields) + "\n")


class _Runtime:
    """A process, its Runtime API and its output: they live and end together."""

    def __init__(self, started: Started, api: RuntimeApi, output: Output) -> None:
        self.api = api
        self.output = output
        self.exit = asyncio.create_task(started.wait())
        self._started = started
        self.killed = False

    @classmethod
    async def start(cls, setting: Setting) -> _Runtime:
        api = RuntimeApi()
        output = Output(setting.write)
        try:
            variables = {**setting.variables, "AWS_LAMBDA_RUNTIME_API": await api.open()}
            started = await setting.launcher.start(
                Launch(
                    setting.configuration,
                    variables,
                    setting.source,
                    setting.folder,
                    output.descriptor,
                )
            )
        except BaseException:
            await api.close()
            output.close()
            raise
        finally:
            output.started()
        return cls(started, api, output)

    def resident_bytes(self) -> int | None:
        if (runtime := self._started.runtime()) is None:
            return None
        try:
            return int(psutil.Process(runtime).memory_info().rss)
        except psutil.Error:  # it has ended
            return None

    def kill(self) -> None:
        self.killed = True
        # The group outlives its first process while any other is in it.
        with suppress(ProcessLookupError):
            os.killpg(self._started.process.pid, signal.SIGKILL)

    async def end(self) -> None:
        self.kill()
        await asyncio.wait((self.exit,))
        self.output.close()
        await self.api.close()
