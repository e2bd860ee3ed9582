"""A preview whose pull request is gone is found by what is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from tools.infrastructure.remote_state import state_bucket
from tools.infrastructure.signing_in import SignedIn
from tools.workflows import unwanted_previews

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def caller(aws: None) -> Iterator[SignedIn]:
    with mock_aws():
        caller = SignedIn("123456789012", "us-east-1", boto3.Session())
        s3 = caller.client("s3")
        s3.create_bucket(Bucket=state_bucket(caller.account))
        for key in ("dev.tfstate", "dev7.artifacts.json", "dev7.tfstate", "dev8.tfstate"):
            s3.put_object(Bucket=state_bucket(caller.account), Key=key, Body=b"{}")
        yield caller


def test_a_preview_is_unwanted_without_its_pull_request(caller: SignedIn) -> None:
    assert unwanted_previews.unwanted_previews(caller, {8, 9}) == ["dev7"]
    assert unwanted_previews.unwanted_previews(caller, {7, 8}) == []


def test_the_output_is_one_that_a_matrix_reads(
    caller: SignedIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Given the answer of `gh pr list --json number`
    wanted = tmp_path / "wanted.json"
    wanted.write_text('[{"number": 7}]')
    monkeypatch.setattr(unwanted_previews, "sign_in", lambda: caller)

    # When
    code = unwanted_previews.main([str(wanted)])

    # Then
    assert code == 0
    assert capsys.readouterr().out == 'previews=["dev8"]\n'
