"""Bad luck to order: AWS calls of one function that fail, and processes that are killed.

A proxy stands between a function and one AWS service: the function's `AWS_ENDPOINT_URL_<SERVICE>`
is turned to it for the time of a test, in a version of its own behind the alias `live`. Nothing in
the functions knows of it.
"""

from __future__ import annotations

import http.client
import json
import random
import signal
import threading
from collections import Counter
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import psutil

from tools.lambda_host.survivors import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.local_stack import LocalStack

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass(frozen=True)
class AwsCall:
    """A call that a function makes: operation, such as PutItem, body, and path."""

    operation: str
    body: bytes
    path: str = "/"

    @property
    def parameters(self) -> dict[str, str]:
        """Return the parameters of a call in the query protocol (SNS)."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True)
class Fault:
    """What the function is answered. `after`: the call reaches AWS, its answer gets lost."""

    status: int
    code: str
    after: bool = False


THROTTLED = Fault(400, "ThrottlingException")
BROKEN = Fault(500, "InternalServerError")
ANSWER_LOST = Fault(500, "InternalServerError", after=True)


def at_random(share: float, *faults: Fault, seed: int) -> Callable[[AwsCall], Fault | None]:
    """Let this share of calls fail, in one of these ways."""
    chance = random.Random(seed)

    def decide(call: AwsCall) -> Fault | None:
        return chance.choice(faults) if chance.random() < share else None

    return decide


class FaultProxy(ThreadingHTTPServer):
    """Passes calls on to AWS but for those that `decide` has a fault for."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream)
        self.decide: Callable[[AwsCall], Fault | None] = lambda _: None
        self.calls: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: FaultProxy
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        call = AwsCall(self._operation(body), body, self.path)
        self.server.calls[call.operation] += 1
        fault = self.server.decide(call)
        if fault is None or fault.after:
            status, headers, content = self._ask(body)
        if fault is not None:
            self.server.faults[fault.code] += 1
            status, headers, content = fault.status, *self._error(fault)
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        # Who asked may be dead by now.
        with suppress(OSError):
            if self.command != "HEAD":
                self.wfile.write(content)

    do_DELETE = do_GET = do_HEAD = do_PUT = do_POST  # noqa: N815

    def _operation(self, body: bytes) -> str:
        if "/@connections/" in self.path:
            return "PostToConnection" if self.command == "POST" else "DeleteConnection"
        if target := self.headers.get("X-Amz-Target"):
            return str(target).rpartition(".")[2]
        return parse_qs(body.decode()).get("Action", ["?"])[0]

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = self.server.upstream
        connection = http.client.HTTPConnection(str(upstream.hostname), upstream.port, timeout=30)
        with closing(connection):
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()

    def _error(self, fault: Fault) -> tuple[dict[str, str], bytes]:
        if self.headers.get("X-Amz-Target"):
            document = {"__type": f"com.amazonaws#{fault.code}", "message": "injected by a test"}
            return {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(document).encode()
        content = (
            "<ErrorResponse><Error><Type>Sender</Type>"
            f"<Code>{fault.code}</Code><Message>injected by a test</Message>"
            "</Error><RequestId>0</RequestId></ErrorResponse>"
        )
        return {"Content-Type": "text/xml"}, content.encode()


@contextmanager
def faults_on_the_way_to_sockets(stack: LocalStack, *functions: str) -> Iterator[FaultProxy]:
    """Put a proxy between functions and the management endpoint of the WebSocket API."""
    with FaultProxy(stack.status["aws_endpoint_url"]) as proxy, ExitStack() as changes:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            for function in functions:
                usual = urlsplit(stack.variables(function)["REALTIME_ENDPOINT"])
                endpoint = f"{proxy.url}{usual.path}"
                changes.enter_context(
                    variables_of(stack, function, {"REALTIME_ENDPOINT": endpoint})
                )
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


@contextmanager
def faults_between(stack: LocalStack, function: str, *services: str) -> Iterator[FaultProxy]:
    """Put a proxy between a function (its logical name) and services, such as `DYNAMODB`."""
    with FaultProxy(stack.status["aws_endpoint_url"]) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            variables = {f"AWS_ENDPOINT_URL_{service}": proxy.url for service in services}
            with variables_of(stack, function, variables):
                yield proxy
        finally:
            proxy.shutdown()
            thread.join()


@contextmanager
def variables_of(stack: LocalStack, function: str, variables: dict[str, str]) -> Iterator[None]:
    """Give a function more environment variables for a while, as an operator would."""
    client, name = stack.client("lambda"), stack.function(function)
    live = client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    usual = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    try:
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**usual, **variables}}
        )
        changed = client.publish_version(FunctionName=name)["Version"]
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=changed)
        yield
    finally:
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=live)
        client.update_function_configuration(FunctionName=name, Environment={"Variables": usual})


@contextmanager
def hidden_for(stack: LocalStack, queue: str, *, seconds: int) -> Iterator[None]:
    """Let what a consumer has received and not finished be seen again sooner, or later."""
    client, url = stack.client("sqs"), stack.status["queues"][queue]["url"]
    usual = client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    try:
        client.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
        yield
    finally:
        client.set_queue_attributes(QueueUrl=url, Attributes=usual["Attributes"])


def processes_of(stack: LocalStack, function: str) -> list[psutil.Process]:
    """Return the processes that run a function of this stack, without what is around them."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environment = process.environ()
            if (
                environment.get("AWS_LAMBDA_FUNCTION_NAME") == stack.function(function)
                and MARKER in environment
                and process.name().startswith("python")
            ):
                found.append(process)
    return found


def kill(stack: LocalStack, function: str) -> int:
    """Kill every process of a function, whatever it is doing; return how many there were."""
    killed = 0
    for process in processes_of(stack, function):
        with suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
            killed += 1
    return killed


@contextmanager
def killed_again_and_again(
    stack: LocalStack, function: str, *, seed: int, pause: tuple[float, float] = (0.05, 0.4)
) -> Iterator[list[int]]:
    """Kill a function's processes at random moments; the list grows with each that died."""
    stop, deaths, chance = threading.Event(), [], random.Random(seed)

    def run() -> None:
        while not stop.wait(chance.uniform(*pause)):
            if killed := kill(stack, function):
                deaths.append(killed)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield deaths
    finally:
        stop.set()
        thread.join()
