"""The most that the roles of an environment can have, as its pipeline writes their policies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infrastructure.iam import PLACE, allows
from tests.infrastructure.policies import statements

ENVIRONMENTS = ("dev", "prod", "staging")
# What a role of one environment would do to another's, if it could: the call, and its context.
REACHING_OUT: list[tuple[str, str, dict[str, str]]] = [
    ("dynamodb:GetItem", f"arn:aws:dynamodb:{PLACE}:table/itemstream-{{e}}-items", {}),
    ("elasticache:Connect", f"arn:aws:elasticache:{PLACE}:replicationgroup:itemstream-{{e}}", {}),
    ("elasticache:Connect", f"arn:aws:elasticache:{PLACE}:user:itemstream-{{e}}-functions", {}),
    ("kms:Decrypt", f"arn:aws:kms:{PLACE}:key/1", {"aws:ResourceTag/Environment": "{e}"}),
    ("lambda:InvokeFunction", f"arn:aws:lambda:{PLACE}:function:itemstream-{{e}}-x:live", {}),
    ("logs:GetLogEvents", f"arn:aws:logs:{PLACE}:log-group:/aws/lambda/itemstream-{{e}}-x:1", {}),
    ("logs:PutLogEvents", f"arn:aws:logs:{PLACE}:log-group:/aws/vpc/itemstream-{{e}}:1", {}),
    (
        "secretsmanager:GetSecretValue",
        f"arn:aws:secretsmanager:{PLACE}:secret:rds!db-1",
        {
            "aws:ResourceTag/aws:rds:primaryDBInstanceArn": (
                f"arn:aws:rds:{PLACE}:db:itemstream-{{e}}"
            )
        },
    ),
]
# What no role that functions have is ever to do.
NOBODYS = [
    ("cloudwatch:DeleteAlarms", f"arn:aws:cloudwatch:{PLACE}:alarm:itemstream-{{e}}-x"),
    ("cloudwatch:DisableAlarmActions", f"arn:aws:cloudwatch:{PLACE}:alarm:itemstream-{{e}}-x"),
    ("codedeploy:StopDeployment", "*"),
    ("ec2:DeleteSubnet", f"arn:aws:ec2:{PLACE}:subnet/subnet-1"),
    ("execute-api:Invoke", f"arn:aws:execute-api:{PLACE}:a1/v1/GET/items"),
    ("iam:PassRole", "arn:aws:iam::111122223333:role/itemstream-{e}-x"),
    ("iam:PutRolePolicy", "arn:aws:iam::111122223333:role/itemstream-{e}-x"),
    ("logs:FilterLogEvents", f"arn:aws:logs:{PLACE}:log-group:/itemstream/{{e}}/audit:1"),
    ("rds-db:connect", f"arn:aws:rds-db:{PLACE}:dbuser:prx-1/admin"),
    ("sts:AssumeRole", "arn:aws:iam::111122223333:role/itemstream-deploy-{e}"),
]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_role_of_an_environment_reaches_another(
    account: dict[str, Any], environment: str
) -> None:
    # Given the most that a role of an environment can have
    within = statements(account, f"deploy {environment} boundary")

    def allowed(name: str) -> list[str]:
        return [
            action
            for action, arn, context in REACHING_OUT
            if allows(
                within,
                action,
                arn.format(e=name),
                {key: value.format(e=name) for key, value in context.items()},
            )
        ]

    # Then it is enough for its own, and for nothing of another's
    assert allowed(environment) == [action for action, _, _ in REACHING_OUT]
    assert allowed("staging" if environment == "prod" else "prod") == []
    # And some things it is for nobody
    beyond = [(action, arn.format(e=environment)) for action, arn in NOBODYS]
    assert [call for call in beyond if allows(within, *call)] == []
