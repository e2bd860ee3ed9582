# What the module of domain names makes, and what it refuses.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name = "api.example.com"
  api  = { id = "a1b2c3d4e5", stage = "v1", scheme = "https" }
}

run "name_and_certificate_made" {
  command = plan

  module {
    source = "./modules/domain"
  }

  variables {
    zone_id = "Z1234567890"
  }

  assert {
    condition = (
      one(aws_acm_certificate.this).domain_name == "api.example.com" && one(aws_acm_certificate.this).validation_method == "DNS" &&
      one(aws_route53_record.validation).zone_id == "Z1234567890" && one(aws_route53_record.validation).name == "_mock.api.example.com" &&
      one(aws_route53_record.name).name == "api.example.com" && one(aws_route53_record.name).type == "A"
    )
    error_message = "In a zone of ours, name and certificate must be made."
  }

  assert {
    condition     = one(aws_apigatewayv2_domain_name.this.domain_name_configuration[*].security_policy) == "TLS_1_2" && one(aws_apigatewayv2_domain_name.this.domain_name_configuration[*].endpoint_type) == "REGIONAL"
    error_message = "Nothing older than TLS 1.2 may be spoken."
  }

  assert {
    condition     = length(aws_apigatewayv2_domain_name.this.mutual_tls_authentication) == 0
    error_message = "Without a truststore anybody may connect."
  }

  assert {
    condition     = output.url == "https://api.example.com/v1" && aws_apigatewayv2_api_mapping.this.stage == "v1" && aws_apigatewayv2_api_mapping.this.api_id == "a1b2c3d4e5"
    error_message = "Paths under the name must be those of API Gateway's own address."
  }
}

run "name_and_certificate_given" {
  command = plan

  module {
    source = "./modules/domain"
  }

  variables {
    certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/given"
    truststore      = { uri = "s3://example-certificates/clients.pem", version = "3" }
  }

  assert {
    condition     = length(aws_acm_certificate.this) + length(aws_route53_record.validation) + length(aws_route53_record.name) == 0 && one(aws_apigatewayv2_domain_name.this.domain_name_configuration[*].certificate_arn) == var.certificate_arn
    error_message = "Without a zone, name and certificate are somebody else's."
  }

  assert {
    condition     = one(aws_apigatewayv2_domain_name.this.mutual_tls_authentication[*].truststore_uri) == "s3://example-certificates/clients.pem" && one(aws_apigatewayv2_domain_name.this.mutual_tls_authentication[*].truststore_version) == "3"
    error_message = "With a truststore, clients must have a certificate from it."
  }
}

run "what_it_refuses" {
  command = plan

  module {
    source = "./modules/domain"
  }

  variables {
    api        = { id = "w1s2a3p4i5", stage = "v1", scheme = "wss" }
    truststore = { uri = "s3://example-certificates/clients.pem" }
  }

  expect_failures = [var.certificate_arn, var.truststore]
}
