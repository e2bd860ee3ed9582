"""The code of each version of a function, as GetFunction says where it is."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import pytest

from tools.lambda_host.code import Archives, code_of

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack


def archive(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as members:
        members.writestr("handler.py", text)
    return content.getvalue()


class ZipFunction:
    """A function with a layer, made of archives."""

    def __init__(self, ministack: Ministack) -> None:
        self.ministack = ministack
        self.name = f"trial-{uuid4().hex[:8]}"
        self.client = ministack.client("lambda")
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
        document = {
            "Version": "2012-10-17",
            "Statement": [{**trust, "Action": "sts:AssumeRole"}],
        }
        self.role = ministack.client("iam").create_role(
            RoleName=self.name, AssumeRolePolicyDocument=json.dumps(document)
        )["Role"]["Arn"]
        self.layer = self.client.publish_layer_version(
            LayerName=self.name, Content={"ZipFile": archive("of the layer")}
        )
        self.client.create_function(
            FunctionName=self.name,
            Role=self.role,
            Runtime="python3.13",
            Handler="handler.handler",
            Code={"ZipFile": archive("first")},
            Layers=[self.layer["LayerVersionArn"]],
            Publish=True,
        )

    def published(self, text: str) -> None:
        self.client.update_function_code(
            FunctionName=self.name, ZipFile=archive(text), Publish=True
        )

    def code(self, version: str | None = None) -> Archives:
        which: dict[str, Any] = {"Qualifier": version} if version else {}
        code = code_of(self.client.get_function(FunctionName=self.name, **which))
        assert isinstance(code, Archives)
        return code

    def text(self, location: str) -> str:
        answer = httpx.get(urljoin(self.ministack.endpoint, location), trust_env=False)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as members:
            return members.read("handler.py").decode()


@pytest.fixture
def zip_function(ministack: Ministack) -> ZipFunction:
    return ZipFunction(ministack)


def test_each_version_has_the_code_it_was_published_with(zip_function: ZipFunction) -> None:
    # Given
    zip_function.published("second")

    # When
    found = [
        zip_function.text(zip_function.code(version).function.location)
        for version in ("1", "2", None)
    ]

    # Then
    assert found == ["first", "second", "second"]


def test_a_version_keeps_a_layer_that_was_deleted(zip_function: ZipFunction) -> None:
    # Given
    zip_function.client.delete_layer_version(
        LayerName=zip_function.name, VersionNumber=zip_function.layer["Version"]
    )

    # When
    (layer,) = zip_function.code("1").layers

    # Then
    assert zip_function.text(layer.location) == "of the layer"
