"""A MiniStack of the tests' own, as our launcher starts it, and a stand-in for the Lambda host."""

from __future__ import annotations

import io
import json
import subprocess  # noqa: TC003 (a dataclass's field)
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import httpx
import pytest
from botocore.config import Config
from websockets.sync.client import connect

from tests.integration.local_aws.stand_in import StandIn
from tools.stack.scratch import scratch_ministack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

REGION = "us-east-1"
ACCOUNT = "000000000000"
ALLOW_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
# Pauses that AWS counts in minutes, short enough to be waited for.
FAST = {
    "ITEMSTREAM_ALARM_SECONDS": "0.1",
    "ITEMSTREAM_EXPIRY_SECONDS": "0.2",
    "ITEMSTREAM_EVENT_RETRY_SECONDS": "0.05",
    "ITEMSTREAM_ROTATION_RETRY_SECONDS": "0.05",
    "ITEMSTREAM_SCHEDULE_SECONDS": "0.1",
    "ITEMSTREAM_SOURCE_AGES_SECONDS": "0.1",
    "ITEMSTREAM_STREAM_RETRY_SECONDS": "0.02",
}


@dataclass(frozen=True)
class Queue:
    """A queue of the tests' own."""

    arn: str
    url: str
    client: Any

    def receive(self) -> list[dict[str, Any]]:
        """Take what is in the queue now, up to ten messages, for good."""
        answer = self.client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        for message in answer.get("Messages", []):
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return list(answer.get("Messages", []))

    def bodies(self) -> list[Any]:
        """Take what is in the queue now and read it."""
        return [json.loads(message["Body"]) for message in self.receive()]


@dataclass(frozen=True)
class RestApi:
    """A REST API with one method, POST /things, in front of one function."""

    id: str
    client: Any
    http: httpx.Client
    function: str


@dataclass(frozen=True)
class Ministack:
    """A running MiniStack."""

    endpoint: str
    process: subprocess.Popen[bytes]

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            # Ages shorter than AWS takes are what tests can wait for.
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )


class Called:
    """A function of a test's, and what it was called with."""

    def __init__(self, name: str, does: Callable[[Any], Any]) -> None:
        self.name, self.does = name, does
        self.events: list[Any] = []

    def __call__(self, event: Any) -> Any:
        self.events.append(event)
        return self.does(event)

    @property
    def uri(self) -> str:
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}:live"
        return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"


@dataclass
class WebsocketApi:
    """An API whose $connect asks an authorizer; `told` answers nothing, other messages do."""

    id: str
    endpoint: str
    ministack: Ministack
    authorizer: Called
    connected: Called
    disconnected: Called
    message: Called

    @property
    def url(self) -> str:
        return self.endpoint.replace("http", "ws", 1)

    def connect(self, query: str = "?ticket=t") -> ClientConnection:
        return connect(self.url + query, proxy=None, compression=None)

    def management(self, **credentials: str) -> Any:
        return boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=self.endpoint,
            region_name=REGION,
            **(credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}),
        )

    def id_of_the_last(self) -> str:
        return str(self.connected.events[-1]["requestContext"]["connectionId"])


@contextmanager
def running_ministack(folder: Path, **settings: str) -> Iterator[Ministack]:
    """Start MiniStack with its files in `folder`; kill it at the end."""
    with scratch_ministack(folder, **settings) as started:
        yield Ministack(started.endpoint, started.process)


@pytest.fixture(scope="session")
def _host() -> Iterator[StandIn]:
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, body = stand_in.invoke(dict(self.headers), event)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = stand_in.hangs_up

        def log_message(self, *_: Any) -> None:
            """Keep the tests' output clean."""

    class Server(ThreadingHTTPServer):
        def shutdown_request(self, request: Any) -> None:
            super().shutdown_request(request)
            stand_in.hung_up += 1

    with Server(("127.0.0.1", 0), Handler) as server:
        stand_in.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield stand_in
        server.shutdown()


@pytest.fixture
def host(_host: StandIn) -> StandIn:
    _host.invocations.clear()
    _host.functions.clear()
    _host.hangs_up, _host.hung_up = False, 0
    _host.answers(None)
    return _host


@pytest.fixture(scope="session")
def ministack(_host: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    folder = tmp_path_factory.mktemp("ministack")
    with running_ministack(folder, **FAST, ITEMSTREAM_LAMBDA_HOST_URL=_host.url) as started:
        yield started


@pytest.fixture(scope="session")
def function(ministack: Ministack) -> str:
    """Make an Image function behind the alias `live` and return its name."""
    return create_function(ministack)


def create_function(ministack: Ministack) -> str:
    """Make an Image function behind the alias `live` and return its name."""
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/trial@sha256:{'0' * 64}"
    return _create_function(ministack, PackageType="Image", Code={"ImageUri": image})


def create_zip_function(ministack: Ministack) -> str:
    """Make a Zip function behind the alias `live` and return its name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as members:
        members.writestr("trial.py", "def handler(event, context): return 'of the archive'")
    code = {"ZipFile": content.getvalue()}
    return _create_function(ministack, Runtime="python3.13", Handler="trial.handler", Code=code)


def _create_function(ministack: Ministack, **package: Any) -> str:
    name = f"trial-{uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    role = ministack.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(document)
    )
    client = ministack.client("lambda")
    client.create_function(
        FunctionName=name,
        **package,
        Role=role["Role"]["Arn"],
        Timeout=3,
        Publish=True,
    )
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


def create_queue(
    ministack: Ministack, *, open_to: str = "", source_arn: str = "*", **attributes: str
) -> Queue:
    """Make a queue to which the service `open_to` may send, on behalf of `source_arn`."""
    client = ministack.client("sqs")
    name = f"trial-{uuid4().hex[:8]}"
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    if open_to:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": open_to},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnLike": {"aws:SourceArn": source_arn}},
        }
        document = {"Version": "2012-10-17", "Statement": [statement]}
        attributes = {**attributes, "Policy": json.dumps(document)}
    url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return Queue(arn, url, client)


@pytest.fixture
def rest_api(ministack: Ministack, function: str) -> Iterator[RestApi]:
    """Make POST /things with a model; what the test changes is live at once."""
    client = ministack.client("apigateway")
    api = client.create_rest_api(name="trial")["id"]
    [root] = client.get_resources(restApiId=api)["items"]
    things = client.create_resource(restApiId=api, parentId=root["id"], pathPart="things")["id"]
    schema = {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "maxProperties": 2,
        "properties": {"name": {}, "price": {"type": "object"}, "tags": {}},
    }
    client.create_model(
        restApiId=api, name="Thing", contentType="application/json", schema=json.dumps(schema)
    )
    validator = client.create_request_validator(
        restApiId=api, name="all", validateRequestBody=True, validateRequestParameters=True
    )["id"]
    client.put_method(
        restApiId=api,
        resourceId=things,
        httpMethod="POST",
        authorizationType="NONE",
        requestModels={"application/json": "Thing"},
        requestValidatorId=validator,
        requestParameters={"method.request.querystring.colour": False},
    )
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}:live"
    client.put_integration(
        restApiId=api,
        resourceId=things,
        httpMethod="POST",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations",
    )
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX", "BAD_REQUEST_BODY", "REQUEST_TOO_LARGE"):
        client.put_gateway_response(
            restApiId=api,
            responseType=kind,
            responseParameters={
                "gatewayresponse.header.Content-Type": "'application/problem+json'"
            },
            responseTemplates={
                "application/json": f'{{"kind": "{kind}", '
                '"detail": "$context.error.validationErrorString"}'
            },
        )
    client.create_deployment(restApiId=api, stageName="v1")
    base = f"{ministack.endpoint}/_aws/execute-api/{api}/v1"
    with httpx.Client(base_url=base, timeout=30, trust_env=False) as http:
        yield RestApi(api, client, http, function)


@pytest.fixture
def websocket_api(ministack: Ministack, host: StandIn) -> Iterator[WebsocketApi]:
    authorizer = Called(
        create_function(ministack),
        lambda _: {"principalId": "p", "policyDocument": ALLOW_ALL, "context": {"tenant": "demo"}},
    )
    connected, disconnected = (
        Called(create_function(ministack), lambda _: {"statusCode": 200}) for _ in range(2)
    )
    # Zip functions must reach the host as well.
    message = Called(create_zip_function(ministack), lambda _: {})
    message.does = lambda event: {"statusCode": 200, "body": event["requestContext"]["routeKey"]}
    functions = (authorizer, connected, disconnected, message)
    host.functions.update({function.name: function for function in functions})
    client = ministack.client("apigatewayv2")
    api_id = client.create_api(
        Name="trial", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )["ApiId"]
    asked = client.create_authorizer(
        ApiId=api_id, AuthorizerType="REQUEST", Name="tokens", AuthorizerUri=authorizer.uri
    )["AuthorizerId"]
    for key, function in {
        "$connect": connected,
        "$disconnect": disconnected,
        "$default": message,
        "said": message,
        "told": message,
    }.items():
        integration = client.create_integration(
            ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function.uri
        )["IntegrationId"]
        answers = key in ("$default", "said")
        route = client.create_route(
            ApiId=api_id,
            RouteKey=key,
            Target=f"integrations/{integration}",
            **({"RouteResponseSelectionExpression": "$default"} if answers else {}),
            **({"AuthorizationType": "CUSTOM", "AuthorizerId": asked} if key == "$connect" else {}),
        )["RouteId"]
        if answers:
            client.create_route_response(ApiId=api_id, RouteId=route, RouteResponseKey="$default")
    deployment = client.create_deployment(ApiId=api_id)["DeploymentId"]
    client.create_stage(ApiId=api_id, StageName="v1", DeploymentId=deployment)
    endpoint = f"{ministack.endpoint}/_aws/execute-api/{api_id}/v1"
    yield WebsocketApi(api_id, endpoint, ministack, authorizer, connected, disconnected, message)
    client.delete_api(ApiId=api_id)
