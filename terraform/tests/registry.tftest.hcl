# What the repositories of images promise.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name         = "itemstream"
  families     = ["calls", "crud"]
  accounts     = ["444455556666"]
  environments = ["prod", "dev"]
}

run "repositories" {
  command = plan

  module {
    source = "./modules/registry"
  }

  assert {
    condition     = toset([for repository in aws_ecr_repository.this : repository.name]) == toset(["itemstream-calls", "itemstream-crud"])
    error_message = "Every family must have its repository."
  }

  assert {
    condition = alltrue([
      for repository in aws_ecr_repository.this :
      repository.image_tag_mutability == "IMMUTABLE" && !repository.force_delete &&
      one(repository.image_scanning_configuration[*].scan_on_push) &&
      one(repository.encryption_configuration[*].encryption_type) == "KMS" &&
      one(repository.encryption_configuration[*].kms_key) == aws_kms_key.this.arn
    ]) && aws_kms_key.this.enable_key_rotation
    error_message = "Images must keep their tags, be scanned when they come, be encrypted with our key, and not go with a repository."
  }

  assert {
    condition = toset(flatten([
      for policy in aws_ecr_repository_policy.this : [
        for statement in jsondecode(policy.policy).Statement : [
          for action in statement.Action : join(" ", [action, join("", values(statement.Principal)), try(statement.Condition.ArnLike["aws:SourceArn"], ""), try(statement.Condition.StringEquals["aws:SourceAccount"], "")])
        ]
      ]
      ])) == toset(flatten([
      ["ecr:PutImage arn:aws:iam::444455556666:root  "],
      [for action in ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] : [
        "${action} lambda.amazonaws.com arn:aws:lambda:eu-central-1:111122223333:function:itemstream-* 111122223333",
        "${action} lambda.amazonaws.com arn:aws:lambda:eu-central-1:444455556666:function:itemstream-* 444455556666",
        "${action} arn:aws:iam::444455556666:root  ",
      ]],
    ]))
    error_message = "Nobody but our functions, and who deploys them elsewhere, may pull, and nobody may push layers by a repository's policy."
  }

  assert {
    condition = alltrue([
      for policy in aws_ecr_lifecycle_policy.this : [
        for rule in jsondecode(policy.policy).rules : "${rule.rulePriority} ${rule.selection.tagStatus} ${join(",", rule.selection.tagPatternList)} ${rule.selection.countType} ${rule.selection.countNumber} ${rule.action.type}"
        ] == [
        "1 tagged deployed-prod-* imageCountMoreThan 100 expire",
        "2 tagged deployed-dev-* imageCountMoreThan 100 expire",
        "3 tagged built-* imageCountMoreThan 10 expire",
      ]
    ])
    error_message = "What is deployed must stay whatever else is built or deployed elsewhere, production's first, and so must the last ten that were built."
  }
}

run "to_be_taken_down" {
  command = plan

  module {
    source = "./modules/registry"
  }

  variables {
    deletion_protection = false
  }

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.force_delete])
    error_message = "Without protection a repository must go with its images."
  }
}
