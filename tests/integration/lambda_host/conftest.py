"""A Lambda host of the tests' own, a MiniStack for it, and functions that misbehave."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import httpx
import psutil
import pytest
from botocore.config import Config

from tests.waiting import eventually
from tools.commands import clean_environment
from tools.containers.build import build_base
from tools.lambda_host import stop_survivors
from tools.project import LOCAL, ROOT
from tools.stack.sandboxes import why_no_sandboxes
from tools.stack.scratch import free_port, scratch_ministack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PROJECT = Path(__file__).parent / "project"
ACCOUNT = "000000000000"
REGION = "us-east-1"
SECONDS = 20


def gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody has waited for counts as ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Aws:
    """A MiniStack of this worker's own."""

    endpoint: str
    host_port: int

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
        )

    def role(self, *statements: dict[str, Any]) -> str:
        """Make a role that Lambda may assume, with these permissions."""
        iam = self.client("iam")
        name = f"trial-{uuid4().hex[:8]}"
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
        if statements:
            iam.put_role_policy(
                RoleName=name, PolicyName="access", PolicyDocument=policy(*statements)
            )
        return str(made["Role"]["Arn"])

    def function(self, handler: str, **options: Any) -> Function:
        """Make an Image function whose handler is in `project/functions`."""
        name = f"{handler.rpartition('.')[2].replace('_', '-')}-{uuid4().hex[:8]}"
        options = {
            "Role": options.pop("Role", None) or self.role(),
            "Timeout": 10,
            "MemorySize": 256,
            **options,
        }
        self.client("lambda").create_function(
            FunctionName=name,
            PackageType="Image",
            Code={"ImageUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/trials@sha256:{'0' * 64}"},
            ImageConfig={"Command": [f"functions.{handler}"]},
            **options,
        )
        return Function(name, self)

    def zip_function(self, handler: str, **options: Any) -> Function:
        """Make a Zip function with a layer, of the handlers in `project/functions`."""
        lambda_client, name = self.client("lambda"), f"zip-{uuid4().hex[:8]}"
        layer = lambda_client.publish_layer_version(
            LayerName=name, Content={"ZipFile": archive({"python/layered.py": "version = 1"})}
        )
        lambda_client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler=f"functions.{handler}",
            Code={"ZipFile": archive(handlers())},
            Layers=[layer["LayerVersionArn"]],
            **{"Role": self.role(), "Timeout": 10, "MemorySize": 256, **options},
        )
        return Function(name, self)


def handlers() -> dict[str, str]:
    """Return the files of `project` by their paths in it."""
    return {str(file.relative_to(PROJECT)): file.read_text() for file in PROJECT.rglob("*.py")}


def archive(files: Mapping[str, str]) -> bytes:
    """Return a ZIP archive of these files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as members:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            # As on Lambda, the function is not the owner of its files.
            entry.external_attr = 0o644 << 16
            members.writestr(entry, text)
    return content.getvalue()


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass(frozen=True)
class Function:
    """A function in MiniStack."""

    name: str
    aws: Aws

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"

    def configuration(self, version: str = "$LATEST") -> dict[str, Any]:
        found = self.aws.client("lambda").get_function_configuration(
            FunctionName=self.name, Qualifier=version
        )
        return dict(found)


@dataclass(frozen=True)
class Answer:
    """What the host answered to an invocation."""

    status: int
    function_error: str | None
    request_id: str
    payload: Any


@dataclass
class Host:
    """A running Lambda host."""

    port: int
    state: Path
    process: subprocess.Popen[bytes]
    http: httpx.Client = field(repr=False)

    def invoke(
        self, function: Function, event: Any = None, version: str = "$LATEST", **headers: str
    ) -> Answer:
        request_id = str(uuid4())
        answer = self.http.post(
            f"/2015-03-31/functions/{function.name}/invocations",
            content=event if isinstance(event, bytes) else json.dumps(event),
            headers={
                "X-Amzn-Lambda-Function-Version": version,
                "X-Amzn-Lambda-Function-Arn": function.arn,
                "X-Amzn-Lambda-Request-Id": request_id,
                **headers,
            },
        )
        return Answer(
            answer.status_code,
            answer.headers.get("X-Amz-Function-Error"),
            request_id,
            answer.json(),
        )

    def health(self) -> dict[str, Any]:
        return dict(self.http.get("/health").json())

    def log(self, function: Function) -> str:
        file = self.state / "logs" / f"{function.name}.log"
        return file.read_text() if file.exists() else ""

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@pytest.fixture(scope="session")
def workspace() -> Iterator[Path]:
    """A folder that is not below /tmp, which functions see a copy of their own of."""
    folder = LOCAL / "lambda-host-tests" / uuid4().hex[:8]
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def aws(workspace: Path) -> Iterator[Aws]:
    host_port = free_port()
    host = f"http://127.0.0.1:{host_port}"
    folder = workspace / "ministack"
    with scratch_ministack(folder, ITEMSTREAM_LAMBDA_HOST_URL=host) as started:
        yield Aws(started.endpoint, host_port)


class Hosts:
    """Starts hosts, and stops all of them."""

    def __init__(self, aws: Aws, workspace: Path) -> None:
        self._aws = aws
        self._workspace = workspace
        self._started: list[Host] = []

    def start(
        self,
        port: int = 0,
        runs: tuple[str | Path, ...] = ("--root", PROJECT),
        state: Path | None = None,
        **options: float,
    ) -> Host:
        """Start a host, with options as on its command line."""
        port = port or free_port()
        state = state or self._workspace / uuid4().hex[:8]
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tools.lambda_host", "--port", str(port)),
                *("--aws-endpoint", self._aws.endpoint, "--state", state, *runs),
                *(f"--{name.replace('_', '-')}={value}" for name, value in options.items()),
            ],
            cwd=ROOT,
            env=clean_environment(PYTHONPATH=str(ROOT), SECRET_OF_THE_USER="leaked"),
        )
        url = f"http://127.0.0.1:{port}"
        http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self._started.append(Host(port, state, process, http))
        eventually(lambda: answers(f"{url}/health"))
        return self._started[-1]

    def stop(self) -> None:
        for host in self._started:
            host.http.close()
            host.process.terminate()
        for host in self._started:
            host.process.wait(SECONDS)
            stop_survivors(host.state)


@pytest.fixture(scope="session")
def host(aws: Aws, workspace: Path) -> Iterator[Host]:
    """The host that MiniStack sends invocations to, shared by tests that leave it as it was."""
    hosts = Hosts(aws, workspace)
    try:
        yield hosts.start(port=aws.host_port)
    finally:
        hosts.stop()


@pytest.fixture
def start_host(aws: Aws, workspace: Path) -> Iterator[Callable[..., Host]]:
    """Start hosts of the test's own."""
    hosts = Hosts(aws, workspace)
    try:
        yield hosts.start
    finally:
        hosts.stop()


@pytest.fixture(scope="session")
def base_image() -> str:
    """The image that Zip functions run on."""
    if hindrance := why_no_sandboxes():
        pytest.skip(hindrance)
    return build_base(lambda _: None)


@pytest.fixture(scope="session")
def sandboxes(aws: Aws, workspace: Path, base_image: str) -> Iterator[Host]:
    """A host that runs functions in sandboxes."""
    hosts = Hosts(aws, workspace)
    try:
        yield hosts.start(runs=("--base-image", base_image))
    finally:
        hosts.stop()


@pytest.fixture(scope="session")
def can_mount() -> bool:
    """Whether this system lets us have mount namespaces, and the checkout is not what they hide."""
    if LOCAL.is_relative_to("/tmp"):  # noqa: S108
        return False
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    trial = ["unshare", *user, "--mount", "mount", "--bind", "/usr", "/mnt"]
    return subprocess.run(trial, check=False, capture_output=True).returncode == 0
