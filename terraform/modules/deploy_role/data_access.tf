# The little of what an environment keeps that its pipeline reads or writes, and what is made under
# names that are not the environment's.

locals {
  audit = "arn:aws:logs:${local.place}:log-group:/itemstream/${local.environments}/audit"

  data_statements = [
    {
      # A key gets its tag as it is made, and only then.
      Effect    = "Allow"
      Action    = ["kms:CreateKey", "kms:TagResource"]
      Resource  = ["*"]
      Condition = { StringLike = { "aws:RequestTag/Environment" = local.environments }, StringLikeIfExists = { "aws:ResourceTag/Environment" = local.environments } }
    },
    {
      # Archives of Zip functions and of the layer.
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectTagging"]
      Resource = [for name in local.names : "arn:aws:s3:::${trimsuffix(name, "-*")}-artifacts-${local.account_id}/*"]
    },
    {
      # Who deployed what: commands add to it, and none takes away from it.
      Effect = "Allow"
      Action = concat(
        [for action in ["AssociateKmsKey", "CreateLogGroup", "CreateLogStream", "FilterLogEvents", "ListTagsForResource", "PutLogEvents", "PutRetentionPolicy", "TagResource", "UntagResource"] : "logs:${action}"],
        var.may_destroy ? ["logs:DeleteLogGroup"] : [],
      )
      Resource = [local.audit, "${local.audit}:*"]
    },
    {
      # The smoke test signs a token, where tokens are signed with our own keys, or asks the issuer for
      # one as the canary does.
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = flatten([for name in local.names : [for secret in ["canary-client", "token-signing"] : "arn:aws:secretsmanager:${local.place}:secret:${trimsuffix(name, "-*")}-${secret}-??????"]])
    },
    {
      # RDS makes the secret of a database's owner in its caller's name.
      # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html#rds-secrets-manager-permissions
      Effect   = "Allow"
      Action   = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
      Resource = ["arn:aws:secretsmanager:${local.place}:secret:rds!db-*"]
    },
    {
      # Event source mappings have ids instead of names, but belong to functions that have.
      # https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
      Effect    = "Allow"
      Action    = [for verb in ["Create", "Delete", "Update"] : "lambda:${verb}EventSourceMapping"]
      Resource  = ["*"]
      Condition = { ArnLike = { "lambda:FunctionArn" = [for name in local.names : "arn:aws:lambda:${local.place}:function:${name}"] } }
    },
  ]
}
