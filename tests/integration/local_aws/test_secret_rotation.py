"""Versions of secrets, and their rotation by a function."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.integration.local_aws.conftest import (
    ACCOUNT,
    FAST,
    REGION,
    create_function,
    running_ministack,
)
from tests.integration.local_aws.stand_in import FunctionError
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.local_aws.conftest import Ministack
    from tests.integration.local_aws.stand_in import StandIn

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
DAYS = {"AutomaticallyAfterDays": 30}


class Secret:
    """A secret and the function that rotates it, as AWS's documentation has one do."""

    def __init__(self, ministack: Ministack, host: StandIn, *, permitted: bool = True) -> None:
        self.client = ministack.client("secretsmanager")
        self.name = f"trial-{uuid4().hex[:8]}"
        self.arn = self.client.create_secret(Name=self.name, SecretString="v0")["ARN"]
        self.function = create_function(ministack)
        self.function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function}:live"
        if permitted:
            self.permit(ministack)
        self.steps: list[str] = []
        self.does: dict[str, Callable[[], Any]] = {}
        host.functions[self.function] = self.step

    def permit(self, ministack: Ministack, **more: str) -> None:
        ministack.client("lambda").add_permission(
            FunctionName=self.function,
            Qualifier="live",
            StatementId=uuid4().hex,
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
            **{"SourceAccount": ACCOUNT, **more},
        )

    def step(self, event: dict[str, Any]) -> None:
        assert event["SecretId"] == self.arn
        assert event["RotationToken"]
        self.steps.append(event["Step"])
        if event["Step"] in self.does:
            self.does[event["Step"]]()
        token = event["ClientRequestToken"]
        if event["Step"] == "createSecret":
            self.client.put_secret_value(
                SecretId=self.arn,
                ClientRequestToken=token,
                SecretString=f"made as {token}",
                VersionStages=["AWSPENDING"],
            )
        elif event["Step"] == "finishSecret":
            self.client.update_secret_version_stage(
                SecretId=self.arn,
                VersionStage="AWSCURRENT",
                MoveToVersionId=token,
                RemoveFromVersionId=self.version("AWSCURRENT"),
            )

    def rotate(self, **more: Any) -> dict[str, Any]:
        return dict(self.client.rotate_secret(SecretId=self.name, **more))

    def set_up(self, **more: Any) -> str:
        """Rotate it at once, for the first time, and return the new version."""
        return str(
            self.rotate(RotationLambdaARN=self.function_arn, RotationRules=DAYS, **more)[
                "VersionId"
            ]
        )

    @property
    def described(self) -> dict[str, Any]:
        return dict(self.client.describe_secret(SecretId=self.name))

    @property
    def value(self) -> str:
        return str(self.client.get_secret_value(SecretId=self.name)["SecretString"])

    def version(self, label: str) -> str | None:
        labels = self.described["VersionIdsToStages"]
        return next((version for version, held in labels.items() if label in held), None)

    def is_rotated(self, version: str) -> bool:
        return "LastRotatedDate" in self.described and self.version("AWSCURRENT") == version


@pytest.fixture
def secret(ministack: Ministack, host: StandIn) -> Secret:
    return Secret(ministack, host)


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call()
    said = error.value.response["Error"]
    return said["Code"], said["Message"]


def fails() -> None:
    raise FunctionError("no")


def test_a_rotation_calls_the_function_for_four_steps(secret: Secret) -> None:
    # When
    version = secret.set_up()
    eventually(lambda: secret.is_rotated(version), what="the rotation")

    # Then
    assert secret.steps == STEPS
    assert secret.value == f"made as {version}"
    described = secret.described
    assert described["RotationEnabled"] is True
    assert described["RotationRules"] == DAYS
    between = described["NextRotationDate"] - described["LastRotatedDate"]
    assert between.days == 30
    previous = secret.version("AWSPREVIOUS")
    answer = secret.client.get_secret_value(SecretId=secret.name, VersionId=previous)
    assert answer["SecretString"] == "v0"


def test_the_value_stays_until_the_function_is_done(secret: Secret) -> None:
    # Given
    reached, go_on = threading.Event(), threading.Event()

    def holds() -> None:
        reached.set()
        go_on.wait(10)

    secret.does["testSecret"] = holds

    # When
    version = secret.set_up()
    assert reached.wait(10)

    # Then
    assert secret.value == "v0"
    assert secret.version("AWSPENDING") == version
    code, message = refused(secret.rotate)
    assert (code, message[:34]) == ("InvalidRequestException", "A previous rotation isn't complete")
    go_on.set()
    eventually(lambda: secret.is_rotated(version), what="the rotation")
    assert secret.steps == STEPS


def test_a_second_rotation_follows_the_first(secret: Secret) -> None:
    first = secret.set_up()
    eventually(lambda: secret.is_rotated(first), what="the first rotation")

    second = secret.rotate()["VersionId"]
    eventually(lambda: secret.is_rotated(second), what="the second rotation")

    assert secret.version("AWSPREVIOUS") == first


def test_a_rotation_begins_again_after_a_failure(secret: Secret) -> None:
    # Given
    secret.does["setSecret"] = lambda: fails() if secret.steps.count("setSecret") < 3 else None

    # When
    version = secret.set_up()
    eventually(lambda: secret.is_rotated(version), what="the rotation")

    # Then: from its beginning, with the same version
    assert secret.steps == [*STEPS[:2], *STEPS[:2], *STEPS]


def test_a_rotation_that_fails_for_good_is_attempted_again_when_asked(secret: Secret) -> None:
    # Given
    secret.does["createSecret"] = fails
    version = secret.set_up()
    eventually(lambda: len(secret.steps) == 5, what="five attempts")
    assert secret.value == "v0"
    assert secret.version("AWSPENDING") == version

    # When
    del secret.does["createSecret"]

    # Then
    def is_rotated_when_asked() -> bool:
        # The last attempt may still be ending when it is asked for the first time.
        if len(secret.steps) == 5:
            _, message = refused(secret.rotate)
            assert message.endswith("That rotation will be reattempted.")
        return secret.is_rotated(version)

    eventually(is_rotated_when_asked, what="the rotation")
    assert secret.steps[5:] == STEPS


def test_a_configuration_for_later_is_tried_by_its_test_alone(secret: Secret) -> None:
    # When
    secret.set_up(RotateImmediately=False)

    # Then
    eventually(lambda: secret.version("AWSPENDING") is None, what="the end of the trial")
    assert secret.steps == ["testSecret"]
    assert secret.value == "v0"
    assert secret.described["RotationEnabled"] is True
    assert "LastRotatedDate" not in secret.described


def test_a_cancelled_rotation_goes_no_further(secret: Secret) -> None:
    # Given
    reached, go_on = threading.Event(), threading.Event()

    def holds() -> None:
        reached.set()
        go_on.wait(10)

    secret.does["createSecret"] = holds
    version = secret.set_up()
    assert reached.wait(10)

    # When
    answer = secret.client.cancel_rotate_secret(SecretId=secret.name)
    go_on.set()

    # Then: what was begun is left as it is
    assert answer["VersionId"] == version
    assert secret.described["RotationEnabled"] is False
    assert secret.described["RotationLambdaARN"] == secret.function_arn
    eventually(
        lambda: secret.client.get_secret_value(SecretId=secret.name, VersionId=version).get(
            "SecretString"
        ),
        what="the step that was running",
    )
    assert secret.steps == ["createSecret"]
    assert secret.value == "v0"


def test_a_cancelled_secret_can_be_rotated_again(secret: Secret) -> None:
    first = secret.set_up()
    eventually(lambda: secret.is_rotated(first), what="the first rotation")
    answer = secret.client.cancel_rotate_secret(SecretId=secret.arn)
    assert "VersionId" not in answer

    second = secret.rotate()["VersionId"]
    eventually(lambda: secret.is_rotated(second), what="the second rotation")


def test_a_secret_without_a_function_is_not_rotated(secret: Secret) -> None:
    code, message = refused(secret.rotate)
    assert (code, message[:25]) == ("InvalidRequestException", "No Lambda rotation functi")


def test_a_function_that_secrets_manager_may_not_call_is_refused(
    ministack: Ministack, host: StandIn
) -> None:
    # Given
    secret = Secret(ministack, host, permitted=False)
    assert refused(secret.set_up)[0] == "AccessDeniedException"
    secret.permit(ministack, SourceAccount="111111111111")
    assert refused(secret.set_up)[0] == "AccessDeniedException"

    # When
    secret.permit(ministack)

    # Then
    assert secret.set_up()


def test_secrets_that_are_not_there_are_not_rotated(ministack: Ministack, secret: Secret) -> None:
    client = ministack.client("secretsmanager")
    for call in (client.rotate_secret, client.cancel_rotate_secret):
        code, _ = refused(lambda call=call: call(SecretId="none such"))
        assert code == "ResourceNotFoundException"
    client.delete_secret(SecretId=secret.name)
    for call in (client.rotate_secret, client.cancel_rotate_secret):
        code, _ = refused(lambda call=call: call(SecretId=secret.name))
        assert code == "InvalidRequestException"


def test_a_rotation_goes_on_after_a_restart(tmp_path: Path, host: StandIn) -> None:
    # Given a rotation whose function fails until MiniStack is killed
    settings = {
        **FAST,
        "PERSIST_STATE": "1",
        "ITEMSTREAM_SAVE_SECONDS": "0.1",
        "ITEMSTREAM_ROTATION_RETRY_SECONDS": "0.5",
        "ITEMSTREAM_LAMBDA_HOST_URL": host.url,
    }
    with running_ministack(tmp_path, **settings) as ministack:
        secret = Secret(ministack, host)
        secret.does["createSecret"] = fails
        version = secret.set_up()
        saved = [tmp_path / "state" / f"{service}.json" for service in ("secretsmanager", "lambda")]
        eventually(
            lambda: (
                secret.steps
                and all(file.exists() for file in saved)
                and version in saved[0].read_text()
                and "secretsmanager.amazonaws.com" in saved[1].read_text()
            ),
            what="saved",
        )
        ministack.process.kill()
        ministack.process.wait()

    # When
    with running_ministack(tmp_path, **settings) as ministack:
        secret.client = ministack.client("secretsmanager")
        secret.does.clear()

        # Then
        eventually(lambda: secret.is_rotated(version), what="the rotation")
        assert secret.value == f"made as {version}"


# Versions


def test_a_secret_without_a_value_has_no_version(ministack: Ministack) -> None:
    # When
    client, name = ministack.client("secretsmanager"), f"trial-{uuid4().hex[:8]}"
    answer = client.create_secret(Name=name)

    # Then
    assert "VersionId" not in answer
    assert client.describe_secret(SecretId=name).get("VersionIdsToStages", {}) == {}
    assert refused(lambda: client.get_secret_value(SecretId=name))[0] == "ResourceNotFoundException"


def test_the_first_version_is_the_current_one(ministack: Ministack) -> None:
    # Given
    client, name = ministack.client("secretsmanager"), f"trial-{uuid4().hex[:8]}"
    client.create_secret(Name=name)

    # When
    client.put_secret_value(SecretId=name, SecretString="v0", VersionStages=["AWSPENDING"])

    # Then
    assert client.get_secret_value(SecretId=name)["SecretString"] == "v0"


def test_a_version_has_one_value_for_ever(secret: Secret) -> None:
    # Given
    put = {"SecretId": secret.name, "ClientRequestToken": str(uuid4())}
    secret.client.put_secret_value(**put, SecretString="v1")

    # When / Then
    assert secret.client.put_secret_value(**put, SecretString="v1")["VersionId"]
    code, message = refused(lambda: secret.client.put_secret_value(**put, SecretString="v2"))
    assert (code, message[:30]) == ("ResourceExistsException", "You can't use ClientRequestTok")
    assert secret.value == "v1"


def test_one_version_is_pending(secret: Secret) -> None:
    # When
    for value in ("v1", "v2"):
        answer = secret.client.put_secret_value(
            SecretId=secret.name, SecretString=value, VersionStages=["AWSPENDING"]
        )

    # Then
    labels = secret.described["VersionIdsToStages"]
    assert [version for version, held in labels.items() if "AWSPENDING" in held] == [
        answer["VersionId"]
    ]
    assert secret.value == "v0"
    assert json.dumps(labels).count("AWSCURRENT") == 1
