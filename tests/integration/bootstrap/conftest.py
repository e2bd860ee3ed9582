"""A MiniStack as an AWS account of its own, and small Terraform roots that are deployed to it."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
import pytest

from tools.environments import destroying
from tools.environments.naming import find_environment
from tools.infrastructure import applying, bootstrap_root, planning, remote_root
from tools.infrastructure.planning import Report
from tools.infrastructure.remote_root import RemoteRoot
from tools.infrastructure.remote_state import state_bucket
from tools.infrastructure.revision import Revision
from tools.infrastructure.signing_in import SignedIn
from tools.progress import Progress
from tools.stack.scratch import scratch_ministack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT = "000000000000"
COMMIT = "a" * 40


@pytest.fixture(scope="package")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with scratch_ministack(tmp_path_factory.mktemp("ministack")) as ministack:
        yield ministack.endpoint


@pytest.fixture
def caller(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SignedIn:
    """Somebody who is signed in, and whose Terraform keeps nothing in this checkout."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setattr(bootstrap_root, "LOCAL", tmp_path)
    monkeypatch.setattr(remote_root, "LOCAL", tmp_path)
    return SignedIn(ACCOUNT, "us-east-1", boto3.Session())


@dataclass
class Project:
    """A small root in place of ours, and a commit whose images, none, were pushed."""

    caller: SignedIn
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    environment: str = "dev"
    plan: Path = field(init=False)

    def __post_init__(self) -> None:
        self.plan = self.folder / "plan" / "saved.tfplan"
        root = functools.partial(RemoteRoot, folder=self.folder)
        for module in (planning, applying, destroying):
            self.monkeypatch.setattr(module, "RemoteRoot", root)
        manifest = self.folder / "artifacts.json"
        manifest.write_text(json.dumps({"families": {}}))
        self.monkeypatch.setattr(planning, "pushed_artifacts", lambda _: manifest)
        self.monkeypatch.setattr(applying, "MANIFEST", manifest)
        self.check_out(COMMIT)

    def check_out(self, commit: str) -> None:
        """Have another commit checked out."""
        for module in (planning, applying):
            self.monkeypatch.setattr(module, "clean_revision", lambda **_: Revision(commit, ()))

    def write(self, configuration: str) -> None:
        """Say what the environment is made of."""
        head = 'terraform {\n  backend "s3" {}\n}\nvariable "artifacts_file" {}\n'
        (self.folder / "main.tf").write_text(head + configuration)

    def save(self) -> None:
        planning.save(
            find_environment(self.environment), self.plan, Report(None), allow_dirty=False
        )

    def apply(self) -> None:
        applying.apply(self.plan, Progress(), allow_dirty=False)


@pytest.fixture
def project(
    caller: SignedIn, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Project:
    s3 = caller.client("s3")
    s3.create_bucket(Bucket=state_bucket(ACCOUNT))
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=state_bucket(ACCOUNT)):
        for found in page.get("Contents", ()):
            s3.delete_object(Bucket=state_bucket(ACCOUNT), Key=found["Key"])
    return Project(caller, tmp_path_factory.mktemp("root"), monkeypatch)
