"""Roles of pipelines against what the commands call: the emulator asks nobody for rights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import xform_name

from tests.infrastructure.calls import BY_ROLE, Call
from tests.infrastructure.iam import allows
from tests.infrastructure.policies import deploying, statements
from tools.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENTS = ("dev", "prod", "staging")
# Only dev's pipeline may take away what is kept.
COMMANDS = [
    (role, environment, command)
    for role, commands in BY_ROLE.items()
    for environment in (ENVIRONMENTS if role != "destroy" else ("dev",))
    for command in commands
]
# Settings of all buckets may be seen by who plans; they are found by no list of names.
SEEN_EVERYWHERE = {"s3:GetBucketLocation", "s3:ListBucket"}

PREPARING = ("account_limits", "bootstrap", "unpreparing")
# What calls AWS in the commands of pipelines. Accounts are prepared by an administrator.
CODE = sorted(
    path
    for pattern in (
        *("tools/environments/*.py", "tools/infrastructure/*.py", "tools/releases/*.py"),
        *("tools/dead_letters/audit.py", "tools/invocations.py"),
    )
    for path in ROOT.glob(pattern)
    if not path.name.startswith(PREPARING)
)
CLIENT = re.compile(r'client\(\s*"([\w-]+)"')
PAGES = re.compile(r'get_paginator\("(\w+)"')
# Operations that ask for a right of another name, or for none.
OTHER_NAMES = {
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "lambda:Invoke": "lambda:InvokeFunction",
    "sts:GetCallerIdentity": None,
    # An administrator empties the registry, before it is taken down.
    "ecr:BatchDeleteImage": None,
    "ecr:ListImages": None,
}


def role_of(account: dict[str, Any], role: str, environment: str) -> list[dict[str, Any]]:
    """Return the statements of a role: one for all environments, or one for each."""
    return (
        statements(account, role) if role in {"plan", "push"} else deploying(account, environment)
    )


def elsewhere(role: str, call: Call, environment: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield a call on what is another environment's, and on what is no part of Itemstream."""
    if role in {"deploy", "destroy"} and not call.shared:
        yield call.of("staging" if environment == "prod" else "prod")
    if "itemstream-" in call.resource and call.action not in SEEN_EVERYWHERE:
        action, resource, context = call.of(environment)
        yield action, resource.replace("itemstream-", "billing-"), context


def called() -> set[str]:
    """Return the rights that the calls in the code need, by the names of boto3's methods."""
    session = boto3.Session(region_name="eu-central-1")
    texts = [path.read_text() for path in CODE]
    everywhere = {service for text in texts for service in CLIENT.findall(text)}
    operations: set[str] = set()
    for text in texts:
        methods = set(re.findall(r"\.(\w+)\(", text)) | set(PAGES.findall(text))
        # A module that makes no client is handed one.
        for service in CLIENT.findall(text) or everywhere:
            names = session.client(service).meta.service_model.operation_names
            operations |= {f"{service}:{name}" for name in names if xform_name(name) in methods}
    return {right for each in operations if (right := OTHER_NAMES.get(each, each))}


@pytest.mark.parametrize(("role", "environment", "command"), COMMANDS)
def test_a_command_may_do_what_it_does(
    account: dict[str, Any], role: str, environment: str, command: str
) -> None:
    # Given the role that a pipeline runs the command by
    role_statements = role_of(account, role, environment)

    # Then it is refused nothing that the command calls
    calls = [call.of(environment) for call in BY_ROLE[role][command]]
    assert [call for call in calls if not allows(role_statements, *call)] == []


@pytest.mark.parametrize(("role", "environment", "command"), COMMANDS)
def test_a_command_may_do_it_nowhere_else(
    account: dict[str, Any], role: str, environment: str, command: str
) -> None:
    # Given the same calls on what is another environment's, or nobody's here
    role_statements = role_of(account, role, environment)
    foreign = [
        each for call in BY_ROLE[role][command] for each in elsewhere(role, call, environment)
    ]

    # Then all of them are refused
    assert [call for call in foreign if allows(role_statements, *call)] == []


def test_a_protected_environment_is_destroyed_by_no_pipeline(account: dict[str, Any]) -> None:
    # Given what takes away data
    kept = {
        "dynamodb:DeleteTable",
        "rds:DeleteDBInstance",
        "s3:DeleteBucket",
        "logs:DeleteLogGroup",
    }
    taking = [call.of("prod") for call in BY_ROLE["destroy"]["destroy"] if call.action in kept]

    # Then production's role may do none of it, its history included
    assert len(taking) == len(kept)
    assert [c for c in taking if allows(deploying(account, "prod"), *c)] == []


def test_no_call_in_the_code_is_forgotten_here() -> None:
    known = {call.action for role in BY_ROLE.values() for calls in role.values() for call in calls}
    assert len(called()) > 20
    assert called() - known == set()
