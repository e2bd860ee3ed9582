# What the firewall of an API refuses, and what it tells.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "rules" {
  command = plan

  module {
    source = "./modules/web_acl"
  }

  variables {
    name                 = "itemstream-test-rest"
    resource_arns        = { rest = "arn:aws:apigateway:eu-central-1::/restapis/a1b2c3d4e5/stages/v1" }
    requests_per_address = 100
    counted              = { AWSManagedRulesCommonRuleSet = ["SizeRestrictions_BODY"] }
    kms_key_arn          = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
    log_retention_days   = 7
  }

  assert {
    condition = {
      for rule in aws_wafv2_web_acl.this.rule : rule.priority => rule.name
      } == {
      0 = "requests-of-an-address"
      1 = "AWSManagedRulesAmazonIpReputationList"
      2 = "AWSManagedRulesKnownBadInputsRuleSet"
      3 = "AWSManagedRulesCommonRuleSet"
    }
    error_message = "An address must be limited, and AWS's rules be asked, the cheapest first."
  }

  assert {
    condition = alltrue([
      for rule in aws_wafv2_web_acl.this.rule : length(rule.action[*].block) == 1 && one(one(rule.statement).rate_based_statement).limit == 100 && one(one(rule.statement).rate_based_statement).aggregate_key_type == "IP"
      if rule.priority == 0
    ])
    error_message = "An address that asks for too much must be refused."
  }

  assert {
    condition = {
      for rule in aws_wafv2_web_acl.this.rule : rule.name => join(",", [for override in one(one(rule.statement).managed_rule_group_statement).rule_action_override : override.name]) if rule.priority > 0
      } == {
      AWSManagedRulesAmazonIpReputationList = ""
      AWSManagedRulesKnownBadInputsRuleSet  = ""
      AWSManagedRulesCommonRuleSet          = "SizeRestrictions_BODY"
    }
    error_message = "Only the rules that are named may be counted instead of blocking."
  }

  assert {
    condition     = one(values(aws_wafv2_web_acl_association.this)).resource_arn == "arn:aws:apigateway:eu-central-1::/restapis/a1b2c3d4e5/stages/v1"
    error_message = "The firewall must stand before the API."
  }

  assert {
    condition = (
      startswith(aws_cloudwatch_log_group.this.name, "aws-waf-logs-") && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn &&
      contains(flatten([for field in aws_wafv2_web_acl_logging_configuration.this.redacted_fields : field.single_header[*].name]), "authorization") &&
      alltrue([for rule in aws_wafv2_web_acl.this.rule : !one(rule.visibility_config).sampled_requests_enabled])
    )
    error_message = "What is refused must be logged, encrypted with our key and without tokens."
  }
}
