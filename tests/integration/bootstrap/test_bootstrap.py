"""An account is prepared once: a second time there is nothing to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tools.infrastructure import bootstrapping
from tools.infrastructure.bootstrap_root import BootstrapRoot
from tools.infrastructure.bootstrapping import bootstrap
from tools.infrastructure.unpreparing import unprepare
from tools.progress import Progress
from tools.project import Problem
from tools.stack.scratch import scratch_ministack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.infrastructure.signing_in import SignedIn


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    """An account that nobody has prepared."""
    with scratch_ministack(tmp_path / "ministack") as ministack:
        yield ministack.endpoint


def prepare() -> dict[str, Any]:
    return bootstrap("acme/itemstream", ["dev"], [], Progress(), ask=False)


def test_an_account_is_prepared_and_then_there_is_nothing_to_do(
    caller: SignedIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # When
    outputs = prepare()

    # Then the state lies in the bucket that was made, and nowhere else
    s3 = caller.client("s3")
    assert outputs["state_bucket"] == "itemstream-state-000000000000"
    s3.head_object(Bucket=outputs["state_bucket"], Key="bootstrap.tfstate")
    assert s3.get_bucket_versioning(Bucket=outputs["state_bucket"])["Status"] == "Enabled"
    assert list(tmp_path.rglob("bootstrap.tfstate")) == []
    # And the roles are what GitHub is told
    role = caller.client("iam").get_role(RoleName="itemstream-deploy-dev")["Role"]
    assert outputs["roles"]["deploy"] == {"dev": role["Arn"]}
    # And API Gateway can write logs before there is an API
    gateway = caller.client("apigateway").get_account()
    assert gateway["cloudwatchRoleArn"].endswith(":role/itemstream-gateway-logs")

    # When it is run again, in another checkout; then nothing is applied
    monkeypatch.setattr(bootstrapping, "BootstrapRoot", Untouched)
    assert prepare() == outputs

    # Given an environment that still has something
    state = {"resources": [{"type": "aws_sqs_queue"}]}
    s3.put_object(
        Bucket=outputs["state_bucket"], Key="dev123.tfstate", Body=json.dumps(state).encode()
    )
    with pytest.raises(Problem, match=r"dev123 still lives .* itemstream destroy dev123"):
        unprepare("000000000000", Progress())
    s3.delete_object(Bucket=outputs["state_bucket"], Key="dev123.tfstate")

    # When everything is taken away
    with pytest.raises(Problem, match="Nothing was deleted: '1' is not 000000000000"):
        unprepare("1", Progress())
    unprepare("000000000000", Progress())

    # Then nothing is left
    assert s3.list_buckets()["Buckets"] == []
    roles = caller.client("iam").list_roles()["Roles"]
    assert [each["RoleName"] for each in roles if "itemstream" in each["RoleName"]] == []


class Untouched(BootstrapRoot):
    """A root in a folder where nothing is yet, that must not be applied."""

    @classmethod
    def of(cls, caller: SignedIn, settings: Any) -> BootstrapRoot:
        usual = super().of(caller, settings)
        return cls(caller, settings, usual.folder.with_name("another"))

    def apply(self, report: Any) -> str:
        raise AssertionError("there is something to apply")
