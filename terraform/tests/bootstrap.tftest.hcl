# What an account gets before anything is deployed. The policies are looked at by
# tests/infrastructure/test_deploy_roles.py, which runs this.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  repository = "acme/itemstream"
  families   = ["calls", "crud"]
  environments = {
    dev     = { github_environments = ["dev", "preview"], copies = true, may_destroy = true }
    prod    = { github_environments = ["prod"] }
    staging = { github_environments = ["staging"] }
  }
}

run "bootstrap" {
  command = plan

  module {
    source = "./bootstrap"
  }

  assert {
    condition = (
      module.state.protection.versioning == "Enabled" && module.state.protection.kms_key_arn == aws_kms_key.state.arn &&
      module.state.protection.public_access_blocked && module.state.protection.tls_only && aws_kms_key.state.enable_key_rotation
    )
    error_message = "The state must be versioned, encrypted with a key of its own, closed to the public, and read over TLS only."
  }

  assert {
    condition     = toset(keys(module.registry.repositories)) == toset(["calls", "crud"])
    error_message = "Every family must have a repository before anything is deployed."
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 1 && aws_iam_openid_connect_provider.github[0].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "GitHub must be known to the account, for AWS's audience alone."
  }

  assert {
    condition = (
      aws_api_gateway_account.this[0].cloudwatch_role_arn == aws_iam_role.gateway_logs[0].arn &&
      jsondecode(aws_iam_role.gateway_logs[0].assume_role_policy).Statement[0].Principal.Service == "apigateway.amazonaws.com" &&
      aws_iam_role_policy_attachment.gateway_logs[0].role == aws_iam_role.gateway_logs[0].name
    )
    error_message = "API Gateway must have a role to write logs with before an environment makes a stage."
  }
}

run "others_came_first" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    makes_identity_provider = false
    sets_gateway_account    = false
    environments            = { prod = { github_environments = ["prod"] } }
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "A provider that is there must not be made again."
  }

  assert {
    condition     = length(aws_api_gateway_account.this) == 0
    error_message = "The role that others gave API Gateway must not be taken from it."
  }
}

run "a_dangerous_name" {
  command = plan

  module {
    source = "./modules/deploy_role"
  }

  variables {
    environment  = "deploy"
    trust_policy = "{}"
    state        = { bucket_arn = "arn:aws:s3:::state", kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/1" }
  }

  expect_failures = [var.environment]
}

run "a_name_within_a_copied_one" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    environments = {
      dev        = { github_environments = ["dev"], copies = true }
      developers = { github_environments = ["developers"] }
    }
  }

  expect_failures = [var.environments]
}
