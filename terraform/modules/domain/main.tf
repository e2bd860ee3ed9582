# A name of one's own for one API. A WebSocket API can't share a name with another.

locals {
  certificate_made = var.certificate_arn == null
  name_made        = var.zone_id != null
}

resource "aws_acm_certificate" "this" {
  count = local.certificate_made ? 1 : 0

  domain_name       = var.name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # One name, so one record.
  validation = [for certificate in aws_acm_certificate.this : one(certificate.domain_validation_options)]
}

resource "aws_route53_record" "validation" {
  count = local.certificate_made ? 1 : 0

  zone_id = var.zone_id
  name    = local.validation[0].resource_record_name
  type    = local.validation[0].resource_record_type
  records = [local.validation[0].resource_record_value]
  ttl     = 300
  # The same for every certificate of the name, in another region too.
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  count = local.certificate_made ? 1 : 0

  certificate_arn         = aws_acm_certificate.this[0].arn
  validation_record_fqdns = aws_route53_record.validation[*].fqdn
}

resource "aws_apigatewayv2_domain_name" "this" {
  domain_name = var.name

  domain_name_configuration {
    certificate_arn = local.certificate_made ? aws_acm_certificate_validation.this[0].certificate_arn : var.certificate_arn
    endpoint_type   = "REGIONAL"
    # The oldest that it takes; 1.3 is taken too.
    security_policy = "TLS_1_2"
  }

  dynamic "mutual_tls_authentication" {
    for_each = var.truststore[*]
    content {
      truststore_uri     = mutual_tls_authentication.value.uri
      truststore_version = mutual_tls_authentication.value.version
    }
  }
}

# Under the stage's name, so that paths are the same as at API Gateway's own address.
resource "aws_apigatewayv2_api_mapping" "this" {
  domain_name     = aws_apigatewayv2_domain_name.this.id
  api_id          = var.api.id
  stage           = var.api.stage
  api_mapping_key = var.api.stage
}

resource "aws_route53_record" "name" {
  count = local.name_made ? 1 : 0

  zone_id = var.zone_id
  name    = var.name
  type    = "A"

  alias {
    name                   = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].target_domain_name
    zone_id                = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].hosted_zone_id
    evaluate_target_health = false
  }
}
