"""What functions were published with: each starts out of it, and none is too large for Lambda."""

from __future__ import annotations

import asyncio
import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from tools.lambda_host.archives import UnpackedArchives
from tools.lambda_host.code import Image
from tools.lambda_host.configuration import Configurations, FunctionConfiguration
from tools.lambda_host.credentials import RoleCredentials
from tools.lambda_host.environment import Environment, Setting
from tools.lambda_host.limits import HostLimits
from tools.lambda_host.sandbox_launcher import SandboxLauncher
from tools.lambda_host.variables import lambda_variables
from tools.stack.run_choice import Run, chosen
from tools.stack.settings import current_stack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_stack import LocalStack

AT_ONCE = 2
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: a function and its
# layers, unzipped.
MOST_BYTES = 250 * 1024 * 1024


class Starter:
    """Starts functions of the stack in sandboxes of the test's own."""

    def __init__(self, stack: LocalStack, folder: Path) -> None:
        self.endpoint, self.folder = stack.status["aws_endpoint_url"], folder
        self.configurations = Configurations(stack.client("lambda"))
        self.credentials = RoleCredentials(stack.client("sts"), HostLimits())
        archives = UnpackedArchives(folder / "archives", self.endpoint)
        base = chosen(current_stack()).base_image
        self.launcher = SandboxLauncher(folder / "sandbox", base, archives)
        self.turns = asyncio.Semaphore(AT_ONCE)

    async def start(self, name: str, version: str) -> tuple[FunctionConfiguration, str]:
        """Run the Init phase; return what is configured, and the log if it failed."""
        async with self.turns:
            configuration = await self.configurations.get(name, version, None)
            credentials = await self.credentials.get(configuration.role, name)
            log: list[str] = []
            variables = lambda_variables(
                configuration,
                credentials,
                stream="trial",
                provisioned=False,
                region="us-east-1",
                aws_endpoint=self.endpoint,
                python=self.launcher.python,
                state=self.folder,
            )
            environment = Environment(
                Setting(
                    configuration=configuration,
                    variables=variables,
                    credentials=credentials,
                    folder=self.folder / name,
                    source=self.launcher.source_version(),
                    init_seconds=60,
                    launcher=self.launcher,
                    write=log.append,
                )
            )
            await environment.initialise()
            alive = environment.alive
            await environment.stop()
            return configuration, "" if alive else "\n".join(log)


def test_every_function_starts_out_of_its_image_or_archive(
    stack: LocalStack, tmp_path: Path
) -> None:
    # Given
    run = Run(stack.status["run"])
    if not chosen(current_stack()).base_image:
        pytest.skip("the stack runs no sandboxes")
    client = stack.client("lambda")
    live = {
        name: client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
        for name in stack.status["functions"].values()
    }

    # When
    async def start() -> list[tuple[FunctionConfiguration, str]]:
        starter = Starter(stack, tmp_path)
        return await asyncio.gather(*(starter.start(*version) for version in live.items()))

    started = asyncio.run(start())

    # Then
    assert not [log for _, log in started if log]
    images = {
        configuration.name for configuration, _ in started if isinstance(configuration.code, Image)
    }
    zips = live.keys() - images
    assert zips == ({stack.function("call_ingestor")} if run is Run.IMAGES else live.keys())


def test_every_archive_with_its_layer_is_within_lambdas_limit(stack: LocalStack) -> None:
    # Given
    build = current_stack().folder / "build"
    manifest = json.loads((build / "artifacts.json").read_text())

    def size(entry: dict[str, str]) -> int:
        with zipfile.ZipFile(build / entry["archive"]) as archive:
            return sum(member.file_size for member in archive.infolist())

    # When
    sizes = {family: size(entry) for family, entry in manifest["families"].items()}
    layer = size(manifest["layer"])

    # Then
    too_large = {family for family, bytes_ in sizes.items() if bytes_ + layer > MOST_BYTES}
    assert sizes
    assert not too_large
