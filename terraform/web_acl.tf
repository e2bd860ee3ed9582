# The firewall of the REST API. API Gateway has none for HTTP and WebSocket APIs, which are throttled
# and authorized all the same.

module "web_acl" {
  source = "./modules/web_acl"
  count  = var.web_acl == null ? 0 : 1

  name                 = "${local.name}-rest"
  resource_arns        = { rest = module.rest_api.stage_arn }
  requests_per_address = var.web_acl.requests_per_address
  counted              = { AWSManagedRulesCommonRuleSet = var.web_acl.counted_rules }
  log_retention_days   = var.log_retention_days
  kms_key_arn          = aws_kms_key.data.arn
}
