# Finds what policies allow by wildcard, and to whom, beyond what is listed here with its reason.

terraform {
  required_version = ">= 1.11"
}

variable "policies" {
  description = "Policy documents, as JSON by name."
  type        = map(string)
}

locals {
  # Each a regular expression over "<policy>: <action> on <resource>".
  allowed = {
    "X-Ray knows no resources."                                                                                          = "^\\w+: xray:Put(TraceSegments|TelemetryRecords) on \\*$"
    "Lambda makes network interfaces with the role, before they have names; the function's own code is denied the same." = "^\\w+: ec2:(Create|Delete|Describe)NetworkInterfaces? on \\*$|^\\w+: ec2:DescribeSubnets on \\*$|^\\w+: ec2:(Assign|Unassign)PrivateIpAddresses on \\*$"
    "Lambda, flow logs and RDS name the streams of a log group themselves."                                              = "^[\\w-]+: logs:(CreateLogStream|DescribeLogStreams|GetLogEvents|PutLogEvents) on arn:aws:logs:[^*]+:log-group:[^*]+:log-stream:\\*$"
    "CodeDeploy moves the aliases of one environment's functions."                                                       = "^deployments: lambda:(GetAlias|UpdateAlias|GetProvisionedConcurrencyConfig) on arn:aws:lambda:[^*]+:function:itemstream-[a-z0-9]+-\\*$"
    "CodeDeploy asks for alarms by name, which CloudWatch's policies cannot say."                                        = "^deployments: cloudwatch:DescribeAlarms on \\*$"
    "CloudWatch's metrics are no resources."                                                                             = "^health_checker: cloudwatch:GetMetricData on \\*$"
    "Every dead-letter queue of one environment, to be counted."                                                         = "^health_checker: sqs:(GetQueueUrl|GetQueueAttributes) on arn:aws:sqs:[^*]+:itemstream-[a-z0-9]+-\\*-dead-letters$"
    "Versions have no list of names: those of one environment's functions, never a function itself."                     = "^cleanup_job: lambda:(ListAliases|ListVersionsByFunction) on arn:aws:lambda:[^*]+:function:itemstream-[a-z0-9]+-\\*$|^cleanup_job: lambda:DeleteFunction on arn:aws:lambda:[^*]+:function:itemstream-[a-z0-9]+-\\*:\\*$"
    "Objects have no list of names: all of one bucket."                                                                  = "^\\w+: s3:((Get|Put|Delete)Object(Version)?|AbortMultipartUpload) on arn:aws:s3:::[^*]+/\\*$"
    "An endpoint's policy is the outermost bound: the roles' own say which actions."                                     = "^(dynamodb|s3|secretsmanager|sqs)-endpoint: (dynamodb|s3|secretsmanager|sqs):\\* on arn:aws:(dynamodb|s3|secretsmanager|sqs):[^*]+(/\\*|/index/\\*|:itemstream-[a-z0-9]+-\\*)?$"
    "ListStreams knows all streams of one table."                                                                        = "^\\w+: dynamodb:ListStreams on arn:aws:dynamodb:[^*]+:table/[^*]+/stream/\\*$"
    "Connections have no list of names: all of one stage."                                                               = "^\\w+: execute-api:ManageConnections on arn:aws:execute-api:[^*]+:[^*]+/[^*]+/(POST|DELETE)/@connections/\\*$"
    "In a key's policy * is that key, and the account must administer it."                                               = "^key: kms:(\\w+|\\*) on \\*$"
  }

  statements = flatten([
    for name, document in var.policies : [
      for statement in jsondecode(document).Statement : {
        policy     = name
        actions    = flatten([statement.Action])
        resources  = flatten([statement.Resource])
        principals = flatten([try(values(statement.Principal), try(statement.Principal, []))])
        # Who has no credentials has no account either.
        bound = can(regex("^\\d{12}$", try(statement.Condition.StringEquals["aws:PrincipalAccount"], "")))
      } if statement.Effect == "Allow"
    ]
  ])

  grants = flatten([
    for statement in local.statements : [
      for pair in setproduct(statement.actions, statement.resources) : "${statement.policy}: ${pair[0]} on ${pair[1]}"
    ]
  ])
}

output "unexpected" {
  description = "Grants by wildcard that are not on the list."
  value       = [for grant in local.grants : grant if strcontains(grant, "*") && !anytrue([for pattern in values(local.allowed) : can(regex(pattern, grant))])]
}

output "public" {
  description = "Policies that allow something to everybody, and not only to one account's."
  value       = distinct([for statement in local.statements : statement.policy if contains(statement.principals, "*") && !statement.bound])
}
