"""The host itself: takes invocations over HTTP and brings the other parts together."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from aiohttp import web
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.lambda_host.answers import InvokeError, RequestTooLargeError, ThrottledError
from tools.lambda_host.configuration import LATEST, Configurations
from tools.lambda_host.credentials import RoleCredentials
from tools.lambda_host.environment import Environment, Setting, stream_name
from tools.lambda_host.limits import REQUEST_BYTES, HostLimits
from tools.lambda_host.logs import CloudWatchLogs, LogFiles
from tools.lambda_host.metrics import Invoked, Metrics
from tools.lambda_host.pool import Pool
from tools.lambda_host.runtime_api import Invocation, read
from tools.lambda_host.survivors import stop_survivors
from tools.lambda_host.variables import lambda_variables

if TYPE_CHECKING:
    from pathlib import Path

    from tools.lambda_host.answers import Answer
    from tools.lambda_host.configuration import FunctionConfiguration
    from tools.lambda_host.launcher import Launcher

_log = logging.getLogger(__name__)

_FLUSH_SECONDS = 1.0
_PROVISION_SECONDS = 5.0


@dataclass(frozen=True)
class HostSettings:
    """Where a host finds things.

    Attributes
    ----------
    port
        Of the loopback interface; 0 for a free one.
    aws_endpoint
        MiniStack's URL.
    state
        Folder for logs, byte code and the functions' temporary files.
    """

    port: int
    aws_endpoint: str
    region: str
    state: Path
    limits: HostLimits


class Host:
    """Answers invocations, as Lambda's Invoke API does.

    Parameters
    ----------
    launcher
        How functions are run.
    """

    def __init__(self, settings: HostSettings, launcher: Launcher) -> None:
        aws = _Clients(settings)
        self._settings = settings
        self._launcher = launcher
        self._configurations = Configurations(aws.client("lambda"))
        self._credentials = RoleCredentials(aws.client("sts"), settings.limits)
        self._metrics = Metrics(aws.client("cloudwatch"))
        self._log_files = LogFiles(settings.state / "logs")
        self._logs = CloudWatchLogs(aws.client("logs"))
        self._pool = Pool(self._start, self._outdated, settings.limits)

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; then let what runs finish briefly and leave nothing behind."""
        application = web.Application()
        application.router.add_post("/2015-03-31/functions/{name}/invocations", self._invoke)
        application.router.add_get("/health", self._health)
        runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=self._settings.limits.grace_seconds
        )
        await runner.setup()
        # The port is taken first: a second host must not end what belongs to one that runs.
        await web.TCPSite(runner, "127.0.0.1", self._settings.port).start()
        self._end_survivors()
        self._pool.open()
        background = [asyncio.create_task(self._flush()), asyncio.create_task(self._provision())]
        _log.info("The Lambda host listens on port %s", runner.addresses[0][1])
        await stop.wait()
        for task in background:
            task.cancel()
        await runner.cleanup()
        await self._pool.close()
        await asyncio.to_thread(self._send)
        self._log_files.close()
        self._end_survivors()

    def _end_survivors(self) -> None:
        stop_survivors(self._settings.state)
        shutil.rmtree(self._settings.state / "tmp", ignore_errors=True)

    async def _invoke(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        function_arn = request.headers.get("X-Amzn-Lambda-Function-Arn", name)
        version = request.headers.get("X-Amzn-Lambda-Function-Version", LATEST)
        invoked = Invoked(name, _resource(name, function_arn), version)
        try:
            answer = await self._run(request, function_arn, invoked)
        except InvokeError as error:
            if isinstance(error, ThrottledError):
                self._metrics.throttle(invoked)
            return _refusal(error)
        except Exception as error:
            # The role cannot be assumed, say, or MiniStack is away.
            _log.exception("%s could not be invoked", name)
            return _refusal(InvokeError(f"{name} could not be invoked: {error}"))
        headers = {"X-Amz-Function-Error": "Unhandled"} if answer.error_type else None
        return web.Response(body=answer.payload, content_type="application/json", headers=headers)

    async def _run(self, request: web.Request, function_arn: str, invoked: Invoked) -> Answer:
        event = await read(request.content, REQUEST_BYTES)
        if event is None:
            raise RequestTooLargeError
        headers, name = request.headers, invoked.function
        configuration = await self._configurations.get(
            name, invoked.version, headers.get("X-Amzn-Lambda-Revision-Id")
        )
        environment = await self._pool.acquire(
            configuration, self._configurations.reserved.get(name)
        )
        running = self._pool.running[name]
        began = time.perf_counter()
        try:
            answer = await environment.invoke(
                Invocation(
                    headers.get("X-Amzn-Lambda-Request-Id") or str(uuid.uuid4()),
                    function_arn,
                    headers.get("X-Amzn-Trace-Id") or _new_trace(),
                    event or b"{}",
                )
            )
        finally:
            self._pool.release(environment)
        self._metrics.invocation(
            invoked,
            milliseconds=(time.perf_counter() - began) * 1000,
            failed=answer.error_type is not None,
            running=running,
        )
        return answer

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "pid": os.getpid(), **self._pool.counts()})

    async def _start(self, configuration: FunctionConfiguration, provisioned: bool) -> Environment:
        credentials = await self._credentials.get(configuration.role, configuration.name)
        name, group = configuration.name, configuration.log_group
        stream = stream_name(configuration.version)

        def write(line: str) -> None:
            self._log_files.write(name, line)
            self._logs.write(group, stream, line)
            self._metrics.read(line)

        environment = Environment(
            Setting(
                configuration=configuration,
                variables=lambda_variables(
                    configuration,
                    credentials,
                    stream=stream,
                    provisioned=provisioned,
                    region=self._settings.region,
                    aws_endpoint=self._settings.aws_endpoint,
                    python=self._launcher.python,
                    state=self._settings.state,
                ),
                credentials=credentials,
                folder=self._settings.state / "tmp" / uuid.uuid4().hex,
                source=self._launcher.source_version(),
                init_seconds=self._settings.limits.init_seconds,
                launcher=self._launcher,
                write=write,
            )
        )
        await environment.initialise()
        return environment

    def _outdated(self, environment: Environment) -> bool:
        setting = environment.setting
        outdated = setting.source != self._launcher.source_version()
        return outdated or self._credentials.near_their_end(setting.credentials)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await asyncio.to_thread(self._send)

    def _send(self) -> None:
        self._logs.flush()
        self._metrics.flush()

    async def _provision(self) -> None:
        while True:
            try:
                self._pool.provision(await self._configurations.provisioned())
            except (ClientError, BotoCoreError) as error:
                # MiniStack is away, or a function was deleted meanwhile.
                _log.warning("The provisioned concurrency could not be read: %s", error)
            await asyncio.sleep(_PROVISION_SECONDS)


class _Clients:
    """Clients of the local AWS, by the root account's key."""

    def __init__(self, settings: HostSettings) -> None:
        self._session = boto3.Session(
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - MiniStack's root key, known to all
            region_name=settings.region,
        )
        self._endpoint = settings.aws_endpoint
        self._config = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2})

    def client(self, service: Any) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint, config=self._config)


def _resource(name: str, function_arn: str) -> str:
    """Name what was invoked as the metrics' dimension ``Resource`` does: function, qualifier."""
    qualifier = function_arn.partition(f":function:{name}:")[2]
    return f"{name}:{qualifier}" if qualifier else name


def _new_trace() -> str:
    root = f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"
    return f"Root={root};Parent={uuid.uuid4().hex[:16]};Sampled=0"


def _refusal(error: InvokeError) -> web.Response:
    return web.json_response(
        error.document(), status=error.status, headers={"x-amzn-ErrorType": error.code}
    )
