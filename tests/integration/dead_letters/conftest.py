"""An environment of the tests' own, `trial`, on a scratch MiniStack; functions answer as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable  # noqa: TC003 (a dataclass's field)
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest

from tools.dead_letters.accounts import Account
from tools.dead_letters.queues import find_queue
from tools.stack.scratch import scratch_ministack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.dead_letters.queues import DeadLetterQueue

ACCOUNT = "000000000000"
REGION = "us-east-1"
ARN = f"{REGION}:{ACCOUNT}"
DONE = {"batchItemFailures": []}


@dataclass
class Functions:
    """Keeps what functions are invoked with, and answers as the test says."""

    answer: Callable[[Any], Any] = lambda _event: DONE
    error: str = ""
    events: list[Any] = field(default_factory=list)

    @property
    def records(self) -> list[list[Any]]:
        return [event["Records"] for event in self.events]


@dataclass(frozen=True)
class Environment:
    """The environment `trial`."""

    account: Account

    def client(self, service: str) -> Any:
        return self.account.client(service)

    def queue(self, name: str) -> str:
        return str(self.client("sqs").create_queue(QueueName=name)["QueueUrl"])

    def arn(self, url: str) -> str:
        return f"arn:aws:sqs:{ARN}:{url.rpartition('/')[2]}"

    def dead_letters_of_queue(self) -> tuple[str, DeadLetterQueue]:
        """Make a queue with dead letters; return its URL and them."""
        name = f"{self.account.prefix}orders-{uuid4().hex[:8]}"
        source = self.queue(name)
        self.queue(f"{name}-dead-letters")
        return source, find_queue(self.account, f"{name}-dead-letters")

    def function(self, name: str, **variables: str) -> str:
        """Make a function behind the alias `live` and return its name."""
        name = f"{self.account.prefix}{name}"
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
        document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
        role = self.client("iam").create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps(document)
        )
        image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/trial@sha256:{'0' * 64}"
        self.client("lambda").create_function(
            FunctionName=name,
            PackageType="Image",
            Code={"ImageUri": image},
            Role=role["Role"]["Arn"],
            Timeout=3,
            Environment={"Variables": variables},
            Publish=True,
        )
        self.client("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        return name

    def dead_letters_of_function(self) -> DeadLetterQueue:
        """Make a function with dead letters."""
        name = self.function(f"consumer-{uuid4().hex[:8]}")
        self.queue(f"{name}-dead-letters")
        return find_queue(self.account, f"{name}-dead-letters")

    def send(self, queue: DeadLetterQueue, body: Any, **attributes: str) -> str:
        answer = self.client("sqs").send_message(
            QueueUrl=queue.url,
            MessageBody=body if isinstance(body, str) else json.dumps(body),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )
        return str(answer["MessageId"])

    def bodies(self, url: str) -> list[str]:
        """Receive, and leave hidden, all that is visible."""
        found: list[str] = []
        while (
            messages := self.client("sqs")
            .receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            .get("Messages", [])
        ):
            found += [message["Body"] for message in messages]
        return found

    def visible(self, queue: DeadLetterQueue) -> int:
        answer = self.client("sqs").get_queue_attributes(
            QueueUrl=queue.url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


@pytest.fixture(scope="session")
def _functions() -> Iterator[tuple[Functions, str]]:
    functions = Functions()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            functions.events.append(event)
            body = json.dumps(functions.answer(event)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            if functions.error:
                self.send_header("X-Amz-Function-Error", functions.error)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep the tests' output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield functions, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def functions(_functions: tuple[Functions, str]) -> Functions:
    told, _ = _functions
    told.answer, told.error = lambda _event: DONE, ""
    told.events.clear()
    return told


@pytest.fixture(scope="session")
def trial(
    _functions: tuple[Functions, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    folder = tmp_path_factory.mktemp("dead-letters")
    with scratch_ministack(folder, ITEMSTREAM_LAMBDA_HOST_URL=_functions[1]) as started:
        session = boto3.Session("test", "test", region_name=REGION)
        yield Environment(Account("trial", "the trial", session, started.endpoint))
