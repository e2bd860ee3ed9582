"""An account is prepared once: a second time there is nothing to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tools.infrastructure import bootstrapping
from tools.infrastructure.bootstrap_root import BootstrapRoot
from tools.infrastructure.bootstrapping import bootstrap
from tools.progress import Progress
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

    # When it is run again, in another checkout; then nothing is applied
    monkeypatch.setattr(bootstrapping, "BootstrapRoot", Untouched)
    assert prepare() == outputs


class Untouched(BootstrapRoot):
    """A root in a folder where nothing is yet, that must not be applied."""

    @classmethod
    def of(cls, caller: SignedIn, settings: Any) -> BootstrapRoot:
        usual = super().of(caller, settings)
        return cls(caller, settings, usual.folder.with_name("another"))

    def apply(self, report: Any) -> str:
        raise AssertionError("there is something to apply")
