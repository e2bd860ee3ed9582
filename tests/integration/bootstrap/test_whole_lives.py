"""An environment with something in it: it drifts, it goes when that is said, nothing is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.environments.destroying import destroy
from tools.environments.naming import find_environment
from tools.infrastructure.planning import Report, find_drift
from tools.progress import Progress
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.bootstrap.conftest import Project

STORAGE = """
provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

resource "aws_s3_bucket" "kept" {
  bucket = "itemstream-dev-kept"
}

resource "aws_s3_bucket_versioning" "kept" {
  bucket = aws_s3_bucket.kept.id

  versioning_configuration {
    status = "Enabled"
  }
}
"""


DEV = find_environment("dev")


def test_what_differs_from_what_was_deployed_is_drift(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given an environment that was never deployed, of which nothing can differ
    assert not find_drift(DEV, Report(None))
    assert "dev was never deployed" in capsys.readouterr().err

    # When it is
    project.write('resource "terraform_data" "number" {\n  input = 1\n}\n')
    project.save()
    project.apply()

    # Then nothing has drifted, until a plan is not empty
    assert not find_drift(DEV, Report(None))
    project.write('resource "terraform_data" "number" {\n  input = 2\n}\n')
    assert find_drift(DEV, Report(tmp_path / "build" / "drift.md"))
    assert "1 changed" in (tmp_path / "build" / "drift.md").read_text()


def test_an_environment_is_destroyed_when_its_name_is_said_and_again_nothing_is_left(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given an environment
    project.write(STORAGE)
    project.save()
    project.apply()
    s3 = project.caller.client("s3")

    # And objects in it, one of them deleted
    for key in ("one", "one", "two"):
        s3.put_object(Bucket="itemstream-dev-kept", Key=key, Body=b"")
    s3.delete_object(Bucket="itemstream-dev-kept", Key="one")

    # Then another name takes nothing down
    with pytest.raises(Problem, match="Nothing was deleted: 'prod' is not dev"):
        destroy(DEV, "prod", Progress())
    assert "itemstream-dev-kept: 4 versions of objects" in capsys.readouterr().err

    # When it is confirmed
    destroy(DEV, "dev", Progress())

    # Then nothing is left, and to say it again changes nothing
    assert "itemstream-dev-kept" not in {each["Name"] for each in s3.list_buckets()["Buckets"]}
    destroy(DEV, None, Progress())
    assert "Nothing is left of dev" in capsys.readouterr().err


def test_the_local_stack_is_not_destroyed_so() -> None:
    with pytest.raises(Problem, match="make reset"):
        destroy(find_environment("local"), "local", Progress())
