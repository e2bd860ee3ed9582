# What has an id instead of a name is kept apart by its tag: nothing that carries another environment's
# may be changed. What carries none, as it is of somebody else or cannot be tagged, is not held by this:
# an account is as much as can be kept apart for sure.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html

locals {
  changes = {
    acm                       = ["AddTagsToCertificate", "DeleteCertificate", "RemoveTagsFromCertificate"]
    apigateway                = ["DELETE", "PATCH", "POST", "PUT", "SetWebACL", "UpdateRestApiPolicy"]
    "application-autoscaling" = ["Delete*", "Deregister*", "Put*", "Register*", "TagResource", "UntagResource"]
    ec2                       = ["Associate*", "Attach*", "Authorize*", "Create*", "Delete*", "Detach*", "Disassociate*", "Modify*", "Release*", "Replace*", "Revoke*"]
    elasticache               = ["Add*", "Create*", "Delete*", "Modify*", "Remove*"]
    lambda                    = ["TagResource", "UntagResource", "*EventSourceMapping"]
    rds                       = ["Add*", "Create*", "Delete*", "Deregister*", "Modify*", "Reboot*", "Register*", "Remove*"]
  }

  other_environments_statements = [
    {
      Effect   = "Deny"
      Action   = flatten([for service, actions in local.changes : [for action in actions : "${service}:${action}"]])
      Resource = ["*"]
      # A test for what is not so holds where there is no tag at all, too.
      Condition = {
        StringNotLike = { "aws:ResourceTag/Environment" = local.environments }
        Null          = { "aws:ResourceTag/Environment" = "false" }
      }
    },
    {
      # The settings that all gateways of a region share are terraform/bootstrap's.
      Effect   = "Deny"
      Action   = ["apigateway:PATCH"]
      Resource = ["arn:aws:apigateway:${local.region}::/account"]
    },
  ]
}
