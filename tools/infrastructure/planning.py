"""Plans for any environment: against its AWS account, or over mocked providers without one."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from tools.dependencies.terraform import terraform_environment
from tools.infrastructure.root import TERRAFORM, initialise, terraform
from tools.infrastructure.workspace import Workspace
from tools.packaging.package import package
from tools.packaging.platforms import lambda_platform
from tools.progress import console
from tools.project import LOCAL, ROOT, Problem
from tools.stack.record import outputs
from tools.stack.settings import current_stack

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["environments", "plan"]

_LOCAL = "local"
# The file of terraform/tests, and its run, that plan everything as the environment has it.
_WHOLE_PLAN = "environment"


def environments() -> list[str]:
    """List the environments there are: one tfvars file each."""
    return sorted(path.stem for path in (TERRAFORM / "environments").glob("*.tfvars"))


def plan(environment: str, architecture: str) -> int:
    """
    Show what an apply would make of `environment` and return Terraform's exit code.

    The local plan is made against the local stack, the others against AWS. Without AWS
    credentials the same configuration is planned over mocked providers by `terraform test`.

    Raises
    ------
    Problem
        If there is no such environment, or the local stack is not up.
    """
    if environment not in environments():
        raise Problem(f"There is no environment {environment}: use {', '.join(environments())}.")
    if environment == _LOCAL:
        return _plan_locally()
    if account := _account():
        console.print(f"Planning [bold]{environment}[/] in the AWS account {account}.")
        return _plan_on_aws(environment, account, architecture)
    console.print(
        f"No AWS credentials: planning [bold]{environment}[/] over mocked providers. Names and "
        "settings are those of an apply; ids and ARNs that AWS gives are made up."
    )
    return _plan_mocked(environment)


def _plan_locally() -> int:
    stack = current_stack()
    outputs(stack)
    workspace = Workspace(stack, stack.folder / "build" / "artifacts.json")
    workspace.initialise()
    return workspace.plan()


def _account() -> str | None:
    try:
        account: str = boto3.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError):
        return None
    return account


def _plan_on_aws(environment: str, account: str, architecture: str) -> int:
    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise Problem("The AWS credentials are gone. Sign in again, then run the command again.")
    frozen = credentials.get_frozen_credentials()
    region = session.region_name or "us-east-1"
    registry = f"{account}.dkr.ecr.{region}.amazonaws.com"
    artifacts, _ = package(ROOT / "build", lambda_platform(architecture), registry)
    data = LOCAL / "terraform" / environment
    variables = terraform_environment(
        TF_DATA_DIR=str(data),
        AWS_REGION=region,
        AWS_ACCESS_KEY_ID=str(frozen.access_key),
        AWS_SECRET_ACCESS_KEY=str(frozen.secret_key),
        **({"AWS_SESSION_TOKEN": frozen.token} if frozen.token else {}),
    )
    settings = {
        "bucket": f"itemstream-state-{account}",
        "key": f"{environment}.tfstate",
        "region": region,
        "use_lockfile": "true",
    }
    backend = (f"-backend-config={name}={value}" for name, value in settings.items())
    initialise(variables, data, "-reconfigure", *backend)
    values = TERRAFORM / "environments" / f"{environment}.tfvars"
    command = terraform("plan", f"-var-file={values}", f"-var=artifacts_file={artifacts}")
    return subprocess.run(command, env=variables, check=False).returncode


def _plan_mocked(environment: str) -> int:
    data = LOCAL / "terraform" / "checks"
    variables = terraform_environment(TF_DATA_DIR=str(data))
    initialise(variables, data, "-backend=false")
    command = terraform(
        *("test", "-json", "-verbose", f"-filter=tests/{_WHOLE_PLAN}.tftest.hcl"),
        f"-var-file=environments/{environment}.tfvars",
    )
    done = subprocess.run(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for message in messages:
        if message["type"] == "test_plan" and message["@testrun"] == _WHOLE_PLAN:
            _print_resources(message["test_plan"]["resource_changes"])
        if message.get("diagnostic", {}).get("severity") == "error":
            console.print(f"[red]{message['@message']}[/]")
    return done.returncode


def _print_resources(changes: Iterable[dict[str, Any]]) -> None:
    made = [
        change
        for change in changes
        if change["mode"] == "managed" and "create" in change["change"]["actions"]
    ]
    table = Table("resource", "type", box=None)
    for change in sorted(made, key=lambda change: str(change["address"])):
        table.add_row(change["address"].replace("[", r"\["), f"[dim]{change['type']}[/]")
    console.print(table)
    kinds = Counter(str(change["type"]) for change in made)
    counts = Table("type", "number", box=None)
    for kind, number in sorted(kinds.items()):
        counts.add_row(kind, str(number))
    console.print(counts)
    console.print(f"{len(made)} resources would be made.")
