"""What MiniStack's Lambda service knows about a function, as the host needs it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tools.lambda_host.answers import FunctionNotFoundError
from tools.lambda_host.code import code_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import GetFunctionResponseTypeDef

    from tools.lambda_host.code import Code

LATEST = "$LATEST"


@dataclass(frozen=True)
class FunctionConfiguration:
    """One version of a function.

    Attributes
    ----------
    memory
        MB.
    timeout
        Seconds.
    """

    name: str
    version: str
    revision: str
    handler: str
    role: str
    memory: int
    timeout: int
    log_group: str
    variables: Mapping[str, str]
    code: Code


class Configurations:
    """The configurations of versions, read once for each revision.

    Parameters
    ----------
    client
        A Lambda client; its calls run in threads.

    Attributes
    ----------
    reserved
        The reserved concurrency of functions by name, None for no limit.
    """

    def __init__(self, client: LambdaClient) -> None:
        self._client = client
        self._known: dict[tuple[str, str], FunctionConfiguration] = {}
        self.reserved: dict[str, int | None] = {}

    async def get(self, name: str, version: str, revision: str | None) -> FunctionConfiguration:
        """Return the configuration of a version.

        Raises
        ------
        FunctionNotFoundError
            If there is no such function or version.
        """
        known = self._known.get((name, version))
        if known is not None and known.revision == revision:
            return known
        configuration = await asyncio.to_thread(self._read, name, version)
        self._known[name, version] = configuration
        return configuration

    async def provisioned(self) -> list[tuple[FunctionConfiguration, int]]:
        """Return the versions that aliases keep warm, and how many environments of each.

        Reads the reserved concurrency of every function anew, too.
        """
        versions = await asyncio.to_thread(lambda: list(self._provisioned_versions()))
        return [
            (self._known.get((name, version)) or await self.get(name, version, None), count)
            for name, version, count in versions
        ]

    def _read(self, name: str, version: str) -> FunctionConfiguration:
        try:
            found = self._client.get_function(FunctionName=name, Qualifier=version)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raise FunctionNotFoundError(f"Function not found: {name}:{version}") from error
        self.reserved[name] = found.get("Concurrency", {}).get("ReservedConcurrentExecutions")
        return _parse(found)

    def _provisioned_versions(self) -> Iterator[tuple[str, str, int]]:
        for page in self._client.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                name = function["FunctionName"]
                reserved = self._client.get_function_concurrency(FunctionName=name)
                self.reserved[name] = reserved.get("ReservedConcurrentExecutions")
                for alias in self._client.list_aliases(FunctionName=name)["Aliases"]:
                    count = self._provisioned(name, alias["Name"])
                    if count:
                        yield name, alias["FunctionVersion"], count

    def _provisioned(self, name: str, alias: str) -> int:
        try:
            found = self._client.get_provisioned_concurrency_config(
                FunctionName=name, Qualifier=alias
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ProvisionedConcurrencyConfigNotFoundException":
                raise
            return 0
        return found["RequestedProvisionedConcurrentExecutions"]


def _parse(found: GetFunctionResponseTypeDef) -> FunctionConfiguration:
    configuration = found["Configuration"]
    name = configuration["FunctionName"]
    image = configuration.get("ImageConfigResponse", {}).get("ImageConfig", {})
    command = image.get("Command") or [configuration.get("Handler", "")]
    return FunctionConfiguration(
        name=name,
        version=configuration.get("Version", LATEST),
        revision=configuration.get("RevisionId", ""),
        handler=command[0],
        role=configuration["Role"],
        memory=configuration.get("MemorySize", 128),
        timeout=configuration.get("Timeout", 3),
        log_group=configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}",
        variables=configuration.get("Environment", {}).get("Variables", {}),
        code=code_of(found),
    )
