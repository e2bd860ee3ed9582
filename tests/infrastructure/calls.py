"""What the commands of a pipeline call on AWS, and by which role.

`{e}` is an environment's name. A call with a context is told apart from another environment's by a
tag, one without and without `{e}` is about what environments share.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.infrastructure.iam import PLACE, REGION

__all__ = ["BY_ROLE", "Call"]

_TAG = "aws:ResourceTag/Environment"
_STATE = "arn:aws:s3:::itemstream-state-111122223333"
_FUNCTION = f"arn:aws:lambda:{PLACE}:function:itemstream-{{e}}-create-item"
# As terraform/tests/mocks names every repository.
_IMAGES = f"arn:aws:ecr:{PLACE}:repository/itemstream-mock"
_AUDIT = f"arn:aws:logs:{PLACE}:log-group:/itemstream/{{e}}/audit"
_RELEASES = f"arn:aws:codedeploy:{PLACE}:deploymentgroup:itemstream-{{e}}-functions/x"
_APPLICATION = f"arn:aws:codedeploy:{PLACE}:application:itemstream-{{e}}-functions"
# CodeDeploy names no resource to IAM where it is told an id only.
_BY_ID = "*"
_OBJECT = "arn:aws:s3:::itemstream-{e}-artifacts-111122223333/crud/1.zip"
_OWNER = f"arn:aws:secretsmanager:{PLACE}:secret:rds!db-1"
_ANY_KEY = f"arn:aws:kms:{PLACE}:key/1"


@dataclass(frozen=True)
class Call:
    """
    One call.

    Parameters
    ----------
    action, resource
        As IAM knows them.
    context
        Condition keys; a tag's value names the environment.
    """

    action: str
    resource: str
    context: dict[str, str] = field(default_factory=dict)

    def of(self, environment: str) -> tuple[str, str, dict[str, str]]:
        """Return the call for one environment."""
        context = {key: value.format(e=environment) for key, value in self.context.items()}
        return self.action, self.resource.format(e=environment), context

    @property
    def shared(self) -> bool:
        """Whether it is about what all environments have together."""
        return self.of("one") == self.of("other")


def _tagged(action: str, resource: str, **more: str) -> Call:
    return Call(action, resource, {_TAG: "{e}", **more})


_READ_STATE = [
    Call("s3:ListBucket", _STATE),
    Call("s3:GetBucketLocation", _STATE),
    Call("s3:GetObject", f"{_STATE}/{{e}}.tfstate"),
]
_SEE_IMAGES = [Call("ecr:BatchGetImage", _IMAGES)]
_READ_ARCHIVES = [
    Call("s3:GetObject", _OBJECT),
    # The provider asks for the tags of each object, and cannot go on without.
    Call("s3:GetObjectTagging", _OBJECT),
    Call("kms:Decrypt", _ANY_KEY, {_TAG: "{e}", "kms:EncryptionContext:aws:s3:arn": _OBJECT}),
]
_READ_HISTORY = [
    Call("logs:FilterLogEvents", f"{_AUDIT}:log-stream:releases"),
    Call("codedeploy:GetDeployment", _BY_ID),
]
_WRITE_HISTORY = [
    Call("logs:CreateLogStream", f"{_AUDIT}:log-stream:releases"),
    Call("logs:PutLogEvents", f"{_AUDIT}:log-stream:releases"),
]
_MOVE_ALIASES = [
    Call("lambda:GetAlias", _FUNCTION),
    Call("lambda:ListVersionsByFunction", _FUNCTION),
    Call("lambda:UpdateAlias", _FUNCTION),
    Call("codedeploy:GetApplication", _APPLICATION),
    Call("codedeploy:ListDeployments", _BY_ID),
    Call("codedeploy:CreateDeployment", _RELEASES),
    # CreateDeployment looks at them for its caller.
    Call("codedeploy:GetDeploymentConfig", _BY_ID),
    Call("codedeploy:RegisterApplicationRevision", _APPLICATION),
    Call("codedeploy:GetApplicationRevision", _APPLICATION),
]
_PLAN = [*_READ_STATE, *_SEE_IMAGES, *_READ_ARCHIVES]
_WAYS_TO_DEPLOY = {
    # Once more, right before the apply.
    "plan": _PLAN,
    "apply": [
        *_READ_STATE,
        *_SEE_IMAGES,
        *_READ_ARCHIVES,
        Call("ecr:PutImage", _IMAGES),
        Call("s3:PutObject", f"{_STATE}/{{e}}.artifacts.json"),
        Call("s3:PutObject", f"{_STATE}/{{e}}.tfstate"),
        Call("s3:PutObject", f"{_STATE}/{{e}}.tfstate.tflock"),
        Call("s3:DeleteObject", f"{_STATE}/{{e}}.tfstate.tflock"),
        Call("s3:PutObject", _OBJECT),
        Call("logs:CreateLogGroup", _AUDIT),
        Call("logs:PutRetentionPolicy", _AUDIT),
        Call("logs:AssociateKmsKey", _AUDIT),
        # RDS makes the secret of the database's owner in its caller's name.
        # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
        Call("secretsmanager:CreateSecret", _OWNER),
        Call("secretsmanager:TagResource", _OWNER),
        Call("kms:DescribeKey", _ANY_KEY),
        _tagged("kms:CreateGrant", _ANY_KEY),
        # What has an id instead of a name.
        Call("ec2:CreateVpc", f"arn:aws:ec2:{PLACE}:vpc/*"),
        Call("apigateway:POST", f"arn:aws:apigateway:{REGION}::/restapis"),
        _tagged("ec2:DeleteSubnet", f"arn:aws:ec2:{PLACE}:subnet/subnet-1"),
        _tagged("ec2:RevokeSecurityGroupEgress", f"arn:aws:ec2:{PLACE}:security-group/sg-1"),
        _tagged("ec2:ModifyVpcAttribute", f"arn:aws:ec2:{PLACE}:vpc/vpc-1"),
        _tagged("ec2:CreateTags", f"arn:aws:ec2:{PLACE}:vpc/vpc-1"),
        _tagged("apigateway:DELETE", f"arn:aws:apigateway:{REGION}::/restapis/a1"),
        _tagged("apigateway:PATCH", f"arn:aws:apigateway:{REGION}::/apis/a1/routes/r1"),
        _tagged("acm:DeleteCertificate", f"arn:aws:acm:{PLACE}:certificate/1"),
        _tagged("rds:DeleteDBProxy", f"arn:aws:rds:{PLACE}:db-proxy:prx-1"),
        _tagged(
            "application-autoscaling:DeregisterScalableTarget",
            f"arn:aws:application-autoscaling:{PLACE}:scalable-target/1",
        ),
        Call(
            "lambda:DeleteEventSourceMapping",
            f"arn:aws:lambda:{PLACE}:event-source-mapping:1",
            {"lambda:FunctionArn": f"{_FUNCTION}:live"},
        ),
        Call("elasticache:DeleteUser", f"arn:aws:elasticache:{PLACE}:user:itemstream-{{e}}-x"),
    ],
    "migrate": [Call("lambda:InvokeFunction", f"{_FUNCTION}:live")],
    "deploy": [
        *_MOVE_ALIASES,
        *_READ_HISTORY,
        *_WRITE_HISTORY,
        Call("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{PLACE}:alarm:*"),
    ],
    "rollback": [
        *_MOVE_ALIASES,
        *_READ_HISTORY,
        *_WRITE_HISTORY,
        Call("codedeploy:StopDeployment", _BY_ID),
    ],
    "history": _READ_HISTORY,
    "smoke": [
        *_READ_STATE,
        Call(
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:{PLACE}:secret:itemstream-{{e}}-token-signing-abcdef",
        ),
        Call(
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:{PLACE}:secret:itemstream-{{e}}-canary-client-abcdef",
        ),
        _tagged("kms:Decrypt", _ANY_KEY),
    ],
}

# By role (`deploy` is one for each environment) and command.
BY_ROLE: dict[str, dict[str, list[Call]]] = {
    "plan": {
        "plan": _PLAN,
        "drift": [
            *_READ_STATE,
            *_READ_ARCHIVES,
            Call("s3:GetObject", f"{_STATE}/{{e}}.artifacts.json"),
        ],
    },
    "push": {
        "push": [
            *_SEE_IMAGES,
            Call("ecr:GetAuthorizationToken", "*"),
            Call("ecr:InitiateLayerUpload", _IMAGES),
            Call("ecr:UploadLayerPart", _IMAGES),
            Call("ecr:CompleteLayerUpload", _IMAGES),
            Call("ecr:BatchCheckLayerAvailability", _IMAGES),
            Call("ecr:PutImage", _IMAGES),
        ]
    },
    "deploy": _WAYS_TO_DEPLOY,
    # Only where a pipeline may take away what an environment keeps.
    "destroy": {
        "destroy": [
            *_READ_STATE,
            Call("s3:GetObject", f"{_STATE}/{{e}}.artifacts.json"),
            Call("s3:DeleteObject", f"{_STATE}/{{e}}.artifacts.json"),
            Call("s3:DeleteObject", f"{_STATE}/{{e}}.tfstate"),
            Call("s3:ListBucketVersions", "arn:aws:s3:::itemstream-{e}-uploads-111122223333"),
            Call("s3:DeleteObject", "arn:aws:s3:::itemstream-{e}-uploads-111122223333/1"),
            Call("s3:DeleteObjectVersion", "arn:aws:s3:::itemstream-{e}-uploads-111122223333/1"),
            Call("s3:DeleteBucket", "arn:aws:s3:::itemstream-{e}-uploads-111122223333"),
            Call(
                "dynamodb:DescribeTable", f"arn:aws:dynamodb:{PLACE}:table/itemstream-{{e}}-items"
            ),
            Call("dynamodb:DeleteTable", f"arn:aws:dynamodb:{PLACE}:table/itemstream-{{e}}-items"),
            Call("rds:DeleteDBInstance", f"arn:aws:rds:{PLACE}:db:itemstream-{{e}}"),
            Call("logs:DeleteLogGroup", _AUDIT),
        ]
    },
}
