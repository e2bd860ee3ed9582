"""What pipelines may do in an account: what a deployment needs, on what is theirs, and no more."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from tests.infrastructure.iam import PLACE, allows
from tests.infrastructure.policies import deploying, statements
from tools.project import ROOT

TERRAFORM = ROOT / "terraform"
SERVICES: dict[str, Any] = yaml.safe_load(
    (TERRAFORM / "modules/deploy_role/services.yaml").read_text()
)
# Services that no type of resource leads to, and why they are there.
WITHOUT_RESOURCES = {"ecr"}
# Resources of the services that have statements of their own (identity.tf).
IDENTITIES = ("aws_iam_",)
ENVIRONMENTS = ("dev", "prod", "staging")
SUBJECTS = {
    "plan": ["repo:acme/itemstream:environment:plan", "repo:acme/itemstream:ref:refs/heads/main"],
    "push": ["repo:acme/itemstream:environment:images", "repo:acme/itemstream:environment:preview"],
    "deploy dev": [
        "repo:acme/itemstream:environment:dev",
        "repo:acme/itemstream:environment:preview",
    ],
    "deploy prod": ["repo:acme/itemstream:environment:prod"],
    "deploy staging": ["repo:acme/itemstream:environment:staging"],
}
# Actions that read what an environment keeps, or give a caller more rights than it has.
DATA = (
    *("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PutItem"),
    *("s3:GetObject", "secretsmanager:GetSecretValue", "sqs:ReceiveMessage", "logs:GetLogEvents"),
    *("logs:FilterLogEvents", "logs:StartQuery", "kms:Decrypt", "rds-db:connect"),
)


def made_by_the_root() -> set[str]:
    """Return the types of resources that the main root can make."""
    files = [
        path
        for path in TERRAFORM.rglob("*.tf")
        if not {"bootstrap", "deploy_role", "registry"} & set(path.parts)
    ]
    return {
        kind
        for path in files
        for kind in re.findall(r'^resource "(aws_\w+)"', path.read_text(), re.MULTILINE)
    }


def service_of(kind: str) -> list[str]:
    """Return the services whose longest beginning a type has."""
    fitting = {
        service: max((len(each) for each in entry["makes"] if kind.startswith(each)), default=0)
        for service, entry in SERVICES.items()
    }
    longest = max(fitting.values())
    return [service for service, length in fitting.items() if length == longest > 0]


def test_every_type_of_resource_belongs_to_one_service() -> None:
    kinds = {kind for kind in made_by_the_root() if not kind.startswith(IDENTITIES)}
    assert {kind: service_of(kind) for kind in kinds if len(service_of(kind)) != 1} == {}


def test_no_service_is_there_for_nothing() -> None:
    used = {service for kind in made_by_the_root() for service in service_of(kind)}
    assert set(SERVICES) - used == WITHOUT_RESOURCES


@pytest.mark.parametrize("role", SUBJECTS)
def test_a_role_is_taken_on_by_its_workflows_alone(account: dict[str, Any], role: str) -> None:
    # Given
    [statement] = json.loads(account["trust_policies"][role])["Statement"]

    # Then
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": SUBJECTS[role],
        }
    }


def test_policies_are_no_longer_than_iam_takes(account: dict[str, Any]) -> None:
    lengths = {name: len(re.sub(r"\s", "", text)) for name, text in account["policies"].items()}
    assert {name: length for name, length in lengths.items() if length > 6144} == {}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_role_touches_its_environment_alone(account: dict[str, Any], environment: str) -> None:
    # Given resources of another environment, and the roles of the pipelines themselves
    other = "staging" if environment == "prod" else "prod"
    foreign = [
        f"arn:aws:lambda:{PLACE}:function:itemstream-{other}-create-item",
        f"arn:aws:dynamodb:{PLACE}:table/itemstream-{other}-items",
        f"arn:aws:s3:::itemstream-{other}-uploads-111122223333",
        f"arn:aws:s3:::itemstream-state-111122223333/{other}.tfstate",
        f"arn:aws:secretsmanager:{PLACE}:secret:itemstream-{other}-token-signing-abcdef",
        f"arn:aws:iam::111122223333:role/itemstream-{other}-create-item",
        f"arn:aws:iam::111122223333:role/itemstream-deploy-{environment}",
        f"arn:aws:iam::111122223333:policy/itemstream-boundary-{environment}",
    ]
    named = [s for s in deploying(account, environment) if s["Resource"] != ["*"]]

    # Then no statement with names reaches one of them
    reached = [
        arn
        for arn in foreign
        for statement in named
        if any(fnmatchcase(arn, pattern) for pattern in statement["Resource"])
    ]
    assert reached == []
    # And its own are reached
    own = f"arn:aws:lambda:{PLACE}:function:itemstream-{environment}-create-item"
    assert allows(named, "lambda:UpdateFunctionCode", own)
    assert allows(
        named, "s3:PutObject", f"arn:aws:s3:::itemstream-state-111122223333/{environment}.tfstate"
    )


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_has_no_name_is_held_by_region_or_tag(
    account: dict[str, Any], environment: str
) -> None:
    unnamed = [s for s in deploying(account, environment) if s["Resource"] == ["*"]]
    keys = {key for s in unnamed for test in s["Condition"].values() for key in test}
    assert unnamed
    assert keys == {
        "aws:RequestedRegion",
        "aws:RequestTag/Environment",
        "aws:ResourceTag/Environment",
        "lambda:FunctionArn",
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_pipeline_makes_roles_under_the_boundary_only(
    account: dict[str, Any], environment: str
) -> None:
    # Given every right over identities
    found = [s for s in deploying(account, environment) if any("iam:" in a for a in s["Action"])]
    escalating = {
        *("iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy"),
        *("iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"),
    }

    # Then those that give rights need the boundary, and none takes it away or makes policies
    for statement in found:
        if escalating & set(statement["Action"]):
            assert "iam:PermissionsBoundary" in statement["Condition"]["StringEquals"]
    actions = {action for statement in found for action in statement["Action"]}
    assert escalating <= actions
    assert not [a for a in actions if "*" in a or a == "iam:DeleteRolePermissionsBoundary"]
    assert not [a for a in actions if re.match(r"iam:(Create|Delete|Set)(Default)?Policy", a)]


def test_only_developers_data_can_be_deleted_by_a_pipeline(account: dict[str, Any]) -> None:
    table = "arn:aws:dynamodb:eu-central-1:111122223333:table/itemstream-{}-items"
    may = {
        e: allows(deploying(account, e), "dynamodb:DeleteTable", table.format(e))
        for e in ENVIRONMENTS
    }
    assert may == {"dev": True, "prod": False, "staging": False}


def test_a_preview_is_deployed_by_the_role_of_dev_and_nothing_else_is(
    account: dict[str, Any],
) -> None:
    arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/itemstream-dev123-items"
    may = {e: allows(deploying(account, e), "dynamodb:CreateTable", arn) for e in ENVIRONMENTS}
    assert may == {"dev": True, "prod": False, "staging": False}


@pytest.mark.parametrize("name", ["plan", "push"])
def test_who_plans_or_pushes_changes_nothing_and_reads_no_data(
    account: dict[str, Any], name: str
) -> None:
    # Given what the role may do anywhere
    found = statements(account, name)
    anywhere = [s for s in found if s["Resource"] == ["*"]]

    # Then nothing of it reads data, and it changes nothing but images
    assert [a for a in DATA if allows(anywhere, a, "arn:aws:any")] == []
    changing = re.compile(r":(?!Batch|Decrypt|Describe|Get|List|GET$)")
    actions = {action for statement in found for action in statement["Action"]}
    assert {a.split(":")[0] for a in actions if changing.search(a)} <= {"ecr"}
    if name == "plan":
        assert not [a for a in actions if changing.search(a)]


def test_who_reads_a_secret_reads_the_one_of_the_smoke_test(account: dict[str, Any]) -> None:
    secret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:itemstream-prod-{}-abcdef"
    found = deploying(account, "prod")
    readable = {
        name: allows(found, "secretsmanager:GetSecretValue", secret.format(name))
        for name in ("token-signing", "cursor-signing", "database")
    }
    assert readable == {"token-signing": True, "cursor-signing": False, "database": False}
