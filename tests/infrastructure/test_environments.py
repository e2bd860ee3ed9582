"""The Terraform of every environment, planned over mocked providers.

The properties themselves stand in terraform/tests. Here they are run for each environment, and it
is shown that nothing in the plan escapes them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from tests.infrastructure.creations import MADE_BY
from tests.infrastructure.iam import allows
from tests.infrastructure.policies import deploying
from tools.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENVIRONMENTS = sorted(path.stem for path in (ROOT / "terraform/environments").glob("*.tfvars"))

# The modules that give resources of a kind their guarantees.
GUARDED_BY: dict[str, str | tuple[str, ...]] = {
    "aws_cloudwatch_metric_alarm": (
        # No module's, but asserted one by one (consumers.tftest.hcl).
        "aws_cloudwatch_metric_alarm.cleanup[",
        "module.database[",
        "module.function[",
        "module.health_alarms.",
        "module.http_api.",
        "module.queue[",
        "module.rule_dead_letters[",
        "module.secret_rotation.",
        "module.websocket_api.",
    ),
    "aws_db_instance": "module.database[",
    "aws_db_proxy": "module.database[",
    "aws_dynamodb_table": "module.table[",
    "aws_elasticache_replication_group": "module.cache[",
    "aws_lambda_event_source_mapping": "module.event_source[",
    "aws_lambda_function": "module.function[",
    "aws_s3_bucket": "module.bucket[",
    "aws_sqs_queue": ("module.function[", "module.queue[", "module.rule_dead_letters["),
    "aws_wafv2_web_acl": "module.web_acl[",
}
# Its variants set what they are about themselves, and are two plans more.
VARIED = "prod"
# The tests of a whole root; the others are about a module by itself.
WHOLE = {"bootstrap", "consumers", "environment", "variants"}
# Set once for all environments of an account (terraform/bootstrap).
OF_THE_ACCOUNT = ("aws_api_gateway_account", "aws_iam_openid_connect_provider")
# Here other programs stand for them.
ON_AWS_ONLY = {
    "aws_db_instance",
    "aws_db_proxy",
    "aws_elasticache_replication_group",
    "aws_wafv2_web_acl",
}


@dataclass(frozen=True)
class Plan:
    """What `terraform test` made of one environment."""

    passed: bool
    messages: list[str]
    resources: list[dict[str, Any]]
    policies: dict[str, str]

    def of_type(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield the resources of one type."""
        return (resource for resource in self.resources if resource["type"] == kind)


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def plan(request: pytest.FixtureRequest, terraform: Callable[..., str]) -> Plan:
    """One environment's plan."""

    def test(file: str, *options: str) -> list[dict[str, Any]]:
        values = f"-var-file=environments/{request.param}.tfvars"
        chosen = f"-filter=tests/{file}.tftest.hcl"
        output = terraform("test", "-json", *options, chosen, values, expected=(0, 1))
        return [json.loads(line) for line in output.splitlines()]

    # A plan is told in some 15 MB: only the one that is looked at.
    messages = [*test("environment", "-verbose"), *test("consumers")]
    if request.param == VARIED:
        messages += test("variants")
    plans = [
        m["test_plan"] for m in messages if "test_plan" in m and m["@testrun"] == "environment"
    ]
    planned: dict[str, Any] = plans[0] if plans else {}
    summaries = [m["test_summary"] for m in messages if m["type"] == "test_summary"]
    return Plan(
        passed={summary["status"] for summary in summaries} == {"pass"},
        messages=[
            f"{m['diagnostic']['summary']}: {m['diagnostic'].get('detail', '')}"
            for m in messages
            if m["type"] == "diagnostic"
        ],
        resources=[
            change for change in planned.get("resource_changes", []) if change["mode"] == "managed"
        ],
        policies=planned.get("output_changes", {}).get("policies", {}).get("after", {}),
    )


def test_every_environment_keeps_its_guarantees(plan: Plan) -> None:
    # Given an environment, planned
    # Then every assertion of terraform/tests holds, without a warning
    assert plan.passed, "\n".join(plan.messages)
    assert plan.messages == []


def test_modules_keep_their_promises(terraform: Callable[..., str]) -> None:
    # Given the tests of each module by itself
    files = sorted(path.name for path in (ROOT / "terraform/tests").glob("*.tftest.hcl"))
    chosen = [f"-filter=tests/{name}" for name in files if name.split(".")[0] not in WHOLE]

    # Then all of them pass (in one process, as Terraform is long in starting)
    assert len(chosen) >= 4
    assert "0 failed" in terraform("test", "-no-color", *chosen)


@pytest.mark.parametrize("kind", GUARDED_BY)
def test_no_resource_escapes_the_module_that_guards_it(plan: Plan, kind: str) -> None:
    # Given the resources of a kind that only one module may make
    addresses = [resource["address"] for resource in plan.of_type(kind)]

    # Then each of them is made by it, and there are some
    assert addresses or kind in ON_AWS_ONLY
    assert [a for a in addresses if not a.startswith(GUARDED_BY[kind])] == []


@pytest.mark.parametrize("kind", OF_THE_ACCOUNT)
def test_an_environment_makes_nothing_that_an_account_has_once(plan: Plan, kind: str) -> None:
    assert list(plan.of_type(kind)) == []


def test_no_policy_escapes_the_wildcard_test(plan: Plan) -> None:
    # Given every policy in the plan that allows something (mocked ones are no JSON)
    policies = {r["address"]: r["change"]["after"].get("policy") or "" for r in plan.resources}
    allowing = {
        address: policy
        for address, policy in policies.items()
        if policy.startswith("{")
        and any(statement["Effect"] == "Allow" for statement in json.loads(policy)["Statement"])
    }

    # Then each of them is among those that the wildcard test reads
    assert len(allowing) >= len(plan.policies) > 0
    assert [a for a, policy in allowing.items() if policy not in plan.policies.values()] == []


def test_roles_trust_one_service_and_borrow_no_policy(plan: Plan) -> None:
    # Given every role
    roles = [
        json.loads(r["change"]["after"]["assume_role_policy"]) for r in plan.of_type("aws_iam_role")
    ]
    borrowed = list(plan.of_type("aws_iam_role_policy_attachment"))

    # Then AWS services alone assume them, and no managed policy widens one
    principals = [statement["Principal"] for role in roles for statement in role["Statement"]]
    assert principals
    assert all(set(principal) == {"Service"} for principal in principals)
    assert borrowed == []


def test_every_role_is_under_the_boundary_and_wants_no_more(
    plan: Plan, account: dict[str, Any]
) -> None:
    # Given the roles of an environment, their policies, and its boundary
    roles = [role["change"]["after"] for role in plan.of_type("aws_iam_role")]
    environment = str(roles[0]["name"]).split("-")[1]
    if environment == "local":
        assert {role["permissions_boundary"] for role in roles} == {None}
        return
    policies = [role["change"]["after"]["policy"] for role in plan.of_type("aws_iam_role_policy")]
    granted = [
        (action, resource)
        for policy in policies
        for statement in json.loads(policy)["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
        for resource in statement["Resource"]
    ]
    within = json.loads(account["policies"][f"deploy {environment} boundary"])["Statement"]

    # Then each role has it, and it leaves them all that they have (mocked ARNs name nothing)
    names = {str(role["permissions_boundary"]).rpartition("/")[2] for role in roles}
    assert names == {f"itemstream-boundary-{environment}"}
    assert granted
    assert [
        (action, resource)
        for action, resource in granted
        if not any(
            any(fnmatchcase(action, pattern) for pattern in statement["Action"])
            and (
                "mock" in resource
                or any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
            )
            for statement in within
        )
    ] == []


def test_a_pipeline_may_make_whatever_has_a_name(plan: Plan, account: dict[str, Any]) -> None:
    # Given the pipeline's role of an environment, and the name of everything in its plan
    roles = [str(role["change"]["after"]["name"]) for role in plan.of_type("aws_iam_role")]
    environment = roles[0].split("-")[1]
    if environment == "local":
        return
    role = deploying(account, environment)
    made = [
        (action, arn.format_map(values), {"iam:PermissionsBoundary": str(boundary)})
        for kind, (action, arn) in MADE_BY.items()
        for values in (resource["change"]["after"] for resource in plan.of_type(kind))
        for boundary in [values.get("permissions_boundary")]
    ]

    # Then it may make each of them
    assert len(made) > 400
    assert [call for call in made if not allows(role, *call)] == []


def test_queues_and_logs_are_encrypted_with_our_key(plan: Plan) -> None:
    # Given the key, and everything that keeps messages or logs
    (key,) = (r["change"]["after"]["arn"] for r in plan.of_type("aws_kms_key"))
    queues = [r["change"]["after"]["kms_master_key_id"] for r in plan.of_type("aws_sqs_queue")]
    logs = [r["change"]["after"]["kms_key_id"] for r in plan.of_type("aws_cloudwatch_log_group")]

    # Then all of it is encrypted with that key
    assert queues
    assert logs
    assert set(queues + logs) == {key}


def test_security_groups_are_open_to_named_peers_only(plan: Plan) -> None:
    # Given the rules of the security groups
    rules = [
        rule["change"]["after"]
        for direction in ("ingress", "egress")
        for rule in plan.of_type(f"aws_vpc_security_group_{direction}_rule")
    ]

    # Then none names an address range, and nothing leads out of the VPC
    assert [rule for rule in rules if rule["cidr_ipv4"] or rule["cidr_ipv6"]] == []
    ways_out = ("aws_eip", "aws_internet_gateway", "aws_nat_gateway", "aws_route")
    assert [r for kind in ways_out for r in plan.of_type(kind)] == []
    # The classic way to say the same, which the rules above would not show
    inline = [r for r in plan.of_type("aws_security_group") if r["change"]["after"].get("ingress")]
    assert [r for r in inline if r["change"]["after"]["ingress"] != []] == []
