"""A function that dies between its write and its answer."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.local_stack import EVERY_SCOPE, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_stack import Caller, LocalStack

RUN_HANDLER = """
import json, sys
from types import SimpleNamespace
from functions.crud.create_item import handler
context = SimpleNamespace(function_name="create-item", function_version="1", aws_request_id="crash")
print(json.dumps(handler(json.load(sys.stdin), context)))
"""


class AnswerEater(ThreadingHTTPServer):
    """Passes requests on to AWS; when a transaction has been written, kills who asked for it."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _EaterHandler)
        self.upstream = urlsplit(upstream)
        self.victim: subprocess.Popen[str] | None = None
        self.statuses: list[int] = []


class _EaterHandler(BaseHTTPRequestHandler):
    server: AnswerEater

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        upstream = self.server.upstream
        connection = http.client.HTTPConnection(str(upstream.hostname), upstream.port, timeout=10)
        with closing(connection):
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
        if self.headers["X-Amz-Target"].endswith("TransactWriteItems"):
            self.server.statuses.append(answer.status)
            assert self.server.victim is not None
            self.server.victim.send_signal(signal.SIGKILL)
            return
        self.send_response(answer.status)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def eater(stack: LocalStack) -> Iterator[AnswerEater]:
    with AnswerEater(stack.status["aws_endpoint_url"]) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_retry_succeeds_and_makes_no_second_item(
    stack: LocalStack, caller: Caller, eater: AnswerEater
) -> None:
    # Given the function, run on the stack's own tables and killed as soon as it has written
    key, content = str(uuid4()), {"name": "Once"}
    event = {
        "httpMethod": "POST",
        "resource": "/items",
        "headers": {"Content-Type": "application/json", "Idempotency-Key": key},
        "body": json.dumps(content),
        "requestContext": {
            "requestId": str(uuid4()),
            "authorizer": {"tenant": caller.tenant, "subject": "tester", "scopes": EVERY_SCOPE},
        },
    }
    configuration = stack.client("lambda").get_function_configuration(
        FunctionName=stack.function("create_item")
    )
    with subprocess.Popen(
        [sys.executable, "-c", RUN_HANDLER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={
            **configuration["Environment"]["Variables"],
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'python'}",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{eater.server_port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": stack.status["region"],
        },
    ) as function:
        eater.victim = function
        output, _ = function.communicate(json.dumps(event), timeout=60)

    # Then it died with its write done and nothing answered
    assert function.returncode == -signal.SIGKILL
    assert eater.statuses == [200]
    assert "statusCode" not in output

    # When the client tries again
    answer = caller.create(content, Idempotency_Key=key)

    # Then it gets the answer to the first request, and there is one item
    assert answer.status_code == 201
    assert answer.headers["idempotency-replayed"] == "true"
    (item,) = next(caller.pages())
    assert item == answer.json()
